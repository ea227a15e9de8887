"""board.toml: the boards that are there are right, and every kind of mistake is one clear line."""

from pathlib import Path

import pytest

from jamliquor_lite.chain.flash_rows import FlashRows
from jamliquor_lite.chain.flash_sets import FlashSets
from jamliquor_lite.cli import board_file
from jamliquor_lite.cli.board_schema import MCU
from jamliquor_lite.codec.spec import FULL
from jamliquor_lite.errors import LocalError
from jamliquor_lite.ports.cpython.flash import Area

ROOT = Path(__file__).resolve().parents[2]
BOARDS = sorted(file.parent for file in (ROOT / "boards").glob("*/board.toml"))
MCUS = [folder for folder in BOARDS if board_file.load(str(folder / "board.toml")).kind == MCU]
SMALL_TREE = ("esp32-c3", "esp32-c6")  # their heap has no room for the headers of a full-spec chain
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


def test_a_right_file_is_right(tmp_path: Path) -> None:
    board, mistakes = inspect(tmp_path, GOOD)
    assert mistakes == [] and board is not None and board.bounds().memory_bytes == 196 * 1024


def test_a_heap_that_is_too_small_names_what_is_too_large(tmp_path: Path) -> None:
    board, (line,) = inspect(tmp_path, GOOD.replace("tree_headers = 256", "tree_headers = 3000"))
    assert board is None and line.startswith("profile.memory_bytes: code_bytes 66100 + pools, tables and queues ")
    assert ", and there are 200704; the largest: rows of the fork tree 3000 x 21 = 63000; " in line


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
            "heap_kb = 196",
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
        ("max_peers = 3", "max_peers = 3\ncpu_permille = 100", "profile.cpu_permille: cpu.share_percent says it"),
        ("max_peers = 3", "max_peers = 3\nmemory_bytes = 100000", "profile.memory_bytes: memory.heap_kb says it"),
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
    text = GOOD
    for link in ("tcp", "ethernet", "serial"):
        text = text.replace(f"\n{link} = true", f"\n{link} = false")
    start, end = text.index("# lwIP's memory"), text.index("[watchdog]")
    _, mistakes = inspect(tmp_path, text[:start] + text[end:])
    assert mistakes == ["links: a board needs at least one"]


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ('role = "lite"\n', "", "role: missing; it is one of lite, bridge"),
        ('role = "lite"', 'role = "light"', "role: 'light' is given, there are lite, bridge; did you mean 'lite'?"),
        ('role = "lite"', "role = []", "role: [] is given, there are lite, bridge"),
        ('vrf = "firmware"', 'vrf = "none"', "role: 'lite' needs a VRF in machine code, and vrf is 'none': in pure "
         "Python the two proofs of a header take 514 million instructions, 3.4 s at 150 MHz and one a cycle, of a slot "
         "of 6 s; 'bridge' checks none"),
        ('vrf = "firmware"', 'vrf = "natmod"',
         "vrf: 'natmod', and flashing.natmod does not say for which machine code"),
        ('vrf = "firmware"', 'vrf = "wheel"', "vrf: 'wheel' is for boards with Linux; on a microcontroller it is in "
         "the firmware or a natmod"),
        ('tried = "emulated"', 'tried = "yes"', "tried: 'yes' is given, there are hardware, emulated, built, none"),
        ("\nethernet = true", "\nethernet = false", "links.tcp: nothing carries it; wifi or ethernet must be true"),
        ("\ntcp = true", "\ntcp = false", "links.tcp: false, and wifi or ethernet is true: what would it be for?"),
        ("\ntcp = true", "\ntcp = false", "tcp: the table [tcp] is needed where links.tcp is true, and has no place "
         "where it is false"),
        ('method = ["qemu"]', 'method = "qemu"', "flashing.method: 'qemu' is given, a list of texts is needed"),
        ('method = ["qemu"]', 'method = [1]', "flashing.method: [1] is given, a list of texts is needed"),
        ('method = ["qemu"]', "method = []", "flashing.method: 0 texts are given, 1 to 6 are needed"),
        ('method = ["qemu"]', 'method = ["uf3"]', "flashing.method: 'uf3' is given, there are uf2, esptool, mpremote, "
         "ssh, image, qemu; did you mean 'uf2'?"),
        ('method = ["qemu"]', 'method = ["qemu", "uf2"]', "flashing.volume: missing; method 'uf2' needs it"),
        ('method = ["qemu"]', 'method = ["qemu"]\nusb_run = ["2E8A"]', "flashing.usb_run: '2E8A' is given, VID:PID as "
         "'2e8a:0005' is needed"),
        ('method = ["qemu"]', 'method = ["qemu"]\nimage_kb = 100', "flashing.image_kb: an image holds at least "
         "flash.firmware_kb and at most flash.size_kb"),
        ('[qemu]\nsystem = "riscv32"\nmachine = "virt"\n', "", "qemu: the table [qemu] says how QEMU makes the board"),
        ("max_download_rate = 65536", "max_download_rate = 5000", "profile.max_download_rate: at 5000 bytes a second "
         "a header of 70098 with its framing is 14 s late; 5842 is the least that 2 slots allow"),
    ],
)
def test_what_a_board_is_for_and_how_it_is_flashed(tmp_path: Path, before: str, after: str, line: str) -> None:
    assert before in GOOD
    assert line in inspect(tmp_path, GOOD.replace(before, after, 1))[1]


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


@pytest.mark.parametrize("folder", MCUS, ids=lambda folder: folder.name)
def test_the_module_says_what_the_file_says(folder: Path) -> None:
    board = board_file.load(str(folder / "board.toml"))
    names: dict = {}
    exec(board_file.module(board), names)
    assert names["NAME"] == folder.name
    more = {"memory_bytes": names["HEAP_BYTES"], "cpu_permille": 10 * names["CPU_SHARE_PERCENT"]}
    assert names["PROFILE"] == {**more, **board.profile}
    assert names["HEAP_BYTES"] == 1024 * board.number("memory", "heap_kb")
    ends = 0
    for area in ("fs", "sets", "scratch", "tree"):
        offset, size = names["FLASH"][area]
        assert offset == ends and size == 1024 * board.number("flash", area + "_kb")
        ends += size
    assert ends == board.disk_bytes()
    assert names["TCP_CONNECTIONS"] == board.tables["tcp"].get("connections", 0)
    config = board_file.header(board)
    for name, key in (("TCP_CONNECTIONS", "connections"), ("RECEIVE_BUFFERS", "receive_buffers")):
        assert (f"#define BOARD_{name} ({board.number('tcp', key)})\n" in config) == (key in board.tables["tcp"])


def test_the_flash_holds_a_full_spec_epoch_mark() -> None:
    for folder in MCUS:
        board = board_file.load(str(folder / "board.toml"))
        assert board.flash()["scratch"][1] >= 65_833
        tree = Area(bytearray(board.flash()["tree"][1]), 0, board.flash()["tree"][1])
        FlashRows(tree, board.profile["tree_headers"])
        sets = Area(bytearray(board.flash()["sets"][1]), 0, board.flash()["sets"][1])
        assert FlashSets(sets, FULL, 8).pairs >= 10
        # A root is 2 epochs and a quarter behind what more than a third of all authors have built on, drawn at random.
        assert folder.name in SMALL_TREE or board.profile["tree_headers"] >= 2 * 600 + 150 + 416 + 150
