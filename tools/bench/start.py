#!/usr/bin/env python3
"""How long a node takes from its start to a finalized head, and to the first value of the state that it proves.

    python3 tools/bench/start.py [--runs 7] [--json]

A tiny devnet with finality is a process of its own and makes a block every 200 ms. `jamliquor-lite run` and `state` are
started with it as their peer, over libp2p with the post-quantum handshake: times are from the start of the process to
the line that says that a block is final, and to the end of `state`, whose value is proved at level final. Cold: nothing
is saved, and the node is an epoch behind. Warm: from the checkpoint that a run before saved. Medians of all runs count.

Exit status: 0 good, 1 above a bar, 2 wrong words.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "jamliquor_lite.cli.main"]
BARS = {"cold": 2.0, "warm": 1.0}  # seconds to the first proved value
BLOCKS = 16  # an epoch and a third at tiny: one set has handed over
SLOT_MS = 200
_STUCK_S = 60


class Devnet:
    """A chain of its own for each pair of runs, so that a cold one is always as far behind."""

    def __init__(self, folder: Path) -> None:
        self.chainspec = folder / "chain.json"
        self._process = subprocess.Popen(
            [*COMMAND, "devnet", "--json", "--port", "0", "--blocks", str(BLOCKS), "--keys", "50", "--accelerated",
             "--slot-ms", str(SLOT_MS), "--finality", "--listen", "/ip4/127.0.0.1/tcp/0", "--chainspec-out",
             str(self.chainspec)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        (self.peer,) = [text for text in json.loads(line)["addresses"] if text.startswith("/")]
        self._rest = threading.Thread(target=self._process.stdout.read, daemon=True)
        self._rest.start()

    def __enter__(self) -> "Devnet":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(_STUCK_S)


def environment(home: Path) -> "dict[str, str]":
    """Of a user of his own."""
    return {**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home / "share"), "PYTHONPATH": str(ROOT)}


def words(devnet: Devnet) -> "list[str]":
    """What both commands are told."""
    return ["--chain", str(devnet.chainspec), "--peer", devnet.peer]


def proved(devnet: Devnet, home: Path) -> float:
    """Seconds that `state` takes, whole: start, warp, headers, finality, question, proof. It saves nothing."""
    began = time.monotonic()
    done = subprocess.run([*COMMAND, "state", "service", "1", "--level", "final", "--json", *words(devnet)],
                          capture_output=True, text=True, env=environment(home), timeout=_STUCK_S, check=False)
    taken = time.monotonic() - began
    assert done.returncode == 0 and json.loads(done.stdout.splitlines()[-1])["level"] == "final", done
    return taken


def final(devnet: Devnet, home: Path) -> float:
    """Seconds from the start of `run` to the line that says that a block is final. It saves its checkpoint."""
    began = time.monotonic()
    process = subprocess.Popen([*COMMAND, "run", "--json", "--seconds", str(_STUCK_S), *words(devnet)],
                               stdout=subprocess.PIPE, text=True, env=environment(home))
    assert process.stdout is not None
    taken, is_running, is_ended = 0.0, False, False
    for line in process.stdout:
        name = json.loads(line).get("event")
        if not taken and name == "final":
            taken = time.monotonic() - began
        is_running = is_running or name == "peer"  # from then on a signal ends it well
        if taken and is_running and not is_ended:
            is_ended = True
            process.send_signal(signal.SIGINT)
    process.stdout.close()
    status = process.wait(_STUCK_S)
    assert status == 0 and taken, (status, taken)
    return taken


def main(arguments: "list[str]") -> int:
    """Measure, print, compare with the bars. The exit status."""
    parser = argparse.ArgumentParser(
        prog="start.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, help="of each (default 7)")
    parser.add_argument("--json", action="store_true", help="one JSON line instead of the table")
    options = parser.parse_args(arguments)
    if options.runs < 1:
        parser.error("--runs: at least 1")
    times: "dict[str, list[tuple[float, float]]]" = {"cold": [], "warm": []}
    for _ in range(options.runs):
        folder = Path(tempfile.mkdtemp(prefix="start-"))
        try:
            with Devnet(folder) as devnet:
                for name in times:
                    value = proved(devnet, folder / "home")
                    times[name].append((final(devnet, folder / "home"), value))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    medians = {name: [statistics.median(each) for each in zip(*taken)] for name, taken in times.items()}
    over = [name for name, bar in BARS.items() if medians[name][1] > bar]
    if options.json:
        print(json.dumps({"medians": medians, "times": times, "over": over}))
        return 1 if over else 0
    print(f"medians of {options.runs}: seconds from the start of the process, and the longest")
    for name, (at, value) in medians.items():
        longest = max(one[1] for one in times[name])
        print(f"{name}: a final block {at:.2f}, a value proved as final {value:.2f} ({longest:.2f})   "
              f"bar {BARS[name]:.1f}")
    for name in over:
        print(f"start.py: {name} is above its bar of {BARS[name]} s", file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
