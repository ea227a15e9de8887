"""The board's console on its UART: lines and frames side by side, and noise between good frames."""

import random
import time

import pytest

from jamliquor_lite.codec import cbor, serial_frame
from jamliquor_lite.codec.serial_frame import FRAME, TEXT, Sorter
from jamliquor_lite.console import messages
from jamliquor_lite.console.commands import COMMANDS
from jamliquor_lite.console.messages import DONE, FAULT, ROW, STATUS, fields
from tests.device.emulated import LIMIT_S, Emulated

FRAMES = 64


class Terminal:
    """Sorts what the board writes into text and frames."""

    def __init__(self, board: Emulated) -> None:
        self.board = board
        self.text = ""
        self.frames = []
        self.sorter = Sorter()

    def until(self, condition) -> None:
        late = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < late and "Traceback" not in self.text, self.text
            data = self.board.read_raw(1)
            self.sorter.feed(data, 0, 1, 0)
            if self.sorter.event == TEXT:
                self.text += data.decode(errors="replace")
            elif self.sorter.event == FRAME:
                self.frames.append(messages.read(bytes(self.sorter.buf[self.sorter.start : self.sorter.end])))

    def type(self, line: str) -> str:
        """The answer to a command that a person types."""
        self.text = ""
        self.board.send(line + "\r")
        self.until(lambda: self.text.endswith("\r\n> "))
        return self.text.partition("\r\n")[2][:-2]

    def ask(self, number: int, command: str, *words, before: bytes = b""):
        """The frames that answer a request."""
        self.frames = []
        self.board.send(before + serial_frame.encode(messages.request(number, command, words)))
        self.until(lambda: any(frame[0] in (DONE, FAULT) and frame[1] == number for frame in self.frames))
        return self.frames


    def status(self) -> "dict[str, int | str]":
        """The status of the board's node by the names of its fields."""
        found = {}
        names = list(fields())
        for kind, _, first, *values in self.ask(1, "status"):
            if kind == STATUS:
                found.update(zip(names[first:], values, strict=False))
        return found


@pytest.fixture(scope="module")
def terminal(small, tmp_path_factory):
    """A board that was told nothing: it has no node, says why, and answers all the same."""
    with Emulated(small, tmp_path_factory.mktemp("board"), {}) as board:
        board.expect("board.conf: no such settings file")
        yield Terminal(board)


def test_lines(terminal: Terminal) -> None:
    assert terminal.type("help").count("\r\n") == len(COMMANDS)
    assert "no such settings file" in terminal.type("log")
    assert terminal.type("status").startswith("no node: ")
    assert terminal.type("stats") == "unknown command `stats`: `help` lists them\r\n"
    assert "no such settings file" in terminal.type("nonsense\x15logs\x7f")


def test_frames(terminal: Terminal) -> None:
    rows = terminal.ask(5, "log")
    assert rows[0][:2] == [ROW, 5] and rows[-1] == [DONE, 5, len(rows) - 1]
    assert terminal.ask(6, "help")[0][:3] == [ROW, 6, "status"]
    assert terminal.ask(7, "status")[0][:2] == [FAULT, 7]
    assert not any(frame[0] == STATUS for frame in terminal.frames)


# QEMU hands a UART its bytes one by one: a mebibyte is about a minute of a processor's time. All of it goes through the
# console on both interpreters (tests/console), and through the board's UART with --long.
@pytest.mark.parametrize("size", [1 << 16, pytest.param(1 << 20, marks=pytest.mark.long)])
def test_noise_cut_frames_and_another_baud_rate_lose_no_good_frame(size: int, terminal: Terminal) -> None:
    chance = random.Random(4)
    whole = serial_frame.encode(messages.request(1, "log", (3,)))
    for number in range(FRAMES):
        kind = number % 4
        if kind == 0:
            noise = chance.randbytes(4 * size // FRAMES)
        elif kind == 1:
            noise = whole[: chance.randrange(len(whole))]
        elif kind == 2:
            # Never all but the last byte: with the zero that begins the next one that is a good frame.
            noise = b"".join([whole[: chance.randrange(len(whole) - 1)] for _ in range(20)])
        else:  # each bit of other frames lasts three times as long, or a third
            bits = "".join([f"{byte:08b}"[::-1] for byte in whole * 4])
            bits = "".join([bit * 3 for bit in bits]) if chance.random() < 0.5 else bits[::3]
            noise = bytes([int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8)])
        frames = terminal.ask(1000 + number, "log", 1, before=noise)
        assert frames[-1] == [DONE, 1000 + number, 1], kind
    terminal.type("\x15")
    assert "no such settings file" in terminal.type("log"), "and a person is still answered"
    assert terminal.sorter.broken == terminal.sorter.oversize == 0, "what the board wrote was whole"


def test_a_frame_that_no_board_knows(terminal: Terminal) -> None:
    for body in (b"\xff\xff", cbor.dumps([9, 9]), cbor.dumps({})):
        terminal.board.send(serial_frame.encode(body))
    assert terminal.ask(8, "log", 1)[-1] == [DONE, 8, 1]


def test_reset(terminal: Terminal) -> None:
    terminal.board.send("reset\r")
    terminal.until(lambda: "reset by reset" in terminal.text and "no such settings file" in terminal.text[-200:])
