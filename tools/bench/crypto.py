#!/usr/bin/env python3
"""CPU time of each primitive, native and pure side by side, and of the two VRF checks that a header costs.

    python3 tools/bench/crypto.py [--json] [--rounds N]

Times are medians of process time a call, so other work on the machine moves them little. Nothing is asserted; the
bar that a header check is held to is printed beside what it took.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from jamliquor_lite.crypto import suite
from jamliquor_lite.errors import LocalError

HEADER_BAR_MS = 3.5
_BATCH_NS = 2_000_000  # short calls are timed in batches at least this long: the clock's grain is far below it

_SEED = bytes(range(32))
_NODE = bytes(64)
_KIB = bytes(1024)
_UNSIGNED = bytes(201)  # a plain header without its seal


def _measure(call: Callable[[], object], rounds: int) -> float:
    """Median nanoseconds of process time a call."""
    call()
    count = 1
    while True:
        start = time.process_time_ns()
        for _ in range(count):
            call()
        took = time.process_time_ns() - start
        if took >= _BATCH_NS or count >= 1 << 16:
            break
        count *= 2
    samples = []
    for _ in range(rounds):
        start = time.process_time_ns()
        for _ in range(count):
            call()
        samples.append((time.process_time_ns() - start) / count)
    return statistics.median(samples)


def _cases() -> list[tuple[str, str, Callable[[], object]]]:
    public = suite.ed25519_public(_SEED)
    signature = suite.ed25519_sign(_SEED, _KIB)
    forged = signature[:32] + bytes(32)
    secret = suite.vrf_secret(_SEED)
    key = suite.vrf_public(secret)
    ticket = b"jam_ticket_seal" + _SEED + b"\x00"
    seal = suite.vrf_sign(secret, ticket, _UNSIGNED)
    entropy = b"jam_entropy" + suite.vrf_output(secret, ticket)
    entropy_signature = suite.vrf_sign(secret, entropy, b"")

    def header() -> None:
        assert suite.vrf_verify(key, ticket, _UNSIGNED, seal) is not None
        assert suite.vrf_verify(key, entropy, b"", entropy_signature) is not None

    def header_of_new_key() -> None:
        suite._checked_keys.clear()
        header()

    return [
        ("blake2b", "blake2b_256, 64 B (a trie node)", lambda: suite.blake2b_256(_NODE)),
        ("blake2b", "blake2b_256, 1 KiB", lambda: suite.blake2b_256(_KIB)),
        ("sha512", "sha512, 1 KiB", lambda: suite.sha512(_KIB)),
        ("ed25519", "ed25519_sign, 1 KiB", lambda: suite.ed25519_sign(_SEED, _KIB)),
        ("ed25519", "ed25519_verify, right", lambda: suite.ed25519_verify(public, signature, _KIB)),
        ("ed25519", "ed25519_verify, wrong (asked twice)", lambda: suite.ed25519_verify(public, forged, _KIB)),
        ("vrf", "vrf_sign", lambda: suite.vrf_sign(secret, ticket, _UNSIGNED)),
        ("vrf", "vrf_verify", lambda: suite.vrf_verify(key, ticket, _UNSIGNED, seal)),
        ("vrf", "header: both VRFs, key known", header),
        ("vrf", "header: both VRFs, key new", header_of_new_key),
    ]


def main(arguments: list[str]) -> int:
    """Measure, print, return the exit status."""
    parser = argparse.ArgumentParser(prog="crypto.py", description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON line instead of the table")
    parser.add_argument("--rounds", type=int, default=15, help="samples to take the median of (default 15)")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds has to be at least 1")
    suite.self_test()
    rows = []
    for primitive, name, call in _cases():
        row: dict[str, object] = {"name": name}
        for which in ("native", "pure"):
            try:
                forced = suite.use(primitive, which)
            except LocalError:
                row[which] = None
                continue
            with forced:
                row["backend"] = suite.backends()[primitive] if which == "native" else row.get("backend", "none")
                row[which] = round(_measure(call, options.rounds) / 1000, 2)
        rows.append(row)
    if options.json:
        print(json.dumps({"unit": "us", "header_bar_ms": HEADER_BAR_MS, "rows": rows}))
        return 0
    print(f"{'CPU microseconds a call':38}{'native':>10}{'pure':>12}{'ratio':>8}  native is")
    for row in rows:
        native, pure = row["native"], row["pure"]
        shown = f"{native:10.2f}" if isinstance(native, float) else f"{'-':>10}"
        ratio = f"{pure / native:7.1f}x" if isinstance(native, float) and isinstance(pure, float) else f"{'-':>8}"
        print(f"{row['name']:38}{shown}{pure:12.2f}{ratio}  {row['backend']}")
    print(f"bar: a header check takes at most {HEADER_BAR_MS} ms with the native VRF")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
