"""The command: lines for pipes, objects for scripts, pictures; and one line for each mistake."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from serial.tools import list_ports

from jamliquor_lite.cli.main import main
from jamliquor_lite.console import messages
from jamliquor_lite.monitor import session as sessions

from .fake import FakeBoard

MONITOR = [sys.executable, "-m", "jamliquor_lite.cli.main", "monitor"]


def monitor(*words: object, typed: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*MONITOR, *map(str, words)], input=typed, capture_output=True, text=True, timeout=60,
                          env={**os.environ, **environment})


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of a board, made by the command itself."""
    path = tmp_path_factory.mktemp("rec") / "a.rec"
    with FakeBoard() as board:
        board.say("jamliquor-lite on some-board, reset by power")
        done = monitor("--pty", board.name, "--record", path, "--every", 100, "--seconds", 3.5, typed="mode\n")
    assert done.returncode == 0 and not done.stderr, done.stderr
    text = done.stdout
    for wanted in ("-- connected to /dev/pts/", "jamliquor-lite on some-board", "full, wanted full"):
        assert wanted in text
    assert "== slot 10" in text and "heap 98.2 KB of 195 KB" in text and "\x1b" not in text
    assert all(line[2] == line[5] == ":" and line[8] == "." for line in text.splitlines())
    return path


def test_a_replay_says_the_same_again(recorded: Path) -> None:
    done = monitor("--replay", recorded, "--speed", 0)
    assert done.returncode == 0 and "full, wanted full" in done.stdout and "the recording has ended" in done.stdout


def test_objects_for_scripts(recorded: Path) -> None:
    done = monitor("--replay", recorded, "--speed", 0, "--json")
    items = [json.loads(line) for line in done.stdout.splitlines()]
    assert {item["event"] for item in items} == {"line", "status", "peers", "end"}
    status = [item for item in items if item["event"] == "status"]
    assert len(status) >= 20 and set(messages.fields()) <= set(status[-1]) and all(item["t"] > 0 for item in items)
    assert items[-1] == {"t": items[-1]["t"], "event": "end", "why": "the recording has ended"}


def test_a_picture_of_it(recorded: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.png"
    done = monitor("--plot", out, recorded)
    assert done.returncode == 0, done.stderr
    assert f"{out}: 3 s, " in done.stdout and "5 charts" in done.stdout
    image = Image.open(out)
    colours = {colour for _, colour in image.getcolors(1 << 20) or ()}
    assert image.size == (1200, 1118) and len(colours) > 20
    assert (79, 168, 216) in colours  # a line of the first series


def test_a_picture_of_a_recording_without_statuses(tmp_path: Path, recorded: Path) -> None:
    short = tmp_path / "short.rec"
    short.write_bytes(recorded.read_bytes()[:100])
    done = monitor("--plot", tmp_path / "x.png", short)
    assert done.returncode == 2 and "the recording has no status, so there is nothing to draw" in done.stderr
    done = monitor("--plot", tmp_path / "none" / "x.png", recorded)
    assert done.returncode == 2 and "No such file or directory" in done.stderr


def test_a_board_that_is_unplugged_does_not_end_it(tmp_path: Path) -> None:
    with FakeBoard(tmp_path) as board:
        process = subprocess.Popen([*MONITOR, "--pty", str(board.link), "--plain"], stdout=subprocess.PIPE, text=True,
                                   stdin=subprocess.DEVNULL)
        assert process.stdout
        steps = (("connected", board.unplug), ("trying again", board.plug), ("connected", process.terminate))
        for wanted, then in steps:
            while wanted not in process.stdout.readline():
                assert process.poll() is None
            then()
        process.wait(20)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["/dev/ttyNONE"], 2, "serial port /dev/ttyNONE: there is no such port"),
        (["a", "--pty", "b"], 2, "one of PORT, --socket, --pty and --replay is enough"),
        (["--replay", "x", "--record", "y"], 2, "what is replayed is recorded already"),
        (["--replay", "/none"], 2, "recording '/none': No such file or directory"),
        (["--replay", "/"], 2, "recording '/': Is a directory"),
        (["--speed", "x", "--pty", "y"], 2, "--speed 'x': must be a number from 0 to 1000"),
        (["--speed", "nan", "--pty", "y"], 2, "--speed 'nan': must be a number from 0 to 1000"),
        (["--every", "9", "--pty", "y"], 2, "--every '9': must be a number from 100 to 60000"),
        (["--seconds", "-1", "--pty", "y"], 2, "--seconds -1: must be a positive number of seconds"),
        (["--elf", "/none", "--pty", "y"], 2, "--elf '/none': No such file or directory"),
        (["--socket", ""], 2, "the name is empty"),
        (["--plot", "x.png"], 2, "--plot draws a recording: name its file"),
        (["--plot", "x.png", "/"], 2, "'/' is no file"),
        (["--what"], 2, "unrecognized arguments: --what"),
    ],
)
def test_what_is_wrong_is_one_line(
    words: "list[str]", status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["monitor", *words]) == status
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and said in err


@pytest.mark.parametrize(
    ("devices", "said"),
    [
        ([], "no USB serial port is plugged in"),
        (["/dev/ttyACM1", "/dev/ttyACM0"], "there are /dev/ttyACM0, /dev/ttyACM1"),
        (["/dev/ttyNONE"], "serial port /dev/ttyNONE: there is no such port"),  # the only one is taken
    ],
)
def test_without_a_port_it_is_the_only_one(
    devices: "list[str]", said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = [SimpleNamespace(device=device, vid=0x2E8A) for device in devices]
    builtin = SimpleNamespace(device="/dev/ttyS0", vid=None)  # is on every PC, with nothing behind it
    monkeypatch.setattr(list_ports, "comports", lambda: [builtin, *ports])
    assert main(["monitor"]) == 2
    assert said in capsys.readouterr().err


def test_help_names_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", "--help"]) == 0
    out = capsys.readouterr().out
    for flag in ("--socket", "--pty", "--replay", "--record", "--plot", "--plain", "--json", "--elf", "--speed"):
        assert flag in out


def test_a_board_that_is_none_of_ours_is_status_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "STRANGE_S", 1)
    with FakeBoard(speaks=False) as board:
        board.send_raw(b"MicroPython v1.26.1\r\n>>> ")
        assert main(["monitor", "--pty", board.name, "--plain"]) == 1
    out, err = capsys.readouterr()
    assert "MicroPython v1.26.1" in out
    assert len(err.splitlines()) == 1 and "no frame of jamliquor-lite within 1 s: a MicroPython prompt answers" in err
