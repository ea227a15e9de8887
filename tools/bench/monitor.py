#!/usr/bin/env python3
"""What the monitor takes of this machine while it watches a board, and whether it loses a frame.

    tools/bench/monitor.py [--seconds N]

A board that is none runs the console of every board behind a pseudo-terminal, at the 11,520 bytes a second of a UART at
115200 baud; the monitor runs in a terminal of 120 x 40 cells, in a process of its own, whose CPU time and resident
memory are read from /proc. A status is two or three frames: ten frames a second are a status every 200 ms, and ten
statuses a second are the most that a console sends.
"""

import argparse
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from jamliquor_lite.console import messages  # noqa: E402
from jamliquor_lite.monitor import recording  # noqa: E402
from jamliquor_lite.monitor.faults import Faults  # noqa: E402
from jamliquor_lite.monitor.session import Replay  # noqa: E402
from tests.monitor.fake import FakeBoard  # noqa: E402

UART = 11_520  # bytes a second at 115200 baud
SETTLE_S = 5.0
FRAME_OVERHEAD = 8  # codec/serial_frame.py: zeros, COBS and CRC
HIDDEN = ("COLUMNS", "LINES", "NO_COLOR")  # of the environment
TICKS = os.sysconf("SC_CLK_TCK")
LIMITS = {"cpu": 2.0, "rss": 60.0, "frame": 256}


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_mb(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def measure(status_ms: int, seconds: float, options: "list[str]", record: Path) -> "tuple[float, float, int]":
    """(percent of one core, MB at most, bytes drawn a second) of a monitor that watches for so long."""
    with FakeBoard(rate=UART) as board:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        environment = {name: value for name, value in os.environ.items() if name not in HIDDEN}
        process = subprocess.Popen(
            [sys.executable, "-m", "jamliquor_lite.cli.main", "monitor", "--pty", board.name, "--every", str(status_ms),
             "--record", str(record), *options],
            stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, start_new_session=True,
            env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        )
        os.close(theirs)
        drawn = 0

        def drain() -> None:
            nonlocal drawn
            while select.select([ours], [], [], 60)[0]:
                try:
                    drawn += len(os.read(ours, 65536))
                except OSError:
                    return

        reader = threading.Thread(target=drain, daemon=True)
        reader.start()
        try:
            time.sleep(SETTLE_S)
            before, at, drawn_before = cpu_s(process.pid), time.monotonic(), drawn
            time.sleep(seconds)
            used = (cpu_s(process.pid) - before) / (time.monotonic() - at) * 100
            return used, rss_mb(process.pid), int((drawn - drawn_before) / seconds)
        finally:
            os.write(ours, b"\x11" if not options else b"\x03")  # Ctrl-Q, or Ctrl-C for lines
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(ours)


def lost(record: Path) -> "tuple[int, int, int, float]":
    """(frames, bytes of the longest, parts that were lost, frames a second) of a recording."""
    records = [(ms, what) for ms, kind, what in recording.Reader(str(record)).records() if kind == recording.FRAME]
    replay = Replay(str(record), Faults(), 0)
    replay.begin(0)
    while not replay.is_over:
        for _ in replay.poll(0):
            pass
    seconds = (records[-1][0] - records[0][0]) / 1000
    statuses = sum(messages.read(what)[0] == messages.STATUS for _, what in records)
    longest = max(len(what) for _, what in records) + FRAME_OVERHEAD
    return len(records), longest, replay.model.lost, statuses / seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, metavar="N", help="of each (default: 20)")
    seconds = parser.parse_args().seconds
    if not 1 <= seconds <= 3600:
        parser.error("--seconds: must be from 1 to 3600")
    print(f"{'monitor on the host':34} {'frames/s':>8} {'CPU':>7} {'RSS':>8} {'drawn':>9} {'longest':>8} {'lost':>5}")
    is_good = True
    with tempfile.TemporaryDirectory() as folder:
        for name, status_ms, options, counts in (
            ("full screen, 10 frames/s", 200, [], True), ("full screen, 10 statuses/s", 100, [], False),
            ("--plain, 10 frames/s", 200, ["--plain"], True),
        ):
            record = Path(folder) / f"{status_ms}{len(options)}.rec"
            used, rss, drawn = measure(status_ms, seconds, options, record)
            frames, longest, missing, rate = lost(record)
            print(f"{name:34} {rate:8.1f} {used:5.1f} % {rss:5.1f} MB {drawn:7,} B {longest:6} B {missing:5}",
                  flush=True)
            is_good &= missing == 0 and longest <= LIMITS["frame"] and rss <= LIMITS["rss"] and frames > 0
            is_good &= not counts or used <= LIMITS["cpu"]
    print(f"bounds: {LIMITS['cpu']:g} % at 10 frames/s, {LIMITS['rss']:g} MB, {LIMITS['frame']} B a frame, none lost: "
          f"{'kept' if is_good else 'NOT KEPT'}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
