"""What peers tell each other about themselves (libp2p/specs, identify): asked for, or pushed when it changed.

One protobuf message, or several whose fields belong together, each behind its length as a varint, then FIN:

    publicKey 1 · listenAddrs 2, repeated · protocols 3, repeated · observedAddr 4 · protocolVersion 5 ·
    agentVersion 6 · signedPeerRecord 8 (not used here: whoever wants to be found says where on its own connection)

On `/ipfs/id/1.0.0` the one who accepted the stream tells, on `/ipfs/id/push/1.0.0` the one who opened it. Either way
the telling side is a `Responder` and the other one a `Receiver`. All of it is a claim; only the key is checked.
"""

from ..budget.stream import READ_ENDED
from ..codec.protobuf import Fields, field_bytes
from ..codec.varint import VarintReader
from ..codec.varint import encode as encode_varint
from ..const import const
from ..errors import BudgetError, LocalError, RemoteError, VerifyError
from . import keys, multiaddr
from .events import (
    CANCELLED,
    DONE,
    LOST,
    MALFORMED,
    MORE,
    NEVER,
    NOTHING,
    REFUSED,
    SURPLUS,
    TIMED_OUT,
    TRUNCATED,
    gave_up,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.profile import Profile
    from .events import Buffer, Stream, WritableBuffer
    from .multiaddr import Multiaddr

_MESSAGES = const(10)  # a peer that sends empty messages for ever; go-libp2p reads as many
_TEXT = const(128)  # bytes of an agent or version that are kept: they go to logs and screens
_KEY = const(1)
_LISTEN_ADDR = const(2)
_PROTOCOL = const(3)
_OBSERVED_ADDR = const(4)
_PROTOCOL_VERSION = const(5)
_AGENT = const(6)


class Info:
    """What one host says of itself. A push may hold a part of it: what is empty was not said.

    `key` is the protobuf of the public key; `listen_addrs` are Multiaddrs; `observed_addr` is how the speaker sees
    the listener, a Multiaddr or None; `agent` and `protocol_version` are for people, `protocols` for choosing.
    """

    def __init__(
        self,
        agent: str = "",
        protocol_version: str = "",
        key: bytes = b"",
        listen_addrs: "list[Multiaddr] | None" = None,
        observed_addr: "Multiaddr | None" = None,
        protocols: "list[str] | None" = None,
    ) -> None:
        self.agent = agent
        self.protocol_version = protocol_version
        self.key = key
        self.listen_addrs = listen_addrs or []
        self.observed_addr = observed_addr
        self.protocols = protocols or []

    def update(self, news: "Info") -> None:
        """Take over what a push said."""
        self.agent = news.agent or self.agent
        self.protocol_version = news.protocol_version or self.protocol_version
        self.key = news.key or self.key
        self.listen_addrs = news.listen_addrs or self.listen_addrs
        self.observed_addr = news.observed_addr or self.observed_addr
        self.protocols = news.protocols or self.protocols


def encode(info: Info) -> bytes:
    """The one message that says `info`, with its length before it."""
    parts = []
    if info.key:
        parts.append(field_bytes(_KEY, info.key))
    for address in info.listen_addrs:
        parts.append(field_bytes(_LISTEN_ADDR, address.encode()))
    for protocol in info.protocols:
        parts.append(field_bytes(_PROTOCOL, protocol.encode()))
    if info.observed_addr is not None:
        parts.append(field_bytes(_OBSERVED_ADDR, info.observed_addr.encode()))
    if info.protocol_version:
        parts.append(field_bytes(_PROTOCOL_VERSION, info.protocol_version.encode()))
    if info.agent:
        parts.append(field_bytes(_AGENT, info.agent.encode()))
    parts.insert(0, encode_varint(sum([len(part) for part in parts])))
    return b"".join(parts)


class Receiver:
    """Reads what a peer says of itself. `buf` is lent: it holds one message, and no more than `identify_bytes` of it.

    After DONE it is in `info`. Addresses and protocols beyond `identify_addrs` and `identify_protocols`, addresses of
    other peers and of kinds not known here are left out; `skipped` counts them.
    """

    def __init__(self, profile: "Profile", buf: "WritableBuffer") -> None:
        self.info = Info()
        self.skipped = 0
        self.deadline = NEVER
        self._profile = profile
        self._buf = buf
        self._stream: "Stream | None" = None
        self._peer_id = b""
        self._length = VarintReader()
        self._byte = bytearray(1)
        self._size = -1  # of the message that is coming in; -1 while its length is not known
        self._got = 0
        self._left = 0  # bytes that the peer may still send
        self._messages = 0

    @property
    def busy(self) -> bool:
        """A stream is being read."""
        return self._stream is not None

    def begin(self, stream: "Stream", deadline: int, peer_id: bytes) -> None:
        """Read from a stream on which one of the two protocols was agreed, with the peer of this id."""
        if self._stream is not None:
            raise LocalError("identify: begun while another stream is read")
        self._stream = stream
        self._peer_id = peer_id
        self.deadline = deadline
        self.info = Info()
        self.skipped = 0
        self._length.reset()
        self._size = -1
        self._got = self._messages = 0
        self._left = self._profile.identify_bytes

    def cancel(self) -> None:
        """Give the stream up."""
        self._drop(CANCELLED)

    def poll(self, now: int) -> int:
        """One bounded unit of work: MORE, NOTHING, DONE, REFUSED or LOST.

        RemoteError when the peer is late, breaks the encoding or shows a key that is not the connection's;
        BudgetError("identify_bytes") when it has more to say than fits.
        """
        stream = self._stream
        if stream is None:
            return NOTHING
        try:
            if self.deadline != NEVER and now >= self.deadline:
                raise RemoteError(TIMED_OUT, "identify: not complete within the time allowed")
            event = self._step(stream)
        except RemoteError as error:
            self._drop(error.code)
            raise
        except VerifyError as error:
            self._drop(MALFORMED)
            raise RemoteError(MALFORMED, "identify: %s" % error)
        except BudgetError:
            self._drop(CANCELLED)
            raise
        if event == DONE:
            stream.finish()
            self._stream = None
        elif event == REFUSED or event == LOST:
            self._drop(CANCELLED)
        return event

    def _step(self, stream: "Stream") -> int:
        while self._size < 0:
            if stream.recv_into(self._byte, 0, 1) == 0:
                return self._why_nothing(stream)
            stream.credit(1)
            if self._length.push(self._byte[0]):
                self._begin_message(self._length.value)
        while self._got < self._size:
            n = stream.recv_into(self._buf, self._got, self._size)
            if n == 0:
                return self._why_nothing(stream)
            stream.credit(n)
            self._got += n
        self._take_message()
        return MORE

    def _begin_message(self, size: int) -> None:
        self._messages += 1
        if self._messages > _MESSAGES:
            raise RemoteError(SURPLUS, "identify: more than %d messages" % _MESSAGES)
        if size > self._left or size > len(self._buf):
            raise BudgetError(
                "identify_bytes", "identify: the peer has more to say than %d bytes" % self._profile.identify_bytes
            )
        self._left -= size
        self._size = size
        self._got = 0

    def _why_nothing(self, stream: "Stream") -> int:
        if stream.state & READ_ENDED:
            if self._size >= 0 or self._length.has_begun or not self._messages:
                raise RemoteError(TRUNCATED, "identify: the stream ended before the message did")
            return DONE
        return gave_up(stream)

    def _take_message(self) -> None:
        fields = Fields(self._buf, 0, self._size)
        info = self.info
        self._size = -1
        while fields.next():
            number = fields.number
            if number == _KEY:
                info.key = self._checked_key(fields.take())
            elif number == _LISTEN_ADDR:
                address = self._address(fields.take())
                if address is None or len(info.listen_addrs) >= self._profile.identify_addrs:
                    self.skipped += 1
                elif address not in info.listen_addrs:
                    info.listen_addrs.append(address)
            elif number == _PROTOCOL:
                self._take_protocol(fields.take())
            elif number == _OBSERVED_ADDR:
                info.observed_addr = _readable(fields.take())
            elif number == _PROTOCOL_VERSION:
                info.protocol_version = _plain(fields.take())
            elif number == _AGENT:
                info.agent = _plain(fields.take())

    def _checked_key(self, key: bytes) -> bytes:
        if len(key) > keys.MAX_KEY or keys.peer_id(key) != self._peer_id:
            raise RemoteError(MALFORMED, "identify: the public key is not that of the connection")
        return key

    def _address(self, data: bytes) -> "Multiaddr | None":
        address = _readable(data)
        if address is None or address.peer_id not in (b"", self._peer_id):
            return None
        return address

    def _take_protocol(self, data: bytes) -> None:
        protocols = self.info.protocols
        name = _plain(data, self._profile.protocol_name_bytes)
        is_exact = name != "" and name.encode() == data
        if not is_exact or len(protocols) >= self._profile.identify_protocols:
            self.skipped += 1
        elif name not in protocols:
            protocols.append(name)

    def _drop(self, code: int) -> None:
        stream = self._stream
        self._stream = None
        if stream is not None:
            stream.reset(code)


class Responder:
    """Tells a peer about us: the answer on one protocol, the push on the other. It holds no copy of what is told."""

    def __init__(self) -> None:
        self.deadline = NEVER
        self._stream: "Stream | None" = None
        self._data: "Buffer" = b""
        self._sent = 0
        self._has_finished = False
        self._byte = bytearray(1)

    @property
    def busy(self) -> bool:
        """A stream is being written."""
        return self._stream is not None

    def begin(self, stream: "Stream", data: "Buffer", deadline: int) -> None:
        """Write `data`, which `encode` made, to a stream on which one of the two protocols was agreed."""
        if self._stream is not None:
            raise LocalError("identify: begun while another stream is written")
        self._stream = stream
        self._data = data
        self._sent = 0
        self._has_finished = False
        self.deadline = deadline

    def cancel(self) -> None:
        """Give the stream up."""
        self._drop(CANCELLED)

    def poll(self, now: int) -> int:
        """MORE, NOTHING, REFUSED, LOST, or DONE: all was said, and the peer has ended its half, or had time enough to.

        RemoteError when the peer does not take it all in time, or talks back.
        """
        stream = self._stream
        if stream is None:
            return NOTHING
        try:
            event = self._step(stream, now)
        except RemoteError as error:
            self._drop(error.code)
            raise
        if event == DONE:
            self._stream = None
        elif event == REFUSED or event == LOST:
            self._drop(CANCELLED)
        return event

    def _step(self, stream: "Stream", now: int) -> int:
        is_late = self.deadline != NEVER and now >= self.deadline
        why = gave_up(stream)
        if not self._has_finished:
            if why:
                return why
            if is_late:
                raise RemoteError(TIMED_OUT, "identify: the peer does not take what we say")
            n = stream.send(self._data, self._sent, len(self._data))
            self._sent += n
            if self._sent == len(self._data):
                stream.finish()
                self._has_finished = True
            return MORE if n else NOTHING
        if stream.recv_into(self._byte, 0, 1):
            stream.credit(1)
            raise RemoteError(SURPLUS, "identify: the peer talks back")
        if stream.state & READ_ENDED:
            return DONE
        if why == REFUSED or is_late:
            # It heard us out and left its half open, or slammed it: nothing more is to be had from this stream.
            self._drop(CANCELLED)
            return DONE
        return why

    def _drop(self, code: int) -> None:
        stream = self._stream
        self._stream = None
        if stream is not None:
            stream.reset(code)


def _readable(data: bytes) -> "Multiaddr | None":
    try:
        return multiaddr.decode(data)
    except VerifyError:
        return None


def _plain(data: bytes, limit: int = _TEXT) -> str:
    # A stranger's text for a person's screen: whatever is no printable ASCII becomes a question mark.
    data = data[:limit]
    for byte in data:
        if not 0x20 <= byte <= 0x7E:
            break
    else:
        return data.decode()  # the rule, and without a string for each character
    return "".join([chr(byte) if 0x20 <= byte <= 0x7E else "?" for byte in data])
