"""What the console sees of the node, and all that it can do to it (console/console.py says what it asks for)."""

from ..budget.classes import COUNT, NAMES
from ..chain.levels import FINAL, SEALED, VOUCHED_LEVEL, level_by_name
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
        self._measured = [0, 0, 0]  # spent then, of the processor's time and of both rates

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
        """(name, way, state, suite, round trip in ms, failures, what it is worth and buffers that it holds
        (quality.py), place or why the last connection ended). A round trip that nobody measured is -1, or "-" where
        `short`."""
        from .quality import held, worth

        for record in list(self._node.peers.records):
            link = record.link
            state = "waiting" if link is None else "connected" if link.ready else "connecting"
            where = "%s:%s" % record.places[0] if link is not None or not record.reason else record.reason
            name = record.name[:_SHORT] if short else record.name
            way = "in" if record.inbound else "out" if record.is_trusted else "spare"
            rtt = _rtt_ms(record)
            yield (name, way, state, record.suite or "-", "-" if short and rtt < 0 else rtt, record.failures,
                   worth(record), held(record), where)

    def budget(self, now: int) -> "Iterator[Row]":
        """(what, how much of it is used, how much may be, what is owed, how often work was put off, unit); the bound 0
        is none. Rates are since the last call; below them, of each class, all that it spent and what it is promised a
        second."""
        node, profile, budgets = self._node, self._node.profile, self._node.budgets
        slots = budgets.slots
        yield "peers", node.peers.connected, profile.max_peers, 0, sum(slots.refused), "connections"
        yield "tree", node.chain.tree.count, profile.tree_headers, 0, 0, "headers"
        used, free = board.memory()
        yield "heap", used, used + free if free else 0, 0, 0, "bytes"
        for name, size, count, free, _ in self.pools():
            yield name, (count - free) * size, count * size, 0, 0, "bytes lent"
        passed = now - self._measured_at if self._measured_at >= 0 else 0
        self._measured_at = now
        at = 0
        for name, share, unit in (("cpu", budgets.cpu, "ms"), ("download", budgets.down, "bytes"),
                                  ("upload", budgets.up, "bytes")):
            parts = 1000 if at == 0 else 1  # its rate is in microseconds
            total = share.total
            spent, self._measured[at] = total - self._measured[at], total
            at += 1
            yield (name, spent * 1000 // passed if passed > 0 else 0, share.rate // parts, share.debt() // parts,
                   sum(share.deferred), unit + "/s")
            for cls in range(COUNT):
                if share.spent[cls] or share.deferred[cls]:
                    yield (name + " " + NAMES[cls], share.spent[cls], share.promised(cls) // parts,
                           share.debt(cls) // parts, share.deferred[cls], unit)

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

    def trust(self) -> str:
        """The trust string of the checkpoint that a restart begins with (chain/trust.py)."""
        from ..chain.trust import Trust  # a board does without until somebody asks

        return Trust.of(self._node.chain.checkpoint()).text()

    def mode(self, wanted: str) -> "tuple[str, str]":
        """(how the node follows now, how it should), once it should as `wanted` says; "" changes nothing."""
        from .mode import WORDS, Mode  # a board without caps does without until somebody asks

        mode = self._node.mode
        if mode is None:
            mode = self._node.mode = Mode(self._node.budgets)
        if wanted:
            if wanted not in WORDS:
                raise LocalError("mode `%s`: must be full, idle or auto%s" % (
                    wanted[:32], "; epoch needs a restart" if wanted == "epoch" else ""), 2)
            mode.want(WORDS.index(wanted))
        return mode.word, mode.wanted_word

    def ask(self, words: "list[str]", level: str, support: int, timeout_ms: int) -> Asked:
        """Put a question to the peers. LocalError where it is none, or cannot be answered at all."""
        question = parse_question(words)
        wanted = level_by_name(level)
        if wanted not in (SEALED, VOUCHED_LEVEL) and (wanted != FINAL or self._node.finality is None):
            raise LocalError("--level %s: must be sealed or vouched%s" % (
                level[:32], ", for final is not served here" if wanted == FINAL else ""), 2)
        validators = self._node.chain.spec.validators
        if support > validators:
            raise LocalError("--support %d: the chain has %d validators" % (support, validators), 2)
        ask = self._node.begin_ask(question.start, question.end, wanted, support, timeout_ms)
        return Asked(self._node, question, ask)


def _rtt_ms(record: "Record") -> int:
    """The last round trip to a peer, or -1. What yamux has not measured yet on this connection it is asked to: 12 bytes
    there and back, once, since somebody looks; from then on it measures while nothing is heard."""
    services = getattr(record.carrier, "services", None)  # QUIC's carrier has neither
    if services is None or record.link is None:
        return -1
    connection = record.link.connection
    found = services(connection)
    if found is not None and found.rtt_ms >= 0:
        return found.rtt_ms
    session = connection.session  # type: ignore[union-attr]  # which a QUIC connection does not have, see above
    if session is None:
        return -1
    if session.rtt_ms < 0:
        session.ping()
    return session.rtt_ms
