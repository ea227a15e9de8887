#!/usr/bin/env python3
"""CPU time of each primitive by every backend that loads, side by side, and of what a header and a handshake cost.

    python3 tools/bench/crypto.py [--json] [--rounds N] [--only PRIMITIVE]

Times are medians of process time a call, so other work on the machine moves them little. A ratio is to the backend
that is tried first. Nothing is asserted; the bar that a header check is held to is printed beside what it took.
"""

import argparse
import importlib.metadata
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from jamliquor_lite.crypto import suite, suite_hosts
from jamliquor_lite.errors import LocalError
from jamliquor_lite.ports import crypto as port

HEADER_BAR_MS = 3.5
_BATCH_NS = 2_000_000  # short calls are timed in batches at least this long: the clock's grain is far below it
_LONG_NS = 200_000_000  # calls longer than this are sampled three times only
_FRAME = 65535  # the largest Noise frame, tag included

_SEED = bytes(range(32))
_NODE = bytes(64)
_KIB = bytes(1024)
_UNSIGNED = bytes(201)  # a plain header without its seal

Call = Callable[[], object]


def _measure(call: Call, rounds: int) -> float:
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
    for _ in range(min(rounds, 3) if took > _LONG_NS else rounds):
        start = time.process_time_ns()
        for _ in range(count):
            call()
        samples.append((time.process_time_ns() - start) / count)
    return statistics.median(samples)


def _verify(signature: bytes) -> Call:
    public = suite.ed25519_public(_SEED)
    return lambda: suite.ed25519_verify(public, signature, _KIB)


def _header(is_known: bool) -> Call:
    """Both VRF checks of a header."""
    secret = suite_hosts.vrf_secret(_SEED)
    key = suite_hosts.vrf_public(secret)
    ticket = b"jam_ticket_seal" + _SEED + b"\x00"
    seal = suite_hosts.vrf_sign(secret, ticket, _UNSIGNED)
    entropy = b"jam_entropy" + suite_hosts.vrf_output(secret, ticket)
    entropy_signature = suite_hosts.vrf_sign(secret, entropy, b"")

    def header() -> None:
        if not is_known:
            suite._checked_keys.clear()
        assert suite.vrf_verify(key, ticket, _UNSIGNED, seal) is not None
        assert suite.vrf_verify(key, entropy, b"", entropy_signature) is not None

    return header


def _vrf(is_signing: bool) -> Call:
    secret = suite_hosts.vrf_secret(_SEED)
    key = suite_hosts.vrf_public(secret)
    proof = suite_hosts.vrf_sign(secret, _SEED, _UNSIGNED)
    if is_signing:
        return lambda: suite_hosts.vrf_sign(secret, _SEED, _UNSIGNED)
    return lambda: suite.vrf_verify(key, _SEED, _UNSIGNED, proof)


def _exchange() -> Call:
    public = suite.x25519_public(b"\x07" * 32)
    return lambda: suite.x25519(_SEED, public)


def _xx() -> Call:
    """The X25519 of one side of Noise XX: an ephemeral key and three exchanges."""
    public = suite.x25519_public(b"\x07" * 32)

    def side() -> None:
        suite.x25519_public(_SEED)
        suite.x25519(_SEED, public)
        suite.x25519(_SEED, public)
        suite.x25519(_NODE[:32], public)

    return side


def _seal(size: int) -> Call:
    cipher = suite.Aead(_SEED)
    buf = bytearray(size + 16)
    return lambda: cipher.seal(7, b"", buf, 0, size, buf, 0)


def _open(size: int) -> Call:
    cipher = suite.Aead(_SEED)
    buf = bytearray(size + 16)
    out = bytearray(size)
    cipher.seal(7, b"", buf, 0, size, buf, 0)
    return lambda: cipher.open(7, b"", buf, 0, size + 16, out, 0)


def _shake() -> Call:
    stream = suite_hosts.Shake128()
    block = bytearray(168)

    def entry() -> None:
        stream.start(_SEED)
        for _ in range(4):
            stream.next_into(block)

    return entry


def _kem(step: str) -> Call:
    public, secret = suite.mlkem768_keypair(_NODE)
    ciphertext, _ = suite.mlkem768_encapsulate(public, _SEED)
    return {
        "keypair": lambda: suite.mlkem768_keypair(_NODE),
        "encapsulate": lambda: suite.mlkem768_encapsulate(public, _SEED),
        "decapsulate": lambda: suite.mlkem768_decapsulate(secret, ciphertext),
    }[step]


# (primitive, what is called, what prepares it under the backend that serves then, bytes a call or 0)
CASES: "list[tuple[str, str, Callable[[], Call], int]]" = [
    ("blake2b", "blake2b_256, 64 B (a trie node)", lambda: lambda: suite.blake2b_256(_NODE), 0),
    ("blake2b", "blake2b_256, 1 KiB", lambda: lambda: suite.blake2b_256(_KIB), 0),
    ("sha512", "sha512, 1 KiB", lambda: lambda: suite.sha512(_KIB), 0),
    ("ed25519", "ed25519_sign, 1 KiB", lambda: lambda: suite.ed25519_sign(_SEED, _KIB), 0),
    ("ed25519", "ed25519_verify, right", lambda: _verify(suite.ed25519_sign(_SEED, _KIB)), 0),
    ("ed25519", "ed25519_verify, wrong", lambda: _verify(suite.ed25519_sign(_SEED, _KIB)[:32] + bytes(32)), 0),
    ("vrf", "vrf_sign", lambda: _vrf(True), 0),
    ("vrf", "vrf_verify", lambda: _vrf(False), 0),
    ("vrf", "header: both VRFs, key known", lambda: _header(True), 0),
    ("vrf", "header: both VRFs, key new", lambda: _header(False), 0),
    ("x25519", "x25519_public", lambda: lambda: suite.x25519_public(_SEED), 0),
    ("x25519", "x25519", _exchange, 0),
    ("x25519", "x25519, one side of Noise XX", _xx, 0),
    ("aead", "seal, 64 B", lambda: _seal(64), 0),
    ("aead", "seal, a frame of 64 KiB", lambda: _seal(_FRAME - 16), _FRAME - 16),
    ("aead", "open, 64 B", lambda: _open(64), 0),
    ("aead", "open, a frame of 64 KiB", lambda: _open(_FRAME - 16), _FRAME - 16),
    ("keccak", "Shake128, an entry of ML-KEM's matrix", _shake, 0),
    ("mlkem768", "mlkem768_keypair", lambda: _kem("keypair"), 0),
    ("mlkem768", "mlkem768_encapsulate", lambda: _kem("encapsulate"), 0),
    ("mlkem768", "mlkem768_decapsulate", lambda: _kem("decapsulate"), 0),
]


def _row(primitive: str, name: str, prepare: Callable[[], Call], size: int, rounds: int) -> dict[str, object]:
    took = {}
    for label in (*port.names(primitive), "pure"):
        try:
            forced = suite.use(primitive, label)
        except LocalError:
            continue
        with forced:
            took[label] = round(_measure(prepare(), rounds) / 1000, 2)
    return {"name": name, "primitive": primitive, "bytes": size, "us": took}


def _show(row: dict[str, object]) -> str:
    took: dict[str, float] = row["us"]  # type: ignore[assignment]
    first = next(iter(took.values()))
    size = int(str(row["bytes"]))
    parts = []
    for label, us in took.items():
        rate = f" {size / us:.0f} MB/s" if size else ""
        ratio = "" if us is first else f" ({us / first:.2f}x)"
        parts.append(f"{label} {us:.2f}{rate}{ratio}")
    return f"{row['name']:38} " + " · ".join(parts)


def _find_libcrypto() -> None:
    """Where the system's libcrypto has no ML-KEM, take the one in psycopg-binary's wheel, a part of the test extra."""
    if "JAMLIQUOR_LIBCRYPTO" in os.environ or port.native("mlkem768", ("libcrypto",))[0] is not None:
        return
    try:
        files = importlib.metadata.files("psycopg-binary") or []
    except importlib.metadata.PackageNotFoundError:
        return
    for file in files:
        if file.name.startswith("libcrypto"):
            os.environ["JAMLIQUOR_LIBCRYPTO"] = str(file.locate())


def main(arguments: list[str]) -> int:
    """Measure, print, return the exit status."""
    parser = argparse.ArgumentParser(prog="crypto.py", description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON line instead of the table")
    parser.add_argument("--rounds", type=int, default=15, help="samples to take the median of (default 15)")
    parser.add_argument("--only", choices=suite.PRIMITIVES, help="this primitive alone")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds has to be at least 1")
    _find_libcrypto()
    suite.self_test(whole=True)
    rows = [_row(*case, options.rounds) for case in CASES if options.only in (None, case[0])]
    if options.json:
        print(json.dumps({"unit": "us", "header_bar_ms": HEADER_BAR_MS, "rows": rows}))
        return 0
    print("CPU microseconds a call, and how many times the first that is long")
    for row in rows:
        print(_show(row))
    if options.only in (None, "vrf"):
        print(f"bar: a header check takes at most {HEADER_BAR_MS} ms with the native VRF")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
