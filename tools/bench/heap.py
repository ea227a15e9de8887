#!/usr/bin/env python3
"""Heap on a 32-bit MicroPython with frozen modules, as a board has them: where it goes, and the least that does.

    python3 tools/bench/heap.py [--json] [--only imports|calls|dials|idle|following]

The program is built by tools/micropython when it is not there yet, which takes a minute and a C compiler for 32 bits.
The least heap of a step is that of `-X heapsize`, the collector's own tables included, with which it ends well three
times in a row; a dial is to a peer in this process, over the loopback. Prints; asserts nothing. Takes two minutes.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jamliquor_lite.crypto import suite as primitives  # noqa: E402
from tests.devnet.process import Devnet  # noqa: E402
from tests.heap.bars import CALLS, DIALS, FOLLOWING_BYTES, FOLLOWING_KB, IDLE_BYTES  # noqa: E402
from tests.heap.board import WHOLE, Board, NoBoard  # noqa: E402
from tests.heap.following import SLOT_MS, prepare, run, write_files  # noqa: E402
from tests.heap.peer import Peer  # noqa: E402

PARTS = ("imports", "calls", "dials", "idle", "following")
HEADERS = 300  # of them 260 are there already
CONNECTIONS = 6
# In the order in which a host that dials comes to need them.
MODULES = (
    "errors", "budget.pools", "budget.profile", "ports.tcp", "crypto.suite", "p2p.identity", "transport.noise",
    "transport.terms", "transport.upgrade", "transport.yamux", "transport.connection", "node.libp2p",
    "crypto.x25519", "crypto.ed25519", "ports.micropython.aead_viper", "crypto.keccak", "crypto.mlkem768",
    "p2p.ping", "p2p.multiaddr", "p2p.identify",
)  # fmt: skip


def imports(board: Board) -> "list[dict[str, object]]":
    """What each module, with those that it brings along, adds to the heap in use."""
    ended = board.step(256, "imports", *MODULES)
    return [{"name": name, "bytes": ended.figures[name]} for name in (*MODULES, "all")]


def calls(board: Board) -> "list[dict[str, object]]":
    """The least heap in which a pure primitive does its work."""
    return [{"name": name, "kb": board.least("call", name, high_kb=2 * bar), "bar": bar} for name, bar in CALLS]


def dials(board: Board) -> "list[dict[str, object]]":
    """The least heap for handshake, ping and identify both ways; and for a second peer while the first is there."""
    rows: "list[dict[str, object]]" = []
    for suite, bar in DIALS:
        with Peer(suite) as port:
            least = board.least("dial", suite, str(port), low_kb=bar // 2, high_kb=2 * bar)
        rows.append({"name": suite, "kb": least, "bar": bar})
        with Peer(suite, pings=False) as port:
            least = board.least("idle", suite, str(port), "2", low_kb=bar // 2, high_kb=2 * bar)
        rows.append({"name": suite + ", a second peer", "kb": least})
    return rows


def idle(board: Board) -> "list[dict[str, object]]":
    """Bytes that one more connection takes while nothing happens on it: the most of five."""
    rows: "list[dict[str, object]]" = []
    for suite, _ in DIALS:
        with Peer(suite, pings=False) as port:
            ended = board.step(256, "idle", suite, str(port), str(CONNECTIONS))
        taken = [ended.figures["connection %d" % number] for number in range(1, CONNECTIONS)]
        rows.append({"name": suite, "bytes": max(taken), "bar": IDLE_BYTES})
    return rows


def following(_: Board) -> "list[dict[str, object]]":
    """What a board's whole program takes while it follows tiny, with flash and console; with it come some 3 KB of what
    measures it. Then the same with questions about state that are asked and proved."""
    program = Board(32, WHOLE, "--crypto")
    found = {}
    for manner in (*FOLLOWING_KB, "counted"):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            prepare(folder)
            with Devnet(folder, slot_ms=SLOT_MS, blocks=260) as devnet:
                write_files(folder, devnet)
                found[manner] = run(program, 1024, folder, HEADERS, manner).figures
    quiet, counted = found["quiet"], found["counted"]
    live = [size for title, size in quiet.items() if title.startswith("live to")]
    return [
        {"name": "pools, profile", "bytes": quiet["pools"]},
        {"name": "modules", "bytes": quiet["modules"]},
        {"name": "console, flash", "bytes": quiet["boot"]},
        {"name": "all that lives, at most", "bytes": max(live)},
        {"name": "with garbage, at most", "bytes": quiet["peak"], "bar": FOLLOWING_BYTES},
        {"name": "and with questions, at most", "bytes": found["asked"]["peak"]},
        {"name": "garbage a header, of %.1f turns" % (counted["turns counted"] / counted["headers counted"]),
         "bytes": counted["garbage"] // counted["headers counted"]},
    ]


MEASURES = {"imports": imports, "calls": calls, "dials": dials, "idle": idle, "following": following}
TITLES = {
    "imports": "heap that a module takes once it is imported, bytes",
    "calls": "least heap for one call each of a pure primitive, KB",
    "dials": "least heap for a dial with ping and identify both ways, KB",
    "idle": "heap that an idle connection takes, bytes",
    "following": "heap of a board's whole program that follows, bytes",
}


def show(part: str, rows: "list[dict[str, object]]") -> None:
    """A table of one part."""
    print(TITLES[part])
    for row in rows:
        bar = "" if "bar" not in row else "   bar %s" % row["bar"]
        print("    %-32s%8s%s" % (row["name"], row.get("kb", row.get("bytes")), bar))


def main(arguments: "list[str]") -> int:
    """Measure, print, return the exit status: 2 where this machine cannot build the program."""
    parser = argparse.ArgumentParser(
        prog="heap.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="one JSON line instead of the tables")
    parser.add_argument("--only", choices=PARTS, help="this part alone")
    options = parser.parse_args(arguments)
    primitives.self_test()  # of the peer's side; a library that is too old is left
    try:
        board = Board()
    except NoBoard as error:
        print(error, file=sys.stderr)
        return 2
    found = {}
    for part in PARTS:
        if options.only in (None, part):
            found[part] = MEASURES[part](board)
            if not options.json:
                show(part, found[part])
    if options.json:
        print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
