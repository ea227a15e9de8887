"""What a node keeps in raw flash, where a board gives it areas for that; a host has none of this."""

from ..chain.flash_sets import FlashSets
from ..chain.keeper import Keeper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from ..chain.flash_area import Area
    from ..chain.twoslot import TwoSlot
    from ..codec.spec import Spec


class Flash:
    """`sets` are validator sets and tickets, `keeper` the saved checkpoint that names them, `scratch` the area through
    which long headers go (None: they are refused). LocalError (2) for an area that is too small for the spec."""

    def __init__(self, spec: "Spec", profile: "Profile", sets: "Area", scratch: "Area | None",
                 slots: "TwoSlot") -> None:
        self.sets = FlashSets(sets, spec, profile.set_writes)
        self.keeper = Keeper(slots, self.sets)
        self.scratch = scratch
