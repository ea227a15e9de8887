"""A watch list: what it fetches of each state, what it tells, and in which order."""

from jamliquor_lite.chain.trie_node import leaf_node
from jamliquor_lite.errors import BudgetError, LocalError, RemoteError
from jamliquor_lite.sync.probes import group_of
from tests.fake_carrier import Dice
from tests.support import raises
from tests.sync.watched import (
    HIGH,
    LOW,
    Exchange,
    FakeChain,
    Trie,
    fetch,
    is_coming,
    key,
    look,
    model,
    profile_of,
    taken,
    update,
    watching,
)


def random_key(dice):
    return bytes([dice.below(256) for _ in range(31)])


class World:
    """A trie of random keys, of which some are watched; a chain of its states, and the exchanges."""

    def __init__(self, seed=3, keys=300, watched=30, extra=(), **numbers):
        self.dice = Dice(seed)
        self.state = {random_key(self.dice): b"value %d" % i for i in range(keys)}
        self.trie = Trie(self.state.items())
        self.keys = sorted(self.state)
        spread = max(1, keys // max(1, watched))
        self.items = [(one, one) for one in self.keys[::spread][:watched]] + list(extra)
        self.profile = profile_of(**numbers)
        self.watch = watching(self.items, self.profile)
        self.chain = FakeChain()
        self.exchange = Exchange(self.chain, self.profile)
        self.told = None

    def put(self, one, value):
        if value is None:
            del self.state[one]
            self.trie.remove(one)
        else:
            self.state[one] = value
            self.trie.set(one, value)

    def step(self, is_lite, peers=1, parent=None):
        """A new state, fetched and taken; what was told must be what the model says."""
        self.chain.add(self.trie, parent)
        trips = fetch(self.watch, self.chain, self.exchange, is_lite, peers)
        now = dict(self.state)
        found = taken(self.watch)
        assert found == model(self.told, now, self.items)
        self.told = now
        return trips


def test_a_snapshot_and_then_only_what_changes():
    for is_lite in (False, True):
        world = World()
        assert world.step(is_lite) == 1
        first = world.exchange.received
        for turn in range(6):
            before = world.exchange.received
            for number in range(3):
                world.put(world.items[(7 * turn + number) % 30][0], b"turn %d" % turn)
            trips = world.step(is_lite)
            assert trips <= (1 if is_lite else 2)
            assert world.exchange.received - before < first * (3 if is_lite else 9) // 10
        assert world.watch.updates == 7 and world.watch.changes == 30 + 18


def test_a_state_with_the_same_root_costs_nothing():
    world = World()
    world.step(True)
    count = world.exchange.count
    assert world.step(True) == 0 and world.exchange.count == count
    assert world.watch.delivered.slot == 2


def test_what_nobody_watches_is_not_told():
    for is_lite in (False, True):
        world = World(watched=4)
        world.step(is_lite)
        watched = [one for one, _ in world.items]
        for one in world.keys[1::9]:
            if one not in watched:
                world.put(one, b"unwatched")
        world.chain.add(world.trie)
        fetch(world.watch, world.chain, world.exchange, is_lite)
        assert is_coming(world.watch) and taken(world.watch) == []
        assert world.watch.delivered.root == world.trie.root()


def test_a_removed_key_is_told_as_absent_and_comes_back():
    for is_lite in (False, True):
        world = World(keys=40, watched=10)
        world.step(is_lite)
        gone = world.items[4][0]
        world.put(gone, None)
        world.step(is_lite)
        world.put(gone, b"again" * 20)
        world.step(is_lite)
        # and one that was never there
        never = key(1, 2, 3)
        world = World(keys=5, watched=2, extra=[(never, never)])
        world.step(is_lite)
        for value in (b"", b"x" * 33, None, b"back"):
            world.put(never, value)
            world.step(is_lite)


def test_the_whole_state_may_go():
    for is_lite in (False, True):
        world = World(keys=6, watched=2, extra=[(key(0x80), HIGH)])
        world.step(is_lite)
        for one in list(world.state):
            world.put(one, None)
        world.step(is_lite)
        world.put(key(0x90), b"first")
        world.step(is_lite)


def test_ranges_are_followed_as_keys_are():
    for is_lite in (False, True):
        world = World(keys=2000, watched=3, extra=[(key(0x20), b"\x3f" + HIGH[1:]), (key(0xF0), HIGH)])
        world.step(is_lite)
        whole = world.exchange.received
        dice = world.dice
        for turn in range(8):
            before = world.exchange.received
            inside = [one for one in sorted(world.state) if 0x20 <= one[0] < 0x40]
            world.put(inside[dice.below(len(inside))], None if turn == 3 else b"turn %d" % turn)
            if turn % 3 == 0:
                world.put(bytes([0x21]) + random_key(dice)[1:], b"new")
            world.step(is_lite)
            assert world.exchange.received - before < whole * (1 if is_lite else 7) // 10


def test_answers_that_are_cut_are_asked_on_and_several_peers_share_a_snapshot():
    for is_lite in (False, True):
        for peers in (1, 3):
            world = World(keys=200, watched=40, extra=[(LOW, b"\x40" + bytes(30))], watch_answer_bytes=1024)
            world.step(is_lite, peers)
            for one, _ in world.items[:30]:
                world.put(one, b"much at once" * 5)
            world.step(is_lite, peers)
            assert world.exchange.count > 8


def test_random_states_are_told_as_they_are():
    for seed in range(1, 7):
        world = World(seed, keys=60, watched=12, extra=[(key(0x10), key(0x70)), (key(0x60), key(0x90))])
        dice = world.dice
        for _ in range(12):
            for _ in range(dice.below(9)):
                one = random_key(dice) if dice.below(3) == 0 else sorted(world.state)[dice.below(len(world.state))]
                world.put(one, None if dice.below(3) == 0 and one in world.state else b"v" * (1 + dice.below(40)))
            world.step(dice.below(2) == 0, 1 + dice.below(3))


# -- order, level, forks


def test_changes_come_in_the_order_of_keys_with_their_header():
    world = World(keys=50, watched=20)
    state = world.chain.add(world.trie)
    fetch(world.watch, world.chain, world.exchange, True)
    keys = []
    change = world.watch.next_change()
    while change is not None:
        assert change.commitment is state and change.is_first and change.commitment.level == 2
        keys.append(change.key)
        assert world.watch.delivered is None, "a state is delivered when its last change has been taken"
        change = world.watch.next_change()
    assert keys == sorted(keys) and len(keys) == 20 and world.watch.delivered is state


def test_nothing_newer_begins_before_the_last_change_is_taken():
    world = World(keys=50, watched=20)
    world.chain.add(world.trie)
    fetch(world.watch, world.chain, world.exchange, True)
    assert world.watch.next_change() is not None
    world.put(world.items[0][0], b"newer")
    world.chain.add(world.trie)
    look(world.watch, world.chain)
    assert world.watch.target.slot == 1 and world.watch.next_piece(True) is None
    assert len(taken(world.watch)) == 19
    assert update(world.watch, world.chain, world.exchange, True) == [(world.items[0][0], b"newer")]


def test_states_between_are_skipped():
    world = World()
    world.step(True)
    one = world.items[3][0]
    old = world.state[one]
    for value in (b"a", b"b", old):
        world.put(one, value)
        world.chain.add(world.trie)
    assert update(world.watch, world.chain, world.exchange, True) == []
    assert world.watch.delivered.slot == 4 and world.watch.updates == 2


def test_an_abandoned_branch_is_named_and_taken_back():
    for is_lite in (False, True):
        world = World()
        world.step(is_lite)
        one, two = world.items[3][0], world.items[9][0]
        old = world.state[one]
        world.put(one, b"on the branch that loses")
        world.step(is_lite)
        assert world.watch.abandoned is None
        lost = world.watch.delivered
        world.put(one, old)
        world.put(two, b"on the branch that wins")
        world.step(is_lite, parent=1)  # told: both, since `step` compares with the state before
        assert world.watch.abandoned is lost and world.watch.delivered.parent == 1
        world.step(is_lite)
        assert world.watch.abandoned is None


def asked(value):
    """A world whose watch has been told of its first state, and what it asks for after item 3 got that value."""
    world = World()
    world.step(True)
    world.put(world.items[3][0], value)
    world.chain.add(world.trie)
    look(world.watch, world.chain)
    return world, world.watch.next_piece(True)


def test_a_branch_that_is_abandoned_while_it_is_fetched_is_not_told():
    world, piece = asked(b"on the branch that loses")
    query = world.exchange.run(piece)
    world.put(world.items[3][0], b"on the branch that wins")
    won = world.chain.add(world.trie, parent=1)
    assert world.watch.done(piece, query.top, query.received_bytes, query.entries)
    assert update(world.watch, world.chain, world.exchange, True) == [(world.items[3][0], b"on the branch that wins")]
    assert world.watch.delivered is won and world.watch.abandoned is None


def test_what_is_older_than_what_was_delivered_is_no_news():
    # what becomes final was vouched for before
    world = World()
    world.step(True)
    world.put(world.items[0][0], b"newer")
    world.step(True)
    world.chain.best = 1
    assert update(world.watch, world.chain, world.exchange, True) == []
    assert world.watch.delivered.slot == 2 and world.watch.target is None


# -- peers that are lost, late, or lie


def test_a_lost_exchange_is_asked_again_and_a_late_one_is_ignored():
    world = World(watched=40)
    world.chain.add(world.trie)
    look(world.watch, world.chain)
    pieces = [world.watch.next_piece(False) for _ in range(40)]
    assert world.watch.next_piece(False) is None
    for piece in pieces:
        world.watch.failed(piece)
    again = world.watch.next_piece(False)
    assert again is pieces[-1]
    # Nobody has that state any more: the next one takes over, and what comes for the old one is dropped.
    world.put(world.items[0][0], b"newer")
    assert not world.watch.give_up(), "there is no newer one"
    world.chain.add(world.trie)
    look(world.watch, world.chain)
    assert world.watch.give_up()
    query = world.exchange.run(again)
    assert world.watch.done(again, query.top, query.received_bytes, 1)
    assert update(world.watch, world.chain, world.exchange, False) == model(None, world.state, world.items)
    assert world.watch.delivered.slot == 2


def test_a_snapshot_goes_on_where_an_older_state_was_left():
    for is_lite in (False, True):
        world = World(keys=600, watched=1, extra=[(LOW, HIGH)], watch_answer_bytes=4096)
        world.chain.add(world.trie)
        look(world.watch, world.chain)
        for _ in range(4):
            piece = world.watch.next_piece(is_lite)
            query = world.exchange.run(piece)
            assert world.watch.done(piece, query.top, query.received_bytes, 1)
            look(world.watch, world.chain)
        so_far = world.exchange.received
        world.put(world.keys[5], b"changed meanwhile")
        world.chain.add(world.trie)
        look(world.watch, world.chain)
        assert world.watch.give_up()
        found = update(world.watch, world.chain, world.exchange, is_lite)
        assert found == model(None, world.state, world.items)
        alone = World(keys=600, watched=1, extra=[(LOW, HIGH)], watch_answer_bytes=4096)
        alone.step(is_lite)
        assert world.exchange.received < alone.exchange.received + so_far // 2


def test_a_liar_is_refused_and_what_it_was_asked_is_asked_again():
    def stale(pieces):
        return [b"\1"]

    def withheld(pieces):
        at = [index for index, piece in enumerate(pieces) if piece[0] == 5][0]
        return pieces[:at] + [b"\1"] + pieces[at + 1 :]

    def forged(pieces):
        at = [index for index, piece in enumerate(pieces) if piece[0] == 5][0]
        return pieces[:at] + [pieces[at][:-1] + b"!"] + pieces[at + 1 :]

    def bare(pieces):
        # the leaf itself, which does hash to the root, but without saying what the value is
        at = [index for index, piece in enumerate(pieces) if piece[0] == 5][0]
        return pieces[:at] + [b"\4" + leaf_node(pieces[at][1:32], pieces[at][33:])] + pieces[at + 1 :]

    for spoil in (stale, withheld, forged, bare):
        world, piece = asked(b"short")
        world.exchange.spoil = spoil
        raises(RemoteError, world.exchange.run, piece)
        world.watch.failed(piece)
        world.exchange.spoil = None
        assert update(world.watch, world.chain, world.exchange, True) == [(world.items[3][0], b"short")]


def test_who_shows_nothing_of_what_was_asked_is_found_out():
    world, piece = asked(b"short")
    world.exchange.spoil = lambda pieces: [b"\2" + world.trie.root()]
    query = world.exchange.run(piece)  # which is true, and no answer
    assert not world.watch.done(piece, query.top, query.received_bytes, query.entries)
    world.exchange.spoil = None
    assert update(world.watch, world.chain, world.exchange, True) == [(world.items[3][0], b"short")]


def test_lies_over_ce_129_are_refused_too():
    for cut in (lambda nodes, entries: (nodes, [(entries[0][0], b"forged")]),
                lambda nodes, entries: (nodes, []),
                lambda nodes, entries: (nodes[:-1], entries)):
        world = World()
        world.chain.add(world.trie)
        look(world.watch, world.chain)
        piece = world.watch.next_piece(False)
        world.exchange.cut = cut
        raises(RemoteError, world.exchange.run, piece)
        world.watch.failed(piece)
        world.exchange.cut = None
        assert update(world.watch, world.chain, world.exchange, False) == model(None, world.state, world.items)


# -- bounds


def test_a_list_has_at_least_one_item_and_at_most_as_many_as_the_profile_says():
    assert raises(LocalError, watching, []).exit_code == 2
    few = profile_of(watch_items=3)
    items = [(key(number), key(number)) for number in range(4)]
    assert "watch_items allows 3" in str(raises(LocalError, watching, items, few))
    assert len(watching(items[:3] + items[:2], few).ranges) == 3


def test_more_of_a_state_than_may_be_kept_is_an_error_that_names_the_bound():
    for name, limit in (("watch_nodes", 520), ("watch_bytes", 3000)):
        for is_lite in (False, True):
            world = World(keys=400, watched=1, extra=[(LOW, HIGH)], watch_answer_bytes=1024, **{name: limit})
            world.chain.add(world.trie)
            error = None
            try:
                fetch(world.watch, world.chain, world.exchange, is_lite)
            except BudgetError as caught:
                error = caught
            assert error is not None and error.limit == name and "%d" % limit in str(error)


def test_exchanges_on_their_way_are_bounded():
    world = World(watched=40, watch_flights=5)
    world.chain.add(world.trie)
    look(world.watch, world.chain)
    pieces = [world.watch.next_piece(False) for _ in range(9)]
    assert [piece is None for piece in pieces] == [False] * 5 + [True] * 4


def test_long_values_are_proved_and_not_kept():
    for is_lite in (False, True):
        world = World(keys=20, watched=5, watch_value_bytes=100)
        long = world.items[2][0]
        world.put(long, b"L" * 5000)
        world.chain.add(world.trie)
        fetch(world.watch, world.chain, world.exchange, is_lite)
        found = {}
        change = world.watch.next_change()
        while change is not None:
            found[change.key] = change.now
            change = world.watch.next_change()
        assert (found[long].length, found[long].value) == (5000, None)
        world.put(long, b"M" * 5000)
        world.chain.add(world.trie)
        fetch(world.watch, world.chain, world.exchange, is_lite)
        assert taken(world.watch) == [(long, None)]


def test_the_rarer_changes_are_the_more_keys_a_probe_speaks_for():
    groups = [group_of(permille) for permille in (0, 1, 10, 100, 500, 1000)]
    assert groups == sorted(groups, reverse=True) and groups[0] == 32 and groups[-1] == 2
