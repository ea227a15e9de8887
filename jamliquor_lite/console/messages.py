"""What the frames of the console say. Each body (codec/serial_frame.py) is one CBOR list, its first item the kind:

    [0, id, command, word…]      REQUEST  to the board: a command of commands.py and its words, texts or numbers
    [1, at, first, value…]       STATUS   values of `fields()` from index `first` on, at `at` ms of the board's clock
    [2, id, value…]              ROW      one row of the answer to the request of that id
    [3, id, rows]                DONE     the answer is complete; so many rows were sent, also those that got lost
    [4, id, text]                FAULT    there is no answer, or no more of it, and why

An id is the asker's own, 0 to 2^30 - 1. Columns of rows are those of commands.py. What a receiver does not know it
ignores: kinds, values behind those that it knows, fields behind the last one of its own.
"""

from ..codec import cbor
from ..codec.serial_frame import MAX_BODY
from ..errors import LocalError, VerifyError
from ..node.status import budget_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Union

    from ..node.status import Status

    Buffer = Union[bytes, bytearray, memoryview]

REQUEST = 0
STATUS = 1
ROW = 2
DONE = 3
FAULT = 4

MAX_ID = (1 << 30) - 1
_DEPTH = 2  # a list of scalars, and room for one list within it
_TEXT_CHARACTERS = 48  # of a text in a status frame
_HEAD_BYTES = 16  # of a status frame: kind, time and index at their longest

# Attributes of node.status.Status, with which a status begins. The numbers of its `budgets` follow, so what is new goes
# to the end of those: recordings are read by index.
FIELDS = (
    "chain", "best_hash", "level", "clock", "final", "best_slot", "vouched_slot", "root_slot", "support", "validators",
    "stalled", "headers_checked", "headers_refused", "ticket_seals", "fallback_seals", "epochs", "adopted_marks",
    "equivocations", "tree_headers", "peers", "peers_known", "peers_hybrid", "peers_classical", "peers_refused",
    "proved_answers", "refused_answers", "bytes_in", "bytes_out", "heap_used", "heap_free", "turns", "busy_ms",
    "mode",
)


def fields() -> "Iterator[str]":
    """The names of all values of a status, in their order."""
    yield from FIELDS
    yield from budget_names()


def request(number: int, command: str, words: "tuple[Any, ...]" = ()) -> bytes:
    """The body of a request. LocalError where it is too long for a frame."""
    body = cbor.dumps([REQUEST, number, command] + list(words))
    if len(body) > MAX_BODY:
        raise LocalError("a request has at most %d bytes, this one has %d" % (MAX_BODY, len(body)), 2)
    return body


def read(body: "Buffer") -> "list[Any]":
    """The list that a body holds. VerifyError("cbor") for anything else."""
    found = cbor.loads(body, _DEPTH)
    if not isinstance(found, list) or not found or not is_whole(found[0]):
        raise VerifyError("cbor", "a frame is a list that begins with its kind")
    return found


def is_whole(value: "Any") -> bool:
    """Whether it is a whole number; True and False are none, though CPython has them so."""
    return isinstance(value, int) and value is not True and value is not False


def row(number: int, values: "tuple[Any, ...]") -> bytes:
    """The body of a row. Its longest text or bytes are cut until the frame holds all."""
    items = [ROW, number] + list(values)
    while True:
        body = cbor.dumps(items)
        excess = len(body) - MAX_BODY
        if excess <= 0:
            return body
        longest = -1
        for at in range(2, len(items)):
            if longest < 0 or _length(items[at]) > _length(items[longest]):
                longest = at
        size = _length(items[longest])
        if size <= 0:
            items.pop()  # nothing but numbers, and too many of them
        else:
            items[longest] = items[longest][: max(0, size - excess)]  # of characters that take more, more later


def done(number: int, rows: int) -> bytes:
    """The body that ends an answer."""
    return cbor.dumps([DONE, number, rows])


def fault(number: int, text: str) -> bytes:
    """The body that says why there is no answer."""
    return cbor.dumps([FAULT, number, text[:160]])


def status(status: "Status", at: int) -> "Iterator[bytes]":
    """The bodies of the frames that hold a status, one after the other."""
    first = count = 0
    size = _HEAD_BYTES
    items = [STATUS, at, first]
    total = len(FIELDS) + len(status.budgets)
    while first + count < total:
        index = first + count
        value = getattr(status, FIELDS[index]) if index < len(FIELDS) else status.budgets[index - len(FIELDS)]
        if isinstance(value, str) and len(value) > _TEXT_CHARACTERS:
            value = value[:_TEXT_CHARACTERS]
        size += len(cbor.dumps(value))
        if size > MAX_BODY:
            yield cbor.dumps(items)
            first, count = index, 0
            size = _HEAD_BYTES
            items = [STATUS, at, first]
            continue
        items.append(value)
        count += 1
    yield cbor.dumps(items)


def _length(value: "Any") -> int:
    return len(value) if isinstance(value, (str, bytes)) else -1
