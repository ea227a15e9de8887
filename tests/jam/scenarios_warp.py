"""CE 153 over any carrier. Each function takes a fresh carrier; test_warp_request.py runs them."""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.codec.natural import encode
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.errors import LocalError, RemoteError
from jamliquor_lite.jam.events import DONE, FRAGMENT, FRAGMENTS, LOST, REFUSED
from jamliquor_lite.jam.kinds import DECLINED, MALFORMED, SURPLUS, TIMED_OUT, TRUNCATED, WARP_SYNC_REQUEST
from jamliquor_lite.jam.warp_request import WarpRequest
from jamliquor_lite.sync.warp import Warp
from tests.jam.blocks import message, u32
from tests.jam.carriers import accepted
from tests.jam.drive import fails, raw_peer, reset_seen, run, settle
from tests.support import raises
from tests.sync.warps import Warps

WORLD = Warps(3)
NEVER = -1


def ask(carrier, request=None, warp=None, deadline=NEVER):
    request = request or WarpRequest(bytearray(300))
    warp = warp or Warp(TINY, Profile(), WORLD.start())
    stream = carrier.a.open(WARP_SYNC_REQUEST)
    request.begin(stream, warp.want(), warp, deadline)
    return request, warp, stream


def takes_all_that_come(carrier) -> None:
    for chunk in (64, 300, 5000):
        request, warp, _ = ask(carrier, WarpRequest(bytearray(chunk)))
        peer = raw_peer(carrier, message(WORLD.answer(0)))
        seen = []

        def see(event, seen=seen, request=request, warp=warp):
            seen.append((event, request.count, request.taken, warp.progress.set_id))

        assert run(carrier, request, [peer], see) == DONE
        assert seen == [(FRAGMENTS, 3, 0, 0)] + [(FRAGMENT, 3, i, i) for i in (1, 2, 3)]
        settle(carrier, peer)
        assert peer.received == u32(4) + u32(0)
        assert request.received_bytes == len(WORLD.answer(0)) and not request.busy


def goes_on_from_any_set(carrier) -> None:
    request, warp, _ = ask(carrier)
    assert run(carrier, request, [raw_peer(carrier, message(WORLD.answer(0, 1)))]) == DONE
    request, warp, _ = ask(carrier, request, warp)
    peer = raw_peer(carrier, message(WORLD.answer(1)))
    assert run(carrier, request, [peer]) == DONE
    settle(carrier, peer)
    assert peer.received[4:] == u32(1) and warp.progress.set_id == 3
    request, warp, _ = ask(carrier, request, warp)
    assert run(carrier, request, [raw_peer(carrier, message(encode(0)))]) == DONE
    assert request.count == 0 and warp.progress.set_id == 3


def what_was_good_stays(carrier) -> None:
    bad = bytearray(WORLD.answer(0))
    bad[-10] ^= 1
    request, warp, stream = ask(carrier)
    peer = raw_peer(carrier, message(bad))
    error = fails(carrier, request, [peer])
    assert error.code == MALFORMED and "CE 153: justification" in str(error)
    assert warp.progress.set_id == 2
    reset_seen(carrier, peer.stream, MALFORMED)
    request, warp, _ = ask(carrier, request, warp)
    assert run(carrier, request, [raw_peer(carrier, message(WORLD.answer(2)))]) == DONE
    assert warp.progress.set_id == 3


def nothing_behind_a_bad_fragment_is_read(carrier) -> None:
    whole = WORLD.answer(0)
    request, warp, _ = ask(carrier, WarpRequest(bytearray(64)))
    data = u32(len(whole)) + encode(3) + bytes(len(whole))
    fails(carrier, request, [raw_peer(carrier, data)])
    assert request.received_bytes <= 192 and warp.progress.set_id == 0


def an_answer_has_what_it_says(carrier) -> None:
    one, two = WORLD.fragments[:2]
    for content, code, proved in (
        (b"", MALFORMED, 0),
        (encode(2) + one, MALFORMED, 1),
        (encode(1) + one[:-1], MALFORMED, 0),
        (encode(1) + one + two, SURPLUS, 1),
        (encode(0) + one, SURPLUS, 0),
        (encode(1) + one + b"\0", SURPLUS, 1),
        (b"\x80\x01" + one, MALFORMED, 0),  # a longer form of 1
        (encode(1 << 33) + one + two, MALFORMED, 0),
    ):
        request, warp, _ = ask(carrier)
        assert fails(carrier, request, [raw_peer(carrier, message(content))]).code == code, content[:3]
        assert warp.progress.set_id == proved, content[:3]
    for data, code in ((message(WORLD.answer(0))[:-1], TRUNCATED), (b"", TRUNCATED), (b"\1\0", TRUNCATED),
                       (message(encode(0)) + message(b""), SURPLUS)):
        request, _, _ = ask(carrier)
        assert fails(carrier, request, [raw_peer(carrier, data)]).code == code


def a_peer_may_decline(carrier) -> None:
    request, warp, _ = ask(carrier)
    accepted(carrier, carrier.b).reset(DECLINED)
    assert run(carrier, request) == REFUSED
    request, warp, _ = ask(carrier, request, warp)
    carrier.cut()
    assert run(carrier, request) == LOST


def a_peer_may_not_dawdle(carrier) -> None:
    request, _, _ = ask(carrier, deadline=100)
    peer = raw_peer(carrier, message(WORLD.answer(0))[:500], fin=False)
    settle(carrier, request, peer)
    error = raises(RemoteError, request.poll, 100)
    assert error.code == TIMED_OUT and not request.busy
    request, _, _ = ask(carrier, request)
    request.cancel()
    assert not request.busy


def mistakes_of_ours(carrier) -> None:
    raises(LocalError, WarpRequest, bytearray(63))
    request, warp, stream = ask(carrier)
    raises(LocalError, request.begin, stream, 0, warp)
    request.cancel()
    raises(LocalError, request.begin, stream, 1 << 32, warp)
    raises(LocalError, request.begin, stream, -1, warp)


SCENARIOS = (
    takes_all_that_come,
    goes_on_from_any_set,
    what_was_good_stays,
    nothing_behind_a_bad_fragment_is_read,
    an_answer_has_what_it_says,
    a_peer_may_decline,
    a_peer_may_not_dawdle,
    mistakes_of_ours,
)
