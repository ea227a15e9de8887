# Runs on CPython and MicroPython.
"""A node with several peers on its pools, what anybody may do to it, and what its bounds must say after each step.

    python3 tests/transport/scopes_world.py          micropython -X heapsize=8M tests/transport/scopes_world.py

As a program it takes one step a line, five words (what, peer, side, pick, size), and answers `ok`, or what is wrong.
`begin` makes a new world of the numbers (chunks, frames, permille, streams); `end` closes everything.
"""

import sys

if __name__ == "__main__":
    sys.path.insert(0, __file__.rsplit("/", 3)[0])  # it is started by its whole path

from jamliquor_lite.budget.classes import GOSSIP, HANDSHAKES, HEADERS, QUERIES, SERVING
from jamliquor_lite.budget.pool import KEPT, OWED
from jamliquor_lite.budget.stream import DEAD
from jamliquor_lite.transport.shedding import PEER, Shedding
from jamliquor_lite.transport.states import CLOSED, CONNECTING
from tests.transport.connection_pair import Pair, bounds, connection, terms

CLASSES = (HEADERS, QUERIES, SERVING, GOSSIP)
NAME = "/test/kind%d/1"
PEERS = 6
STEPS = ("join", "join", "stranger", "leave", "open", "open", "open", "send", "send", "send", "send", "read", "finish",
         "reset", "carry", "settle", "settle", "trust", "time", "shed")  # fmt: skip


def host(who, limits):
    """It serves and asks a kind of each class."""
    found = terms(who, limits=limits, served=(), spoken=())
    for kind, cls in enumerate(CLASSES):
        found.serve(NAME % kind, kind, cls)
        found.speak(NAME % kind, kind, cls)
    return found


class World:
    """`node` is the host that is looked at; each peer has a host of its own."""

    def __init__(self, chunks, frames, permille, streams):
        self.node = host(0, bounds(
            stream_chunks=chunks, frames=frames, protocol_permille=permille, protocol_streams=streams,
            shed_after_ms=500, connection_window_bytes=9000, connection_send_bytes=6000, send_buffer_bytes=5000,
            stream_window_bytes=4000))
        self.pairs = []
        self.strangers = []
        self.now = 1000
        self.shedding = Shedding(self.node.profile, self.node.frames, self.node.chunks)

    def connections(self):
        """The node's end of each."""
        return [self.end(pair) for pair in self.pairs] + self.strangers

    def end(self, pair):
        return pair.a if pair.hosts[0] is self.node else pair.b

    def step(self, what, peer, side, pick, size):
        """Do it, and look."""
        pair = self.pairs[peer % len(self.pairs)] if self.pairs else None
        if what == "join" and len(self.pairs) < PEERS:
            other = host(1, bounds(stream_chunks=30))
            pair = Pair(self.node, other, ready=True, now=self.now) if side else Pair(
                other, self.node, ready=True, now=self.now)
            pair.held = ([], [])
            self.pairs.append(pair)
        elif what == "stranger" and len(self.strangers) < PEERS:
            end = connection(self.node, side == 1, self.now, label="world")
            if side == 1:
                end.outlet(self.now)
            else:
                end.inlet()  # and then it says nothing more
            self.strangers.append(end)
        elif what == "time":
            self.pass_time(size)
        elif what == "shed":
            self.node.chunks.lend(True) if False else None
            if self.shedding.poll(self.connections(), self.now) == PEER and pair is not None:
                self.end(pair).close(0, "the worst")
        elif pair is not None:
            self.on_pair(what, pair, side, pick, size)
        self.check()

    def on_pair(self, what, pair, side, pick, size):
        end, held = pair.ends[side], pair.held[side]
        if what == "leave":
            pair.let_go()
            self.pairs.remove(pair)
        elif what == "open":
            stream = end.open(pick % len(CLASSES))
            if stream is not None:
                held.append(stream)
        elif what == "carry":
            pair.step()
            self.accept(pair)
        elif what == "settle":
            pair.settle()
            self.accept(pair)
        elif what == "trust":
            self.end(pair).cls = HEADERS
        elif held:
            stream = held[pick % len(held)]
            if what == "send":
                stream.send(bytes(size * 6), 0, size * 6)
            elif what == "read":
                stream.credit(stream.recv_into(bytearray(size * 4), 0, size * 4))
            elif what == "finish":
                stream.finish()
            else:
                stream.reset(0)
            if stream.state & DEAD:
                held.remove(stream)

    def accept(self, pair):
        for side in (0, 1):
            stream = pair.ends[side].accept()
            if stream is not None:
                pair.held[side].append(stream)

    def pass_time(self, ms):
        self.now += ms
        ends = list(self.strangers)
        for pair in self.pairs:
            pair.now = self.now
            ends += pair.ends
        for end in ends:
            for _ in range(50):
                if not 0 <= end.wake_at(self.now) <= self.now:
                    break
                end.tick(self.now)
            else:
                raise AssertionError("woken without end")
        for end in self.strangers:
            if end.state == CLOSED:
                end.ended("", self.now)
        self.strangers = [end for end in self.strangers if end.state == CONNECTING]

    def check(self):
        """Every bound against what is really held, counted from below."""
        node = self.node
        frames = strange = 0
        chunks = kept = owed = keepers = 0
        by_scope = {}
        for end in self.connections():
            holds = (end._in is not None) + (end._out is not None)
            frames += holds
            strange += holds if end.cls == HANDSHAKES else 0
            session = end.session
            if session is None:
                continue
            unread = unsent = 0
            for stream in session.streams.values():
                got = 0 if stream.unread is None else stream.unread.chunks
                sent = 0 if stream.unsent is None else stream.unsent.chunks
                unread += got
                unsent += sent
                if stream.scope is not None:
                    there = by_scope.setdefault(id(stream.scope), [0, 0])
                    there[0] += got + sent
                    there[1] += 1
                    assert stream.scope.cls == stream.cls
                for queue in (stream.unread, stream.unsent):
                    if queue is not None:
                        assert 0 <= queue.chunks <= queue.most <= queue.limit_chunks
            self.check_scope(session.inbox, unread, "peer, in")
            self.check_scope(session.outbox, unsent, "peer, out")
            chunks += unread + unsent
            kept += session.inbox._first == KEPT
            owed += session.inbox._first == OWED
            keepers += session.inbox._is_keeper
            assert session.inbox._first != KEPT or session.inbox.room() >= 1, "the first is there"
        for pool, used in ((node.frames, frames), (node.chunks, chunks)):
            assert pool.used == used and 0 <= pool.free <= pool.count, (pool.name, pool.used, used)
            assert pool.most >= pool.used and pool.refused >= pool.hungry >= 0
        pool = node.chunks
        assert (pool.kept, pool.owed, pool.keepers) == (kept, owed, keepers), (pool.kept, pool.owed, kept, owed)
        assert pool.kept <= pool.free and 2 * keepers <= pool.count - pool.reserved
        self.check_scope(node.handshaking, strange, "handshaking")
        for scope in node.scopes.values():
            there = by_scope.pop(id(scope), [0, 0])
            self.check_scope(scope, there[0], "protocol")
            self.check_scope(scope.streams, there[1], "streams")
        assert not by_scope

    def check_scope(self, scope, used, what):
        assert scope.used == used and scope.refused >= 0, (what, scope.used, used)
        assert 0 <= used <= scope.most <= scope.limit, (what, used, scope.most, scope.limit)

    def done(self):
        """Everybody goes: everything must be back."""
        for pair in list(self.pairs):
            self.on_pair("leave", pair, 0, 0, 0)
        for end in self.strangers:
            end.ended("", self.now)
        self.strangers = []
        self.check()
        node = self.node
        assert node.frames.free == node.frames.count and node.chunks.free == node.chunks.count
        assert node.handshaking.used == node.chunks.kept == node.chunks.keepers == node.chunks.owed == 0


def main():
    """Answer line by line until there are no more."""
    world = None
    while True:
        words = sys.stdin.readline().split()
        if not words:
            return
        numbers = [int(word) for word in words[1:]]
        try:
            if words[0] == "begin":
                world = World(*numbers)
            elif words[0] == "end":
                world.done()
            else:
                world.step(words[0], *numbers)
            print("ok")
        except Exception as error:
            print("%s: %s" % (type(error).__name__, error))
        if hasattr(sys.stdout, "flush"):
            sys.stdout.flush()


if __name__ == "__main__":
    main()
