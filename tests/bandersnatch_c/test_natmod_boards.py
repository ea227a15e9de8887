"""The native module on emulated processors: MicroPython's own port for QEMU, from the same sources, imports it."""

import hashlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crypto import vrf_cases as cases
from tests.support import ROOT
from tools import sources
from tools.building import ToolError, cache_folder, install, locked, make, new_folder

pytestmark = pytest.mark.micropython

ANSWER_S = 300
NATMOD = str(Path(ROOT, "tools", "natmod"))
# board of MicroPython's port: emulator, its words, compiler, packages.
BOARDS = {
    "VIRT_RV32": ("qemu-system-riscv32", "-machine virt -bios none", "riscv64-unknown-elf-gcc",
                  ["gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf", "qemu-system-misc"]),
    "MPS2_AN385": ("qemu-system-arm", "-machine mps2-an385", "arm-none-eabi-gcc",
                   ["gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "qemu-system-arm"]),
}  # fmt: skip

# Hands out the module from memory: the port has no file system.
IMPORT = """
import sys, io, vfs
class File(io.IOBase):
    def __init__(self):
        self.at = 0
    def ioctl(self, request, argument):
        return 0 if request == 4 else -1
    def readinto(self, buffer):
        part = memoryview(MODULE)[self.at : self.at + len(buffer)]
        buffer[: len(part)] = part
        self.at += len(part)
        return len(part)
class Folder:
    def mount(self, is_read_only, is_new):
        pass
    def chdir(self, path):
        pass
    def stat(self, path):
        if path == "/jamvrf.mpy":
            return (0x8000,) + (0,) * 9
        raise OSError(2)
    def open(self, path, mode):
        return File()
vfs.mount(Folder(), "/memory")
sys.path.insert(0, "/memory")
import jamvrf
"""

ASK = """
from binascii import hexlify, unhexlify
def ask(public, data, aux, proof):
    out = bytearray(32)
    answer = jamvrf.vrf_verify(unhexlify(public), unhexlify(data), unhexlify(aux), unhexlify(proof), out)
    print(answer, hexlify(out).decode())
def pieces(public, data, aux, proof):
    state, out = bytearray(jamvrf.vrf_check_bytes()), bytearray(32)
    print(jamvrf.vrf_check_start(state, unhexlify(public), unhexlify(data), unhexlify(proof)))
    aux = unhexlify(aux)
    for at in range(0, len(aux), 60):
        jamvrf.vrf_check_update(state, memoryview(aux)[at : at + 60])
    print(jamvrf.vrf_check_finish(state, out), hexlify(out).decode())
def hashed(size):
    out = bytearray(64)
    jamvrf.sha512(out, bytes(size))
    print(hexlify(out).decode())
"""


def need(board):
    """The board's firmware, built once; skips, or fails in CI, where this machine lacks what it takes."""
    emulator, _, compiler, packages = BOARDS[board]
    try:
        if not shutil.which(emulator) or not shutil.which(compiler):
            install(packages, f"a compiler and an emulator for {board}")
        cache = cache_folder()
        tree = sources.need("micropython", cache)
        folder = cache / f"micropython-qemu-{board}-{tree.name.rpartition('-')[2]}"
        with locked(cache / "micropython-qemu.lock"):
            if not folder.exists():
                build(board, tree, folder)
    except ToolError as error:
        if error.status == 2 and not os.environ.get("CI"):
            pytest.skip(str(error))
        raise
    return tree, folder / "firmware.elf"


def build(board, tree, folder):
    with new_folder(folder.parent) as work:
        (work / "manifest.py").touch()
        words = [f"BOARD={board}", f"BUILD={work / 'build'}", f"MPY_LIB_DIR={tree / 'no-lib'}"]
        words.append(f"FROZEN_MANIFEST={work / 'manifest.py'}")
        if "RV32" in board:  # gcc 12 takes libraries of 64 bits where the link is told of zicsr
            machine = ["-march=rv32imac", "-mabi=ilp32"]
            library = subprocess.run(
                [BOARDS[board][2], *machine, "-print-libgcc-file-name"], capture_output=True, text=True, check=True
            ).stdout.strip()
            words.append(f"LIBS={library} {machine[0]}")
        make(tree / "ports" / "qemu", words, work / "log")
        (work / "kept").mkdir()
        shutil.copy(work / "build" / "firmware.elf", work / "kept")
        (work / "kept").rename(folder)


class Board:
    """A booted board, spoken to as MicroPython's own tool does."""

    def __init__(self, name):
        tree, firmware = need(name)
        emulator, words, *_ = BOARDS[name]
        spec = importlib.util.spec_from_file_location("pyboard", tree / "tools" / "pyboard.py")
        pyboard = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(pyboard)
        command = f"{emulator} {words} -display none -monitor none -semihosting -serial stdio"
        command += f" -kernel {shlex.quote(str(firmware))}"
        self._board = pyboard.Pyboard("exec:" + command)
        self._board.enter_raw_repl(soft_reset=False)

    def run(self, text):
        """What it prints."""
        return self._board.exec_(text, timeout=ANSWER_S).decode().split("\r\n")

    def close(self):
        self._board.close()


@pytest.mark.parametrize(
    ("board", "processor"), [("VIRT_RV32", "rv32imc"), ("MPS2_AN385", "armv7m"), ("MPS2_AN385", "armv6m")]
)
def test_a_board_loads_it(board, processor, tmp_path):
    done = subprocess.run(
        [sys.executable, NATMOD, "build", processor, "--out", str(tmp_path)], capture_output=True, text=True
    )
    if done.returncode == 2 and not os.environ.get("CI"):
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    module = (tmp_path / processor / "jamvrf.mpy").read_bytes()
    running = Board(board)
    try:
        running.run("MODULE = bytearray()")
        for at in range(0, len(module), 4096):
            running.run(f"MODULE += {module[at : at + 4096]!r}")
        assert running.run(IMPORT + ASK) == [""]
        for public, data, aux, proof, output in cases.REAL:
            assert running.run(f"ask{(public, data, aux, proof)!r}") == [f"True {output}", ""]
            assert running.run(f"pieces{(public, data, aux, proof)!r}") == ["True", f"True {output}", ""]
            assert running.run(f"ask{(public, data, aux + '00', proof)!r}") == [f"False {'00' * 32}", ""]
        for name, *parts, holds in cases.edges():
            answer = running.run(f"ask{tuple(part.hex() for part in parts)!r}")
            assert answer[0].startswith("True" if holds else "False"), name
        for size in (0, 111, 112, 127, 128, 1000):
            assert running.run(f"hashed({size})") == [hashlib.sha512(bytes(size)).hexdigest(), ""]
    finally:
        running.close()
