#!/usr/bin/env python3
"""Instructions that a node's work takes on an emulated board, Python included; some have to stay below a bar.

    python3 tools/bench/board.py [--board NAME] [--json]

The board's own firmware runs tools/bench/board_work.py under QEMU's -icount, which counts instructions exactly: headers
of a tiny devnet with every check, proofs of values among 100,000 keys, and the dialer's side of handshakes, libp2p's
multistream and yamux not included. The firmware is built when it is not there yet. tools/bench/mcu.py has the same for
the cryptography alone.

Exit status: 0 good, 1 above a bar, a wrong answer or a failed build, 2 wrong words or a missing compiler.
"""

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from jamliquor_lite.chain.range_builder import build_range  # noqa: E402
from jamliquor_lite.chain.state_key import service_storage  # noqa: E402
from jamliquor_lite.chain.trie import Trie  # noqa: E402
from jamliquor_lite.codec.spec import TINY  # noqa: E402
from jamliquor_lite.devnet.author import DevChain  # noqa: E402
from tests.chain.chains import of_devnet  # noqa: E402
from tests.device.emulated import BOARDS, Emulated, NoBoard  # noqa: E402
from tools.building import ToolError  # noqa: E402

WORK = Path(__file__).with_name("board_work.py")
HEADERS = 40
KEYS = 100_000
PROOFS = 12
LIMIT_S = 900  # a board on a loaded machine; some 700 million instructions
CLOCK_MHZ = 150
BARS = {
    "a header": 13_000_000,
    "a proof": 1_500_000,
    "a hybrid handshake": 17_000_000,
    "the same, bound": 22_000_000,
}


def chain_files() -> "dict[str, bytes]":
    """A chain from its genesis, sealed by tickets and by fallback keys, with marks."""
    chain = DevChain(TINY, seed=5, keys=20)
    start = of_devnet(chain)
    start.clock_chain = True
    data = b""
    for slot in range(1, HEADERS + 1):
        block = chain.next(slot)
        assert block is not None
        data += len(block.header).to_bytes(4, "little") + block.header
    return {"start.cbor": start.encode(), "headers": data}


def proof_file() -> bytes:
    """The root; then key, number of nodes and length of the value (a byte each), nodes, value."""
    keys = [service_storage(7, b"%d" % i) for i in range(KEYS)]
    trie = Trie((key, b"value %d" % i) for i, key in enumerate(keys))
    data = trie.root()
    for number in range(PROOFS):
        key = keys[number * 7919 % KEYS]
        nodes, entries = build_range(trie, key, key, 0)
        value = entries[0][1]
        data += key + bytes([len(nodes), len(value)]) + b"".join(nodes) + value
    return data


def measure(board: str) -> "dict[str, list[int]]":
    """All that the board printed, by name."""
    files = {"main.py": WORK.read_bytes(), "proofs": proof_file(), **chain_files()}
    with tempfile.TemporaryDirectory() as folder, Emulated(board, Path(folder), files, instructions=True) as device:
        device.expect("^done$", LIMIT_S)
        lines = device.lines
    found: "dict[str, list[int]]" = {}
    for line in lines:
        match = re.fullmatch(r"(\D+) (\d+)", line)
        if match:
            found.setdefault(match.group(1), []).append(int(match.group(2)))
    return found


def main(arguments: "list[str]") -> int:
    """Measure, print, compare with the bars. The exit status."""
    parser = argparse.ArgumentParser(
        prog="board.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--board", choices=BOARDS, default=BOARDS[0])
    parser.add_argument("--json", action="store_true", help="one JSON line instead of the table")
    options = parser.parse_args(arguments)
    try:
        found = measure(options.board)
    except (NoBoard, ToolError) as error:
        print(f"board.py: {error}", file=sys.stderr)
        return 2 if isinstance(error, NoBoard) or error.status == 2 else 1
    except AssertionError as error:
        print(f"board.py: {error}", file=sys.stderr)
        return 1
    nodes, heap = found.pop("its nodes"), found.pop("heap")
    over = [name for name, bar in BARS.items() if max(found[name]) > bar]
    if options.json:
        print(json.dumps({"work": found, "nodes": nodes, "heap_bytes": heap[0], "over": over}))
        return 1 if over else 0
    print(f"{options.board}: instructions, average and highest; ms if one takes a cycle at {CLOCK_MHZ} MHz")
    for name, counts in found.items():
        average, highest = sum(counts) // len(counts), max(counts)
        bar = f"   bar {BARS[name]:,}" if name in BARS else ""
        print(f"{name:24}{average:12,}{highest:12,}{average / CLOCK_MHZ / 1000:8.2f} ms{bar}")
    print(f"a proof has {sum(nodes) / len(nodes):.0f} nodes on average, {max(nodes)} at most")
    for name in over:
        print(f"board.py: {name} is above its bar of {BARS[name]:,}", file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
