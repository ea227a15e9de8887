#!/usr/bin/env python3
"""What the budgets cost, how much of a cap is used, and who waits how long while it is used up.

    .venv/bin/python tools/bench/budget.py [--json] [--rounds 7] [--headers 400] [--seconds 8] [--peers 32]

- CPU: a node follows the embedded dev chain over the lite network, with every budget capped so high that none is ever
  reached, then with all that the budgets do done ten times more, then with budgets that do nothing, in turns; and two
  carriers move bytes over the loopback, likewise. Thread time, the best of all rounds of each, for other work on the
  machine only ever adds. What carriers and node do to ask is in all three.
- memory: what tracemalloc counts of the modules of budgets for a connection that stands, with rates of its own; and the
  same objects on a 32-bit MicroPython, where that can be built.
- goodput: bytes on the wire as metered, in the whole time and in the worst two seconds, over an upload and a download
  cap that streams want more than; and of payload against its floor, a segment's part of what it costs on the wire (the
  loopback's segments are longer than Ethernet's, so that it may exceed that).
- delay: small messages of each class through an upload cap that bulk of SERVING and GOSSIP uses up, from `send` to the
  reader, in one process. FINALITY, HEADERS and QUERIES go to a peer that is followed, the others to a stranger.

The exit status is 1 when a bar does not hold. A process that gets no processor for 20 ms leaves some of a cap unused:
where the system lets it, this one has real-time priority, and what it starts has not; where not, it says so.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from jamliquor_lite.budget.budgets import WINDOW_S, Budgets
from jamliquor_lite.budget.classes import COUNT, FINALITY, GOSSIP, HANDSHAKES, HEADERS, NAMES, QUERIES, SERVING
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.budget.shares import UNLIMITED
from jamliquor_lite.chain.chainspec import ChainSpec
from jamliquor_lite.cli.embedded import EmbeddedDevnet
from jamliquor_lite.node.libp2p import Libp2pCarrier
from jamliquor_lite.node.node import Node
from jamliquor_lite.p2p import multiaddr
from jamliquor_lite.p2p.keys import peer_name
from jamliquor_lite.ports import clock
from jamliquor_lite.ports.tcp import Waker
from jamliquor_lite.transport.states import READY
from jamliquor_lite.transport.terms import OFF

COST_BAR, MEMORY_BAR, GOODPUT_BAR = 0.03, 1024, 0.97
TIMES = 10
UPLOAD, DOWNLOAD, DELAY = "upload", "download", "delay"
CAP = 1_000_000  # bytes a second
DELAY_CAP = 250_000
MESSAGE_BYTES, MESSAGE_MS = 64, 40
BULK = memoryview(bytes(64 * 1024))
_FIRST_KIND = 800  # of the protocols here: one for each class, then one for bulk of each
_HERE = "127.0.0.1"
_STILL_MS = "3600000"  # a slot so long that the devnet authors nothing while it is followed
_PATIENCE_S = 60
_WARM_S = 1.0
_TURN_MS = 2
_MOVED_BYTES = 32 << 20
# Whose allocations belong to the budgets. What a pool lends is a buffer, and the pool's, not theirs.
_MODULES = ("budget/allowance", "budget/budgets", "budget/cpu", "budget/meter", "budget/pool", "budget/shares",
            "budget/slots", "node/members", "node/traffic", "node/kernel", "node/turn", "node/admission")
_ON_MICROPYTHON = """
import gc, sys
sys.path.insert(0, %r)
from jamliquor_lite.budget.meter import Meter
from jamliquor_lite.budget.pool import Pool, Share
frames, chunks = Pool("a", 8, 16, 1), Pool("b", 8, 16, 1)
def peer():
    return Meter(1000, 500), Meter(1000, 500), Share(frames, 4, True), Share(chunks, 4, True), Share(chunks, 4)
held = [None] * 20
peer()
gc.collect()
before = gc.mem_alloc()
for i in range(20):
    held[i] = peer()
gc.collect()
print((gc.mem_alloc() - before) // 20)
"""


class NoShares:
    """A rate that says yes to everything and keeps no count."""

    rate = most = burst = total = sure = 0
    spent = deferred = (0,) * (COUNT + 1)

    def may(self, *_: int) -> bool:
        return True

    def allowance(self, *_: int) -> int:
        return UNLIMITED

    def wake_at(self, cls: int, now: int, count: int = 1) -> int:
        return now

    def spend(self, *_: int) -> int:
        return 0

    charge = defer = debt = promised = spend


class NoAllowance:
    """An allowance without an end."""

    is_capped = is_due = False
    day_used = month_used = permille_used = 0

    def left(self) -> int:
        return UNLIMITED

    unused = left

    def spend(self, count: int) -> None:
        pass


def no_budgets(profile: Profile) -> Any:
    """What the real ones are compared with."""
    found: Any = Budgets(profile)
    found.up = found.down = found.cpu = NoShares()
    found.allowance = NoAllowance()
    return found


class Often:
    """A part of the budgets of which twins are asked and paid whenever it is."""

    def __init__(self, part: Any, twins: "list[Any]") -> None:
        self._part = part
        for name in ("may", "allowance", "wake_at", "spend", "charge", "defer", "debt", "left", "unused"):
            if hasattr(part, name):
                setattr(self, name, _repeated(getattr(part, name), [getattr(twin, name) for twin in twins]))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._part, name)


def _repeated(call: Any, others: "list[Any]") -> Any:
    def repeated(*words: Any) -> Any:
        for other in others:
            other(*words)
        return call(*words)

    return repeated


def uncapped(profile: Profile) -> Budgets:
    """Real ones that only count."""
    return Budgets(profile, clock.cpu_us)


def often(make: "Callable[[Profile], Budgets]", profile: Profile) -> Any:
    """What `make` makes, done TIMES more."""
    found: Any = make(profile)
    twins = [make(profile) for _ in range(TIMES)]
    for name in ("up", "down", "cpu", "allowance"):
        setattr(found, name, Often(getattr(found, name), [getattr(twin, name) for twin in twins]))
    return found


def all_capped(profile: Profile) -> Budgets:
    """Real ones, with every cap there is, none of which is ever reached here."""
    profile.max_upload_rate = profile.max_download_rate = 1 << 28
    profile.peer_upload_rate = profile.peer_download_rate = profile.protocol_rate = 1 << 28
    profile.day_bytes = profile.month_bytes = 1 << 40
    profile.allowance_quantum = 1 << 39
    profile.cpu_permille = 999
    profile.cpu_burst_ms = 60_000
    budgets = Budgets(profile, clock.cpu_us)
    budgets.allowance.record()
    budgets.allowance.stored()
    return budgets


def come_first() -> bool:
    """Real-time priority from now on, which ends with the process; False where that is not ours to take."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except (AttributeError, OSError):
        return False
    return True


def profile_with(**numbers: int) -> Profile:
    profile = Profile()
    for name, value in numbers.items():
        setattr(profile, name, value)
    return profile


# a node that follows


async def follow(ready: "dict[str, Any]", headers: int, budgets: Any) -> float:
    """Seconds of CPU until a node has checked so many headers of the dev chain."""
    chain = ChainSpec.read(str(ready["chainspec"]))
    checkpoint, profile = chain.checkpoint(), budgets.profile
    stop = asyncio.Event()

    def hear(name: str, fields: "dict[str, object]") -> None:
        if name == "best" and node.chain.headers_checked >= headers:
            stop.set()

    began = time.thread_time()
    node = Node(checkpoint, profile, chain.id, hear, budgets=budgets)
    genesis8 = checkpoint.genesis_hash[:4].hex()
    node.attach(Libp2pCarrier(os.urandom(32), genesis8, profile, [], policy=OFF, budgets=budgets))
    node.open()
    place = multiaddr.parse(next(text for text in ready["addresses"] if text.startswith("/")), 1)
    node.add_peer(peer_name(place.peer_id), place.host, place.port)
    asyncio.get_running_loop().call_later(_PATIENCE_S, stop.set)
    await node.run(stop)
    if node.chain.headers_checked < headers:
        raise SystemExit("budget: only %d of %d headers in %d s" % (node.chain.headers_checked, headers, _PATIENCE_S))
    return time.thread_time() - began


class Cost:
    """Seconds of CPU of the same work, the best of rounds that take turns: with the budgets, with none, and with
    TIMES as many. The last tells more of what they cost than the first two, which differ by less than a machine does
    from itself: `share` is what they cost of all that it takes with them."""

    def __init__(self, rounds: int, make: "Callable[[Profile], Budgets]", work: "Callable[[Any], float]") -> None:
        makers: "list[tuple[str, Callable[[Profile], Any]]]" = [
            ("with", make), ("without", no_budgets), ("often", lambda profile: often(make, profile))]
        samples: "dict[str, list[float]]" = {name: [] for name, _ in makers}
        for number in range(rounds + 1):
            for name, maker in makers:
                seconds = work(maker(Profile()))
                if number:  # the first round pays for what is loaded and warmed
                    samples[name].append(seconds)
            makers.reverse()
        best = {name: min(taken) for name, taken in samples.items()}
        self.seconds = best["with"]
        self.share = (best["often"] / best["with"] - 1) / TIMES
        self.ratio = best["with"] / best["without"]


def following_cost(rounds: int, headers: int) -> Cost:
    """Of a node that catches up with the dev chain."""
    listen = "/ip4/%s/tcp/0" % _HERE
    arguments = ["--slot-ms", _STILL_MS, "--accelerated", "--blocks", str(headers), "--listen", listen, "--pq", OFF]
    with EmbeddedDevnet(arguments) as devnet:
        return Cost(rounds, all_capped, lambda budgets: asyncio.run(follow(devnet.ready, headers, budgets)))


# two carriers, or more, in this process


class Pair:
    """A listener with the budgets in question, and one dialer without any that connects as often as wanted."""

    def __init__(self, budgets: Any, connections: int = 1) -> None:
        self.waker = Waker()
        self.budgets = budgets
        self.listener = Libp2pCarrier(
            b"\xfe" * 32, "", budgets.profile, [(_HERE, 0)], policy=OFF, budgets=budgets)
        open_handed = profile_with(max_peers=connections, peers_ceiling=connections)
        self.dialer = Libp2pCarrier(b"\x01" * 32, "", open_handed, [], policy=OFF, budgets=no_budgets(open_handed))
        for carrier in (self.listener, self.dialer):
            carrier.open(self.waker)
        for cls in range(COUNT):
            for name, kind in (("word", _FIRST_KIND + cls), ("bulk", _FIRST_KIND + COUNT + cls)):
                self.listener.terms.serve("/bench/%s/%d" % (name, cls), kind, cls)
                self.dialer.terms.speak("/bench/%s/%d" % (name, cls), kind, cls)
        self.port = int(self.listener.places[0].rpartition("/")[2])
        self.accepted: "list[Any]" = []

    def turn(self) -> int:
        now = clock.ticks_ms()
        for carrier in (self.listener, self.dialer):
            carrier.receive(now)
        connection = self.listener.accept()
        if connection is not None:
            self.accepted.append(connection)
        at = now + _TURN_MS
        for carrier in (self.listener, self.dialer):
            carrier.flush(now)
        for carrier in (self.listener, self.dialer):
            due = carrier.watch(now)
            at = min(at, due) if due >= 0 else at
        return max(0, at - now)

    async def until(self, is_done: Any, *steps: Any) -> None:
        ends = time.monotonic() + _PATIENCE_S
        while not is_done():
            for step in steps:
                step()
            await self.waker.wait(self.turn())
            if time.monotonic() > ends:
                raise SystemExit("budget: nothing came of it in %d s" % _PATIENCE_S)

    async def connect(self) -> "tuple[Any, Any]":
        """(the dialer's end, the listener's)"""
        dialed = self.dialer.dial_to(self.listener.peer_id, [(_HERE, self.port)], clock.ticks_ms())
        count = len(self.accepted) + 1
        await self.until(lambda: dialed.state == READY and len(self.accepted) == count)
        return dialed, self.accepted[-1]

    async def stream(self, dialed: Any, accepted: Any, kind: int) -> "tuple[Any, Any]":
        """A stream of a kind: (the dialer's end, the listener's)."""
        here, found = dialed.open(kind), []

        def take() -> bool:
            stream = accepted.accept()
            if stream is not None:
                found.append(stream)
            return bool(found)

        await self.until(take)
        return here, found[0]

    def close(self) -> None:
        for carrier in (self.listener, self.dialer):
            carrier.release()


class Bulk:
    """Moves bytes from one end of a stream to the other, as many as it takes."""

    def __init__(self, source: Any, sink: Any) -> None:
        self.source, self.sink = source, sink
        self.moved = 0
        self._buf = bytearray(64 * 1024)

    def step(self) -> None:
        self.source.send(BULK, 0, len(BULK))
        size = self.sink.recv_into(self._buf, 0, len(self._buf))
        if size:
            self.sink.credit(size)
            self.moved += size


async def moving(budgets: Any, size: int) -> float:
    """Seconds of CPU for so many bytes through one stream, both ends."""
    pair = Pair(budgets)
    dialed, accepted = await pair.connect()
    here, there = await pair.stream(dialed, accepted, _FIRST_KIND + COUNT + SERVING)
    bulk = Bulk(there, here)
    began = time.thread_time()
    await pair.until(lambda: bulk.moved >= size, bulk.step)
    seconds = time.thread_time() - began
    pair.close()
    return seconds


def moving_cost(rounds: int, make: "Callable[[Profile], Budgets]", size: int) -> Cost:
    """Of both ends of a stream."""
    return Cost(rounds, make, lambda budgets: asyncio.run(moving(budgets, size)))


# memory


def _budget_bytes() -> int:
    snapshot = tracemalloc.take_snapshot()
    files = tuple(str(ROOT / "jamliquor_lite" / (name + ".py")) for name in _MODULES)
    return sum(line.size for line in snapshot.statistics("filename") if line.traceback[0].filename in files)


async def per_peer(peers: int) -> float:
    """Bytes that the budgets hold for a connection, at our end of it: the dialer's budgets are of no kind."""
    profile = profile_with(max_peers=peers, peers_ceiling=peers, connections_per_source=peers, handshakes=peers)
    pair = Pair(all_capped(profile), peers)
    for carrier in (pair.listener, pair.dialer):
        carrier.pools.fill()
    await pair.connect()  # what the first one loads is no peer's
    tracemalloc.start()
    try:
        before = _budget_bytes()
        for _ in range(peers - 1):
            await pair.connect()
        after = _budget_bytes()
    finally:
        tracemalloc.stop()
    pair.close()
    # Both ends of each connection have shares of pools and a place in the carrier; the rates are ours alone.
    return (after - before) / (peers - 1)


def per_peer_on_micropython() -> "int | None":
    """The same objects on 32 bits; None where such a MicroPython cannot be built."""
    command = [sys.executable, str(ROOT / "tools" / "micropython"), "build", "--bits", "32"]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode:
        return None
    words = [built.stdout.strip(), "-X", "heapsize=1M", "-c", _ON_MICROPYTHON % str(ROOT)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit("budget: MicroPython: %s" % ran.stderr.strip().splitlines()[-1])
    return int(ran.stdout)


# a cap and what is made of it


class Windows:
    """The most bytes in any two seconds, of a counter that is looked at in every turn."""

    def __init__(self, read: Any) -> None:
        self._read = read
        self._seen: "list[tuple[float, int]]" = []
        self.most = 0
        self._first = 0

    def step(self) -> None:
        now, count = time.monotonic(), self._read()
        self._seen.append((now, count))
        while now - self._seen[self._first][0] > WINDOW_S:
            self._first += 1
        self.most = max(self.most, count - self._seen[self._first][1])


async def goodput(way: str, seconds: float) -> "dict[str, float]":
    """A cap that three streams want more than: shares of it, of all that went over the wire and of payload."""
    cap = {"max_upload_rate": CAP} if way == UPLOAD else {"max_download_rate": CAP}
    pair = Pair(Budgets(profile_with(socket_receive_bytes=16 * 1024, **cap)))
    dialed, accepted = await pair.connect()
    bulks = []
    for cls in (QUERIES, SERVING, GOSSIP):
        here, there = await pair.stream(dialed, accepted, _FIRST_KIND + COUNT + cls)
        bulks.append(Bulk(there, here) if way == UPLOAD else Bulk(here, there))
    traffic = pair.listener.traffic

    def wire() -> int:
        return traffic.wire_out if way == UPLOAD else traffic.wire_in

    windows = Windows(wire)
    steps = [bulk.step for bulk in bulks] + [windows.step]
    ends = time.monotonic() + _WARM_S
    await pair.until(lambda: time.monotonic() >= ends, *steps)
    began, wire_before, moved_before = time.monotonic(), wire(), sum(bulk.moved for bulk in bulks)
    ends = began + seconds
    await pair.until(lambda: time.monotonic() >= ends, *steps)
    took = time.monotonic() - began
    found = {"wire": (wire() - wire_before) / took / CAP,
             "payload": (sum(bulk.moved for bulk in bulks) - moved_before) / took / CAP,
             "window": windows.most / (WINDOW_S * CAP)}
    pair.close()
    return found


class Words:
    """Small messages on a stream, one every MESSAGE_MS, and how long each took (ms)."""

    def __init__(self, source: Any, sink: Any) -> None:
        self.source, self.sink = source, sink
        self.delays: "list[float]" = []
        self._sent: "list[float]" = []
        self._next = 0.0
        self._due = b""
        self._heard = 0
        self._buf = bytearray(1024)

    def step(self) -> None:
        now = time.monotonic() * 1000
        if not self._due and now >= self._next:
            self._due = bytes(MESSAGE_BYTES)
            self._sent.append(now)
            self._next = now + MESSAGE_MS
        if self._due:
            taken = self.source.send(self._due, 0, len(self._due))
            self._due = self._due[taken:]
        size = self.sink.recv_into(self._buf, 0, len(self._buf))
        if size:
            self.sink.credit(size)
            self._heard += size
            while len(self.delays) < self._heard // MESSAGE_BYTES:
                self.delays.append(now - self._sent[len(self.delays)])


async def delays(seconds: float) -> "dict[int, list[float]]":
    """Milliseconds of each class's messages while bulk uses up the cap."""
    pair = Pair(Budgets(profile_with(max_upload_rate=DELAY_CAP)), 2)
    steps: "list[Any]" = []
    words = {}
    for own, classes, bulk in ((HEADERS, (FINALITY, HEADERS, QUERIES), (SERVING,)),
                               (SERVING, (SERVING, GOSSIP), (SERVING, GOSSIP))):
        dialed, accepted = await pair.connect()
        accepted.cls = own
        for cls in classes:
            here, there = await pair.stream(dialed, accepted, _FIRST_KIND + cls)
            words[cls] = Words(there, here)
        for cls in bulk:
            here, there = await pair.stream(dialed, accepted, _FIRST_KIND + COUNT + cls)
            steps.append(Bulk(there, here).step)
    ends = time.monotonic() + _WARM_S
    await pair.until(lambda: time.monotonic() >= ends, *steps)
    ends = time.monotonic() + seconds
    steps += [word.step for word in words.values()]
    await pair.until(lambda: time.monotonic() >= ends and all(word.delays for word in words.values()), *steps)
    pair.close()
    return {cls: word.delays for cls, word in words.items()}


# the table


class Table:
    """Rows of (key, what it is, value, unit, bar in words, whether it holds)."""

    def __init__(self) -> None:
        self.rows: "list[dict[str, Any]]" = []

    def add(self, key: str, name: str, value: float, unit: str, bar: str = "", holds: "bool | None" = None) -> None:
        self.rows.append({"key": key, "name": name, "value": round(value, 4), "unit": unit, "bar": bar, "holds": holds})

    @property
    def is_good(self) -> bool:
        return all(row["holds"] is not False for row in self.rows)

    def show(self) -> None:
        for row in self.rows:
            words = {True: "holds", False: "DOES NOT HOLD", None: ""}[row["holds"]]
            print(("%-66s%10.2f %-5s %s  %s" % (row["name"], row["value"], row["unit"], row["bar"], words)).rstrip())


def measure(rounds: int, headers: int, seconds: float, peers: int, size: int) -> Table:
    """Everything."""
    table = Table()
    cost = following_cost(rounds, headers)
    table.add("follow_ms", "CPU of a node that follows %d headers, all capped" % headers, 1000 * cost.seconds, "ms")
    table.add("follow_cost", "  what the budgets take of it", 100 * cost.share, "%",
              "at most %g %%" % (100 * COST_BAR), cost.share <= COST_BAR)
    table.add("follow_ratio", "  beside budgets that do nothing", cost.ratio, "x")
    for key, name, make in (("move", "without caps", uncapped), ("capped", "all capped", all_capped)):
        cost = moving_cost(rounds, make, size)
        table.add(key + "_ms", "CPU of %d MB through two carriers, %s" % (size >> 20, name), 1000 * cost.seconds, "ms")
        is_judged = make is uncapped  # with a cap that is used, it goes at the cap's speed
        table.add(key + "_cost", "  what the budgets take of it, at full speed", 100 * cost.share, "%",
                  *(("at most %g %%" % (100 * COST_BAR), cost.share <= COST_BAR) if is_judged else ()))
        table.add(key + "_ratio", "  beside budgets that do nothing", cost.ratio, "x")
    core = cost.seconds * cost.share * CAP / size
    table.add("capped_core", "  of a core, at the speed of a cap of %d kB/s" % (CAP // 1000), 100 * core, "%",
              "at most %g %%" % (100 * COST_BAR), core <= COST_BAR)
    memory = asyncio.run(per_peer(peers))
    table.add("peer_bytes", "memory of the budgets for a peer, CPython", memory, "B",
              "at most %d" % MEMORY_BAR, memory <= MEMORY_BAR)
    board = per_peer_on_micropython()
    if board is not None:
        table.add("board_peer_bytes", "  on a 32-bit MicroPython", board, "B",
                  "at most %d" % MEMORY_BAR, board <= MEMORY_BAR)
    profile = Profile()
    floor = profile.segment_bytes / (profile.segment_bytes + profile.segment_overhead_bytes)
    for way in (UPLOAD, DOWNLOAD):
        found = asyncio.run(goodput(way, seconds))
        table.add(way + "_wire", "%s, of a cap of %d kB/s, on the wire" % (way, CAP // 1000), 100 * found["wire"], "%",
                  "at least %g %%" % (100 * GOODPUT_BAR), found["wire"] >= GOODPUT_BAR)
        table.add(way + "_payload", "  payload, against %.1f %% of the cap" % (100 * floor),
                  100 * found["payload"] / floor, "%")
        table.add(way + "_window", "  the most in any two seconds, of the cap", 100 * found["window"], "%",
                  "at most 100 %", found["window"] <= 1)
    waits = asyncio.run(delays(seconds))
    medians = {cls: statistics.median(samples) for cls, samples in waits.items()}
    for cls in range(HANDSHAKES):
        ordered = None if cls >= SERVING else medians[cls] <= medians[GOSSIP]
        table.add("delay_" + NAMES[cls], "delay under %d kB/s, %s, median of %d" % (
            DELAY_CAP // 1000, NAMES[cls], len(waits[cls])), medians[cls], "ms",
            "" if ordered is None else "less than gossip", ordered)
        table.add("delay_most_" + NAMES[cls], "  the longest", max(waits[cls]), "ms")
    return table


def main(arguments: "list[str]") -> int:
    """Measure, print, return the exit status."""
    parser = argparse.ArgumentParser(prog="budget.py", description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    parser.add_argument("--rounds", type=int, default=7, help="of each CPU figure (default 7)")
    parser.add_argument("--headers", type=int, default=400, help="that are followed in each (default 400)")
    parser.add_argument("--megabytes", type=int, default=_MOVED_BYTES >> 20, help="that carriers move (default 32)")
    parser.add_argument("--seconds", type=float, default=8, help="under each cap (default 8)")
    parser.add_argument("--peers", type=int, default=32, help="connections whose memory is counted (default 32)")
    parser.add_argument("--no-realtime", dest="realtime", action="store_false", help="leave the priority as it is")
    options = parser.parse_args(arguments)
    if min(options.rounds, options.megabytes) < 1 or options.headers < 20 or options.seconds <= 0 or options.peers < 2:
        parser.error("--rounds and --megabytes are at least 1, --headers 20, --peers 2, and --seconds more than 0")
    comes_first = options.realtime and come_first()
    if not options.json:
        print("load at the start: %.1f on %d cores, %s" % (
            os.getloadavg()[0], os.cpu_count() or 1,
            "real-time priority" if comes_first else "and other work may take turns from this"), flush=True)
    table = measure(options.rounds, options.headers, options.seconds, options.peers, options.megabytes << 20)
    if options.json:
        print(json.dumps({"rows": table.rows, "holds": table.is_good}))
    else:
        table.show()
    return 0 if table.is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
