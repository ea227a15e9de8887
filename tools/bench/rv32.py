"""Runs C code without an operating system in QEMU's emulation of RV32IMAC and reads the numbers that it prints.

`minstret` counts instructions there, and with `-icount shift=0` the numbers repeat exactly. They are instructions and
no clock cycles. A program begins in rv32.h's `run`.
"""

import subprocess
from pathlib import Path

from tools.building import ToolError, call
from tools.emulator import QEMU, need_qemu
from tools.firmware_build import CROSS, need_compiler

GCC, SIZE = CROSS + "gcc", CROSS + "size"
# gcc 12 takes the 64-bit library where the link is told of zicsr.
ARCH, LINK_ARCH, ABI = "-march=rv32imac_zicsr", "-march=rv32imac", "-mabi=ilp32"
RUN_S = 300
LINK = (
    "SECTIONS { . = 0x80000000; .text : { *(.text.start) *(.text*) } .rodata : { *(.rodata* .srodata*) }"
    " .data : { *(.data* .sdata*) } .bss : { *(.sbss* .bss* COMMON) } }\n"
)


def need_tools() -> None:
    """The cross compiler and the emulator; installed as root where they are missing. ToolError."""
    need_compiler()
    need_qemu()


def array(data: bytes) -> str:
    """An initializer of bytes in C."""
    return "{" + ",".join(map(str, data)) + "}"


def measure(
    work: Path, harness: Path, sources: "list[Path]", flags: "list[str]", places: "list[str]", settings: "list[str]"
) -> "dict[str, int]":
    """Compile `sources` with `flags`, link them with the program `harness`, run it, and return its `name number` lines
    with `code`, the bytes of code and constants of what was linked of the sources. `places` are -I and -isystem words,
    `settings` -D words, of both. ToolError."""
    # The harness is compiled apart: how must not depend on the flags of the code that is measured.
    plain = [ARCH, ABI, "-mcmodel=medany", "-std=gnu99", "-Wall", "--specs=picolibc.specs", *places, *settings]
    plain += ["-ffunction-sections", "-fdata-sections", f"-I{work}", f"-I{Path(__file__).parent}"]
    objects = []
    for source in sources:
        objects.append(str(work / f"{source.stem}.o"))
        call([GCC, *plain, *flags, "-c", str(source), "-o", objects[-1]], f"compiling {source.name}", RUN_S)
    main = str(work / "harness.o")
    call([GCC, *plain, "-O2", "-c", str(harness), "-o", main], "compiling the harness", RUN_S)
    program = str(work / "program")
    (work / "link.ld").write_text(LINK)
    link = [LINK_ARCH, ABI, "-nostartfiles", "--specs=picolibc.specs", "-Wl,--gc-sections", "-Wl,-e,_start"]
    call([GCC, *link, "-T", str(work / "link.ld"), main, *objects, "-o", program], "linking", RUN_S)
    command = [QEMU, "-machine", "virt", "-m", "16M", "-display", "none", "-serial", "stdio", "-monitor", "none"]
    command += ["-bios", "none", "-icount", "shift=0", "-kernel", program]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise ToolError(f"the emulated program took more than {RUN_S} s", 1)
    numbers = {}
    for line in done.stdout.splitlines():
        name, _, value = line.rpartition(" ")
        numbers[name] = int(value)
    if "end" not in numbers:
        raise ToolError(f"the emulated program did not end: {done.stderr.strip()[:200]}", 1)
    numbers["code"] = _bytes_of(program) - _bytes_of(main)
    return numbers


def _bytes_of(path: str) -> int:
    """Code and constants of an object or a program."""
    listed = subprocess.run([SIZE, path], capture_output=True, text=True, check=True).stdout
    return int(listed.splitlines()[1].split()[0])
