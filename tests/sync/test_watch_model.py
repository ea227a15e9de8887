"""A watch list against a dict: whatever is watched, changes, forks, and is cut, what is told is what differs."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sync.watched import Exchange, FakeChain, Trie, model, profile_of, update, watching

# Keys that share nothing, a few bits, or nearly all of them.
KEYS = st.one_of(
    st.integers(0, 255).map(lambda n: bytes([n]) + bytes(30)),
    st.integers(0, 7).map(lambda n: b"\x5a" * 30 + bytes([n])),
    st.binary(min_size=31, max_size=31),
)
VALUES = st.one_of(st.binary(max_size=3), st.binary(min_size=32, max_size=33), st.binary(min_size=100, max_size=100))
PAIRS = st.tuples(KEYS, KEYS).map(lambda pair: (min(pair), max(pair)))
ITEMS = st.lists(st.one_of(KEYS.map(lambda key: (key, key)), PAIRS), min_size=1, max_size=8)
CHANGES = st.lists(st.tuples(KEYS, st.one_of(st.none(), VALUES)), max_size=8)
STEPS = st.lists(st.tuples(CHANGES, st.booleans(), st.integers(1, 3), st.integers(0, 3)), min_size=1, max_size=7)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=30), ITEMS, STEPS, st.sampled_from((1024, 1500, 131072)), st.data())
def test_what_is_told_is_what_differs(state, items, steps, most, data):
    profile = profile_of(watch_answer_bytes=most)
    chain = FakeChain()
    watch, exchange = watching(items, profile), Exchange(chain, profile)
    states = {}  # what each state of the chain holds
    trie = Trie(state.items())
    told, at = None, -1
    for changes, is_lite, peers, back in steps:
        # On top of the best state, or of one before it: then that branch is abandoned.
        parent = at
        while back and parent in states and chain.states[parent].parent in states:
            parent = chain.states[parent].parent
            back -= 1
        if parent in states:
            state = dict(states[parent])
            trie = chain.states[parent].trie.snapshot()
        for key, value in changes:
            known = sorted(state)
            if known and data.draw(st.booleans()):
                key = known[data.draw(st.integers(0, len(known) - 1))]
            if value is not None:
                state[key] = value
                trie.set(key, value)
            elif key in state:
                del state[key]
                trie.remove(key)
        delivered = watch.delivered
        chain.add(trie, parent)
        at = chain.best
        states[at] = dict(state)
        assert update(watch, chain, exchange, is_lite, peers) == model(told, state, items)
        told = dict(state)
        assert watch.delivered is chain.states[at]
        lost = delivered is not None and not chain.tree.descends(at, delivered.number)
        assert (watch.abandoned is delivered) if lost else (watch.abandoned is None)
