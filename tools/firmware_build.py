"""Builds the firmware of a board and says what it takes of it. `tools/firmware` is the command line of this.

All that goes into a firmware is hashed: what is in the cache folder already is not built again. The build works on a
copy of our sources in which only what changed is written, so that make sees changes by time, whichever checkout they
come from; with pinned sources, one fixed date and no path in it, the same sources give the same bytes anywhere.
"""

import functools
import hashlib
import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from jamliquor_lite.cli import board_file  # noqa: E402
from jamliquor_lite.cli.board_schema import MCU  # noqa: E402
from jamliquor_lite.errors import LocalError  # noqa: E402
from tools import sources  # noqa: E402
from tools.building import ToolError, cache_folder, drop_old, install, locked, make, new_folder, progress  # noqa: E402
from tools.cross import need_frozen_cross  # noqa: E402

BOARDS = ROOT / "boards"
CROSS = "riscv64-unknown-elf-"
TOOLCHAIN = ["gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf"]  # Debian 12's: gcc 12.2, picolibc 1.8
HOST_TOOLCHAIN = ["gcc", "libc6-dev", "make"]  # for mpy-cross
COPIED = ("firmware", "jamliquor_lite")  # what is ours in a firmware
KEPT = 24  # firmwares of 0.6 MB; older ones go
# Shown as the build's date: the day of MicroPython 1.26.1. The real one would change the bytes each day.
ENVIRONMENT = {"SOURCE_DATE_EPOCH": "1757548800", "MICROPY_GIT_TAG": "v1.26.1", "LC_ALL": "C"}
OTHERS = ("asyncio", "uasyncio")  # frozen modules that do not count as our own
BYTECODE = "=bytecode"  # the line of the file `frozen` that has the sum of functions, beside those of modules


class Figures(NamedTuple):
    """What a firmware takes, in bytes."""

    text: int  # all of the flash: code, constants, frozen modules, and the initial values of data
    frozen: int  # of it: frozen modules, with their names, texts and tables
    bytecode: int  # of that: the functions of this project's modules
    static: int  # RAM taken before the interpreter starts: data, bss
    stack: int
    heap: int  # and what is left of RAM

    def __str__(self) -> str:
        return (
            f"text {self.text:,} B, of it frozen {self.frozen:,} B, our bytecode {self.bytecode:,} B; "
            f"RAM: static {self.static:,} B, stack {self.stack:,} B, heap {self.heap:,} B"
        )


def board_named(name: str) -> board_file.Board:
    """The board of boards/<name>; ToolError in one line."""
    path = BOARDS / name / "board.toml"
    if "/" in name or not path.is_file():
        files = [str(folder / "board.toml") for folder in sorted(BOARDS.iterdir())]
        found = [board_file.inspect(file)[0] for file in files]
        there = ", ".join(board.name for board in found if board is not None and board.kind == MCU)
        raise ToolError(f"no board is called {name}; there are {there}", 2)
    try:
        board = board_file.load(str(path))
    except LocalError as error:
        raise ToolError(str(error), error.exit_code)
    if board.kind != MCU:
        raise ToolError(f"{name} runs Linux and has no firmware: jamliquor-lite run --board {name}", 2)
    return board


def need_firmware(board: board_file.Board, cache: Path, library: "Path | None" = None) -> Path:
    """The ELF file of the board's firmware; built when it is not there. `library` is a checkout of micropython-lib.
    ToolError when it cannot be built, or is larger than the board."""
    if library is not None and not (library / "micropython").is_dir():
        raise ToolError(f"{library} is no checkout of micropython-lib", 2)
    if any(character.isspace() for character in str(cache)):
        raise ToolError(f"make cannot build in {cache}: it has a blank in its name; XDG_CACHE_HOME can name another", 2)
    compiler = need_compiler()
    trees = {name: sources.need(name, cache) for name in sources.SOURCES}
    with locked(cache / f"firmware-{board.name}.lock"):
        work = Work(board, trees, cache / f"firmware-objects-{board.name}", library, compiler)
        work.copy_sources()
        folder = cache / f"firmware-{board.name}-{work.digest()}"
        program = folder / "firmware.elf"
        if program.exists():
            os.utime(folder)  # it is in use: not to be dropped next
            return program
        progress(f"building {folder.name}")
        work.compile()
        check(board, figures(work.build / "firmware.elf"))
        with new_folder(cache) as new:
            shutil.copy(work.build / "firmware.elf", new)
            (new / "frozen").write_text(frozen_sizes(work.build / "frozen_content.o"))
            new.rename(folder)
        drop_old([path for path in cache.glob("firmware-qemu-*-????????????????") if path.is_dir()], KEPT)
        return program


def need_compiler() -> str:
    """Make sure of both compilers; installs them as root. What the one for the board says it is."""
    wanted = [] if shutil.which("make") and shutil.which("gcc") else HOST_TOOLCHAIN
    if not cross_compiles():
        wanted = wanted + TOOLCHAIN
    if wanted:
        install(wanted, "a compiler for RISC-V with picolibc")
        if not cross_compiles():
            raise ToolError(f"{' '.join(wanted)} are installed, and still nothing compiles for RISC-V", 2)
    return subprocess.run([CROSS + "gcc", "-v"], capture_output=True, text=True, check=False).stderr


def cross_compiles() -> bool:
    """Whether the cross compiler is there, and a C library for it."""
    command = [CROSS + "gcc", "--specs=picolibc.specs", "-march=rv32imac", "-mabi=ilp32", "-x", "c", "-c", "-"]
    text = b"#include <string.h>\nint f(const char *s) { return strlen(s); }\n"
    try:
        done = subprocess.run([*command, "-o", os.devnull], input=text, capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


class Work:
    """One board's build: a copy of all that is ours, which nobody writes to meanwhile, and what make makes of it."""

    COPIED = COPIED

    def __init__(
        self, board: board_file.Board, trees: "dict[str, Path]", folder: Path, library: "Path | None", compiler: str
    ) -> None:
        self.board = board
        self.trees = trees
        self.library = library
        self.compiler = compiler
        self.copy = folder / "copy"
        self.config = folder / "config"
        self.build = folder / "build"
        self.stamp = folder / "stamp"
        self.log = folder / "log"
        self.manifest = folder / "config" / "manifest.py"

    def copy_sources(self) -> None:
        """Lay out what make works on: our sources, what board.toml says, and the manifest of what is frozen."""
        for part in self.COPIED:
            copy_changed(ROOT / part, self.copy / part)
        link = self.config / "lib" / "lwip"
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink() or link.readlink() != self.trees["lwip"]:
            link.unlink(missing_ok=True)
            link.symlink_to(self.trees["lwip"])
        write_changed(self.config / "board_config.h", board_file.header(self.board).encode())
        write_changed(self.config / "_board.py", board_file.module(self.board).encode())
        firmware = self.copy / "firmware"
        beside = {path.name: str(path) for path in (firmware / "port" / "modules" / "_boot.py", firmware / "main.py")}
        lines = [
            f'include("{firmware / "manifest.py"}", board=True, library={self.library is not None}, beside={beside!r})',
            f'module("_board.py", base_path="{self.config}")',
        ]
        write_changed(self.manifest, "\n".join([*lines, ""]).encode())

    def digest(self) -> str:
        """16 hex digits of all that goes into the firmware."""
        state = hashlib.sha256()
        pins = [source.sha256 for source in sources.SOURCES.values()]
        ours = [path.read_text() for path in (Path(__file__), ROOT / "tools" / "cross.py")]
        words = [repr((self.board.name, self.board.tables["memory"])), self.compiler, *self.digest_words()]
        for text in (*pins, *ours, *words):
            state.update(text.encode() + b"\0")
        files = [(path, f"firmware/{path.name}") for path in (self.config / "board_config.h",)]
        for part in ("port", "cmodules"):
            folder = self.copy / "firmware" / part
            files += [(path, str(path.relative_to(folder))) for path in sorted(folder.rglob("*")) if path.is_file()]
        files += self.other_files()
        files += [(path, target) for target, path in self.frozen_files()]
        for path, name in files:
            state.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        return state.hexdigest()[:16]

    def frozen_files(self) -> "list[tuple[str, Path]]":
        """(name when frozen, file) of the modules that the manifest takes."""
        return manifest_files(self.trees["micropython"], self.library, str(self.manifest), self.manifest_paths())

    def other_files(self) -> "list[tuple[Path, str]]":
        """(file, name) of what else goes into the firmware: nothing, of an emulated board's."""
        return []

    def digest_words(self) -> "list[str]":
        """Texts on which the firmware depends besides."""
        return []

    def manifest_paths(self) -> "dict[str, str]":
        """Folders that the manifest names, besides those that every manifest may."""
        return {}

    def compile(self) -> None:
        """Run the port's Makefile. What was compiled before and did not change is used again."""
        port = self.copy / "firmware" / "port"
        # What make does not see the reach of: a module that is switched off stays in MicroPython's lists.
        settings = [(port / name).read_text() for name in ("Makefile", "make_manifest.py", "mpconfigport.h")]
        made_from = "\n".join([Path(__file__).read_text(), *map(str, self.trees.values()), self.compiler, *settings])
        if not self.stamp.exists() or self.stamp.read_text() != made_from:
            shutil.rmtree(self.build, ignore_errors=True)
            self.stamp.write_text(made_from)
        # Made of files that may have gone, or be older than it.
        shutil.rmtree(self.build / "frozen_mpy", ignore_errors=True)
        (self.build / "frozen_content.c").unlink(missing_ok=True)
        tree = self.trees["micropython"]
        cross = need_frozen_cross(self.build.parent.parent)
        words: "dict[str, object]" = {
            "MICROPY_MPYCROSS": cross, "MICROPY_MPYCROSS_DEPENDENCY": cross,
            "MPY_TOP": tree, "BUILD": self.build, "CONFIG": self.config, "FROZEN_MANIFEST": self.manifest,
            "MPY_LIB_DIR": self.library or tree / "no-lib", "RAM_KB": self.board.number("memory", "ram_kb"),
            "STACK_KB": self.board.number("memory", "stack_kb"), "USER_C_MODULES": self.copy / "firmware" / "cmodules",
            "JAMCRYPTO_MONOCYPHER": self.trees["monocypher"], "JAMCRYPTO_PQCLEAN": self.trees["pqclean"],
        }  # fmt: skip
        words.update(ENVIRONMENT)
        make(port, [f"{name}={value}" for name, value in words.items()], self.log)


def manifest_files(
    tree: Path, library: "Path | None", manifest: str, more: "dict[str, str] | None" = None
) -> "list[tuple[str, Path]]":
    """(name when frozen, file) of the modules that a manifest takes, which is a file or its text, as MicroPython's own
    build reads it; `tree` has MicroPython's sources, `more` other folders by name. ToolError where it has a fault."""
    sys.path.insert(0, str(tree / "tools"))
    try:
        import manifestfile  # type: ignore[import-not-found]
    finally:
        del sys.path[0]
    port = ROOT / "firmware" / "port"
    paths = {"MPY_DIR": str(tree), "MPY_LIB_DIR": str(library or tree / "no-lib"), "PORT_DIR": str(port)}
    paths.update(more or {})
    read: Any = manifestfile.ManifestFile(manifestfile.MODE_FREEZE, paths)
    try:
        read.execute(manifest)
    except manifestfile.ManifestFileError as error:
        raise ToolError(str(error), 1)
    return sorted((file.target_path, Path(file.full_path)) for file in read.files())


def firmware_module(name: str) -> Any:
    """A module beside firmware/manifest.py; they stand alone."""
    sys.path.insert(0, str(ROOT / "firmware"))
    try:
        return importlib.import_module(name)
    finally:
        del sys.path[0]


@functools.cache
def folding() -> Any:
    """The package as a board has it: `fold_other` of it makes a program fit what the firmware has frozen."""
    package = firmware_module("folding").PACKAGE
    text = f'include("{ROOT / "firmware" / "manifest.py"}", board=True, plain=True)\n'
    files = manifest_files(sources.need("micropython", cache_folder()), None, text)
    texts = {name: path.read_text() for name, path in files if name.startswith(package + "/")}
    return firmware_module("merging").Frozen(texts)


def copy_changed(source: Path, target: Path) -> None:
    """Make `target` hold the files of `source`; those that are the same already keep their times."""
    wanted = {path.relative_to(source) for path in source.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    for path in sorted(wanted):
        write_changed(target / path, (source / path).read_bytes())
    for path in list(target.rglob("*")):
        if path.is_file() and path.relative_to(target) not in wanted:
            path.unlink()


def write_changed(path: Path, data: bytes) -> None:
    """Write the file unless it holds just that."""
    if not path.exists() or path.read_bytes() != data:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def check(board: board_file.Board, found: Figures) -> None:
    """ToolError when the firmware does not fit what board.toml says."""
    flash = board.number("flash", "firmware_kb") * 1024
    heap = board.number("memory", "heap_kb") * 1024
    if found.text > flash:
        raise ToolError(f"{board.name}: the firmware takes {found.text:,} B of a flash area of {flash:,} B", 1)
    if found.heap < heap:
        raise ToolError(f"{board.name}: {found.heap:,} B of heap are left, and the node is promised {heap:,} B", 1)


def figures(program: Path) -> Figures:
    """What the firmware takes, read from its symbols and sections."""
    symbols = {}
    for line in tool("nm", str(program)).splitlines():
        address, _, name = line.partition(" ")
        symbols[name[2:]] = int(address or "0", 16)
    sections = {}
    for line in tool("size", "-A", str(program)).splitlines():
        words = line.split()
        if len(words) == 3 and words[0].startswith("."):
            sections[words[0]] = int(words[1])
    frozen_path = program.parent / "frozen"
    listed = frozen_path.read_text() if frozen_path.exists() else frozen_sizes(program.parent / "frozen_content.o")
    sizes = {name: int(size) for name, size in (line.split(" ") for line in listed.splitlines())}
    return Figures(
        text=sections[".text"] + sections[".data"],
        frozen=sum(size for name, size in sizes.items() if name != BYTECODE),
        bytecode=sizes[BYTECODE],
        static=symbols["_heap_start"] - symbols["_ram_start"],
        stack=symbols["_estack"] - symbols["_sguard"],
        heap=symbols["_heap_end"] - symbols["_heap_start"],
    )


def frozen_sizes(frozen_object: Path, cross: str = CROSS) -> str:
    """A line for each frozen module, "jamliquor_lite_chain_header 1234": bytes in flash of its functions and tables.
    Names and texts, which modules share, are the line "names"; BYTECODE is what functions of ours are of all that."""
    sizes: "dict[str, int]" = {}
    bytecode = 0
    modules = []
    rows = [line.split() for line in tool("nm", "-S", str(frozen_object), cross=cross).splitlines()]
    for row in rows:
        if len(row) == 4 and row[3].startswith("frozen_module_"):
            modules.append(row[3][len("frozen_module_") :])
    modules.sort(key=len, reverse=True)
    for row in rows:
        if len(row) == 4:
            owner = next((name for name in modules if "_" + name in row[3] + "_"), "names")
            sizes[owner] = sizes.get(owner, 0) + int(row[1], 16)
            if row[3].startswith("fun_data_") and owner.split("_")[0] not in OTHERS:
                bytecode += int(row[1], 16)
    whole = int(tool("size", str(frozen_object), cross=cross).splitlines()[1].split()[0])
    sizes["names"] = whole - sum(size for name, size in sizes.items() if name != "names")
    sizes[BYTECODE] = bytecode
    return "".join(f"{name} {size}\n" for name, size in sorted(sizes.items()))


def tool(name: str, *words: str, cross: str = CROSS) -> str:
    """The output of one of a cross compiler's programs."""
    done = subprocess.run([cross + name, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"{cross}{name}: {done.stderr.strip()}", 1)
    return done.stdout
