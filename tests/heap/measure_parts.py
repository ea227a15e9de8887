"""The steps of measure.py that need no peer."""

import gc

from measure_common import POLICIES, SEED, profile, used

PACKAGE = "jamliquor_lite."
PING = 1


def imports(*names: str) -> None:
    """Import one module after the other, and print by how much the heap grew."""
    first = used()
    for name in names:
        before = used()
        __import__(PACKAGE + name)
        print(name, used() - before)
    print("all", used() - first)
    print("free", gc.mem_free())


def call(primitive: str) -> None:
    """Use one primitive of the suite as a handshake does."""
    from jamliquor_lite.crypto import suite

    before = used()
    if primitive == "x25519":
        kept = suite.x25519(SEED, suite.x25519_public(SEED))
    elif primitive == "ed25519":
        public = suite.ed25519_public(SEED)
        kept = suite.ed25519_sign(SEED, SEED)
        assert suite.ed25519_verify(public, kept, SEED)
    elif primitive == "aead":
        cipher = kept = suite.Aead(SEED)
        buf = bytearray(1024)
        size = cipher.seal(0, b"", buf, 0, 1000, buf, 0)
        assert cipher.open(0, b"", buf, 0, size, buf, 0) == 1000
    elif primitive == "mlkem768":
        public, kept = suite.mlkem768_keypair(SEED + SEED)
        ciphertext, shared = suite.mlkem768_encapsulate(public, SEED)
        assert suite.mlkem768_decapsulate(kept, ciphertext) == shared
        del public, ciphertext
    elif primitive == "blake2b":
        kept = suite.blake2b_256(SEED)
    else:
        raise ValueError("no primitive " + primitive)
    print(primitive, used() - before)


def terms(policy: str) -> "object":
    """A host without a carrier, and with four frames: for a connection's both ends."""
    from jamliquor_lite.budget.pool import Pool
    from jamliquor_lite.p2p.identity import Identity
    from jamliquor_lite.ports import entropy
    from jamliquor_lite.transport.noise import StaticKey
    from jamliquor_lite.transport.terms import Terms

    numbers = profile()
    before = used()
    static = StaticKey(Identity(entropy.random_bytes(32)), entropy.random_bytes(32))
    print("identity", used() - before)
    before = used()
    # Whatever is larger than a few hundred bytes is made before the heap is in pieces, as a board does at boot.
    frames = Pool("frames", 4, numbers.frame_bytes, 1)
    chunks = Pool("chunks", numbers.stream_chunks, numbers.chunk_bytes, 1)
    frames.fill()
    chunks.fill()
    ours = Terms(static, numbers, frames, chunks, POLICIES[policy])
    ours.serve("/ipfs/ping/1.0.0", PING)
    print("buffers", used() - before)
    return ours


def handshake(policy: str) -> None:
    """Both sides of one handshake, and a ping over it."""
    from jamliquor_lite.ports import entropy
    from jamliquor_lite.transport.connection import Connection
    from jamliquor_lite.transport.states import READY
    from jamliquor_lite.transport.upgrade import RANDOM_BYTES

    print("modules", used())
    ours = terms(policy)
    before = used()
    dialer = Connection(ours, ("", 0), True, entropy.random_bytes(RANDOM_BYTES), 0)
    listener = Connection(ours, ("", 0), False, entropy.random_bytes(RANDOM_BYTES), 0)
    _carry(dialer, listener)
    assert dialer.state == listener.state == READY, (dialer.close_reason, listener.close_reason)
    stream = dialer.open(PING)
    stream.send(SEED, 0, 32)
    _carry(dialer, listener)
    other = listener.accept()
    buf = bytearray(32)
    assert other.recv_into(buf, 0, 32) == 32 and buf == SEED
    stream.reset(0)
    other.reset(0)
    _carry(dialer, listener)
    stream = other = buf = None
    print("connection", (used() - before) // 2)


def _carry(one: "object", other: "object") -> None:
    """Move bytes both ways until both are silent."""
    moved = True
    while moved:
        moved = False
        for sender, reader in ((one, other), (other, one)):
            view = sender.outlet(0)
            if view is not None:
                sender.sent(reader.feed(view, sender.out_start, sender.out_end, 0))
                moved = True


STEPS = {"imports": imports, "call": call, "handshake": handshake}
