"""What can be asked on the console, and how it is answered: as lines for a person, as rows for a tool.

An answer is a generator: of str for a person, of tuples for a tool, and of None where there is nothing to say yet. So
it is made while the line takes it, and what nobody reads takes no memory.
"""

from ..codec.serial_frame import MAX_FRAME
from ..const import const
from ..errors import LocalError
from .messages import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..node.status import Status
    from .console import Console

    Words = list[str]
    Row = tuple[Any, ...]
    Answer = Iterator["str | Row | None"]

LEAST_STATUS_MS = 100  # ten frames a second are what 115200 baud carries beside everything else
MOST_STATUS_MS = 3_600_000
_LOG_LINES = const(16)
_CHAIN_ROWS = const(8)
_MOST_ROWS = const(32)  # they are made at once, while the chain stands still
_VALUE_BYTES = const(160)  # of a value in one row
_LINE_BYTES = const(32)  # of a value in one line
_MOST_VALUE_BYTES = const(4096)  # shown of a value: proved is all of it
_STATE_MS = const(30_000)
_MOST_STATE_S = const(600)
_STALLED = ", STALLED: waits for finality or a checkpoint"

POOLS = (("pool", 16), ("bytes", -7), ("count", -6), ("free", -5), ("fewest", -7))
PEERS = (("peer", 14), ("way", 5), ("state", 11), ("suite", 10), ("rtt ms", -6), ("fails", -5),
         ("worth", -6), ("held", -5), ("place or reason", 0))
BUDGET = (("what", 19), ("used", -10), ("bound", -10), ("debt", -8), ("put off", -7), ("unit", 0))
CHAIN = (("slot", -10), ("level", 16), ("support", -8), ("header", 0))
LOG = (("number", -7), ("ms", -10), ("what", 0))
HELP = (("command", 10), ("words", 0), ("what", 0))


class Command:
    """One row of the table: `words` are those that it takes, `summary` says what it does, `answer` makes the answer."""

    def __init__(self, name: str, words: str, summary: str, answer: "Any") -> None:
        self.name = name
        self.words = words
        self.summary = summary
        self.answer = answer


def find(name: str) -> Command:
    """The command of this name; LocalError when there is none."""
    for command in COMMANDS:
        if command.name == name:
            return command
    raise LocalError("unknown command `%s`: `help` lists them" % shown(name), 2)


def shown(text: str) -> str:
    """What was typed, as an answer repeats it: short and harmless."""
    return "".join([c if " " <= c <= "~" else "?" for c in text[:32]]) + ("..." if len(text) > 32 else "")


def table(columns: "tuple[tuple[str, int], ...]", rows: "Iterator[Row]", is_text: bool) -> "Answer":
    """Rows as they are, or as lines under a heading. A column is (title, width), to the right where it is negative."""
    if not is_text:
        yield from rows
        return
    yield _line(columns, tuple([title for title, _ in columns]))
    for row in rows:
        yield _line(columns, row)


def _line(columns: "tuple[tuple[str, int], ...]", row: "Row") -> str:
    cells = []
    for at in range(len(columns)):
        width = columns[at][1]
        value = row[at]
        text = value.hex() if isinstance(value, bytes) else str(value)
        blank = " " * (abs(width) - len(text))
        cells.append(blank + text if width < 0 else text + blank)
    return "  ".join(cells).rstrip()


def _none(words: "Words") -> None:
    if words:
        raise LocalError("`%s`: this command takes no words" % shown(words[0]), 2)


def _number(words: "Words", default: int, most: int, what: str) -> int:
    if not words:
        return default
    if len(words) > 1:
        raise LocalError("`%s`: one number is enough" % shown(words[1]), 2)
    return whole(words[0], 1, most, what)


def whole(text: str, low: int, high: int, what: str) -> int:
    """The number that a text names. LocalError where it names none between `low` and `high`."""
    number = -1
    if 0 < len(text) <= 10:
        number = 0
        for character in text:
            if not "0" <= character <= "9":
                number = -1
                break
            number = number * 10 + ord(character) - 48
    if not low <= number <= high:
        raise LocalError("%s `%s`: must be a whole number, %d to %d" % (what, shown(text), low, high), 2)
    return number


# the commands


def _status(console: "Console", words: "Words", is_text: bool, now: int) -> "Answer":
    if words == ["fields"]:
        names = list(fields()) + list(getattr(console.face, "more", ()))  # a host's system says more
        return table((("index", -5), ("field", 0)), enumerate(names), is_text)
    if words and words[0] == "every" and len(words) == 2:
        if words[1] == "off":
            console.status_ms = 0
        else:
            console.status_ms = whole(words[1], LEAST_STATUS_MS, MOST_STATUS_MS, "status every")
        return iter(())
    if words:
        raise LocalError("`%s`: allowed are fields, every MS, every off" % shown(" ".join(words)), 2)
    if not is_text:
        console.send_status(now)
        return _until_told(console)
    return _status_lines(console.face.read(), console)


def _until_told(console: "Console") -> "Answer":
    while console.is_telling:
        yield None


def _status_lines(s: "Status", console: "Console") -> "Answer":
    yield "chain    %s, clock %s, final: %s" % (s.chain, s.clock, s.final)
    yield "head     slot %d %s, support %d/%d, %s" % (s.best_slot, s.level, s.support, s.validators, s.best_hash[:16])
    yield "trust    vouched slot %d, root slot %d, %d headers kept%s%s" % (
        s.vouched_slot, s.root_slot, s.tree_headers, ", attested " + s.attested if s.attested else "",
        _STALLED if s.stalled else "")
    yield "checked  %d headers (%d by ticket, %d by fallback), %d refused" % (
        s.headers_checked, s.ticket_seals, s.fallback_seals, s.headers_refused)
    yield "epochs   %d, %d marks adopted, %d equivocations seen" % (s.epochs, s.adopted_marks, s.equivocations)
    yield "peers    %d of %d known (%d hybrid, %d classical), %d turned away" % (
        s.peers, s.peers_known, s.peers_hybrid, s.peers_classical, s.peers_refused)
    yield "state    %d proved answers, %d refused" % (s.proved_answers, s.refused_answers)
    yield "traffic  %d bytes in, %d bytes out" % (s.bytes_in, s.bytes_out)
    yield "memory   %d bytes used, %d free" % (s.heap_used, s.heap_free)
    yield "time     %d turns, busy for %d ms" % (s.turns, s.busy_ms)
    (day_used, day, month_used, month, declined, evicted, streams, gone) = s.take((
        "day_used", "day_bytes", "month_used", "month_bytes", "peers_declined", "peers_evicted", "streams_shed",
        "peers_shed"))
    yield "mode     %s; bytes today %s, this month %s" % (s.mode, _of(day_used, day), _of(month_used, month))
    yield "slots    %d strangers found none, %d peers made room; for memory %d streams and %d peers went" % (
        declined, evicted, streams, gone)
    for name, share in (("cpu", "cpu"), ("download", "down"), ("upload", "up")):
        total, rate, debt, most = s.take((share + "_total", share + "_rate", share + "_debt", share + "_most"))
        unit, parts = ("ms", 1000) if share == "cpu" else ("bytes", 1)  # its rate and debts are in microseconds
        limit = "limit %d %s/s" % (rate // parts, unit) if rate else "no limit"
        yield "%s %d %s, %s, debt %d (%d at most)" % (
            (name + " " * 8)[:8], total, unit, limit, debt // parts, most // parts)
    headers, wasted, sets = s.take(("flash_headers", "flash_wasted", "flash_sets"))
    if headers or sets:
        yield "flash    %d long headers written, %d of them for nothing; %d sets" % (headers, wasted, sets)
    sorter, editor = console.sorter, console.editor
    yield "console  %d frames, %d of them no requests (%d broken, %d too long, %d cut), %d lines unreadable" % (
        sorter.frames, console.refused, sorter.broken, sorter.oversize, sorter.cut, editor.unreadable)
    yield "output   %d lines and frames dropped, for nobody read" % console.output.dropped


def _of(used: int, cap: int) -> str:
    return "%d of %d" % (used, cap) if cap else str(used)


def _pools(console: "Console", words: "Words", is_text: bool, now: int) -> "Answer":
    _none(words)
    return table(POOLS, console.face.pools(), is_text)


def _peers(console: "Console", words: "Words", is_text: bool, now: int) -> "Answer":
    _none(words)
    return table(PEERS, console.face.peers(is_text), is_text)


def _budget(console: "Console", words: "Words", is_text: bool, now: int) -> "Answer":
    _none(words)
    return table(BUDGET, console.face.budget(now), is_text)


def _chain(console: "Console", words: "Words", is_text: bool, now: int) -> "Answer":
    return table(CHAIN, console.face.chain(_number(words, _CHAIN_ROWS, _MOST_ROWS, "headers")), is_text)


def _checkpoint(console: "Console", words: "Words", is_text: bool, now: int) -> "Answer":
    _none(words)
    text = console.face.trust()
    return iter((text if is_text else ("trust", text),))


def _log(console: "Console", words: "Words", is_text: bool, now: int) -> "Answer":
    log = console.log
    if words and words[0] == "since" and len(words) == 2:
        first = whole(words[1], 0, MOST_LINES, "log since")
    else:
        first = max(0, log.count - _number(words, _LOG_LINES, MOST_LINES, "lines"))
    return table(LOG, log.rows(first), is_text)


def _state(console: "Console", words: "Words", is_text: bool, now: int) -> "Answer":
    options = {"--level": "vouched", "--support": "0", "--seconds": str(_STATE_MS // 1000)}
    asked: "list[str]" = []
    at = 0
    while at < len(words):
        if words[at] in options and at + 1 < len(words):
            options[words[at]] = words[at + 1]
            at += 1
        elif words[at].startswith("--"):
            raise LocalError("`%s`: allowed are --level LEVEL, --support K, --seconds N" % shown(words[at]), 2)
        else:
            asked.append(words[at])
        at += 1
    support = whole(options["--support"], 0, 65535, "--support")
    seconds = whole(options["--seconds"], 1, _MOST_STATE_S, "--seconds")
    question = console.face.ask(asked, options["--level"], support, seconds * 1000)
    return _proved(question, is_text)


def _proved(question: "Any", is_text: bool) -> "Answer":
    try:
        while not question.is_done:
            yield None
    finally:
        question.cancel()  # nobody waits any more: the console was closed, or the line gave up
    found = question.describe()
    if not is_text:
        for key in found:
            value = found[key]
            if key == "value" and value is not None:
                yield from _pieces(value)
            elif key == "entries":
                for entry in value:
                    yield ("entry", entry[0], entry[1])
            else:
                yield (key, value)
        return
    for key, value in found.get("entries", ()):
        yield "%s = %s" % (key.hex(), value.hex() if value is not None else "(long)")
    yield "%s = %s" % (found["question"], found["shown"])
    value = found.get("value")
    if value is not None and len(value) > _LINE_BYTES:
        for first in range(0, min(len(value), _MOST_VALUE_BYTES), _LINE_BYTES):
            yield "  %6d  %s" % (first, value[first : first + _LINE_BYTES].hex())
        if len(value) > _MOST_VALUE_BYTES:
            yield "  and so on: %d bytes, all of them proved" % len(value)
    yield "proved by header %s of slot %d: %s, support %d/%d, %d slots behind the head, %d bytes of proof, from %s" % (
        found["committed_by"].hex()[:16], found["committed_in"], found["level"], found["support"], found["validators"],
        found["age_slots"], found["proof_bytes"], found["peer"][:12])


def _pieces(value: bytes) -> "Iterator[Row]":
    # ("value", where it begins, its bytes), up to a bound; the row "length" before it says how many there are.
    yield ("length", len(value))
    for first in range(0, min(len(value), _MOST_VALUE_BYTES), _VALUE_BYTES):
        yield ("value", first, value[first : first + _VALUE_BYTES])


def _mode(console: "Console", words: "Words", is_text: bool, now: int) -> "Answer":
    if len(words) > 1:
        raise LocalError("`%s`: one of full, idle, auto is enough" % shown(words[1]), 2)
    found = console.face.mode(words[0] if words else "")
    return iter((", wanted ".join(found),) if is_text else (found,))


def _reset(console: "Console", words: "Words", is_text: bool, now: int) -> "Answer":
    _none(words)
    console.reset_soon(now)
    return iter(("restarting",) if is_text else ())


def _help(console: "Console", words: "Words", is_text: bool, now: int) -> "Answer":
    commands = [find(word) for word in words] or COMMANDS
    if not is_text:
        return iter([(command.name, command.words, command.summary) for command in commands])
    return iter([("%s %s" % (command.name, command.words)).rstrip() + ": " + command.summary for command in commands])


MOST_LINES = (1 << 30) - 1
STATE_WORDS = "service ID | storage ID KEY | preimage ID HASH | key HEX31 | range HEX31 HEX31 | entropy | slot"
COMMANDS: "tuple[Command, ...]" = (  # a board with a radio adds one (wifi.py)
    Command("status", "[fields | every MS | every off]", "how the node is doing; as frames, again and again", _status),
    Command("pools", "", "lent buffers: their size, how many there are, are free, and were free at the least", _pools),
    Command("peers", "", "who is connected, how the connection is secured, or why it ended", _peers),
    Command("budget", "", "what is spent of what this board may spend", _budget),
    Command("chain", "[N]", "the newest N headers of the best branch, and what each is worth", _chain),
    Command("checkpoint", "", "what it trusts after a restart, as `--checkpoint` elsewhere takes it", _checkpoint),
    Command("state", "[--level sealed|vouched] [--support K] [--seconds N] " + STATE_WORDS,
            "a value of the state, proved, or why there is none", _state),
    Command("log", "[N | since NUMBER]", "the last N lines of what happened", _log),
    Command("mode", "[full | idle | auto]", "how it follows now, and how it should; or have it so", _mode),
    Command("reset", "", "restart the board", _reset),
    Command("help", "[COMMAND]", "these lines", _help),
)
assert MAX_FRAME > _VALUE_BYTES
