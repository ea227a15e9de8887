"""What the links of the lite network may carry now, and what they carried: the budgets (budget/) at the sockets.

TCP can be cut anywhere, so nobody makes a debt here: a read takes, and a send hands over, at most what may be spent at
this moment, and waits until that is a segment; what is not urgent until it is a third of the burst, for turns cost CPU
time. What is charged is what the wire carries. Where the system counts segments (ports/cpython/tcp.py) it is exact:
acknowledgements, tiny segments and repeated ones are paid for, by the class of the connection. Elsewhere, and while
there is no cap, it is the estimate of budget/wire.py. What the system holds is kernel.py's matter.
"""

from ..budget.classes import COUNT, HANDSHAKES, QUERIES
from ..budget.meter import Meter
from ..budget.wire import ack_bytes, payload_bytes, wire_bytes
from ..const import const
from ..ports.tcp import CLOSED as LINK_CLOSED
from ..transport.states import CLOSED, CONNECTING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..budget.budgets import Budgets
    from ..budget.shares import Shares
    from ..transport.connection import Connection
    from .kernel import Kernel
    from .members import Member
    from .places import Link

_READS_A_TURN = const(4)  # of one link: each fills a buffer, then the others have their turn
_SENDS_A_TURN = const(8)
_PIECE = const(4)  # segments that are handed over at once, or a part of the burst, where a cap is to hold
_ALL = const(1 << 28)  # bytes: no limit, and a word on 32 bits still holds a place in a buffer beside it
_MUCH = const(16 * 1024)  # bytes
_PARTS = const(8)
_UNPLANNED = const(-2)


class Traffic:
    """Of one carrier. `bytes_in`, `bytes_out`: TCP payload; `wire_in`, `wire_out`: with the headers of all segments.

    `unsent` bytes of the wire lie in the system for all links, `resets` slow or wasteful peers were reset.
    """

    def __init__(self, budgets: "Budgets") -> None:
        self.budgets = budgets
        self.bytes_in = self.bytes_out = self.wire_in = self.wire_out = 0
        self.unsent = self.resets = 0
        self.kernel: "Kernel | None" = None  # where the system tells
        self._reads = [_UNPLANNED] * COUNT
        self._sends = [_UNPLANNED] * COUNT

    # connections begin and end

    def begin(self, member: "Member", link: "Link", now: int, segments_in: int, segments_out: int) -> None:
        """A link stands that took so many segments so far."""
        profile = self.budgets.profile
        if profile.peer_download_rate:
            member.down = _meter(profile.peer_download_rate, self.segment, profile.burst_ms)
        if profile.peer_upload_rate:
            member.up = _meter(profile.peer_upload_rate, self.segment, profile.burst_ms)
        if self.kernel is None and link.measure() is not None:
            from .kernel import Kernel  # a board does without

            self.kernel = Kernel(self)
        if self.kernel is not None and not member.connection.is_dialed:
            self.kernel.accepted(member)
        self.packets(member.connection.cls, segments_in, segments_out, now)

    def end(self, member: "Member", now: int) -> None:
        """Close the link. What it carried since is paid for: both sides' goodbyes, and what came and nobody read."""
        link = member.link
        if link is not None:
            counts = self.carried(member, link, 0, 0, now, True)
            if counts is not None:
                self._spend(member.connection.cls, max(0, counts[5] - member.taken), 0, now)
            if self.kernel is not None:
                self.kernel.hold(member, 0, now)
            self.packets(member.connection.cls, 2, 2, now)
            link.close()

    def turn_away(self, link: "Link", now: int) -> None:
        """Close a stranger's link at once."""
        counts = link.measure()
        self._spend(HANDSHAKES, counts[5] if counts is not None else 0, 0, now)
        self.packets(HANDSHAKES, 4, 3, now)
        link.close()

    def packets(self, cls: int, segments_in: int, segments_out: int, now: int) -> None:
        """So many segments without payload came and went."""
        overhead = self.budgets.profile.segment_overhead_bytes
        self._spend(cls, segments_in * overhead, segments_out * overhead, now)

    # what may be done now, and when

    def accept_at(self, now: int) -> int:
        """When a stranger may be let in (ms): `now` if one may; -1: not before the node wakes, or its allowance is
        renewed."""
        budgets = self.budgets
        if budgets.is_asleep or not budgets.allowance.left():
            return -1
        at = max(budgets.cpu.wake_at(HANDSHAKES, now), budgets.down.wake_at(HANDSHAKES, now, self.segment))
        return max(at, budgets.up.wake_at(HANDSHAKES, now, self.segment))

    def plan(self) -> None:
        """What the next calls of `read_at` and `send_at` say is for one moment, in which nothing is spent."""
        for cls in range(COUNT):
            self._reads[cls] = self._sends[cls] = _UNPLANNED

    def read_at(self, member: "Member", now: int) -> int:
        """The same for reading a link. After `plan`."""
        return self._at(self._reads, member.connection.cls, self.budgets.down, 0, member.down, now)

    def send_at(self, member: "Member", now: int) -> int:
        """The same for sending; -1 also while the system holds too much: a link's being writable, or kernel.shed_at,
        ends that."""
        cls, up = member.connection.cls, self.budgets.up
        held = 0
        if self.kernel is not None:
            if self.kernel.is_held_up(member, self._least(up, cls)):
                return -1
            held = self.kernel.held
        if member.look_at > now:
            return member.look_at
        if member.connection.state == CLOSED:
            return up.wake_at(cls, now)
        return self._at(self._sends, cls, up, held, member.up, now)

    def _at(self, plan: "list[int]", cls: int, shares: "Shares", held: int, meter: "Meter | None", now: int) -> int:
        at = plan[cls]
        if at == _UNPLANNED:
            at = -1
            if self.budgets.allowance.left():
                at = max(self.budgets.cpu.wake_at(cls, now), shares.wake_at(cls, now, self._least(shares, cls) + held))
            plan[cls] = at
        return at if meter is None or at < 0 else max(at, meter.wake_at(now, self.segment))

    def _least(self, shares: "Shares", cls: int) -> int:
        # What is worth a turn.
        segment = self.segment
        if cls < shares.sure:  # it may have to do with its own part, of which this is less
            return min(segment, max(1, shares.burst // _PARTS))
        if not shares.rate or shares.burst < segment:
            return shares.burst
        return segment if cls <= QUERIES else max(segment, shares.burst // 3)

    # moving bytes

    def read(self, member: "Member", link: "Link", now: int) -> bool:
        """Read what has come, as far as it may be read now. Whether there may be more at once."""
        connection, down = member.connection, self.budgets.down
        is_free = self._is_free(down, member.down)
        total, done = 0, 0
        while done < _READS_A_TURN:
            most = _ALL if is_free else self._most(down, member.down, 0, connection, now)
            if not most:
                if member.has_more and connection.wants():
                    self._defer(member, down, done, now)
                break
            buf = connection.inlet()
            if buf is None:
                break
            start = connection.in_end
            end = min(len(buf), start + most)
            size = max(0, link.recv_into(buf, start, end))
            member.has_more = size == end - start
            connection.filled(size, now)
            if is_free:
                total += size  # who has no cap is charged once
            elif size:
                self.carried(member, link, size, 0, now)
            if not member.has_more:
                break
            done += 1
        if total:
            self.carried(member, link, total, 0, now)
        return done == _READS_A_TURN

    def send(self, member: "Member", link: "Link", now: int) -> bool:
        """Send what is due, as far as it may be sent now. Whether there may be more at once."""
        connection, up = member.connection, self.budgets.up
        is_free = self._is_free(up, member.up)
        total, done = 0, 0
        while done < _SENDS_A_TURN:
            most = _ALL if is_free else self._most_out(member, now)
            if not most:
                if connection.state != CONNECTING and connection.has_output:
                    self._defer(member, up, done, now)
                break
            buf = connection.outlet(now)
            if buf is None:
                break
            if self.kernel is not None and not is_free:
                most = self.kernel.window(member, link, most, now)
                if not most:
                    break
            start = connection.out_start
            end = min(connection.out_end, start + most)
            size = link.send(buf, start, end)
            connection.sent(size, size == end - start)
            if is_free:
                total += size
            elif size:
                self.carried(member, link, 0, size, now)
            if size < end - start:
                if link.state == LINK_CLOSED:
                    connection.ended(link.reason, now)
                break
            done += 1
        if total:
            self.carried(member, link, 0, total, now)
        return done == _SENDS_A_TURN

    def _is_free(self, shares: "Shares", meter: "Meter | None") -> bool:
        # Nothing has a cap that could hold it up.
        budgets = self.budgets
        return meter is None and not (shares.rate or budgets.cpu.rate or budgets.allowance.is_capped)

    def _most_out(self, member: "Member", now: int) -> int:
        # The same as `_most` for sending, as far as the system lets it.
        connection, up, kernel = member.connection, self.budgets.up, self.kernel
        if member.unsent or member.look_at > now:
            connection.sent(0)  # it is the peer who takes none
            return 0
        if kernel is None:
            return self._most(up, member.up, 0, connection, now)
        if not kernel.is_held_up(member, self._least(up, connection.cls)):
            return self._most(up, member.up, kernel.held, connection, now)
        if connection.has_output:
            kernel.wait(connection.cls)
        return 0

    def _most(self, shares: "Shares", meter: "Meter | None", held: int, connection: "Connection", now: int) -> int:
        # Payload that may pass now: what is worth a turn, or nothing.
        budgets, cls = self.budgets, connection.cls
        if connection.state == CLOSED:  # a goodbye is short, and costs less than what the peer would go on to say
            return _ALL if shares.may(cls, now) else 0
        if not budgets.cpu.may(cls, now) or not budgets.allowance.left():
            return 0
        most = shares.allowance(cls, now) - held
        if most < self._least(shares, cls):
            return 0
        if meter is not None:
            own = meter.allowance(now)
            if own < min(self.segment, meter.burst_bytes):
                return 0
            most = min(most, own)
        if most >= _ALL:
            return _ALL
        profile = budgets.profile
        return min(payload_bytes(most, profile), max(_PIECE * profile.segment_bytes, shares.burst // _PARTS))

    def _defer(self, member: "Member", shares: "Shares", done: int, now: int) -> None:
        member.has_waited = done == 0
        cls, cpu = member.connection.cls, self.budgets.cpu
        (shares if cpu.may(cls, now) else cpu).defer(cls)

    # what was carried

    def carried(self, member: "Member", link: "Link", size_in: int, size_out: int, now: int,
                is_exact: bool = False) -> "tuple[int, ...] | None":
        """So much payload was read and handed over. It is charged with what else went over the wire for this link
        since the last time. What the system counts (TcpLink.measure), if it was asked."""
        budgets = self.budgets
        profile = budgets.profile
        counts = None
        # Much at once came in whole segments, so that asking can wait.
        if is_exact or size_in < _MUCH and (budgets.up.rate or budgets.down.rate or budgets.allowance.is_capped):
            counts = link.measure()
        if counts is None:
            extra_in = wire_bytes(size_in, profile) - size_in + ack_bytes(size_out, profile)
            extra_out = wire_bytes(size_out, profile) - size_out + ack_bytes(size_in, profile)
        else:
            overhead = profile.segment_overhead_bytes
            extra_in = max(0, counts[1] * overhead - member.overhead_in)
            extra_out = max(0, counts[0] * overhead + counts[3] - member.overhead_out)
            if self.kernel is not None and budgets.up.rate:
                self.kernel.hold(member, counts[2], now)
                member.window = counts[4]
        member.overhead_in += extra_in
        member.overhead_out += extra_out
        member.taken += size_in
        self.bytes_in += size_in
        self.bytes_out += size_out
        wire_in, wire_out = size_in + extra_in, size_out + extra_out
        self._spend(member.connection.cls, wire_in, wire_out, now)
        if member.down is not None:
            member.down.spend(wire_in, now)
        if member.up is not None:
            member.up.spend(wire_out, now)
        return counts

    def _spend(self, cls: int, wire_in: int, wire_out: int, now: int) -> None:
        self.wire_in += wire_in
        self.wire_out += wire_out
        budgets = self.budgets
        budgets.down.spend(cls, wire_in, now)
        budgets.up.spend(cls, wire_out, now)
        budgets.allowance.spend(wire_in + wire_out)

    @property
    def segment(self) -> int:
        """Bytes of a whole one on the wire."""
        profile = self.budgets.profile
        return profile.segment_bytes + profile.segment_overhead_bytes


def _meter(rate: int, segment: int, burst_ms: int) -> Meter:
    return Meter(rate, max(segment, rate * burst_ms // 1000))
