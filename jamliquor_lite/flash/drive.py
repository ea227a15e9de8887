"""Boards whose boot loader is a drive: a UF2 file is copied there, and the board starts it.

The drive is known by its INFO_UF2.TXT (microsoft/uf2 says what stands in it). The boot loader is in the chip's ROM
on the boards that we have, so that a copy that failed is simply made again.
"""

import errno
import os
import time

from ..const import const
from ..errors import LocalError
from . import ports, uf2, wifi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .plan import Progress, Target

INFO = "INFO_UF2.TXT"
MOUNTS = "/proc/self/mounts"
_INFO_BYTES = const(4096)
_COPY_BYTES = const(32 * 1024)
_FILE = "FIRMWARE.UF2"
BACK_S = const(20)  # a Pico is back in two; a slow hub takes its time
_POLL_S = 0.2
# What a copy meets when the board has had enough: it restarts after the last block, before the system has written the
# drive's tables, and the drive is gone.
_GONE = (errno.EIO, errno.ENODEV, errno.ENXIO, errno.ENOENT, errno.ENOTCONN)


class Volume:
    """A mounted drive of a boot loader. `model` and `board_id` are as its INFO_UF2.TXT says."""

    def __init__(self, path: str, device: str, info: str) -> None:
        self.path = path
        self.device = device
        said = dict(line.partition(":")[::2] for line in info.splitlines() if ":" in line)
        self.model = said.get("Model", "").strip()[:60]
        self.board_id = said.get("Board-ID", "").strip()[:60]

    def __str__(self) -> str:
        return f"{self.path} ({self.model or 'unknown model'}, {self.board_id or 'no Board-ID'})"


def volumes(mounts: str = MOUNTS) -> "list[Volume]":
    """All drives of boot loaders that are mounted."""
    found = []
    try:
        with open(mounts) as file:
            entries = [line.split(" ") for line in file]
    except OSError:
        return []
    for entry in entries:
        if len(entry) < 3 or entry[2] not in ("vfat", "msdos", "fuse", "fuseblk"):
            continue
        path = entry[1].encode().decode("unicode_escape")  # a blank stands there as \040
        volume = volume_at(path, entry[0])
        if volume is not None:
            found.append(volume)
    return found


def volume_at(path: str, device: str = "") -> "Volume | None":
    """The drive at this folder, None where it is none."""
    try:
        with open(os.path.join(path, INFO), encoding="ascii", errors="replace") as file:
            return Volume(path, device, file.read(_INFO_BYTES))
    except OSError:
        return None


class Drive:
    """Copies a UF2 file: a way of flashing."""

    def __init__(self, target: "Target", port: str, image: str, is_dry: bool = False, mounts: str = MOUNTS) -> None:
        """`port` may name the drive's folder, or a serial port where the board is afterwards; `image` is "" where it
        is still to be built: then there is nothing to `run`. LocalError for a file that is not the board's, and, unless
        it `is_dry`, where the drive is not there."""
        self._target = target
        self._data = read_image(target, image) if image else b""
        self._port = "" if os.path.isdir(port) else port
        self._volume = self._find(port, is_dry, mounts)
        self.where = f"drive {self._volume}" if self._volume else f"its drive {target.volume}, which is not there yet"
        what = f"{image} ({len(self._data):,} bytes, {uf2.read(self._data).family_name})" if image else "firmware.uf2"
        self.steps = [
            f"copy {what} onto the drive",
            f"wait for the board to restart and show its serial port {self._port}".rstrip(),
        ]
        if not image:
            self.steps.insert(0, f"build it: {target.first_step}")
        if self._volume is None:
            self.steps.insert(0, f"hold BOOTSEL while plugging the board in: it shows up as a drive {target.volume}")
        self.erases = "the firmware that is on the board; files in its file system stay"
        self.recovery = (
            "the boot loader is in the chip's ROM: unplug the board, hold BOOTSEL while plugging it in, flash again")
        self.monitor = ""
        self.network: "tuple[str, str] | None" = None

    def run(self, show: "Progress") -> None:
        """Copy, and wait for the board."""
        assert self._volume is not None
        before = {port.device for port in ports.found()}
        self._copy(self._volume, show)
        show.begin("waiting for the board to restart")
        port = self._wait(before)
        show.end()
        self.monitor = f"serial:{port.device}@115200"
        show.say(f"{self._target.name} is back: {port}")
        if self.network is not None:
            show.begin("telling it the wireless network")
            show.say(wifi.tell(port.device, *self.network))

    def _find(self, port: str, is_dry: bool, mounts: str) -> "Volume | None":
        target = self._target
        there = volumes(mounts)
        if port and os.path.isdir(port):
            volume = volume_at(port)
            if volume is None:
                raise LocalError(f"{port}: no {INFO} there: this is no drive of a boot loader", 2)
            there = [volume]
        mine = [volume for volume in there if _is_of(volume, target)]
        if len(mine) > 1:
            named = ", ".join(volume.path for volume in mine)
            raise LocalError(f"{len(mine)} drives may be {target.name}: {named}; say which with --port", 2)
        if mine:
            return mine[0]
        if there:
            raise LocalError(
                f"{there[0]} is another board's drive: {target.name} has one with Board-ID {target.volume}", 2)
        if is_dry:
            return None
        boots = ports.matching(ports.found(), target.usb_boot) or _on_usb(target.usb_boot)
        if boots:
            raise LocalError(
                f"{target.name} waits for a file, but its drive {target.volume} is not mounted: mount it", 2)
        raise LocalError(
            f"no drive {target.volume} is mounted: hold BOOTSEL while plugging {target.name} in, and try again", 2)

    def _copy(self, volume: Volume, show: "Progress") -> None:
        data = self._data
        show.begin(f"copying to {volume.path}", len(data))
        done = 0
        try:
            handle = os.open(os.path.join(volume.path, _FILE), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            try:
                while done < len(data):
                    done += os.write(handle, data[done : done + _COPY_BYTES])
                    # Each part reaches the board before the next: what is shown is what is there, and Ctrl-C leaves
                    # nothing behind in the system's cache.
                    os.fdatasync(handle)
                    show.step(done)
            finally:
                os.close(handle)
        except OSError as error:
            show.end()
            if error.errno in _GONE and done >= len(data) - _COPY_BYTES:
                return  # it restarted on the last block: whether it is well is seen next
            raise LocalError(f"{volume.path}: {_why(error, volume, done, len(data))}; {self.recovery}")
        show.end()

    def _wait(self, before: "set[str]") -> ports.Port:
        limit = time.monotonic() + BACK_S
        wanted = self._target.usb_run
        while time.monotonic() < limit:
            there = ports.found()
            if self._port and os.path.exists(self._port):
                return ports.named(there, self._port)
            fresh = [port for port in ports.matching(there, wanted) if port.device not in before]
            if fresh:
                return fresh[0]
            time.sleep(_POLL_S)
        still = self._volume is not None and os.path.exists(os.path.join(self._volume.path, INFO))
        seen = "its drive is still there, so it did not take the file" if still else "it shows no serial port"
        raise LocalError(f"{self._target.name} did not come back within {BACK_S} s: {seen}; {self.recovery}")


def read_image(target: "Target", path: str) -> bytes:
    """The UF2 file for this board. LocalError: not there, cut short, of another family, or too big."""
    data = read_file(path, uf2.MOST_BYTES)
    image = uf2.read(data, path)
    if image.family != target.family:
        wanted = uf2.FAMILIES.get(target.family, f"0x{target.family:08x}")
        raise LocalError(f"{path}: it is for {image.family_name}, {target.name} is {wanted}", 2)
    size = image.end - image.start
    if target.image_bytes and size > target.image_bytes:
        raise LocalError(f"{path}: it fills {size:,} bytes of flash, {target.name} has {target.image_bytes:,}", 2)
    return data


def read_file(path: str, most: int) -> bytes:
    """All of a file of at most so many bytes. LocalError."""
    try:
        with open(path, "rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror}", 2)
    if len(data) > most:
        raise LocalError(f"{path}: longer than {most:,} bytes, so no image for this board", 2)
    if not data:
        raise LocalError(f"{path}: the file is empty", 2)
    return data


def _is_of(volume: Volume, target: "Target") -> bool:
    # "RPI-RP2" of the RP2040 and "RP2350" are both the drive's label and the Board-ID.
    return bool(target.volume) and volume.board_id.upper() == target.volume.upper()


def _on_usb(wanted: "list[str]", folder: str = "/sys/bus/usb/devices") -> bool:
    # A boot loader without a serial port is on the bus all the same.
    try:
        devices = os.listdir(folder)
    except OSError:
        return False
    for name in devices:
        numbers = []
        for key in ("idVendor", "idProduct"):
            try:
                with open(os.path.join(folder, name, key)) as file:
                    numbers.append(file.read(8).strip())
            except OSError:
                break
        if ":".join(numbers) in wanted:
            return True
    return False


def _why(error: OSError, volume: Volume, done: int, size: int) -> str:
    if error.errno == errno.ENOSPC:
        return f"the drive is full ({done:,} of {size:,} bytes were taken)"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"it may not be written to ({error.strerror}): mount it for your user"
    if error.errno in _GONE:
        return f"the board was unplugged after {done:,} of {size:,} bytes"
    return error.strerror or str(error)
