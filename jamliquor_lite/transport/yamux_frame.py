"""Frames of yamux (hashicorp/yamux spec.md, "Framing"; libp2p/specs yamux/README.md).

A header of 12 bytes, big-endian: version u8 = 0 | kind u8 | flags u16 | stream id u32 | length u32. What the length
means depends on the kind: bytes that follow (data), bytes more of window, a ping's value, a reason for going away.
"""

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Buffer = Union[bytes, bytearray, memoryview]
    WritableBuffer = Union[bytearray, memoryview]

HEADER_BYTES = 12
INITIAL_WINDOW = 256 * 1024  # what either side may send on a new stream
MAX_U32 = 0xFFFFFFFF

# kinds
DATA = 0
WINDOW_UPDATE = 1
PING = 2
GO_AWAY = 3

# flags
SYN = 1  # opens a stream; with PING: a question
ACK = 2  # takes it; with PING: the answer
FIN = 4  # the sender's half is complete
RST = 8  # both halves are given up

# reasons for going away
NORMAL = 0
PROTOCOL_ERROR = 1
INTERNAL_ERROR = 2

_FORMAT = ">BBHII"


class Header:
    """Collects one header, however it is cut. Its fields hold once nothing is `missing`, until `restart`."""

    def __init__(self) -> None:
        self.version = 0
        self.kind = 0
        self.flags = 0
        self.stream_id = 0
        self.length = 0
        self.missing = HEADER_BYTES
        self._bytes = bytearray(HEADER_BYTES)

    def restart(self) -> None:
        """Begin the next header."""
        self.missing = HEADER_BYTES

    def take(self, buf: "Buffer", start: int, end: int) -> int:
        """Take what is lacking of buf[start:end]; how much."""
        got = HEADER_BYTES - self.missing
        count = min(self.missing, end - start)
        data = self._bytes
        for i in range(count):  # allocates nothing, which a slice would
            data[got + i] = buf[start + i]
        self.missing -= count
        if not self.missing:
            self.version = data[0]
            self.kind = data[1]
            self.flags = data[2] << 8 | data[3]
            self.stream_id = data[4] << 24 | data[5] << 16 | data[6] << 8 | data[7]
            self.length = data[8] << 24 | data[9] << 16 | data[10] << 8 | data[11]
        return count


def put_header(buf: "WritableBuffer", at: int, kind: int, flags: int, stream_id: int, length: int) -> int:
    """Write a header at `at`; where it ends."""
    struct.pack_into(_FORMAT, buf, at, 0, kind, flags, stream_id, length)
    return at + HEADER_BYTES
