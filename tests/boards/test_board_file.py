"""board.toml: the boards that are there are right, and every kind of mistake is one clear line."""

from pathlib import Path

import pytest

from jamliquor_lite.chain.flash_rows import FlashRows
from jamliquor_lite.chain.flash_sets import FlashSets
from jamliquor_lite.cli import board_file
from jamliquor_lite.codec.spec import FULL
from jamliquor_lite.errors import LocalError
from jamliquor_lite.ports.cpython.flash import Area

ROOT = Path(__file__).resolve().parents[2]
BOARDS = sorted((ROOT / "boards").iterdir())
GOOD = (Path(__file__).parent / "good.toml").read_text()
NAME = 'name = "qemu-virt-rv32-264k"'


def inspect(tmp_path: Path, text: "str | bytes", name: str = "qemu-virt-rv32-264k"):
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    path = folder / "board.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    board, mistakes = board_file.inspect(str(path))
    assert all(line.startswith(f"{path}: ") and "\n" not in line for line in mistakes)
    return board, [line[len(f"{path}: ") :] for line in mistakes]


@pytest.mark.parametrize("folder", BOARDS, ids=lambda folder: folder.name)
def test_every_board_is_right(folder: Path) -> None:
    board, mistakes = board_file.inspect(str(folder / "board.toml"))
    assert mistakes == [] and board is not None and board.name == folder.name


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("ram_kb = 264", "ram_kb = 3000", "memory.ram_kb: 3000 is not within 64 and 2048"),
        ("ram_kb = 264", 'ram_kb = "264"', "memory.ram_kb: '264' is given, a whole number is needed"),
        ("ram_kb = 264", "ram_kb = true", "memory.ram_kb: True is given, a whole number is needed"),
        ("ram_kb = 264", "ram_kb = 264.0", "memory.ram_kb: 264.0 is given, a whole number is needed"),
        ("ram_kb = 264", "ram_kb = 263", "memory.ram_kb: the machine has pages of 4 KB, so a multiple of 4 is needed"),
        ("ram_kb = 264\n", "", "memory.ram_kb: missing"),
        ("ram_kb = 264", "ram_kb = 264\nram_kbs = 1", "memory.ram_kbs: unknown; did you mean 'ram_kb'?"),
        (
            "heap_kb = 160",
            "heap_kb = 240",
            "memory: stack_kb and heap_kb leave nothing of ram_kb for the firmware's own data",
        ),
        ("tcp = true", "tcp = 1", "links.tcp: 1 is given, true or false is needed"),
        (
            "receive_buffers = 40",
            "receive_buffers = 20",
            "tcp.receive_buffers: too few for one connection's receive_bytes",
        ),
        (
            "send_bytes = 2048",
            "send_bytes = 2047",
            "tcp.send_bytes: fewer than two segments wait for a delayed ACK each time",
        ),
        (
            "receive_bytes = 4096",
            "receive_bytes = 2000",
            "tcp.receive_bytes: fewer than two segments are acknowledged late each time",
        ),
        (
            "connections = 5",
            "connections = 13",
            "tcp.memory_bytes: less than a segment for each connection, so that one can stop another",
        ),
        ("size_kb = 2048", "size_kb = 2000", "flash: the firmware and the areas together are larger than size_kb"),
        ("scratch_kb = 72", "scratch_kb = 71", "flash.scratch_kb: a multiple of 4, the sector's size, is needed"),
        ("scratch_kb = 72", "scratch_kb = 64", "flash.scratch_kb: 64 is not within 68 and 1000000"),
        ("max_peers = 3", "max_peers = 5", "profile.max_peers: one more of tcp.connections is needed than peers"),
        ("max_peers = 3", "max_peer = 3", "profile.max_peer: unknown; did you mean 'max_peers'?"),
        ("max_peers = 3", "max_peers = -1", "profile.max_peers: -1 is not within 0 and 1073741823"),
        ("max_peers = 3", 'max_peers = "3"', "profile.max_peers: '3' is given, a whole number is needed"),
        ("max_peers = 3", 'name = "linux"', "profile.name: unknown; did you mean 'frames'?"),
        ("[watchdog]", "[watchdogs]", "watchdog: the table [watchdog] is missing"),
        ("[profile]", "[other]\n[profile]", "other: unknown"),
        (NAME, 'name = "Pico"', "name: lower-case letters, digits and single dashes are needed"),
        (NAME, 'name = "pico"', "name: 'pico' lies in a folder called 'qemu-virt-rv32-264k'"),
        (NAME, "name = 3", "name: lower-case letters, digits and single dashes are needed"),
        ('arch = "rv32imac"', 'arch = ""', "cpu.arch: 1 to 32 characters are needed"),
    ],
)
def test_a_mistake_is_a_line(tmp_path: Path, before: str, after: str, line: str) -> None:
    assert GOOD.count(before) == 1
    board, mistakes = inspect(tmp_path, GOOD.replace(before, after))
    assert board is None
    assert line in mistakes


def test_a_board_needs_a_link(tmp_path: Path) -> None:
    text = GOOD.replace("tcp = true", "tcp = false").replace("serial = true", "serial = false")
    _, mistakes = inspect(tmp_path, text)
    assert mistakes == ["links: a board needs at least one"]


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("mhz = 150", "mhz = 0").replace("fs_kb = 128", "fs_kb = []")
    text = text.replace("leaves = 16", "leafs = 16")
    assert inspect(tmp_path, text)[1] == [
        "profile.leafs: unknown; did you mean 'leaves'?",
        "cpu.mhz: 0 is not within 1 and 10000",
        "flash.fs_kb: [] is given, a whole number is needed",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"name = \xff", "not UTF-8 text"),
        (b"name = ", "not TOML: Invalid value"),
        (b"#" * 70_000, "longer than 65536 bytes: this is no board.toml"),
        (b"memory = 1", "memory: a table is needed"),
        (b"profile = 1", "profile: a table is needed"),
    ],
)
def test_what_is_no_board_file_at_all(tmp_path: Path, text: bytes, line: str) -> None:
    assert any(mistake.startswith(line) for mistake in inspect(tmp_path, text)[1])


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    assert board_file.inspect(str(tmp_path / "none"))[1] == [f"{tmp_path / 'none'}: no such file"]
    assert board_file.inspect(str(tmp_path))[1] == [f"{tmp_path}: Is a directory"]
    with pytest.raises(LocalError) as caught:
        board_file.load(str(tmp_path / "none"))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("folder", BOARDS, ids=lambda folder: folder.name)
def test_the_module_says_what_the_file_says(folder: Path) -> None:
    board = board_file.load(str(folder / "board.toml"))
    names: dict = {}
    exec(board_file.module(board), names)
    assert names["NAME"] == folder.name and names["PROFILE"] == board.profile
    assert names["HEAP_BYTES"] == 1024 * board.number("memory", "heap_kb")
    ends = 0
    for area in ("fs", "sets", "scratch", "tree"):
        offset, size = names["FLASH"][area]
        assert offset == ends and size == 1024 * board.number("flash", area + "_kb")
        ends += size
    assert ends == board.disk_bytes()
    config = board_file.header(board)
    for name, key in (("TCP_CONNECTIONS", "connections"), ("RECEIVE_BUFFERS", "receive_buffers")):
        assert f"#define BOARD_{name} ({board.number('tcp', key)})\n" in config


def test_the_flash_holds_a_full_spec_epoch_mark() -> None:
    for folder in BOARDS:
        board = board_file.load(str(folder / "board.toml"))
        assert board.flash()["scratch"][1] >= 65_833
        tree = Area(bytearray(board.flash()["tree"][1]), 0, board.flash()["tree"][1])
        FlashRows(tree, board.profile["tree_headers"])
        sets = Area(bytearray(board.flash()["sets"][1]), 0, board.flash()["sets"][1])
        assert FlashSets(sets, FULL, 8).pairs >= 10
        # A root is 2 epochs and a quarter behind what more than a third of all authors have built on, drawn at random.
        assert board.profile["tree_headers"] >= 2 * 600 + 150 + 416 + 150
