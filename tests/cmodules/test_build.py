"""What the module is made of: the same files for make and CMake, no allocation, no randomness, no division."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.cmodules.library import MODULE, PARTS, Library, folders
from tools.bench import rv32
from tools.building import ToolError


def listed(text: str) -> "set[str]":
    return set(re.findall(r"\b([a-z0-9_]+)\.c\b", text))


def test_make_and_cmake_compile_the_same_files() -> None:
    make, cmake = (MODULE / "micropython.mk").read_text(), (MODULE / "micropython.cmake").read_text()
    ours = {path.stem for path in MODULE.glob("*.c") if not path.stem.startswith("bandersnatch_")}
    assert ours == set(PARTS) | {"modjamcrypto"}
    assert ours <= listed(make) and ours <= listed(cmake)
    assert "bandersnatch_*.c" in make and "bandersnatch_*.c" in cmake


def test_make_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(f"USERMOD_DIR := {MODULE}\ninclude {MODULE}/micropython.mk\nall:\n")
    for words, name in (([], "MONOCYPHER"), (["JAMCRYPTO_MONOCYPHER=" + folders()[2]], "PQCLEAN")):
        done = subprocess.run(["make", "-C", str(tmp_path), *words], capture_output=True, text=True)
        assert done.returncode == 2 and f"JAMCRYPTO_{name} names no folder" in done.stderr


def test_nothing_is_called_but_moving_memory(c: Library) -> None:
    command = ["nm", "-D", "--undefined-only", str(c.path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    called = {line.split()[-1].split("@")[0] for line in said.splitlines()}
    of_the_host = {"__cxa_finalize", "__gmon_start__", "_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable"}
    assert called - of_the_host <= {"memcpy", "memset", "memcmp", "memmove", "__stack_chk_fail"}, called


def test_a_board_s_code_has_no_division(tmp_path: Path) -> None:
    """A division takes a time that depends on its numbers, on small cores and in libgcc."""
    try:
        rv32.need_tools()
    except ToolError as error:
        pytest.skip(str(error))
    for name in PARTS:
        made = str(tmp_path / f"{name}.o")
        flags = [rv32.ARCH, rv32.ABI, "-Os", "--specs=picolibc.specs", *folders()]
        subprocess.run([rv32.GCC, *flags, "-c", str(MODULE / f"{name}.c"), "-o", made], check=True)
        dump = subprocess.run(
            [rv32.GCC.replace("gcc", "objdump"), "-d", "-r", "--no-show-raw-insn", made],
            capture_output=True, text=True, check=True,
        ).stdout
        function = ""
        found = set()
        for line in dump.splitlines():
            label = re.match(r"[0-9a-f]+ <(\w+)>:", line)
            function = label[1] if label else function
            if re.search(r"\t(div|rem)u?\b|__(u?div|u?mod)[sd]i3", line):
                found.add(function)
        # Argon2, which nobody calls and the linker drops; and verifying, whose numbers are public.
        assert found <= {"crypto_argon2", "crypto_eddsa_check_equation"}, (name, found)
