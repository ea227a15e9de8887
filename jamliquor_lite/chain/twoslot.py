"""A payload that survives a cut at any byte of a write: two slots, the older one is written.

    "JLS1" | sequence 8 | length 4 | BLAKE2b-256 of sequence, length and payload | payload

Numbers are little-endian. The valid slot with the higher sequence counts. Bytes after the payload are
ignored: a slot may be a region of flash that is longer than what it holds.
"""

from ..const import const
from ..crypto.suite import Blake2b256
from ..errors import LocalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    Buffer = bytes | bytearray | memoryview

    class Store(Protocol):
        """What a port's SlotFile offers."""

        def name(self, slot: int) -> str: ...

        def read(self, slot: int) -> "bytes | None": ...

        def write(self, slot: int, head: Buffer, payload: Buffer) -> None: ...

_MAGIC = b"JLS1"
_HEAD = const(16)  # magic, sequence, length
_CHECKED = const(4)  # where the hashed part of the head begins
_PAYLOAD = const(48)


class TwoSlot:
    """`save` replaces the payload, `load` returns it. `damaged` is one line about damage that `load` met, or None.

    Errors of the file system come as the store's LocalError; damage of the content never raises.
    """

    def __init__(self, store: "Store") -> None:
        self._store = store
        self._loaded = False
        self._latest = 1  # the first save goes to slot 0
        self._sequence = 0
        self.damaged: "str | None" = None

    def load(self) -> "bytes | None":
        """The payload of the latest whole write, or None: a fresh store, or both slots damaged (see `damaged`)."""
        found: "bytes | None" = None
        faults = []
        self._latest, self._sequence, self.damaged = 1, 0, None
        for slot in (0, 1):
            data = self._store.read(slot)
            if data is None:
                continue
            fault = _fault(data)
            if fault:
                faults.append("%s is damaged (%s)" % (self._store.name(slot), fault))
                continue
            sequence = int.from_bytes(data[4:12], "little")
            if found is None or sequence > self._sequence:
                length = int.from_bytes(data[12:16], "little")
                found = data[_PAYLOAD : _PAYLOAD + length]
                self._latest, self._sequence = slot, sequence
        if faults:
            self.damaged = "; ".join(faults) + (
                ": nothing is left of it" if found is None else ": using %s" % self._store.name(self._latest))
        self._loaded = True
        return found

    def save(self, payload: "Buffer") -> None:
        """Write the payload over the older slot. The other one counts until this write is whole."""
        if not self._loaded:
            self.load()
        sequence = self._sequence + 1
        slot = 1 - self._latest
        # In two pieces: a board that saves has no room for a copy of the payload.
        self._store.write(slot, _head(payload, sequence), payload)
        self._latest, self._sequence = slot, sequence


def _head(payload: "Buffer", sequence: int) -> bytearray:
    if len(payload) > 0xFFFFFFFF:
        raise LocalError("a payload of %d bytes is too long to store" % len(payload))
    head = sequence.to_bytes(8, "little") + len(payload).to_bytes(4, "little")
    out = bytearray(_PAYLOAD)
    out[:_CHECKED] = _MAGIC
    out[_CHECKED:_HEAD] = head
    out[_HEAD:] = _checksum(head, payload)
    return out


def _checksum(head: bytes, payload: "Buffer") -> bytes:
    state = Blake2b256()
    state.update(head)
    state.update(payload)
    return state.digest()


def _fault(data: bytes) -> str:
    # What is wrong with a slot's bytes, or "".
    if len(data) < _PAYLOAD:
        return "only %d bytes" % len(data)
    if data[:_CHECKED] != _MAGIC:
        return "no such store"
    length = int.from_bytes(data[12:_HEAD], "little")
    if length > len(data) - _PAYLOAD:
        return "cut at byte %d of %d" % (len(data) - _PAYLOAD, length)
    if _checksum(data[_CHECKED:_HEAD], data[_PAYLOAD : _PAYLOAD + length]) != data[_HEAD:_PAYLOAD]:
        return "its checksum does not match"
    return ""
