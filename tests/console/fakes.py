"""A line and a node that are none, for the console's portable tests, and a tool that reads what the console writes."""

from jamliquor_lite.codec import serial_frame
from jamliquor_lite.codec.serial_frame import FRAME, TEXT, Sorter
from jamliquor_lite.console import messages
from jamliquor_lite.console.console import Console
from jamliquor_lite.console.log import Log
from jamliquor_lite.errors import LocalError
from jamliquor_lite.node.status import Status


class Line:
    """What a tty of ports/ is to the console. `takes`: bytes that it takes a call, 0 is a line that nobody reads."""

    def __init__(self):
        self.incoming = bytearray()
        self.outgoing = bytearray()
        self.takes = 1 << 20
        self.watched = None

    def recv_into(self, buf, start, end):
        size = min(end - start, len(self.incoming))
        buf[start : start + size] = self.incoming[:size]
        self.incoming = self.incoming[size:]
        return size

    def send(self, buf, start, end):
        size = min(end - start, self.takes)
        self.outgoing.extend(buf[start : start + size])
        return size

    def watch(self, reading, writing):
        self.watched = (reading, writing)


class Question:
    """One that is answered when the test says so."""

    def __init__(self, words, found):
        self.words = words
        self.found = found
        self.is_done = self.is_cancelled = False
        self.error = None

    def cancel(self):
        self.is_cancelled = True

    def describe(self):
        if self.error:
            raise LocalError(self.error)
        return self.found


class Face:
    """A node with a status of its own, two pools and a peer."""

    def __init__(self):
        self.status = Status()
        self.status.chain, self.status.level, self.status.clock = "dev", "vouched", "set(system)"
        self.status.best_hash = "ab" * 32
        self.status.best_slot, self.status.support, self.status.validators = 812, 2, 6
        self.questions = []
        self.resets = 0
        self.wanted = "auto"
        self.value = bytes(range(100))
        self.heads = 3

    def read(self):
        return self.status

    def pools(self):
        yield "frames", 65537, 48, 47, 40
        yield "stream_chunks", 16384, 256, 256, 250

    def peers(self, short):
        name = "12D3KooWHXkTTHa1jC4zc4wDaPMRNaxee2dFUkM5U48zzvRpNQCE"
        yield name[:12] if short else name, "out", "connected", "hybrid", 12, 0, 34, 2, "192.0.2.7:4001"

    def budget(self, now):
        yield "peers", 1, 16, 0, 0, "connections"
        yield "cpu headers", 812, 25, 3, 7, "ms"

    def chain(self, count):
        for i in range(min(count, self.heads)):
            yield 812 - i, "vouched", 2, bytes([i & 0xFF]) * 32

    def trust(self):
        return "JLC1:" + "A" * 173

    def mode(self, wanted):
        if wanted not in ("", "full", "idle", "auto"):
            raise LocalError("mode `%s`: must be full, idle or auto" % wanted, 2)
        self.wanted = wanted or self.wanted
        return "full", self.wanted

    def ask(self, words, level, support, timeout_ms):
        if words[:1] != ["service"]:
            raise LocalError("%s: allowed are service ID" % " ".join(words), 2)
        found = {
            "question": " ".join(words), "header": b"\1" * 32, "slot": 800, "committed_by": b"\2" * 32,
            "committed_in": 801, "level": level, "support": support, "validators": 6, "state_root": b"\3" * 32,
            "age_slots": 11, "proof_bytes": 1088, "peer": "12D3KooWHXkT", "present": True, "value": self.value,
            "shown": "a service",
        }
        self.questions.append(Question(words, found))
        return self.questions[-1]

    def reset(self):
        self.resets += 1


class Bench:
    """A console on such a line, driven by hand. `now` is in ms."""

    def __init__(self, **options):
        self.line = Line()
        self.face = Face()
        self.log = Log(4, 40)
        self.console = Console(self.line, self.face, self.log, **options)
        self.now = 1000
        self._sorter = Sorter()

    def turn(self, turns=1, ms=0):
        for _ in range(turns):
            self.now += ms
            self.console.poll(self.now)

    def put(self, data):
        """Send so many bytes to the console, and let it take them all."""
        self.line.incoming.extend(data)
        while self.line.incoming:
            self.turn()
        self.turn(8)

    def type(self, text):
        self.put(text.encode())

    def ask(self, command, *words):
        self.put(serial_frame.encode(messages.request(7, command, words)))

    def take(self):
        """(text, frames) written since the last call."""
        data, self.line.outgoing = bytes(self.line.outgoing), bytearray()
        text, frames = "", []
        at = 0
        while at < len(data):
            at = self._sorter.feed(data, at, len(data), 0)
            if self._sorter.event == TEXT:
                text += data[self._sorter.text_start : self._sorter.text_end].decode()
            elif self._sorter.event == FRAME:
                frames.append(messages.read(bytes(self._sorter.buf[self._sorter.start : self._sorter.end])))
        assert self._sorter.broken == self._sorter.oversize == self._sorter.cut == 0
        return text, frames

    def lines(self):
        """The lines written since the last call, without frames."""
        return self.take()[0].split("\r\n")
