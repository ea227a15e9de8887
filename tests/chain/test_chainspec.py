"""JIP-4 files: what they give, and one clear line for everything that can be wrong with them."""
# portable: runs on CPython and MicroPython

import os

from jamliquor_lite.chain import chainspec, state_key
from jamliquor_lite.chain.chainspec import ChainSpec
from jamliquor_lite.chain.trie import merkle_root
from jamliquor_lite.codec.spec import FULL, TINY
from jamliquor_lite.crypto.suite import blake2b_256
from jamliquor_lite.errors import LocalError
from tests.chain import genesis
from tests.support import raises, unhex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def parse(root: "Any") -> ChainSpec:
    return ChainSpec.parse(genesis.text(root))


def fault(root: "Any") -> str:
    """The line that refuses this file; exit code 2, one line, and the file's name first."""
    error = raises(LocalError, parse, root)
    assert error.exit_code == 2
    line = str(error)
    assert line.startswith("chainspec") and "\n" not in line and len(line) < 300, line
    return line


def test_a_file_gives_its_chain() -> None:
    root = genesis.chainspec()
    root["unknown"] = {"to": ["us"]}
    chain = parse(root)
    header = unhex(root["genesis_header"])
    assert chain.id == "small" and chain.bootnodes == root["bootnodes"] and not chain.clock_chain
    assert chain.genesis_header == header and chain.genesis_hash == blake2b_256(header)
    assert chain.genesis_state == genesis.state(genesis.SMALL)
    assert chain.state_root() == merkle_root(chain.genesis_state.items())
    spec = chain.spec
    assert (spec.name, spec.validators, spec.epoch_length, spec.tickets_end) == ("custom", 3, 4, 3)
    assert (spec.cores, spec.attempts, spec.slot_seconds) == (2, 2, 5)


def test_its_checkpoint_stands_at_the_genesis_block() -> None:
    root = genesis.chainspec()
    root["jamliquor"] = {"clock": "chain"}
    chain = parse(root)
    start = chain.checkpoint()
    assert start.genesis_hash == start.header_hash == chain.genesis_hash
    assert start.slot == 0 and start.spec is chain.spec and start.clock_chain
    assert start.keys == genesis.validators(genesis.SMALL, 1)[1]
    assert start.next_keys == genesis.validators(genesis.SMALL, 2)[1]
    assert start.tickets is None and start.fallback_keys is not None and start.next_tickets is None
    assert b"".join(start.entropy) == chain.genesis_state[state_key.chapter(state_key.ENTROPY)]


def test_a_finality_is_named_by_its_format() -> None:
    root = genesis.chainspec()
    assert parse(root).finality is None and parse(root).checkpoint().grandpa_format is None
    root["jamliquor"] = {"finality": "jamnp-pr6-737b8ae"}
    chain = parse(root)
    start = chain.checkpoint()
    assert chain.finality == start.grandpa_format == "jamnp-pr6-737b8ae"
    assert start.grandpa_set_id == 0 and not start.clock_chain


def test_known_parameters_are_recognised() -> None:
    for spec in (TINY, FULL):
        root = genesis.chainspec()
        root["protocol_parameters"] = genesis.hexed(genesis.parameters(spec))
        root["genesis_header"] = genesis.hexed(genesis.header(spec, bytes(64 * spec.validators)))
        assert parse(root).spec is spec
    # One number off is another spec, not nearly tiny.
    root = genesis.chainspec(TINY)
    blob = bytearray(genesis.parameters(TINY))
    blob[82] = 7
    root["protocol_parameters"] = genesis.hexed(bytes(blob))
    spec = parse(root).spec
    assert (spec.name, spec.slot_seconds, spec.validators) == ("custom", 7, 6)


def test_parameters_of_an_older_gray_paper_are_refused() -> None:
    # Those printed in JIP-4 itself: before 0.7 two of the counts had four bytes.
    blob = (
        "0a00000000000000010000000000000064000000000000000200004b00000c000000809698000000000080f0fa0200000000"
        "00ca9a3b00000000002d310100000000080000001000080003004038000003000800060050000400000080000500060000fa"
        "0000017cd20000093d0004000000000c00000204000000c0000080000000000c00000a000000"
    )
    root = genesis.chainspec(TINY)
    root["protocol_parameters"] = blob
    assert "has 138 bytes, allowed are the 134 of GP 0.7.0 to 0.7.2" in fault(root)


def test_parameters_may_be_missing_where_the_genesis_shows_the_spec() -> None:
    root = genesis.chainspec(TINY)
    del root["protocol_parameters"]
    assert parse(root).spec is TINY
    root = genesis.chainspec()
    del root["protocol_parameters"]
    assert "protocol_parameters is missing" in fault(root)


def test_a_node_configuration_with_a_chain_spec_inside_is_read() -> None:
    assert parse({"version": 1, "chain_spec": genesis.chainspec()}).id == "small"


def test_every_fault_names_its_field() -> None:
    root = genesis.chainspec()
    key = sorted(root["genesis_state"])[0]
    for name in ("id", "genesis_header", "genesis_state"):
        missing = dict(root)
        del missing[name]
        assert name + " is missing" in fault(missing)
    table: "list[tuple[str, Any, str]]" = [
        ("id", 5, "id must be a text"),
        ("id", "", "1 to 64"),
        ("id", "x" * 65, "1 to 64"),
        ("id", "two words", "printable"),
        ("id", "\x1b[2J", "printable"),
        ("bootnodes", "node", "list of name@ip:port"),
        ("bootnodes", [1], "list of name@ip:port"),
        ("bootnodes", ["x"] * 257, "257 entries, at most 256"),
        ("genesis_header", 7, "hex digits"),
        ("genesis_header", "abc", "even number of hex digits"),
        ("genesis_header", "zz", "hex digits"),
        ("genesis_header", "", "no header of spec custom"),
        ("genesis_header", root["genesis_header"] + "00", "no header of spec custom"),
        ("genesis_header", root["genesis_header"][:-2], "no header of spec custom"),
        ("genesis_state", [], "object of hex keys"),
        ("genesis_state", {"00": ""}, "key 00 has 1 bytes, a state key has 31"),
        ("genesis_state", {"q" * 1000: ""}, "not an even number of hex digits"),
        ("genesis_state", {key: 1}, "value of key"),
        ("genesis_state", {key: "0"}, "value of key"),
        ("genesis_state", {key: "", "0x" + key: ""}, "is there twice"),
        ("protocol_parameters", "00", "has 1 bytes, allowed are the 134"),
        ("protocol_parameters", None, "protocol_parameters must be"),
        ("jamliquor", 1, "jamliquor must be an object"),
        ("jamliquor", {"clock": "sun"}, 'jamliquor.clock must be "wall" or "chain"'),
        ("jamliquor", {"clock": ["chain"]}, "jamliquor.clock must be"),
        ("jamliquor", {"finality": "beefy"}, 'jamliquor.finality must be absent or "jamnp-pr6-737b8ae"'),
        ("jamliquor", {"finality": True}, "jamliquor.finality must be absent or"),
        ("jamliquor", {"checkpoint": 7}, "jamliquor.checkpoint must be a trust string or a checkpoint's hex digits"),
    ]
    for name, value, words in table:
        changed = dict(root)
        changed[name] = value
        line = fault(changed)
        assert words in line, (name, value, line)


def test_parameters_that_no_chain_can_have_are_refused() -> None:
    root = genesis.chainspec()
    good = genesis.parameters(genesis.SMALL)
    for at, size, value, words in (
        (24, 2, 0, "C is 0"), (30, 4, 1, "E is 1"), (30, 4, 0xFFFFFFFF, "E is 4294967295"), (78, 2, 0, "N is 0"),
        (78, 2, 257, "N is 257"), (82, 2, 0, "P is 0"), (92, 2, 0, "V is 0"), (92, 2, 0xFFFF, "V is 65535"),
        (130, 4, 0, "Y is 0"), (130, 4, 4, "Y is 4, allowed are 1 to 3"),
    ):
        blob = good[:at] + value.to_bytes(size, "little") + good[at + size :]
        root["protocol_parameters"] = genesis.hexed(blob)
        assert words in fault(root)


def test_what_is_no_chainspec_at_all() -> None:
    for text, words in (
        ("", "not JSON"), ("{", "not JSON"), ("[1, 2]", "must hold a JSON object"), ("null", "JSON object"),
        (b"\xff\xfe{}", "not UTF-8"), ("{}", "id is missing"), ('{"chain_spec": 1}', "id is missing"),
    ):
        error = raises(LocalError, ChainSpec.parse, text)
        assert error.exit_code == 2 and words in str(error), str(error)
    error = raises(LocalError, ChainSpec.parse, "[" * 200000)
    assert error.exit_code == 2 and "chainspec" in str(error)


def test_a_genesis_state_without_what_a_node_needs() -> None:
    root = genesis.chainspec()
    for chapter in (state_key.SAFROLE, state_key.ENTROPY, state_key.ACTIVE_SET):
        changed = dict(root)
        changed["genesis_state"] = dict(root["genesis_state"])
        key = genesis.hexed(state_key.chapter(chapter))
        del changed["genesis_state"][key]
        assert "no C(%d)" % chapter in str(raises(LocalError, parse(changed).checkpoint))
        for value in ("", "00", root["genesis_state"][key] + "00", root["genesis_state"][key][:-2]):
            changed["genesis_state"][key] = value
            error = raises(LocalError, parse(changed).checkpoint)
            assert error.exit_code == 2 and "no state of spec custom" in str(error)


def test_files() -> None:
    path = "/tmp/jamliquor-test-chainspec-%s" % genesis.hexed(os.urandom(6))
    error = raises(LocalError, ChainSpec.read, path)
    assert error.exit_code == 2 and "cannot read the chainspec " + path in str(error)
    try:
        with open(path, "w") as file:
            file.write(genesis.text(genesis.chainspec()))
        assert ChainSpec.read(path).id == "small"
        with open(path, "w") as file:
            file.write("not a chainspec")
        error = raises(LocalError, ChainSpec.read, path)
        assert error.exit_code == 2 and path in str(error)
        limit = chainspec.MAX_FILE_BYTES
        chainspec.MAX_FILE_BYTES = 10
        try:
            assert "at most 10" in str(raises(LocalError, ChainSpec.read, path))
        finally:
            chainspec.MAX_FILE_BYTES = limit
    finally:
        os.remove(path)
