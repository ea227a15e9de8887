"""A person at a board's console: types, reads the answers, and checks what a board says of its chain. The board is
anything with `send`, `expect` and `expect_line` as of emulated.py, be it a microcontroller or one with Linux."""

import re
import time

from tests.device.emulated import LIMIT_S, Emulated

HOST = "10.0.2.2"  # this machine, as QEMU's network shows it
QUESTIONS = ("slot", "entropy", "service 0", "service 1", "service 4294967295")
HEAD = re.compile(r"head +slot (\d+) (.*), support (\d)/6")
TRUST = re.compile(r"trust +vouched slot (\d+), root slot (\d+), (\d+) headers kept$")
CHECKED = re.compile(r"checked +(\d+) headers \((\d+) by ticket, (\d+) by fallback\), (\d+) refused")
_EPOCHS = re.compile(r"epochs +(\d+), (\d+) marks adopted, 0 equivocations")
_ROW = re.compile(r" +(\d+) +(linked|linked \(pending\)|sealed|vouched) +(\d) +([0-9a-f]{64})$")
_LAST = re.compile(r"^console ")
STATE = re.compile(r"state +(\d+) proved answers, (\d+) refused")
MEMORY = re.compile(r"memory +(\d+) bytes used, (\d+) free")
HEADERS_MS = re.compile(r"cpu headers +(\d+) ")  # of the answer to `budget`


class Person:
    """Types on the console and reads what comes."""

    def __init__(self, board: Emulated, pause_s: float = 0) -> None:
        """`pause_s` is between two looks while it waits: where the processor is rationed, answers cost the node its
        share."""
        self._board = board
        self._pause_s = pause_s
        self.early = 0  # questions that were refused since the board was still catching up

    def ask(self, words: str, *patterns: "re.Pattern[str]") -> "list[re.Match[str]]":
        """Type a command; the lines of its answer in which the patterns are found, in this order. An answer is read
        to its end before the next command."""
        self._board.send(words + "\r")  # its echo is no part of the answer: a line that is full drops it
        return [self._board.expect_line(pattern.search, pattern.pattern) for pattern in patterns]

    def status(self, *patterns: "re.Pattern[str]") -> "list[re.Match[str]]":
        """The lines of the status in which the patterns are found."""
        return self.ask("status", *patterns, _LAST)[:-1]

    def checked(self) -> int:
        """Headers that were checked and kept."""
        return int(self.status(CHECKED)[0][1])

    def until_checked(self, count: int) -> None:
        """Ask until so many headers are."""
        while self.checked() < count:
            time.sleep(self._pause_s)

    def chain(self, rows: int) -> "list[tuple[int, str]]":
        """(slot, level) of the newest headers, the newest first."""
        self.ask(f"chain {rows}")
        return [
            (int(row[1]), row[2]) for row in [self._board.expect_line(_ROW.search, "a header") for _ in range(rows)]
        ]

    def proved(self, question: str) -> str:
        """What is shown of a proved answer."""
        until = time.monotonic() + LIMIT_S
        while True:
            self.ask("state " + question)
            # Not what the log says between: a peer that left had a reason, in such words too.
            words = rf"^(?!.*peer left: ).*?(?:{re.escape(question)} = |no peer|declined|not |still |ERROR|fault)"
            line = self._board.expect(words)
            if not line.string.startswith("still ") or not self._pause_s or time.monotonic() > until:
                break
            self.early += 1
            time.sleep(self._pause_s)  # a board with little of the processor catches up between two headers
        assert f"{question} = " in line.string, line.string
        self._board.expect("^proved by header .*: vouched, support [3-6]/6")
        return line.string.partition(" = ")[2]


def check(person: Person, least_answers: int) -> None:
    """All that a board says of its chain is as it must be."""
    head, checked, epochs, state = person.status(HEAD, CHECKED, _EPOCHS, STATE)
    assert int(checked[2]) > 0 and int(checked[3]) > 0 and checked[4] == "0"
    assert int(epochs[1]) >= 2 and int(epochs[2]) >= 2
    assert int(state[1]) >= least_answers and int(state[2]) <= person.early
    rows = person.chain(16)
    assert rows[0][0] >= int(head[1])
    # The newest few wait for a third of the validators to build on them; nothing else is less than vouched for.
    assert all(level == "vouched" for _, level in rows[8:]), rows
    assert {level for _, level in rows} <= {"sealed", "vouched", "linked (pending)"}, rows
