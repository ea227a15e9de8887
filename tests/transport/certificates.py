"""Certificates as peers may present them, made with pyca/cryptography, so that our parser is not its own judge."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from jamliquor_lite.transport.quic_certificate import Identity, alt_name

SEED = bytes([7]) * 32
KEY = ed25519.Ed25519PrivateKey.from_private_bytes(SEED)
PUBLIC = KEY.public_key().public_bytes_raw()
NAME = alt_name(PUBLIC)
OTHER_NAME = alt_name(bytes(32))
EKU = x509.ObjectIdentifier("2.5.29.37")
RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED448_KEY = ed448.Ed448PrivateKey.generate()


def make(names=(NAME,), key=KEY, signer=None, extra=(), seconds=3600, general=None, critical=False):
    """A certificate; `general` replaces the DNS names by any GeneralNames, `extra` adds (oid, DER) extensions."""
    signer = signer or key
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "peer")])
    now = datetime.datetime(2001, 1, 1)  # long over: dates are not checked
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(99)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(seconds=seconds))
    )
    for oid, der in extra:
        builder = builder.add_extension(x509.UnrecognizedExtension(oid, der), critical=False)
    general = [x509.DNSName(name) for name in names] if general is None else general
    if general:
        builder = builder.add_extension(x509.SubjectAlternativeName(general), critical=critical)
    algorithm = (
        None if isinstance(signer, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)) else hashes.SHA256()
    )
    return builder.sign(signer, algorithm)


def der(certificate):
    return certificate.public_bytes(Encoding.DER)


def presenting(certificate, key=KEY):
    """An identity that presents this certificate with this key, whatever they say; None for no certificate."""
    identity = Identity(SEED)
    identity.certificate = certificate
    identity.private_key = key if certificate is not None else None
    return identity


# (what it is, the certificate, its key, words of the reason)
BAD = [
    ("another key's name", make((OTHER_NAME,)), KEY, "its key makes it"),
    ("two names", make((NAME, OTHER_NAME)), KEY, "has 2 alternative names"),
    ("its name twice", make((NAME, NAME)), KEY, "has 2 alternative names"),
    ("no name", make(()), KEY, "has 0 alternative names"),
    (
        "name and address",
        make(general=[x509.DNSName(NAME), x509.IPAddress(__import__("ipaddress").ip_address("10.0.0.1"))]),
        KEY,
        "has 2 alternative names",
    ),
    ("name as mail", make(general=[x509.RFC822Name("a@b.c")]), KEY, "its key makes it"),
    ("upper case", make((NAME.upper(),)), KEY, "its key makes it"),
    ("RSA", make(key=RSA_KEY), RSA_KEY, "not signed with Ed25519"),
    ("EC", make(key=EC_KEY), EC_KEY, "not signed with Ed25519"),
    ("Ed448", make(key=ED448_KEY), ED448_KEY, "not signed with Ed25519"),
    ("Ed25519 key signed by EC", make(signer=EC_KEY), KEY, "not signed with Ed25519"),
    ("EC key signed by Ed25519", make(key=EC_KEY, signer=KEY), EC_KEY, "does not hold an Ed25519 key"),
]

GOOD = [
    ("plain", make()),
    ("critical name", make(critical=True)),
    ("empty ExtendedKeyUsage and two seconds", make(extra=[(EKU, b"\x30\x00")], seconds=2)),
    (
        "name after many extensions",
        make(extra=[(x509.ObjectIdentifier("1.2.3.%d" % i), b"\x05\x00") for i in range(9)]),
    ),
    ("signed by another Ed25519 key", make(signer=ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)))),
]
