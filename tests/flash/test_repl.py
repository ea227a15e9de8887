"""The package onto a MicroPython, by mpremote: the unix port behind a pseudo-terminal, which then runs it."""

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from jamliquor_lite.cli import main
from jamliquor_lite.errors import LocalError
from jamliquor_lite.flash import package, plan, repl
from jamliquor_lite.flash.plan import Target
from jamliquor_lite.ports.micropython import wlan
from tests.support import ROOT

from .board_pty import MICROPYTHON, BoardPty
from .support import NETWORK, progress

pytestmark = pytest.mark.skipif(not MICROPYTHON, reason="no MicroPython here")

BUILD_S = 900
FIRMWARE = Path(ROOT, "firmware")
FEW = 12  # modules, where it does not matter which


def unix(natmod: str = "x64", chip: str = "") -> Target:
    flashing = {"method": ["mpremote"], "natmod": natmod, "chip": chip}
    return Target("a-unix-port", flashing, False, 'NAME = "a-unix-port"\n')


def header(arch: str) -> bytes:
    """The beginning of a native module, which is enough for who does not load it."""
    return bytes((ord("M"), 6, package.ARCHITECTURES.index(arch) << 2 | 3, 31)) + bytes(100)


def way(
    port: str, target: "Target | None" = None, natmod: "bytes | None" = None, files: "dict[str, bytes] | None" = None
) -> repl.Repl:
    found = header("x64") if natmod is None else natmod
    return repl.Repl(target or unix(), port, files or {}, FIRMWARE.joinpath("main.py").read_bytes(), b"",
                     lambda: ("jamvrf.mpy", found))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = package.modules
    monkeypatch.setattr(package, "modules", lambda arch="": whole(arch)[:FEW])


def run(folder: Path, program: str) -> str:
    """What MicroPython says, with lib/ as a board has it."""
    done = subprocess.run([MICROPYTHON, "-c", "import sys; sys.path[:] = ['', 'lib', '.frozen']\n" + program],
                          cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout


@pytest.mark.micropython
def test_the_whole_package_arrives_and_runs(tmp_path: Path) -> None:
    """Also the native module: the VRF is the machine's own afterwards, not the pure twin."""
    tool = [sys.executable, str(Path(ROOT, "tools", "natmod")), "build", "x64", "--out", str(tmp_path / "nat")]
    done = subprocess.run(tool, capture_output=True, text=True, timeout=BUILD_S)
    if done.returncode == 2 and not os.environ.get("CI"):
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    natmod = (tmp_path / "nat" / "x64" / "jamvrf.mpy").read_bytes()
    files = tmp_path / "board"
    files.mkdir()
    (files / "main.py").write_text("an older one")
    (files / "diary.txt").write_text("of its owner")
    with BoardPty(files) as board:
        flash = way(board.port, natmod=natmod, files={"board.conf": b"chain = devnet\n"})
        assert "micropython" in flash.where and board.port in flash.where
        flash.network = ("Home", "correct horse")
        show, out = progress()
        flash.run(show)
        board.wait_for(2)
    assert "100 %" in out.text and "correct horse" not in out.text
    assert (files / "main.py").read_text() == "import jamliquor_start\n"
    assert (files / "board.conf").read_bytes() == b"chain = devnet\n"
    assert (files / "diary.txt").read_text() == "of its owner"
    assert (files / wlan.FILE_NAME).read_text() == wlan.text("Home", "correct horse")
    assert run(files, """
import _board, jamliquor_lite.boot
from jamliquor_lite.crypto import suite
from jamliquor_lite.crypto.choice import get
suite.self_test()
print(_board.NAME, get('vrf').label, get('sha512').label, jamliquor_lite.boot.__file__)
""").split() == ["a-unix-port", "natmod", "natmod", "lib/jamliquor_lite/boot.mpy"]
    assert "names no peer" in run(files, """
open('board.conf', 'w').write('chain = devnet')
from jamliquor_lite.node import board_config
try:
    board_config.read('board.conf')
except Exception as error:
    print(error)
""")


def test_what_is_there_already_is_not_sent_again(tmp_path: Path, few: None) -> None:
    with BoardPty(tmp_path) as board:
        way(board.port).run(progress()[0])
        board.wait_for(2)
        sent = board.taken
        show, out = progress()
        way(board.port).run(show)
        assert "copying 0 of 15 files" in out.text
        assert board.taken - sent < sent / 2


def test_by_the_command_line(
    tmp_path: Path, few: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As one types it for an ESP32-C3, but for the processor, which is this machine's. The password is nowhere but in
    the board's file."""
    natmod, conf = tmp_path / "jamvrf.mpy", tmp_path / "board.conf"
    natmod.write_bytes(header("x64"))
    conf.write_text("peer = /ip4/192.0.2.7/tcp/30333/p2p/x\n")
    files = tmp_path / "board"
    files.mkdir()
    made = plan.Target

    def here(name: str, flashing: "dict[str, object]", *words: object) -> Target:
        return made(name, {**flashing, "natmod": "x64", "chip": ""}, *words)  # type: ignore[arg-type]

    monkeypatch.setattr(plan, "Target", here)
    monkeypatch.setenv("JAMLIQUOR_WIFI_PASSWORD", "correct horse")
    with BoardPty(files) as board:
        words = ["flash", "esp32-c3", "--port", board.port, "--wifi", "Home", "--image", str(natmod), "--config",
                 str(conf), "--yes", "--no-monitor", "--method", "mpremote"]
        assert main.main(words) == 0, capsys.readouterr().err
        board.wait_for(2)
    said = capsys.readouterr()
    assert "esp32-c3 has the package and restarts" in said.out and "joins the wireless network 'Home'" in said.out
    assert "correct horse" not in said.out + said.err
    assert (files / "main.py").read_text() == "import jamliquor_wifi\nimport jamliquor_start\n"
    assert (files / wlan.FILE_NAME).read_text() == wlan.text("Home", "correct horse")
    assert (files / "board.conf").read_bytes() == conf.read_bytes()
    assert sorted(os.listdir(files / "lib")) == [
        "_board.mpy", "jamliquor_lite", "jamliquor_start.mpy", "jamliquor_wifi.mpy", "jamvrf.mpy"]
    assert run(files, "import _board; print(_board.NAME)") == "esp32-c3\n"


@pytest.mark.parametrize(
    ("target", "natmod", "says"),
    [
        (unix("rv32imc"), None, "runs x64, a-unix-port is rv32imc: another board"),
        (unix("x64", "esp32c3"), None, "this is another board, a-unix-port has esp32c3"),
        (unix(), header("armv6m"), "jamvrf.mpy: it is for armv6m, a-unix-port takes x64"),
        (unix(), b"M\x05\x0b\x1f", "no native module of .mpy version 6.3; it has 5.3"),
        (unix(), b"import os", "this is no .mpy file"),
    ],
    ids=["processor", "chip", "natmod", "version", "source"],
)
def test_another_board_or_module_is_refused_and_nothing_changes(
    tmp_path: Path, few: None, target: Target, natmod: "bytes | None", says: str
) -> None:
    (tmp_path / "main.py").write_text("what was there")
    with BoardPty(tmp_path) as board, pytest.raises(LocalError, match=says):
        way(board.port, target, natmod).run(progress()[0])
    assert os.listdir(tmp_path) == ["main.py"]


@pytest.mark.parametrize(
    ("mpy", "version", "says"),
    [(6, (1, 27), "loads no native modules, so it has no VRF.*role lite is refused"),
     (2822, (1, 25), "is older than 1.26"),
     (2 << 10 | 2 << 8 | 6, (1, 26), r"loads .mpy files of version 6.2, these are 6.3")],
    ids=["no-natmod", "old", "abi"],
)
def test_what_runs_no_light_client_is_refused(mpy: int, version: "tuple[int, int]", says: str) -> None:
    with pytest.raises(LocalError, match=says):
        repl.refuse(repl.Found("micropython", version, "a board", mpy), unix(), "/dev/ttyX")


def test_unplugged_in_the_middle(tmp_path: Path, few: None) -> None:
    """The board starts afterwards as MicroPython alone: a half copied package has no main.py."""
    (tmp_path / "main.py").write_text("older")
    with BoardPty(tmp_path, unplug_after=20_000) as board:
        with pytest.raises(LocalError, match=f"port {board.port}: .*(unplugged|no such port)") as caught:
            way(board.port).run(progress()[0])
    assert "run the same command again" in str(caught.value) or "try again" in str(caught.value)
    assert "main.py" not in os.listdir(tmp_path) and (tmp_path / "lib").is_dir()
    assert run(tmp_path, "print('starts')") == "starts\n"


def test_the_port_is_busy(tmp_path: Path) -> None:
    with BoardPty(tmp_path) as board:
        program = "import sys, serial; p = serial.Serial(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
        with subprocess.Popen([sys.executable, "-c", program, board.port], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as other:
            assert other.stdout is not None and other.stdout.readline() == b"open\n"
            with pytest.raises(LocalError, match=rf"busy: python3?\S* \(process {other.pid}\) has it open"):
                way(board.port)
            other.communicate(b"")


def test_nothing_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A board that runs something else: what it is sent, it sends back."""
    import pty
    import tty

    outer, inner = pty.openpty()
    tty.setraw(inner)
    done = threading.Event()

    def echo() -> None:
        os.set_blocking(outer, False)
        while not done.is_set():
            try:
                os.write(outer, os.read(outer, 100).upper())
            except BlockingIOError:
                time.sleep(0.01)

    monkeypatch.setattr(repl, "_REPLY_S", 1)
    monkeypatch.setattr(repl, "_ENTER_S", 1)
    thread = threading.Thread(target=echo)
    thread.start()
    try:
        with pytest.raises(LocalError, match="no MicroPython answers there"):
            way(os.ttyname(inner))
    finally:
        done.set()
        thread.join()
        os.close(outer)
        os.close(inner)


def test_no_space_on_the_board(tmp_path: Path, few: None) -> None:
    """A real file system of 64 KB beneath it."""
    small = tmp_path / "small"
    small.mkdir()
    if shutil.which("mount") is None or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(small)], capture_output=True).returncode:
        pytest.skip("mounting wants root")
    try:
        with BoardPty(small) as board, pytest.raises(LocalError, match="no space on a-unix-port: .* bytes are needed"):
            way(board.port).run(progress()[0])
        assert os.listdir(small) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_board_with_a_radio_joins_beside_its_node(tmp_path: Path) -> None:
    """firmware/wifi.py on MicroPython: imported before the node, it joins once the node's tasks run, and the console
    has the command."""
    (tmp_path / "wifi.conf").write_text(wlan.text("Home", "correct horse"))
    (tmp_path / "network.py").write_text(NETWORK)
    said = subprocess.run([MICROPYTHON, "-c", f"""
import sys
sys.path[:] = ["", {str(ROOT)!r}, {str(FIRMWARE)!r}, ".frozen"]
import wifi
import asyncio
async def node():
    await asyncio.sleep_ms(1500)
    from jamliquor_lite.console import commands
    class Console:
        pass
    print(list(commands.find("wifi").answer(Console(), [], True, 0)))
asyncio.run(node())
"""], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert said.stdout == "['Home: joined, 192.0.2.9']\n", said.stdout + said.stderr
