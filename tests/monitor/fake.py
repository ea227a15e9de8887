"""A board that is none: the console of every board, on one end of a pseudo-terminal or a socket, paced like a UART."""

import contextlib
import os
import select
import socket
import threading
import time
import tty

from jamliquor_lite.console.console import Console
from jamliquor_lite.console.log import Log
from jamliquor_lite.node.status import Status, budget_names
from tests import terminals

NAMES = list(budget_names())


class Face:
    """A node whose numbers move."""

    reset = None

    def __init__(self) -> None:
        self.status = Status()
        self.reads = 0

    def set(self, **numbers: int) -> None:
        for name, number in numbers.items():
            self.status.budgets[NAMES.index(name)] = number

    def read(self) -> Status:
        status, self.reads = self.status, self.reads + 1
        n = self.reads
        status.chain, status.level, status.clock = "jamliquor-devnet-tiny", "vouched" if n % 20 < 3 else "sealed", "set"
        status.best_hash = f"{n * 0x9E3779B97F4A7C15F39CC0605CEDC834 % 2**256:064x}"
        status.best_slot, status.vouched_slot, status.root_slot = 1000 + n // 10, 997 + n // 10, 970 + n // 10
        status.support, status.validators, status.headers_checked = 3, 6, 1000 + n // 10
        status.heap_used, status.heap_free = 100_000 + 512 * (n % 13), 100_000 - 512 * (n % 13)
        status.peers, status.peers_known, status.peers_hybrid, status.peers_classical = 2, 3, 1, 1
        now = time.monotonic_ns() // 1_000_000
        self.set(frames_size=1024, frames_count=12, frames_free=12 - n % 5, frames_least_free=3, chunks_count=8,
                 chunks_free=8 - n % 3, identify_count=1, identify_free=1, cpu_rate=250_000, cpu_total=now * 13 // 100,
                 down_rate=64_000, down_total=now // 2, up_rate=32_000, up_total=now // 9, day_used=12 << 20,
                 day_bytes=200 << 20)
        return status

    def pools(self):
        return iter(())

    def mode(self, wanted):
        return "full", "full"

    def peers(self, short):
        yield ("12D3KooWLoWFXeFTwUg6gcb75xCyUxYv7K3pKeevZXudnmaBeVjJ", "out", "connected", "hybrid", 12, 0, 13, 2,
               "192.0.2.7:4001")
        yield ("12D3KooWQd9FXeFTwUg6gcb75xCyUxYv7K3pKeevZXudnmaBqqq2", "in", "connected", "classical", 140, 0, 4, 0,
               "192.0.2.9:4001")
        yield ("12D3KooWZZ9FXeFTwUg6gcb75xCyUxYv7K3pKeevZXudnmaBzzz3", "out", "waiting", "-", -1, 3, 0, 0, "no answer")


class Wire:
    """One end of a line, as ports/tty has it: `rate` bytes a second go out, as at a UART (0: as many as can)."""

    def __init__(self, descriptor: int, rate: int = 0) -> None:
        self.descriptor = descriptor
        self.sent = 0
        self._rate = rate
        self._credit = 0.0
        self._at = time.monotonic()

    def recv_into(self, buf, start, end):
        try:
            return os.readv(self.descriptor, [buf[start:end]])
        except BlockingIOError:
            return 0
        except OSError:
            return -1

    def send(self, buf, start, end):
        if self._rate:
            now = time.monotonic()
            self._credit = min(64.0, self._credit + (now - self._at) * self._rate)  # the FIFO of a UART
            self._at = now
            end = min(end, start + int(self._credit))
        if end <= start:
            return 0
        try:
            size = os.write(self.descriptor, buf[start:end])
        except OSError:
            return 0
        self._credit -= size
        self.sent += size
        return size

    def watch(self, reading, writing):
        pass


class FakeBoard:
    """`with FakeBoard() as board`: its console is at `source`. `unplug` and `plug` it in; `say` a line."""

    def __init__(self, folder=None, rate: int = 0, speaks: bool = True) -> None:
        """A Unix socket in `folder`, else a pseudo-terminal. One that does not speak has no console of ours."""
        self.face = Face()
        self.log = Log()
        self.console: "Console | None" = None
        self.link = folder / "port" if folder else None
        self._rate = rate
        self._speaks = speaks
        self._said: "list[str]" = []
        self._raw: "list[bytes]" = []
        self._is_over = False
        self._lock = threading.Lock()
        self._ours = self._theirs = -1

    def __enter__(self) -> "FakeBoard":
        self.plug()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._thread.join()
        self.unplug()

    @property
    def source(self) -> str:
        return f"pty:{self.link or self.name}"

    def plug(self) -> None:
        with self._lock:
            self._ours, self._theirs = os.openpty()
            tty.setraw(self._theirs)
            os.set_blocking(self._ours, False)
            self.name = os.ttyname(self._theirs)
            if self.link is not None:
                self.link.unlink(missing_ok=True)
                self.link.symlink_to(self.name)
            self.wire = Wire(self._ours, self._rate)
            self.console = Console(self.wire, self.face, self.log)

    def unplug(self) -> None:
        with self._lock:
            if self._ours >= 0:
                terminals.unplug(self._ours, self.name)
                os.close(self._theirs)
                self._ours = -1
            self.console = None
            if self.link is not None:
                self.link.unlink(missing_ok=True)

    def say(self, text: str) -> None:
        with self._lock:
            self._said.append(text)

    def send_raw(self, data: bytes) -> None:
        with self._lock:
            self._raw.append(data)

    def _run(self) -> None:
        while not self._is_over:
            with self._lock:
                if self.console is not None:
                    now = time.monotonic_ns() // 1_000_000
                    for text in self._said:
                        self.log.add(now, text)
                        self.console.tell(text)
                    self._said.clear()
                    for data in self._raw:
                        os.write(self._ours, data)
                    self._raw.clear()
                    if self._speaks:
                        self.console.poll(now)
                ours = self._ours
            if ours >= 0:
                with contextlib.suppress(OSError):  # it may be unplugged meanwhile
                    select.select([ours], [], [], 0.002)
            time.sleep(0.002)


def until(session, what, limit_s: float = 20.0):
    """Poll a session until `what()` holds; all that it told."""
    told = []
    end = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < end, [line.text for line in session.model.lines]
        told += session.poll(time.monotonic_ns() // 1_000_000)
        time.sleep(0.01)
    return told


def now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def listen(path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(path))
    sock.listen(1)
    return sock
