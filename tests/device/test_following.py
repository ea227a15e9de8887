"""A whole board follows a devnet: over lwIP and the hybrid handshake, asked on its console, reset on the way."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.device.emulated import Emulated
from tests.devnet.process import Devnet

HOST = "10.0.2.2"  # this machine, as QEMU's network shows it
SLOT_MS = 400
QUESTIONS = ("slot", "entropy", "service 0", "service 1", "service 4294967295")
_HEAD = re.compile(r"head +slot (\d+) (.*), support (\d)/6")
_TRUST = re.compile(r"trust +vouched slot (\d+), root slot (\d+), (\d+) headers kept$")
_CHECKED = re.compile(r"checked +(\d+) headers \((\d+) by ticket, (\d+) by fallback\), (\d+) refused")
_EPOCHS = re.compile(r"epochs +(\d+), (\d+) marks adopted, 0 equivocations")
_ROW = re.compile(r" +(\d+) +(linked|linked \(pending\)|sealed|vouched) +(\d) +([0-9a-f]{64})$")
_LAST = re.compile(r"^console ")
_STATE = re.compile(r"state +(\d+) proved answers, (\d+) refused")


class Person:
    """Types on the console and reads what comes."""

    def __init__(self, board: Emulated) -> None:
        self._board = board

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
        return int(self.status(_CHECKED)[0][1])

    def until_checked(self, count: int) -> None:
        """Ask until so many headers are."""
        while self.checked() < count:
            pass

    def chain(self, rows: int) -> "list[tuple[int, str]]":
        """(slot, level) of the newest headers, the newest first."""
        self.ask(f"chain {rows}")
        return [
            (int(row[1]), row[2]) for row in [self._board.expect_line(_ROW.search, "a header") for _ in range(rows)]
        ]

    def proved(self, question: str) -> str:
        """What is shown of a proved answer."""
        self.ask("state " + question)
        line = self._board.expect(rf"(?:{re.escape(question)} = |no peer|declined|not |still |ERROR|fault)")
        assert f"{question} = " in line.string, line.string
        self._board.expect("^proved by header .*: vouched, support [3-6]/6")
        return line.string.partition(" = ")[2]


@pytest.fixture
def devnet(tmp_path: Path) -> "Iterator[Devnet]":
    with Devnet(tmp_path, slot_ms=SLOT_MS) as running:
        yield running


def test_a_board_follows_answers_and_goes_on_after_a_reset(small: str, tmp_path: Path, devnet: Devnet) -> None:
    with Emulated(small, tmp_path, devnet.files(HOST)) as board:
        person = Person(board)
        board.expect(f"jamliquor-lite on {small}, reset by power")
        board.expect("made a key: node.key")
        board.expect("following devnet from slot 0 as 12D3KooW")
        name = board.lines[-1].split()[-1]
        board.expect("connected, hybrid")
        person.until_checked(45)
        answers = [person.proved(question) for question in (*QUESTIONS, *QUESTIONS)]
        assert len(answers) == 10 and any("absent" in answer or "none" in answer for answer in answers), answers
        _check(person, 0)
        (trust,) = person.status(_TRUST)
        root = int(trust[2])
        assert root > 0

        person.ask("reset")
        board.expect(f"jamliquor-lite on {small}, reset by reset")
        found = board.expect(r"following devnet from slot (\d+) as (\S+)")
        assert int(found[1]) >= root and found[2] == name
        board.expect("connected, hybrid")
        person.until_checked(30)
        assert person.proved("slot").isdigit()
        _check(person, 1)


def _check(person: Person, least_answers: int) -> None:
    """All that a board says of its chain is as it must be."""
    head, checked, epochs, state = person.status(_HEAD, _CHECKED, _EPOCHS, _STATE)
    assert int(checked[2]) > 0 and int(checked[3]) > 0 and checked[4] == "0"
    assert int(epochs[1]) >= 2 and int(epochs[2]) >= 2
    assert int(state[1]) >= least_answers and state[2] == "0"
    rows = person.chain(16)
    assert rows[0][0] >= int(head[1])
    # The newest few wait for a third of the validators to build on them; nothing else is less than vouched for.
    assert all(level == "vouched" for _, level in rows[8:]), rows
    assert {level for _, level in rows} <= {"sealed", "vouched", "linked (pending)"}, rows


def test_without_settings_it_says_so_and_waits(small: str, tmp_path: Path) -> None:
    with Emulated(small, tmp_path, {"board.conf": b"pq = perhaps\n"}) as board:
        board.expect("^board.conf line 1: pq is `perhaps`; allowed are require, prefer, off$")
        board.send("status\r")
        board.expect("^no node: board.conf line 1: pq is `perhaps`")
        board.send("reset\r")
        board.expect(f"jamliquor-lite on {small}, reset by reset")


def test_without_randomness_no_key_is_made(small: str, tmp_path: Path, devnet: Devnet) -> None:
    with Emulated(small, tmp_path, devnet.files(HOST), entropy=False) as board:
        board.expect("(?i)^.*(random|entropy|seed).*$")
        board.send("status\r")
        board.expect("^no node: ")
        assert not any("made a key" in line for line in board.lines)
