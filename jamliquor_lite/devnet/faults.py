"""Faults on demand: each is what one dishonest author does in a block that he otherwise seals with his own key."""

from ..errors import LocalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .author import DevChain, Draft, Seat
    from .state import State


class Fault:
    """No fault. A subclass overrides what it needs."""

    name = "none"

    def seat(self, chain: "DevChain", state: "State") -> "Seat | None":
        """Another seat than the slot's true one, or None."""
        return None

    def change(self, chain: "DevChain", draft: "Draft") -> None:
        """Change a finished draft before it is sealed."""

    def spoil(self, header: bytes) -> bytes:
        """Change the sealed header."""
        return header


FAULTS: "dict[str, type[Fault]]" = {}


def by_name(name: str) -> Fault:
    """The fault of a name; LocalError lists the names that there are."""
    if name not in FAULTS:
        raise LocalError(f"no fault `{name}`; there are: {', '.join(sorted(FAULTS))}", 2)
    return FAULTS[name]()
