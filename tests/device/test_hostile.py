"""A board follows an honest devnet while its other peer breaks every rule there is, again and again.

No reset, no panic, a line for each fault and no flood of them, and what lives on the heap is the same when all has
been done once more. The board's own program runs, but that it dials again at once, and says what lives on its heap.
"""

import re
import time
from pathlib import Path

import pytest

from tests.device import programs
from tests.device.emulated import Emulated
from tests.device.villain import Villain
from tests.devnet.process import Devnet

HOST = "10.0.2.2"  # this machine, as QEMU's network shows it
SLOT_MS = 400
PATIENCE_S = 900  # for a round, on a busy machine
LIVE_SLACK = 1_024  # bytes, as tests/heap has it between windows of headers
# What lives is told when five headers more are checked, the honest peer alone is connected, and every buffer is given
# back; if that does not come for fifty headers, what is held is told instead. (The villain rests on the way, so that it
# does come.)
LIVES = """
told = 0
def watch():
    global told
    feed()
    node = boot.node.node
    if node is None or node.chain.headers_checked < told + 5:
        return
    carrier = node.carriers[0]
    pools = carrier.pools
    held = len(carrier.connections) - 1, pools.frames.used, pools.chunks.used, pools.identify.used
    if held == (0, 0, 0, 0):
        told = node.chain.headers_checked
        gc.collect()
        print("LIVE", told, gc.mem_alloc())
    elif node.chain.headers_checked >= told + 50:
        told = node.chain.headers_checked
        print("HELD", held)
"""
_LIVE = re.compile(r"^(?:LIVE (\d+) (\d+)|HELD .*)$")
_PEER = re.compile(r"^peer (\S+): (.*)$")


class Watcher:
    """Reads the console while the villain works."""

    def __init__(self, board: Emulated, villain: Villain) -> None:
        self._board = board
        self._villain = villain
        self._checked = 0

    def lives(self, rounds: int) -> "list[int]":
        """Read until every rule was broken so often, and then, while the villain rests, what lives, three times."""
        until = time.monotonic() + PATIENCE_S
        while self._villain.rounds() < rounds:
            assert not self._villain.errors, self._villain.errors
            assert time.monotonic() < until, (self._villain.done, self._board.told())
            self._board.expect("^peer ")
        self._villain.rest()
        found: "list[int]" = []
        held = []
        while len(found) < 4:  # the first may have been told before the rest, and so may once that something was held
            line = self._board.expect_line(_LIVE.search, "what lives")
            if line[1]:
                assert int(line[1]) >= self._checked + 5, (line[0], self._checked)
                self._checked = int(line[1])
                found.append(int(line[2]))
            else:
                held.append(line[0])
                assert len(held) < 3, held
        self._villain.go_on()
        return found[1:]


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.long)])
def test_it_follows_on_whatever_its_other_peer_does(small: str, tmp_path: Path, rounds: int) -> None:
    with Devnet(tmp_path, slot_ms=SLOT_MS) as devnet:
        files = devnet.files(HOST)
        with Villain(devnet.genesis) as villain:
            files["board.conf"] += f"peer = {villain.multiaddr(HOST)}\n".encode()
            files["main.py"] = programs.watched(
                LIVES, peer_retry_ms=50, peer_retry_max_ms=100, handshake_timeout_ms=5000
            )
            with Emulated(small, tmp_path, files) as board:
                board.expect("connected, hybrid")
                watcher = Watcher(board, villain)
                before = watcher.lives(1)  # all that is loaded and made when it is first needed is there by then
                after = watcher.lives(1 + rounds)
                lines = list(board.lines)
    assert abs(min(after) - min(before)) <= LIVE_SLACK, (before, after)
    check_lines(lines, villain)


def check_lines(lines: "list[str]", villain: Villain) -> None:
    """The board never began again, and said why each connection ended: in one line, and not twice."""
    starts = [line for line in lines if "reset by" in line]
    assert len(starts) == 1 and "reset by power" in starts[0], starts
    for word in ("Traceback", "PANIC", "MemoryError", "Error:"):
        assert not [line for line in lines if word in line], word
    acts = sum(villain.done.values())
    said = [found for found in map(_PEER.search, lines) if found]
    assert acts <= len(said) <= 4 * acts + 10, (acts, len(said))
    reasons = {found[2] for found in said}
    assert len(reasons) >= 8, reasons
    assert all(reason and len(reason) < 160 for reason in reasons), reasons
