"""How QEMU makes a board of ours: the one place that knows its command line."""

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from jamliquor_lite.cli.board_file import Board  # noqa: E402
from tools.building import ToolError, install  # noqa: E402

QEMU = "qemu-system-riscv32"
_FLASH_KB = 5120  # firmware/port/link.ld: RAM begins 5 MiB behind the start of memory


def need_qemu() -> str:
    """The emulator's name; installed as root where it is missing."""
    if not shutil.which(QEMU):
        install(["qemu-system-misc"], "QEMU for RISC-V")
        if not shutil.which(QEMU):
            raise ToolError(f"qemu-system-misc is installed, and there is no {QEMU}", 2)
    return QEMU


def command(
    board: Board,
    program: Path,
    uart: str,
    disk: "Path | None" = None,
    serial: "str | None" = None,
    forwards: "Iterable[tuple[int, int]]" = (),
    network: bool = True,
    entropy: bool = True,
    instructions: bool = False,
) -> "list[str]":
    """The command line that starts `program` on the board.

    `uart`, `serial`   where the console's and the second serial port's bytes go: "stdio", or a -chardev without its id
    `forwards`         (port of 127.0.0.1, TCP port of the board); the board reaches 127.0.0.1 as 10.0.2.2
    `entropy`          False leaves out the random generator: the board stays unseeded
    `instructions`     time passes with instructions, a nanosecond for each, so that a run repeats exactly
    """
    words = [QEMU, "-machine", "virt", "-m", f"{_FLASH_KB + board.number('memory', 'ram_kb')}K", "-nodefaults"]
    # Without firmware of its own, and with virtio as it has been since 2016 (version 2).
    words += ["-display", "none", "-bios", "none", "-global", "virtio-mmio.force-legacy=false"]
    words += ["-kernel", str(program)]
    if uart == "stdio":
        words += ["-serial", "stdio", "-monitor", "none"]
    else:
        words += ["-chardev", f"{uart},id=uart", "-serial", "chardev:uart"]
    if entropy:
        words += ["-device", "virtio-rng-device"]
    words += ["-device", "i6300esb"]
    if disk is not None:
        name = os.fspath(disk).replace(",", ",,")
        words += ["-drive", f"if=none,id=disk,file={name},format=raw", "-device", "virtio-blk-device,drive=disk"]
    if network and "tcp" in board.links():
        rules = "".join(f",hostfwd=tcp:127.0.0.1:{here}-:{there}" for here, there in forwards)
        words += ["-netdev", f"user,id=net{rules}", "-device", "virtio-net-device,netdev=net"]
    if serial is not None and "serial" in board.links():
        words += ["-chardev", f"{serial},id=port", "-device", "virtio-serial-device"]
        words += ["-device", "virtconsole,chardev=port"]
    if instructions:
        words += ["-icount", "shift=0"]
    return words

