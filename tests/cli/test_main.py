"""The command line: which command, which exit status, and one line for whatever fails."""

import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

from jamliquor_lite.cli import main as cli
from jamliquor_lite.errors import BudgetError, LocalError, RemoteError, VerifyError

ROOT = Path(__file__).resolve().parents[2]


def command(monkeypatch: pytest.MonkeyPatch, run) -> None:  # type: ignore[no-untyped-def]
    """Let `id` be a command that does `run(args)`."""
    module = types.ModuleType("stand_in")
    module.add_arguments = lambda parser: parser.add_argument("--number", type=int)  # type: ignore[attr-defined]
    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setattr(cli, "load", lambda name: module)


def raising(error: BaseException):  # type: ignore[no-untyped-def]
    def run(args) -> int:  # type: ignore[no-untyped-def]
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (LocalError("no disk"), 1, "no disk"),
        (LocalError("no such thing", 2), 2, "no such thing"),
        (VerifyError("seal", "wrong signature"), 1, "check `seal` failed: wrong signature"),
        (RemoteError(7, "cut short"), 1, "the peer broke the protocol: cut short"),
        (BudgetError("max_peers", "no room"), 1, "limit max_peers reached: no room"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ModuleNotFoundError("No module", name="aioquic.quic"), 1, "needs aioquic: pip install 'jamliquor-lite[quic]'"),
        (ModuleNotFoundError("No module named 'x'", name="x"), 1, "No module named 'x'"),
        (PermissionError(13, "Permission denied", "/etc/x"), 1, "/etc/x: Permission denied"),
        (OSError("just so"), 1, "just so"),
        (ZeroDivisionError("by zero"), 1, "this is a bug: ZeroDivisionError: by zero at test_main.py:"),
        (LocalError("two\nlines and \x1b[31m red\u202e"), 1, "two lines and ?[31m red?"),
    ],
)
def test_each_failure_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, status: int, line: str
) -> None:
    command(monkeypatch, raising(error))
    assert cli.main(["id"]) == status
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("jamliquor-lite: ") and line in err
    assert err.count("\n") == 1 and err.endswith("\n")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "name a command: run, state"),
        (["nope"], "no command `nope`; there are: run, state"),
        (["--nope"], "no command `--nope`"),
        (["id", "--nope"], "unrecognized arguments: --nope (see `jamliquor-lite id --help`)"),
        (["id", "--number", "x"], "argument --number: invalid int value: 'x'"),
        (["id", "--number"], "argument --number: expected one argument"),
    ],
)
def test_wrong_arguments_are_the_user_s(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], line: str
) -> None:
    command(monkeypatch, lambda args: 0)
    assert cli.main(words) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("jamliquor-lite: ") and line in err and err.count("\n") == 1


def test_a_command_gets_its_arguments_and_gives_the_status(monkeypatch: pytest.MonkeyPatch) -> None:
    command(monkeypatch, lambda args: args.number)
    assert cli.main(["id", "--number", "5"]) == 5


@pytest.mark.parametrize("word", ["--help", "-h", "help"])
def test_help_names_every_command(capsys: pytest.CaptureFixture[str], word: str) -> None:
    assert cli.main([word]) == 0
    out, err = capsys.readouterr()
    assert err == "" and all(f"  {name} " in out for name, _ in cli.COMMANDS)


def test_help_of_a_command_ends_well(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    command(monkeypatch, lambda args: 1)
    assert cli.main(["id", "--help"]) == 0
    assert "--number" in capsys.readouterr().out


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("jamliquor-lite 0.")


def test_a_bug_shows_its_traceback_to_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    command(monkeypatch, raising(ZeroDivisionError()))
    monkeypatch.setenv("JAMLIQUOR_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        cli.main(["id"])


def test_a_reader_that_leaves_is_no_failure_to_report() -> None:
    # The pipe is closed before anything is written to it, so the write is sure to fail.
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-m", "jamliquor_lite.cli.main", "--help"]
    done = subprocess.run(words, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")
