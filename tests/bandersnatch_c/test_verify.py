"""Points, the hash to the curve and whole proofs against the pure Python code, which official vectors hold to."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.light import ADDED
from jamliquor_lite.crypto import bandersnatch as curve
from jamliquor_lite.crypto import choice, vrf
from tests.bandersnatch_c.driver import P, eigenvalue
from tests.chain.chains import Recorder
from tests.crypto import vrf_cases as cases
from tests.crypto.seals import follow
from tests.data import Carried
from tests.support import unhex, vectors

R = curve.ORDER
SETTINGS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def times(k, point):
    return cases.times(k, curve.extend(point))


def affine_sum(p, q, factor=1):
    total = curve.add(curve.extend(p), curve.extend(q))
    return times(factor, curve.to_affine([total])[0])


def opposite(p):
    return -p[0] % P, p[1]


def some_points(count, seed):
    dice = random.Random(seed)
    return [(0, 1), curve.GENERATOR] + [times(dice.randrange(R), curve.GENERATOR) for _ in range(count)]


def test_sums_of_points(c):
    points = some_points(3, 1)
    for p in points:
        for q in [*points, opposite(p)]:
            encoded = curve.encode(p), curve.encode(q)
            (difference, total), _ = c.points("m", *encoded)
            assert total == affine_sum(p, q) and difference == affine_sum(p, opposite(q))
            (difference, total), _ = c.points("a", *encoded)
            assert total == affine_sum(p, q, 2) and difference == affine_sum(p, opposite(q), 2)


def test_multiples_and_the_endomorphism(c):
    root = eigenvalue()
    for p in some_points(4, 2):
        encoded = curve.encode(p)
        assert c.points("o", encoded, encoded)[0] == [times(n, p) for n in (1, 3, 5, 7)]
        (image,) = c.points("p", encoded, encoded)[0]
        assert image in (times(2 * root, p), times(-2 * root, p))


def test_decoding_and_encoding(c):
    dice = random.Random(3)
    encodings = [cases.little(n) for n in (0, 1, 1 | 1 << 255, P - 1, P, P + 1, (1 << 255) - 1, (1 << 256) - 1)]
    encodings += [cases.little(P - 1 | 1 << 255), cases.little((P + 1) // 2), cases.little((P - 1) // 2)]
    # y^2 = a/d: a point at infinity.
    y = curve.inverse_root(curve._D * pow(P - 5, -1, P))
    encodings += [cases.little(y), cases.little(P - y)]
    encodings += [cases.little(dice.randrange(P) | dice.getrandbits(1) << 255) for _ in range(120)]
    encodings += [curve.encode(p) for p in some_points(20, 4)]
    encodings += [curve.encode(opposite(p)) for p in some_points(5, 5)]
    inside = 0
    for encoded in encodings:
        wanted = curve.decode(encoded)
        found, again = c.points("d", encoded)
        assert found == ([] if wanted is None else [wanted])
        if wanted is not None:
            assert again == curve.encode(wanted)
            inside += 1
    assert inside > 30


def test_points_outside_the_subgroup(c):
    """Any point of the curve that is not in it, and points of it moved by the one of order two."""
    found = 0
    dice = random.Random(6)
    while found < 30:
        y = dice.randrange(P)
        above, below = (1 - y * y) % P, (-5 - curve._D * y * y) % P
        inverse = curve.inverse_root(above * below)
        if inverse is None or curve.decode(cases.little(y)) is not None:
            continue
        assert c.points("d", cases.little(y)) == ([], b"")
        found += 1
    for p in some_points(5, 7)[1:]:
        assert c.points("d", curve.encode(curve.decode(curve.encode(p)))) != ([], b"")
        assert c.points("d", curve.encode((-p[0] % P, -p[1] % P))) == ([], b"")  # plus (0, -1)


@SETTINGS
@given(data=st.binary(max_size=300))
def test_hash_to_curve(c, data):
    assert c.hash_to_curve(data) == curve.to_affine([curve.hash_to_curve(data)])[0]


def test_hash_to_curve_around_blocks(c):
    # 48 + 3 + 65 bytes are hashed with it: every tail that a block of SHA-512 can have.
    for size in [*range(130), 1000]:
        data = bytes(range(256))[:size] if size <= 256 else bytes(size)
        assert c.hash_to_curve(data) == curve.to_affine([curve.hash_to_curve(data)])[0]


def test_official_vectors(c):
    for row in cases.SPEC:
        _, public, data, aux, hashed, point, output, challenge, s = [unhex(x) for x in row]
        assert curve.encode(c.hash_to_curve(data)) == hashed
        assert c.verify(public, data, aux, point + challenge + s) == output


def test_edge_cases(c):
    held = 0
    for name, public, data, aux, proof, holds in cases.edges():
        output = c.verify(public, data, aux, proof)
        assert output == vrf.verify(public, data, aux, proof), name
        assert (output is not None) == holds, name
        assert c.verify(public, data, aux, proof, piece=50) == output, name
        held += holds
    assert held >= 10


def test_extreme_scalars(c):
    for secret in (1, 2, R - 1, R - 2, 1 << 128, (1 << 128) - 1, eigenvalue(), R - eigenvalue()):
        for nonce in (1, 2, R - 1, 1 << 127):
            public, o, challenge, s = cases.prove(secret, b"in", b"aux", nonce)
            proof = cases.join(o, challenge, s)
            assert c.verify(public, b"in", b"aux", proof) == vrf.output(cases.little(secret), b"in")
            assert c.verify(public, b"in", b"auX", proof) is None


@SETTINGS
@given(seed=st.binary(max_size=8), data=st.binary(max_size=150), aux=st.binary(max_size=400), piece=st.integers(0, 140))
def test_what_the_oracle_signs_holds(c, seed, data, aux, piece):
    secret = vrf.secret(seed)
    proof = vrf.sign(secret, data, aux)
    public = vrf.public(secret)
    assert c.verify(public, data, aux, proof, piece) == vrf.output(secret, data)
    assert c.verify(public, data, aux + b"\0", proof, piece) is None
    assert c.verify(public, data + b"\0", aux, proof, piece) is None


def test_every_bit_is_bound(c):
    public, data, aux, proof, _ = [unhex(x) for x in cases.REAL[1]]
    aux = b"more"
    secret = vrf.secret(b"bits")
    public, proof = vrf.public(secret), vrf.sign(secret, data, aux)
    parts = [public, data, aux, proof]
    assert c.verify(*parts) == vrf.output(secret, data)
    for which, part in enumerate(parts):
        for bit in range(len(part) * 8):
            changed = list(parts)
            changed[which] = flipped(part, bit)
            assert c.verify(*changed) is None, (which, bit)


def flipped(data, bit):
    changed = bytearray(data)
    changed[bit >> 3] ^= 1 << (bit & 7)
    return bytes(changed)


def test_mutations_of_real_proofs(c):
    """A short fuzz: verdict and output are the oracle's, whatever is done to a real proof."""
    dice = random.Random(8)
    rows = [[unhex(x) for x in row[:4]] for row in cases.REAL]
    points = [curve.encode(p) for p in some_points(3, 9)]
    held = 0
    for _ in range(120):
        parts = list(dice.choice(rows))
        for _ in range(dice.choice((0, 1, 1, 2))):
            parts[dice.randrange(4)] = mutated(dice, dice.choice(parts) if dice.random() < 0.1 else parts[3], points)
        if len(parts[0]) != 32 or len(parts[3]) != 96:
            parts[0] = (parts[0] + bytes(32))[:32]
            parts[3] = (parts[3] + bytes(96))[:96]
        wanted = vrf.verify(*parts)
        assert c.verify(*parts, piece=dice.choice((0, 1, 100))) == wanted
        held += wanted is not None
    assert 5 < held < 60


def mutated(dice, data, points):
    """A bit turned, bytes replaced, a number moved by the group's order, or a whole point put in."""
    changed = bytearray(data or b"\0")
    kind = dice.randrange(5)
    at = dice.randrange(len(changed))
    if kind == 0:
        changed[at] ^= 1 << dice.randrange(8)
    elif kind == 1:
        changed[at : at + 4] = dice.randbytes(len(changed[at : at + 4]))
    elif kind == 2 and len(changed) == 96:
        start = dice.choice((32, 64))
        moved = int.from_bytes(changed[start : start + 32], "little") + R * dice.randrange(1, 8)
        changed[start : start + 32] = (moved % (1 << 256)).to_bytes(32, "little")
    elif kind == 3:
        changed[:32] = dice.choice(points)
    else:
        changed[31 % len(changed)] ^= 0x80
    return bytes(changed)


@pytest.mark.parametrize(
    ("name", "limit", "fallback", "ticket"),
    [("chain_safrole.cbor", 60, 47, 13), ("chain_typeberry.cbor", 250, 11, 239)],
)
def test_seals_of_the_vectors(c, name, limit, fallback, ticket):
    counts = follow(vectors(name), limit, c.verify)
    assert counts == {"fallback": fallback, "ticket": ticket, "entropy": limit}


def test_seals_of_the_chain_that_is_carried_here(c, monkeypatch):
    """The light chain takes all 44 headers, and none of their proofs holds with a bit turned."""
    carried = Carried()
    asked = []

    class Implementation:
        label = "driver"
        trusts_key = False

        @staticmethod
        def verify(public, data, aux, proof):
            asked.append((public, data, aux, proof))
            return c.verify(public, data, aux, proof)

    monkeypatch.setitem(choice._chosen, "vrf", Implementation)
    light = Recorder(carried.checkpoint(), Profile())
    for data in carried.headers:
        assert light.add(data) == ADDED
    assert len(asked) == 2 * len(carried.headers)
    assert light.chain.ticket_seals >= 20 and light.chain.fallback_seals >= 20
    dice = random.Random(10)
    for public, data, aux, proof in asked:
        assert c.verify(public, data, aux, flipped(proof, dice.randrange(8 * 96))) is None
