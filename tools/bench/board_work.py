"""What tools/bench/board.py has an emulated board do: it prints `name instructions` for each piece of work.

Runs on the board, as its main.py, with its profile. Under QEMU's -icount `ticks_cpu` counts instructions.
"""

import gc
import time

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.checkpoint import Checkpoint
from jamliquor_lite.chain.header import Header
from jamliquor_lite.chain.light import ADDED, LightChain
from jamliquor_lite.chain.single import KeyVerifier
from jamliquor_lite.chain.tree import rows_for
from jamliquor_lite.crypto import suite
from jamliquor_lite.p2p.identity import Identity
from jamliquor_lite.ports import board
from jamliquor_lite.transport.noise import DONE, HYBRID, PLAIN, WRITE, Handshake, StaticKey, random_size

KEY = 31
NODE = 64
WARM = 2  # of each work, the first ones load what the others find loaded
MUXERS = ["/yamux/1.0.0"]


def instructions(since: int) -> int:
    """How many ran since `since`."""
    return time.ticks_diff(time.ticks_cpu(), since)


def headers() -> None:
    """Every check of a header, from its bytes in a buffer to its row in the tree."""
    for name in board.PROFILE:
        setattr(Profile, name, board.PROFILE[name])
    with open("start.cbor", "rb") as file:
        checkpoint = Checkpoint.decode(file.read())
    Profile.tree_headers = min(Profile.tree_headers, rows_for(checkpoint.spec))
    chain = LightChain(checkpoint, Profile())
    spec = chain.spec
    with open("headers", "rb") as file:
        number = 0
        while True:
            size = int.from_bytes(file.read(4), "little")
            if not size:
                break
            data = file.read(size)
            gc.collect()
            since = time.ticks_cpu()
            header = Header(spec, data, 0, size)
            chain.add(header)
            taken = instructions(since)
            if chain.outcome != ADDED:
                raise ValueError("header %d: outcome %d" % (number, chain.outcome))
            number += 1
            has_mark = header.epoch_mark or header.tickets_mark
            if number > WARM:
                print("a header with a mark" if has_mark else "a header", taken)
    print("heap", gc.mem_alloc())


def proofs() -> None:
    """The check of a value, from the nodes in a buffer to the key that is proved."""
    verifier = KeyVerifier()
    with open("proofs", "rb") as file:
        root = file.read(32)
        number = 0
        while True:
            key = file.read(KEY)
            if not key:
                break
            count, size = file.read(2)
            nodes = file.read(NODE * count)
            value = file.read(size)
            gc.collect()
            since = time.ticks_cpu()
            verifier.begin(root, key, key)
            for at in range(0, NODE * count, NODE):
                verifier.node(nodes, at)
            verifier.entry(key, size)
            verifier.value(value, 0, size)
            proved = verifier.finish()
            taken = instructions(since)
            if proved != key:
                raise ValueError("proof %d" % number)
            number += 1
            if number > WARM:
                print("a proof", taken)
                print("its nodes", count)


def handshakes() -> None:
    """A dialer's side: its keys, its two messages, and what the listener's one takes to be read."""
    ours, theirs = [
        StaticKey(Identity(suite.sha512(name)[:32]), suite.sha512(name)[32:]) for name in (b"ours", b"theirs")
    ]
    buf = bytearray(4096)
    for name, protocol, binds in (
        ("a plain handshake", PLAIN, False), ("a hybrid handshake", HYBRID, False), ("the same, bound", HYBRID, True),
    ):
        offers = [protocol] if binds else []
        for number in range(WARM + 3):
            both = []
            taken = 0
            for is_dialer in (True, False):
                random = bytearray()
                while len(random) < random_size(is_dialer, protocol == HYBRID):
                    random += suite.sha512(b"%d %d %d" % (number, is_dialer, len(random)))
                random = random[: random_size(is_dialer, protocol == HYBRID)]
                gc.collect()
                since = time.ticks_cpu()
                both.append(Handshake(ours if is_dialer else theirs, is_dialer, protocol == HYBRID, random, MUXERS,
                                      offers))
                if is_dialer:
                    taken += instructions(since)
            dialer, listener = both
            while dialer.turn != DONE or listener.turn != DONE:
                writer, reader = (dialer, listener) if dialer.turn == WRITE else (listener, dialer)
                gc.collect()
                since = time.ticks_cpu()
                size = writer.write(buf, 0, len(buf))
                if writer is dialer:
                    taken += instructions(since)
                gc.collect()
                since = time.ticks_cpu()
                reader.read(buf, 0, size)
                if reader is dialer:
                    taken += instructions(since)
            if dialer.is_bound != binds:
                raise ValueError("bound: %s" % dialer.is_bound)
            if number >= WARM:
                print(name, taken)


print("by", suite.backends())
headers()
proofs()
handshakes()
print("done")
