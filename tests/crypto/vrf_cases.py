"""VRF proofs to judge, each with the verdict that all implementations must give.

A small prover of our own makes the ones that no honest prover would: torsion mixed into a point, scalars that are not
reduced, a key that is the identity. The verdicts are those of the Rust reference (ark-vrf 0.1), since a client that
judges a seal otherwise leaves the chain.
"""

from jamliquor_lite.crypto import bandersnatch as curve
from jamliquor_lite.crypto.suite import sha512

P = curve.FIELD
R = curve.ORDER
BASE = curve.extend(curve.GENERATOR)
_SIGN = 1 << 255

# The seven vectors of bandersnatch-vrf-spec at 38cf32d, bandersnatch_sha-512_ell2_ietf.json:
# secret, public, data, aux, hash to curve, output point, first half of beta (all that JAM uses), c, s.
SPEC = (
    (
        "3d6406500d4009fdf2604546093665911e753f2213570a29521fd88bc30ede18",
        "a1b1da71cc4682e159b7da23050d8b6261eb11a3247c89b07ef56ccd002fd38b",
        "",
        "",
        "c5eaf38334836d4b10e05d2c1021959a917e08eaf4eb46a8c4c8d1bec04e2c00",
        "e7aa5154103450f0a0525a36a441f827296ee489ef30ed8787cff8df1bef223f",
        "fdeb377a4ffd7f95ebe48e5b43a88d069ce62188e49493500315ad55ee04d744",
        "439fd9495643314fa623f2581f4b3d7d6037394468084f4ad7d8031479d9d101",
        "828bedd2ad95380b11f67a05ea0a76f0c3fef2bee9f043f4dffdddde09f55c01",
    ),
    (
        "8b9063872331dda4c3c282f7d813fb3c13e7339b7dc9635fdc764e32cc57cb15",
        "5ebfe047f421e1a3e1d9bbb163839812657bbb3e4ffe9856a725b2b405844cf3",
        "0a",
        "",
        "8c1d1425374f01d86b23bfeab770c60b58d2eeb9afc5900c8b8a918d09a6086b",
        "60f32f5ad3e9694b82ccc0a735edb2f940f757ab333cc5f7b0a41158b80f574f",
        "44f3728bc5ad550aeeb89f8db340b2fceffc946be3e2d8c5d99b47c1fce344b3",
        "8aa1c755a00a6a25bdecda197ee1b60a01e50787bd10aa976133f4c39179330e",
        "18c74ffd67e6abc658e2d05ecd3101ddc0c33623823f2395538cf8d39e654f12",
    ),
    (
        "6db187202f69e627e432296ae1d0f166ae6ac3c1222585b6ceae80ea07670b14",
        "9d97151298a5339866ddd3539d16696e19e6b68ac731562c807fe63a1ca49506",
        "",
        "0b8c",
        "c5eaf38334836d4b10e05d2c1021959a917e08eaf4eb46a8c4c8d1bec04e2c00",
        "67a348e256d908eb695d15ee0d869efef2bcf9f0fea646e788f967abbc0464dd",
        "edde0178045133eb03ef4d1ad8b978a56ee80ec4eab8830d6bc6c08003138841",
        "aec4d1cf308cb4cb400190350e69f4fb309255aa738fff5a6ac4ced7538fce03",
        "54e5d38a76f309ce63ca82465160abd8d75b78805a0b499e60c26436de4a8e01",
    ),
    (
        "b56cc204f1b6c2323709012cb16c72f3021035ce935fbe69b600a88d842c7407",
        "dc2de7312c2850a9f6c103289c64fbd76e2ebd2fa8b5734708eb2c76c0fb2d99",
        "73616d706c65",
        "",
        "672e8c7a8e6d3eca67df38f11d50f3d7dbb26fa8e27565a5424e6f8ac4555dcc",
        "4d3e0524fc59374f1fdad8e471c695469b45ecf69c1de85c6c1230e888dd4cbe",
        "36127f8aee7c61048984f0a208bf6d334db9dacbeeeef9ff2d17117e81232832",
        "b72598f235145a377911caa794ba85820173c4c49b7be3b05d847b2c753e0311",
        "e8e34ad3131388a88eb7f80bd874f3421c378d4ad45911c4bc16e4cdc17b5716",
    ),
    (
        "da36359bf1bfd1694d3ed359e7340bd02a6a5e54827d94db1384df29f5bdd302",
        "decb0151cbeb49f76f10419ab6a96242bdc87baac8a474e5161123de4304ac29",
        "42616e646572736e6174636820766563746f72",
        "",
        "4315192d2ce9e52ceb449a6b4da7f7e6636e53592c7f5e236763e21e9bac24c7",
        "9508104b820469687488d83f729288d9f70fc0523318beff44a47da10d490b3c",
        "4ee61f3c000544aa48c565e143e05c6501a623bdbf02a0a408b97433660b4907",
        "ad6af59b4b84f18187c694ef374687d13517cb53508ff9dafa37d0c759e9601c",
        "4c1269d9d161dabd082fc606af979eca7f6c3ab68e78261dc6fb9fbbb98c9704",
    ),
    (
        "da36359bf1bfd1694d3ed359e7340bd02a6a5e54827d94db1384df29f5bdd302",
        "decb0151cbeb49f76f10419ab6a96242bdc87baac8a474e5161123de4304ac29",
        "42616e646572736e6174636820766563746f72",
        "1f42",
        "4315192d2ce9e52ceb449a6b4da7f7e6636e53592c7f5e236763e21e9bac24c7",
        "9508104b820469687488d83f729288d9f70fc0523318beff44a47da10d490b3c",
        "4ee61f3c000544aa48c565e143e05c6501a623bdbf02a0a408b97433660b4907",
        "4fa53519bd9d17acae4d1021416557d11b84dd4670b563770c14eb98161eaa08",
        "0f7f9bee9077427f547e69b919cf8d63823c14b20085fd9516768e0f5e3d3f0e",
    ),
    (
        "35b877a25c394512292b82bdf8468e98eaf03c79c7fc9d53546dadc5fb75b500",
        "b0e1f208f9d6e5b310b92014ea7ef3011e649dab038804759f3766e01029d623",
        "42616e646572736e6174636820766563746f72",
        "1f42",
        "4315192d2ce9e52ceb449a6b4da7f7e6636e53592c7f5e236763e21e9bac24c7",
        "6d1dd583bea262323c7dc9e94e57a472e09874e435719010eeafae503c433f16",
        "09106f062ac07846f3f841f64765527b333575143483855d633f99ccc2e8e306",
        "6dbeeab9648505fa6a95de52d611acfbb2febacc58cdc7d0ca45abd8c952ef12",
        "ce7f4a2354a6c3f97aee6cc60c6aa4c4430b12ed0f0ef304b326c776618d7609",
    ),
)

# The same three vectors with additional data as of commit bce69d0, whose nonce depends on it: index above, c, s.
SIGNED = (
    (
        2,
        "bea302339a84fba18480af6ddf9a198d9b7f8f5ec43c9d27fb7dbc4df94ce815",
        "796107b6639c31ca33d42713ad858a50aadca197bf46dd12d07b09c5cc347509",
    ),
    (
        5,
        "2eedb708748f0667d339d69a74a354f8e8247df5c1db6b50f0fd7cd7866bfc16",
        "ec65e768c28dd8a93e13684c7abe2ccd5d6ca3dedb6fbff214912d2a61daac19",
    ),
    (
        6,
        "468158944f0dade1f553d46e1fb7da6ee8e38fbe923c3c270158e40f39d0c400",
        "73024130df01e2bf80067bd837bfc3126f421ae8d99c7a9d7512060dfa359711",
    ),
)

# From a typeberry 0.11.0 chain: an entropy signature, a fallback seal and a ticket's; public, data, aux, proof, output.
REAL = (
    (
        "0746846d17469fb2f95ef365efcab9f4e22fa1feb53111c995376be8019981cc",
        "6a616d5f66616c6c6261636b5f7365616c5710c5f909acecaec8afe31f4eddd93c495bac0618e715a3f22abc90670e5aab",
        "3c939bf79305984e472e09a537c5fb0380165fd5d6db7d6cb292235059aadeb1436ade3ad2efbe393e291341ed9469b5"
        "43639b5a5926e006b8f37d87f5e38a10189d15af832dfe4f67744008b62c334b569fcbb4c261e0f065655697306ca252"
        "0200000000000300635d6b1cd157934ab5867aa23bcb674989df30bb89853db2b1756e0fe24e318239fbdd0246efa09e"
        "6940f9ad136ec0d412cae086f5e1ef3ed5fdc58e1dedba1c3390dee109dace4b386fd0b6687e144e0290186da441fd7d"
        "85962cbb1e11130800",
        "db76cc5a2cc0f628b4a5e5e60e4f2e435b60d49542bfc546228b1607906362716df3b944a39efcb5ec72f8c3b5d1fc7e"
        "bda7a3ca9f85a45bf4cdebb77fc88e0a8bcfeed729a0cac883897a42afb629d359bc387d36d95737cdb52f675d269e16",
        "7718da6c8ee011608df87d8fe21cc33180d0e68c8d7269146a418bddf811c537",
    ),
    (
        "0746846d17469fb2f95ef365efcab9f4e22fa1feb53111c995376be8019981cc",
        "6a616d5f656e74726f70797718da6c8ee011608df87d8fe21cc33180d0e68c8d7269146a418bddf811c537",
        "",
        "635d6b1cd157934ab5867aa23bcb674989df30bb89853db2b1756e0fe24e318239fbdd0246efa09e6940f9ad136ec0d4"
        "12cae086f5e1ef3ed5fdc58e1dedba1c3390dee109dace4b386fd0b6687e144e0290186da441fd7d85962cbb1e111308",
        "d603a5c75001b9c7dc6fdbac94dd3f1fe670a085c8eafecdde6f25aaedb66591",
    ),
    (
        "ff71c6c03ff88adb5ed52c9681de1629a54e702fc14729f6b50d2f0a76f185b3",
        "6a616d5f7469636b65745f7365616c5e625757e94324fdef8fe7de30d5cdc8a4c4612717c84fa87f4d98434afc2af702",
        "39ecf3779229c1a33c93d0edeb458e35b2b55bd9d3740d20a41383fd90f2fb8b9bf2d97d71b6280443d5265c7cdfb2ab"
        "903a7f18d5d68a0e5c49f7be0a8e9478189d15af832dfe4f67744008b62c334b569fcbb4c261e0f065655697306ca252"
        "0d00000000000000751eeaab8c44df250967c328452801b8c4dfd350bfde0afa425fe23eeb287072ed7fd77865531105"
        "9da744008c7e3e0719f392340e6498eaea49a92a53966215347523f434509f999fbd239f9ce9ce8d8d505ff23a06b67c"
        "af5d588db07e201700",
        "914ec2762f3f4a5e66c2edd924862b7dc84f349cbd0b9b11f191a8cde6acfac0a67751fe2359df9da3e74d702c6f6002"
        "304cac2e40e5a22a57189ecd8492f0192d390ed01fbc5a60ff449fc27c000a21f5028d514a65a9152d4b1d5f6daf1013",
        "9e1a70fb65f7370c54bd821f9241a329882b9f151aaecbf658bbceae8cd0f86e",
    ),
)


def little(number):
    return number.to_bytes(32, "little")


def times(k, point):
    return curve.to_affine([curve.multiply_add(k % R, point, 0, curve.IDENTITY)])[0]


def prove(x, data, aux, nonce=12345, key=None, product=None):
    """(public, output point, c, s) by secret x; `key` and `product` replace the points Y and O that are hashed."""
    hashed = curve.hash_to_curve(data)
    y = key or times(x, BASE)
    o = product or times(x, hashed)
    points = [y, curve.to_affine([hashed])[0], o, times(nonce, BASE), times(nonce, hashed)]
    digest = sha512(curve.SUITE + b"\x02" + b"".join([curve.encode(p) for p in points]) + aux + b"\x00")
    c = int.from_bytes(digest[:32], "big") % R
    return curve.encode(y), curve.encode(o), c, (nonce + c * x) % R


def join(o, c, s):
    return o + little(c) + little(s)


def _opposite(encoded):
    """The point plus the point of order two (0, -1)."""
    x, y = curve.decode(encoded)
    return -x % P, -y % P


def edges():
    """(name, public, data, aux, proof, whether it holds)."""
    data = b"hello"
    aux = b"ad"
    public, o, c, s = prove(777, data, aux)
    cases = [
        ("honest", public, data, aux, join(o, c, s), True),
        ("c + r", public, data, aux, join(o, c + R, s), True),
        ("c + 7 r", public, data, aux, join(o, c + 7 * R, s), True),
        ("s + r", public, data, aux, join(o, c, s + R), False),
        ("s = r", public, data, aux, join(o, c, R), False),
        ("s all ones", public, data, aux, join(o, c, (1 << 256) - 1), False),
        ("c all ones", public, data, aux, join(o, (1 << 256) - 1, s), False),
        ("c = s = 0", public, data, aux, join(o, 0, 0), False),
        ("zero proof", public, data, aux, bytes(96), False),
        ("zero key", bytes(32), data, aux, join(o, c, s), False),
        ("key all ones", b"\xff" * 32, data, aux, join(o, c, s), False),
        ("output all ones", public, data, aux, join(b"\xff" * 32, c, s), False),
        ("y = p", little(P), data, aux, join(o, c, s), False),
        ("identity as key of another", little(1), data, aux, join(o, c, s), False),
        ("identity as output of another", public, data, aux, join(little(1), c, s), False),
        ("key of order two", little(P - 1), data, aux, join(o, c, s), False),
        ("output of order two", public, data, aux, join(little(P - 1), c, s), False),
        ("y = 0, of order four", little(0), data, aux, join(o, c, s), False),
        ("key with the other sign", _flip(public), data, aux, join(o, c, s), False),
        ("output with the other sign", public, data, aux, join(_flip(o), c, s), False),
    ]
    identity, o0, c0, s0 = prove(0, data, aux)
    assert identity == o0 == little(1)
    cases += [
        ("secret 0", identity, data, aux, join(o0, c0, s0), True),
        ("secret 0, key's sign set", little(1 | _SIGN), data, aux, join(o0, c0, s0), True),
        ("secret 0, output's sign set", identity, data, aux, join(little(1 | _SIGN), c0, s0), True),
    ]
    for size_data, size_aux in ((0, 0), (1, 111), (15, 70), (128, 112), (200, 1000)):
        name = "%d bytes of data, %d of aux" % (size_data, size_aux)
        a = prove(99, b"z" * size_data, b"q" * size_aux)
        cases.append((name, a[0], b"z" * size_data, b"q" * size_aux, join(a[1], a[2], a[3]), True))
    # Points outside the subgroup for which the equations hold all the same: c is even, so c T = 0.
    for part in ("key", "output"):
        nonce = 1
        while True:
            if part == "key":
                a = prove(777, data, aux, nonce, key=_opposite(public))
            else:
                a = prove(777, data, aux, nonce, product=_opposite(o))
            if a[2] % 2 == 0:
                break
            nonce += 1
        cases.append((part + " with a torsion part", a[0], data, aux, join(a[1], a[2], a[3]), False))
    # A y that is not reduced but still below 2^255.
    x = 1000
    while True:
        a = prove(x, data, aux)
        y = int.from_bytes(a[0], "little")
        if (y & (_SIGN - 1)) + P < _SIGN:
            break
        x += 1
    cases.append(("key with small y", a[0], data, aux, join(a[1], a[2], a[3]), True))
    cases.append(("key with y + p", little(y + P), data, aux, join(a[1], a[2], a[3]), False))
    return cases


def _flip(encoded):
    return little(int.from_bytes(encoded, "little") ^ _SIGN)
