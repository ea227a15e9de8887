"""Scripts of small steps over two connections, and what must hold after each of them. For generated tests and fuzzing.

A step is (what, side, pick, size): `side` acts, `pick` chooses among its streams, `size` is bytes, ms, or a place.

Unless bytes are mangled, both sides are honest, and then nobody is ever blamed: a connection ends because somebody
closed it, the link was cut, or time was over. What arrives is in order and whole, or the stream says that it is not.
With mangled bytes and a real handshake the same holds for what arrives, for the cipher is between. Behind the counting
cipher of connection_pair.py mangled bytes reach yamux and multistream; then only the bounds are looked at.
"""

from jamliquor_lite.budget.pools import Pools
from jamliquor_lite.budget.stream import DEAD, READ_ENDED, SEND_FINISHED
from jamliquor_lite.transport.states import CLOSED, CONNECTING, READY
from jamliquor_lite.transport.terms import OFF, Terms
from tests.transport.connection_pair import (
    ECHO,
    NAMES,
    OTHER,
    OWN,
    STATICS,
    bounds,
    connection,
    is_whole,
    make_ready,
    whole_text,
)
from tests.transport.yamux_pair import pattern

OPS = (
    "open", "send", "move", "recv", "accept", "credit", "finish", "reset", "carry", "deliver", "pump", "tick", "close",
    "cut", "flip", "drop", "double",
)  # fmt: skip
MANGLING = ("flip", "drop", "double")
ENDING = ("close", "cut")
_KINDS = (ECHO, OWN, OTHER)
_BUSY_TURNS = 4000
_RULES = ("", "time", "noise", "size", "yamux", "multistream", "identity", "transcript", "policy")


class Script:
    """`numbers`: of the profile. `is_real`: a handshake takes place, else both are READY from the start."""

    def __init__(self, numbers, is_real, policies=(OFF, OFF)):
        self.limits = bounds(**numbers)
        self.hosts = tuple(self._host(who, policies[who]) for who in (0, 1))
        self.now = 1000
        self.ends = tuple(connection(self.hosts[who], who == 0, label="script") for who in (0, 1))
        self.is_real = is_real
        if not is_real:
            for who in (0, 1):
                make_ready(self.ends[who], STATICS[1 - who])
        self.flying = [b"", b""]  # from a, from b
        self.streams = ([], [])
        self.sent = {}  # (side, id) -> bytes that its end took
        self.got = {}
        self.finished = set()
        self.is_mangled = False
        self.is_cut = False

    def _host(self, who, policy):
        limits = self.limits
        pools = Pools(limits)
        host = Terms(STATICS[who], limits, pools.frames, pools.chunks, policy)
        for kind in (ECHO, OWN):
            host.serve(NAMES[kind], kind)
        host.speak(NAMES[OTHER], OTHER)
        return host

    @property
    def is_exact(self):
        """What arrives is what was sent."""
        return self.is_real or not self.is_mangled

    def run(self, what, side, pick, size):
        """One step."""
        end, held = self.ends[side], self.streams[side]
        if what == "open":
            stream = end.open(_KINDS[pick % 3])
            if stream is not None:
                held.append(stream)
        elif what == "accept":
            stream = end.accept(pick % 2 == 1)
            if stream is not None:
                assert (stream.kind >= OWN) == (pick % 2 == 1) and NAMES[stream.kind] == stream.protocol
                held.append(stream)
        elif what == "carry":
            view = end.outlet(self.now)
            if view is not None:
                view = view[end.out_start : end.out_end]
                assert len(view) > 0
                count = min(len(view), size)
                if not self.is_cut:
                    self.flying[side] += bytes(view[:count])
                end.sent(count)
        elif what == "deliver":
            self._deliver(side, size)
        elif what == "pump":
            end.pump(self.now)
        elif what == "move":
            for _ in range(1 + pick):
                for who in (side, 1 - side):
                    self.run("carry", who, 0, 1 + 8 * size)
                    self.run("deliver", 1 - who, 0, 1 + 8 * size)
                    self.run("accept", 1 - who, pick, 0)
        elif what == "tick":
            self.now += size * (16 if pick == 7 else 1)
            self._tick()
        elif what == "close":
            end.close(pick % 4, "script")
        elif what == "cut":
            self.is_cut = True
            self.flying = [b"", b""]
            end.ended("cut", self.now)
        elif what in MANGLING:
            self._mangle(what, side, pick, size)
        elif held:
            self._on_stream(what, side, held[pick % len(held)], size + 50 * pick)
        self.check()

    def _deliver(self, side, size):
        end = self.ends[side]
        data = self.flying[1 - side]
        wants = end.wants()
        room = end.inlet()
        assert (room is None) == (wants == 0) or end.state == CONNECTING, "it wants what it takes"
        if room is None:
            return
        room = room[end.in_end :]
        count = min(len(room), len(data), size)
        room[:count] = data[:count]
        end.filled(count, self.now)
        self.flying[1 - side] = data[count:]

    def _tick(self):
        for end in self.ends:
            for _ in range(100):
                at = end.wake_at(self.now)
                assert at == -1 or at >= 0
                if not 0 <= at <= self.now:
                    break
                end.tick(self.now)
            else:
                raise AssertionError("it is woken without end")

    def _mangle(self, what, side, pick, size):
        if not self.flying[side]:
            self.run("carry", side, 0, 3000)
        data = self.flying[side]
        if not data:
            return
        self.is_mangled = True
        at = size % len(data)
        if what == "flip":
            data = data[:at] + bytes([data[at] ^ 1 << pick % 8]) + data[at + 1 :]
        elif what == "drop":
            data = data[:at] + data[at + 1 + pick :]
        else:
            data = data[:at] + data[at : at + 20 * (pick + 1)] + data[at:]
        self.flying[side] = data

    def _on_stream(self, what, side, stream, size):
        key, other = (side, stream.id), (1 - side, stream.id)
        if what == "send":
            at = self.sent.get(key, 0)
            count = stream.send(pattern(at + stream.id, size), 0, size)
            assert 0 <= count <= size and not (count and key in self.finished)
            self.sent[key] = at + count
        elif what == "recv":
            at = self.got.get(key, 0)
            buf = bytearray(size + 2)
            count = stream.recv_into(buf, 1, size + 1)
            assert buf[0] == 0 and not any(buf[count + 1 :])
            self.got[key] = at + count
            if self.is_exact:
                assert buf[1 : count + 1] == pattern(at + stream.id, count), "in order"
                assert self.got[key] <= self.sent.get(other, 0)
                if stream.state & READ_ENDED:
                    assert other in self.finished and self.got[key] == self.sent.get(other, 0), "whole"
            if count:
                assert stream.is_agreed
        elif what == "credit":
            stream.credit(size)
        elif what == "finish":
            stream.finish()
            self.finished.add(key)
            assert stream.state & (SEND_FINISHED | DEAD)
        elif what == "reset":
            stream.reset(size)
            assert stream.state & DEAD
            self.streams[side].remove(stream)

    def check(self):
        """What holds at any time."""
        for end, host in zip(self.ends, self.hosts):
            assert host.frames.count - host.frames.free <= 2, "a frame that comes and one that goes"
            session = end.session
            lent = 0 if session is None else session.inbox.used + session.outbox.used
            assert host.chunks.count - host.chunks.free == lent
            if session is not None:
                assert session.inbox.used <= session.inbox.limit and session.outbox.used <= session.outbox.limit
                assert len(end._inbound) <= 2 * self.limits.inbound_streams
            if end.state == CLOSED:
                assert end.close_reason and "\n" not in end.close_reason
                assert end.wants() == 0 and end.inlet() is None and end.open(ECHO) is None
                assert lent == 0, "its streams hold nothing"
                assert end.rule in _RULES and (not end.rule or end.close_code in (1, 2))
                if not self.is_mangled and end.rule not in ("", "time"):
                    assert end.close_code == 2 and "nothing heard" in end.close_reason, end.close_reason
            else:
                assert end.rule == "" and end.close_reason == ""
                assert end.state == READY or end.session is None
            for stream in self.streams[0] + self.streams[1]:
                assert stream.reset_code in (0, 3)

    def settle(self):
        """Everybody reads, finishes and lets things move until nothing is left to do."""
        for _ in range(_BUSY_TURNS):
            for side in (0, 1):
                for own in (0, 1):
                    self.run("accept", side, own, 0)
                for stream in list(self.streams[side]):
                    self._on_stream("recv", side, stream, 3000)
                    self._on_stream("credit", side, stream, 1 << 30)
                    if not stream.state & SEND_FINISHED:
                        self._on_stream("finish", side, stream, 0)
                for what in ("carry", "deliver", "pump"):
                    self.run(what, side, 0, 3000)
                self._tick()
            if self._is_quiet():
                return
        raise AssertionError("no end: %s" % (self._text(),))

    def _is_quiet(self):
        for end in self.ends:
            if end.state == CLOSED:
                return True
            if end.state == CONNECTING or end.outlet(self.now) is not None or end.is_held:
                return False
            if end.session.streams:
                return False
        return not any(self.flying)

    def end(self):
        """Honest sides that are still there get everything through; then the link ends, and all buffers are back."""
        if not self.is_mangled and not self.is_cut and all(end.state != CLOSED for end in self.ends):
            self.settle()
            for side in (0, 1):
                for stream in self.streams[side]:
                    assert stream.state & (READ_ENDED | DEAD)
        for _ in range(200):
            before = [(end.outlet(self.now) is None, self.flying[side]) for side, end in enumerate(self.ends)]
            if before == [(True, b"")] * 2:
                break
            for side in (0, 1):
                self.run("carry", side, 0, 3000)
                self.run("deliver", side, 0, 3000)
            if before == [(end.outlet(self.now) is None, self.flying[side]) for side, end in enumerate(self.ends)]:
                break
        for end in self.ends:
            end.close()
        for _ in range(3):
            self.now += self.limits.farewell_ms
            self._tick()
        assert self.ends[0].is_gone and self.ends[1].is_gone
        assert is_whole(*self.hosts), whole_text(*self.hosts)
        for stream in self.streams[0] + self.streams[1]:
            assert stream.state & DEAD or stream.state & READ_ENDED
            assert stream.send(b"x", 0, 1) == 0

    def _text(self):
        return [
            (end.state, end.close_reason, end.session and len(end.session.streams), end.is_held) for end in self.ends
        ] + whole_text(*self.hosts)
