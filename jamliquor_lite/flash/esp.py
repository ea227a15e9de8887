"""Espressif's chips: a whole image is written at 0x0 by esptool, which runs as a program of its own.

Before anything is erased the image is taken apart: whether it is for this chip, whole, and not too large. Then the chip
is asked what it is. esptool compares what it wrote by MD5, which the chip computes.

An image for 0x0 has the boot loader first and the table of partitions at 0x8000 (ESP-IDF Programming Guide, "Partition
Tables" and "Firmware Image Format").
"""

import hashlib
import os
import re
import stat
import struct
import subprocess
import sys
import threading

from ..const import const
from ..errors import LocalError
from . import ports
from .drive import read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .plan import Progress, Target

CHIP_IDS = {"esp32": 0, "esp32s2": 2, "esp32c3": 5, "esp32s3": 9, "esp32c2": 12, "esp32c6": 13, "esp32h2": 16,
            "esp32p4": 18}  # fmt: skip
_NAMES = {number: name for name, number in CHIP_IDS.items()}
_IMAGE, _PARTITION = b"\xe9", b"\xaa\x50"
_HEADER_BYTES, _SEGMENTS_MOST = const(24), const(16)
_TABLE_AT, _TABLE_BYTES, _ENTRY_BYTES = const(0x8000), const(0xC00), const(32)
_APP = const(0)  # a partition's type
_ASK_S = const(60)
_WRITE_S = const(900)
_SAID = const(40)  # lines that are kept of what esptool says
_PERCENT = re.compile(r"(\d+(?:\.\d+)?) ?%")
_CHIP = re.compile(r"(?:Detecting chip type\.+|Chip type:|Chip is|Connected to) *(ESP32[-A-Z0-9]*)")
_WRONG = re.compile(r"[Tt]his chip is (ESP32[-A-Z0-9]*)")
_VERIFIED = "Hash of data verified"


class Esp:
    """Writes an image: a way of flashing."""

    network: "tuple[str, str] | None" = None  # of what is written, nothing is ours

    def __init__(self, target: "Target", port: str, image: str, is_dry: bool = False) -> None:
        """`port` is a device. The chip is asked what it is, unless it `is_dry`. LocalError."""
        self._target = target
        self._port = port
        self._image = image
        size = check_image(read_file(image, target.image_bytes), image, target)
        if not is_dry:
            self._ask()
        self.where = f"port {port}" + ("" if is_dry else f" ({target.chip})")
        self.steps = [
            f"erase the whole flash of the {target.chip}",
            f"write {image} ({size:,} bytes) at 0x0",
            "have the chip compute the hash of what was written, and compare",
        ]
        self.erases = "the whole flash: firmware, files, settings and keys"
        self.recovery = (
            "the boot loader is in the chip's ROM: hold BOOT while pressing RESET, and run the same command again")
        self.monitor = f"serial:{port}@115200"

    def run(self, show: "Progress") -> None:
        """Erase, write, verify."""
        show.begin("erasing and writing", 100)

        def tell(line: str) -> None:
            found = _PERCENT.search(line)
            if found:
                show.step(int(float(found[1])))

        said = self._esptool(["write-flash", "--erase-all", "0x0", self._image], self._target.chip, _WRITE_S, tell)
        show.end()
        if not any(_VERIFIED in line for line in said):
            raise LocalError(f"port {self._port}: esptool did not say that the flash was verified; {self.recovery}")
        show.say("written and verified; the chip restarts")

    def _ask(self) -> None:
        said = self._esptool(["read-mac"], "auto", _ASK_S)
        chips = [_plain(found[1]) for line in said if (found := _CHIP.search(line))]
        if not chips:
            raise LocalError(f"port {self._port}: the chip does not say what it is")
        if chips[-1] != self._target.chip:
            raise LocalError(
                f"port {self._port}: this chip is {chips[-1]}, {self._target.name} has {self._target.chip}; "
                "nothing was erased", 2)

    def _esptool(
        self, words: "list[str]", chip: str, limit_s: int, tell: "Callable[[str], None] | None" = None,
    ) -> "list[str]":
        ports.check(self._port)
        # A pseudo-terminal, an emulator's, has no lines that reset a chip: there it waits in its boot loader.
        lines = ["--before", "no-reset", "--after", "no-reset"] if _is_pty(self._port) else []
        command = [sys.executable, "-m", "esptool", "--chip", chip, "--port", self._port, *lines, *words]
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"})
        except OSError as error:
            raise LocalError(f"esptool does not start: {error.strerror}")
        said: "list[str]" = []
        timer = threading.Timer(limit_s, process.kill)
        timer.start()
        try:
            for line in _lines(process):
                if line.strip():
                    said = [*said[1 - _SAID :], line.strip()]
                if tell is not None:
                    tell(line)
            status = process.wait()
        except BaseException:  # Ctrl-C: the terminal has told esptool too
            process.terminate()
            process.wait()
            raise
        finally:
            timer.cancel()
        if status:
            raise LocalError(self._why(said, status))
        return said

    def _why(self, said: "list[str]", status: int) -> str:
        text = "\n".join(said)
        where = f"port {self._port}"
        if "No module named esptool" in text:
            return "esptool is not here: pip install 'jamliquor-lite[flash]'"
        wrong = _WRONG.search(text)
        if wrong:
            return f"{where}: this chip is {_plain(wrong[1])}, {self._target.name} has {self._target.chip}"
        if "Failed to connect" in text or "No serial data received" in text:
            return f"{where}: no boot loader answers; hold BOOT while pressing RESET, and try again"
        if not os.path.exists(self._port) or "device disconnected" in text or "ClearCommError" in text:
            return f"{where}: unplugged while esptool was at work; {self.recovery}"
        if "busy" in text or "Could not exclusively lock" in text:
            return f"{where} is busy: {ports.held_by(self._port) or 'another program'} has it open; end that first"
        if status < 0:
            return f"{where}: esptool was ended by signal {-status}; {self.recovery}"
        errors = [line for line in said if "rror" in line] or said[-1:] or ["no reason given"]
        return f"{where}: esptool: {errors[-1][:200]}; {self.recovery}"


def check_image(data: bytes, name: str, target: "Target") -> int:
    """The bytes of an image for 0x0. LocalError: no image, of another chip, cut short, broken, too big."""
    size = len(data)
    if data[:1] != _IMAGE or size < _HEADER_BYTES:
        raise LocalError(f"{name}: its first byte is not 0xe9: no image for an Espressif chip", 2)
    _whole(data, 0, name, "boot loader", target)
    if data[_TABLE_AT : _TABLE_AT + 2] != _PARTITION:
        raise LocalError(f"{name}: no table of partitions at 0x{_TABLE_AT:x}: this is a part of a firmware; take the "
                         "file that is written at 0x0", 2)
    found = False
    for at in range(_TABLE_AT, min(_TABLE_AT + _TABLE_BYTES, size - _ENTRY_BYTES), _ENTRY_BYTES):
        magic, kind, _, offset, room = struct.unpack_from("<2sBBII", data, at)
        if magic != _PARTITION:
            break
        if kind == _APP and not found:
            if offset >= size:
                raise LocalError(
                    f"{name}: cut short: the program begins at 0x{offset:x}, the file has {size:,} bytes", 2)
            end = _whole(data, offset, name, "program", target)
            if end - offset > room:
                raise LocalError(f"{name}: the program has {end - offset:,} bytes, its partition {room:,}", 2)
            found = True
    if not found:
        raise LocalError(f"{name}: its table of partitions has no program", 2)
    return size


def _whole(data: bytes, start: int, name: str, what: str, target: "Target") -> int:
    """Where the image that begins there ends. LocalError where it is not whole, or another chip's."""
    if data[start : start + 1] != _IMAGE or start + _HEADER_BYTES > len(data):
        raise LocalError(f"{name}: no {what} at 0x{start:x}", 2)
    segments, chip, is_hashed = data[start + 1], data[start + 12] | data[start + 13] << 8, data[start + 23]
    if chip != CHIP_IDS.get(target.chip, -1):
        made_for = _NAMES.get(chip, f"chip {chip}")
        raise LocalError(f"{name}: it is for {made_for}, {target.name} has {target.chip}", 2)
    if not 0 < segments <= _SEGMENTS_MOST:
        raise LocalError(f"{name}: the {what} has {segments} segments, 1 to {_SEGMENTS_MOST} are allowed", 2)
    at = start + _HEADER_BYTES
    for _ in range(segments):
        if at + 8 > len(data):
            raise LocalError(f"{name}: cut short in the {what}, at {len(data):,} bytes", 2)
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
    at += 16 - (at - start) % 16  # padding, and a byte of checksum as the last
    end = at + (32 if is_hashed == 1 else 0)
    if end > len(data):
        raise LocalError(f"{name}: cut short: the {what} ends at {end:,}, the file has {len(data):,} bytes", 2)
    if is_hashed == 1 and hashlib.sha256(data[start:at]).digest() != data[at:end]:
        raise LocalError(f"{name}: the {what} has not the hash that stands behind it: the file is damaged", 2)
    return end


def _lines(process: "subprocess.Popen[bytes]") -> "Iterator[str]":
    # Progress is written over itself: a carriage return ends a line too.
    assert process.stdout is not None
    line = bytearray()
    while True:
        byte = process.stdout.read(1)
        if not byte or byte in b"\r\n":
            yield line.decode("utf-8", "replace")
            line.clear()
            if not byte:
                return
        elif len(line) < 1000:
            line += byte


def _is_pty(port: str) -> bool:
    try:
        return os.major(os.stat(port).st_rdev) == 136 and stat.S_ISCHR(os.stat(port).st_mode)
    except OSError:
        return False


def _plain(chip: str) -> str:
    return chip.lower().replace("-", "")
