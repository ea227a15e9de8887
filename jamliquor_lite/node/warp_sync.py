"""From a trusted block to the newest final set of validators, over the carriers, before there is a node.

Peers are asked one after another, each from where the one before left off: whoever sends a bad fragment is blamed and
left, and what was good before it stays and is kept. One that holds fragments back costs no more than time, since
headers are followed from wherever the warp ends; where the clock shows that there must be more, others are asked too.

What the fragments do not have, the tickets of the epoch that the last one opens, comes from that block's ancestors,
or, over JAM's own network where headers come with their blocks, from C(4), proved against the root that was voted for.
"""

from ..chain import state_key, state_value
from ..chain.epoch import UNKNOWN_SET
from ..chain.header import Header
from ..chain.justification import needed as votes_needed
from ..const import const
from ..crypto.suite import ed25519_public, ed25519_sign, ed25519_verify
from ..errors import BudgetError, LocalError, RemoteError, VerifyError
from ..jam.block_request import BlockRequest
from ..jam.events import DONE, FRAGMENT, FRAGMENTS, HEADER, LOST, NOTHING, REFUSED
from ..jam.header_request import HeaderRequest
from ..jam.kinds import (
    BLOCK_REQUEST,
    HEADER_REQUEST,
    MALFORMED,
    STATE_REQUEST,
    UNSUPPORTED,
    WARP_SYNC_REQUEST,
)
from ..jam.range_request import DESCENDING
from ..jam.warp_request import WarpRequest
from ..ports import clock
from ..sync.query import Query
from ..sync.warp import Tail, Warp, checkpoint, fragment_bytes
from ..sync.warp_progress import Progress
from .errand import IDLE_MS, Errand
from .set_search import find_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..budget.budgets import Budgets
    from ..chain.checkpoint import Checkpoint
    from ..chain.twoslot import TwoSlot
    from .carrier import Carrier, Connection
    from .peers import Record

    Tell = Callable[[str, dict[str, Any]], None]

_VOTE_BYTES = const(97)  # that are signed
_PROBES = const(16)
_BESIDE_PERCENT = const(15)  # what finding the voter and all else takes beside a signature (tools/bench/warp.py)
_AGREED = const(2)  # peers that have no more, after which nobody else is asked where there is no clock to tell


class WarpSync:
    """`run` once. `store` keeps the progress between runs. `reasons` says why peers gave nothing more. It tells of

    warp_begins    before anything is asked for, or where there is no clock before any of it is read: `sets` at most,
                   and what they will cost, `bytes` and `cpu_ms`; `done` were proved by a run before
    warp_fragment  one is good: `set_id`, `slot`, `bytes` received so far
    warp_refused   a peer is left: `peer`, `reason`, `set_id`
    warp_ends      `sets`, `slot`, `set_id`, `header`, `bytes` on the wire, `cpu_ms`, `evidence` of votes for two blocks
    """

    def __init__(self, carriers: "list[Carrier]", start: "Checkpoint", budgets: "Budgets", tell: "Tell",
                 store: "TwoSlot | None" = None, each_turn: "Callable[[], None] | None" = None,
                 genesis_slot: int = 0, progress: "Progress | None" = None) -> None:
        """`genesis_slot` bounds the sets that there can have been where the start does not say which one votes.
        `progress`: go on from there, and not from what `store` has."""
        self.errand = Errand(carriers, budgets, each_turn)
        self._start = start
        self._spec = start.spec
        self._profile = budgets.profile
        self._tell = tell
        self._store = store
        self._warp = Warp(start.spec, budgets.profile, progress or kept_progress(store, start))
        self._request = WarpRequest(bytearray(budgets.profile.read_bytes))
        self._resumed = self._warp.progress.fragments
        self._received = 0
        self._left: "list[str]" = []  # who lied, or was lost: asked last from then on
        self._has_told = False
        self._sets_most = max(0, start.spec.epoch(start.slot) - start.spec.epoch(genesis_slot))
        self._knows_set = self._warp.want() != UNKNOWN_SET
        self.reasons: "list[str]" = []

    @property
    def progress(self) -> Progress:
        """The last set-change block that is final, or the start."""
        return self._warp.progress

    async def run(self, peers: "list[Record]", now_slot: int = -1) -> "Checkpoint | None":
        """The checkpoint, of level final, at the last set-change block that any of the peers proves final; None where
        there is none after the start. LocalError where all of them lie or do not serve it, or none has what is missing.
        The carriers are opened here and given back."""
        self.open()
        began_us = clock.cpu_us()
        received = self.errand.bytes_in
        if now_slot >= 0:
            self._tell_cost(max(0, self._spec.epoch(now_slot) - self._spec.epoch(self.progress.slot)))
        try:
            await self.jump(peers, now_slot)
            if not self.progress.fragments:
                return None
            found = await self.complete(peers)
            self._tell("warp_ends", {
                "sets": self.progress.fragments - self._resumed, "slot": found.slot, "set_id": found.grandpa_set_id,
                "header": found.header_hash, "bytes": self.errand.bytes_in - received,
                "cpu_ms": (clock.cpu_us() - began_us) // 1000, "evidence": len(self._warp.evidence)})
            return found
        finally:
            self.errand.close()

    # The same in parts, for who stays at it (epoch_node.py): `open`, what is wanted of the rest, `errand.close`.

    def open(self, kinds: "tuple[int, ...]" = ()) -> None:
        """Bind the carriers. `kinds` are asked for as well."""
        self.errand.open(self._start.genesis_hash, (WARP_SYNC_REQUEST,) + kinds)

    async def jump(self, peers: "list[Record]", now_slot: int = -1) -> int:
        """Fragments as far as any of the peers has them; how many. LocalError as `run` has it."""
        before = self.progress.fragments
        await self._fragments(peers, now_slot)
        return self.progress.fragments - before

    async def jump_by(self, connection: "Connection") -> None:
        """Fragments as far as this peer has them. RemoteError, BudgetError: it is to be left."""
        while await self._from_peer(connection):
            pass

    def _tell_cost(self, sets: int) -> None:
        if not self._has_told:
            self._has_told = True
            self._tell("warp_begins", {
                "sets": sets, "bytes": sets * fragment_bytes(self._spec), "done": self._resumed,
                "cpu_ms": sets * votes_needed(self._spec.validators) * _vote_us() // 1000})

    # -- fragments

    async def _fragments(self, peers: "list[Record]", now_slot: int) -> None:
        through = 0
        for record in peers:
            if through >= _AGREED or (through and self._is_newest(now_slot)):
                return
            connection = self.errand.connect(record)
            try:
                await self.jump_by(connection)
                through += 1
            except (RemoteError, BudgetError) as error:
                self._refuse(record, connection, error)
        if not through and self.progress.fragments == self._resumed:
            raise LocalError("no peer proved a set-change block after slot %d: %s"
                             % (self.progress.slot, "; ".join(self.reasons) or "no peer was named"))

    def _is_newest(self, now_slot: int) -> bool:
        # Nobody can have more: the last set-change block opened the epoch that runs now.
        return now_slot >= 0 and self._spec.epoch(now_slot) <= self._spec.epoch(self.progress.slot)

    def _refuse(self, record: "Record", connection: "Connection", error: "RemoteError | BudgetError") -> None:
        self._request.cancel()
        self._left.append(record.name)
        self.reasons.append("%s: %s" % (record.name[:12], error))
        self._tell("warp_refused", {"peer": record.name, "reason": str(error), "set_id": self.progress.set_id})
        connection.close(MALFORMED, "no warp")

    async def _from_peer(self, connection: "Connection") -> bool:
        # One answer; whether there may be more of this peer.
        warp, request = self._warp, self._request
        if not self._knows_set:
            warp.progress.set_id = await find_set(self.errand, connection, self._start.slot, self._sets_most,
                                                  self._profile.state_sync_timeout_ms)
        stream = await self.errand.stream(connection, WARP_SYNC_REQUEST)
        warp.begin()
        request.begin(stream, warp.want(), warp, clock.ticks_ms() + self._profile.warp_timeout_ms)
        while True:
            event = request.poll(clock.ticks_ms())
            if event == FRAGMENTS:
                self._tell_cost(request.count)
            elif event == FRAGMENT:
                request.deadline = clock.ticks_ms() + self._profile.warp_timeout_ms
                self._knows_set = True
                self._keep()
                self._tell("warp_fragment", {
                    "set_id": warp.progress.set_id - 1, "slot": warp.progress.slot,
                    "bytes": self._received + request.received_bytes})
            elif event in (DONE, REFUSED, LOST):
                self._received += request.received_bytes
                break
            await self.errand.worked(event != NOTHING)
        if event == REFUSED and request.reset_code == UNSUPPORTED and connection.carries_lite_kinds:
            raise RemoteError(UNSUPPORTED, "it does not serve warp sync")
        if event == LOST:
            raise RemoteError(connection.close_code, connection.close_reason or "the connection closed")
        return event == DONE and request.count > 0  # who has no fragment of a set stops the stream

    # -- progress

    def _keep(self) -> None:
        if self._store is not None:
            self._store.save(self._warp.progress.encode())

    # -- what the fragments do not have

    async def complete(self, peers: "list[Record]") -> "Checkpoint":
        """The checkpoint at the last set-change block, with what any of the peers has of it. LocalError."""
        progress, start = self.progress, self._start
        for record in sorted(peers, key=lambda one: one.name in self._left):
            connection = self.errand.connect(record)
            try:
                ways = [self._tickets_of_headers, self._tickets_of_state]
                if not connection.carries_lite_kinds:
                    ways.reverse()
                try:
                    tickets = await ways[0](connection)
                except (RemoteError, BudgetError):  # which may have cost the connection
                    connection = self.errand.connect(record)
                    tickets = await ways[1](connection)
                found = checkpoint(self._spec, progress, tickets, start.grandpa_format, start.clock_chain)
            except (RemoteError, BudgetError) as error:
                self._refuse(record, connection, error)
                continue
            except VerifyError as error:
                raise LocalError("more than 2/3 of set %d voted for a header that cannot be: %s"
                                 % (progress.set_id - 1, error))
            return found
        raise LocalError("no peer has the headers before slot %d, or the state after it, that show which tickets seal "
                         "its epoch: %s" % (progress.slot, "; ".join(self.reasons)))

    async def _tickets_of_headers(self, connection: "Connection") -> "bytes | None":
        spec, profile = self._spec, self._profile
        tail = Tail(spec, self.progress)
        buf = bytearray(spec.max_header_size)
        request: "HeaderRequest | BlockRequest"
        if connection.carries_lite_kinds:
            request = HeaderRequest(spec, buf)
        else:
            request = BlockRequest(spec, buf, bytearray(profile.read_bytes), profile.block_bytes)
        kind = HEADER_REQUEST if connection.carries_lite_kinds else BLOCK_REQUEST
        while not tail.is_done:
            stream = await self.errand.stream(connection, kind)
            before = tail.want
            request.begin(stream, before, DESCENDING, tail.most, clock.ticks_ms() + profile.state_sync_timeout_ms)
            while not tail.is_done:
                event = request.poll(clock.ticks_ms())
                if event == HEADER:
                    try:
                        tail.add(Header(spec, bytes(buf[: request.header_end])))
                    except VerifyError as error:
                        raise RemoteError(MALFORMED, str(error))
                elif event in (DONE, REFUSED, LOST):
                    break
                elif event == NOTHING:
                    await self.errand.turn(IDLE_MS)
            request.cancel()
            if tail.want == before and not tail.is_done:
                raise RemoteError(0, "it does not have the headers before slot %d" % self.progress.slot)
        return tail.tickets

    async def _tickets_of_state(self, connection: "Connection") -> "bytes | None":
        progress, query = self.progress, Query(self._profile)
        key = state_key.chapter(state_key.SAFROLE)
        stream = await self.errand.stream(connection, STATE_REQUEST)
        until = clock.ticks_ms() + self._profile.state_sync_timeout_ms
        query.begin(stream, _Voted(progress), key, key, until)  # type: ignore[arg-type]
        while True:
            event = query.poll(clock.ticks_ms())
            if event in (DONE, REFUSED, LOST):
                break
            if event == NOTHING:
                await self.errand.turn(IDLE_MS)
        entries = query.answer.entries if query.answer is not None and event == DONE else []
        if not entries or entries[0].value is None:
            raise RemoteError(0, "it does not serve the state after slot %d" % progress.slot)
        try:
            return state_value.Safrole(self._spec, entries[0].value).tickets
        except VerifyError as error:
            raise RemoteError(MALFORMED, "its state is not of spec %s: %s" % (self._spec.name, error))


def kept_progress(store: "TwoSlot | None", start: "Checkpoint") -> Progress:
    """What an earlier warp from the same start has proved, or that start."""
    payload = store.load() if store is not None else None
    if payload is not None:
        try:
            found = Progress.decode(payload, start.spec)
        except VerifyError:
            return Progress.start(start)
        is_ours = found.genesis_hash == start.genesis_hash and found.origin == start.header_hash
        if is_ours and found.slot > start.slot:
            return found
    return Progress.start(start)


def _vote_us() -> int:
    # What a vote takes here: some signatures are checked to see.
    message = bytes(_VOTE_BYTES)
    public, signature = ed25519_public(message[:32]), ed25519_sign(message[:32], message)
    ed25519_verify(public, signature, message)
    began = clock.cpu_us()
    for _ in range(_PROBES):
        ed25519_verify(public, signature, message)
    return (clock.cpu_us() - began) * (100 + _BESIDE_PERCENT) // (100 * _PROBES)


class _Voted:
    # The state that was voted for, as sync/query.py wants it.

    def __init__(self, progress: Progress) -> None:
        self.root = progress.state_root
        self.header_hash = progress.header_hash
