"""The file of a Linux board: every contradiction in it is one line that names the number."""

from pathlib import Path

import pytest

from jamliquor_lite.cli import board_file

GOOD = (Path(__file__).resolve().parents[2] / "boards" / "raspberry-pi-zero-2w" / "board.toml").read_text()


def mistakes(folder: Path, text: str) -> "list[str]":
    path = folder / "raspberry-pi-zero-2w" / "board.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    found, lines = board_file.inspect(str(path))
    assert (found is None) == bool(lines)
    assert all(line.startswith(f"{path}: ") and "\n" not in line for line in lines)
    return [line[len(f"{path}: ") :] for line in lines]


def test_it_is_right(tmp_path: Path) -> None:
    assert mistakes(tmp_path, GOOD) == []


def test_with_linux_a_node_does_without_a_vrf_in_machine_code(tmp_path: Path) -> None:
    assert mistakes(tmp_path, GOOD.replace('vrf = "wheel"', 'vrf = "none"')) == []


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ('kind = "linux"', 'kind = "windows"', "kind: 'windows' is given, there are 'mcu' and 'linux'"),
        ('kind = "linux"', "kind = 1", "kind: 1 is given, there are 'mcu' and 'linux'"),
        ("cores = 4", "cores = 0", "cpu.cores: 0 is not within 1 and 1024"),
        ("mhz = 1000", "mhz = 1000\nshare_percent = 25", "cpu.share_percent: unknown"),
        ("[stops]", "[stop]", "stops: the table [stops] is missing"),
        ("ram_mb = 512", "ram_mb = 448", "profile.memory_bytes: with stops.kernel_mb it is 159383552 bytes, and "
         "memory.ram_mb less memory.system_mb leave 134217728"),
        ("memory_bytes = 134217728", "frames_ = 1", "profile.frames_: unknown; did you mean 'frames'?"),
        ("memory_bytes = 134217728 ", "#", "profile.memory_bytes: missing; it is what the whole node may take"),
        ("cpu_percent = 50", "cpu_percent = 24", "stops.cpu_percent: 24 would stop the node below its own budget, "
         "profile.cpu_permille = 250"),
        ("cpu_percent = 50", "cpu_percent = 401", "stops.cpu_percent: cpu.cores = 4 have no more than 400"),
        ("kernel_mb = 24", "kernel_mb = 4", "stops.kernel_mb: 27 sockets may hold 5308416 bytes, and it is 4 MiB"),
        ("socket_receive_bytes = 65536", "socket_receive_bytes = 0", "profile.socket_receive_bytes, "
         "profile.socket_send_bytes: missing; the system's own may be megabytes"),
        ("system_upload_rate = 2048", "system_upload_rate = 1849", "profile.system_upload_rate: the system's answers "
         "to floods take up to 1850 bytes a second at firewall.new_per_second = 10"),
        ("source_new_per_second = 2", "source_new_per_second = 11", "firewall.source_new_per_second: more than "
         "new_per_second allows all of them together"),
        ("sources = 4096", "sources = true", "firewall.sources: True is given, a whole number is needed"),
        ("tcp = true\nquic = true\nwifi = true\nserial = true", "tcp = false\nquic = false\nserial = false",
         "links: a board needs at least one"),
        ("tcp = true", "tcp = false", "links.quic: nothing carries it without tcp"),
        ("wifi = true", "wifi = false", "links.tcp: nothing carries it; wifi or ethernet must be true"),
        ('vrf = "wheel"', 'vrf = "natmod"', "vrf: 'natmod' is for microcontrollers; with Linux it is a wheel, or "
         "compiled there"),
        ("image_kb = 16777216", "", "flashing.image_kb: missing; method 'image' needs it"),
        ("frames = 12", "frames = 1", "profile.frames: 1, at least 2 are needed"),
        ("stream_chunks = 96", "stream_chunks = 4096", "profile.memory_bytes: code_bytes 50331648 + pools, tables and "
         "queues "),
    ],
)
def test_a_contradiction_is_one_line(tmp_path: Path, before: str, after: str, line: str) -> None:
    assert before in GOOD
    found = mistakes(tmp_path, GOOD.replace(before, after, 1))
    assert any(said.startswith(line) for said in found), found
