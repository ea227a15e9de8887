"""The console on a serial line: commands come in, as lines that a person types or as frames, and answers go out.

    console = Console(tty, face, log)
    console.poll(now)          each turn: bounded work, no waiting
    console.wake_at(now)       when to come back at the latest (ms), or -1: not before the line wakes the waker

What the console knows of the node it has from `face`, a small object that the entry point makes (node/face.py):

    read() -> Status                         the node's numbers, now
    pools(), peers(short), budget(now), chain(count) -> rows of the columns in commands.py
    ask(words, level, support, timeout_ms)   begin a question about state; LocalError where it is none. It has
                                             `is_done`, `cancel()`, and `describe()`: what was proved by name, or
                                             the LocalError that says why nothing is
    trust() -> str                           the trust string of the checkpoint that a restart begins with
    mode(wanted) -> (now, wanted)            full, idle, auto; "" asks only
    reset                                    restarts the board; None where there is none to restart

Nobody has to read what it writes. Answers are made as far as the ring has room; when the line takes nothing for
`STALL_MS`, what is left of them is dropped, whole lines of it, and counted.
"""

from ..codec.serial_frame import FRAME, MAX_FRAME, TEXT, Sorter
from ..const import const
from ..errors import BudgetError, LocalError, VerifyError
from . import lines, messages
from .lines import LineEditor
from .log import Log
from .output import Output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

RING_BYTES = 2048
INPUT_BYTES = 64  # read at a time
ANSWERS = 4  # under way at once; who asks more is told to come back
STALL_MS = 1_000
_READS = const(4)  # of INPUT_BYTES in a turn: noise at the line's full speed must not keep the node from its work
_ROWS = const(16)  # of all answers in a turn
_LINE_ROOM = const(322)  # that a line or a frame needs at the most
_LOOK_MS = const(50)  # how often an answer that waits for the node is looked at
_RESET_MS = const(500)  # what is left to tell goes out before the restart
_QUIET_MS = const(1_000)  # between two complaints about noise
_MOST_WORDS = const(16)
_PROMPT = b"> "
_NEW_LINE = b"\r\n"
_CANCELLED = b"^C\r\n"
_NO_MEMORY = "not enough memory for the answer"
_COMPLAINTS = {
    lines.LONG: "a line has at most %d characters" % lines.MAX_LINE,
    lines.UNREADABLE: "unreadable bytes: the line was dropped",
}


class _Answer:
    """One that is under way. `number` is the request's id, -1 for a person's."""

    def __init__(self, number: int, rows: "Iterator[Any]") -> None:
        self.number = number
        self.rows = rows
        self.count = 0


class Console:
    """`status_ms` is how often a status goes out unasked, 0 is never; a request may change it."""

    def __init__(self, tty: "Any", face: "Any", log: "Log | None" = None, status_ms: int = 0,
                 ring_bytes: int = RING_BYTES) -> None:
        self.face = face
        self.log = log or Log()
        self.status_ms = status_ms
        self.sorter = Sorter()
        self.editor = LineEditor()
        self.output = Output(ring_bytes)
        self.refused = 0  # frames that are no requests
        self._tty = tty
        self._in = memoryview(bytearray(INPUT_BYTES))
        self._answers: "list[_Answer]" = []
        self._status: "Iterator[bytes] | None" = None  # what is not out of one that was begun
        self._status_at = 0
        self._moved_at = 0  # when the line last took something, or there was nothing to take
        self._complained_at = -_QUIET_MS
        self._reset_at = -1
        self._is_busy = False

    def poll(self, now: int) -> None:
        """Read, answer and write, a bounded amount of each."""
        self._is_busy = False
        if not self.output.size:
            self._moved_at = now
        self._read(now)
        self._tell_status()
        if self.status_ms and now >= self._status_at and not self.is_telling:
            self._status_at = now + self.status_ms
            try:
                self.send_status(now)
            except LocalError:
                pass  # there is no node yet; who asks is told why
        for _ in range(_ROWS):
            if not self._step():
                break
        else:
            self._is_busy = True
        if self.output.drain(self._tty) or not self.output.size:
            self._moved_at = now
        elif now - self._moved_at >= STALL_MS:
            self._give_up()
        if self.is_telling and self.output.room >= MAX_FRAME:
            self._is_busy = True
        self._tty.watch(True, self.output.size > 0)
        if 0 <= self._reset_at <= now or (self._reset_at >= 0 and not self.output.size and not self._answers):
            self._reset_at = -1
            self.face.reset()

    def wake_at(self, now: int) -> int:
        """When to poll at the latest; -1: not before the line wakes the waker."""
        if self._is_busy:
            return now
        at = self._reset_at
        if self.status_ms:
            at = _earlier(at, self._status_at)
        if self.output.size:
            at = _earlier(at, self._moved_at + STALL_MS)
        return _earlier(at, now + _LOOK_MS) if self._answers else at

    def attach(self, tty: "Any") -> None:
        """Go on with another line, without what waited for the one before."""
        self._tty = tty
        self._answers = []
        self._status = None
        self.output.clear()
        self.editor.clear()

    def tell(self, text: str) -> None:
        """Put a line that nobody asked for. What is being typed is shown again behind it."""
        is_typing = self.editor.count > 0 and self.editor.event == lines.NOTHING
        if is_typing:
            self.output.echo(_NEW_LINE, 0, len(_NEW_LINE))
        self.output.line(text)
        if is_typing:
            self._prompt()

    # what the commands use

    def send_status(self, now: int) -> None:
        """Put one status, in as many frames as it takes, as they find room."""
        self._status = messages.status(self.face.read(), now)
        self._tell_status()

    @property
    def is_telling(self) -> bool:
        """A status is not out yet."""
        return self._status is not None

    def _tell_status(self) -> None:
        while self._status is not None and self.output.room >= MAX_FRAME:
            body = next(self._status, None)
            if body is None:
                self._status = None
            else:
                self.output.frame(body)

    def reset_soon(self, now: int) -> None:
        """Restart once what is left to tell is out. LocalError where nothing can be restarted from here."""
        if self.face.reset is None:
            raise LocalError("reset restarts a board, and this node runs on none", 2)
        self._reset_at = now + _RESET_MS

    # what comes

    def _read(self, now: int) -> None:
        room = self._in
        for _ in range(_READS):
            size = self._tty.recv_into(room, 0, INPUT_BYTES)
            if size <= 0:
                return
            self.feed(room, 0, size, now)
            if size < INPUT_BYTES:
                return
        self._is_busy = True

    def feed(self, buf: "memoryview | bytes", start: int, end: int, now: int) -> None:
        """Take what came over the line."""
        sorter = self.sorter
        while start < end:
            start = sorter.feed(buf, start, end, now)
            if sorter.event == TEXT:
                self._type(buf, sorter.text_start, sorter.text_end, now)
            elif sorter.event == FRAME:
                self._request(bytes(memoryview(sorter.buf)[sorter.start : sorter.end]), now)

    def _type(self, buf: "memoryview | bytes", start: int, end: int, now: int) -> None:
        editor, output = self.editor, self.output
        while start < end:
            # While a person's answer is on its way, what is typed shows with the prompt behind it.
            start = editor.take(buf, start, end, None if self._is_talking else output)
            event = editor.event
            if event == lines.NOTHING:
                continue
            if event == lines.CANCELLED:
                output.echo(_CANCELLED, 0, len(_CANCELLED))
                self._prompt()
                continue
            output.echo(_NEW_LINE, 0, len(_NEW_LINE))
            if event == lines.LINE:
                self._command(-1, editor.text.split(), now)
            elif now - self._complained_at >= _QUIET_MS:
                self._complained_at = now
                output.line(_COMPLAINTS[event])
                self._prompt()

    def _request(self, body: bytes, now: int) -> None:
        try:
            items = messages.read(body)
        except VerifyError:
            self.refused += 1
            return
        if items[0] != messages.REQUEST or len(items) < 2 or not messages.is_whole(items[1]):
            self.refused += 1
            return
        number = items[1]
        if not 0 <= number <= messages.MAX_ID:
            self.refused += 1
            return
        words = []
        for item in items[2:]:
            if not isinstance(item, str) and not messages.is_whole(item):
                self._fail(number, "a request is a list: 0, id, command, and words that are texts or numbers")
                return
            words.append(str(item))
        self._command(number, words, now)

    # what goes

    @property
    def _is_talking(self) -> bool:
        for answer in self._answers:
            if answer.number < 0:
                return True
        return False

    def _command(self, number: int, words: "list[str]", now: int) -> None:
        if not words:
            if number < 0:
                self._prompt()
            else:
                self._fail(number, "a request without a command")
            return
        try:
            if len(self._answers) >= ANSWERS:
                raise BudgetError("answers", "%d answers are on their way: try again" % ANSWERS)
            if len(words) > _MOST_WORDS:
                raise LocalError("a command has at most %d words" % _MOST_WORDS, 2)
            rows = self._answer(words, number < 0, now)
        except (LocalError, BudgetError) as error:
            self._fail(number, str(error))
            return
        except MemoryError:
            self._fail(number, _NO_MEMORY)
            return
        self._answers.append(_Answer(number, rows))

    def _answer(self, words: "list[str]", is_person: bool, now: int) -> "Iterator[Any]":
        from .commands import find  # a board that nobody asks does without

        return find(words[0]).answer(self, words[1:], is_person, now)

    def _fail(self, number: int, text: str) -> None:
        if number < 0:
            self.output.line(text)
            self._prompt()
        else:
            self.output.frame(messages.fault(number, text))

    def _prompt(self) -> None:
        if self._is_talking:
            return
        self.output.echo(_PROMPT, 0, len(_PROMPT))
        if self.editor.event == lines.NOTHING:
            self.output.echo(self.editor.line, 0, self.editor.count)

    def _step(self) -> bool:
        """Let one answer go on by a row. Whether any of them could."""
        is_first = True  # a person's answers come one after the other
        for answer in self._answers:
            if self.output.room < _LINE_ROOM:
                return False
            if answer.number < 0 and not is_first:
                continue
            is_first = is_first and answer.number >= 0
            try:
                row = next(answer.rows)
                if row is None:
                    continue
                answer.count += 1
                if answer.number < 0:
                    self.output.line(row)
                else:
                    self.output.frame(messages.row(answer.number, row))
            except StopIteration:
                self._end(answer, "")
            except (LocalError, BudgetError) as error:
                self._end(answer, str(error))
            except MemoryError:
                self._end(answer, _NO_MEMORY)
            return True
        return False

    def _end(self, answer: _Answer, fault: str) -> None:
        self._answers = [other for other in self._answers if other is not answer]
        if fault:
            self._fail(answer.number, fault)
        elif answer.number < 0:
            self._prompt()
        else:
            self.output.frame(messages.done(answer.number, answer.count))

    def _give_up(self) -> None:
        # Nobody reads: what is left of the answers is counted and forgotten. What is in the ring stays, it is bounded.
        if self._status is not None:
            self._status = None
            self.output.dropped += 1
        if not self._answers:
            return
        kept = []
        for answer in self._answers:
            row = None
            try:
                row = next(answer.rows)
                while row is not None:
                    self.output.dropped += 1
                    row = next(answer.rows)
                kept.append(answer)  # it waits for something itself
            except (StopIteration, LocalError, BudgetError, MemoryError):
                pass
        self._answers = kept


def _earlier(one: int, other: int) -> int:
    # Of two moments, of which -1 is never.
    return one if other < 0 or 0 <= one < other else other
