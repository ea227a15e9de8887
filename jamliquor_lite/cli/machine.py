"""An emulated board that runs: what it boots from is built by the checkout's tools, QEMU is a child of this process."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time

from ..const import const
from ..errors import LocalError
from ..ports.cpython.share import CHECKOUT
from . import emulator
from .board_schema import MCU
from .relay import Relay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .board_file import Board

_START_S = const(20)  # for QEMU to open its console
_END_S = const(10)
_SAID_BYTES = const(4096)
_LOG_BYTES = const(1 << 20)
_READY = "board-init: "  # how firmware/linux/board-init begins its lines, the first of them when all is set up
_PTY = re.compile(rb"char device redirected to (/dev/\S+) \(label port\)")


class Machine:
    """One board. `build`, `make_disk` where there is no disk yet, `start`; then `stop`, whatever happened."""

    def __init__(self, board: "Board", work: str) -> None:
        """`work` is a folder for sockets and logs, which the caller removes."""
        self.board = board
        self.serial = ""  # of the second serial port, once it runs: a pseudo-terminal
        self._parts: "dict[str, str]" = {}  # what it boots from
        self._work = work
        self._relay: "Relay | None" = None
        self._process: "subprocess.Popen[bytes] | None" = None

    @property
    def console(self) -> str:
        """The Unix socket where its console is read, by a few at once."""
        assert self._relay is not None
        return self._relay.path

    def build(self, firmware: "str | None" = None) -> None:
        """Have what it boots from, and QEMU. LocalError in one line when this machine cannot."""
        if firmware is not None:
            self._parts = {"program": firmware}
            emulator.need(self.board)
        elif self.board.kind == MCU:
            self._parts = {"program": _tool("qemu", self.board.name, "--build")[-1]}
        else:
            lines = _tool("linux", "image", self.board.name)
            self._parts = {name: path for name, _, path in (line.partition("=") for line in lines)}
            emulator.need(self.board)

    def make_disk(self, path: str, chainspec: str, peer: str) -> None:
        """Write the flash, or the disk, of a board that begins at the chain's genesis and follows this peer."""
        new = path + ".new"
        words = ["--chain", chainspec, "--peer", peer, "--out", new]
        _tool(*(["firmware", "image", self.board.name] if self.board.kind == MCU else ["linux", "disk"]), *words)
        os.replace(new, path)

    def start(self, disk: str, forwards: "list[tuple[int, int]]", wants_serial: bool) -> None:
        """Power on."""
        self._relay = Relay(self._work)
        console = f"socket,path={self._relay.board_path}"
        if self.board.kind == MCU:
            words = emulator.command(
                self.board, self._parts["program"], console, disk, "pty" if wants_serial else None, forwards)
        else:
            kernel_log = f"file,path={self.kernel_log}"
            words = emulator.linux_command(self.board, self._parts, kernel_log, console, disk, forwards)
        if shutil.which("setpriv"):  # util-linux: should this process be killed, so is QEMU
            words = ["setpriv", "--pdeathsig", "TERM", "--", *words]
        with open(self._log, "wb") as log:
            # Ctrl-C is ours to pass on, once.
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        if not self._relay.accept(self._is_running, _START_S):
            raise LocalError(self.ended() or f"QEMU did not open the board's console in {_START_S} s")
        until = time.monotonic() + _START_S
        while wants_serial and not self.serial:
            found = _PTY.search(self._said())
            self.serial = found[1].decode() if found else ""
            if not found and (not self._is_running() or time.monotonic() > until):
                raise LocalError(self.ended() or "QEMU offered no pseudo-terminal")

    def answers(self, limit_s: float) -> bool:
        """Whether the node of a board with Linux answers within that time; LocalError when QEMU has ended instead. It
        is not asked before the guest's init is done with the console, which would say it back."""
        if not self._is_running():
            raise LocalError(self.ended())
        if _READY not in self.last_words():
            time.sleep(limit_s)
            return False
        return bool(self.ask_status(limit_s))

    def last_words(self) -> str:
        """The last line of the kernel's log, where there is one."""
        with contextlib.suppress(OSError), open(self.kernel_log, "rb") as log:
            lines = log.read(_LOG_BYTES).decode("utf-8", "replace").split("\n")
            return next((line.strip() for line in reversed(lines) if line.strip()), "")
        return ""

    def note(self, text: str) -> None:
        """A line for all who read the console from here on."""
        assert self._relay is not None
        self._relay.note(text)

    def ask_status(self, limit_s: float) -> "dict[str, Any]":
        """What the board's node says of itself now, by name; {} when it says nothing."""
        assert self._relay is not None
        return self._relay.ask_status(limit_s)

    def ended(self) -> str:
        """Why QEMU ended by itself, in one line; "" while it runs."""
        if self._process is None or self._process.poll() is None:
            return ""
        said = self._said().decode("utf-8", "replace").strip().splitlines()
        return f"QEMU ended with status {self._process.returncode}: {said[-1] if said else 'it said nothing'}"

    def stop(self) -> None:
        """Power off: what was written to the disk is in its file."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._relay is not None:
            self._relay.close()
            self._relay = None

    @property
    def kernel_log(self) -> str:
        """What the kernel of a board with Linux says."""
        return os.path.join(self._work, "kernel.log")

    @property
    def _log(self) -> str:
        return os.path.join(self._work, "qemu.log")

    def _is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _said(self) -> bytes:
        with contextlib.suppress(OSError), open(self._log, "rb") as log:
            return log.read(_SAID_BYTES)
        return b""


def _tool(name: str, *words: str) -> "list[str]":
    """Run a tool of the checkout, whose progress goes to stderr; the lines that it prints. LocalError (the user's)
    where there is no checkout, and with the tool's own status when it fails."""
    path = CHECKOUT / "tools" / name
    if not path.is_file():
        raise LocalError(
            "firmware and images are built in a checkout of the repository, and this is an installed package: run "
            "tools/run there once, and this command from its .venv/bin", 2)
    done = subprocess.run(
        [sys.executable, str(path), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode < 0:
        raise KeyboardInterrupt
    if done.returncode:
        raise LocalError(f"`tools/{name} {' '.join(words[:2])}` failed, as it says above", done.returncode)
    return done.stdout.strip().splitlines() or [""]
