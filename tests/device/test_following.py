"""A whole board follows a devnet: over lwIP and the hybrid handshake, asked on its console, reset on the way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.device.emulated import Emulated
from tests.device.person import HOST, QUESTIONS, TRUST, Person, check
from tests.devnet.process import Devnet

SLOT_MS = 400
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
        check(person, 0)
        (trust,) = person.status(TRUST)
        root = int(trust[2])
        assert root > 0

        person.ask("reset")
        board.expect(f"jamliquor-lite on {small}, reset by reset")
        found = board.expect(r"following devnet from slot (\d+) as (\S+)")
        assert int(found[1]) >= root and found[2] == name
        board.expect("connected, hybrid")
        person.until_checked(30)
        assert person.proved("slot").isdigit()
        check(person, 1)


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
