"""The firmware's bytes depend on its sources and on nothing else; what does not fit a board is not built."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.device.emulated import firmware
from tools.building import ToolError, cache_folder
from tools.firmware_build import Figures, Work, board_named, check, figures, need_firmware
from tools.sources import SOURCES, need

ROOT = Path(__file__).resolve().parents[2]
TEXT_MOST = 480 * 1000
BYTECODE_MOST = 160 * 1000


def test_two_folders_give_the_same_bytes(small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second build is made in another cache folder, of sources that lie elsewhere, with other times."""
    cache = tmp_path / "another-cache-with-a-longer-name"
    cache.mkdir()
    for tree in cache_folder().iterdir():
        if tree.name.startswith(("micropython-1", "mpy-cross-", "lwip-", "monocypher-", "pqclean-")) and tree.is_dir():
            shutil.copytree(tree, cache / tree.name, copy_function=shutil.copy)
    first = firmware(small)
    second = need_firmware(board_named(small), cache)
    if second.parent.name != first.parent.name:
        pytest.skip("somebody writes to the sources meanwhile")
    assert second.read_bytes() == first.read_bytes()
    found = second.read_bytes()
    for word in (str(tmp_path), str(ROOT), str(Path.home())):
        assert word.encode() not in found


def test_a_folder_that_make_cannot_work_in_is_said(small: str, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="has a blank in its name; XDG_CACHE_HOME can name another") as caught:
        need_firmware(board_named(small), tmp_path / "a b")
    assert caught.value.status == 2


def test_it_takes_what_it_may(board_name: str) -> None:
    found = figures(firmware(board_name))
    assert found.text <= TEXT_MOST, found
    assert found.bytecode <= BYTECODE_MOST, found
    assert found.heap >= 1024 * board_named(board_name).number("memory", "heap_kb")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"text": 700_000}, "the firmware takes 700,000 B of a flash area of 655,360 B"),
        ({"heap": 100_000}, "100,000 B of heap are left, and the node is promised 194,560 B"),
    ],
)
def test_what_does_not_fit_is_refused(change: "dict[str, int]", line: str) -> None:
    right = Figures(text=400_000, frozen=1, bytecode=1, static=1, stack=1, heap=200_000)
    board = board_named("qemu-virt-rv32-264k")
    check(board, right)
    with pytest.raises(ToolError) as caught:
        check(board, right._replace(**change))
    assert str(caught.value) == f"{board.name}: {line}" and caught.value.status == 1


def test_packages_of_micropython_lib_are_frozen_where_a_checkout_is_named(small: str, tmp_path: Path) -> None:
    library = tmp_path / "lib"
    for folder, name in (("micropython", "other"), ("python-stdlib", "logging"), ("python-ecosys", "cbor2")):
        package = library / folder / name
        package.mkdir(parents=True)
        (package / "manifest.py").write_text(f'metadata(version="1.0")\nmodule("{name}.py")\n')
        (package / f"{name}.py").write_text("")
    trees = {name: need(name, cache_folder()) for name in SOURCES}
    frozen = {}
    for named in (None, library):
        work = Work(board_named(small), trees, tmp_path / "work", named, "")
        work.copy_sources()
        frozen[named] = {name for name, _ in work.frozen_files()}
    assert frozen[library] - frozen[None] == {"logging.py", "cbor2.py"}
    assert {"_boot.py", "_board.py", "main.py", "jamliquor_lite/chain/__init__.py"} <= frozen[None]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["build", "pico3"], "firmware: no board is called pico3; there are esp32-c3, esp32-c6, pico, "),
        (["build", "raspberry-pi-zero-2w"], "firmware: raspberry-pi-zero-2w runs Linux and has no firmware: "),
        (["build", "../boards"], "firmware: no board is called ../boards; there are "),
        (["build", "qemu-virt-rv32-264k", "--micropython-lib", "/"], "firmware: / is no checkout of micropython-lib"),
        (["build", "qemu-virt-rv32-264k", "--source", "/none"], "firmware: cannot read /none"),
    ],
)
def test_wrong_words_are_one_line(words: "list[str]", line: str) -> None:
    command = [sys.executable, str(ROOT / "tools" / "firmware"), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(line) and done.stderr.count("\n") == 1
