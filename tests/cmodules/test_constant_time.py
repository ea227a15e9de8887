"""No branch and no address depends on a secret, in the machine code that this machine's compiler makes of the C code.

valgrind's memcheck follows undefined memory into every branch and address; constant_time.c marks the secrets as such.
What this does not show: other compilers' code, RISC-V's, and instructions whose own time depends on what they compute
with (the multiplications of small cores; there is no division, see test_build.py).
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cmodules.library import COMPILE_S, MODULE, compile_parts, folders, need_compiler
from tools import sources
from tools.building import ToolError, cache_folder, call, install

PROGRAM = Path(__file__).with_name("constant_time.c")
PARTS = ("x25519", "ed25519", "seal", "mlkem_keypair", "mlkem_encapsulate", "mlkem_decapsulate")
# Entropy is secret and becomes the public seed of a matrix, which is sampled with branches: JC_PUBLIC says where.
PUBLIC = ["-include", "valgrind/memcheck.h", "-DJC_PUBLIC(data,size)=VALGRIND_MAKE_MEM_DEFINED(data,size)"]
FOUND = 9
RUN_S = 300


@pytest.fixture(scope="module", params=["-Os", "-O2"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        need_compiler()
        if not shutil.which("valgrind") or not Path("/usr/include/valgrind/memcheck.h").exists():
            install(["valgrind"], "valgrind")
    except ToolError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("constant_time")
    objects = compile_parts(folder, [request.param, *PUBLIC])
    made = folder / "program"
    call(["gcc", "-g", "-O1", *folders(), str(PROGRAM), *objects, "-o", str(made)], "compiling", COMPILE_S)
    return made


def complaints(program: Path, part: str) -> "list[str]":
    """(function, file, line) of the top frame of each complaint, as valgrind has them."""
    command = ["valgrind", f"--error-exitcode={FOUND}", "--error-limit=no", str(program), part]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S)
    assert done.stdout == ("odd\ndone\n" if part == "planted_branch" and "odd" in done.stdout else "done\n"), done
    assert done.returncode in (0, FOUND), done.stderr
    tops = re.findall(r"uninitialised.*\n==\d+==    at 0x[0-9A-F]+: (\w+ \(\S+:\d+\))", done.stderr)
    assert (done.returncode == FOUND) == bool(tops), done.stderr
    return sorted(set(tops))


@pytest.mark.parametrize("part", PARTS)
def test_secrets_decide_nothing(program: Path, part: str) -> None:
    assert complaints(program, part) == []


def test_opening_tells_only_whether_it_opened(program: Path) -> None:
    # Where the tag was compared, as a whole, the answer has to be acted on: that branch, and no other.
    (top,) = complaints(program, "open")
    number = int(re.findall(r":(\d+)\)", top)[0])
    source = sources.need("monocypher", cache_folder()) / "monocypher.c"
    assert "monocypher.c" in top and source.read_text().splitlines()[number - 1].strip() == "if (!mismatch) {"


def test_what_is_planted_is_found(program: Path) -> None:
    assert complaints(program, "planted_branch") and complaints(program, "planted_address")


def test_outside_of_valgrind_nothing_is_proved(program: Path) -> None:
    assert subprocess.run([str(program), "x25519"], capture_output=True).returncode == 3


def test_every_function_with_secrets_is_run() -> None:
    text = PROGRAM.read_text()
    public = {"jc_ed25519_verify"}
    declared = set(re.findall(r"\b(jc_\w+)\(", (MODULE / "jamcrypto.h").read_text()))
    assert len(declared) > 7 and [name for name in sorted(declared - public) if name + "(" not in text] == []
