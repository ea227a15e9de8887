"""Watch lists: what an update costs where 10 of 100 watched keys have changed, in tries of 100 to 1,000,000 keys.

    python3 tools/bench/watch.py [--keys N]… [--shape spread|service] [--others N]… [--bar]

Two shapes of keys: `spread`, bytes of a hash (storage of many services), and `service`, the storage of one (GP 0.7.2,
D.1: the zero bytes of a small service id lie between those of the hash, which makes paths of 45 nodes at 10^6 keys).
`--others`: so many keys that nobody watches change as well, in each state. Bytes are those of both messages of every
exchange with their lengths, without what carries them; trips are rounds of exchanges that run beside each other.

Beside: CE 129 alone, which JAM's own nodes would answer; `naive`, each watched key asked for again by CE 129; and the
floor of what proves the changes without remembering anything: the distinct trie nodes on the changed paths, 64 bytes
each, and the new values. A difference is below that floor, for it names no node that is remembered.

With `--bar`, exit status 1 where a difference at 10^6 spread keys takes more than 40 KB or 2 trips.
"""

import argparse
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jamliquor_lite.chain.range_builder import build_range  # noqa: E402
from jamliquor_lite.chain.state_key import service_storage  # noqa: E402
from jamliquor_lite.chain.trie import Trie  # noqa: E402
from tests.sync.watched import Exchange, FakeChain, fetch, profile_of, taken, watching  # noqa: E402

_WATCHED = 100
_CHANGED = 10
_UPDATES = 12
_KEYS = (100, 1000, 10_000, 100_000, 1_000_000)
_BAR_KEYS = 1_000_000
_BAR_BYTES = 40_000
_BAR_TRIPS = 2
_CE129 = 102 + 8  # request, and the lengths of an answer's two messages
_SNAPSHOT = "%9s %-8s %9s %9s %9s"
_ROW = "%9s %-8s %7s | %9s %5s | %9s %5s | %8s %8s | %7s"


def median(values: "list[int]") -> int:
    return sorted(values)[len(values) // 2]


def keys_of(count: int, shape: str, dice: random.Random) -> "list[bytes]":
    if shape == "spread":
        return [dice.randbytes(31) for _ in range(count)]
    return [service_storage(7, b"%d" % index) for index in range(count)]


class Watcher:
    """One watch list and how it asks."""

    def __init__(self, chain: FakeChain, watched: "list[bytes]", is_lite: bool) -> None:
        profile = profile_of(watch_flights=256)
        self.watch = watching([(key, key) for key in watched], profile)
        self.exchange = Exchange(chain, profile)
        self.chain = chain
        self.is_lite = is_lite
        self.sizes: "list[int]" = []
        self.trips: "list[int]" = []
        self.seconds: "list[float]" = []

    def update(self) -> int:
        """Fetch the newest state; how many changes it told."""
        before = self.exchange.received + self.exchange.sent + 8 * self.exchange.count
        began = time.process_time()
        self.trips.append(fetch(self.watch, self.chain, self.exchange, self.is_lite))
        changes = taken(self.watch)
        self.seconds.append(time.process_time() - began)
        self.sizes.append(self.exchange.received + self.exchange.sent + 8 * self.exchange.count - before)
        return len(changes)


def naive(trie: Trie, keys: "list[bytes]") -> int:
    """Bytes of asking for each key by itself."""
    total = 0
    for key in keys:
        nodes, entries = build_range(trie, key, key, 0)
        total += _CE129 + 64 * len(nodes) + sum(32 + len(value) for _, value in entries)
    return total


def floor(trie: Trie, keys: "list[bytes]") -> int:
    """Bytes of the distinct nodes on the paths to these keys, and of their values."""
    nodes = {node for key in keys for node in trie.path(key)}
    return 64 * len(nodes) + sum(len(trie.get(key) or b"") for key in keys)


def measure(count: int, shape: str, others: "list[int]") -> "tuple[int, int]":
    """Print a state size; the most bytes and trips that a difference took."""
    dice = random.Random(count)
    keys = keys_of(count, shape, dice)
    trie = Trie((key, b"value %d" % index) for index, key in enumerate(keys))
    watched = keys[:_WATCHED]
    most = trips = 0
    for index, rest in enumerate(others):
        chain = FakeChain()
        watchers = [Watcher(chain, watched, is_lite) for is_lite in (True, False)]
        now = trie.snapshot()
        chain.add(now)
        for watcher in watchers:
            watcher.update()
        if not index:
            print(_SNAPSHOT % (count, shape, watchers[0].sizes[0], watchers[1].sizes[0], "snapshot"))
        alone, least = [], []
        for turn in range(_UPDATES):
            changed = dice.sample(watched, _CHANGED)
            for key in changed:
                now.set(key, b"changed %d" % turn)
            for _ in range(rest if count > _WATCHED else 0):
                now.set(keys[dice.randrange(_WATCHED, count)], b"other %d" % turn)
            chain.add(now)
            for watcher in watchers:
                assert watcher.update() == _CHANGED
            alone.append(naive(now, watched))
            least.append(floor(now, changed))
        lite, ranged = watchers
        most, trips = max(most, *lite.sizes[1:]), max(trips, *lite.trips[1:])
        print(_ROW % (count, shape, rest, median(lite.sizes[1:]), max(lite.trips[1:]), median(ranged.sizes[1:]),
                      max(ranged.trips[1:]), median(alone), median(least),
                      "%.1f ms" % (1000 * sorted(lite.seconds[1:])[_UPDATES // 2])), flush=True)
    return most, trips


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keys", type=int, action="append", help="keys of the state; default 10^2 to 10^6")
    parser.add_argument("--shape", choices=("spread", "service"), action="append", help="default both")
    parser.add_argument("--others", type=int, action="append", help="unwatched changes beside; default 0, 100, 1000")
    parser.add_argument("--bar", action="store_true", help="fail where the bar is missed")
    args = parser.parse_args()
    print("an update: %d of %d watched keys changed; median bytes, most trips, CPU of a difference with its building"
          % (_CHANGED, _WATCHED))
    print(_ROW % ("keys", "shape", "others", "differ", "trips", "CE 129", "trips", "naive", "floor", "CPU"))
    missed = False
    for shape in args.shape or ("spread", "service"):
        for count in args.keys or _KEYS:
            most, trips = measure(max(count, _WATCHED), shape, args.others or [0, 100, 1000])
            if count == _BAR_KEYS and shape == "spread":
                is_over = most > _BAR_BYTES or trips > _BAR_TRIPS
                missed = missed or is_over
                print("bar: %d bytes and %d trips at most, allowed %d and %d: %s" % (
                    most, trips, _BAR_BYTES, _BAR_TRIPS, "missed" if is_over else "kept"))
    return 1 if args.bar and missed else 0


if __name__ == "__main__":
    sys.exit(main())
