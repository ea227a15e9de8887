"""The certificate rules of JAMNP-S, and that no bytes make their parser raise anything but its one line."""

import random

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from jamliquor_lite.errors import LocalError, RemoteError
from jamliquor_lite.transport.quic_certificate import Identity, alt_name, check_certificate, printable
from tests.transport.certificates import BAD, GOOD, NAME, OTHER_NAME, PUBLIC, der, make


def test_alternative_name_of_jip5_trivial_seed_0():
    identity = Identity(bytes.fromhex("996542becdf1e78278dc795679c825faca2e9ed2bf101bf3c4a236d3ed79cf59"))
    assert identity.public.hex() == "4418fb8c85bb3985394a8c2756d3643457ce614546202a2f50b093d762499ace"
    assert identity.name == "eecgwpgwq3noky4ijm4jmvjtmuzv44qvigciusxakq5epnrfj2utb"


def test_alternative_name_is_the_formula_of_the_text():
    def b(n, left):
        return "" if left == 0 else "abcdefghijklmnopqrstuvwxyz234567"[n % 32] + b(n // 32, left - 1)

    for key in (bytes(32), b"\xff" * 32, bytes(range(32))):
        assert alt_name(key) == "e" + b(int.from_bytes(key, "little"), 52)


def test_seed_of_the_wrong_size_is_refused():
    with pytest.raises(LocalError, match="31 bytes, not 32"):
        Identity(bytes(31))


def test_own_certificate_is_good_to_others():
    identity = Identity(bytes([9]) * 32)
    theirs = x509.load_der_x509_certificate(identity.certificate.der)
    assert theirs.version == x509.Version.v3 and theirs.serial_number == 1
    assert theirs.public_key().public_bytes_raw() == identity.public
    assert theirs.subject == theirs.issuer and len(theirs.extensions) == 1
    names = theirs.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(names) == [x509.DNSName(identity.name)]
    assert theirs.not_valid_before_utc.year == 2025 and theirs.not_valid_after_utc.year == 9999
    theirs.verify_directly_issued_by(theirs)
    assert theirs.public_bytes(Encoding.DER) == identity.certificate.der
    assert check_certificate(der(identity.certificate), identity.name) == identity.public


@pytest.mark.parametrize("certificate", [c for _, c in GOOD], ids=[what for what, _ in GOOD])
def test_good(certificate):
    assert check_certificate(der(certificate)) == PUBLIC
    assert check_certificate(der(certificate), NAME) == PUBLIC


@pytest.mark.parametrize("certificate, words", [(b[1], b[3]) for b in BAD], ids=[b[0] for b in BAD])
def test_bad(certificate, words):
    with pytest.raises(RemoteError, match=words) as caught:
        check_certificate(der(certificate))
    assert "\n" not in str(caught.value) and caught.value.code == 0x12A


def test_another_peer_than_expected():
    with pytest.raises(RemoteError, match="is %s's; expected %s" % (NAME, OTHER_NAME)):
        check_certificate(der(make()), OTHER_NAME)


def test_a_second_alternative_name_extension_counts():
    # pyca refuses to make one, so the first of two equal-sized extensions is renamed in the bytes.
    name = der(make())
    body = b"\x30" + bytes([2 + 53]) + b"\x82\x35" + NAME.encode()
    twin = der(make(extra=[(x509.ObjectIdentifier("2.5.29.99"), body)]))
    assert check_certificate(name) == check_certificate(twin) == PUBLIC
    with pytest.raises(RemoteError, match="has 2 alternative names"):
        check_certificate(twin.replace(bytes.fromhex("0603551d63"), bytes.fromhex("0603551d11")))


def refused_or_good(data):
    try:
        return check_certificate(data)
    except RemoteError as error:
        assert "\n" not in str(error) and len(str(error)) < 300
        return None


@pytest.mark.parametrize("certificate", [c for _, c in GOOD[:3]], ids=[what for what, _ in GOOD[:3]])
def test_truncated_at_every_byte(certificate):
    data = der(certificate)
    for end in range(len(data)):
        assert refused_or_good(data[:end]) is None, end
    with pytest.raises(RemoteError, match="DER"):
        check_certificate(data + b"\0")


def test_every_byte_changed():
    data = der(GOOD[2][1])
    keys = set()
    for at in range(len(data)):
        for value in (0, 1, 0x30, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xFF, data[at] ^ 1, data[at] ^ 0x80):
            changed = bytearray(data)
            changed[at] = value
            keys.add(refused_or_good(bytes(changed)))
    # A change that the rules do not see is no reason to refuse; one that reaches key or name is.
    assert keys == {None, PUBLIC}


def test_garbage():
    draw = random.Random(4)
    for _ in range(3000):
        data = bytearray(der(GOOD[0][1]))
        for _ in range(draw.randrange(1, 6)):
            at = draw.randrange(len(data))
            data[at : at + draw.randrange(4)] = draw.randbytes(draw.randrange(4))
        assert refused_or_good(bytes(data)) in (None, PUBLIC)
        assert refused_or_good(draw.randbytes(draw.randrange(64))) is None


def test_printable():
    assert printable(b"a\x1b[31m\nb\xff") == "a?[31m?b?"
    assert printable("gr\u00fc\u00dfe\u2028") == "gr??e?"
    assert len(printable("x" * 10_000)) < 130
