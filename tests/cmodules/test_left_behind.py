"""No secret is left on the stack: left_behind.c searches it after each function that works on some."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.cmodules.library import COMPILE_S, MODULE, compile_parts, folders, need_compiler
from tools.building import ToolError, call

PROGRAM = Path(__file__).with_name("left_behind.c")
PARTS = (
    "x25519", "x25519_public", "ed25519_public", "ed25519_sign", "ed25519_sign_as", "seal", "open", "mlkem_keypair",
    "mlkem_encapsulate", "mlkem_decapsulate",
)  # fmt: skip
RUN_S = 120


@pytest.fixture(scope="module", params=["-Os", "-O2"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        need_compiler()
    except ToolError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("left_behind")
    made = folder / "program"
    objects = compile_parts(folder, [request.param])
    call(["gcc", "-g", "-O1", *folders(), str(PROGRAM), *objects, "-o", str(made)], "compiling", COMPILE_S)
    return made


def found(program: Path, part: str) -> "list[str]":
    done = subprocess.run([str(program), part], capture_output=True, text=True, timeout=RUN_S)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and lines.pop() == "done", done
    return lines


@pytest.mark.parametrize("part", PARTS)
def test_the_stack_is_clean(program: Path, part: str) -> None:
    assert found(program, part) == []


def test_what_is_planted_is_found(program: Path) -> None:
    assert found(program, "planted")[:2] == ["seed, byte 0", "seed, byte 1"]


def test_every_function_with_secrets_is_run() -> None:
    declared = set(re.findall(r"\b(jc_\w+)\(", (MODULE / "jamcrypto.h").read_text())) - {"jc_ed25519_verify"}
    assert len(declared) == len({part.removesuffix("_as") for part in PARTS})
