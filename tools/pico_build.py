"""Builds the firmware of boards with Raspberry Pi's chips: MicroPython's rp2 port with our modules, as a UF2 file.

`tools/firmware` is the command line of this. What is ours is copied and hashed as for the emulated boards
(firmware_build.py); MicroPython's own CMake files do the rest, in a tree that pico_tree.py lays out.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from jamliquor_lite.cli.board_file import Board
from tools import firmware_build, pico_tree, sources, uf2_check
from tools.building import BUILD_S, ToolError, call, drop_old, install, locked, new_folder, progress
from tools.cross import need_frozen_cross
from tools.firmware_build import ENVIRONMENT, Figures, write_changed

BOARDS = {"pico": "arm-none-eabi-", "pico2": "riscv64-unknown-elf-", "pico2-w": "riscv64-unknown-elf-"}
WITH_RADIO = ("pico2-w",)
TOOLCHAINS = {
    "arm-none-eabi-": ["gcc-arm-none-eabi", "libnewlib-arm-none-eabi"],
    "riscv64-unknown-elf-": firmware_build.TOOLCHAIN,
}
LINKING = {  # (of the SDK's runtime, of all)
    "arm-none-eabi-": ("--specs=nosys.specs", ""),
    # Debian's gcc finds picolibc's folder by the shortest name of the instruction set only.
    "riscv64-unknown-elf-": ("-nostartfiles", "-march=rv32imac"),
}
CLIBS = {"arm-none-eabi-": "newlib", "riscv64-unknown-elf-": "picolibc"}
NO_CXX = "-DPICO_CXX_DISABLE_ALLOCATION_OVERRIDES=1"  # else the SDK wants a C++ library
STACK_BANKS_KB = 8  # the last two banks of RAM, which belong to the stack in any case
KEPT = 8  # firmwares, of 4 MB each with what a debugger reads


def is_here(board: Board) -> bool:
    """Whether this builds the board's firmware."""
    return board.name in BOARDS


def need_firmware(board: Board, cache: Path, library: "Path | None" = None, radio: "Path | None" = None) -> Path:
    """The UF2 file of the board's firmware, beside its ELF file and what was frozen; built when it is not there, and
    checked. `library` is a checkout of micropython-lib, `radio` one of cyw43-driver. ToolError."""
    if board.name in WITH_RADIO and radio is None:
        raise ToolError(
            f"{board.name} needs the driver of its radio and what the radio runs, and no package registry has them: "
            "--radio DIR names a checkout of cyw43-driver", 2,
        )  # fmt: skip
    if board.name not in WITH_RADIO and radio is not None:
        raise ToolError(f"{board.name} has no radio", 2)
    if radio is not None:
        radio = pico_tree.checked_radio(radio)
    compiler = need_compiler(BOARDS[board.name])
    pico_tree.need_host_tools()
    tree = pico_tree.need_tree(cache, radio)
    trees = {name: sources.need(name, cache) for name in sources.SOURCES}
    with locked(cache / f"firmware-{board.name}.lock"):
        work = PicoWork(board, {**trees, "tree": tree}, cache / f"firmware-objects-{board.name}", library, compiler)
        work.copy_sources()
        folder = cache / f"firmware-{board.name}-{work.digest()}"
        uf2 = folder / "firmware.uf2"
        if uf2.exists():
            os.utime(folder)  # it is in use: not to be dropped next
            return uf2
        progress(f"building {folder.name}")
        work.compile()
        built = {name: work.build / f"firmware.{name}" for name in ("uf2", "elf")}
        firmware_build.check(board, figures(board, built["elf"], work.frozen()))
        uf2_check.check(board, built["uf2"].read_bytes(), built["elf"].read_bytes())
        with new_folder(cache) as new:
            for path in built.values():
                shutil.copy(path, new)
            (new / "frozen").write_text(work.frozen())
            new.rename(folder)
        drop_old([path for path in cache.glob("firmware-pico*-????????????????") if path.is_dir()], KEPT)
        return uf2


def need_compiler(cross: str) -> str:
    """Make sure of the cross compiler and its C library; installs them as root. What the compiler says it is."""
    if not _compiles(cross):
        install(TOOLCHAINS[cross], f"a compiler {cross}gcc with a C library")
        if not _compiles(cross):
            raise ToolError(f"{' '.join(TOOLCHAINS[cross])} are installed, and still nothing compiles", 2)
    return subprocess.run([cross + "gcc", "-v"], capture_output=True, text=True, check=False).stderr


def _compiles(cross: str) -> bool:
    if cross == firmware_build.CROSS:
        return firmware_build.cross_compiles()
    text = b"#include <string.h>\nint f(const char *s) { return strlen(s); }\n"
    command = [cross + "gcc", "-mcpu=cortex-m0plus", "-x", "c", "-c", "-", "-o", os.devnull]
    try:
        return subprocess.run(command, input=text, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def figures(board: Board, program: Path, frozen: str) -> Figures:
    """What the firmware takes, read from the symbols of its ELF file and from the lines of its file `frozen`."""
    symbols = {}
    for line in firmware_build.tool("nm", str(program), cross=BOARDS[board.name]).splitlines():
        address, _, name = line.partition(" ")
        symbols[name[2:]] = int(address or "0", 16)
    sizes = {name: int(size) for name, size in (line.split(" ") for line in frozen.splitlines())}
    heap = symbols["__GcHeapEnd"] - symbols["__GcHeapStart"]
    stack = symbols["__StackTop"] - symbols["__StackBottom"]
    return Figures(
        text=symbols["__flash_binary_end"] - symbols["__flash_binary_start"],
        frozen=sum(size for name, size in sizes.items() if name != firmware_build.BYTECODE),
        bytecode=sizes[firmware_build.BYTECODE],
        static=board.number("memory", "ram_kb") * 1024 - heap - stack,
        stack=stack,
        heap=heap,
    )


def figures_beside(board: Board, uf2: Path) -> Figures:
    """The figures of a UF2 file that `need_firmware` gave."""
    return figures(board, uf2.with_name("firmware.elf"), uf2.with_name("frozen").read_text())


class PicoWork(firmware_build.Work):
    """One board's build. `trees` has the tree of pico_tree.py as well, as "tree"."""

    COPIED = (*firmware_build.COPIED, "boards")

    def copy_sources(self) -> None:
        """Lay out what CMake works on: our sources, and what board.toml says."""
        super().copy_sources()
        manifest = self.copy / "boards" / self.board.name / "manifest.py"
        write_changed(self.manifest, f'include("{manifest}", library={self.library is not None})\n'.encode())
        text = (self.config / "board_config.h").read_text()
        text += f"#define BOARD_FLASH_AT ({self.board.number('flash', 'firmware_kb')} * 1024)\n"
        text += f"#define BOARD_FLASH_BYTES ({self.board.disk_bytes()})\n"
        write_changed(self.config / "board_config.h", text.encode())

    def other_files(self) -> "list[tuple[Path, str]]":
        board = self.copy / "boards" / self.board.name
        found = [(path, path.name) for path in sorted(board.glob("mpconfigboard.*"))]
        pico = self.copy / "firmware" / "pico"
        found += [(path, str(path.relative_to(pico))) for path in sorted(pico.rglob("*")) if path.is_file()]
        found += [(Path(__file__), "build"), (Path(uf2_check.__file__), "check"), (Path(pico_tree.__file__), "tree")]
        return found

    def digest_words(self) -> "list[str]":
        return [self.trees["tree"].name, repr(self.board.tables["flash"])]

    def manifest_paths(self) -> "dict[str, str]":
        return {"CONFIG_DIR": str(self.config)}

    def frozen(self) -> str:
        """The lines of the file `frozen`."""
        made = next(self.build.rglob("frozen_content.c.o"))
        return firmware_build.frozen_sizes(made, BOARDS[self.board.name])

    def compile(self) -> None:
        """Configure and build, from the beginning: it takes a minute, and what did not change is not built at all."""
        shutil.rmtree(self.build, ignore_errors=True)
        cross, tree = BOARDS[self.board.name], self.trees["tree"]
        runtime, linking = LINKING[cross]
        folders = {"mpy": tree, "config": self.config, "build": self.build, "ours": self.copy}
        folders |= {name: self.trees[name] for name in ("monocypher", "pqclean")}
        mapped = " ".join(f"-ffile-prefix-map={folder}={name}" for name, folder in folders.items())
        port = self.copy / "firmware" / "port"
        words = {
            "MICROPY_BOARD": self.board.name, "MICROPY_BOARD_DIR": self.copy / "boards" / self.board.name,
            "MICROPY_FROZEN_MANIFEST": self.manifest, "MICROPY_MANIFEST_CONFIG_DIR": self.config,
            "MICROPY_LIB_DIR": self.library or tree / "no-lib",
            "USER_C_MODULES": self.copy / "firmware" / "pico" / "micropython.cmake",
            "JAMCRYPTO_MONOCYPHER": self.trees["monocypher"], "JAMCRYPTO_PQCLEAN": self.trees["pqclean"],
            "JAMLIQUOR_EXTRA_STACK": (self.board.number("memory", "stack_kb") - STACK_BANKS_KB) * 1024,
            "JAMLIQUOR_MAKE_MANIFEST": port / "make_manifest.py",
            "JAMLIQUOR_RUNTIME": runtime, "PICO_CLIB": CLIBS[cross],
            "picotool_DIR": pico_tree.need_picotool(self.build.parent.parent) / "lib" / "cmake" / "picotool",
            "Python3_EXECUTABLE": sys.executable,
        }  # fmt: skip
        environment = {
            **ENVIRONMENT, "CFLAGS": mapped, "CXXFLAGS": f"{mapped} {NO_CXX}", "ASMFLAGS": mapped, "LDFLAGS": linking,
            "CFLAGS_EXTRA": f"-I{self.config}",
            "MICROPY_MPYCROSS": str(need_frozen_cross(self.build.parent.parent)),
        }  # fmt: skip
        pico_tree.cmake(
            tree / "ports" / "rp2", self.build, [f"-D{name}={value}" for name, value in words.items()], environment,
            self.log,
        )  # fmt: skip
        command = ["ninja", "-C", str(self.build)]
        plain = {name: value for name, value in os.environ.items() if name not in ("CFLAGS", "CXXFLAGS", "LDFLAGS")}
        call(command, f"ninja for {self.board.name}", BUILD_S, {**plain, **environment}, self.log)
