# portable: runs on CPython and MicroPython
"""A small watch list on both interpreters, within the heap of a board's tests: keys and a range, by both kinds."""

import gc

from jamliquor_lite.errors import RemoteError
from tests.fake_carrier import Dice
from tests.support import raises
from tests.sync.watched import Exchange, FakeChain, Trie, key, look, model, profile_of, update, watching

ITEMS = [(key(3), key(3)), (key(0x50), key(0x9F)), (key(0xFE, 1), key(0xFE, 1)), (key(0xF0), key(0xF0))]


def profile():
    return profile_of(proof_nodes=64, state_answer_bytes=8192, value_bytes=512, watch_value_bytes=100, read_bytes=256,
                      watch_answer_bytes=1024, watch_nodes=512, watch_flights=4)


def state_of():
    state = {key(number): b"value %d" % number for number in range(0, 256, 17)}
    state[key(3)] = b"three"
    return state


def test_states_are_told_as_they_are():
    for is_lite in (True, False):
        dice = Dice(3)
        state = state_of()
        trie = Trie(state.items())
        chain, numbers = FakeChain(), profile()
        watch, exchange = watching(ITEMS, numbers), Exchange(chain, numbers)
        told = None
        for turn in range(8):
            chain.add(trie)
            assert update(watch, chain, exchange, is_lite) == model(told, state, ITEMS)
            told = dict(state)
            for _ in range(3):
                one = key((3, 0x51, 0xF0, 0x66, 0x88, 0x10)[dice.below(6)])
                if one in state and dice.below(3) == 0:
                    del state[one]
                    trie.remove(one)
                else:
                    state[one] = b"turn %d" % turn * (1 + dice.below(5))
                    trie.set(one, state[one])
            gc.collect()
        assert watch.updates == 8


def test_a_lie_is_refused_and_an_abandoned_branch_taken_back():
    state = state_of()
    trie = Trie(state.items())
    chain, numbers = FakeChain(), profile()
    watch, exchange = watching(ITEMS, numbers), Exchange(chain, numbers)
    chain.add(trie)
    update(watch, chain, exchange, True)
    trie.set(key(3), b"lost")
    chain.add(trie)
    look(watch, chain)
    piece = watch.next_piece(True)
    exchange.spoil = lambda pieces: [b"\1"]
    assert "difference" in str(raises(RemoteError, exchange.run, piece))
    exchange.spoil = None
    watch.failed(piece)
    assert update(watch, chain, exchange, True) == [(key(3), b"lost")]
    trie.set(key(3), b"three")
    chain.add(trie, parent=1)
    assert update(watch, chain, exchange, False) == [(key(3), b"three")]
    assert watch.abandoned.slot == 2
