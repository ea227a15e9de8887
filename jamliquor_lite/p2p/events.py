"""What `poll` of the protocols in this folder can return, and the codes they reset a stream with.

Numbers agree with those of jam/, so that one loop can drive both. After DONE, REFUSED, LOST or an exception the core
has let go of its stream and takes the next `begin`. yamux carries no codes: there, they are for our own eyes.
"""

from ..budget.stream import CLOSED, READ_RESET, SEND_STOPPED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol, Union

    Buffer = Union[bytes, bytearray, memoryview]
    WritableBuffer = Union[bytearray, memoryview]

    class Stream(Protocol):
        """The face of budget/stream.py."""

        @property
        def state(self) -> int: ...
        @property
        def reset_code(self) -> int: ...
        def recv_into(self, buf: WritableBuffer, start: int, end: int) -> int: ...
        def send(self, buf: Buffer, start: int, end: int) -> int: ...
        def finish(self) -> None: ...
        def reset(self, code: int) -> None: ...
        def credit(self, n: int) -> None: ...


NOTHING = 0
MORE = 1  # a bounded unit of work was done and there may be more: poll again
DONE = 2  # complete, both halves cleanly finished
REFUSED = 3  # the peer reset the stream: its right, and no fault of its
LOST = 4  # the connection beneath is gone
PONG = 5  # ping: the answer is here

NEVER = -1  # no deadline

# reset codes
CANCELLED = 1  # no more use for this stream
MALFORMED = 6  # not the encoding that the protocol prescribes
OVERSIZE = 7  # longer than allowed
TRUNCATED = 8  # the stream ended inside a message, or before one that was due
SURPLUS = 9  # more than the protocol allows
TIMED_OUT = 10


def gave_up(stream: "Stream") -> int:
    """Why going on makes no sense: REFUSED (the peer stopped or reset the stream), LOST, or NOTHING."""
    state = stream.state
    if state & (SEND_STOPPED | READ_RESET):
        return REFUSED
    return LOST if state & CLOSED else NOTHING
