"""The C code in a process of its own, built with the host's compiler and its sanitizers, asked over a pipe."""

import importlib.util
import os
import struct
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jamliquor_lite.crypto import bandersnatch as curve
from tools.building import ToolError, install

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "firmware" / "cmodules" / "jamcrypto"
SOURCES = [MODULE / "sha512.c", *sorted(MODULE.glob("bandersnatch_*.c")), Path(__file__).with_suffix(".c")]
P = curve.FIELD
MONTGOMERY = 1 << 256
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
BUILD_S = 300
# name -> what the compiler is told.
BUILDS = {
    "whole": ["-O1"],
    "small": ["-O1", "-DJC_BANDERSNATCH_SMALL=1"],
    "slow": ["-O1", "-DJC_MAX_BATCHES=24"],  # about half of all arguments take more: the slow ways run too
    "words32": ["-O2", "-m32", "-idirafter", "/usr/include/x86_64-linux-gnu"],
    "cortex_m0": ["-O1", "-D__ARM_ARCH_6M__", "-DJC_BANDERSNATCH_SMALL=1"],  # products from halves of words
}


def need_compiler() -> str:
    """Make sure of gcc with its sanitizers; installs it as root. "" or why there is none."""
    if not _compiles([]):
        try:
            install(["gcc", "libc6-dev"], "a C compiler")
        except ToolError as error:
            return str(error)
    return "" if _compiles([]) else "the C compiler makes no program with sanitizers"


def _compiles(flags: list[str]) -> bool:
    command = ["gcc", *flags, *SANITIZERS, "-x", "c", "-", "-o", os.devnull]
    try:
        text = b"#include <stdio.h>\nint main(void) { return 0; }\n"
        return subprocess.run(command, input=text, capture_output=True, timeout=BUILD_S).returncode == 0
    except OSError:
        return False


def build(folder: Path, name: str) -> "Path | str":
    """The program of that build, or why this machine has none."""
    flags = BUILDS[name]
    if "-m32" in flags and not _compiles(flags):
        return "no 32-bit programs are compiled here"

    def compile_one(source: Path) -> str:
        target = str(folder / f"{name}-{source.stem}.o")
        command = ["gcc", "-std=c99", "-g", *flags, *WARNINGS, *SANITIZERS, f"-I{MODULE}", "-c", str(source)]
        command += ["-o", target]
        done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_S)
        assert done.returncode == 0 and not done.stderr, done.stderr
        return target

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compile_one, SOURCES))
    program = folder / name
    machine = [flag for flag in flags if flag.startswith("-m")]
    done = subprocess.run(
        ["gcc", *machine, *SANITIZERS, *objects, "-o", str(program)], capture_output=True, text=True, timeout=BUILD_S
    )
    assert done.returncode == 0, done.stderr
    return program


class Driver:
    """One running program. Numbers in and out are Python's; elements are in Montgomery form, as in the C code."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            [str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def close(self) -> None:
        """End it; it must have had nothing to say."""
        said = self._process.communicate()[1].decode()
        assert self._process.returncode == 0 and said == "", said

    def ask(self, operation: bytes, payload: bytes) -> bytes:
        process = self._process
        try:
            process.stdin.write(operation + struct.pack("<I", len(payload)) + payload)
            process.stdin.flush()
        except BrokenPipeError:
            pass
        head = process.stdout.read(4)
        if len(head) < 4:
            raise AssertionError(process.stderr.read().decode())
        return process.stdout.read(struct.unpack("<I", head)[0])

    def field(self, operation: str, a: int, b: int = 0) -> bytes:
        return self.ask(b"F", operation.encode() + a.to_bytes(32, "little") + b.to_bytes(32, "little"))

    def element(self, operation: str, a: int, b: int = 0) -> int:
        return int.from_bytes(self.field(operation, a, b), "little")

    def points(self, operation: str, *encoded: bytes) -> "tuple[list[tuple[int, int]], bytes]":
        """(affine points, what follows them)."""
        answer = self.ask(b"P", operation.encode() + b"".join(encoded))
        count = len(answer) // 64
        return affine_points(answer[: 64 * count]), answer[64 * count :]

    def hash_to_curve(self, data: bytes) -> "tuple[int, int]":
        return affine_points(self.ask(b"C", data))[0]

    def sha512(self, data: bytes, piece: int = 255) -> bytes:
        return self.ask(b"H", bytes([piece]) + data)

    def verify(self, public: bytes, data: bytes, aux: bytes, proof: bytes, piece: int = 0) -> "bytes | None":
        if len(public) != 32 or len(proof) != 96:
            return None  # what callers check
        return self.ask(b"V", public + proof + struct.pack("<HH", len(data), piece) + data + aux) or None


def eigenvalue() -> int:
    """What the endomorphism multiplies by, as the generator of the constants finds it."""
    spec = importlib.util.spec_from_file_location("bandersnatch_constants", MODULE / "bandersnatch_constants.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.root_mod_order(-2)


def affine_points(data: bytes) -> "list[tuple[int, int]]":
    numbers = [int.from_bytes(data[i : i + 32], "little") for i in range(0, len(data), 32)]
    return list(zip(numbers[::2], numbers[1::2]))


def montgomery(number: int) -> int:
    return number * MONTGOMERY % P


def number(element: int) -> int:
    return element * pow(MONTGOMERY, -1, P) % P
