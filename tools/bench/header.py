#!/usr/bin/env python3
"""What checking a header costs: CPU time with the native VRF and with the pure one, side by side in one run.

    .venv/bin/python tools/bench/header.py [--blocks 120] [--spec tiny|full]

Prints the median of single headers, and the projection to a day of full-spec slots. The bar is 3.5 ms native. With
`--spec full --blocks 1500` the tree is as deep as it becomes there, two epochs and what is not vouched for yet.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.checkpoint import Checkpoint
from jamliquor_lite.chain.header import Header
from jamliquor_lite.chain.light import LightChain
from jamliquor_lite.codec.spec import by_name
from jamliquor_lite.crypto import suite
from jamliquor_lite.devnet.author import DevChain

BAR_MS = 3.5
_SLOTS_A_DAY = 14_400
_PLAIN, _EPOCHS = 297, 24
_MARKS = 65_833 + 20_097 - 2 * _PLAIN  # what an epoch's two marks add at full spec
_PURE_SHARE = 6  # the pure VRF gets this share of the headers: it takes its time


def checkpoint_of(chain: DevChain) -> Checkpoint:
    """The checkpoint that a devnet's genesis makes."""
    state = chain.genesis.state
    assert state is not None
    values = [state.trie.get(bytes([chapter]) + bytes(30)) for chapter in (4, 6, 8)]
    return Checkpoint.from_state(chain.spec, chain.genesis.hash, chain.genesis.hash, chain.genesis.slot, *values)


def check(start: Checkpoint, headers: "list[bytes]") -> "list[float]":
    """Seconds of process time each header takes in a fresh light chain."""
    chain = LightChain(start, Profile())
    times = []
    for data in headers:
        began = time.process_time()
        chain.add(Header(start.spec, data))
        times.append(time.process_time() - began)
    assert chain.headers_checked == len(headers)
    return times


def main(arguments: "list[str]") -> int:
    """Measure, print, return the exit status."""
    parser = argparse.ArgumentParser(prog="header.py", description=__doc__.split("\n")[0])
    parser.add_argument("--blocks", type=int, default=120, help="headers to check natively (default 120)")
    parser.add_argument("--spec", default="tiny", choices=("tiny", "full"), help="parameters (default tiny)")
    options = parser.parse_args(arguments)
    count, spec = options.blocks, by_name(options.spec)
    assert spec is not None
    if count < _PURE_SHARE:
        parser.error(f"--blocks has to be at least {_PURE_SHARE}")
    suite.self_test()
    devnet = DevChain(spec, keys=10, genesis_slot=spec.epoch_length - 5)  # an epoch's mark comes soon
    start = checkpoint_of(devnet)
    headers = [block.header for block in devnet.advance(count)]
    times = check(start, headers)
    native = statistics.median(times)
    print(f"{suite.backends()['vrf']} vrf: {native * 1e3:.2f} ms a header, bar {BAR_MS:.2f} ms")
    tail = times[-(count // 10) or -1 :]
    print(f"  the last tenth {statistics.median(tail) * 1e3:.2f} ms, the longest {max(times) * 1e3:.1f} ms")
    with suite.use("vrf", "pure"):
        pure = statistics.median(check(start, headers[: count // _PURE_SHARE]))
    print(f"pure vrf: {pure * 1e3:.2f} ms a header, {pure / native:.1f} x the above")
    megabytes = (_SLOTS_A_DAY * _PLAIN + _EPOCHS * _MARKS) / 1e6
    print(f"a day of full-spec slots: {native * _SLOTS_A_DAY:.0f} s of checking, {megabytes:.2f} MB of headers")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
