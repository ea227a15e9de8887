# portable: runs on CPython and MicroPython
"""The light chain and the trie against chains that others made (vectors beside the checkout)."""

import sys

from jamliquor_lite.chain.header import Header
from jamliquor_lite.chain.light import ADDED
from jamliquor_lite.chain.trie import Trie
from jamliquor_lite.codec import cbor
from jamliquor_lite.codec.cursor import Cursor
from jamliquor_lite.codec.spec import FULL, TINY
from jamliquor_lite.errors import VerifyError
from tests.chain.chains import Recorder, start_of
from tests.support import read, vectors

# pure Python seals take 40 ms each and more on MicroPython, so it checks fewer of them
SMALL = sys.implementation.name == "micropython"


def recorded(name):
    chain = cbor.loads(read(vectors(name)))
    return start_of(TINY, chain["genesis"]["header"], chain["genesis"]["state"]), chain


def follow(name, limit):
    start, chain = recorded(name)
    light = Recorder(start)
    for block in chain["blocks"][:limit]:
        assert light.add(block["block"]) == ADDED
    return light


def test_typeberry_chain_is_sealed_and_its_marks_adopted():
    limit = 30 if SMALL else 250
    light = follow("chain_typeberry.cbor", limit)
    assert light.chain.headers_checked == limit and light.chain.fallback_seals == 11
    assert max(light.lags) <= 6
    assert light.events["keys_adopted"] == light.events["tickets_adopted"] == (2 if SMALL else 20)


def test_safrole_chain_changes_between_fallback_and_tickets():
    light = follow("chain_safrole.cbor", 60 if not SMALL else 15)
    if not SMALL:
        assert (light.chain.ticket_seals, light.chain.fallback_seals) == (13, 47)


def test_storage_chain_is_sealed():
    follow("chain_storage_light.cbor", 50 if not SMALL else 8)


def roots(name, limit):
    _, chain = recorded(name)
    trie = Trie(chain["genesis"]["state"].items())
    assert trie.root() == chain["genesis"]["state_root"]
    previous = None
    for block in chain["blocks"][:limit]:
        header = Header(TINY, block["block"])
        if previous is not None:
            assert header.prior_state_root == previous
        for key in block["removed"]:
            trie.remove(key)
        for key, value in block["set"].items():
            trie.set(key, value)
        previous = trie.root()
        assert previous == block["state_root"]


def test_state_roots_of_the_safrole_chain():
    roots("chain_safrole.cbor", 6 if SMALL else 60)


def test_state_roots_of_the_storage_chain():
    roots("chain_storage_light.cbor", 3 if SMALL else 50)


def test_headers_of_both_specs_parse_and_no_prefix_of_them_does():
    for folder, spec, names in (("tiny", TINY, ("header_0", "header_1")), ("full", FULL, ("header_0",))):
        for name in names:
            data = read(vectors("codec/" + folder + "/" + name + ".bin"))
            header = Header(spec, data, 0, len(data))
            assert header.end == len(data)
            for size in range(0, len(data), 1 if len(data) < 2000 else 997):
                try:
                    Header(spec, data, 0, size)
                except VerifyError as error:
                    assert error.rule == "codec"
                else:
                    raise AssertionError("a header of %d bytes out of %d" % (size, len(data)))


def test_a_block_begins_with_its_header():
    data = read(vectors("codec/tiny/block.bin"))
    header = Header(TINY, data)
    assert header.end < len(data)
    Cursor(data, header.end).natural()
