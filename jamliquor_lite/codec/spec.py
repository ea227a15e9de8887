"""The chain parameters on which encoded sizes and slot arithmetic depend (GP 0.7.2, appendix I.4)."""

from ..const import const

_HASH = const(32)
_SIGNATURE = const(96)  # Bandersnatch IETF VRF proof: output point 32, challenge 32, response 32
_KEY_PAIR = const(64)  # Bandersnatch 32, Ed25519 32: what an epoch mark says of one validator
_TICKET = const(33)  # id 32, attempt 1


class Spec:
    """One set of parameters. Sizes are in bytes; slots and epochs are counts.

    `validators` is V, `epoch_length` E, `tickets_end` Y, `cores` C, `attempts` N of the Gray Paper.
    """

    def __init__(
        self,
        name: str,
        validators: int,
        epoch_length: int,
        tickets_end: int,
        cores: int,
        attempts: int,
        slot_seconds: int = 6,
    ) -> None:
        self.name = name
        self.validators = validators
        self.epoch_length = epoch_length
        self.tickets_end = tickets_end
        self.cores = cores
        self.attempts = attempts
        self.slot_seconds = slot_seconds
        self.epoch_mark_size = 2 * _HASH + validators * _KEY_PAIR
        self.tickets_mark_size = epoch_length * _TICKET
        self.plain_header_size = 3 * _HASH + 4 + 1 + 1 + 2 + _SIGNATURE + 1 + _SIGNATURE
        # No valid header has both marks: one needs a new epoch, the other the same. Offenders are bounded by V:
        # each is a key of the two sets known to the dispute, and a header that named more would be a flood.
        mark = max(self.epoch_mark_size, self.tickets_mark_size)
        self.max_header_size = self.plain_header_size + mark + 8 + validators * _HASH

    def epoch(self, slot: int) -> int:
        """The epoch of a slot."""
        return slot // self.epoch_length

    def phase(self, slot: int) -> int:
        """The position of a slot in its epoch, from 0."""
        return slot % self.epoch_length


TINY = Spec("tiny", 6, 12, 10, 2, 3)
FULL = Spec("full", 1023, 600, 500, 341, 2)


def by_name(name: str) -> "Spec | None":
    """The spec called `name` (`tiny` or `full`), or None."""
    if name == "tiny":
        return TINY
    return FULL if name == "full" else None
