#!/usr/bin/env python3
"""The lite network's stack beside py-libp2p and js-libp2p, and rust- and go-libp2p where their peers are built.

    .venv/bin/python tools/bench/p2p.py [--quick] [--rounds 5] [--only ours,py,js]

Every stack talks to one js-libp2p peer that is warm, over loopback, in rounds that take turns. Of times and memory the
best round of each counts, for other work on the machine makes them worse and never better; in a round a time is the
median of its samples. Of MB/s it is the median of the rounds: what js does varies more than what is measured. Memory
is the resident set in 10^6 bytes, of a process whose modules were compiled before. Ours leaves ssl out, as the program
`jamliquor-lite` does. py-libp2p waits 250 ms in each successful dial, so CPU is compared, not the time of a handshake;
js-libp2p opens a stream for each ping. Each end has one core of its own, where there are two: left to itself, the
system runs both on the same one as often as not. The exit status is 1 when a bar does not hold.

On a machine that others use, `nice -n -10` before it keeps them out of the figures. The load is printed.

The peers are those of tests/interop/libp2p, which installs or builds them at the first use.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.interop.foreign import ForeignError
from tests.interop.libp2p_install import FOLDER, install, missing
from tests.interop.libp2p_peers import Peer, dial

KINDS = ("ours", "py", "js", "rust", "go")
MEASURABLE = ("ours", "py", "js")  # they have the mode `measure`; of the others `dial` tells some of it
_LIMIT_S = 300
_SETTLED_S = 1.0  # after that nothing of a start is left to do
_MIB = 1 << 20

# Everything that a host needs before it listens, with the libraries that its handshakes call.
OUR_IMPORT = """
import sys, time
start = time.perf_counter()
from jamliquor_lite.cli.frugal import load_asyncio
load_asyncio()
import jamliquor_lite.node.libp2p
from jamliquor_lite.crypto import suite
for primitive in ("x25519", "ed25519", "aead"):
    suite.get(primitive)
print((time.perf_counter() - start) * 1000)
print(*sorted(sys.modules))
"""
PY_IMPORT = """
import time
start = time.perf_counter()
import peer
print((time.perf_counter() - start) * 1000)
"""
JS_IMPORT = """
const start = performance.now();
await import(process.env.MODULE);
console.log(performance.now() - start);
"""


class Sizes:
    """How much of everything is measured."""

    def __init__(self, rounds: int, handshakes: int, pings: int, size: int, connections: int) -> None:
        self.rounds = rounds
        self.handshakes = handshakes
        self.pings = pings
        self.size = size
        self.connections = connections


_WARMING = 5  # js-libp2p sends twice as fast after 1,000 MB as after 100
_IMPORTS = 3  # of each round; the first after something else has run is slow
WHOLE = Sizes(5, 15, 200, 64 * _MIB, 200)
QUICK = Sizes(1, 10, 100, 16 * _MIB, 50)


def run(command: "list[str]", environment: "dict[str, str]") -> str:
    """What it prints. ForeignError with the end of what it complained of."""
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=_LIMIT_S, check=False,
    )
    if done.returncode:
        raise ForeignError("%s: %s" % (command[0], (done.stderr.strip().splitlines() or ["failed"])[-1]))
    return done.stdout


def import_ms(kind: str) -> float:
    """How long a fresh interpreter takes to import all that a host needs."""
    program = install(kind)
    if kind == "ours":
        said = run([program.argv[0], "-c", OUR_IMPORT], program.environment)
    elif kind == "py":
        environment = {**program.environment, "PYTHONPATH": str(FOLDER / "py")}
        said = run([program.argv[0], "-c", PY_IMPORT], environment)
    else:
        environment = {**program.environment, "MODULE": str(FOLDER / "js" / "node.mjs")}
        said = run([*program.argv[:-1], "--input-type=module", "-e", JS_IMPORT], environment)
    return float(said.split()[0])


@contextlib.contextmanager
def compiled(kinds: "list[str]") -> "Iterator[None]":
    """Every module of Python's has its byte code while this lasts, whatever the environment says about keeping it."""
    names = ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
    before = {name: os.environ.pop(name, None) for name in names}
    with tempfile.TemporaryDirectory(prefix="p2p-bench-") as folder:
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        try:
            for kind in kinds:
                if kind in MEASURABLE:
                    import_ms(kind)
            with Peer("ours") as peer:
                dial("ours", peer.address, 1, "--pq=require")
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


@contextlib.contextmanager
def on_core(number: int) -> "Iterator[None]":
    """What is started here stays on one core, if the machine has more than one."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, {cores[number]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def our_modules() -> "set[str]":
    """What is loaded then."""
    return set(run([sys.executable, "-c", OUR_IMPORT], {}).splitlines()[1].split())


def resident(peer: Peer) -> int:
    """Resident bytes of its process now; Linux only."""
    return int(Path("/proc/%d/statm" % peer.process.pid).read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def idle_mb(kind: str, *options: str) -> float:
    """Resident memory (10^6 bytes) of a host that listens and has no connection."""
    with Peer(kind, *options) as peer:
        time.sleep(_SETTLED_S)
        return resident(peer) / 1e6


def bytes_per_connection(count: int, *options: str) -> float:
    """What a connection adds to our host, once identify and ping are over: from the first tenth on, which pays for
    code and pools, so that the rest shows the slope."""
    program = install("ours")
    first = max(1, count // 10)
    room = "--peers=%d" % (2 * count)
    with Peer("ours", room, *options) as peer:
        sizes = []
        holders = []
        try:
            for number in (first, count):
                holder = subprocess.Popen(
                    [*program.argv, "hold", peer.address, str(number), room, *options],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                )
                holders.append(holder)
                assert holder.stdout is not None
                if holder.stdout.readline() != b"HOLDING\n":
                    raise ForeignError("hold: not %d connections" % number)
                time.sleep(_SETTLED_S)
                sizes.append(resident(peer))
        finally:
            for holder in holders:
                holder.kill()
                holder.communicate()
    return (sizes[1] - sizes[0]) / count


def client(kind: str, address: str, sizes: Sizes, *options: str) -> "dict[str, float]":
    """One round of a dialer: medians of its handshakes and pings, and MB/s each way."""
    if kind not in MEASURABLE:
        report = dial(kind, address, sizes.size)
    else:
        program = install(kind)
        words = ["measure", address, str(sizes.handshakes), str(sizes.pings), str(sizes.size), *options]
        report = json.loads(run([*program.argv, *words], program.environment).splitlines()[-1])
    found = {name: statistics.median(report[name]) for name in ("handshake_cpu_ms", "ping_ms") if name in report}
    found["to_mb_s"] = sizes.size / 1e6 / report["sink_s"]
    found["from_mb_s"] = sizes.size / 1e6 / report["source_s"]
    return found


# (key, what it is, its format, is it a rate, bar, what the bar is held against)
AT_MOST, AT_LEAST, TIMES_PY, TIMES_PLAIN = "at most", "at least", "x py-libp2p", "x plain"
ROWS: "list[tuple[str, str, str, bool, float, str]]" = [
    ("import_ms", "import, ms", "%.0f", False, 100, AT_MOST),
    ("idle_mb", "idle host, MB", "%.1f", False, 30, AT_MOST),
    ("lean_mb", "  lean libraries, MB", "%.1f", False, 20, AT_MOST),
    ("ssl_mb", "  and with ssl loaded, MB", "%.1f", False, 0, ""),
    ("connection_b", "an idle connection, bytes", "%.0f", False, 14_000, AT_MOST),
    ("handshake_cpu_ms", "CPU of a handshake, client, ms", "%.2f", False, 3, AT_MOST),
    ("plain_cpu_ms", "  to our own listener, ms", "%.2f", False, 0, ""),
    ("hybrid_cpu_ms", "  hybrid, to our own listener, ms", "%.2f", False, 1.5, TIMES_PLAIN),
    ("second_cpu_ms", "  hybrid, to the second implementation, ms", "%.2f", False, 0, ""),
    ("ping_ms", "ping to js, ms", "%.3f", False, 0.7, AT_MOST),
    ("to_mb_s", "to js, MB/s", "%.0f", True, 1.5, TIMES_PY),
    ("from_mb_s", "from js, MB/s", "%.0f", True, 1.5, TIMES_PY),
]


class Table:
    """The samples of each number, by stack."""

    def __init__(self) -> None:
        self.samples: "dict[tuple[str, str], list[float]]" = {}

    def take(self, kind: str, key: str, value: float) -> None:
        """One more sample."""
        self.samples.setdefault((kind, key), []).append(value)

    def value(self, kind: str, key: str) -> "float | None":
        """What counts of them; None if there is none."""
        samples = self.samples.get((kind, key))
        if not samples:
            return None
        return statistics.median(samples) if _is_rate(key) else min(samples)

    def ratio(self, key: str, kind: str) -> "float | None":
        """How many times better ours is than theirs."""
        ours, theirs = self.value("ours", key), self.value(kind, key)
        if not ours or not theirs:
            return None
        return ours / theirs if _is_rate(key) else theirs / ours

    def verdict(self, key: str, bar: float, against: str) -> "tuple[str, bool | None]":
        """The bar in words, and whether it holds; None: there is none, or nothing to hold against it."""
        ours = self.value("ours", key)
        if not against or ours is None:
            return "", None
        if against == AT_MOST:
            return "%s %g" % (against, bar), ours <= bar
        if against == TIMES_PLAIN:
            plain = self.value("ours", "plain_cpu_ms")
            return "at most %g %s" % (bar, against), None if plain is None else ours <= bar * plain
        ratio = self.ratio(key, "py")
        return "at least %g %s" % (bar, against), None if ratio is None else ratio >= bar

    def show(self, kinds: "list[str]") -> bool:
        """Print it; whether every bar that could be judged holds."""
        others = [kind for kind in kinds if kind != "ours"]
        heads = "".join("%10s" % kind for kind in ["ours", *others])
        print("%-44s%s  %s  bar" % ("", heads, "".join("%9s" % ("vs " + kind) for kind in others)))
        is_good = True
        for key, name, form, _, bar, against in ROWS:
            values = [self.value(kind, key) for kind in ["ours", *others]]
            if values[0] is None:
                continue
            shown = "".join("%10s" % ("-" if value is None else form % value) for value in values)
            ratios = [self.ratio(key, kind) for kind in others]
            times = "".join("%9s" % ("-" if ratio is None else "%.1f x" % ratio) for ratio in ratios)
            words, holds = self.verdict(key, bar, against)
            is_good = is_good and holds is not False
            said = {True: "holds", False: "DOES NOT HOLD", None: "not judged" if words else ""}[holds]
            print(("%-44s%s  %s  %s  %s" % (name, shown, times, words, said)).rstrip(), flush=True)
        return is_good


def _is_rate(key: str) -> bool:
    return next(row[3] for row in ROWS if row[0] == key)


def measure(kinds: "list[str]", sizes: Sizes, target: str = "js") -> Table:
    """Everything, of every stack. `target` is the kind of peer that all of them talk to."""
    table = Table()
    for _ in range(sizes.rounds):
        for kind in kinds:
            if kind in MEASURABLE:
                for _ in range(_IMPORTS):
                    table.take(kind, "import_ms", import_ms(kind))
            table.take(kind, "idle_mb", idle_mb(kind))
        table.take("ours", "lean_mb", idle_mb("ours", "--crypto=lean"))
        table.take("ours", "ssl_mb", idle_mb("ours", "--ssl"))
        table.take("ours", "connection_b", bytes_per_connection(sizes.connections))
    few = Sizes(1, sizes.handshakes, 1, 1, 1)
    with contextlib.ExitStack() as stack:
        with on_core(1):
            peer, own = stack.enter_context(Peer(target)), stack.enter_context(Peer("ours"))
        stack.enter_context(on_core(0))
        for _ in range(_WARMING):
            client("ours", peer.address, Sizes(1, sizes.handshakes, sizes.pings, sizes.size, 1))
        for _ in range(sizes.rounds):
            for kind in kinds:
                for key, value in client(kind, peer.address, sizes).items():
                    if key != "ping_ms" or kind in MEASURABLE:  # five pings are too few to compare
                        table.take(kind, key, value)
            for key, policy in (("plain_cpu_ms", "off"), ("hybrid_cpu_ms", "require")):
                table.take("ours", key, client("ours", own.address, few, "--pq=" + policy)["handshake_cpu_ms"])
    if not missing("pq") and target == "js":
        with contextlib.ExitStack() as stack:
            with on_core(1):
                peer = stack.enter_context(Peer("pq"))
            stack.enter_context(on_core(0))
            for _ in range(sizes.rounds):
                found = client("ours", peer.address, few, "--pq=require")
                table.take("ours", "second_cpu_ms", found["handshake_cpu_ms"])
    return table


def main(arguments: "list[str]") -> int:
    """Measure, print, return the exit status."""
    parser = argparse.ArgumentParser(prog="p2p.py", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round of less: half a minute, and more noise")
    parser.add_argument("--rounds", type=int, help="rounds of everything (default 5)")
    parser.add_argument("--only", default=",".join(KINDS), help="stacks, of " + ",".join(KINDS) + "; ours is always in")
    options = parser.parse_args(arguments)
    sizes = QUICK if options.quick else WHOLE
    if options.rounds is not None:
        sizes = Sizes(options.rounds, sizes.handshakes, sizes.pings, sizes.size, sizes.connections)
    wanted = options.only.split(",")
    if sizes.rounds < 1 or not set(wanted) <= set(KINDS):
        parser.error("--rounds is at least 1, and --only names some of %s" % ", ".join(KINDS))
    try:
        if missing("js"):
            raise ForeignError("there is nobody to talk to: " + missing("js"))
        kinds = ["ours"]
        for kind in [kind for kind in KINDS[1:] if kind in wanted]:
            if missing(kind):
                print("without %s-libp2p: %s" % (kind, missing(kind)), file=sys.stderr)
            else:
                install(kind)
                kinds.append(kind)
        print("load at the start: %.1f on %d cores" % (os.getloadavg()[0], os.cpu_count() or 1), flush=True)
        with compiled(kinds):
            table = measure(kinds, sizes)
        return 0 if table.show(kinds) else 1
    except ForeignError as error:
        print("p2p: %s" % error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
