"""Two sides of a Noise handshake over nothing at all. Runs on both interpreters."""

from jamliquor_lite.crypto import suite
from jamliquor_lite.p2p.identity import Identity
from jamliquor_lite.transport import noise
from jamliquor_lite.transport.noise import DONE, HYBRID, MAX_HANDSHAKE, PLAIN, READ, WRITE, Handshake, StaticKey

YAMUX = "/yamux/1.0.0"
OFFER = [HYBRID, PLAIN]


def is_slow():
    """Whether a handshake takes a good part of a second here: X25519 in Python."""
    return suite.backends()["x25519"].startswith("pure")


def some(items, step):
    """All of `items`, or where a handshake takes its time only each `step`th."""
    return [items[i] for i in range(0, len(items), step if is_slow() else 1)]


def drawn(label, size):
    """`size` bytes that look random and are the same each time."""
    out = b""
    while len(out) < size:
        out += suite.sha256(b"%s %d" % (label.encode(), len(out)))
    return out[:size]


ALICE = StaticKey(Identity(drawn("alice", 32)), drawn("alice's static", 32))
BOB = StaticKey(Identity(drawn("bob", 32)), drawn("bob's static", 32))


def side(static, is_initiator, is_hybrid, label="", muxers=(YAMUX,), offer=None, expect=b""):
    """One side; `label` makes it another session. `offer`: what it binds, by default what leads to this suite."""
    if offer is None:
        offer = OFFER if is_hybrid else [PLAIN]
    random = drawn("%s %d" % (label, is_initiator), noise.random_size(is_initiator, is_hybrid))
    return Handshake(static, is_initiator, is_hybrid, random, list(muxers), offer, expect)


def pair(is_hybrid, label="", offer=None):
    """Alice, who dials, and Bob."""
    return side(ALICE, True, is_hybrid, label, offer=offer), side(BOB, False, is_hybrid, label, offer=offer)


def written(handshake):
    """The next message of a side whose turn it is."""
    assert handshake.turn == WRITE
    buf = bytearray(MAX_HANDSHAKE)
    return bytearray(buf[: handshake.write(buf, 0, len(buf))])


def take(handshake, message):
    """Read a whole message, given as a copy."""
    data = bytearray(message)
    handshake.read(data, 0, len(data))


def run(initiator, responder, change=None):
    """Let both talk to the end; `change(number, message)` may give another message in place of one. The messages."""
    messages = []
    sides = [initiator, responder]
    while len(messages) < 3:
        message = written(sides[0])
        messages.append(bytes(message))
        if change is not None:
            message = change(len(messages) - 1, message)
        take(sides[1], message)
        sides.reverse()
    assert initiator.turn == responder.turn == DONE
    return messages


def up_to(number, initiator, responder):
    """Talk until message `number` is written and not read: (that message, who is to read it)."""
    sides = [initiator, responder]
    for _ in range(number):
        take(sides[1], written(sides[0]))
        sides.reverse()
    message = written(sides[0])
    assert sides[1].turn == READ
    return message, sides[1]


def say(handshake, payload, head=None):
    """The next message of a side that has the keys and says what it likes: `payload(h)` are the bytes it seals."""
    pattern = handshake._pattern
    buf = bytearray(70_000)
    at = pattern.write_head(buf, 0)
    data = payload(pattern.hash)
    buf[at : at + len(data)] = data
    return buf[: pattern.write_payload(buf, at, at + len(data))]
