"""A UF2 file onto the drive of a boot loader: a folder stands for it, and ports are made by hand."""

import os
import subprocess
import threading
from pathlib import Path

import pytest

from jamliquor_lite.errors import LocalError
from jamliquor_lite.flash import drive, ports, uf2

from .support import INFO, INFO_2350, progress, target
from .support import drive as make_drive

PICO, PICO2 = 0xE48BFF56, 0xE48BFF5A
NO_MOUNTS = os.devnull


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """40 pages for a Pico."""
    pages = {0x10000000 + 256 * page: bytes([page]) * 256 for page in range(40)}
    path = tmp_path / "firmware.uf2"
    path.write_bytes(uf2.write(pages, PICO))
    return path


@pytest.fixture
def no_ports(monkeypatch: pytest.MonkeyPatch) -> "list[ports.Port]":
    there: "list[ports.Port]" = []
    monkeypatch.setattr(ports, "found", lambda: list(there))
    monkeypatch.setattr(drive, "BACK_S", 2)
    return there


def test_the_file_arrives_whole_and_the_board_is_waited_for(
    tmp_path: Path, image: Path, no_ports: "list[ports.Port]"
) -> None:
    folder = make_drive(tmp_path / "RPI-RP2")
    way = drive.Drive(target("pico"), str(folder), str(image))
    show, out = progress()

    def restart() -> None:
        while not (folder / "FIRMWARE.UF2").exists():
            pass
        no_ports.append(ports.Port("/dev/ttyACM7", "2e8a:0005", "Pico"))

    board = threading.Thread(target=restart)
    board.start()
    way.run(show)
    board.join()
    assert (folder / "FIRMWARE.UF2").read_bytes() == image.read_bytes()
    assert way.monitor == "serial:/dev/ttyACM7@115200"
    assert "100 %" in out.text and "pico is back: /dev/ttyACM7 (2e8a:0005, Pico)" in out.text


def test_a_port_that_was_there_before_is_not_the_board(
    tmp_path: Path, image: Path, no_ports: "list[ports.Port]"
) -> None:
    no_ports.append(ports.Port("/dev/ttyACM0", "2e8a:0005", "another Pico"))
    way = drive.Drive(target("pico"), str(make_drive(tmp_path / "d")), str(image))
    with pytest.raises(LocalError, match="did not come back within 2 s: its drive is still there.*hold BOOTSEL"):
        way.run(progress()[0])


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("pico2", lambda data: data, "it is for rp2040, pico2 is rp2350-riscv"),
        ("pico", lambda data: data[:-512], "39 blocks came and 40 were announced: cut short"),
        ("pico", lambda data: data[:-100], "not whole blocks of 512: no UF2, or cut short"),
        ("pico", lambda data: b"", "the file is empty"),
        ("pico", lambda data: uf2.write({0x10000000: bytes(256), 0x10200000: bytes(256)}, PICO), "fills 2,097,408 b"),
    ],
    ids=["family", "blocks", "cut", "empty", "large"],
)
def test_a_file_that_is_not_for_the_board_is_refused_before_anything_is_touched(
    tmp_path: Path, image: Path, no_ports: "list[ports.Port]", name: str, change: object, says: str
) -> None:
    image.write_bytes(change(image.read_bytes()))  # type: ignore[operator]
    folder = make_drive(tmp_path / "d", INFO_2350 if name == "pico2" else INFO)
    with pytest.raises(LocalError, match=says) as caught:
        drive.Drive(target(name), str(folder), str(image))
    assert caught.value.exit_code == 2
    assert os.listdir(folder) == ["INFO_UF2.TXT"]


def test_another_boards_drive_is_refused(tmp_path: Path, image: Path, no_ports: "list[ports.Port]") -> None:
    folder = make_drive(tmp_path / "d", INFO_2350)
    with pytest.raises(LocalError, match="another board's drive: pico has one with Board-ID RPI-RP2"):
        drive.Drive(target("pico"), str(folder), str(image))
    with pytest.raises(LocalError, match="no INFO_UF2.TXT there"):
        drive.Drive(target("pico"), str(tmp_path), str(image))


def test_no_drive_says_what_to_do(image: Path, no_ports: "list[ports.Port]") -> None:
    with pytest.raises(LocalError, match="hold BOOTSEL while plugging pico in"):
        drive.Drive(target("pico"), "", str(image), mounts=NO_MOUNTS)
    no_ports.append(ports.Port("/dev/ttyACM0", "2e8a:0003"))
    with pytest.raises(LocalError, match="waits for a file, but its drive RPI-RP2 is not mounted"):
        drive.Drive(target("pico"), "", str(image), mounts=NO_MOUNTS)
    assert "hold BOOTSEL" in drive.Drive(target("pico"), "", str(image), True, NO_MOUNTS).steps[0]


def test_drives_are_found_among_the_mounts(tmp_path: Path, image: Path, no_ports: "list[ports.Port]") -> None:
    one, other = make_drive(tmp_path / "a drive"), make_drive(tmp_path / "b", INFO_2350)
    mounts = tmp_path / "mounts"
    shown = str(one).replace(" ", "\\040")
    mounts.write_text(f"/dev/sdb1 {shown} vfat rw 0 0\n/dev/sdc1 {other} vfat rw 0 0\nproc /proc proc rw 0 0\n")
    assert [volume.board_id for volume in drive.volumes(str(mounts))] == ["RPI-RP2", "RP2350"]
    assert str(one) in drive.Drive(target("pico"), "", str(image), mounts=str(mounts)).where
    mounts.write_text(mounts.read_text() + f"/dev/sdd1 {make_drive(tmp_path / 'c')} vfat rw 0 0\n")
    with pytest.raises(LocalError, match="2 drives may be pico"):
        drive.Drive(target("pico"), "", str(image), mounts=str(mounts))


@pytest.fixture
def small_drive(tmp_path: Path) -> "object":
    """A file system of 16 KB, which the file does not fit."""
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip("mounting wants root")
    (folder / "INFO_UF2.TXT").write_text(INFO)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_drive(small_drive: Path, image: Path, no_ports: "list[ports.Port]") -> None:
    way = drive.Drive(target("pico"), str(small_drive), str(image))
    with pytest.raises(LocalError, match="the drive is full .* of 20,480 bytes were taken.; the boot loader is in"):
        way.run(progress()[0])


def test_unplugged_while_it_is_written(
    tmp_path: Path, image: Path, no_ports: "list[ports.Port]", monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray()
    image.write_bytes(uf2.write({0x10000000 + 256 * page: bytes(256) for page in range(300)}, PICO))
    way = drive.Drive(target("pico"), str(make_drive(tmp_path / "d")), str(image))
    real = os.write

    def write(handle: int, part: bytes) -> int:
        if len(data) > 60_000:
            raise OSError(5, "Input/output error")
        data.extend(part)
        return real(handle, part)

    monkeypatch.setattr(drive.os, "write", write)
    with pytest.raises(LocalError, match="the board was unplugged after 65,536 of 153,600 bytes; the boot"):
        way.run(progress()[0])
