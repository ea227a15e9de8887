"""State proofs: CPU of a check and size of a proof at 1,000 and 100,000 keys. Prints; asserts nothing.

    python3 tools/bench/proof.py [--keys N]…

The keys are those of one service's storage (GP 0.7.2, D.1), which makes the deepest tries: the zero bytes of a
small service id lie between the bytes of the hash. Medians of CPU time, `process_time_ns`, one proof each.
"""

import argparse
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jamliquor_lite.budget.profile import Profile  # noqa: E402
from jamliquor_lite.chain.proof import RangeVerifier  # noqa: E402
from jamliquor_lite.chain.range_builder import build_range  # noqa: E402
from jamliquor_lite.chain.single import verify_single  # noqa: E402
from jamliquor_lite.chain.state_key import service_storage  # noqa: E402
from jamliquor_lite.chain.trie import Trie  # noqa: E402

_PROOFS = 2000
_RANGE_BYTES = 64 * 1024
_BLOCK_CHANGES = 50


def median(values: "list[int]") -> int:
    return sorted(values)[len(values) // 2]


def stream(verifier: RangeVerifier, root: bytes, start: bytes, end: bytes, nodes: "list[bytes]",
           entries: "list[tuple[bytes, bytes]]") -> None:
    verifier.begin(root, start, end)
    for node in nodes:
        verifier.node(node, 0)
    for key, value in entries:
        verifier.entry(key, len(value))
        verifier.value(value, 0, len(value))
    verifier.finish()


def measure(count: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    keys = [service_storage(7, b"%d" % i) for i in range(count)]
    trie = Trie((key, b"value %d" % i) for i, key in enumerate(keys))
    root = trie.root()
    made = time.process_time() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print("%d keys: trie made in %.2f s CPU, about %.0f MB" % (count, made, grown))

    times = []
    for i in range(20):
        began_ns = time.process_time_ns()
        for j in range(_BLOCK_CHANGES):
            trie.set(keys[(i * 7919 + j * 104729) % count], b"changed %d" % i)
        root = trie.snapshot().root()
        times.append(time.process_time_ns() - began_ns)
    print("  a block of %d changes, root and snapshot: %.1f ms" % (_BLOCK_CHANGES, median(times) / 1e6))

    single, streamed, sizes = [], [], []
    verifier = RangeVerifier(Profile())
    for i in range(_PROOFS):
        key = keys[i * 7919 % count]
        nodes, entries = build_range(trie, key, key, 0)
        value = entries[0][1]
        sizes.append(64 * len(nodes))
        began_ns = time.process_time_ns()
        verify_single(root, key, nodes, value)
        middle_ns = time.process_time_ns()
        stream(verifier, root, key, key, nodes, entries)
        single.append(middle_ns - began_ns)
        streamed.append(time.process_time_ns() - middle_ns)
    print("  single proof: %d bytes; verify_single %.1f us, RangeVerifier %.1f us"
          % (median(sizes), median(single) / 1e3, median(streamed) / 1e3))

    times, counts = [], []
    for i in range(20):
        start = keys[i * 7919 % count]
        nodes, entries = build_range(trie, start, b"\xff" * 31, _RANGE_BYTES)
        began_ns = time.process_time_ns()
        stream(verifier, root, start, b"\xff" * 31, nodes, entries)
        times.append(time.process_time_ns() - began_ns)
        counts.append(len(entries))
    print("  range of %d KiB: %d entries, %.1f ms" % (
        _RANGE_BYTES // 1024, median(counts), median(times) / 1e6))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keys", type=int, action="append", help="state size; default 1000 and 100000")
    for count in parser.parse_args().keys or [1000, 100000]:
        measure(count)
    return 0


if __name__ == "__main__":
    sys.exit(main())
