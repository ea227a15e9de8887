# portable: runs on CPython and MicroPython
"""Asking for state: which header's state is asked for, and what an answer must be before anybody believes it."""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.levels import LINKED, SEALED, VOUCHED_LEVEL
from jamliquor_lite.chain.light import ADDED
from jamliquor_lite.chain.range_builder import build_range
from jamliquor_lite.chain.tree import PENDING, VOUCHED
from jamliquor_lite.chain.trie import Trie
from jamliquor_lite.codec import natural
from jamliquor_lite.errors import LocalError, RemoteError
from jamliquor_lite.jam.events import DONE, LOST, REFUSED
from jamliquor_lite.jam.kinds import DECLINED, MALFORMED, STATE_REQUEST, SURPLUS, TIMED_OUT, TRUNCATED
from jamliquor_lite.jam.state_request import StateResponder
from jamliquor_lite.sync.query import Query, choose, missing
from tests.chain.chains import Recorder
from tests.data import FORGED_AT, OWN_EPOCH, Carried, view
from tests.data.remembered import remembering
from tests.fake_carrier import Dice, Pair
from tests.jam.blocks import message
from tests.jam.carriers import accepted
from tests.jam.drive import Server, raw_peer, run
from tests.support import raises

LOW, HIGH = bytes(31), b"\xff" * 31
DATA = Carried()
TRIE = Trie(DATA.state.items())
STATE = sorted(DATA.state.items())
VALUE_BYTES = 1000  # some values are longer
_followed = {}


def profile_of(**bounds):
    profile = Profile()
    profile.tree_headers = 64
    profile.value_bytes = VALUE_BYTES
    profile.proof_nodes = 200
    profile.state_answer_bytes = 60000
    profile.state_entries = 100
    for name, value in bounds.items():
        assert hasattr(profile, name)
        setattr(profile, name, value)
    return profile


def followed(name="honest"):
    """A light chain that has followed the carried headers; the tests of this file leave it as it is."""
    if name not in _followed:
        headers = DATA.headers if name == "honest" else DATA.before(FORGED_AT) + DATA.forged

        def run():
            light = Recorder(DATA.checkpoint(), profile_of())
            for data in headers:
                assert light.add(data) == ADDED
            return light.chain

        _followed[name] = remembering(run)
    return _followed[name]


# -- which state


def test_the_state_after_a_header_is_what_its_child_claims():
    found = choose(followed(), SEALED)
    child, header = view(DATA.headers[-1]), view(DATA.headers[-2])
    assert found.root == DATA.state_root == child.prior_state_root == TRIE.root()
    assert (found.header_hash, found.slot) == (header.hash, header.slot)
    assert (found.by_hash, found.by_slot) == (child.hash, child.slot)
    assert found.level == SEALED and found.support == 1 and found.validators == 6


def test_an_answer_has_the_level_that_was_asked_for():
    chain = followed()
    tree = chain.tree
    found = choose(chain, VOUCHED_LEVEL)
    row = tree.find(found.by_hash)
    assert found.level == VOUCHED_LEVEL and row == chain.best_vouched()
    assert found.by_slot < choose(chain, SEALED).by_slot and found.support > found.validators // 3
    assert choose(chain, LINKED).by_hash == choose(chain, SEALED).by_hash


def builders_of(chain):
    """By definition, for each header of the best branch from the head down: distinct keys of its own set that sealed
    it or a header on top of it, or the most that a header on top of it has."""
    tree, row, most, above, found = chain.tree, chain.tree.best, 0, [], []
    while row != tree.root:
        above.append(chain.levels.epoch(row).keys.take(64 * tree.authors[row], 32))
        own = [key for key in set(above) if chain.levels.epoch(row).index_of(key) >= 0]
        most = max(most, len(own))
        found.append((row, most))
        row = tree.parents[row]
    return found


def test_support_is_the_number_of_distinct_builders():
    def run():
        light = Recorder(DATA.checkpoint(), profile_of())
        most_ever = 0
        for data in DATA.headers:
            assert light.add(data) == ADDED
            chain = light.chain
            model = [pair for pair in builders_of(chain) if not chain.tree.has(pair[0], PENDING)]
            for level in (SEALED, VOUCHED_LEVEL):
                for support in range(8):
                    row, builders = ([pair for pair in model if pair[1] >= support
                                      and chain.levels.level(pair[0]) >= level] + [(None, 0)])[0]
                    found = choose(chain, level, support)
                    assert (found is None) == (row is None)
                    if found is not None:
                        assert (found.by_hash, found.support) == (chain.tree.hash(row), builders)
                        assert found.level >= level and found.support >= support
                        most_ever = max(most_ever, builders)
        assert 4 <= most_ever <= 6

    remembering(run)


def test_nothing_is_answered_before_there_is_a_header():
    light = Recorder(DATA.checkpoint(), profile_of())
    for level in (LINKED, SEALED, VOUCHED_LEVEL):
        assert choose(light.chain, level) is None
    assert light.add(DATA.headers[0]) == ADDED
    assert choose(light.chain, SEALED).header_hash == light.chain.genesis_hash
    assert choose(light.chain, VOUCHED_LEVEL) is None


def test_a_header_of_a_pending_epoch_is_never_answered_from():
    chain = followed("forged")
    assert chain.pending
    for level in (LINKED, SEALED, VOUCHED_LEVEL):
        for support in range(5):
            found = choose(chain, level, support)
            if found is not None:
                assert found.by_slot < OWN_EPOCH and not chain.tree.has(chain.tree.find(found.by_hash), PENDING)
    assert choose(chain, LINKED) is not None


def rival_of(tree, row, state_root):
    """A second child of the same header, as a tree that heard one would have it."""
    record = bytearray(b"\x55" * 64 + state_root + bytes(32))
    return tree.insert(tree.parents[row], record, tree.slots[row] + 1, 0, 0, False)


def test_two_children_that_claim_different_states_are_both_refused_until_one_is_vouched_for():
    light = Recorder(DATA.checkpoint(), profile_of())
    for data in DATA.headers[:3]:
        light.add(data)
    chain, tree = light.chain, light.chain.tree
    row = tree.best
    rival = rival_of(tree, row, tree.state_root(row))
    assert choose(chain, SEALED).by_hash == tree.hash(row), "the same claim twice is no contradiction"
    tree.free(rival)
    rival = rival_of(tree, row, b"\x66" * 32)
    error = raises(LocalError, choose, chain, SEALED)
    assert "slot %d" % tree.slots[tree.parents[row]] in str(error)
    tree.flags[row] |= VOUCHED
    assert choose(chain, SEALED).by_hash == tree.hash(row)


# -- what an answer must be


class Asked:
    """A query under way, and the two messages that an honest peer would answer it with."""

    def __init__(self, start, end, query=None, root=None, profile=None):
        self.commitment = choose(followed(), SEALED)
        if root is not None:
            self.commitment.root = root
        self.carrier = Pair(seed=5)
        profile = profile or profile_of()
        self.query = query or Query(profile)
        self.query.begin(self.carrier.a.open(STATE_REQUEST), self.commitment, start, end, -1)
        self.nodes, self.entries = build_range(TRIE, start, end, profile.state_answer_bytes)

    def reply(self, responder):
        assert responder.header_hash == self.commitment.header_hash
        first, second = b"".join(self.nodes), joined(self.entries)
        responder.answer_state(len(first), len(second))
        return first + second

    def run(self):
        server = Server(StateResponder(), self.reply)
        server.responder.begin(accepted(self.carrier, self.carrier.b))
        return run(self.carrier, self.query, [server])

    def answer(self):
        assert self.run() == DONE
        return self.query.answer

    def refused(self, code=MALFORMED):
        error = raises(RemoteError, self.run)
        assert error.code == code, (error.code, str(error))
        return str(error)


def joined(entries):
    return b"".join([key + natural.encode(len(value)) + value for key, value in entries])


def shown(answer):
    return [(entry.key, entry.length, entry.value) for entry in answer.entries]


def expected(items):
    return [(key, len(value), value if len(value) <= VALUE_BYTES else None) for key, value in items]


def test_the_whole_state_is_proved():
    # In three parts, each of which fits the fragmented heap of a small machine.
    found = []
    for first, last in ((0, 1), (2, 5), (6, 255)):
        start, end = bytes([first]) + bytes(30), bytes([last]) + b"\xff" * 30
        answer = Asked(start, end).answer()
        assert answer.proved_to == end and not missing(answer)
        assert answer.level == "sealed" and answer.commitment.root == DATA.state_root
        assert answer.proof_bytes == 64 * len(build_range(TRIE, start, end, 60000)[0])
        found += shown(answer)
    assert found == expected(STATE) and len(STATE) > 40


def test_each_key_is_proved_by_itself():
    query = Query(profile_of())
    long = 0
    for key, value in STATE:
        answer = Asked(key, key, query).answer()
        assert shown(answer) == expected([(key, value)]) and answer.proved_to == key
        long += len(value) > VALUE_BYTES
    assert 3 <= long < len(STATE) // 2


def test_a_value_of_exactly_the_bound_is_returned_and_one_more_byte_is_not():
    key, value = [item for item in STATE if 100 < len(item[1]) <= VALUE_BYTES][0]
    for bound, returned in ((len(value), value), (len(value) - 1, None), (0, None)):
        answer = Asked(key, key, profile=profile_of(value_bytes=bound)).answer()
        assert shown(answer) == [(key, len(value), returned)]


def test_a_key_that_is_not_there_is_proved_absent():
    for key in (LOW, HIGH, bytes([3, 1]) + bytes(29), STATE[20][0][:30] + bytes([STATE[20][0][30] ^ 1])):
        assert key not in DATA.state
        answer = Asked(key, key).answer()
        assert missing(answer) and answer.entries == [] and answer.proved_to == key


def test_a_range_is_proved_from_its_start_to_its_end():
    for first, last in ((0, 5), (10, 11), (17, 40), (len(STATE) - 3, len(STATE) - 1)):
        assert shown(Asked(STATE[first][0], STATE[last][0]).answer()) == expected(STATE[first : last + 1])
    # From and to keys that are not there.
    start, end = STATE[7][0][:30] + b"\xff", STATE[12][0][:30] + b"\xff"
    inside = [item for item in STATE if start <= item[0] <= end]
    answer = Asked(start, end).answer()
    assert inside and shown(answer) == expected(inside) and answer.proved_to == end


def test_a_long_range_is_proved_piece_by_piece():
    profile = profile_of(state_answer_bytes=7000)
    query, found, start, pieces = Query(profile), [], LOW, 0
    while True:
        answer = Asked(start, HIGH, query, profile=profile).answer()
        found += shown(answer)
        pieces += 1
        if answer.proved_to == HIGH:
            break
        assert answer.entries and answer.proved_to >= answer.entries[-1].key and not missing(answer)
        start = (int.from_bytes(answer.proved_to, "big") + 1).to_bytes(31, "big")
    assert found == expected(STATE) and pieces > 3


START, END = STATE[8][0], STATE[14][0]


def changed(asked, number):
    """One of many ways to lie."""
    dice = Dice(number + 1)
    kind = number % 8
    nodes, entries = asked.nodes, asked.entries
    at, of = dice.below(len(entries)), dice.below(len(nodes))
    key, value = entries[at]
    if kind == 0:  # a bit of a node
        node = bytearray(nodes[of])
        node[dice.below(64)] ^= 1 << dice.below(8)
        nodes[of] = bytes(node)
    elif kind == 1:  # a bit of a value
        value = bytearray(value or b"\0")
        value[dice.below(len(value))] ^= 1 << dice.below(8)
        entries[at] = key, bytes(value)
    elif kind == 2:  # a bit of a key
        key = bytearray(key)
        key[dice.below(31)] ^= 1 << dice.below(8)
        entries[at] = bytes(key), value
    elif kind == 3:
        del entries[at]
    elif kind == 4:
        del nodes[of]
    elif kind == 5:  # a surplus node: one that is there already, or of elsewhere
        other = (nodes + TRIE.path(HIGH) + [bytes(64)])[dice.below(len(nodes) + 2)]
        nodes.insert(dice.below(len(nodes) + 1), other)
    elif kind == 6:  # a value cut short, or with a zero more
        entries[at] = key, value[:-1] if dice.below(2) and value else value + b"\0"
    else:
        entries.insert(at, (key[:30] + bytes([key[30] ^ 1]), value))


def test_whatever_is_changed_is_the_peers_fault():
    query = Query(profile_of())
    for number in range(160):
        asked = Asked(START, END, query)
        assert len(asked.entries) == 7 and len(asked.nodes) > 8
        changed(asked, number)
        error = raises(RemoteError, asked.run)
        assert error.code in (MALFORMED, TRUNCATED, SURPLUS), number
    assert shown(Asked(START, END, query).answer()) == expected(STATE[8:15]), "a query is as good as new after it"


def test_every_node_and_every_value_counts():
    query = Query(profile_of())
    for at in range(len(Asked(START, END).nodes)):
        for byte in (0, 1, 31, 32, 63):
            asked = Asked(START, END, query)
            node = bytearray(asked.nodes[at])
            node[byte] ^= 0x80
            asked.nodes[at] = bytes(node)
            asked.refused()
    for at in range(7):
        asked = Asked(START, END, query)
        key, value = asked.entries[at]
        asked.entries[at] = key, value[:-1] + bytes([value[-1] ^ 1])
        asked.refused()


def test_proofs_of_another_state_are_refused():
    for root in (bytes(32), b"\x11" * 32, view(DATA.headers[-2]).prior_state_root):
        assert "state answer refused" in Asked(START, END, root=root).refused()
    # And an answer that proves absence there proves nothing here.
    asked = Asked(START, START)
    asked.nodes, asked.entries = [], []
    asked.refused()


def test_what_was_left_out_or_added_is_refused():
    query = Query(profile_of())
    for at in range(7):
        asked = Asked(START, END, query)
        del asked.entries[at]
        asked.refused()
    asked = Asked(START, END, query)
    asked.nodes.append(asked.nodes[-1])
    asked.refused()
    asked = Asked(START, END, query)
    asked.nodes.append(TRIE.path(HIGH)[-1])
    asked.refused()
    asked = Asked(START, END, query)
    asked.entries.append(STATE[15])
    asked.refused()
    asked = Asked(START, END, query)
    asked.entries.reverse()
    asked.refused()


def test_an_answer_that_ends_early_is_refused_wherever_it_ends():
    query = Query(profile_of())
    asked = Asked(START, END)
    whole = message(b"".join(asked.nodes)) + message(joined(asked.entries))
    for size in list(range(70)) + list(range(70, len(whole), 97)) + [len(whole) - 1]:
        asked = Asked(START, END, query)
        error = raises(RemoteError, run, asked.carrier, query, [raw_peer(asked.carrier, whole[:size])])
        assert error.code == TRUNCATED, size
    asked = Asked(START, END, query)
    assert run(asked.carrier, query, [raw_peer(asked.carrier, whole)]) == DONE
    asked = Asked(START, END, query)
    error = raises(RemoteError, run, asked.carrier, query, [raw_peer(asked.carrier, whole + message(b""))])
    assert error.code == SURPLUS


def test_the_bounds_of_the_profile_hold():
    for bounds in ({"state_entries": 6}, {"proof_nodes": 8}, {"state_answer_bytes": 900}):
        asked = Asked(START, END, Query(profile_of(**bounds)))
        raises(RemoteError, asked.run)
    assert len(Asked(START, END, Query(profile_of(state_entries=7))).answer().entries) == 7


def test_a_peer_may_decline():
    asked = Asked(START, END)

    def decline(responder):
        responder.refuse(DECLINED)

    asked.reply = decline
    assert asked.run() == REFUSED
    assert asked.query.answer.entries == [] and not missing(asked.query.answer)


def test_a_connection_may_break():
    asked = Asked(START, END)
    asked.carrier.cut()
    assert run(asked.carrier, asked.query) == LOST
    assert not missing(asked.query.answer)


def test_a_peer_that_takes_too_long_is_at_fault():
    carrier = Pair()
    query = Query(profile_of())
    query.begin(carrier.a.open(STATE_REQUEST), choose(followed(), SEALED), START, END, 500)
    query.poll(499)
    assert raises(RemoteError, query.poll, 500).code == TIMED_OUT


def test_a_query_that_was_cancelled_can_begin_again():
    asked = Asked(START, END)
    asked.query.cancel()
    assert shown(Asked(START, END, asked.query).answer()) == expected(STATE[8:15])
