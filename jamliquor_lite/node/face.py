"""What the console sees of the node, and all that it can do to it (console/console.py says what it asks for)."""

from ..chain.levels import SEALED, VOUCHED_LEVEL, level_by_name
from ..const import const
from ..errors import LocalError
from ..ports import board
from .questions import describe, parse_question
from .status import Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .asking import Ask
    from .node import Node
    from .peers import Record
    from .questions import Question

    Row = tuple[Any, ...]

_SHORT = const(12)  # characters of a name that tell peers apart


class Asked:
    """A question that was put to the peers."""

    def __init__(self, node: "Node", question: "Question", ask: "Ask") -> None:
        self._node = node
        self._question = question
        self._ask = ask

    @property
    def is_done(self) -> bool:
        return self._ask.is_done

    def cancel(self) -> None:
        """Ask no further."""
        self._ask.cancel()

    def describe(self) -> "dict[str, Any]":
        """The answer as questions.describe has it, values and keys as bytes. LocalError where nothing is proved."""
        if self._ask.error is not None:
            raise self._ask.error
        answer = self._ask.answer
        assert answer is not None
        found = describe(self._question, answer, self._node)
        if self._question.single:
            found["value"] = answer.entries[0].value if answer.entries else None
        else:
            found["entries"] = [(entry.key, entry.value) for entry in answer.entries]
        return found


class NodeFace:
    """`reset` restarts the board; None where there is none."""

    def __init__(self, node: "Node", reset: "Callable[[], None] | None" = None) -> None:
        self.reset = reset
        self._node = node
        self._status = Status()
        self._measured_at = -1
        self._measured = (0, 0)  # bytes in and out then
        self._busy_ms = 0

    def read(self) -> Status:
        """The node's numbers, now."""
        return self._status.read(self._node)

    def pools(self) -> "Iterator[Row]":
        """(pool, bytes of a buffer, buffers, of them free, fewest that were free)."""
        for carrier in self._node.carriers:
            pools = getattr(carrier, "pools", None)  # QUIC has none of ours
            if pools is not None:
                for pool in (pools.frames, pools.chunks, pools.identify):
                    yield pool.name, pool.size, pool.count, pool.free, pool.least_free

    def peers(self, short: bool) -> "Iterator[Row]":
        """(name, way, state, suite, round trip in ms or -1, failures, place or why the last connection ended)."""
        for record in list(self._node.peers.records):
            link = record.link
            state = "waiting" if link is None else "connected" if link.ready else "connecting"
            where = "%s:%s" % record.places[0] if link is not None or not record.reason else record.reason
            name = record.name[:_SHORT] if short else record.name
            way = "in" if record.inbound else "out"
            yield name, way, state, record.suite or "-", self._rtt_ms(record), record.failures, where

    def _rtt_ms(self, record: "Record") -> int:
        services = getattr(record.carrier, "services", None)
        found = services(record.link.connection) if services is not None and record.link is not None else None
        return found.rtt_ms if found is not None else -1

    def budget(self, now: int) -> "Iterator[Row]":
        """(what, how much of it is used, how much may be, unit); the bound 0 is none. Rates are since the last call."""
        node, profile = self._node, self._node.profile
        yield "peers", node.peers.connected, profile.max_peers, "connections"
        yield "tree", node.chain.tree.count, profile.tree_headers, "headers"
        passed = now - self._measured_at if self._measured_at >= 0 else 0
        before, self._measured = self._measured, (node.bytes_in, node.bytes_out)
        self._measured_at = now
        rates = [(self._measured[way] - before[way]) * 1000 // passed if passed > 0 else 0 for way in (0, 1)]
        used, free = board.memory()
        yield "heap", used, used + free if free else 0, "bytes"
        busy, self._busy_ms = node.busy_ms - self._busy_ms, node.busy_ms
        yield "processor", busy * 100 // passed if passed > 0 else 0, board.CPU_SHARE_PERCENT, "% of the time"
        yield "download", rates[0], profile.max_download_rate, "bytes/s"
        yield "upload", rates[1], profile.max_upload_rate, "bytes/s"
        for name, size, count, free, _ in self.pools():
            yield name, (count - free) * size, count * size, "bytes lent"

    def chain(self, count: int) -> "Iterator[Row]":
        """(slot, level, support, header hash) of the newest `count` headers of the best branch, the newest first."""
        chain = self._node.chain
        tree = chain.tree
        rows: "list[Row]" = []
        row = tree.best
        while len(rows) < count:
            rows.append((tree.slots[row], chain.levels.name(row), tree.supports[row], tree.hash(row)))
            if row == tree.root:
                break
            row = tree.parents[row]
        return iter(rows)  # made at once: the tree moves on while they are written

    def ask(self, words: "list[str]", level: str, support: int, timeout_ms: int) -> Asked:
        """Put a question to the peers. LocalError where it is none, or cannot be answered at all."""
        question = parse_question(words)
        wanted = level_by_name(level)
        if wanted not in (SEALED, VOUCHED_LEVEL):
            raise LocalError("--level %s: must be sealed or vouched" % level[:32], 2)
        validators = self._node.chain.spec.validators
        if support > validators:
            raise LocalError("--support %d: the chain has %d validators" % (support, validators), 2)
        ask = self._node.begin_ask(question.start, question.end, wanted, support, timeout_ms)
        return Asked(self._node, question, ask)
