"""State roots and checkpoints along recorded chains: every state after every block."""
# portable: runs on CPython and MicroPython

from jamliquor_lite.chain import state_key
from jamliquor_lite.chain.checkpoint import Checkpoint
from jamliquor_lite.chain.header import Header
from jamliquor_lite.chain.trie import Trie
from jamliquor_lite.codec import cbor
from jamliquor_lite.codec.spec import TINY
from tests.support import read, vectors


def check_chain(name: str) -> None:
    chain = cbor.loads(read(vectors(name)))
    genesis = chain["genesis"]
    trie = Trie(genesis["state"].items())
    assert trie.root() == genesis["state_root"]
    for block in chain["blocks"]:
        for key in block["removed"]:
            assert trie.remove(key)
        for key, value in block["set"].items():
            trie.set(key, value)
        assert trie.root() == block["state_root"], block["slot"]


def test_state_roots_of_the_safrole_chain() -> None:
    check_chain("chain_safrole.cbor")


def test_state_roots_of_the_storage_chain() -> None:
    check_chain("chain_storage_light.cbor")


def test_along_a_real_chain_the_state_agrees_with_the_headers_marks() -> None:
    chain = cbor.loads(read(vectors("chain_safrole.cbor")))
    state = dict(chain["genesis"]["state"])
    settled = marks = 0
    mark = b""
    for block in chain["blocks"]:
        for key in block["removed"]:
            del state[key]
        for key, value in block["set"].items():
            state[key] = value
        header = Header(TINY, block["block"])
        values = [state[state_key.chapter(i)] for i in (4, 6, 8)]
        here = Checkpoint.from_state(TINY, bytes(32), header.hash, header.slot, values[0], values[1], values[2])
        if header.tickets_mark:
            mark = header.tickets
            marks += 1
        if header.epoch_mark:
            assert here.next_keys == header.mark_keys
        if here.next_tickets is not None:
            assert here.next_tickets == mark
            settled += 1
        assert Checkpoint.decode(here.encode()).encode() == here.encode()
    assert settled > marks > 0
