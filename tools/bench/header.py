#!/usr/bin/env python3
"""What checking a header costs: CPU time with the native VRF and with the pure one, side by side in one run.

    .venv/bin/python tools/bench/header.py [--blocks 120]

Prints the median of single headers, and the projection to a day of full-spec slots. The bar is 3.5 ms native.
"""

import argparse
import statistics
import time

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.checkpoint import Checkpoint
from jamliquor_lite.chain.header import Header
from jamliquor_lite.chain.light import LightChain
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.crypto import suite
from jamliquor_lite.devnet.author import DevChain

_SLOTS_A_DAY = 14_400
_PLAIN, _EPOCHS = 297, 24
_MARKS = 65_833 + 20_097 - 2 * _PLAIN  # what an epoch's two marks add at full spec


def checkpoint_of(chain: DevChain) -> Checkpoint:
    state = chain.genesis.state
    assert state is not None
    values = [state.trie.get(bytes([chapter]) + bytes(30)) for chapter in (4, 6, 8)]
    return Checkpoint.from_state(TINY, chain.genesis.hash, chain.genesis.hash, chain.genesis.slot, *values)


def check(start: Checkpoint, headers: "list[bytes]") -> float:
    chain = LightChain(start, Profile())
    times = []
    for data in headers:
        began = time.process_time()
        chain.add(Header(TINY, data))
        times.append(time.process_time() - began)
    assert chain.headers_checked == len(headers)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=120, help="headers to check natively (default 120)")
    count = parser.parse_args().blocks
    devnet = DevChain(TINY, keys=10)
    start = checkpoint_of(devnet)
    headers = [block.header for block in devnet.advance(count)]
    native = check(start, headers)
    print("native vrf (%s): %.2f ms a header, bar 3.50" % (suite.backends()["vrf"], native * 1e3))
    with suite.use("vrf", "pure"):
        pure = check(start, headers[: max(10, count // 6)])
    print("pure vrf: %.2f ms a header, %.1f x native" % (pure * 1e3, pure / native))
    print("a day of full-spec slots: %.0f s native, %.2f MB of headers" % (
        native * _SLOTS_A_DAY, (_SLOTS_A_DAY * _PLAIN + _EPOCHS * _MARKS) / 1e6))


if __name__ == "__main__":
    main()
