# portable: runs on CPython and MicroPython
"""Published vectors, byte for byte: Noise XX, XXhfs under both of its names, transcript binding."""

from jamliquor_lite.crypto.suite import Aead, sha256, use, x25519_public
from jamliquor_lite.p2p.identity import Identity
from jamliquor_lite.transport import noise_payload
from jamliquor_lite.transport.noise import MAX_HANDSHAKE, Handshake, StaticKey
from jamliquor_lite.transport.noise_pattern import XX, XXHFS, Pattern
from jamliquor_lite.transport.noise_symmetric import TAG, Symmetric
from tests.data import noise_vectors as published
from tests.support import tohex, unhex
from tests.transport.noise_pairs import run, some


def spoken(sides, payloads):
    """Let two patterns talk, each payload in its turn; the messages."""
    messages = []
    for payload in payloads:
        buf = bytearray(MAX_HANDSHAKE)
        at = sides[0].write_head(buf, 0)
        buf[at : at + len(payload)] = payload
        end = sides[0].write_payload(buf, at, at + len(payload))
        messages.append(bytes(buf[:end]))
        at = sides[1].read_head(buf, 0, end)
        assert bytes(buf[at : sides[1].read_payload(buf, at, end)]) == payload
        sides.reverse()
    assert sides[0].hash == sides[1].hash and sides[0].split() == sides[1].split()
    return messages


def repeated(byte, size=32):
    return bytes([byte]) * size


def randoms(base):
    """What the initiator and the responder of an XXhfs vector draw."""
    return repeated(base + 3) + repeated(base + 5, 64), repeated(base + 4) + repeated(base + 6)


def test_xx():
    secrets = [unhex(published.XX_INITIATOR_STATIC), unhex(published.XX_RESPONDER_STATIC)]
    draws = [unhex(published.XX_INITIATOR_EPHEMERAL), unhex(published.XX_RESPONDER_EPHEMERAL)]
    sides = []
    for i in range(2):
        public = x25519_public(secrets[i])
        sides.append(Pattern(secrets[i], public, i == 0, False, draws[i], b"", unhex(published.XX_PROLOGUE)))
    pairs = [(unhex(payload), unhex(wire)) for payload, wire in published.XX_MESSAGES]
    messages = spoken(list(sides), [payload for payload, _ in pairs[:3]])
    assert messages == [wire for _, wire in pairs[:3]]
    assert tohex(sides[0].hash) == published.XX_HANDSHAKE_HASH
    first, second = sides[0].split()
    ciphers = [Aead(second), Aead(first)]  # the responder has the next word
    for i in range(len(pairs) - 3):
        payload, wire = pairs[3 + i]
        out = bytearray(len(payload) + TAG)
        ciphers[i % 2].seal(i // 2, b"", payload, 0, len(payload), out, 0)
        assert bytes(out) == wire


def test_xxhfs_under_its_old_name_with_empty_payloads():
    with use("mlkem768", "pure"):  # natives draw what encapsulation takes themselves
        for base, handshake_hash, first, second, last in some(published.XXHFS_OLD, 2):
            sides = []
            for i in range(2):
                secret = repeated(base + 1 + i)
                sides.append(
                    Pattern(
                        secret, x25519_public(secret), i == 0, True, randoms(base)[i], published.XXHFS_OLD_NAME
                    )
                )
            messages = spoken(list(sides), [b"", b"", b""])
            assert tuple(len(data) for data in messages) == published.XXHFS_OLD_SIZES
            assert tohex(messages[2]) == last
            assert tohex(sides[0].hash) == handshake_hash
            assert [tohex(key) for key in sides[0].split()] == [first, second]


def test_xxhfs_with_identities():
    with use("mlkem768", "pure"):
        for base, handshake_hash, first, second, last in some(published.XXHFS, 2):
            sides = []
            for i in range(2):
                static = StaticKey(Identity(repeated(base + 7 + i)), repeated(base + 1 + i))
                sides.append(Handshake(static, i == 0, True, randoms(base)[i], [], []))
            messages = run(sides[0], sides[1])
            assert tuple(len(data) for data in messages) == published.XXHFS_SIZES
            assert tohex(messages[2]) == last
            for side in sides:
                assert tohex(side.handshake_hash) == handshake_hash
            assert sides[0].peer_id == Identity(repeated(base + 8)).peer_id
            # A cipher does not show its key: it must seal what the published key seals.
            for cipher, key in ((sides[0].sender, first), (sides[1].sender, second)):
                ours, theirs = bytearray(TAG), bytearray(TAG)
                cipher.seal(7, b"", b"", 0, 0, ours, 0)
                Aead(unhex(key)).seal(7, b"", b"", 0, 0, theirs, 0)
                assert ours == theirs


def test_the_name_decides():
    # A name beyond 32 bytes is hashed, a shorter one is padded (Noise, 5.2).
    assert len(XX) == 32 and len(XXHFS) > 32
    assert Symmetric(XX).hash == sha256(XX)
    assert Symmetric(XXHFS).hash == sha256(sha256(XXHFS))
    assert Symmetric(b"short").hash == sha256(b"short" + bytes(27))
    assert Symmetric(published.XXHFS_OLD_NAME).hash != Symmetric(XXHFS).hash


def test_transcript_binding():
    identity = Identity(unhex(published.TRANSCRIPT_SEED))
    assert tohex(identity.key) == published.TRANSCRIPT_KEY
    static, handshake_hash = unhex(published.TRANSCRIPT_STATIC), unhex(published.TRANSCRIPT_HASH)
    vouched = noise_payload.sign_static(identity, static)
    assert tohex(vouched) == published.TRANSCRIPT_STATIC_SIGNATURE
    for names, signature in published.TRANSCRIPT:
        assert tohex(identity.sign(noise_payload.transcript(handshake_hash, names))) == signature
        # The payload field by field, as published: key, signature, extensions with the list and its signature.
        extensions = ""
        for name in names:
            extensions += "22%02x" % len(name) + tohex(name.encode())
        extensions += "2a40" + signature
        size = len(extensions) // 2
        length = "%02x" % size if size < 128 else "%02x%02x" % (size & 127 | 128, size >> 7)
        expected = "0a24" + published.TRANSCRIPT_KEY + "1240" + tohex(vouched) + "22" + length + extensions
        data = noise_payload.encode(identity, vouched, handshake_hash, [], names)
        assert tohex(data) == expected
        payload = noise_payload.Payload(data, 0, len(data))
        assert payload.check_identity(identity, static) == identity.peer_id
        assert payload.securities == names
        assert payload.check_transcript(identity, handshake_hash, names, False, names[0])
