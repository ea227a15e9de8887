"""A whole board in QEMU, for tests: its console read line by line, its disk, its second serial port, its TCP ports.

    with Emulated("qemu-virt-rv32-264k", folder, {"main.py": b"print('up')"}) as board:
        board.expect("up")

Nothing here waits for an amount of time: `expect` ends with the line, with QEMU's end, or fails with all that was said.
"""

import re
import select
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tools import board_image, emulator
from tools.building import ToolError, cache_folder
from tools.firmware_build import board_named, need_firmware

BOARDS = ("qemu-virt-rv32-264k", "qemu-virt-rv32-520k")
LIMIT_S = 180  # a board that says nothing for so long hangs: a hundred times what anything here takes
_RECEIVE_BYTES = 65536
_SHOWN_LINES = 40


class NoBoard(Exception):
    """This machine cannot build or emulate the board; the text says what is missing."""


@cache
def firmware(name: str) -> Path:
    """The board's firmware, built when it is first needed."""
    try:
        emulator.need_qemu()
        return need_firmware(board_named(name), cache_folder())
    except ToolError as error:
        if error.status == 2:
            raise NoBoard(str(error))
        raise


class Emulated:
    """One board. A folder's disk stays between two of them: a power cycle is to end one and to start the next."""

    ENDED = "main has ended"  # as firmware/port/main.c says it

    def __init__(
        self,
        name: str,
        folder: Path,
        files: "Mapping[str, bytes] | None" = None,
        *,
        more: "Mapping[str, Mapping[str, bytes]] | None" = None,
        ports: "tuple[int, ...]" = (),
        serial: bool = False,
        network: bool = True,
        entropy: bool = True,
        instructions: bool = False,
        program: "Path | None" = None,
    ) -> None:
        """`files` makes a new disk with those in its file system; None takes the folder's, or a new one without files.
        `more` has files for other areas of a new disk, each then a file system that nothing mounts by itself.
        `ports` are TCP ports of the board: `reach` says where they are. The rest is as in cli/emulator.py; with
        `program` another firmware than the board's is started."""
        self.board = board_named(name)
        self.program = program or firmware(name)
        self.lines: "list[str]" = []  # all that the console said
        self.serial: "socket.socket | None" = None
        self._folder = folder
        self._files = files
        self._extra = more or {}
        self._forwards = {there: _free_port() for there in ports}
        self._wants_serial = serial
        self._options: "dict[str, Any]" = {"network": network, "entropy": entropy, "instructions": instructions}
        self._rest = b""
        self._is_over = False

    def __enter__(self) -> "Emulated":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def disk(self) -> Path:
        """The image of its flash behind the firmware."""
        return self._folder / "disk"

    def start(self) -> None:
        """Power on. QEMU comes to our sockets, so that not a byte is lost."""
        if self._files is not None or not self.disk.exists():
            board_image.make(self.disk, self.board, self._files or {})
            for area, files in self._extra.items():
                board_image.put(self.disk, self.board, area, files)
        self._sockets = Path(tempfile.mkdtemp(prefix="board-"))  # names of sockets are 107 bytes at most
        listeners = [_listen(self._sockets / name) for name in (["uart", "serial"] if self._wants_serial else ["uart"])]
        backends = [listener.getsockname() for listener in listeners]
        command = self.command(backends[0], backends[1] if self._wants_serial else "")
        self._log = (self._sockets / "log").open("w+b")
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        try:
            self._uart = self._accept(listeners[0])
            self.serial = self._accept(listeners[1]) if self._wants_serial else None
        except BaseException:
            self.stop()
            raise
        finally:
            for listener in listeners:
                listener.close()

    def command(self, console: str, serial: str) -> "list[str]":
        """What makes the board: its console and, unless that is empty, its second serial port connect to sockets."""
        forwards = [(here, there) for there, here in self._forwards.items()]
        port = f"socket,path={serial}" if serial else None
        uart = f"socket,path={console}"
        return emulator.command(self.board, self.program, uart, self.disk, port, forwards, **self._options)

    def stop(self) -> None:
        """Power off, at whatever point it is."""
        self._process.kill()
        self._process.wait()
        for opened in (getattr(self, "_uart", None), self.serial, self._log):
            if opened is not None:
                opened.close()
        shutil.rmtree(self._sockets, ignore_errors=True)

    @property
    def pid(self) -> int:
        """QEMU's process."""
        return self._process.pid

    def reach(self, port: int) -> "tuple[str, int]":
        """Where a TCP port of the board is on this machine."""
        return "127.0.0.1", self._forwards[port]

    def send(self, data: "bytes | str") -> None:
        """Type on the console."""
        self._uart.sendall(data.encode() if isinstance(data, str) else data)

    def expect(self, pattern: str, limit_s: float = LIMIT_S) -> "re.Match[str]":
        """Read the console up to the next line in which the pattern is found; AssertionError when QEMU ends, when the
        board panics and that was not expected, when its program ends, or after `limit_s`."""
        return self.expect_line(re.compile(pattern).search, pattern, limit_s)

    def expect_line(self, found: "Callable[[str], Any]", what: str, limit_s: float = LIMIT_S) -> Any:
        """The same with any function of a line; its first result that is true."""
        until = time.monotonic() + limit_s
        while True:
            line = self._line(until)
            if line is None:
                why = "the board ended" if self._is_over else f"no such line in {limit_s:.0f} s"
                raise AssertionError(f"waiting for {what!r}: {why}\n{self.told()}")
            result = found(line)
            if result:
                return result
            assert not line.startswith("PANIC"), f"waiting for {what!r}: a panic\n{self.told()}"
            assert not line.startswith(self.ENDED), f"waiting for {what!r}: the program has ended\n{self.told()}"

    def read_raw(self, size: int) -> bytes:
        """Exactly so many bytes of the console, past what `expect` has read."""
        until = time.monotonic() + LIMIT_S
        while len(self._rest) < size:
            assert self._more(until), f"{len(self._rest)} of {size} bytes came\n{self.told()}"
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def told(self) -> str:
        """The last lines of the console, and what QEMU itself had to say."""
        self._log.seek(0)
        said = self._log.read().decode(errors="replace")
        rest = self._rest.decode(errors="replace")
        return "\n".join([*(f"  | {line}" for line in [*self.lines[-_SHOWN_LINES:], rest]), said])

    def _line(self, until: float) -> "str | None":
        while b"\n" not in self._rest:
            if not self._more(until):
                return None
        line, _, self._rest = self._rest.partition(b"\n")
        text = line.decode(errors="replace").rstrip("\r")
        self.lines.append(text)
        return text

    def _more(self, until: float) -> bool:
        left = until - time.monotonic()
        if left <= 0 or not select.select([self._uart], [], [], left)[0]:
            return False
        data = self._uart.recv(_RECEIVE_BYTES)
        self._rest += data
        self._is_over = not data
        return bool(data)

    def _accept(self, listener: socket.socket) -> socket.socket:
        """QEMU's connection, or why it ended instead."""
        listener.settimeout(0.2)
        while True:
            try:
                connection = listener.accept()[0]
            except TimeoutError:
                if self._process.poll() is not None:
                    raise AssertionError(f"QEMU did not start\n{self.told()}")
                continue
            connection.setblocking(True)
            return connection


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(1)
    return listener


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
