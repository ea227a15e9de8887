"""`--sync`: how a run comes from its start to the head. By every header from there on, or by justifications, set of
validators after set of validators (node/warp_sync.py), which shows what it will cost before it begins."""

from ..chain import slots
from ..chain.chainspec import FORMAT
from ..errors import LocalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import Any

    from ..budget.budgets import Budgets
    from ..chain.checkpoint import Checkpoint
    from ..chain.twoslot import TwoSlot
    from ..codec.spec import Spec
    from ..node.carrier import Carrier
    from ..node.peers import Record
    from .output import Output

HEADERS = "headers"
WARP = "warp"
AUTO = "auto"
WORDS = (AUTO, WARP, HEADERS)
_EVENTS = 32  # fragments that are told one by one with --json: what waits for `ready` is bounded
_DAY_S = 86_400


def add_arguments(parser: "argparse.ArgumentParser") -> None:
    """`--sync` and `--strict`."""
    parser.add_argument(
        "--sync", choices=WORDS, default=AUTO,
        help="how to reach the head: `headers`, every one from the start on; `warp`, by the justifications of each "
        "epoch's first block, where the chainspec names their format; `auto`, a warp where it is more than an epoch "
        "behind (default: auto)")
    parser.add_argument(
        "--strict", action="store_true",
        help="refuse to start from what the chainspec has too, genesis or a checkpoint, where that is older than a "
        "checkpoint may be (%d days)"
        % (slots.MAX_AGE_SECONDS // _DAY_S))


class Way:
    """How a run is to come from its start to the head: `word` is one of WORDS."""

    def __init__(self, word: str = AUTO, is_strict: bool = False) -> None:
        self.word = word
        self.is_strict = is_strict

    def check_chainspecs(self, spec: "Spec", slot: int, now_slot: int, what: str, out: "Output") -> None:
        """A run that starts from `what` the chainspec has starts from keys as old as that: strict ones refuse it,
        LocalError (the user's), and others say so."""
        try:
            slots.check_age(now_slot, slot, spec)
        except LocalError as error:
            if self.is_strict:
                raise
            out.warn("starting from the chainspec's %s: %s" % (what, error))

    def leads_by_warp(self, start: "Checkpoint", now_slot: int, out: "Output") -> bool:
        """Whether to warp from there. Says why not where the user asked for it."""
        if self.word == HEADERS:
            return False
        if start.grandpa_format != FORMAT:
            if self.word == WARP:
                out.warn("--sync warp: the chainspec names no finality format that this release knows (%s), so there "
                         "is nothing to warp by: following headers" % FORMAT)
            return False
        spec = start.spec
        return self.word == WARP or now_slot < 0 or spec.epoch(now_slot) - spec.epoch(start.slot) > 1


class Warping:
    """One warp. `state_root` is what its last votes say that the state is after the block of the new checkpoint."""

    def __init__(self, word: str, out: "Output", each_turn: "Callable[[], None]") -> None:
        self.state_root = b""
        self._word = word
        self._out = out
        self._each_turn = each_turn
        self._sets = self._told = 0

    async def run(self, start: "Checkpoint", genesis_slot: int, now_slot: int, carriers: "list[Carrier]",
                  peers: "list[Record]", budgets: "Budgets", store: "TwoSlot | None") -> "Checkpoint | None":
        """The checkpoint that the warp leads to, or None: the start is the newest, or, where the user left it to us, no
        peer serves it."""
        from ..node.warp_sync import WarpSync  # a node that follows headers has no use for it, and no room to spare

        sync = WarpSync(carriers, start, budgets, self._hear, store, self._each_turn, genesis_slot)
        try:
            found = await sync.run(peers, now_slot)
        except LocalError as error:
            if self._word == WARP:
                raise
            self._out.warn("no warp, following headers: %s" % error)
            return None
        if found is None:
            self._out.line("no epoch has ended with finality since slot %d: following headers" % start.slot)
            return None
        self.state_root = sync.progress.state_root
        return found

    def _hear(self, name: str, fields: "dict[str, Any]") -> None:
        out = self._out
        if name == "warp_fragment":
            self._told += 1
            if self._told <= _EVENTS:
                out.event(name, **fields)
            out.line("warp: set %d has voted, slot %d is final: %s of %d, %s" % (
                fields["set_id"], fields["slot"], self._told, max(self._sets, self._told), _size(fields["bytes"])))
            return
        out.event(name, **fields)
        if name == "warp_begins":
            self._sets = fields["sets"]
            done = ", after %d that were proved before" % fields["done"] if fields["done"] else ""
            out.line("warp: %s behind%s: about %s and %s of CPU" % (
                _sets(fields["sets"]), done, _size(fields["bytes"]), _seconds(fields["cpu_ms"])))
        elif name == "warp_refused":
            out.line("warp: left %s… at set %d: %s" % (fields["peer"][:12], fields["set_id"], fields["reason"]))
        else:
            out.line("warp: slot %d is final, by %s in %s and %s of CPU" % (
                fields["slot"], _sets(fields["sets"]), _size(fields["bytes"]), _seconds(fields["cpu_ms"])))
            if fields["evidence"]:
                out.line("warp: %d validators voted for two blocks in one round" % fields["evidence"])


def _sets(count: int) -> str:
    return "%d set%s" % (count, "" if count == 1 else "s")


def _size(count: int) -> str:
    return "%.1f MB" % (count / 1e6) if count >= 1e6 else "%d KB" % (count // 1000)


def _seconds(ms: int) -> str:
    return "%.1f s" % (ms / 1000) if ms >= 100 else "%d ms" % max(1, ms)
