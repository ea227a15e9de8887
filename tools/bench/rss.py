#!/usr/bin/env python3
"""Resident memory of `jamliquor-lite run` with QUIC loaded: after its start, and while it follows a devnet.

    .venv/bin/python tools/bench/rss.py [--seconds 20] [--spec tiny|full] [--slot-ms 100]

The devnet is a process of its own, so what is shown is the node's alone. Prints; asserts nothing. The bar is 42 MB.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from jamliquor_lite.cli.embedded import EmbeddedDevnet

BAR_MB = 42.0
COMMAND = [sys.executable, "-m", "jamliquor_lite.cli.main"]
_SETTLED_SECONDS = 3.0  # after this the imports, the handshake and the catch-up are over
_END_SECONDS = 10.0


def rss_mb(pid: int) -> float:
    """Resident megabytes (10^6 bytes) of a process now; Linux only."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def main(arguments: list[str]) -> int:
    """Measure, print, return the exit status."""
    parser = argparse.ArgumentParser(prog="rss.py", description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=20, help="how long to follow (default 20)")
    parser.add_argument("--spec", default="tiny", choices=("tiny", "full"), help="parameters (default tiny)")
    parser.add_argument("--slot-ms", type=int, default=100, help="length of a slot (default 100)")
    options = parser.parse_args(arguments)
    # Both specs pass an epoch's end within the first seconds: full spec starts five slots before one.
    first = "0" if options.spec == "tiny" else "595"
    devnet = ["--spec", options.spec, "--slot-ms", str(options.slot_ms), "--accelerated", "--genesis-slot", first]
    with EmbeddedDevnet(devnet) as serving, TemporaryDirectory() as folder:
        command = [*COMMAND, "run", "--json", "--chain", serving.ready["chainspec"], "--data", folder,
                   "--ask", "service 1"]
        node = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            samples = []
            end = time.monotonic() + options.seconds
            while time.monotonic() < end and node.poll() is None:
                time.sleep(min(1.0, options.seconds / 10))
                samples.append((time.monotonic() + options.seconds - end, rss_mb(node.pid)))
        finally:
            node.terminate()
            node.wait(_END_SECONDS)
    if node.returncode:
        print(f"rss: the node ended with status {node.returncode}", file=sys.stderr)
        return 1
    settled = next((size for at, size in samples if at >= _SETTLED_SECONDS), samples[-1][1])
    last, most = samples[-1][1], max(size for _, size in samples)
    print(f"run on {options.spec}, a header every {options.slot_ms} ms and a proved answer every 3 s or so, "
          f"{len(samples)} samples")
    print(f"after {_SETTLED_SECONDS:.0f} s {settled:.1f} MB, after {options.seconds:.0f} s {last:.1f} MB, "
          f"at most {most:.1f} MB; bar {BAR_MB:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
