"""A Raspberry Pi Pico in rp2040js, for tests: a board as those of tests/device, which QEMU makes.

    with Pico(folder, {"main.py": b"print('up')"}) as board:
        board.expect("up")

What is printed before the emulated host has opened USB's serial port is lost, as on a board: programs begin with WAIT.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests.device.emulated import Emulated, NoBoard
from tools import pico_build, rp2040_emulator
from tools.building import ToolError, cache_folder
from tools.firmware_build import board_named

NAME = "pico"
# The first lines of a program: it goes on when somebody listens.
WAIT = """\
import select, sys
_poller = select.poll()
_poller.register(sys.stdout.buffer, select.POLLOUT)
while not _poller.poll(10):
    pass
"""


@cache
def uf2_of(name: str) -> Path:
    """The board's firmware, built when it is first needed."""
    try:
        return pico_build.need_firmware(board_named(name), cache_folder())
    except ToolError as error:
        if error.status == 2:
            raise NoBoard(str(error))
        raise


class Pico(Emulated):
    """One board; its second serial port is UART0. Without `realtime` its clock jumps to the end of each wait."""

    ENDED = "MicroPython v"  # the REPL comes behind a program

    def __init__(
        self, folder: Path, files: "Mapping[str, bytes] | None" = None, *,
        more: "Mapping[str, Mapping[str, bytes]] | None" = None, serial: bool = False, entropy: bool = True,
        realtime: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(NAME, folder, files, more=more, serial=serial, entropy=entropy, program=uf2_of(NAME))
        self._realtime = realtime
        self.clock = folder / "clock"  # the board's time, for board_time.py
        self.clock.write_bytes(bytes(8))

    def with_files(self, files: "Mapping[str, bytes]") -> "Pico":
        """The same board, to be started with a new disk with those files."""
        self._files = files
        return self

    def command(self, console: str, serial: str) -> "list[str]":
        """As the base has it."""
        return rp2040_emulator.command(
            self.board, self.program, self._folder, console, self.disk, serial, self._realtime, self.clock,
            bool(self._options["entropy"]),
        )  # fmt: skip
