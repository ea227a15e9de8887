"""Mode `epoch` for `run` and `state`: where it may be chosen, and its node (node/epoch_node.py)."""

from ..budget import check
from ..chain.chainspec import FORMAT
from ..errors import LocalError
from .knobs import EPOCH, IDLE, MODE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..budget.budgets import Budgets
    from ..chain.checkpoint import Checkpoint
    from ..chain.twoslot import TwoSlot
    from ..node.epoch_mode import EpochMode
    from ..node.epoch_node import Dial, EpochNode
    from ..node.mode import Mode
    from .session import Hear, Session
    from .settings import Settings

    Save = Callable[[Checkpoint], None]


def faults(settings: "Settings", checkpoint: "Checkpoint") -> "list[tuple[str, str]]":
    """What the settings leave too little for, in the mode that they say: (attribute of the profile, why)."""
    found = check.following(settings.profile, checkpoint.spec, settings.mode in (IDLE, EPOCH))
    return found + (check.jumping(settings.profile, checkpoint.spec) if settings.mode == EPOCH else [])


def refuse(settings: "Settings", checkpoint: "Checkpoint") -> None:
    """LocalError (the user's) where the mode is `epoch` and cannot be."""
    if settings.mode != EPOCH:
        return
    if settings.serves:
        raise LocalError("%s epoch: a gateway serves headers, and in this mode none are followed; allowed are full, "
                         "idle and auto" % MODE.flag, 2)
    if checkpoint.grandpa_format != FORMAT:
        raise LocalError("%s epoch: this chainspec names no format of finality that this release knows (%s), so there "
                         "is nothing to jump by; allowed are full, idle and auto" % (MODE.flag, FORMAT), 2)
    if settings.listen:
        raise LocalError("%s epoch: nobody is heard at %s while it sleeps: leave --listen out"
                         % (MODE.flag, settings.listen[0].text), 2)


def make_mode(budgets: "Budgets", store: "TwoSlot | None") -> "EpochMode":
    """The mode itself. Its code is loaded here: who follows does without."""
    from ..node.epoch_mode import EpochMode

    return EpochMode(budgets, store)


def make_node(session: "Session", mode: "Mode", on_event: "Hear", save: "Save | None", dial: "Dial",
              genesis_slot: int) -> "EpochNode":
    """The node of that mode, asleep."""
    from ..node.epoch_mode import EpochMode
    from ..node.epoch_node import EpochNode

    assert isinstance(mode, EpochMode)
    return EpochNode(session.checkpoint, session.budgets.profile, session.chain_name, on_event, dial, session.budgets,
                     mode, session.warp_store(), save, genesis_slot)
