"""A board with Linux in QEMU: its console as of tests/device/emulated.py, and beside it what kernel and init say."""

import re
import time
from pathlib import Path

from jamliquor_lite.cli import emulator
from tests.device.emulated import LIMIT_S, Emulated
from tools import emulator as installing
from tools import linux_image
from tools.building import cache_folder

_LOOK_S = 0.1


class LinuxBoard(Emulated):
    """One board. A folder's disk stays between two of them: a power cycle is to end one and to start the next."""

    ENDED = "main has ended"  # of no Linux board: its node is started again

    def __init__(self, name: str, folder: Path, config: "dict[str, bytes]", words: str = "") -> None:
        """`config` are the files of linux_image.settings, `words` more of the kernel's command line."""
        self.board = linux_image.linux_board(name)
        self.lines = []
        self.serial = None
        self._folder = folder
        self._files = None
        self._extra = {}
        self._wants_serial = False
        self._rest = b""
        self._is_over = False
        self._words = words
        installing.need_qemu(self.board)
        image = linux_image.need_image(self.board, cache_folder())
        if image.root is None:  # a machine without a disk
            linux_image.append_config(image, config, folder / "initrd")
            image = image._replace(initrd=folder / "initrd")
            self.disk.touch()
        elif not self.disk.exists():
            linux_image.make_disk(self.disk, config)
        self._image = image

    @property
    def is_diskless(self) -> bool:
        """Whether its state lasts as long as its power."""
        return self._image.root is None

    def command(self, console: str, serial: str) -> "list[str]":
        self._kernel_log = self._sockets / "kernel"
        command = emulator.linux_command(
            self.board, self._image._asdict(), f"file,path={self._kernel_log}", f"socket,path={console}", self.disk
        )
        command[-1] += " " + self._words
        return command

    def kernel_lines(self) -> "list[str]":
        """What the kernel, init and the node's own output said up to now."""
        try:
            return self._kernel_log.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return []

    def expect_kernel(self, pattern: str, limit_s: float = LIMIT_S) -> "re.Match[str]":
        """The first of those lines in which the pattern is found, as soon as it is there."""
        until = time.monotonic() + limit_s
        while time.monotonic() < until and self._process.poll() is None:
            for line in self.kernel_lines():
                found = re.search(pattern, line)
                if found:
                    return found
            time.sleep(_LOOK_S)
        raise AssertionError(f"waiting for {pattern!r}\n{self.told()}")

    def told(self) -> str:
        return super().told() + "\n".join(["", *self.kernel_lines()[-20:]])
