"""Headers that come before their parents: who is kept, for how long, and what becomes of those that wait in vain."""

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.header import Header
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.errors import RemoteError
from jamliquor_lite.gateway.waiting import Waiting
from jamliquor_lite.jam.kinds import MALFORMED
from jamliquor_lite.jam.range_request import ASCENDING
from tests.gateway.test_link import Scene, ranges, serve

CHAIN = DevChain(TINY, seed=17, keys=3)
HEADERS = [Header(TINY, block.header) for block in CHAIN.advance(12)]


def waiting(**numbers):
    profile = Profile()
    for name, value in numbers.items():
        setattr(profile, name, value)
    return Waiting(profile)


def coming(header_hash):
    return True


def hashes(waiters):
    return [waiter.hash for waiter in waiters]


def test_a_parent_brings_its_children():
    kept = waiting()
    for header in HEADERS[1:3]:
        assert kept.hold(header, "a", 0) == []
    assert hashes(kept.children(HEADERS[1].hash)) == [HEADERS[2].hash]
    (waiter,) = kept.children(HEADERS[0].hash)
    assert (waiter.data, waiter.slot, waiter.link) == (HEADERS[1].buf, HEADERS[1].slot, "a")
    assert kept.count == 0 and kept.held == 2 and kept.wake_at() == -1


def test_nothing_waits_longer_than_its_time_nor_than_its_parent_is_on_its_way():
    kept = waiting(waiting_header_ms=100)
    for at, header in enumerate(HEADERS[:3]):
        kept.hold(header, "a", at)
    assert kept.late(99, coming) == [] and kept.wake_at() == 100
    assert hashes(kept.late(100, coming)) == [HEADERS[0].hash]
    assert hashes(kept.late(100, lambda parent: parent != HEADERS[1].parent)) == [HEADERS[1].hash]
    assert kept.count == 1


def test_a_peer_has_its_share_and_crowds_out_nobody_else():
    kept = waiting(waiting_headers=4, waiting_per_peer=2)
    assert kept.hold(HEADERS[0], "modest", 0) == []
    gone = [kept.hold(header, "greedy", 0) for header in HEADERS[1:5]]
    assert [hashes(waiters) for waiters in gone] == [[], [], [HEADERS[1].hash], [HEADERS[2].hash]]
    assert kept.hold(HEADERS[5], "other", 0) == [] and kept.count == 4
    assert hashes(kept.hold(HEADERS[6], "another", 0)) == [HEADERS[0].hash], "the oldest of all"
    assert hashes(kept.of("greedy")) == [HEADERS[3].hash, HEADERS[4].hash] and kept.count == 2


# in a gateway

def mesh(scene, count):
    peers = [scene.peer() for _ in range(count)]
    for peer in peers:
        peer.join(scene)
        peer.heard.clear()
    return peers


def child_first(scene, first, second, blocks):
    """`first` announces a header and `second` its child; both are asked, and the child is shown."""
    first.say(scene, blocks[0])
    second.say(scene, blocks[1])
    assert serve(scene, second, {blocks[1].hash: blocks[1].header}) == [blocks[1].hash]
    assert scene.gateway.waiting.count == 1 and not scene.gateway.knows(blocks[1].hash)
    assert not second.link.is_behind, "nothing is fetched again"


def test_a_child_that_comes_first_is_neither_fetched_twice_nor_told_before_it_is_checked():
    scene = Scene()
    first, second, third = mesh(scene, 3)
    blocks = scene.chain.advance(2)
    before = scene.gateway.headers_in
    child_first(scene, first, second, blocks)
    third.say(scene, blocks[1])
    assert serve(scene, third, {}) == [] and third.heard == []
    assert serve(scene, first, {blocks[0].hash: blocks[0].header}) == [blocks[0].hash]
    for peer in (first, second, third):
        peer.listen(scene)
    assert scene.gateway.chain.best_slot == blocks[1].slot and scene.gateway.headers_in - before == 2
    assert first.heard == [blocks[1].hash] and second.heard == third.heard == [blocks[0].hash]


def test_who_shows_a_false_child_is_left_when_the_parent_has_come():
    scene = Scene()
    first, second = mesh(scene, 2)
    parent, child = scene.chain.advance(2)
    false = child.header[:-1] + bytes([child.header[-1] ^ 1])
    first.say(scene, parent)
    second.announcer.announce(Header(TINY, false).hash, child.slot)
    second.listen(scene)
    scene.turn()
    serve(scene, second, {Header(TINY, false).hash: false})
    assert scene.gateway.waiting.count == 1
    with pytest.raises(RemoteError, match="seal") as refused:
        serve(scene, first, {parent.hash: parent.header})
        scene.turn()
    assert refused.value.code == MALFORMED and scene.gateway.knows(parent.hash)


@pytest.mark.parametrize("way", ["never shown", "refused", "gone"])
def test_a_parent_that_does_not_come_is_asked_for_as_a_gap(way):
    scene = Scene(waiting_header_ms=700)
    first, second = mesh(scene, 2)
    blocks = scene.chain.advance(2)
    best = blocks[0].parent
    child_first(scene, first, second, blocks)
    if way == "never shown":
        scene.turn(699)
        assert ranges(scene, second) == []
        scene.turn(1)
    elif way == "refused":
        serve(scene, first, {blocks[0].hash: None})
    else:
        first.link.connection.close()
        first.link.close()
        scene.peers.remove(first)
    scene.turn()
    assert ranges(scene, second) == [(ASCENDING, best)] and scene.gateway.waiting.count == 0


def test_who_leaves_takes_along_what_waited():
    scene = Scene()
    first, second, third = mesh(scene, 3)
    blocks = scene.chain.advance(2)
    child_first(scene, first, second, blocks)
    second.link.connection.close()
    second.link.close()
    scene.peers.remove(second)
    assert scene.gateway.waiting.count == 0
    serve(scene, first, {blocks[0].hash: blocks[0].header})
    third.say(scene, blocks[1])
    assert serve(scene, third, {blocks[1].hash: blocks[1].header}) == [blocks[1].hash], "and it is asked for anew"
    assert scene.gateway.knows(blocks[1].hash)
