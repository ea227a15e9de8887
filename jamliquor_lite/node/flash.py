"""What a node keeps in raw flash, where a board gives it areas for that; a host has none of this."""

from ..chain.flash_sets import FlashSets
from ..chain.keeper import Keeper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from ..chain.flash_area import Area
    from ..chain.rows import Rows
    from ..chain.twoslot import TwoSlot
    from ..codec.spec import Spec


class Flash:
    """`sets` are validator sets and tickets, `keeper` the saved checkpoint that names them, `scratch` the area through
    which long headers go (None: they are refused), `rows` the hashes of the tree's headers (None: in memory).
    LocalError (2) for an area that is too small for the spec or the profile."""

    def __init__(self, spec: "Spec", profile: "Profile", sets: "Area", scratch: "Area | None",
                 slots: "TwoSlot", tree: "Area | None" = None) -> None:
        self.sets = FlashSets(sets, spec, profile.set_writes)
        self.keeper = Keeper(slots, self.sets)
        self.scratch = scratch
        self.rows: "Rows | None" = None
        if tree is not None:
            from ..chain.flash_rows import FlashRows

            self.rows = FlashRows(tree, profile.tree_headers)
