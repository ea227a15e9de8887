"""The sources of others that a firmware for Raspberry Pi's chips is built from, laid out as MicroPython wants them.

MicroPython's rp2 port looks for the SDK, TinyUSB, mbedtls and lwIP inside its own tree, where its archive has empty
folders. `need_tree` makes such a tree in the cache, with a few lines changed (CHANGES says which, and why);
`need_picotool` builds the program that the SDK makes UF2 files with. Both are named by all that they are made of.
"""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tools import sources
from tools.building import BUILD_S, ToolError, call, install, locked, new_folder, progress

# What a build reads of MicroPython; the rest of its archive is other ports, documents and tests.
TAKEN = ("drivers", "extmod", "lib", "mpy-cross/mpy_cross", "py", "shared", "tools", "ports/rp2", "no-lib")
INTO = {"pico-sdk": "lib/pico-sdk", "tinyusb": "lib/tinyusb", "mbedtls": "lib/mbedtls", "lwip": "lib/lwip"}
HOST_TOOLS = ["cmake", "ninja-build", "g++"]
RADIO = "lib/cyw43-driver"
RADIO_FILES = ("src/cyw43.h", "src/cyw43_ctrl.c", "firmware")
# gcc 12 stops with an internal error on 24 files where it may use Zbs, and the SDK's inline assembly does use it.
RISCV_FLAGS = "-march=rv32imac_zicsr_zifencei_zba_zbb_zbkb -mabi=ilp32 -mno-riscv-attribute --specs=picolibc.specs"
RISCV_ASSEMBLER = "-Wa,-march=rv32imac_zicsr_zifencei_zba_zbb_zbs_zbkb"


class Change(NamedTuple):
    """One text of a file that is another in the tree. It must stand there exactly `times`."""

    file: str
    old: str
    new: str
    times: int = 1


_PORT = "ports/rp2/CMakeLists.txt"
_SDK = "lib/pico-sdk/src/"
_NO_SYSTEM = '        target_link_options(${NAME} PRIVATE "--specs=nosys.specs")\n'
_EXTRA_STACK = "-Wl,--defsym=__micropy_extra_stack__=${JAMLIQUOR_EXTRA_STACK}"
CHANGES = (
    # The stack is as large as the board says: the port's 8 KB, or 12 KB on the RP2350, are too little for ML-KEM. It
    # lies in the last two banks and reaches down from there into the others; so nothing may be put into those two.
    Change(_PORT, "-Wl,--defsym=__micropy_extra_stack__=4096", _EXTRA_STACK),
    Change(_PORT, "    -Wl,--wrap=runtime_init_clocks", f"    -Wl,--wrap=runtime_init_clocks\n    {_EXTRA_STACK}"),
    Change("ports/rp2/memmap_mp_rp2040.ld", "__GcHeapEnd = ORIGIN(RAM) + LENGTH(RAM);",
           "__GcHeapEnd = ORIGIN(RAM) + LENGTH(RAM) - __micropy_extra_stack__;"),
    Change("ports/rp2/memmap_mp_rp2040.ld", "__StackBottom = __StackTop - SIZEOF(.stack_dummy);",
           "__StackBottom = __GcHeapEnd;\n"
           '    ASSERT(SIZEOF(.scratch_x) + SIZEOF(.scratch_y) == 0, "the stack would lie on data")'),
    Change("ports/rp2/memmap_mp_rp2350.ld", "__StackBottom = __GcHeapEnd;",
           "__StackBottom = __GcHeapEnd;\n"
           '    ASSERT(SIZEOF(.scratch_x) + SIZEOF(.scratch_y) == 0, "the stack would lie on data")'),
    # Debian's cross compilers come without a C++ library, and nothing in a firmware is C++ but empty files.
    Change(_PORT, "pico_add_extra_outputs(${MICROPY_TARGET})",
           "set_target_properties(${MICROPY_TARGET} PROPERTIES LINKER_LANGUAGE C)\n"
           "pico_add_extra_outputs(${MICROPY_TARGET})"),
    # Frozen modules are called by their names (firmware/port/make_manifest.py), and hold no machine code.
    Change(_PORT, "set(MICROPY_CROSS_FLAGS -march=armv6m)", "set(MICROPY_CROSS_FLAGS -O3)"),
    Change("py/mkrules.cmake", "${MICROPY_DIR}/tools/makemanifest.py -o",
           "${JAMLIQUOR_MAKE_MANIFEST} ${MICROPY_DIR} -o"),
    # picolibc has its functions of the system in itself, and its own linker script, which -T replaces.
    Change(_SDK + "rp2040/boot_stage2/CMakeLists.txt", _NO_SYSTEM, ""),
    Change(_SDK + "rp2350/boot_stage2/CMakeLists.txt", _NO_SYSTEM, ""),
    Change(_SDK + "rp2_common/pico_runtime/CMakeLists.txt",
           'target_link_options(pico_runtime INTERFACE "--specs=nosys.specs")',
           'target_link_options(pico_runtime INTERFACE "${JAMLIQUOR_RUNTIME}")'),
    Change(_SDK + "rp2_common/pico_standard_link/CMakeLists.txt", '"LINKER:--script=', '"-T'),
    Change("lib/pico-sdk/cmake/preload/toolchains/pico_riscv_gcc.cmake",
           '" -march=rv32imac_zicsr_zifencei_zba_zbb_zbs_zbkb -mabi=ilp32"', f'" {RISCV_FLAGS} {RISCV_ASSEMBLER}"'),
    Change("lib/pico-sdk/cmake/preload/toolchains/pico_riscv_gcc.cmake",
           "riscv32-unknown-elf riscv32-corev-elf", "riscv64-unknown-elf"),
)  # fmt: skip


def need_host_tools() -> None:
    """CMake, Ninja and a C++ compiler for this machine; installed as root where one is missing."""
    if not all(shutil.which(name) for name in ("cmake", "ninja", "g++")):
        install(HOST_TOOLS, "CMake, Ninja and a C++ compiler")


def checked_radio(radio: Path) -> Path:
    """The folder of a checkout of cyw43-driver, which has the radio's driver and the firmware that the radio runs."""
    missing = [name for name in RADIO_FILES if not (radio / name).exists()]
    if missing:
        raise ToolError(f"{radio} is no checkout of cyw43-driver: it has no {missing[0]}", 2)
    return radio.resolve()


def need_tree(cache: Path, radio: "Path | None" = None) -> Path:
    """The folder of the whole tree; `radio` is a checkout of cyw43-driver that becomes a part of it. ToolError."""
    parts = {name: sources.need(name, cache) for name in ("micropython", *INTO)}
    state = hashlib.sha256(repr([path.name for path in parts.values()]).encode() + Path(__file__).read_bytes())
    if radio is not None:
        for path in sorted(path for path in radio.rglob("*") if path.is_file() and ".git" not in path.parts):
            state.update(str(path.relative_to(radio)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    tree = cache / f"pico-tree-{state.hexdigest()[:16]}"
    with locked(cache / "pico-tree.lock"):
        if tree.exists():
            return tree
        progress(f"laying out {tree.name}")
        with new_folder(cache) as work:
            for name in TAKEN:
                _link(parts["micropython"] / name, work / "tree" / name)
            for name, folder in INTO.items():
                shutil.rmtree(work / "tree" / folder, ignore_errors=True)
                _link(parts[name], work / "tree" / folder)
            if radio is not None:
                shutil.rmtree(work / "tree" / RADIO, ignore_errors=True)
                shutil.copytree(radio, work / "tree" / RADIO, ignore=shutil.ignore_patterns(".git"))
            for change in CHANGES:
                _apply(work / "tree", change)
            (work / "tree").rename(tree)
    return tree


def need_picotool(cache: Path) -> Path:
    """The folder that picotool is installed in, with bin/picotool and what CMake finds it by. It is built without
    libusb: it makes and reads files, and talks to no board. ToolError."""
    need_host_tools()
    source, sdk = sources.need("picotool", cache), sources.need("pico-sdk", cache)
    state = hashlib.sha256(f"{source.name} {sdk.name}".encode())
    folder = cache / f"picotool-built-{state.hexdigest()[:16]}"
    with locked(cache / "picotool.lock"):
        if folder.exists():
            return folder
        progress(f"building {folder.name}")
        with new_folder(cache) as work:
            words = [f"-DPICO_SDK_PATH={sdk}", "-DPICOTOOL_NO_LIBUSB=1", "-DCMAKE_BUILD_TYPE=Release"]
            words += [f"-DCMAKE_INSTALL_PREFIX={work / 'installed'}", "-DCMAKE_INSTALL_LIBDIR=lib"]
            log = cache / "picotool.log"
            cmake(source, work / "build", words, {}, log)
            call(["ninja", "-C", str(work / "build"), "install"], "the build of picotool", BUILD_S, log=log)
            (work / "installed").rename(folder)
    return folder


def cmake(source: Path, build: Path, words: "list[str]", environment: "dict[str, str]", log: Path) -> None:
    """Configure a build with Ninja. The surroundings' flags have no say in it."""
    plain = {name: value for name, value in os.environ.items() if name not in ("CFLAGS", "CXXFLAGS", "LDFLAGS")}
    command = ["cmake", "-G", "Ninja", "-S", str(source), "-B", str(build), *words]
    call(command, f"cmake for {source.name}", BUILD_S, {**plain, **environment}, log)


def picotool_says(cache: Path, uf2: Path) -> str:
    """What `picotool info` reads in a UF2 file. ToolError when it cannot."""
    command = [str(need_picotool(cache) / "bin" / "picotool"), "info", "-a", str(uf2)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"picotool info: {(done.stderr or done.stdout).strip()}", 1)
    return done.stdout


def _link(source: Path, target: Path) -> None:
    # Of the same file system, so that 60 MB are there at once. What is changed is written anew (_apply).
    shutil.copytree(source, target, copy_function=os.link, symlinks=True, dirs_exist_ok=True)


def _apply(tree: Path, change: Change) -> None:
    path = tree / change.file
    text = path.read_text()
    if text.count(change.old) != change.times:
        raise ToolError(f"{change.file} has `{change.old.strip()}` {text.count(change.old)} times", 1)
    path.unlink()  # the file itself is also that of the unpacked archive
    path.write_text(text.replace(change.old, change.new))
