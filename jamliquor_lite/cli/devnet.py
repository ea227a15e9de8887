"""`jamliquor-lite devnet`: author a small chain of one's own and serve it, over JAMNP-S and libp2p."""

import argparse
import asyncio
import os
import signal
import time

from ..chain import slots
from ..codec.spec import Spec, by_name
from ..crypto.suite import blake2b_256
from ..devnet import chainspec, faults, finality_faults, wire
from ..devnet.author import DevChain
from ..devnet.blocks import Block
from ..devnet.export import Exporter
from ..devnet.finality import Finality
from ..devnet.serve import Server
from ..errors import LocalError
from ..ports import clock
from ..transport.terms import POLICIES, REQUIRE
from .addresses import AddressError
from .lite_addresses import parse_listen, place
from .output import Output, add_output_arguments, seconds

_FAST_SLOT_MS = 500
_CATCH_UP_SLOTS = 8  # authored at once after the machine was away; older slots stay empty


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, each with its default."""
    add = parser.add_argument
    add("--spec", default="tiny", help="tiny or full (default: tiny)")
    add("--seed", type=_natural, default=0, metavar="N", help="the same seed makes the same chain (default: 0)")
    add("--keys", type=_natural, default=1000, metavar="N", help="storage entries in the state (default: 1000)")
    add("--slot-ms", type=_natural, metavar="MS",
        help=f"length of a slot; other than the spec's it implies --accelerated, which has {_FAST_SLOT_MS} by itself")
    add("--accelerated", action="store_true", help="slots from 0 on, independent of the wall clock")
    add("--genesis-slot", type=_natural, metavar="SLOT", help="default: 0, or the wall clock's less --blocks")
    add("--fork-rate", type=_share, default=0.0, metavar="P", help="how often an author misses its parent's last block")
    add("--offline", type=_share, default=0.0, metavar="P", help="share of each validator set that never authors")
    add("--contests", default="mixed", help="ticket contests: mixed, always or never full (default: mixed)")
    add("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    add("--port", type=_natural, default=0, metavar="PORT", help="UDP port to listen on (default: any free one)")
    add("--listen", action="append", default=[], metavar="MULTIADDR",
        help="serve over libp2p too, e.g. /ip4/127.0.0.1/tcp/0; may be given more than once")
    add("--pq", choices=POLICIES, default=REQUIRE, help="post-quantum handshake over libp2p (default: require)")
    add("--identity", type=_natural, default=0, metavar="N",
        help="serve under another key: for several devnets of one chain (default: 0)")
    add("--blocks", type=_natural, default=0, metavar="N", help="blocks authored before the start (default: 0)")
    add("--epoch-blocks", type=_natural, default=0, metavar="N",
        help="author only so many in each epoch; needs --accelerated (default: in every slot)")
    add("--finality", action="store_true",
        help="validators vote, as drafted in jamnp-pr6-737b8ae, and justifications are served")
    add("--final-lag", type=_natural, default=2, metavar="N",
        help="how many blocks finality is behind the best one (default: 2)")
    add("--chainspec-out", metavar="FILE", help="write the chain specification for clients (JIP-4)")
    add("--export", metavar="DIR", help="write the best chain there, a block per file")
    add("--fault", action="append", default=[], metavar="NAME",
        help="be dishonest: `list` shows how; may be given more than once")
    add_output_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Author and serve."""
    if args.fault == ["list"]:
        for name, what in faults.describe() + finality_faults.describe() + wire.describe():
            print(f"{name:28} {what}")
        return 0
    spec = by_name(args.spec)
    if spec is None:
        raise LocalError(f"--spec {args.spec}: there are tiny and full", 2)
    if args.slot_ms is not None and args.slot_ms < 1:
        raise LocalError("--slot-ms 0: must be at least 1", 2)
    if args.port > 65535:
        raise LocalError(f"--port {args.port}: allowed are 0 to 65535", 2)
    return asyncio.run(_Devnet(args, spec).run(seconds(args)))


class _Devnet:
    """A running devnet."""

    def __init__(self, args: argparse.Namespace, spec: Spec) -> None:
        wall_ms = spec.slot_seconds * 1000
        self.args = args
        self.spec = spec
        self.accelerated = args.accelerated or args.slot_ms not in (None, wall_ms)
        if args.epoch_blocks and not self.accelerated:
            raise LocalError("--epoch-blocks: needs --accelerated, for the wall clock skips no slots", 2)
        self.slot_ms = args.slot_ms or (_FAST_SLOT_MS if self.accelerated else wall_ms)
        self.out = Output(args.json)
        self.wire: wire.WireFault | None = None
        self.finality_fault: finality_faults.FinalityFault | None = None
        self.faults: list[faults.Fault] = []
        for name in args.fault:
            if faults.known(name):
                self.faults.append(faults.by_name(name))
            elif finality_faults.known(name):
                if not args.finality or self.finality_fault is not None:
                    raise LocalError(f"--fault {name}: needs --finality, and only one fault of it at a time", 2)
                self.finality_fault = finality_faults.by_name(name)
            elif wire.known(name):
                self.wire = wire.by_name(name)
            else:
                raise LocalError(f"--fault {name}: unknown; `--fault list` shows those that there are", 2)
        genesis_slot = args.genesis_slot
        if genesis_slot is None:
            genesis_slot = 0 if self.accelerated else max(0, self._wall_slot() - args.blocks - 1)
        self.chain = DevChain(spec, args.seed, args.keys, genesis_slot, args.offline, args.fork_rate, args.contests,
                              epoch_blocks=args.epoch_blocks)
        if args.finality:
            Finality(self.chain, args.final_lag, self.finality_fault)
        key = blake2b_256(b"devnet peer %d" % args.identity + self.chain.genesis.hash) if args.identity else None
        self.server = Server(self.chain, spec, key, host=args.host, port=args.port, wire=self.wire,
                             listen=_listen(args.listen), policy=args.pq)
        self.exporter = Exporter(args.export) if args.export else None
        self.faulty = 0

    async def run(self, duration: "float | None") -> int:
        """Until a signal comes or the time is over."""
        end = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, end.set)
        for _ in range(self.args.blocks):
            self.chain.advance()
            if end.is_set():
                return 0
        started = clock.ticks_ms()
        async with self.server:
            self._begin()
            timer = None if duration is None else loop.call_later(duration, end.set)
            ending = loop.create_task(end.wait())
            authoring = loop.create_task(self._author())
            try:
                await asyncio.wait((ending, authoring), return_when=asyncio.FIRST_COMPLETED)
                if authoring.done():
                    authoring.result()
            finally:
                for task in (authoring, ending):
                    task.cancel()
                if timer is not None:
                    timer.cancel()
        self._export()
        best = self.chain.best
        self.out.summary(chain=self.chain.genesis.hash, best_slot=best.slot, blocks=best.number,
                         ticketed=best.ticketed_count, faulty=self.faulty, requests=self.server.requests,
                         peers_failed=self.server.faults, bytes_out=self.server.bytes_out,
                         uptime_ms=clock.ticks_ms() - started, **self._final())
        return 0

    def _begin(self) -> None:
        path = None
        if self.args.chainspec_out:
            path = os.path.abspath(self.args.chainspec_out)
            chainspec.write(path, self.chain, self.server.addresses, self.accelerated)
        self._export()
        genesis, best = self.chain.genesis.hash, self.chain.best
        self.out.ready(addresses=self.server.addresses, genesis=genesis, chainspec=path, spec=self.spec.name,
                       slot_ms=self.slot_ms, clock="chain" if self.accelerated else "wall", blocks=best.number,
                       best_slot=best.slot, keys=self.args.keys, **self._final())
        self.out.line(f"devnet {genesis.hex()[:8]} ({self.spec.name}, {self.slot_ms} ms a slot) at "
                      + ", ".join(self.server.addresses))

    async def _author(self) -> None:
        if not self.accelerated:
            while True:
                now = self._wall_slot()
                # Slots that the machine slept through stay empty, so that it does not work without end to catch up.
                for slot in range(max(self.chain.slot + 1, now - _CATCH_UP_SLOTS + 1), now + 1):
                    self._slot(slot)
                    await asyncio.sleep(0)
                after = slots.COMMON_ERA + (now + 1) * self.spec.slot_seconds - time.time()
                await asyncio.sleep(max(after, 0.001))
        due = clock.ticks_ms()
        while True:
            due = max(due + self.slot_ms, clock.ticks_ms())
            await asyncio.sleep(0)
            while clock.ticks_ms() < due:  # which may be an emulated board's time, and slower than that of asyncio
                await asyncio.sleep((due - clock.ticks_ms()) / 1000)
            self._slot(self.chain.due())

    def _slot(self, slot: int) -> None:
        honest = True
        for fault in self.faults:
            block = fault.commit(self.chain, slot)
            if block is not None:
                self.faulty += 1
                self._tell(block)
                honest = honest and fault.beside
        if not honest:
            return  # the slot was the dishonest author's
        block = self.chain.next(slot)
        if block is not None:
            self._tell(block)
            self._export()

    def _tell(self, block: Block) -> None:
        self.server.announce(block)
        if self.server.turned_away:
            self.out.event("turned_away", reason=self.server.turned_away)
            self.out.line("turned away: " + self.server.turned_away)
            self.server.turned_away = ""
        self.out.event("block", slot=block.slot, number=block.number, hash=block.hash, parent=block.parent,
                       author=block.author, ticketed=block.ticketed, best=block is self.chain.best,
                       fault=block.fault or None, **self._final())
        self.out.status(f"slot {block.slot}, block {block.number}, {self.server.peers} peers")

    def _final(self) -> "dict[str, object]":
        # Of the final block, where validators vote.
        finality = self.chain.finality
        if finality is None:
            return {}
        return {"final_slot": finality.final.slot, "final_hash": finality.final.hash, "set_id": finality.set_id}

    def _export(self) -> None:
        if self.exporter is not None:
            self.exporter.update(self.chain)

    def _wall_slot(self) -> int:
        slot = slots.slot_at(int(time.time()), self.spec)
        if slot == slots.UNKNOWN:
            raise LocalError("the clock stands before the JAM Common Era: set it, or use --accelerated", 2)
        return slot


def _natural(text: str) -> int:
    if not text.isdigit() or int(text) > 2**31:
        raise argparse.ArgumentTypeError(f"{text} is no number from 0 to {2**31}")
    return int(text)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number from 0 up to, not including, 1")
    return value


def _listen(texts: "list[str]") -> "list[tuple[str, int]]":
    places = []
    for text in texts:
        try:
            address = parse_listen(text)
        except AddressError as error:
            raise LocalError(f"--listen {text}: {error}", 2)
        places.append(place(address))
    return places
