"""The full screen in a real terminal: what tmux shows of it, what tmux types, and the terminal as it was afterwards."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.building import ToolError, install

from .fake import FakeBoard


class Tmux:
    """One window of 80 x 24 with a shell, on a server of its own."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux")
        self.run("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24",
                 "env -u NO_COLOR -u COLUMNS -u LINES PS1='$ ' sh")

    def run(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-S", self._socket, *words], capture_output=True, text=True, check=True)
        return done.stdout

    def keys(self, *keys: str) -> None:
        self.run("send-keys", *keys)

    def expect(self, wanted: str) -> str:
        until = time.monotonic() + 30
        while True:
            text = self.run("capture-pane", "-p")
            if wanted in text:
                return text
            assert time.monotonic() < until, f"{wanted!r} is not on\n{text}"
            time.sleep(0.05)


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    if not shutil.which("tmux"):
        try:
            install(["tmux"], "tmux")
        except ToolError as error:
            if error.status == 2:
                pytest.skip(str(error))
            raise
    terminal = Tmux(tmp_path)
    yield terminal
    terminal.run("kill-server")


def test_a_person_watches_types_and_leaves(tmux: Tmux) -> None:
    with FakeBoard() as board:
        tmux.keys(f"{sys.executable} -m jamliquor_lite.cli.main monitor --pty {board.name}; echo status $?", "Enter")
        text = tmux.expect("hybrid")
        lines = text.splitlines()
        assert lines[0].startswith(" jamliquor-lite ") and "● live" in lines[0]
        assert lines[1].startswith("╭─ chain jamliquor-devnet-tiny ─") and lines[23].startswith(" type help · Tab")
        tmux.keys("mo", "Tab", "Enter")
        tmux.expect("full, wanted full")
        tmux.keys("Up")
        tmux.expect("\n mode")
        tmux.keys("C-q")
        text = tmux.expect("status 0")
        assert "╭─" not in text and "monitor --pty" in text  # the shell's screen is back


def test_a_window_may_change_its_size(tmux: Tmux) -> None:
    with FakeBoard() as board:
        tmux.keys(f"{sys.executable} -m jamliquor_lite.cli.main monitor --pty {board.name}; echo status $?", "Enter")
        tmux.expect("hybrid")
        tmux.run("resize-window", "-x", "120", "-y", "40")
        lines = tmux.expect("least free").splitlines()
        assert all(len(line) == 120 for line in lines[1:39] if "│" in line), lines
        tmux.keys("C-q")
        tmux.expect("status 0")


def test_a_mistake_is_said_on_a_clean_screen(tmux: Tmux) -> None:
    tmux.keys(f"{sys.executable} -m jamliquor_lite.cli.main monitor /dev/ttyNONE; echo status $?", "Enter")
    assert "jamliquor-lite: serial port /dev/ttyNONE: there is no such port" in tmux.expect("status 2")
