"""Who has a turn with an upstream, and which upstream: shares, queues, deadlines, and upstreams that fail. Time is made
up, streams are fakes, exchanges do what the test says."""

import random

import pytest

from jamliquor_lite.budget.classes import SERVING
from jamliquor_lite.budget.meter import Meter
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.errors import BudgetError, LocalError, RemoteError
from jamliquor_lite.gateway.relays import Relays
from jamliquor_lite.gateway.sources import Sources
from jamliquor_lite.gateway.upstreams import BLOCKS, LEARN, STATE, Upstreams
from jamliquor_lite.jam.events import DONE, ENDED, LOST, MORE, NOTHING, REFUSED
from jamliquor_lite.jam.kinds import BLOCK_REQUEST, STATE_REQUEST, TIMED_OUT, TRUNCATED
from jamliquor_lite.transport.states import CLOSED, CONNECTING, READY


class Connection:
    def __init__(self, state=READY):
        self.state = state
        self.opened = []
        self.cap = 100

    def open(self, kind):
        if self.state != READY or len(self.opened) >= self.cap:
            return None
        self.opened.append(kind)
        return self


class Link:
    def __init__(self):
        self.connection = Connection()
        self.settled = True

    @property
    def ready(self):
        return self.connection.state == READY


class Record:
    inbound = False
    carrier = None

    def __init__(self, name, serves_state=True):
        self.name = name
        self.link = Link()
        self.serves_state = serves_state
        self.blamed = 0


class Node:
    """What Upstreams wants of a node. `state` are the connections on which state is asked."""

    def __init__(self, records, **numbers):
        self.profile = Profile()
        for name, value in numbers.items():
            setattr(self.profile, name, value)
        self.records = records
        self.events = []
        self.state = {}
        self.dials = 0

    @property
    def peers(self):
        return self

    def on_event(self, name, fields):
        self.events.append((name, fields))

    def state_connection(self, record, now):
        known = self.state.get(record.name)
        if known is None or known.state == CLOSED:
            self.dials += 1
            self.state[record.name] = known = Connection()
        return known


class Exchange:
    """Ends as `script` says: events, or exceptions to raise; the last one again and again."""

    def __init__(self, *script):
        self.script = list(script) or [NOTHING]
        self.passed_bytes = 0
        self.has_left = self.is_waiting_below = False
        self.is_fresh = True
        self.is_sated = False
        self.begun = 0
        self.gain = 0  # bytes that each poll passes
        self.drains = 0  # polls until what nobody wants has been read off
        self.ended = []
        self.stream = None

    def begin(self, stream, chunk):
        assert stream is not None and len(chunk) == 4
        self.begun += 1
        self.stream = stream

    def poll(self):
        if "cancel" in self.ended and self.drains:
            self.drains -= 1
            return NOTHING
        if "cancel" in self.ended:
            return ENDED
        self.passed_bytes += self.gain
        event = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(event, Exception):
            raise event
        return event

    def cancel(self):
        self.ended.append("cancel")

    def give_up(self):
        self.ended.append("give up")

    def decline(self):
        self.ended.append("decline")


class Scene:
    def __init__(self, *records, serves=STATE, **numbers):
        self.records = list(records) or [Record("one")]
        self.node = Node(self.records, relay_chunk_bytes=4, **numbers)
        self.upstreams = Upstreams(self.node, serves)
        for record in self.records:
            if serves != LEARN:
                self.upstreams.met(record)
        self.relays = Relays(Sources(self.upstreams), self.node.profile)
        self.meter = Meter(0, 1)
        self.now = 1_000

    def add(self, exchange, owner="lite", kind=STATE_REQUEST, meter=None):
        return self.relays.add(owner, meter or self.meter, kind, exchange, self.now)

    def turn(self, wait=0):
        self.now += wait
        return self.relays.turn(self.now)


def test_a_request_is_asked_answered_and_counted():
    scene = Scene()
    exchange = Exchange(MORE, NOTHING, DONE)
    assert scene.add(exchange) and scene.relays.count == 1
    assert scene.turn() is False and exchange.begun == 1
    assert scene.turn() is True
    assert scene.relays.done == {STATE_REQUEST: 1} and scene.relays.is_whole and exchange.ended == []
    assert scene.node.state["one"].opened == [STATE_REQUEST] and scene.records[0].link.connection.opened == []
    assert scene.relays.wake_at(scene.now) == -1


def test_nothing_is_asked_on_the_connection_that_follows():
    scene = Scene()
    scene.add(Exchange(DONE), kind=BLOCK_REQUEST)
    scene.add(Exchange(DONE), kind=STATE_REQUEST)
    scene.turn()
    assert scene.records[0].link.connection.opened == []
    assert scene.node.state["one"].opened == [BLOCK_REQUEST, STATE_REQUEST] and scene.node.dials == 1


def test_a_long_answer_does_not_keep_the_others_from_their_turn():
    scene = Scene()
    long, short = Exchange(MORE), Exchange(DONE)
    scene.add(long, owner="a")
    scene.add(short, owner="b")
    assert scene.turn() is True
    assert scene.relays.done == {STATE_REQUEST: 1}


# who waits

def test_a_peer_has_no_more_than_its_share():
    scene = Scene(relays_per_peer=2)
    first = [Exchange(NOTHING) for _ in range(4)]
    for exchange in first:
        scene.add(exchange, owner="greedy")
    other = Exchange(NOTHING)
    scene.add(other, owner="modest")
    scene.turn()
    assert [exchange.begun for exchange in first] == [1, 1, 0, 0] and other.begun == 1
    first[0].script = [DONE]
    scene.turn()
    scene.turn()
    assert [exchange.begun for exchange in first] == [1, 1, 1, 0]


def test_an_upstream_has_no_more_than_its_share_and_the_idle_one_is_chosen():
    scene = Scene(Record("one"), Record("two"), relays_upstream=2)
    exchanges = [Exchange(NOTHING) for _ in range(5)]
    for number, exchange in enumerate(exchanges):
        scene.add(exchange, owner=number)
    scene.turn()
    assert [exchange.begun for exchange in exchanges] == [1, 1, 1, 1, 0]
    assert [len(scene.node.state[name].opened) for name in ("one", "two")] == [2, 2]


def test_a_full_queue_declines():
    scene = Scene(relay_queue=2, relays_per_peer=1)
    first, second, third = Exchange(), Exchange(), Exchange()
    assert scene.add(first) and scene.add(second) and not scene.add(third)
    assert third.ended == ["decline"] and scene.relays.declined == {STATE_REQUEST: 1}
    scene.turn()
    assert scene.add(Exchange()), "one is under way, there is room again"


def test_without_a_buffer_they_wait():
    scene = Scene(relays=1)
    first, second = Exchange(NOTHING), Exchange(DONE)
    scene.add(first, owner="a")
    scene.add(second, owner="b")
    scene.turn()
    assert (first.begun, second.begun) == (1, 0)
    first.script = [DONE]
    scene.turn()
    scene.turn()
    assert second.begun == 1 and scene.relays.is_whole


def test_a_peer_that_asks_too_often_waits():
    scene = Scene()
    meter = Meter(10, 2)
    exchanges = [Exchange(DONE) for _ in range(4)]
    for exchange in exchanges:
        scene.add(exchange, meter=meter)
    scene.turn()
    scene.turn()
    assert [exchange.begun for exchange in exchanges] == [1, 1, 0, 0]
    at = scene.relays.wake_at(scene.now)
    assert scene.now < at <= scene.now + 100
    scene.turn(100)
    assert [exchange.begun for exchange in exchanges] == [1, 1, 1, 0]


def test_who_waits_too_long_is_declined():
    scene = Scene(relays=1, relay_timeout_ms=500, state_sync_timeout_ms=10_000)
    first, second = Exchange(NOTHING), Exchange(NOTHING)
    scene.add(first, owner="same")
    scene.turn()
    scene.add(second, owner="same")
    scene.node.profile.relays_per_peer = 1
    assert scene.relays.wake_at(scene.now) == scene.now + 500
    scene.turn(500)
    assert second.ended == []
    scene.turn(1)
    assert second.ended == ["decline"] and second.begun == 0 and first.ended == []


@pytest.mark.parametrize("is_running", [True, False])
@pytest.mark.parametrize("how", ["left", "dropped"])
def test_a_requester_that_has_gone_frees_its_place(is_running, how):
    scene = Scene(relays=1)
    exchange = Exchange(NOTHING)
    if not is_running:
        scene.add(Exchange(NOTHING), owner="other")
    scene.add(exchange, owner="gone")
    scene.turn()
    assert exchange.begun == is_running
    if how == "left":
        exchange.has_left = True
        scene.turn()
    else:
        scene.relays.drop("gone")
        scene.turn()
    scene.turn()
    assert exchange.ended == ["cancel"]
    assert scene.relays.count == (0 if is_running else 1)
    scene.relays.drop("other")
    scene.turn()
    assert scene.relays.is_whole


@pytest.mark.parametrize("how", ["left", "dropped"])
def test_an_answer_for_nobody_is_read_off_for_a_while_and_no_longer(how):
    scene = Scene(state_sync_timeout_ms=500)
    quick, endless = Exchange(NOTHING), Exchange(NOTHING)
    quick.drains, endless.drains = 3, 1 << 30
    for exchange in (quick, endless):
        scene.add(exchange)
    scene.turn()
    for exchange in (quick, endless):
        exchange.has_left = how == "left"
    if how == "dropped":
        scene.relays.drop("lite")
    for _ in range(5):
        scene.turn(10)
    assert scene.relays.count == 1 and quick.ended == endless.ended == ["cancel"]
    assert scene.now < scene.relays.wake_at(scene.now) <= scene.now + 500
    scene.turn(600)
    assert endless.ended == ["cancel", "give up"] and scene.relays.is_whole
    assert scene.node.events == [], "nobody is to blame"


@pytest.mark.parametrize("why", ["long", "slow"])
def test_an_answer_for_nobody_is_given_up_after_those_of_others_on_its_connection(why):
    scene = Scene(Record("one"), state_sync_timeout_ms=500)
    unwanted, other = Exchange(NOTHING), Exchange(NOTHING)
    unwanted.drains, other.gain = 1 << 30, 1
    scene.add(unwanted, owner="gone")
    scene.add(other)
    scene.turn()
    scene.relays.drop("gone")
    unwanted.is_sated = why == "long"
    for _ in range(6 if why == "slow" else 1):
        scene.turn(100)  # `other` gets something in each of them
    late = Exchange(NOTHING)
    scene.add(late, owner="late")
    for _ in range(5):
        scene.turn(50)
        assert unwanted.ended == ["cancel"] and late.begun == 0
        assert scene.relays.wake_at(scene.now) > scene.now, "nothing is looked at again and again"
    other.script = [DONE]
    scene.turn()
    scene.turn()
    assert unwanted.ended == ["cancel", "give up"]
    scene.turn()
    assert late.begun == 1 and other.ended == []


def test_a_second_upstream_takes_what_the_first_one_is_not_asked_meanwhile():
    scene = Scene(Record("one"), Record("two"))
    unwanted, other = Exchange(NOTHING), Exchange(NOTHING)
    scene.add(unwanted, owner="gone")
    scene.turn()
    first = next(name for name, connection in scene.node.state.items() if connection.opened)
    scene.relays._running[0].connection.cap = 2
    unwanted.drains = 1 << 30
    scene.upstreams._of(scene.records[1 if first == "one" else 0]).running = 5
    scene.add(other)
    scene.turn()
    assert len(scene.node.state[first].opened) == 2
    scene.upstreams._of(scene.records[1 if first == "one" else 0]).running = 0
    unwanted.is_sated = True
    scene.relays.drop("gone")
    scene.turn()
    scene.add(Exchange(NOTHING), owner="late")
    scene.turn()
    assert sorted(len(connection.opened) for connection in scene.node.state.values()) == [1, 2]


def test_who_left_before_anything_was_asked_leaves_nothing_to_read_off():
    scene = Scene()
    scene.node.state["one"] = Connection(CONNECTING)
    exchange = Exchange()
    scene.add(exchange)
    scene.turn()
    exchange.has_left = True
    scene.turn()
    assert exchange.begun == 0 and exchange.ended == ["cancel"] and scene.relays.is_whole


# who is slow

def slow(scene, owner="slow"):
    exchange = Exchange(NOTHING)
    exchange.is_waiting_below = True
    exchange.is_fresh = False
    scene.add(exchange, owner=owner)
    return exchange


def test_a_reader_that_takes_nothing_loses_its_turn_at_once_when_others_wait_and_later_else():
    scene = Scene(relays=1, relay_stall_ms=200, relay_timeout_ms=3_000)
    alone = slow(scene)
    scene.turn()
    assert scene.relays.is_waiting_below
    scene.turn(3_000)
    assert alone.ended == []
    scene.turn(1)
    scene.turn()
    assert alone.ended == ["cancel"] and scene.relays.is_whole
    crowded = slow(scene)
    scene.turn()
    other = Exchange(DONE)
    scene.add(other, owner="other")
    scene.turn(200)
    assert crowded.ended == [] and other.begun == 0
    scene.turn(1)
    assert crowded.ended == ["cancel"]
    scene.turn()
    scene.turn()
    assert other.begun == 1 and scene.relays.is_whole
    assert scene.node.events == [], "no upstream is to blame"


def test_a_reader_that_takes_a_byte_at_a_time_has_a_turn_of_bounded_length():
    scene = Scene(relays_upstream=1, relay_stall_ms=200, relay_timeout_ms=3_000)
    drip = slow(scene)
    drip.gain = 1
    other = Exchange(DONE)
    scene.turn()
    for _ in range(50):
        scene.turn(100)
    assert drip.ended == [], "while nobody else wants the place"
    scene.add(other, owner="other")
    for _ in range(3):
        scene.turn(1)
    assert drip.ended == ["cancel"] and other.begun == 1 and scene.relays.is_whole


def test_ones_own_queue_crowds_nobody_out():
    scene = Scene(relays_per_peer=1, relay_stall_ms=200, relay_timeout_ms=3_000)
    reader = slow(scene, owner="a")
    scene.turn()
    for _ in range(5):
        scene.add(Exchange(NOTHING), owner="b")
    scene.turn(1_000)
    assert reader.ended == [], "there is room: what waits does so for its owner's share"


# upstreams that fail

def test_a_silent_upstream_is_left_for_another_one():
    scene = Scene(Record("silent"), Record("other"), state_sync_timeout_ms=400)
    exchange = Exchange(NOTHING)
    scene.add(exchange)
    scene.turn()
    assert scene.node.state["silent"].opened and scene.relays.wake_at(scene.now) == scene.now + 400
    scene.turn(400)
    assert exchange.ended == []
    scene.turn(1)
    assert exchange.ended == ["give up"], "the requester goes on waiting"
    exchange.script = [DONE]
    scene.turn()
    assert scene.node.state["other"].opened == [STATE_REQUEST] and scene.relays.is_whole
    assert [name for name, _ in scene.node.events] == ["refused"] and scene.records[0].blamed == 0


def test_with_nobody_left_the_request_is_declined():
    scene = Scene(Record("one"), Record("two"))
    exchange = Exchange(REFUSED)
    scene.add(exchange)
    for _ in range(3):
        scene.turn()
    assert exchange.begun == 2 and exchange.ended == ["decline"] and scene.relays.is_whole
    assert scene.node.events == [], "to decline is no fault"


@pytest.mark.parametrize("fault", [RemoteError(TRUNCATED, "cut"), BudgetError("passage", "long")])
def test_what_was_begun_cannot_be_had_from_somebody_else(fault):
    scene = Scene(Record("one"), Record("two"))
    exchange = Exchange(fault)
    exchange.is_fresh = False
    scene.add(exchange)
    scene.turn()
    assert exchange.begun == 1 and exchange.ended == ["cancel"] and scene.relays.is_whole
    assert scene.records[0].blamed == isinstance(fault, RemoteError)


@pytest.mark.parametrize("serves", [LEARN, STATE])
def test_an_upstream_that_closes_over_state_is_asked_no_more(serves):
    scene = Scene(Record("closes"), serves=serves)
    for cut in range(3):
        exchange = Exchange(NOTHING)
        assert scene.add(exchange)
        scene.turn()
        assert exchange.begun == 1 and scene.node.dials == cut + 1
        scene.node.state["closes"].state = CLOSED
        exchange.script = [LOST]
        scene.turn()
        scene.turn()
        assert exchange.ended == ["decline"]
        again = Exchange(NOTHING)
        if scene.add(again):
            scene.turn()
            assert again.begun == 0, "not at once"
            scene.relays.drop("lite")
        scene.now += scene.node.profile.peer_retry_ms
    refused = Exchange()
    assert not scene.add(refused) and refused.ended == ["decline"] and scene.node.dials == 3
    assert not scene.upstreams.state_offered
    assert scene.records[0].link.ready, "the connection that follows is another one"
    if serves == LEARN:
        assert scene.upstreams.unlearned() == scene.records and scene.upstreams.state_word == "unknown"
    else:
        scene.upstreams.met(scene.records[0])
        assert scene.upstreams.state_offered, "a new connection, a new start"


def test_a_whole_answer_makes_up_for_cuts():
    scene = Scene(Record("one"))
    for _ in range(5):
        scene.add(Exchange(RemoteError(TRUNCATED, "cut")))
        scene.turn()
        scene.turn()
        scene.add(Exchange(DONE))
        scene.turn()
    assert scene.upstreams.state_offered and scene.relays.done[STATE_REQUEST] == 5


def test_one_that_cuts_blocks_still_proves_state_but_is_asked_last():
    scene = Scene(Record("one"), Record("two"))
    for _ in range(4):
        exchange = Exchange(NOTHING)
        scene.add(exchange, kind=BLOCK_REQUEST)
        scene.turn()
        is_cut = exchange.stream is scene.node.state["one"]
        exchange.script = [RemoteError(TRUNCATED, "cut"), DONE] if is_cut else [DONE]
        scene.turn()
        scene.turn()
    assert [len(scene.node.state[name].opened) for name in ("one", "two")] == [1, 4]
    assert scene.upstreams.choose(STATE_REQUEST, [], scene.now) is scene.records[0]


def test_a_connection_that_does_not_come_about_is_no_answer_about_state():
    scene = Scene(Record("far"), serves=LEARN, handshake_timeout_ms=300)
    scene.node.state["far"] = Connection(CONNECTING)
    exchange = Exchange(NOTHING)
    scene.add(exchange)
    scene.turn()
    assert exchange.begun == 0
    scene.node.state["far"].state = CLOSED
    scene.turn()
    assert scene.upstreams.state_offered
    scene.turn()
    assert exchange.ended == ["decline"] and scene.relays.is_whole
    scene.node.state["far"] = Connection(CONNECTING)
    scene.now += scene.node.profile.peer_retry_ms
    late = Exchange(NOTHING)
    scene.add(late)
    scene.turn()
    scene.turn(301)
    scene.turn()
    assert late.ended == ["decline"] and scene.upstreams.state_offered and scene.relays.is_whole


def test_an_upstream_that_allows_no_stream_is_left_after_a_while():
    scene = Scene(Record("full"), Record("other"), handshake_timeout_ms=300)
    scene.node.state["full"] = Connection()
    scene.node.state["full"].cap = 0
    exchange = Exchange(DONE)
    scene.add(exchange)
    scene.turn()
    scene.turn(301)
    scene.turn()
    scene.turn()
    assert scene.relays.done == {STATE_REQUEST: 1} and scene.node.state["other"].opened == [STATE_REQUEST]


# which serve state

@pytest.mark.parametrize("serves, known, offered, word", [
    (LEARN, None, False, "unknown"), (LEARN, True, True, "served"), (LEARN, False, False, "unavailable upstream"),
    (STATE, None, True, "served"), (BLOCKS, True, False, "unavailable upstream"),
])
def test_state_is_asked_only_of_those_known_to_serve_it(serves, known, offered, word):
    scene = Scene(Record("one", known), serves=serves)
    assert scene.upstreams.state_offered == offered and scene.upstreams.state_word == word
    exchange = Exchange(DONE)
    assert scene.add(exchange) == offered
    scene.turn()
    assert (scene.node.state != {}) == offered, "nobody else is even dialed"
    assert scene.upstreams.unlearned() == (scene.records if known is None and serves == LEARN else [])


def test_who_reconnects_is_learned_anew_unless_it_served():
    scene = Scene(Record("no", False), Record("yes", True), serves=LEARN)
    for record in scene.records:
        scene.upstreams.met(record)
    assert [record.serves_state for record in scene.records] == [None, True]


def test_upstreams_that_are_away_are_not_asked():
    scene = Scene(Record("away"))
    scene.records[0].link = None
    assert scene.upstreams.connected == 0
    for kind in (STATE_REQUEST, BLOCK_REQUEST):
        exchange = Exchange()
        assert not scene.add(exchange, kind=kind) and exchange.ended == ["decline"]


def test_a_word_that_is_none_is_refused():
    with pytest.raises(LocalError, match="allowed are learn, state, blocks") as refused:
        Upstreams(Node([]), "everything")
    assert refused.value.exit_code == 2


def test_whatever_happens_every_place_is_free_again():
    for seed in range(30):
        dice = random.Random(seed)
        scene = Scene(Record("one"), Record("two"), relays=4, relays_upstream=3, relay_queue=8,
                      relay_stall_ms=50, relay_timeout_ms=400, state_sync_timeout_ms=300, peer_retry_ms=50)
        asked = []
        for _ in range(300):
            fate = dice.choice([DONE, REFUSED, LOST, ENDED, NOTHING, RemoteError(TIMED_OUT, "slow"),
                                RemoteError(TRUNCATED, "cut"), BudgetError("passage", "long")])
            exchange = Exchange(*[dice.choice([MORE, NOTHING]) for _ in range(dice.randrange(20))], fate)
            exchange.is_waiting_below = dice.random() < 0.3
            exchange.is_fresh = dice.random() < 0.5
            exchange.drains = dice.choice([0, 0, 5, 1 << 30])
            asked.append(exchange)
            scene.add(exchange, dice.choice("abc"), dice.choice([STATE_REQUEST, BLOCK_REQUEST]))
            for record in scene.records:
                if dice.random() < 0.05:
                    scene.upstreams.met(record)
                if dice.random() < 0.05:
                    scene.node.state_connection(record, 0).state = CLOSED
            if dice.random() < 0.1:
                dice.choice(asked).has_left = True
            if dice.random() < 0.05:
                scene.relays.drop(dice.choice("abc"))
            scene.turn(dice.randrange(40))
        for _ in range(200):
            scene.turn(100)
        assert scene.relays.is_whole, seed
        assert all(scene.upstreams._of(record).running == 0 for record in scene.records)
        over = [e for e in asked if set(e.ended) & {"cancel", "decline"} or e.script[-1] in (DONE, ENDED)]
        assert len(over) == len(asked), "each has come to an end"


# processor time

class Time:
    """Quanta (node/turn.py) that allow so many moves a turn. `charged` counts those that were charged."""

    def __init__(self, moves):
        self.moves = moves
        self.charged = 0

    def may(self, cls, now):
        assert cls == SERVING
        self.moves -= 1
        return self.moves >= 0

    def charge(self, cls, now):
        assert cls == SERVING
        self.charged += 1


def under_way(scene, count, *script):
    """Exchanges of as many peers that have begun and have more to do than a turn allows."""
    exchanges = [Exchange(*(script or (MORE,))) for _ in range(count)]
    for number, exchange in enumerate(exchanges):
        scene.add(exchange, owner=number)
        exchange.gain = 1
    scene.relays.turn(scene.now, Time(0))
    return exchanges


def test_who_got_no_processor_time_is_the_first_next_time():
    scene = Scene(relays_upstream=9)
    exchanges = under_way(scene, 5)
    assert [exchange.begun for exchange in exchanges] == [0] * 5, "they have their turn, and no time"
    for _ in range(10):
        time = Time(2)
        assert scene.relays.turn(scene.now, time) is False and time.charged == 2
    moved = [exchange.passed_bytes for exchange in exchanges]
    assert min(moved) > 0 and max(moved) - min(moved) <= 8, moved
    assert scene.turn() is True, "with enough of it all move"


def test_for_whom_there_is_no_processor_time_the_clock_stands_still():
    scene = Scene(relays_upstream=9)
    (exchange,) = under_way(scene, 1, NOTHING)
    exchange.gain = 0
    patience = scene.node.profile.state_sync_timeout_ms
    scene.relays.turn(scene.now, Time(1))
    for _ in range(10):
        scene.now += patience
        scene.relays.turn(scene.now, Time(0))
    scene.relays.turn(scene.now, Time(1))
    assert exchange.ended == [] and scene.relays.count == 1, "the upstream was not listened to: it is not to blame"
    scene.turn(patience + 1)
    assert exchange.ended == ["give up"]


def test_nothing_is_lost_for_want_of_processor_time():
    scene = Scene(relays_upstream=9)
    exchanges = under_way(scene, 6, *[NOTHING, MORE, DONE] * 1)
    for _ in range(60):
        scene.relays.turn(scene.now, Time(1))
        scene.now += 1
    assert scene.relays.done == {STATE_REQUEST: 6} and scene.relays.is_whole
    assert all(exchange.ended == [] for exchange in exchanges)
