"""The work of a turn within the budget of processor time: class by class, peer by peer, unit by unit.

The classes (budget/classes.py) are asked in the order of their urgency, and each may spend what it is promised and what
is left over. A unit cannot be cut; it is charged when it is done, and the next one waits until the debt is paid. What
waits keeps its place: the next turn begins with whoever came after the last one that was served.
"""

from ..budget.classes import COUNT, QUERIES, SERVING
from ..budget.times import earlier
from ..const import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .asking import Ask
    from .node import Node
    from .peers import Record

NOBODY = const(-1)  # whose the work of a turn is that is for no class: reading clocks and sockets, saving, other tasks
_UNITS_A_TURN = const(32)  # of each peer's work before the links are looked at again: 32 headers are about 100 ms
# A turn costs something too, also one that finds nothing it may do. So a node that put work off rests until as much
# time has been earned as the class with the smallest weight is promised of a burst, or some times what the turn took.
_PARTS = const(16)
_OVERHEADS = const(4)
_MOST_PARTS = const(4)  # but not for longer than for so much of a burst: what comes to a full bucket is lost


class Quanta:
    """`begin`, then the classes. A class waits when `may` has said no since."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._cpu = node.budgets.cpu
        self._next = bytearray(COUNT)  # by class: the peer, by its place in the table, that is served first
        self._waiting = self._deferred = 0  # a bit for each class; what all had put off when the turn began
        self._overhead = 0  # microseconds of this turn in which nothing was done that somebody waits for

    def begin(self, now: int) -> None:
        """What was done since the last turn was nobody's."""
        self._waiting = 0
        self._deferred = sum(self._cpu.deferred)
        self._overhead = self._cpu.charge(NOBODY, now)

    def charge(self, cls: int, now: int) -> None:
        """What was done since the last charge was this class's."""
        self._cpu.charge(cls, now)

    def may(self, cls: int, now: int) -> bool:
        """Whether a unit of this class may be done now. If not, it is counted as put off, once a turn."""
        if self._cpu.may(cls, now):
            return True
        if not self._waiting >> cls & 1:
            self._waiting |= 1 << cls
            self._cpu.defer(cls)
        return False

    def is_waiting(self, cls: int) -> bool:
        """Whether work of this class was put off in this turn."""
        return self._waiting >> cls & 1 == 1

    def wake_at(self, now: int) -> int:
        """When something that was put off may be done (ms), or -1."""
        at = -1
        for cls in range(COUNT):
            if self._waiting >> cls & 1:
                at = earlier(at, self._cpu.wake_at(cls, now))
        return at

    def end(self, now: int) -> None:
        """The turn is over: the rest of it was nobody's."""
        self._overhead += self._cpu.charge(NOBODY, now)

    def rest_ms(self) -> int:
        """For so long nobody should be listened to, since work was put off, here or in a carrier: another turn would
        only cost what that work needs."""
        cpu = self._cpu
        if not cpu.rate or sum(cpu.deferred) == self._deferred:
            return 0
        least = max(cpu.burst // _PARTS, min(_OVERHEADS * self._overhead, cpu.burst // _MOST_PARTS))
        return (cpu.debt() + least) * 1000 // cpu.rate

    def links(self, cls: int, now: int) -> bool:
        """The work that there is of this class with all peers. Whether there may be more at once."""
        records = self._node.peers.records  # as it is now: who leaves meanwhile leaves another list
        count = len(records)
        busy = False
        first = self._next[cls]
        for step in range(count):
            at = (first + step) % count
            record = records[at]
            if record.link is None:
                continue
            done = self._link(record, cls, now)
            if done < 0:
                # The next turn begins with this peer, or behind it where it had something of this one.
                self._next[cls] = (at + (done < -1)) % count
                for late in range(step, count):
                    link = records[(first + late) % count].link
                    if link is not None:
                        link.put_off(cls, now)
                return False
            busy = busy or done > 0
        self._overhead += self._cpu.charge(cls, now)  # what was done is charged: this is what the looking cost
        return busy

    def _link(self, record: "Record", cls: int, now: int) -> int:
        """1: there is more; 0: there is not; -1: the budget does not allow it; -2: no more of it, after some units."""
        for unit in range(_UNITS_A_TURN):
            if not self.may(cls, now):
                return -2 if unit else -1
            if not self._node.serve(record, cls, now):
                return 0
            if cls == SERVING:
                record.taken += 1
            if self._cpu.rate:
                self._cpu.charge(cls, now)
        return 1

    def asks(self, now: int) -> bool:
        """Our own questions. Whether there may be more to do at once."""
        asks = self._node.asks
        busy = False
        for at in range(len(asks)):
            done = 0
            while done < _UNITS_A_TURN and self._ask(asks[at], now):
                done += 1
            busy = busy or done == _UNITS_A_TURN
            if self.is_waiting(QUERIES):
                at += done > 0
                asks[:] = asks[at:] + asks[:at]
                return False
        self._overhead += self._cpu.charge(QUERIES, now)
        return busy

    def _ask(self, ask: "Ask", now: int) -> bool:
        # What is over is told whether there is time or not.
        if ask.is_done or (now < ask.ends_at and not self.may(QUERIES, now)) or not ask.step(now):
            return False
        if self._cpu.rate:
            self._cpu.charge(QUERIES, now)
        return True
