"""The serial link on a simulated UART, and a status frame of the console. Prints; asserts nothing.

    python3 tools/bench/serial.py [--baud N]…

Time is a number: a byte takes ten bits of it, each way has a wire of its own, and a share of the frames is lost. What
is printed is what a stream gets of the line, how long a word and its answer take on an idle line, and what a header of
300 bytes does. The figures repeat exactly.
"""

import argparse
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jamliquor_lite.codec import serial_frame  # noqa: E402
from jamliquor_lite.console import messages  # noqa: E402
from jamliquor_lite.node.status import Status  # noqa: E402
from jamliquor_lite.transport.serial_link import OPEN, SerialLink  # noqa: E402

_STREAM_BYTES = 200_000
_HEADER_BYTES = 300
_LOST = (0.0, 0.01, 0.1)  # shares of the frames


class Line:
    """Two ends and the wires between them; a step is a millisecond."""

    def __init__(self, baud: int, lost: float) -> None:
        self.now = 0
        self.ends = (SerialLink(), SerialLink())
        self._bytes_per_ms = baud / 10_000
        self._lost = lost
        self._chance = random.Random(1)
        self._room = [0.0, 0.0]  # bytes that each wire takes now
        self._on_wire = [b"", b""]  # the frame that each wire carries
        self._at = [0, 0]
        self.ends[1].next_id = b"next"
        self.ends[0].dial(b"dial", 0)
        while not all(end.state == OPEN for end in self.ends):
            self.step()

    def step(self) -> None:
        self.now += 1
        for side, end in enumerate(self.ends):
            self._room[side] = min(self._room[side] + self._bytes_per_ms, 64)
            while self._room[side] >= 1:
                if self._at[side] == len(self._on_wire[side]):
                    if not end.outlet(self.now):
                        break
                    frame = bytes(end.out[end.out_start : end.out_end])
                    end.sent(len(frame))
                    is_lost = self._chance.random() < self._lost
                    self._on_wire[side] = bytes(len(frame)) if is_lost else frame
                    self._at[side] = 0
                at = self._at[side]
                size = min(int(self._room[side]), len(self._on_wire[side]) - at)
                self.ends[1 - side].feed(self._on_wire[side], at, at + size, self.now)
                self._at[side] += size
                self._room[side] -= size

    def carry(self, size: int, side: int) -> int:
        """Send so many bytes from one end; the ms until all are read at the other."""
        begun, sent, got = self.now, 0, 0
        data, buf = memoryview(bytes(1024)), memoryview(bytearray(1024))
        while got < size:
            sent += self.ends[side].send(data, 0, min(1024, size - sent))
            self.step()
            got += max(0, self.ends[1 - side].recv_into(buf, 0, 1024, self.now))
        return self.now - begun


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--baud", type=int, action="append", help="speed of the line; may be repeated")
    bauds = parser.parse_args().baud or [9600, 115_200, 921_600]
    print("%8s %6s %12s %8s %14s %12s" % ("baud", "lost", "stream B/s", "of line", "word+answer ms", "header ms"))
    for baud in bauds:
        for lost in _LOST:
            line = Line(baud, lost)
            size = min(_STREAM_BYTES, 20 * baud // 10)
            rate = size * 1000 // line.carry(size, 0)
            words = sorted(line.carry(20, 0) + line.carry(20, 1) for _ in range(31))[15]
            header = sorted(line.carry(_HEADER_BYTES, 1) for _ in range(31))[15]
            print("%8d %5.0f%% %12d %7.0f%% %14d %12d" % (
                baud, 100 * lost, rate, 1000 * rate / baud, words, header))
    status = Status()
    status.chain, status.clock, status.level, status.best_hash = "devnet", "set(system)", "vouched", "ab" * 32
    for name in messages.FIELDS:
        if isinstance(getattr(status, name), int):
            setattr(status, name, 100_000)
    status.budgets = [100_000] * len(status.budgets)
    size = sum(len(serial_frame.encode(body)) for body in messages.status(status, 1_000_000))
    print("a status of %d fields: %d bytes on the line" % (len(list(messages.fields())), size))
    return 0


if __name__ == "__main__":
    sys.exit(main())
