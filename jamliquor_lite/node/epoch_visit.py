"""What a sleeping node does while it is awake: carriers of its own, jumps, questions, and all of it closed again."""

from ..chain.finality import FinalBlock
from ..chain.justification import needed as votes_needed
from ..const import const
from ..errors import BudgetError, RemoteError
from ..jam.kinds import JUSTIFICATION_REQUEST, MALFORMED, STATE_REQUEST
from ..sync.warp_progress import Progress
from .errand import IDLE_MS
from .final_state import FinalState, Told
from .warp_sync import WarpSync

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..sync.query import Answer, Commitment
    from .epoch_node import EpochNode, Question
    from .peers import Record

_AGREED = const(2)  # peers that say what is final, where there are so many, before a question is answered


class Visit:
    """One waking of a node: made of carriers that are not open; `close` it in any case.

    LocalError of any method where no peer is of use; each that is not is told as "refused".
    """

    def __init__(self, node: "EpochNode") -> None:
        self._node = node
        self.carriers, records = node.dial()
        self._records = sorted(records, key=lambda record: node.faults.get(record.name, 0))
        node.peers.records = records
        self._warp = WarpSync(self.carriers, node.start, node.budgets, self._hear, node.store, node.awake_turn,
                              node.genesis_slot, node.progress)
        self._errand = self._warp.errand
        self._state: "FinalState | None" = None
        self._told: "dict[str, Told]" = {}
        self._warp.open((JUSTIFICATION_REQUEST, STATE_REQUEST))

    async def jump(self) -> int:
        """As far as there are set-change blocks that are final; how many."""
        try:
            return await self._warp.jump(self._records, self._node.now_slot())
        finally:
            self._stand()

    async def answer(self, question: "Question") -> None:
        """Ask peers until one of them proves what is asked, in the newest final state. `question` says it is done."""
        node = self._node
        first = await self._newest(question)
        final = node.chain.final
        if final is None:
            question.give_up("nothing is final yet after slot %d" % node.progress.slot)
            return
        if final.support < question.support:
            question.give_up("slot %d is final by %d votes that were checked, %d are asked for"
                             % (final.slot, final.support, question.support))
            return
        others = [record for record in self._records if record is not first]
        for record in ([first] if first is not None else []) + others:
            if question.is_done:
                return
            if question.of not in (None, record):
                continue
            try:
                question.settle(await self.value(record, node.commitment(), question.start, question.end), record.name)
            except (RemoteError, BudgetError) as error:
                node.refused_answers += 1
                self._failed(record, error, question)
        question.give_up("")

    async def value(self, record: "Record", found: "Commitment", start: bytes, end: bytes) -> "Answer":
        """One peer's proof."""
        connection = self._errand.connect(record)
        return await self._states().value(self._errand, connection, found, start, end)

    async def rest(self) -> None:
        """Nothing is to be done for now: hear what peers announce, so that nothing piles up."""
        for told in self._told.values():
            while self._poll(told):
                pass
        await self._errand.turn(IDLE_MS)

    async def complete(self) -> None:
        """Have a checkpoint of what the node stands on, once the last one is so many epochs old."""
        node, spec = self._node, self._node.chain.spec
        progress = self._warp.progress
        if not progress.fragments or (
                spec.epoch(progress.slot) - spec.epoch(node.start.slot) < node.profile.epoch_checkpoints):
            return
        found = await self._warp.complete(self._records)
        node.start = node.chain.trusted = found
        node.progress = Progress.start(found)
        node.keep(found)

    def close(self) -> None:
        """Say goodbye to everybody."""
        self._errand.close()

    # what is final

    async def _newest(self, question: "Question") -> "Record | None":
        # Who proved the newest final block, of those who say what is; None: what is known is as new.
        greeted: "list[Record]" = []
        for record in self._records:
            if len(greeted) >= _AGREED or question.is_done:
                break
            try:
                await self._greet(record)
                greeted.append(record)
            except (RemoteError, BudgetError) as error:
                self._failed(record, error, question)
        greeted.sort(key=lambda record: -self._told[record.name].slot)
        for record in greeted:
            told, final = self._told[record.name], self._node.chain.final
            if final is not None and told.slot <= final.slot:
                return None
            try:
                await self._prove(record, told)
                return record
            except (RemoteError, BudgetError) as error:
                self._failed(record, error, question)
        return None

    async def _greet(self, record: "Record") -> None:
        told = self._told.get(record.name)
        if told is not None and told.is_open:
            while self._poll(told):
                pass
            return
        told = Told(self._node.chain.spec, self._node.profile, self._warp.progress)
        await told.ask(self._errand, self._errand.connect(record))
        self._told[record.name] = told

    async def _prove(self, record: "Record", told: Told) -> None:
        node, spec = self._node, self._node.chain.spec
        connection = self._errand.connect(record)
        if spec.epoch(told.slot) > spec.epoch(self._warp.progress.slot):
            try:
                await self._warp.jump_by(connection)
            finally:
                self._stand()
        progress = self._warp.progress
        if told.slot > progress.slot:
            final = await self._states().prove(self._errand, connection, told.header_hash, progress)
            for voter, _, _ in self._states().evidence:
                node.on_event("voted_twice", {"set_id": final.set_id, "voter": voter, "slot": final.slot})
            node.chain.stand_at(final)

    def _stand(self) -> None:
        # Where the fragments lead is final.
        node, progress = self._node, self._warp.progress
        if progress is not node.progress:
            node.progress = progress
            node.stand()

    def _poll(self, told: Told) -> bool:
        try:
            return told.poll()
        except (RemoteError, BudgetError):
            return False

    def _states(self) -> FinalState:
        self._state = self._state or FinalState(self._node.chain.spec, self._node.profile)
        return self._state

    # who is of no use

    def _failed(self, record: "Record", error: "RemoteError | BudgetError", question: "Question") -> None:
        question.reason(record.name, str(error))
        self._hear("warp_refused", {"peer": record.name, "reason": str(error)})
        if not isinstance(error, RemoteError) or error.code:
            self._errand.connect(record).close(MALFORMED, str(error)[:100])
            self._told.pop(record.name, None)

    def _hear(self, name: str, fields: "dict[str, Any]") -> None:
        node = self._node
        if name == "warp_refused":
            node.faults[fields["peer"]] = node.faults.get(fields["peer"], 0) + 1
            node.on_event("refused", {"peer": fields["peer"], "reason": fields["reason"]})
        elif name == "warp_fragment":
            node.on_event("jump", {"slot": fields["slot"], "set_id": fields["set_id"], "level": "final",
                                   "bytes": fields["bytes"]})


def standing_of(progress: Progress) -> "FinalBlock | None":
    """The last set-change block as a final one; None before the first fragment. How many votes there were beyond those
    that are needed is not kept."""
    if not progress.fragments:
        return None
    needed = votes_needed(progress.keys.size // 64)
    return FinalBlock(progress.header_hash, progress.slot, progress.state_root, needed, progress.set_id - 1)
