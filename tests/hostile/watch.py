"""What a node spends, seen from outside: /proc of its process, and the kernel's counters of its interface."""

import os
import threading
import time

from tests.hostile.netns import Namespace

SAMPLE_S = 0.1
SOCKETS_S = 2.0  # from one look at the sockets to the next
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Sample:
    """One moment: it was read after `before` and before `at`, in seconds, monotonic. `rss` in bytes; `cpu`, and how
    long it `waited` for it, in seconds since the process began; `tx` and `rx` in bytes of Ethernet frames."""

    __slots__ = ("before", "at", "rss", "cpu", "waited", "tx", "rx", "late", "below")

    def __init__(self, before: float, at: float, rss: int, cpu: "tuple[float, float]", tx: int, rx: int, late: int,
                 below: bool) -> None:
        self.before = before
        self.at = at
        self.rss = rss
        self.cpu, self.waited = cpu
        self.tx = tx
        self.rx = rx
        self.late = late  # slots that the node's head is behind the chain's
        self.below = below  # floods below TCP are on


def cpu_seconds(pid: int) -> "tuple[float, float]":
    """Processor time of all threads of a process, by the scheduler's clock; and how long they waited for a processor
    that others had."""
    had = waited = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                words = file.read().split()
        except FileNotFoundError:
            continue  # it has just ended
        had += int(words[0])
        waited += int(words[1])
    return had / 1e9, waited / 1e9


def rss_bytes(pid: int) -> int:
    """What is resident of it now."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * _PAGE


def most_rss_bytes(pid: int) -> int:
    """The most that ever was: the kernel's high-water mark, which no sample misses."""
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise OSError("no VmHWM")


class Sockets:
    """The TCP sockets of a namespace at one moment, as `ss` lists them."""

    def __init__(self, space: Namespace) -> None:
        self.count = self.receive_bytes = self.unread = self.unsent = 0
        for line in space.run("ss", "-tmnHO").splitlines():
            words = line.split()
            self.count += 1
            self.unread += int(words[1])
            self.unsent += int(words[2])
            memory = line.partition("skmem:(")[2].partition(")")[0]
            for field in memory.split(","):
                if field.startswith("rb"):
                    self.receive_bytes += int(field[2:])


class Watch:
    """Samples a process and its namespace in a thread of its own until `end`."""

    def __init__(self, pid: int, space: Namespace, late: "object") -> None:
        """`late()`: how many slots the head is behind."""
        self.samples: "list[Sample]" = []
        self.sockets: "list[Sockets]" = []
        self.is_below = False
        self.is_over = False  # the process has ended by itself
        self._pid = pid
        self._space = space
        self._late = late
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop looking."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        due = time.monotonic()
        looked = 0.0
        while not self._stop.is_set():
            try:
                self._look()
            except (FileNotFoundError, ProcessLookupError):
                self.is_over = True
                return
            if self.samples[-1].at > looked + SOCKETS_S:
                looked = self.samples[-1].at
                self.sockets.append(Sockets(self._space))
            due = max(due + SAMPLE_S, time.monotonic() - SAMPLE_S)
            self._stop.wait(max(0.0, due - time.monotonic()))

    def _look(self) -> None:
        late = self._late()  # type: ignore[operator]
        before = time.monotonic()
        rss, cpu = rss_bytes(self._pid), cpu_seconds(self._pid)
        counters = self._space.counters()
        at = time.monotonic()
        self.samples.append(Sample(before, at, rss, cpu, counters.tx_bytes, counters.rx_bytes, late, self.is_below))


class Most:
    """Of all windows that are at least `window_s` long, and no longer than the samples make them: the greatest `rate`
    of a field, per second, and the most that one held `over` `cap` per second. It slides from sample to sample."""

    def __init__(self, samples: "list[Sample]", field: str, window_s: float, cap: float = 0.0) -> None:
        self.rate = self.over = 0.0
        self.worst: "tuple[Sample, Sample] | None" = None  # that window
        self.windows = 0
        last = 0
        for first in samples:
            while last < len(samples) and samples[last].before < first.at + window_s:
                last += 1
            if last == len(samples):
                return
            # What was counted between the two came after the first was begun and before the last was complete.
            took = samples[last].at - first.before
            size = getattr(samples[last], field) - getattr(first, field)
            if size / took > self.rate:
                self.rate = size / took
                self.worst = first, samples[last]
            self.over = max(self.over, size - cap * took)
            self.windows += 1
