"""Espressif's chips: the real esptool against the serial protocol of a chip in its boot loader, and bad images."""

import hashlib
import os
import pty
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from jamliquor_lite.errors import LocalError
from jamliquor_lite.flash import esp

from .esp_chip import EspChip
from .support import progress, target

APP_AT = 0x10000


def part(chip: int, sizes: "list[int]", fill: bytes) -> bytes:
    """A boot loader or program as the format has it: header, segments, padding, checksum, hash."""
    out = bytearray(bytes((0xE9, len(sizes), 2, 0x20)) + (0x40380000).to_bytes(4, "little") + bytes((0xEE, 0, 0, 0)))
    out += chip.to_bytes(2, "little") + bytes(9) + b"\1"
    checksum = 0xEF
    for size in sizes:
        data = (fill * size)[:size]
        out += (0x3FC80000).to_bytes(4, "little") + size.to_bytes(4, "little") + data
        for byte in data:
            checksum ^= byte
    out += bytes(15 - len(out) % 16) + bytes((checksum,))
    return bytes(out) + hashlib.sha256(out).digest()


def firmware(chip: str = "esp32c3", sizes: "tuple[int, ...]" = (40_000, 1024), room: int = 1 << 20) -> bytes:
    """An image for 0x0: boot loader, table of partitions, program."""
    number = esp.CHIP_IDS[chip]
    out = bytearray(part(number, [1024], b"boot loader ").ljust(0x8000, b"\xff"))
    nvs = struct.pack("<2sBBII16sI", b"\xaa\x50", 1, 2, 0x9000, 0x6000, b"nvs", 0)
    factory = struct.pack("<2sBBII16sI", b"\xaa\x50", 0, 0, APP_AT, room, b"factory", 0)
    out += (nvs + factory).ljust(APP_AT - 0x8000, b"\xff")
    return bytes(out) + part(number, list(sizes), b"a program of some length. ")


@pytest.fixture
def image(tmp_path: Path) -> str:
    path = tmp_path / "firmware.bin"
    path.write_bytes(firmware())
    return str(path)


def test_esptool_agrees_that_the_image_is_one(tmp_path: Path) -> None:
    """What the other tests flash is what Espressif's own tool takes for an image."""
    path = tmp_path / "app.bin"
    path.write_bytes(part(5, [1000, 500], b"x"))
    said = subprocess.run([sys.executable, "-m", "esptool", "image-info", str(path)], capture_output=True, text=True)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "ESP32-C3" in said.stdout and said.stdout.count("(valid)") == 2


def test_written_and_verified(image: str) -> None:
    with EspChip("esp32c3") as chip:
        way = esp.Esp(target("esp32-c3"), chip.port, image)
        assert not chip.erased and "esp32c3" in way.where  # it was asked, and nothing more
        show, out = progress()
        way.run(show)
    data = Path(image).read_bytes()
    assert chip.erased and chip.flash[: len(data)] == data
    assert set(chip.flash[(len(data) + 4095) // 4096 * 4096 :]) == {0xFF}
    assert "100 %" in out.text and "written and verified" in out.text


def test_another_chip_is_told_before_anything_is_erased(image: str) -> None:
    with EspChip("esp32c6") as chip:
        with pytest.raises(LocalError, match="this chip is esp32c6, esp32-c3 has esp32c3; nothing was erased"):
            esp.Esp(target("esp32-c3"), chip.port, image)
    assert not chip.erased and set(chip.flash) == {0xAA}


def test_a_flash_that_keeps_something_else(image: str) -> None:
    with EspChip("esp32c3", worn=APP_AT + 5000) as chip:
        way = esp.Esp(target("esp32-c3"), chip.port, image)
        with pytest.raises(LocalError, match="esptool: .*MD5.*; the boot loader is in the chip's ROM: hold BOOT"):
            way.run(progress()[0])


def test_unplugged_in_the_middle(tmp_path: Path, image: str) -> None:
    Path(image).write_bytes(firmware(sizes=(200_000,)) + os.urandom(300_000))
    with EspChip("esp32c3", unplug_after=100_000) as chip:
        way = esp.Esp(target("esp32-c3"), chip.port, image)
        with pytest.raises(LocalError, match="unplugged while esptool was at work; the boot loader is in"):
            way.run(progress()[0])


def test_interrupted_esptool_is_ended_too(image: str) -> None:
    """Ctrl-C: no process is left that holds the port."""
    with EspChip("esp32c3", hangs=True) as chip:
        way = esp.Esp(target("esp32-c3"), chip.port, image)

        def press() -> None:
            while not chip.erased:
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)

        finger = threading.Thread(target=press)
        before = signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs us in the background ignores it
        try:
            finger.start()
            with pytest.raises(KeyboardInterrupt):
                way.run(progress()[0])
            finger.join()
        finally:
            signal.signal(signal.SIGINT, before)
        assert not esp.ports.held_by(chip.port)


@pytest.mark.long
def test_nothing_answers(image: str) -> None:
    outer, inner = pty.openpty()
    try:
        with pytest.raises(LocalError, match="no boot loader answers; hold BOOT while pressing RESET"):
            esp.Esp(target("esp32-c3"), os.ttyname(inner), image)
    finally:
        os.close(outer)
        os.close(inner)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"UF2\n" * 100, "its first byte is not 0xe9"),
        (firmware("esp32c6"), "it is for esp32c6, esp32-c3 has esp32c3"),
        (firmware()[:-1], "cut short: the program ends at 106,640, the file has 106,639 bytes"),
        (firmware()[:80_000], "cut short in the program, at 80,000 bytes"),
        (firmware()[:0x9000], "cut short: the program begins at 0x10000"),
        (firmware()[:APP_AT - 100], "cut short: the program begins at 0x10000"),
        (firmware()[:500], "cut short: the boot loader ends at"),
        (firmware()[:70_000] + b"!" + firmware()[70_001:], "has not the hash that stands behind it"),
        (firmware(room=4096), "the program has 41,104 bytes, its partition 4,096"),
        (part(5, [40_000], b"x"), "no table of partitions at 0x8000"),
        (firmware() + bytes(2 << 20), "longer than 2,097,152 bytes"),
    ],
    ids=["uf2", "chip", "byte", "middle", "table", "before", "loader", "damaged", "partition", "app", "large"],
)
def test_images_that_are_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(content)
    with pytest.raises(LocalError, match=says) as caught:
        esp.Esp(target("esp32-c3"), "/dev/none", str(path), is_dry=True)
    assert caught.value.exit_code == 2
