# portable: runs on CPython and MicroPython
"""The preamble of a relayed request: at every cut, and what is none."""

from jamliquor_lite.errors import RemoteError
from jamliquor_lite.jam.events import LOST, NOTHING, REFUSED, REQUEST
from jamliquor_lite.jam.kinds import (
    BLOCK_REQUEST,
    JUSTIFICATION_REQUEST,
    MALFORMED,
    OVERSIZE,
    STATE_REQUEST,
    TRUNCATED,
    WARP_SYNC_REQUEST,
)
from jamliquor_lite.jam.relayed_request import MAX_HOPS, Preamble, preamble
from tests.fake_carrier import Pair
from tests.support import raises


def arriving(data, size, fin=True):
    """What a Preamble makes of bytes that come in pieces: its event, itself, and the stream behind it."""
    pair = Pair()
    far = pair.a.open(0)
    stream = pair.b.accept()
    found = Preamble(stream)
    event = found.poll()
    for at in range(0, len(data), size):
        assert event == NOTHING
        far.send(data, at, min(len(data), at + size))
        pair.pump()
        event = found.poll()
        if event != NOTHING:
            far.send(data, at + size, len(data))
            pair.pump()
            return event, found, stream
    if fin:
        far.finish()
        pair.pump()
        event = found.poll()
    return event, found, stream


def test_it_comes_back_at_every_cut_and_leaves_the_request_alone():
    request = bytes(range(41))
    for kind in (BLOCK_REQUEST, STATE_REQUEST, JUSTIFICATION_REQUEST, WARP_SYNC_REQUEST):
        for hops in range(MAX_HOPS + 1):
            for size in range(1, 7):
                data = preamble(kind, hops) + request
                event, found, stream = arriving(data, size)
                assert (event, found.kind, found.hops) == (REQUEST, kind, hops)
                buf = bytearray(64)
                # Nothing of what follows was taken; where the cut fell behind the preamble, the rest has come as well.
                got = stream.recv_into(buf, 0, 64)
                assert bytes(buf[:got]) == request[:got] and got == len(request)


def test_what_is_no_preamble_is_a_fault_of_the_peers():
    for data, code in (
        (b"\2\0\0\0\x83\0", MALFORMED), (b"\2\0\0\0\0\0", MALFORMED), (b"\2\0\0\0\x80\x08", MALFORMED),
        (b"\1\0\0\0\x80", MALFORMED), (b"\0\0\0\0", MALFORMED), (b"\3\0\0\0\x80\0\0", OVERSIZE),
        (b"\xff\xff\xff\xff", OVERSIZE), (b"", TRUNCATED), (b"\2\0", TRUNCATED), (b"\2\0\0\0\x80", TRUNCATED),
    ):
        error = raises(RemoteError, arriving, data, len(data) or 1)
        assert error.code == code, data


def test_a_peer_that_leaves_is_no_fault():
    for how, expected in (("reset", REFUSED), ("down", LOST)):
        pair = Pair()
        far = pair.a.open(0)
        found = Preamble(pair.b.accept())
        far.send(b"\2\0\0\0\x80", 0, 5)
        pair.pump()
        assert found.poll() == NOTHING
        if how == "reset":
            far.reset(1)
        else:
            pair.cut()
        pair.pump()
        assert found.poll() == expected
