"""Images onto cards: real loop devices and files, and what must never be written to."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jamliquor_lite.errors import LocalError
from jamliquor_lite.flash import image

from .support import progress, target

MIB = 1 << 20


def card_image(size: int = 2 * MIB, partition: int = 1 * MIB) -> bytes:
    """A disk with an MBR and one partition that begins at 1 MiB."""
    head = bytearray(size)
    entry = bytes((0, 0, 0, 0, 0x83, 0, 0, 0)) + (2048).to_bytes(4, "little") + (partition // 512).to_bytes(4, "little")
    head[446:462] = entry
    head[510:512] = b"\x55\xaa"
    for at in range(MIB, size, 512):
        head[at : at + 8] = at.to_bytes(8, "little")
    return bytes(head)


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "card.img"
    path.write_bytes(card_image())
    return str(path)


def disk(device: str, source: str) -> image.Disk:
    return image.Disk(target("milkv-duo"), device, source)


class Loop:
    """A loop device on a file."""

    def __init__(self, folder: Path, size: int) -> None:
        self.file = folder / "disk"
        with open(self.file, "wb") as file:
            file.truncate(size)
        done = subprocess.run(["losetup", "-P", "-f", "--show", str(self.file)], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"a loop device is not to be had: {done.stderr.strip()}")
        self.device = done.stdout.strip()

    def close(self) -> None:
        subprocess.run(["losetup", "-d", self.device], check=True)


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    found = Loop(tmp_path, 4 * MIB)
    yield found
    found.close()


def test_onto_a_block_device(loop: Loop, source: str) -> None:
    way = disk(loop.device, source)
    assert f"everything on {loop.device}" in way.erases and "4.2 MB" in way.erases
    show, out = progress()
    way.run(show)
    assert loop.file.read_bytes() == card_image() + bytes(2 * MIB)
    assert f"verifying {loop.device} 100 %" in out.text and "written and verified" in out.text


def test_into_a_file_that_was_longer(tmp_path: Path, source: str) -> None:
    other = tmp_path / "out.img"
    other.write_bytes(b"x" * 3 * MIB)
    way = disk(str(other), source)
    assert way.erases == f"what is in the file {other}"
    way.run(progress()[0])
    assert other.read_bytes() == card_image()


def test_larger_than_the_device(tmp_path: Path, source: str) -> None:
    small = Loop(tmp_path, MIB)
    try:
        with pytest.raises(LocalError, match=f"2,097,152 bytes, {small.device} has room for 1,048,576"):
            disk(small.device, source)
        assert small.file.read_bytes() == bytes(MIB)
    finally:
        small.close()


def test_a_mounted_device_is_refused(loop: Loop, tmp_path: Path, source: str) -> None:
    subprocess.run(["mkfs.ext2", "-q", loop.device], check=True)
    where = tmp_path / "mounted"
    where.mkdir()
    if subprocess.run(["mount", loop.device, str(where)], capture_output=True).returncode:
        pytest.skip("this kernel mounts no ext2")
    try:
        before = loop.file.read_bytes()
        with pytest.raises(LocalError, match=f"{loop.device}: in use: {where} is on it; nothing is written there"):
            disk(loop.device, source)
        assert loop.file.read_bytes() == before
    finally:
        subprocess.run(["umount", str(where)], check=True)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine made by hand, as /sys and /proc show one: sda with the system on LVM, sdb a card with a mounted
    partition, sdc swapped to, mmcblk0 free."""
    root = tmp_path / "machine"
    block = root / "block"
    devices = root / "devices"
    for name, parts in (("sda", ["sda1", "sda2"]), ("sdb", ["sdb1"]), ("sdc", ["sdc1"]), ("mmcblk0", []), ("dm-0", [])):
        (devices / name / "holders").mkdir(parents=True)
        (devices / name / "slaves").mkdir()
        (devices / name / "ro").write_text("0\n")
        (devices / name / "size").write_text("8192\n")
        for part in parts:
            (devices / name / part / "holders").mkdir(parents=True)
            (devices / name / part / "partition").write_text(part[-1])
    block.mkdir()
    for path in [*devices.iterdir(), *devices.glob("*/*[0-9]")]:
        if path.name.startswith(("sd", "mmc", "dm")):
            (block / path.name).symlink_to(path)
    (devices / "sda" / "sda2" / "holders" / "dm-0").mkdir()
    (devices / "dm-0" / "slaves" / "sda2").mkdir()
    (root / "mounts").write_text(
        "/dev/dm-0 / ext4 rw 0 0\n/dev/sda1 /boot ext4 rw 0 0\n/dev/sdb1 /media/card vfat rw 0 0\n"
        "proc /proc proc rw 0 0\n")
    (root / "swaps").write_text("Filename Type Size Used Priority\n/dev/sdc1 partition 1 0 -2\n")
    monkeypatch.setattr(image, "_BLOCK", str(block))
    monkeypatch.setattr(image, "_MOUNTS", str(root / "mounts"))
    monkeypatch.setattr(image, "_SWAPS", str(root / "swaps"))
    monkeypatch.setattr(image, "_name", lambda source, where, kind: os.path.basename(source) if "/" in source else "")
    return root


@pytest.mark.parametrize(
    ("device", "used"),
    [("sda", "(/|/boot)"), ("sda1", "/boot"), ("sda2", "/"), ("dm-0", "/"), ("sdb", "/media/card"),
     ("sdb1", "/media/card"), ("sdc", "swap"), ("sdc1", "swap")],
)
def test_what_is_in_use_in_any_way_is_refused(machine: Path, device: str, used: str) -> None:
    with pytest.raises(LocalError, match=f"/dev/{device}: in use: {used} is on it"):
        image.refuse_used(f"/dev/{device}")


def test_a_free_card_is_taken_and_named(machine: Path) -> None:
    image.refuse_used("/dev/mmcblk0")
    assert list(image.removable()) == [("/dev/mmcblk0", "no name of its own, 4.2 MB")]
    (machine / "devices" / "mmcblk0" / "ro").write_text("1\n")
    with pytest.raises(LocalError, match="read-only: look for the slider"):
        image.refuse_used("/dev/mmcblk0")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no table of partitions"),
        (card_image()[:-MIB], "cut short: it has 1,048,576 bytes, its partitions end at 2,097,152"),
        (card_image()[:-100], "not whole sectors of 512: cut short"),
        (b"\xfd7zXZ\0" + bytes(1018), "it is packed: unpack it first .unxz."),
        (b"PK\x03\x04" + bytes(1020), "it is packed: unpack it first .unzip."),
    ],
    ids=["empty", "half", "odd", "xz", "zip"],
)
def test_what_is_no_image_of_a_card(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "x.img"
    path.write_bytes(content)
    with pytest.raises(LocalError, match=says) as caught:
        disk(str(tmp_path / "out"), str(path))
    assert caught.value.exit_code == 2 and not (tmp_path / "out").exists()


def test_places_that_are_none(tmp_path: Path, source: str) -> None:
    for device, says in (("/dev/not-there-0", "there is no such device"), ("/dev/null", "neither a disk nor a file"),
                         (source, "this is the image itself"), ("", "name the card with --port")):
        with pytest.raises(LocalError, match=says):
            disk(device, source)


def test_a_card_that_lies_is_found_out(tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes all and keeps less, as forged ones do."""
    other = tmp_path / "out.img"
    way = disk(str(other), source)
    write = image.Disk._write

    def forget(self: image.Disk, *words: object) -> None:
        write(self, *words)  # type: ignore[arg-type]
        with open(other, "r+b") as file:
            file.seek(1_500_000)
            file.write(bytes(1000))

    monkeypatch.setattr(image.Disk, "_write", forget)
    with pytest.raises(LocalError, match="what was read back differs from byte 1,500,\\d+ on: the card is worn out"):
        way.run(progress()[0])


def test_taken_out_while_it_is_written(
    tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = disk(str(tmp_path / "out.img"), source)

    def fail(handle: int, data: bytes) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(image.os, "write", fail)
    with pytest.raises(LocalError, match="it was taken out, or is broken; the card is half written: run the same"):
        way.run(progress()[0])
