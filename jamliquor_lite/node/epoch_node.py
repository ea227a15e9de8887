"""The node of mode `epoch`: finality's jumps only. It sleeps with its connections closed, and wakes

    when the next epoch's first block should be final (sync/epochs.py): it asks for that block's fragment (CE 153),
        178 KB at full spec, checks every vote, keeps what it proves (at most one write a fragment), and sleeps again
    when somebody has a question: it jumps as far as there is to jump, has the newest final block proved (CE 130), and
        answers from the state that its voters signed; then it stays awake for `idle_after_ms`

No header between is fetched and no seal is checked, so there is nothing but `final` to answer at.

Every `epoch_checkpoints` epochs it has peers complete what it stands on to a checkpoint (its epoch's tickets), which is
saved: from there, and from the fragments after it, a node of another mode begins.
"""

import asyncio

from ..chain.levels import FINAL
from ..chain.standing import StandingChain
from ..const import const
from ..errors import BudgetError, LocalError
from ..ports import clock
from ..ports.cpython.entropy import random_bytes
from ..sync.epochs import Schedule
from ..sync.query import choose
from .asking import Ask
from .epoch_visit import Visit, standing_of
from .node import Node
from .warp_sync import kept_progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..budget.budgets import Budgets
    from ..budget.profile import Profile
    from ..chain.checkpoint import Checkpoint
    from ..chain.twoslot import TwoSlot
    from ..sync.query import Answer, Commitment
    from .carrier import Carrier
    from .epoch_mode import EpochMode
    from .peers import Record
    from .status import Status

    Dial = Callable[[], tuple[list[Carrier], list[Record]]]

_LOOK_MS = const(1000)


class Spent(LocalError):
    """The caps are used up in the middle of a visit, which is nobody's fault."""


class Question(Ask):
    """An Ask that this node answers, and no turn steps."""

    def __init__(self, node: "EpochNode", start: bytes, end: bytes, support: int, deadline: int,
                 of: "Record | None") -> None:
        Ask.__init__(self, node, start, end, FINAL, support, deadline, of)
        self.start, self.end, self.support, self.of = start, end, support, of

    def reason(self, name: str, why: str) -> None:
        """This peer was of no use."""
        text = "%s: %s" % (name[:12], why)
        if text not in self._reasons:
            self._reasons.append(text)

    def give_up(self, why: str) -> None:
        """Nobody proves it; "": the peers' reasons say why."""
        self.refuse(LocalError(why or "no peer gave a proved answer: %s" % (
            "; ".join(self._reasons) or "no answer within the time allowed")))

    def settle(self, answer: "Answer", name: str) -> None:
        """It is proved."""
        if not self.is_done:
            answer.peer = name
            self._node.proved_answers += 1
            self._settle(answer, None)


class EpochNode(Node):
    """`run` it; `ask` it as any node. `dial` makes carriers that are not open, and records of who is dialed by them.
    `store` keeps the progress; `keep` is called with a new checkpoint. `start` is the checkpoint it goes out from, and
    `progress` where it stands. `faults` counts by peer.

    Tells of "jump" (`set_id` has voted, `slot` is final; `bytes` since it woke), "final" as a node that follows,
    "refused", "asleep" after a jump (`next_s`, `bytes_today`), and "no_jump" (`reason`, `next_s`).
    """

    chain: StandingChain
    mode: "EpochMode"

    def __init__(self, checkpoint: "Checkpoint", profile: "Profile", chain_name: str,
                 on_event: "Callable[[str, dict[str, Any]], None]", dial: "Dial", budgets: "Budgets", mode: "EpochMode",
                 store: "TwoSlot | None" = None, save: "Callable[[Checkpoint], None] | None" = None,
                 genesis_slot: int = 0) -> None:
        Node.__init__(self, checkpoint, profile, chain_name, on_event, budgets=budgets)
        self.chain = StandingChain(checkpoint, profile, self._chain_event)
        self.mode = mode
        self.finality = self  # type: ignore[assignment]  # as far as a status asks it
        self.dial = dial
        self.store = store
        self._keep_by = save
        self.genesis_slot = genesis_slot
        self.start = checkpoint
        self.progress = kept_progress(store, checkpoint)
        self.faults: "dict[str, int]" = {}
        self._passed = [0, 0]  # bytes in and out of visits that are over
        self._schedule = Schedule(checkpoint.spec, profile, self.progress.slot, _draw())
        self._is_closed = False
        self.stand()

    # what others read

    @property
    def bytes_in(self) -> int:
        return self._passed[0] + sum(carrier.bytes_in for carrier in self.carriers)

    @property
    def bytes_out(self) -> int:
        return self._passed[1] + sum(carrier.bytes_out for carrier in self.carriers)

    def tell(self, status: "Status") -> None:
        """What a status says of finality, and of what this node does without."""
        final, spec = self.chain.final, self.chain.spec
        now_slot = self.now_slot()
        status.next_jump_s = self.next_s(clock.ticks_ms())
        status.final_slot, status.final_hash, status.set_id = -1, "", -1
        status.final = "nothing yet"
        if final is not None:
            status.final_slot, status.final_hash = final.slot, final.header_hash.hex()
            status.set_id = final.set_id
            status.final = "slot %d, set %d" % (final.slot, final.set_id)
        status.final += ", next jump in %d s" % status.next_jump_s
        status.double_votes = 0
        status.stalled = int(now_slot >= 0 and spec.epoch(now_slot) > spec.epoch(self.progress.slot) + 1)
        status.reorgs = status.reorg_depth = status.stalls = status.stall_ms = status.clock_skew_s = 0

    def next_s(self, now: int) -> int:
        """Seconds until the next jump is due."""
        return (self._schedule.wait_ms(now, self.now_slot()) + 999) // 1000

    def commitment(self) -> "Commitment":
        """The newest final state, as questions want it. There has to be one."""
        self.chain.clock_slot = self.now_slot()
        found = choose(self.chain, FINAL)
        assert found is not None and found.level == FINAL
        return found

    # questions

    def begin_ask(self, start: bytes, end: bytes, level: int, support: int, timeout_ms: int,
                  of: "Record | None" = None) -> Question:
        """As Node has it; whatever `level` is asked for, the answer is final."""
        now = clock.ticks_ms()
        self.mode.asked(self, now)
        self.asks = [ask for ask in self.asks if not ask.is_done]
        if len(self.asks) >= self.profile.asks:
            raise BudgetError("asks", "%d questions are open already" % len(self.asks))
        question = Question(self, start, end, support, now + timeout_ms, of)
        self.asks.append(question)
        self._waker.wake()
        return question

    # what a visit tells

    def stand(self) -> None:
        """The progress is another one: its block is final."""
        final = standing_of(self.progress)
        if final is not None:
            self.chain.stand_at(final)

    def keep(self, checkpoint: "Checkpoint") -> None:
        """Have a restart begin with this one."""
        if self._keep_by is not None:
            self._keep_by(checkpoint)

    def awake_turn(self) -> None:
        """Before each turn of the carriers. Spent where the caps allow no more."""
        now = clock.ticks_ms()
        self.turns += 1
        self.mode.turn(self, now)
        if self.mode.is_spent:
            raise Spent("the caps are used up")
        for ask in self.asks:
            if 0 <= ask.ends_at <= now:
                ask.give_up("")  # type: ignore[attr-defined]

    def leave_all(self, reason: str, now: int) -> None:
        """The mode sleeps: a visit sees it and ends."""

    def save(self, now: int) -> None:
        """What is proved is kept when it is proved."""

    # waking and sleeping

    async def run(self, stop: "asyncio.Event") -> None:
        """Until `stop` is set."""
        work, stopped = asyncio.create_task(self._live()), asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((work, stopped), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        finally:
            work.cancel()
            stopped.cancel()
            await asyncio.gather(work, stopped, return_exceptions=True)
            self.close()

    def close(self) -> None:
        """Nobody is asked any more."""
        for ask in self.asks:
            ask.refuse(LocalError("the node has ended"))
        if not self._is_closed:
            self._is_closed = True
            self.mode.close()

    async def _live(self) -> None:
        while True:
            now = clock.ticks_ms()
            self.mode.turn(self, now)
            self.turns += 1
            wait = self._schedule.wait_ms(now, self.now_slot())
            if not self.mode.is_spent and (wait == 0 or self._open()):
                await self._visit(wait == 0)
            else:
                await self._waker.wait(min(wait, _LOOK_MS) if not self.mode.is_spent else _LOOK_MS)

    def _open(self) -> "list[Question]":
        return [ask for ask in self.asks if not ask.is_done]  # type: ignore[misc]

    async def _visit(self, is_due: bool) -> None:
        self.mode.is_busy = True
        self.mode.turn(self, clock.ticks_ms())
        visit = None
        try:
            visit = Visit(self)
            self.carriers = visit.carriers
            if is_due:
                await self._jump(visit)
            self.mode.is_busy = False
            await self._answer(visit)
            await visit.complete()
        except Spent:
            pass  # the mode has said so
        except (LocalError, BudgetError) as error:
            for ask in self._open():
                ask.give_up(str(error))
            self.on_event("budget" if isinstance(error, BudgetError) else "no_jump", {"reason": str(error)})
        finally:
            self.mode.is_busy = False
            if visit is not None:
                visit.close()
            self._passed = [self.bytes_in, self.bytes_out]
            self.carriers = []
            self.budgets.is_asleep = True

    async def _jump(self, visit: Visit) -> None:
        count, why = 0, "no peer has a newer set-change block that is final"
        try:
            count = await visit.jump()
        except Spent:
            raise
        except LocalError as error:
            why = str(error)
        now = clock.ticks_ms()
        if count:
            self._schedule.jumped(self.progress.slot, now, _draw())
            self.on_event("asleep", {"next_s": self.next_s(now), "bytes_today": self.budgets.allowance.day_used})
        else:
            self._schedule.failed(now)
            self.on_event("no_jump", {"reason": why, "next_s": self.next_s(now)})

    async def _answer(self, visit: Visit) -> None:
        before = self.progress
        while True:
            waiting = self._open()
            if waiting:
                try:
                    await visit.answer(waiting[0])
                except Spent:
                    raise
                except (LocalError, BudgetError) as error:
                    waiting[0].give_up(str(error))
                continue
            if self.progress is not before:  # a question found that there was more
                before = self.progress
                self._schedule.jumped(before.slot, clock.ticks_ms(), _draw())
            self.mode.turn(self, clock.ticks_ms())
            if self.budgets.is_asleep or not self._schedule.wait_ms(clock.ticks_ms(), self.now_slot()):
                return
            await visit.rest()


def _draw() -> int:
    return int.from_bytes(random_bytes(4), "little")
