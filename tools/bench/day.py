#!/usr/bin/env python3
"""What a day of full following costs: 14,400 slots of a full-spec chain (1,023 validators), announced one by one.

    python3 tools/bench/day.py [--slots 14400] [--pace-ms 75] [--board raspberry-pi-zero-2w] [--json]

`run` and a server of a devnet's chain are processes in network namespaces of their own; bytes on the wire are those of
the kernel's counters of the node's interface. Only the whole day counts: fewer slots are extrapolated, and say so.

A slot takes `--pace-ms` instead of six seconds, and both processes' clocks run as much faster, so that whatever is sent
by the clock (yamux pings) is sent as often in a day as it would be. Not below 60 ms: Linux puts the acknowledgement of
a segment off by 40 ms, and one for two slots' headers would be less than a real day has. Waits for the other process
(handshakes, stalls) keep their length. Exit status 1 when a bar of the whole day, or a short run's share of it, breaks.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.hostile import netns
from tests.hostile.lines import Lines, NoWord

SLOTS_A_DAY = 14_400
SLOT_MS = 6_000
LEAST_PACE_MS = 60
SERVER, NODE = "10.78.0.1", "10.78.0.2"
_END_S = 20
_STUCK_S = 180
# name: bytes a day at most
BARS = {"messages down": 6_900_000, "wire down": 8_500_000, "wire up": 1_000_000}
PLAIN = 297  # bytes of a header without a mark
MARKS_A_DAY = 24 * (65_536 + 19_800)  # what epoch and tickets marks add
# What a byte of a mark is on each of them: a long header is cut into frames of Noise and segments, two of which are
# acknowledged at a time. And what one connection costs to begin with.
SHARES = {"messages down": (1.0, 80), "wire down": (1.06, 6_000), "wire up": (0.02, 4_000)}


class Day:
    """Figures of a run: bytes by name, for `slots` slots."""

    def __init__(self, slots: int, figures: "dict[str, int]", served: "dict[str, int]") -> None:
        self.slots = slots
        self.figures = figures
        self.served = served
        self.is_whole = slots == SLOTS_A_DAY

    def bars(self) -> "list[tuple[str, int, int]]":
        """(name, measured, at most). A short run has its share of what is not marks, and the marks that it had."""
        found = []
        marks = self.served["headers"] - PLAIN * self.served["blocks"]
        for name, most in BARS.items():
            if not self.is_whole:
                of_marks, once = SHARES[name]
                most = int((most - MARKS_A_DAY * of_marks) * self.slots / SLOTS_A_DAY + marks * of_marks) + once
            found.append((name, self.figures[name], most))
        return found

    def projected(self, name: str) -> float:
        """What a day would take, if its plain slots were as these, with the marks of a day."""
        of_marks, once = SHARES[name]
        plain = self.figures[name] - once - (self.served["headers"] - PLAIN * self.served["blocks"]) * of_marks
        return plain * SLOTS_A_DAY / self.slots + MARKS_A_DAY * of_marks + once

    @property
    def is_kept(self) -> bool:
        """Every bar holds."""
        return all(size <= most for _, size, most in self.bars())

    def text(self) -> str:
        """For a person."""
        f = self.figures
        whole = "a day" if self.is_whole else f"{self.slots} slots, which are no day"
        lines = [f"{whole}: {self.served['blocks']} blocks, {self.served['long']} of them with a mark, "
                 f"headers of {self.served['headers']} bytes; {self.served['late']} announced late", "",
                 f"{'bytes':42}{'down':>12}{'up':>12}"]
        for name, down, up in (
            ("JAM messages", "messages down", "messages up"),
            ("  with their lengths", "framed down", "framed up"),
            ("TCP payload: with Noise, yamux, handshakes", "payload down", "payload up"),
            ("on the wire, IP", "wire down", "wire up"),
            ("on the wire, Ethernet", "ethernet down", "ethernet up"),
            ("  as the node reckons", "reckoned down", "reckoned up"),
            ("frames", "frames down", "frames up"),
        ):
            lines.append(f"{name:42}{f[down]:>12}{f[up]:>12}")
        lines.append("")
        for name, size, most in self.bars():
            verdict = "holds" if size <= most else "BROKEN"
            lines.append(f"{name:20}{size / 1e6:8.3f} MB, at most {most / 1e6:.3f} MB  {verdict}")
            if not self.is_whole:
                lines.append(f"{'  14,400 slots would':20}{self.projected(name) / 1e6:8.3f} MB: an extrapolation")
        return "\n".join(lines)


def measure(slots: int, pace_ms: float, board: str, folder: str) -> Day:
    """Run both, and count."""
    scale = SLOT_MS / pace_ms
    spec = os.path.join(folder, "chain.json")
    this = [sys.executable, str(Path(__file__).with_name("day_processes.py"))]
    with netns.Networks() as nets:
        there, here = nets.add("server", f"{SERVER}/16"), nets.add("node", f"{NODE}/16")
        server = Lines(there.popen([*this, "serve", str(scale), str(slots), str(pace_ms), SERVER, spec],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE), "the server")
        peer = str(server.wait("ready")["peer"])
        before = here.counters()
        words = ["run", "--json", "--chain", spec, "--data", os.path.join(folder, "node"), "--peer", peer,
                 "--board", board]
        node = Lines(here.popen([*this, "follow", str(scale), *words], stdout=subprocess.PIPE), "the node")
        node.wait("peer")
        server.tell("go")
        _follow(server, node)
        time.sleep(0.5)  # the last acknowledgement
        after = here.counters()
        node.process.send_signal(signal.SIGTERM)
        if node.process.wait(_END_S):
            raise NoWord("the node ended with an error")
        node.join()
        served = {key: int(str(value)) for key, value in server.wait("end").items() if key != "event"}
        server.tell("enough")
    said = {key: int(str(value)) for key, value in node.last.items()}
    return Day(slots, {
        # Each block is a message, and the greeting of each side; none else was sent.
        "messages down": said["messages_down"] - 4 * (served["blocks"] + 1), "messages up": said["messages_up"] - 4,
        "framed down": said["messages_down"], "framed up": said["messages_up"],
        "payload down": said["bytes_in"], "payload up": said["bytes_out"],
        "reckoned down": said["wire_in"], "reckoned up": said["wire_out"],
        "wire down": after.rx_ip - before.rx_ip, "wire up": after.tx_ip - before.tx_ip,
        "ethernet down": after.rx_bytes - before.rx_bytes, "ethernet up": after.tx_bytes - before.tx_bytes,
        "frames down": after.rx_packets - before.rx_packets, "frames up": after.tx_packets - before.tx_packets,
    }, served)


def _follow(server: Lines, node: Lines) -> None:
    """Wait until the node has the server's last block. NoWord when it stands still or lost its peer."""
    seen, since = (-1, -1), time.monotonic()
    while not server.of("end") or seen[1] < seen[0]:
        now = server.slot("block"), node.slot("best")
        if now != seen:
            seen, since = now, time.monotonic()
        for gone in node.of("peer_left"):
            raise NoWord(f"the connection was lost at slot {seen[0]}, after {seen[1]}: {gone['reason']}")
        if time.monotonic() > since + _STUCK_S or any(lines.process.poll() is not None for lines in (server, node)):
            raise NoWord(f"it stands still at slot {seen[0]}, {seen[1]}: {server.last}, {node.last}")
        time.sleep(0.2)


def main(arguments: "list[str]") -> int:
    """Measure, print, return the exit status."""
    parser = argparse.ArgumentParser(prog="day.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--slots", type=int, default=SLOTS_A_DAY)
    parser.add_argument("--pace-ms", type=float, default=75, help=f"of a slot, at least {LEAST_PACE_MS} (default 75)")
    parser.add_argument("--board", default="raspberry-pi-zero-2w")
    parser.add_argument("--json", action="store_true", help="the figures as JSON, as the last line")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.slots < 20 or options.pace_ms < LEAST_PACE_MS:
        parser.error(f"--slots has to be at least 20, --pace-ms {LEAST_PACE_MS}")
    try:
        words = netns.command([sys.executable, str(Path(__file__).resolve()), "--inside", *arguments])
        if words[0] != sys.executable and not options.inside:
            return subprocess.run(words, check=False).returncode
        with tempfile.TemporaryDirectory(prefix="jamliquor-day-") as folder:
            day = measure(options.slots, options.pace_ms, options.board, folder)
    except netns.NoNetworks as error:
        print(f"day: {error}", file=sys.stderr)
        return 2
    except NoWord as error:
        print(f"day: {error}", file=sys.stderr)
        return 1
    print(day.text(), flush=True)
    if options.json:
        print(json.dumps({"slots": day.slots, "kept": day.is_kept, "bars": day.bars(), "served": day.served,
                          **day.figures}), flush=True)
    return 0 if day.is_kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
