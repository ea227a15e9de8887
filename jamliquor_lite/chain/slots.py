"""Wall-clock time in slots (GP 0.7.2, section 4.4)."""

from ..const import const
from ..errors import LocalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..codec.spec import Spec

COMMON_ERA = const(1735732800)  # 2025-01-01 12:00 UTC in Unix seconds
UNKNOWN = -1
MAX_AGE_SECONDS = const(7 * 24 * 3600)  # an older checkpoint is open to keys that their owners have since sold


def slot_at(unix_seconds: "int | None", spec: "Spec") -> int:
    """The slot in which a moment lies, or UNKNOWN where the time is."""
    if unix_seconds is None or unix_seconds < COMMON_ERA:
        return UNKNOWN
    return (unix_seconds - COMMON_ERA) // spec.slot_seconds


def check_clock(now_slot: int, checkpoint_slot: int) -> None:
    """Refuse a clock that stands before the checkpoint: it would make every header one from the future."""
    if now_slot != UNKNOWN and now_slot < checkpoint_slot:
        raise LocalError("the clock says slot %d, before the checkpoint's slot %d: set the clock"
                         % (now_slot, checkpoint_slot), 2)


def check_age(now_slot: int, checkpoint_slot: int, spec: "Spec") -> None:
    """Refuse a checkpoint of more than MAX_AGE_SECONDS: old keys cost nothing and can sign any history."""
    age = (now_slot - checkpoint_slot) * spec.slot_seconds
    if now_slot != UNKNOWN and age > MAX_AGE_SECONDS:
        raise LocalError("the checkpoint is %d days old, allowed are %d: who voted then may have sold the keys since, "
                         "and with them anybody signs another history that looks as good as this one (a long-range "
                         "attack). Use a newer one, or insist with --old-checkpoint"
                         % (age // 86400, MAX_AGE_SECONDS // 86400), 2)
