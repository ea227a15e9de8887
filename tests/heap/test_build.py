"""`tools/micropython`: when it builds, what it says where it cannot, and what names a program."""

import os
import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

from tests.test_layers import MODULES, PACKAGE, dotted, portable

from .board import MANIFEST, TOOL, Board


def _run(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(TOOL), *words]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=600)


def _path_with(folder: Path, *names: str) -> str:
    """A folder to be the whole PATH, with links to these programs."""
    folder.mkdir()
    for name in names:
        found = shutil.which(name)
        assert found
        os.symlink(found, folder / name)
    return str(folder)


def _one_line(done: "subprocess.CompletedProcess[str]", status: int) -> str:
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1), done
    assert done.stderr.startswith("micropython: ")
    return done.stderr


def test_what_is_built_is_not_built_again(board: Board) -> None:
    done = _run("build", "--bits", "32", "--freeze", str(MANIFEST))
    assert (done.returncode, done.stdout, done.stderr) == (0, board.program + "\n", "")


def test_a_manifest_that_is_not_there() -> None:
    assert "no manifest" in _one_line(_run("build", "--freeze", "nowhere.py"), 2)


def test_other_sources_are_refused(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(b"another")
    done = _run("build", "--source", str(tmp_path / "archive"))
    assert "is none of micropython_" in _one_line(done, 2)


def test_without_a_compiler_a_person_is_told_what_to_install(tmp_path: Path) -> None:
    text = _one_line(_run("build", PATH=_path_with(tmp_path / "bin"), XDG_CACHE_HOME=str(tmp_path)), 2)
    assert "on Debian: apt-get install gcc libc6-dev make" in text


def test_without_apt_a_person_is_told_how_to_bring_the_sources(board: Board, tmp_path: Path) -> None:
    path = _path_with(tmp_path / "bin", "gcc", "make", "as", "ld")
    text = _one_line(_run("build", PATH=path, XDG_CACHE_HOME=str(tmp_path)), 2)
    assert "--source FILE" in text and "sha256" in text


@pytest.fixture(scope="module")
def tool(board: Board) -> ModuleType:
    loader = SourceFileLoader("micropython_tool", str(TOOL))
    spec = spec_from_loader(loader.name, loader)
    assert spec
    module = module_from_spec(spec)
    # No cache beside a script that has no suffix.
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module


def _tree(board: Board) -> Path:
    (tree,) = Path(board.program).parent.parent.glob("micropython-1.*")
    return tree


def test_a_change_of_a_frozen_module_makes_another_program(tool: ModuleType, board: Board, tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("a = 1\n")
    (tmp_path / "other.py").write_text("a = 1\n")  # beside it, and not frozen
    manifest = tmp_path / "manifest.py"
    manifest.write_text('module("one.py")\n')

    def name(bits: int = 32, compiler: str = "gcc 12") -> str:
        digest: str = tool.digest(_tree(board), manifest, bits, compiler, [])
        return digest

    before = name()
    (tmp_path / "other.py").write_text("a = 2\n")
    assert name() == before
    assert len({before, name(64), name(compiler="gcc 13")}) == 3
    (tmp_path / "one.py").write_text("a = 2\n")
    assert name() != before


def test_what_firmware_freezes_is_what_boards_run(tool: ModuleType, board: Board) -> None:
    names = {target for target, _ in tool.frozen_files(_tree(board), tool.FROZEN)}
    assert {"asyncio/core.py", "jamliquor_lite/__init__.py", "jamliquor_lite/crypto/suite.py"} <= names
    assert "jamliquor_lite/ports/micropython/clock.py" in names
    ours = {str(path.relative_to(PACKAGE.parent)) for path in MODULES if portable(dotted(path))}
    assert ours <= names, sorted(ours - names)
    for absent in ("quic", "ports/cpython", "/cli/", "/devnet/", "/gateway/", "/rpc/"):
        assert not [name for name in names if absent in name], absent


def test_a_manifest_with_a_fault_is_one_line(tmp_path: Path, board: Board) -> None:
    (tmp_path / "manifest.py").write_text('module("nowhere.py")\n')
    assert "nowhere.py" in _one_line(_run("build", "--freeze", str(tmp_path / "manifest.py")), 1)
