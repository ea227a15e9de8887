"""`flash` on the command line, ports and their faults, and how little a dry run loads."""

import ast
import builtins
import grp
import json
import os
import pty
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jamliquor_lite.cli import boards, flash, main
from jamliquor_lite.console import commands
from jamliquor_lite.console import wifi as console_wifi
from jamliquor_lite.console.console import Console
from jamliquor_lite.errors import LocalError
from jamliquor_lite.flash import package, ports, uf2, wifi
from jamliquor_lite.ports.micropython import wlan
from tests.support import ROOT

from .support import progress, target
from .test_wlan import Radio

SECRET = "correct horse"
PICO = ports.Port("/dev/ttyACM3", "2e8a:0005", "Pico")
BRIDGE = ports.Port("/dev/ttyUSB0", "10c4:ea60", "CP2102")


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> "list[ports.Port]":
    """The ports of this machine."""
    found: "list[ports.Port]" = []
    monkeypatch.setattr(ports, "found", lambda: list(found))
    return found


def say(*words: str) -> int:
    return main.main(["flash", *words])


def test_a_dry_run_loads_little() -> None:
    """Figures: 0.5 s are allowed and 0.1 s taken, most of it the start of Python. What costs is what is imported."""
    program = (
        "import sys, json; before = set(sys.modules); from jamliquor_lite.cli.main import main; "
        "status = main(sys.argv[1:]); print(json.dumps([status, sorted(set(sys.modules) - before)]))")
    for name in boards.names():
        words = ["flash", name, "--dry-run"]
        done = subprocess.run(
            [sys.executable, "-c", program, *words], capture_output=True, text=True, cwd=ROOT, check=True)
        status, loaded = json.loads(done.stdout.strip().splitlines()[-1])
        assert status in (0, 2), done.stderr
        heavy = {"esptool", "mpremote", "textual", "asyncio", "cryptography", "aioquic", "rich", "ssl", "cbor2"}
        assert not heavy & {module.split(".")[0] for module in loaded}, name
        assert len(loaded) < 200, name


def test_every_board_has_a_plan(there: "list[ports.Port]", capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    image = tmp_path / "card.img"
    image.write_bytes(bytes(510) + b"\x55\xaa")
    esp32 = ["--method", "mpremote"]
    for name in boards.names():
        board = boards.find(name)
        words = {"ssh": ["--host", "pi@192.0.2.7"], "mpremote": esp32,
                 "image": ["--image", str(image), "--port", str(tmp_path / "out")]}.get(board.texts("method")[0], [])
        assert say(name, "--dry-run", *words) == 0, capsys.readouterr().err
        out = capsys.readouterr().out
        assert name in out and out.endswith("a dry run: nothing was touched\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["pico3"], 2, "no board is called 'pico3'; did you mean pico?"),
        (["pico", "--method", "esptool"], 2, "pico is not flashed by 'esptool', but by uf2"),
        (["pico", "--image", "/nowhere"], 2, "/nowhere: No such file"),
        (["pico", "--wifi", "Home"], 2, "--wifi: pico has no radio"),
        (["pico", "--yes"], 2, "no drive RPI-RP2 is mounted: hold BOOTSEL"),  # before anything is built
        (["esp32-c3", "--wifi", "x" * 33, "--dry-run"], 2, "the name of a network has 1 to 32 bytes"),
        (["pico2-w", "--wifi", "", "--dry-run"], 2, "the name of a network has 1 to 32 bytes"),
        (["esp32-c3"], 2, "esp32-c3 is not plugged in, or its cable has no data wires"),
        (["esp32-c3", "--method", "esptool"], 2, "name MicroPython's firmware with --image"),
        (["raspberry-pi-4"], 2, "name the board with --host USER@HOST"),
        (["raspberry-pi-4", "--host", "x y"], 2, "USER@HOST or USER@HOST:PORT is needed"),
        (["milkv-duo"], 2, "name the file with --image"),
        (["qemu-virt-rv32-264k", "--image", "x"], 2, "which takes none"),
        ([], 2, "BOARD"),
    ],
)
def test_wrong_words(
    there: "list[ports.Port]", capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    words: "list[str]", status: int, says: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(flash, "_built", None)
    assert say(*words) == status
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1


def test_the_only_port_that_fits_is_taken(there: "list[ports.Port]") -> None:
    esp = target("esp32-c3")
    there += [PICO, BRIDGE]
    assert ports.pick(there, esp) is BRIDGE
    with pytest.raises(LocalError, match=r"not plugged in.*there are /dev/ttyACM3 \(2e8a:0005, Pico\)"):
        ports.pick([PICO], esp)
    other = ports.Port("/dev/ttyUSB1", "1a86:7523", "CH340")
    with pytest.raises(LocalError, match="2 ports may be esp32-c3: .*ttyUSB0.*ttyUSB1.*say which with --port"):
        ports.pick([BRIDGE, other], esp)


def test_another_boards_port_is_refused_by_name(
    there: "list[ports.Port]", capsys: pytest.CaptureFixture[str]
) -> None:
    there.append(PICO)
    assert say("esp32-c3", "--port", "/dev/ttyACM3") == 2
    said = capsys.readouterr().err
    assert "/dev/ttyACM3 is USB 2e8a:0005 (Pico), esp32-c3 has 303a:1001 or" in said
    assert "it seems to be pico or pico2 or pico2-w" in said


def test_faults_of_a_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LocalError, match="port /dev/ttyACM99: there is no such port"):
        ports.check("/dev/ttyACM99")
    with pytest.raises(LocalError, match="this is no serial port"):
        ports.check(str(tmp_path))
    outer, inner = pty.openpty()
    device = os.ttyname(inner)
    try:
        group = grp.getgrgid(os.stat(device).st_gid).gr_name
        monkeypatch.setattr(ports.os, "access", lambda path, mode: False)
        os.chmod(device, 0o620 | stat.S_IWGRP)
        with pytest.raises(LocalError, match=f"permission denied: .*{group if group != 'root' else 'root'}"):
            ports.check(device)
        os.chmod(device, 0o600)
        with pytest.raises(LocalError, match="the device is root's alone"):
            ports.check(device)
    finally:
        os.close(outer)
        os.close(inner)


def test_the_group_that_one_has_to_be_in_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Status:
        st_gid, st_mode = 20, 0o20660

    monkeypatch.setattr(ports.os, "stat", lambda path: Status)
    monkeypatch.setattr(ports.grp, "getgrgid", lambda number: grp.struct_group(("dialout", "x", number, [])))
    said = ports.denied("/dev/ttyACM0")
    assert "you are not in the group dialout (sudo usermod -aG dialout $USER, then log in again)" in said


class Terminal:
    """A stdin that is a terminal, and answers."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self, most: int = -1) -> str:
        return self.answer + "\n"


def pico_files(folder: Path) -> "list[str]":
    image = folder / "f.uf2"
    image.write_bytes(uf2.write({0x10000000: bytes(256)}, 0xE48BFF56))
    drive = folder / "drive"
    drive.mkdir()
    (drive / "INFO_UF2.TXT").write_text("Board-ID: RPI-RP2\n")
    return ["pico", "--image", str(image), "--port", str(drive)]


def test_it_asks_and_takes_no_for_an_answer(
    there: "list[ports.Port]", tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = pico_files(tmp_path)
    asked = []

    def ask(question: str) -> str:
        asked.append(question)
        return "n"

    monkeypatch.setattr(sys, "stdin", Terminal("n"))
    monkeypatch.setattr(builtins, "input", ask)
    assert say(*words) == 1
    assert "This erases the firmware that is on the board" in asked[0] and asked[0].endswith("[y/N] ")
    assert "nothing was done" in capsys.readouterr().out
    assert os.listdir(tmp_path / "drive") == ["INFO_UF2.TXT"]


def test_nobody_can_be_asked(
    there: "list[ports.Port]", tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", open(os.devnull))
    assert say(*pico_files(tmp_path)) == 2
    assert "--yes agrees beforehand" in capsys.readouterr().err


def test_ctrl_c_says_how_to_recover(
    there: "list[ports.Port]", tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from jamliquor_lite.flash import drive

    def press(self: object, show: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(drive.Drive, "run", press)
    assert say(*pico_files(tmp_path), "--yes") == 130
    err = capsys.readouterr().err
    assert err == ("jamliquor-lite: interrupted: the boot loader is in the chip's ROM: unplug the board, hold BOOTSEL "
                   "while plugging it in, flash again\n")


def test_where_a_password_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wifi.getpass, "getpass", lambda prompt: SECRET)
    monkeypatch.setattr(sys, "stdin", Terminal("not this"))
    assert wifi.password("Home") == SECRET
    monkeypatch.setenv(wifi.VARIABLE, "of the environment")
    assert wifi.password("Home") == "of the environment"
    monkeypatch.delenv(wifi.VARIABLE)
    monkeypatch.setattr(Terminal, "isatty", lambda self: False)
    assert wifi.password("Home") == "not this"
    monkeypatch.setattr(sys, "stdin", Terminal("short"))
    with pytest.raises(LocalError, match="a password has 8 to 63 characters") as caught:
        wifi.password("Home")
    assert "short" not in str(caught.value)


class LineTty:
    """The board's end of a serial line, for its console."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        os.set_blocking(handle, False)

    def recv_into(self, buf: memoryview, start: int, end: int) -> int:
        try:
            data = os.read(self.handle, end - start)
        except BlockingIOError:
            return 0
        buf[start : start + len(data)] = data
        return len(data)

    def send(self, buf: memoryview, start: int, end: int) -> int:
        return os.write(self.handle, bytes(memoryview(buf)[start:end]))

    def watch(self, reading: bool, writing: bool) -> None:
        pass


def test_a_boards_console_is_told_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The board's own console and network code, at the other end of a serial line."""
    monkeypatch.setattr(commands, "COMMANDS", commands.COMMANDS)
    radio = Radio()
    network = wlan.Wlan(radio, str(tmp_path) + "/", radio)
    console_wifi.offer(network)
    outer, inner = pty.openpty()
    import tty

    tty.setraw(inner)
    console = Console(LineTty(outer), None)
    done = threading.Event()

    def board() -> None:
        now = 0
        while not done.wait(0.005):
            now += 5
            console.poll(now)

    thread = threading.Thread(target=board)
    thread.start()
    try:
        assert wifi.tell(os.ttyname(inner), "Home Net", SECRET) == "Home Net: no network is set"
        with pytest.raises(LocalError, match="the board says the name of a network has 1 to 32 bytes"):
            wifi.tell(os.ttyname(inner), "x" * 40, SECRET)
    finally:
        done.set()
        thread.join()
        os.close(outer)
        os.close(inner)
    network.step(0)
    assert network.step(0) and network.state == wlan.JOINED and radio.tries == ["Home Net"]
    assert SECRET not in progress()[1].text


def test_the_package_is_what_a_firmware_freezes() -> None:
    """firmware/manifest.py and flash/package.py name the same folders; what a firmware of ours has in C, a MicroPython
    of others needs as modules."""
    manifest = Path(ROOT, "firmware", "manifest.py").read_text()
    names: "dict[str, tuple[str, ...]]" = {}
    for node in ast.parse(manifest).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple) and isinstance(node.targets[0], ast.Name):
            names[node.targets[0].id] = ast.literal_eval(node.value)
    assert set(package.FOLDERS) == set(names["FOLDERS"])
    assert set(package.LEFT_OUT) <= set(names["NOT_ON_A_BOARD"])
    there = {module.name for module in package.modules("rv32imc")}
    assert {f"jamliquor_lite/{name[:-3]}.mpy" for name in names["WITH_RADIO"]} <= there
    more = set(names["NOT_ON_A_BOARD"]) - set(package.LEFT_OUT)
    twins = {"bandersnatch", "blake2b", "chacha20poly1305", "ed25519", "keccak", "mlkem768", "sha512", "vrf", "x25519"}
    assert more == {f"crypto/{name}.py" for name in twins} | {
        *(f"ports/micropython/{name}.py" for name in ("aead_viper", "crypto_natmod", "memory_plain"))}
    assert "jamliquor_lite/ports/micropython/aead_viper.mpy" in there
    assert there - {module.name for module in package.modules()} == {"jamliquor_lite/ports/micropython/aead_viper.mpy"}


def test_the_names_of_boards_usb_are_known() -> None:
    found = flash.known_usb()
    assert found["pico"] == ["2e8a:0005", "2e8a:0003"] and found["raspberry-pi-4"] == []
