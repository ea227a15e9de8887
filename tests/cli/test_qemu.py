"""`qemu`: an emulated board follows the chain beside it, is asked from outside, and goes on from a kept folder."""

import socket
from pathlib import Path

import pytest

from jamliquor_lite.cli import machine, qemu
from jamliquor_lite.cli.main import main
from jamliquor_lite.cli.qemu import Kept
from jamliquor_lite.errors import LocalError

BOARD = "qemu-virt-rv32-264k"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "the following arguments are required: BOARD"),
        (["qemu-virt-rv32-246k"], f"no board is called 'qemu-virt-rv32-246k'; did you mean {BOARD}?"),
        (["pico"], "pico is a board to plug in: `board show pico` says how to flash it; emulated are those that "),
        (["raspberry-pi-zero-2w"], "raspberry-pi-zero-2w is a board to plug in"),
        ([BOARD, "--net", "0"], "--net '0': allowed are THERE or HERE:THERE, ports from 1 to 65535"),
        ([BOARD, "--net", "1:2:3"], "--net '1:2:3': allowed are THERE or HERE:THERE"),
        ([BOARD, "--net", ":80"], "--net ':80': allowed are THERE or HERE:THERE"),
        ([BOARD, "--seconds", "x"], "--seconds x: must be a positive number of seconds"),
        ([BOARD, "--firmware", "/nowhere"], "--firmware '/nowhere': no such file"),
        ([BOARD, "--snapshot", "/proc/none"], "--snapshot '/proc/none': No such file or directory"),
        ([BOARD, "--snapshot", "/dev/null"], "--snapshot '/dev/null': File exists"),
        (["qemu-virt-aarch64", "--serial2"], "--serial2: qemu-virt-aarch64 has no second serial port"),
    ],
)
def test_what_is_wrong_is_one_line(capsys: pytest.CaptureFixture[str], words: "list[str]", said: str) -> None:
    assert main(["qemu", *words]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and said in err


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["qemu", BOARD, "--net", f"{port}:80"]) == 2
    assert f"--net {port}:80: 127.0.0.1:{port}: Address already in use" in capsys.readouterr().err
    here, there = qemu._forward("80")
    assert there == 80 and here > 1023


def test_an_installed_package_builds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine, "CHECKOUT", tmp_path)
    assert main(["qemu", BOARD]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "firmware and images are built in a checkout of the repository" in line


def test_without_an_emulator_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "firmware.elf").touch()
    assert main(["qemu", BOARD, "--firmware", str(tmp_path / "firmware.elf")]) == 2
    assert "there is no qemu-system-riscv32 here; on Debian: apt-get install" in capsys.readouterr().err


def test_a_folder_keeps_where_its_chain_is(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    first = Kept(str(folder), BOARD)
    assert (first.port, first.blocks, Path(first.disk)) == (0, 40, folder / "disk")
    with pytest.raises(LocalError, match="held by another process"):
        Kept(str(folder), BOARD)
    first.port, first.blocks = 4001, 77
    first.save()
    first.release()
    second = Kept(str(folder), BOARD)
    assert (second.port, second.blocks) == (4001, 77)
    second.release()
    with pytest.raises(LocalError, match=f"the folder is of '{BOARD}', not of qemu-virt-rv32-520k"):
        Kept(str(folder), "qemu-virt-rv32-520k")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not what an earlier run has left there"),
        ("[]", "not what an earlier run has left there"),
        ('{"board": "%s", "port": "1", "blocks": 3}' % BOARD, "not what an earlier run has left there"),
        ('{"board": "%s", "port": 70000, "blocks": 3}' % BOARD, "not what an earlier run has left there"),
        ('{"board": "%s", "port": true, "blocks": 3}' % BOARD, "not what an earlier run has left there"),
        ('{"board": "%s", "port": 1, "blocks": 30000}' % BOARD, "and at most 20000 are authored again"),
    ],
)
def test_a_folder_with_a_state_of_another_form(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(LocalError, match=said) as caught:
        Kept(str(tmp_path), BOARD)
    assert caught.value.exit_code == 2
    (tmp_path / "state.json").unlink()
    (tmp_path / "disk").touch()
    with pytest.raises(LocalError, match="missing beside a disk"):
        Kept(str(tmp_path), BOARD)
