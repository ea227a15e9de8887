"""Checkpoints whose sets move on as those of a chain do, and a store that loses power. Runs on both interpreters."""

from jamliquor_lite.chain.checkpoint import Checkpoint
from jamliquor_lite.codec.spec import Spec
from jamliquor_lite.errors import LocalError
from tests.chain.genesis import SMALL
from tests.chain.samples import Random

DAY_S = 86_400
PLENTY = 1 << 30  # bytes a day


def _made(spec: Spec, what: int, number: int, size: int) -> bytes:
    return Random(1 + what * 65_536 + number).bytes(size)


def checkpoint(number: int, spec: Spec = SMALL) -> Checkpoint:
    """Four of them an epoch, as the root moves on; every third epoch is sealed by keys, the first by genesis's."""
    epoch, quarter = number // 4, number % 4
    keys, per_ticket = 64 * spec.validators, 33 * spec.epoch_length
    tickets = next_tickets = fallback = None
    if epoch % 3:
        tickets = _made(spec, 2, epoch, per_ticket)
    elif epoch == 0:
        fallback = _made(spec, 3, 0, 32 * spec.epoch_length)
    if quarter == 3 and (epoch + 1) % 3:
        next_tickets = _made(spec, 2, epoch + 1, per_ticket)
    return Checkpoint(b"g" * 32, spec, _made(spec, 4, number, 32), epoch * spec.epoch_length + quarter,
                      [_made(spec, 5 + i, number, 32) for i in range(4)], _made(spec, 1, epoch, keys),
                      _made(spec, 1, epoch + 1, keys), tickets, fallback, next_tickets, epoch, "jamnp-pr6-737b8ae",
                      True)


class Cut(LocalError):
    """The power is gone."""


class Memory:
    """A journal's store in memory. `left`: so many bytes more are written, and then the power is gone."""

    def __init__(self, segments: "list[bytes | None] | None" = None) -> None:
        self.segments = segments or [None, None]
        self.left: "int | None" = None
        self.writes: "list[tuple[int, int, int]]" = []  # segment, offset, bytes

    def name(self, segment: int) -> str:
        return "journal.%d" % segment

    def read(self, segment: int) -> "bytes | None":
        return self.segments[segment]

    def write(self, segment: int, at: int, pieces: "list[bytes]") -> None:
        data = b"".join([bytes(piece) for piece in pieces])
        self.writes.append((segment, at, len(data)))
        before = self.segments[segment] or b""
        assert at <= len(before), "a hole"
        if self.left is not None:
            if self.left < len(data):
                self.segments[segment] = before[:at] + data[: self.left]
                raise Cut("the power is gone")
            self.left -= len(data)
        self.segments[segment] = before[:at] + data

    def copy(self) -> "Memory":
        return Memory(list(self.segments))
