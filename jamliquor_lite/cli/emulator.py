"""How QEMU makes a board: the one place that knows its command line."""

import os
import shutil

from ..const import const
from ..errors import LocalError
from .board_schema import LINUX_BOARD, MCU

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from os import PathLike

    from .board_file import Board

    Path = str | PathLike[str]

HOST = "10.0.2.2"  # this machine's 127.0.0.1, as QEMU's network shows it to the board
_FLASH_KB = const(5120)  # firmware/port/link.ld: RAM begins 5 MiB behind the start of memory
# Debian's package of each. From 13 on the first two are in qemu-system-riscv, which qemu-system-misc brings along.
_PACKAGES = {"riscv32": "qemu-system-misc", "riscv64": "qemu-system-misc", "aarch64": "qemu-system-arm"}
_UARTS = {"riscv64": "ttyS0", "aarch64": "ttyAMA0"}  # Linux's names of the machine `virt`'s


def program(board: "Board") -> str:
    """The emulator of this board: qemu-system-…; LocalError (the user's) where its file says nothing of one."""
    system = board.tables["qemu"].get("system")
    if system is None:
        raise LocalError(f"{board.name} is a board to plug in, and its board.toml has no [qemu]", 2)
    return f"qemu-system-{system}"


def package(board: "Board") -> str:
    """The Debian package that has it."""
    return _PACKAGES[board.tables["qemu"]["system"]]


def need(board: "Board") -> str:
    """The emulator's name; LocalError (the user's) says what to install where it is missing."""
    name = program(board)
    if not shutil.which(name):
        raise LocalError(f"there is no {name} here; on Debian: apt-get install {package(board)}", 2)
    return name


def command(
    board: "Board",
    program: "Path",
    uart: str,
    disk: "Path | None" = None,
    serial: "str | None" = None,
    forwards: "Iterable[tuple[int, int]]" = (),
    network: bool = True,
    entropy: bool = True,
    instructions: bool = False,
) -> "list[str]":
    """The command line that starts `program` on a microcontroller's board.

    `uart`, `serial`   where the console's and the second serial port's bytes go: "stdio", or a -chardev without its id
    `forwards`         (port of 127.0.0.1, TCP port of the board); the board reaches 127.0.0.1 as HOST
    `entropy`          False leaves out the random generator: the board stays unseeded
    `instructions`     time passes with instructions, a nanosecond for each, so that a run repeats exactly
    """
    assert board.kind == MCU
    table = board.tables["qemu"]
    memory = _FLASH_KB + board.number("memory", "ram_kb")
    words = [f"qemu-system-{table['system']}", "-machine", table["machine"], "-m", f"{memory}K", "-nodefaults"]
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
        words += ["-netdev", user_network(forwards), "-device", "virtio-net-device,netdev=net"]
    if serial is not None and "serial" in board.links():
        words += ["-chardev", f"{serial},id=port", "-device", "virtio-serial-device"]
        words += ["-device", "virtconsole,chardev=port"]
    if instructions:
        words += ["-icount", "shift=0"]
    return words


def user_network(forwards: "Iterable[tuple[int, int]]" = ()) -> str:
    """The words of -netdev for a network of the board's own, behind this machine's."""
    return "user,id=net" + "".join(f",hostfwd=tcp:127.0.0.1:{here}-:{there}" for here, there in forwards)


def linux_command(
    board: "Board",
    image: "Mapping[str, Path]",
    log: str,
    console: str,
    disk: "Path | None" = None,
    forwards: "Iterable[tuple[int, int]]" = (),
) -> "list[str]":
    """The command line that boots a Linux board.

    `image`            what `tools/linux image` prints: kernel, initrd, and root or tree
    `log`, `console`   where the kernel's lines and the node's console go: a -chardev without its id
    `disk`             the node's state (`tools/linux disk`); a Raspberry Pi 3 has none
    """
    assert board.kind == LINUX_BOARD
    table = board.tables["qemu"]
    words = [f"qemu-system-{table['system']}", "-machine", table["machine"], "-cpu", table["cpu"]]
    words += ["-m", f"{table['memory_mb']}M", "-smp", str(board.number("cpu", "cores")), "-nodefaults", "-no-reboot"]
    words += ["-display", "none", "-kernel", str(image["kernel"]), "-initrd", str(image["initrd"])]
    words += ["-chardev", f"{log},id=log", "-serial", "chardev:log", "-chardev", f"{console},id=console"]
    append = "panic=-1 quiet"
    if table["machine"] == "raspi3b":
        words += ["-dtb", str(image["tree"]), "-serial", "chardev:console", "-netdev", user_network(forwards)]
        words += ["-device", "usb-net,netdev=net"]
        return [*words, "-append", f"{append} console=ttyAMA0,115200 board.console=ttyS1"]
    words += ["-netdev", user_network(forwards), "-device", "virtio-net-pci,netdev=net,romfile="]
    words += ["-device", "virtio-rng-pci", "-device", "virtio-serial-pci", "-device", "virtconsole,chardev=console"]
    for name, file, more in (("root", image["root"], ",readonly=on"), ("disk", disk, "")):
        if file is not None:
            path = os.fspath(file).replace(",", ",,")
            words += ["-drive", f"if=none,id={name},file={path},format=raw{more}"]
            words += ["-device", f"virtio-blk-pci,drive={name}"]
    return [*words, "-append", f"{append} console={_UARTS[table['system']]} board.console=hvc0"]
