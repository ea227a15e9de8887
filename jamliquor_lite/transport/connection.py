"""A libp2p connection over TCP, without I/O: Upgrade makes it, yamux carries its streams, this file owns its bytes.

Bytes come in through `inlet()` and `filled(n)`: the link reads straight into the buffer that a Noise frame is collected
and decrypted in. They go out through `outlet()` and `sent(n)`. `feed` and `drain` are the same with a copy, for tests
and for layers that bring a buffer of their own. Buffers are lent while something is in them: an idle connection holds
none. When a stream is full, what is left of its frame waits here, nothing is read, and TCP slows the peer.
"""

from ..budget.classes import HANDSHAKES, SERVING
from ..budget.times import earlier
from ..const import const
from ..errors import RemoteError, VerifyError
from . import noise, yamux
from .frame_buffers import FrameBuffers
from .protocol_stream import ProtocolStream, proposal_bytes
from .states import CLOSED, CONNECTING, READY
from .terms import FIRST_OWN
from .upgrade import LENGTH, Upgrade
from .yamux_stream import UNNAMED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .terms import Terms

FAULT = 1  # close code: the peer broke the protocol (yamux's GoAway code for it)
_NEVER = const(0x3FFFFFFF)
# A Noise frame may have 65,535 bytes, and nothing in libp2p lets a peer say how long a one it can take. Boards take
# short ones, and what they ask for at a time is at most an answer of headers, of 128 KiB, or an announcement of one, of
# 98 KiB at full spec: so what is said at one go is said in short frames to begin with.
_SMALL_FRAME_BYTES = const(2050)  # with its length
_BURST_BYTES = const(136 * 1024)
_FRAMES_A_SECOND = const(16)  # at least, where what we send has a cap


class Connection(FrameBuffers):
    """One connection (states.py has the face that the node sees). Nothing here raises for what a peer sends.

    `rule` names the check that refused the peer: policy, pin, transcript, identity, peer, noise, yamux, size, time.
    `is_bound`: both sides signed what each of them offered.
    """

    carries_lite_kinds = True

    def __init__(
        self, terms: "Terms", addr: "tuple[str, int]", is_dialed: bool, random: bytes, now: int, expect: bytes = b""
    ) -> None:
        """`random`: upgrade.RANDOM_BYTES that nobody knows. `expect`: the peer id that must be there, b"" for any."""
        super().__init__(terms, is_dialed, now)
        self.close_code = 0
        self.close_reason = ""
        self.rule = ""
        self.addr = addr
        self.peer_id = b""
        self.peer_public_key = b""  # as libp2p encodes keys of any type
        self.suite = ""
        self.is_bound = False
        self._upgrade: "Upgrade | None" = Upgrade(terms, is_dialed, random, expect)
        self._secure: "noise.Secure | None" = None
        self._until = now + terms.profile.handshake_timeout_ms  # CONNECTING: to be READY; CLOSED: to be gone
        self._inbound: "list[ProtocolStream]" = []  # the peer's: no protocol agreed on, not accepted, or unanswered
        self._is_leaving = False  # the peer said GoAway
        self._burst = 0  # bytes said since there was last nothing to say, and nothing waiting to be

    # who is there

    @property
    def peer_name(self) -> str:
        """The peer id in base 58, or ""."""
        return self._terms.static.identity.name_of(self.peer_id) if self.peer_id else ""

    @property
    def peer_key(self) -> bytes:
        """The peer's 32-byte Ed25519 key; b"" before READY and for keys of another type."""
        return self._terms.static.identity.ed25519_of(self.peer_public_key) if self.peer_public_key else b""

    @property
    def is_gone(self) -> bool:
        """CLOSED, and nothing is left to send: the link can be closed and the connection forgotten."""
        return self.state == CLOSED and self._out is None and self.session is None

    # the link's side: in

    def filled(self, count: int, now: int) -> None:
        """`count` bytes lie at `in_end` of what `inlet` gave."""
        self._now = now
        self.in_end += count
        self._process(now)

    def pump(self, now: int) -> bool:
        """Go on with what is held. Whether any of it went through."""
        before = self._plain_start
        self._process(now)
        return not self.is_held or self._plain_start != before

    # the link's side: out

    def outlet(self, now: int) -> "memoryview | None":
        """The buffer whose bytes from `out_start` to `out_end` go next, or None. `sent` says how many the link took."""
        self._now = now
        if self._out is None:
            self._make_frame(now)
        return self._out

    @property
    def has_output(self) -> bool:
        """There may be something to send. `outlet` finds out, and takes a buffer for it."""
        session = self.session
        return self._out is not None or self._upgrade is not None or (session is not None and session.has_output)

    def ended(self, reason: str, now: int) -> None:
        """The link is over: nothing comes any more and nothing can be sent."""
        if self._upgrade is not None and self._upgrade.declined:
            self._refuse_declined(self._upgrade.declined)
        elif self.state != CLOSED:
            where = ", during the handshake" if self.state == CONNECTING else ""
            self._set_closed(0, (reason or "the connection ended") + where)
        self._drop_out()
        self.session = None

    def take_shortage(self) -> bool:
        """Whether somebody here had more to send than there was room for, since this was last asked."""
        session = self.session
        if session is None or not session.is_short:
            return False
        session.is_short = False
        return True

    # the link's side: time

    def wake_at(self, now: int) -> int:
        """When to call `tick` at the latest, in ms; -1: not before something arrives."""
        if self.state == CLOSED:
            return -1 if self.is_gone else self._until
        if self.state == CONNECTING:
            return self._until
        session, profile = self.session, self._terms.profile
        assert session is not None
        if self.is_held and session.wants():
            return now
        # Output is `outlet`'s matter: a link that takes none now must not keep anybody busy. But a batch has its time.
        at = session.output_at(now)
        at = earlier(at if at > now else -1, session.tick_at(now))
        for stream in self._inbound:
            at = earlier(at, now if stream.is_due else stream.deadline)
        if self._partial_at >= 0:
            at = earlier(at, self._partial_at + profile.frame_stall_ms)
        if self._stuck_at >= 0:
            at = earlier(at, self._stuck_at + profile.idle_timeout_ms)
        return at

    def tick(self, now: int) -> None:
        """Let time pass: deadlines, keepalive, and what waited for a buffer or a reader."""
        self._now = now
        if self.state == CLOSED:
            if now >= self._until:
                self._drop_out()
                self.session = None
            return
        profile = self._terms.profile
        if self.state == CONNECTING:
            if now >= self._until:
                self._refuse("time", "handshake not finished within %d ms" % profile.handshake_timeout_ms)
            return
        if 0 <= self._partial_at <= now - profile.frame_stall_ms:
            self._refuse("time", "a frame was begun and not finished within %d ms" % profile.frame_stall_ms)
            return
        if 0 <= self._stuck_at <= now - profile.idle_timeout_ms:
            self._refuse("time", "the peer did not take a frame within %d ms" % profile.idle_timeout_ms)
            return
        assert self.session is not None
        try:
            self.session.tick(now)
        except RemoteError as error:
            self._refuse("yamux", str(error), error.code)
            return
        self._process(now)

    # the streams' side

    def open(self, kind: int) -> "ProtocolStream | None":
        """Open a stream of a kind of Terms; what is sent on it goes out right behind the protocol's name.

        None: not READY, the kind is not spoken, or a cap is reached.
        """
        name = self._terms.names.get(kind)
        session = self.session
        if self.state != READY or name is None or self._is_leaving or session is None:
            return None
        scope = self._terms.scope(kind, True)
        if session.outbox.room_in(scope) * session.outbox.size < proposal_bytes(name):
            session.is_short = True
            return None  # its name must go out whole, or the peer would wait for the rest
        if scope.streams.used >= scope.streams.limit:
            scope.streams.refused += 1
            return None
        muxed = session.open(self._now)
        if muxed is None:
            return None
        return ProtocolStream(self._terms, muxed, kind, name, _NEVER)

    def accept(self, own: bool = False) -> "ProtocolStream | None":
        """The next stream of the peer that agreed on its protocol, or None. `own`: the host's protocols, not JAM's."""
        for stream in self._inbound:
            if stream.is_agreed and not stream.is_taken and (stream.kind >= FIRST_OWN) == own:
                # Our yes may lack a chunk, which reading what came behind the name may give back.
                stream.is_taken = True
                if not stream.is_stuck:
                    self._inbound.remove(stream)
                return stream
        return None

    def close(self, code: int = 0, reason: str = "") -> None:
        """Say goodbye and end. yamux carries a code and no words: the reason is for our side."""
        if self.state != CLOSED:
            self._set_closed(code, reason or "closed")

    # inside: what comes

    def _process(self, now: int) -> None:
        try:
            more = True
            while more:
                while self.state != CLOSED and self._in is not None and self._step(self._in, now):
                    pass
                more = False
                if self.state == READY:
                    self._events(now)
                    # A stream that now has its name takes what came behind it.
                    more = self.is_held and self.session is not None and self.session.wants() > 0
        except RemoteError as error:
            if self._upgrade is not None and self._upgrade.declined:
                self._refuse_declined(self._upgrade.declined)  # rust-libp2p has begun that handshake behind its name
            else:
                self._refuse("yamux" if self._upgrade is None else "multistream", str(error), error.code)
        except VerifyError as error:
            self._refuse(error.rule, str(error))
        self._compact(now)

    def _step(self, buf: "memoryview", now: int) -> bool:
        """One unit of what came; whether there may be more."""
        upgrade = self._upgrade
        if upgrade is not None:
            start = self._in_start
            self._in_start = upgrade.take(buf, start, self.in_end, now)
            self.suite = upgrade.suite
            self._plain_start, self._plain_end = upgrade.plain_start, upgrade.plain_end
            if upgrade.is_done:
                self._be_ready(upgrade)
            return self._in_start != start
        if self._plain_start == self._plain_end:
            return self._open_frame(buf)
        assert self.session is not None
        self._plain_start += self.session.feed(buf, self._plain_start, self._plain_end, now)
        return self._plain_start == self._plain_end

    def _open_frame(self, buf: "memoryview") -> bool:
        at = self._in_start + LENGTH
        if at > self.in_end:
            return False
        size = buf[at - 2] << 8 | buf[at - 1]
        if size > len(buf) - LENGTH:
            raise VerifyError("size", "a Noise frame of %d bytes, at most %d are taken" % (size, len(buf) - LENGTH))
        end = at + size
        if end > self.in_end:
            return False
        assert self._secure is not None
        self._partial_at = -1
        self._in_start = end
        self._plain_start = at
        self._plain_end = at + self._secure.open(buf, at, end, buf, at)
        return True

    def _be_ready(self, upgrade: Upgrade) -> None:
        self.peer_id = upgrade.peer_id
        self.peer_public_key = upgrade.peer_public_key
        self.is_bound = upgrade.is_bound
        self._secure = upgrade.secure
        self.session = yamux.Session(self.is_dialed, self._terms.profile, self._terms.chunks)
        self.session.admitted |= UNNAMED
        self._upgrade = None
        self.state = READY
        self.cls = SERVING if self._cls == HANDSHAKES else self._cls

    def _events(self, now: int) -> None:
        session = self.session
        assert session is not None
        event = session.next_event()
        while event != yamux.NOTHING:
            if event == yamux.STREAM:
                assert session.stream is not None
                until = now + self._terms.profile.handshake_timeout_ms
                self._inbound.append(ProtocolStream(self._terms, session.stream, -1, "", until))
            elif event == yamux.GOAWAY:
                self._is_leaving = True
                if session.goaway_code:
                    self._set_closed(session.goaway_code, "the peer ended it with yamux code %d" % session.goaway_code)
                    return
            event = session.next_event()
        if self._inbound:
            self._talk_on(now)

    def _talk_on(self, now: int) -> None:
        # Apart from its caller: MicroPython would make a cell for `now` whenever that is called.
        self._inbound = [s for s in self._inbound if not s.poll(now) and not (s.is_taken and s.is_settled)]

    # inside: what goes

    def _make_frame(self, now: int) -> None:
        session, upgrade = self.session, self._upgrade
        if upgrade is None and (session is None or not 0 <= session.output_at(now) <= now):
            if self.state == CLOSED:
                self.session = None
            elif session is not None and session.wants_more:
                session.wants_more = False  # it waits for room or window: what comes then goes on with the same burst
            else:
                self._burst = 0
            return
        buf = self._lend()
        if buf is None:
            return
        count = 0
        try:
            count = upgrade.give(buf, now) if upgrade is not None else self._seal(buf, now)
        except VerifyError as error:
            self._refuse(error.rule, str(error))
        if count:
            self._out = buf
            self.out_start, self.out_end = 0, count
        else:
            self._give_back(buf)
        if upgrade is not None and upgrade.is_done and self.state == CONNECTING:
            self._be_ready(upgrade)
            self._process(now)

    def _seal(self, buf: "memoryview", now: int) -> int:
        assert self.session is not None and self._secure is not None
        end = len(buf)
        if self._burst < _BURST_BYTES:
            end = min(end, _SMALL_FRAME_BYTES)
        rate = self._terms.profile.max_upload_rate
        if rate:  # what is urgent must not wait longer for a frame that is on its way
            end = min(end, max(_SMALL_FRAME_BYTES, rate // _FRAMES_A_SECOND))
        count = self.session.drain(buf, LENGTH, end - noise.TAG, now)
        if not count:
            return 0
        self._burst += count
        size = self._secure.seal(buf, LENGTH, LENGTH + count, buf, LENGTH)
        buf[0], buf[1] = size >> 8, size & 0xFF
        return LENGTH + size

    # inside: ends

    def _refuse_declined(self, name: str) -> None:
        policy = self._terms.policy
        text = "the peer offers only %s, and pq = %s demands a post-quantum handshake" % (name, policy)
        self._refuse("policy", text)

    def _refuse(self, rule: str, text: str, code: int = FAULT) -> None:
        if self.state != CLOSED:
            self.rule = rule
            named = text.startswith(rule + ":")  # yamux and multistream do so themselves
            self._set_closed(code, text if named else "%s: %s" % (rule, text))

    def _set_closed(self, code: int, reason: str) -> None:
        self.state = CLOSED
        self.close_code = code
        self.close_reason = reason
        self._until = self._now + self._terms.profile.farewell_ms
        self._inbound = []
        self._drop_in()
        if self._upgrade is not None:
            if not self.peer_id:
                self.peer_id = self._upgrade.peer_id
            self._upgrade = None
            self._drop_out()
        if self.session is not None:
            self.session.go_away(code if code <= 2 else 0)
            self.session.close()
