"""Boards that start from a card: an image file is written to a block device, or into a file, and read back.

Nothing is written to what is in use: a device that is mounted, that carries the system (the root file system, also
through LVM, RAID or encryption), that is swapped to, or any of whose partitions is.
"""

import errno
import os
import stat

from ..const import const
from ..errors import LocalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .plan import Progress, Target

_CHUNK_BYTES = const(1 << 20)
_BLOCK = "/sys/class/block"
_MOUNTS = "/proc/self/mounts"
_SWAPS = "/proc/swaps"
_SIGNATURE = b"\x55\xaa"  # at 510, of a disk with an MBR, which one with a GPT has too
_PACKED = (
    (b"\x1f\x8b", "gunzip"), (b"\xfd7zXZ\0", "unxz"), (b"BZh", "bunzip2"), (b"\x28\xb5\x2f\xfd", "unzstd"),
    (b"PK\x03\x04", "unzip"),
)  # fmt: skip
_DEPTH = const(8)  # partition on RAID on LVM on encryption on …


class Disk:
    """Writes an image: a way of flashing."""

    monitor = ""
    network: "tuple[str, str] | None" = None  # it has a system of its own, which is set up there

    def __init__(self, target: "Target", device: str, image: str) -> None:
        """`device` is a block device, a file to be written over, or one that is not there yet. LocalError when it must
        not be written to, or the image does not fit."""
        if not device:
            raise LocalError(f"name the card with --port, such as /dev/sdX: there {_choice()}", 2)
        self._target = target
        self._image = image
        self._device = device
        self._size = image_size(image, target.image_bytes)
        self._is_block = _is_block(device)
        if os.path.exists(device) and os.path.samefile(device, image):
            raise LocalError(f"{device}: this is the image itself", 2)
        if self._is_block:
            refuse_used(device)
            room = size_of(device)
            what = f"{device} ({_model(device)}, {_human(room)})"
            self.erases = f"everything on {what}"
        else:
            room = _room(device)
            what = f"the file {device}"
            self.erases = f"what is in the file {device}" if os.path.exists(device) else ""
        if self._size > room:
            raise LocalError(f"{image}: {self._size:,} bytes, {device} has room for {room:,}", 2)
        self.where = what
        self.steps = [
            f"write {image} ({self._size:,} bytes)",
            "read it back and compare every byte",
        ]
        self.recovery = "the card is half written: run the same command again before you put it into the board"

    def run(self, show: "Progress") -> None:
        """Write, flush, read back."""
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_EXCL if self._is_block else os.O_CREAT)
        try:
            handle = os.open(self._device, flags, 0o644)
        except OSError as error:
            raise LocalError(f"{self._device}: {_why(error)}", 2)
        try:
            with open(self._image, "rb") as source:
                self._write(source.fileno(), handle, show)
                os.lseek(handle, 0, os.SEEK_SET)
                source.seek(0)
                self._compare(source.fileno(), handle, show)
        except OSError as error:
            show.end()
            raise LocalError(f"{self._device}: {_why(error)}; {self.recovery}")
        finally:
            show.end()
            os.close(handle)
        show.say(f"written and verified: take the card out, put it into {self._target.name}, and switch it on")

    def _write(self, source: int, handle: int, show: "Progress") -> None:
        show.begin(f"writing {self._device}", self._size)
        done = 0
        while done < self._size:
            data = os.read(source, min(_CHUNK_BYTES, self._size - done))
            if not data:
                raise LocalError(f"{self._image}: it became shorter while it was read; {self.recovery}")
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
            done += len(data)
            os.fdatasync(handle)  # the progress is the card's and not the cache's, and Ctrl-C works at once
            show.step(done)
        if not self._is_block:
            os.ftruncate(handle, self._size)
        os.fsync(handle)
        # So that it is the card that is read back.
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)

    def _compare(self, source: int, handle: int, show: "Progress") -> None:
        show.begin(f"verifying {self._device}", self._size)
        done = 0
        while done < self._size:
            wanted = os.read(source, min(_CHUNK_BYTES, self._size - done))
            got = _read_all(handle, len(wanted))
            if got != wanted or not wanted:
                at = done + next((i for i, pair in enumerate(zip(wanted, got)) if pair[0] != pair[1]), len(got))
                raise LocalError(f"{self._device}: what was read back differs from byte {at:,} on: the card is worn "
                                 "out, or smaller than it says; take another")
            done += len(wanted)
            show.step(done)


def image_size(path: str, most: int) -> int:
    """How large an image of a disk is. LocalError: not there, packed, no image, too big."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(512)
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror}", 2)
    for magic, tool in _PACKED:
        if head.startswith(magic):
            raise LocalError(f"{path}: it is packed: unpack it first ({tool})", 2)
    if len(head) < 512 or head[510:512] != _SIGNATURE:
        raise LocalError(f"{path}: no table of partitions in its first 512 bytes: no image of a card, or cut short", 2)
    if size % 512:
        raise LocalError(f"{path}: {size:,} bytes are not whole sectors of 512: cut short", 2)
    end = _last_sector(head) * 512
    if size < end:
        raise LocalError(f"{path}: cut short: it has {size:,} bytes, its partitions end at {end:,}", 2)
    if most and size > most:
        raise LocalError(f"{path}: {size:,} bytes, allowed are {most:,}", 2)
    return size


def refuse_used(device: str) -> None:
    """LocalError when the block device, or anything on it or beneath it, is in use, or it is read-only."""
    name = os.path.basename(os.path.realpath(device))
    mine = {name, *_holders(name)}
    disk = whole_disk(name)
    for where, used in _in_use():
        beneath = _beneath(used)
        if mine & {used, *beneath} or (name == disk and disk in map(whole_disk, (used, *beneath))):
            raise LocalError(f"{device}: in use: {where} is on it; nothing is written there", 2)
    if _read(name, "ro") == "1":
        raise LocalError(f"{device}: it is read-only: look for the slider at the card's side", 2)


def whole_disk(name: str) -> str:
    """sdb of sdb1."""
    real = os.path.realpath(os.path.join(_BLOCK, name))
    if os.path.exists(os.path.join(real, "partition")):
        return os.path.basename(os.path.dirname(real))
    return name


def size_of(device: str) -> int:
    """Bytes of a block device."""
    try:
        handle = os.open(device, os.O_RDONLY)
    except OSError as error:
        raise LocalError(f"{device}: {_why(error)}", 2)
    try:
        return os.lseek(handle, 0, os.SEEK_END)
    finally:
        os.close(handle)


def removable() -> "Iterator[tuple[str, str]]":
    """(device, what it is) of the disks that can be taken out and have something in them."""
    try:
        names = sorted(os.listdir(_BLOCK))
    except OSError:
        return
    for name in names:
        is_card = name.startswith("mmcblk") or _read(name, "removable") == "1"
        size = int(_read(name, "size") or 0) * 512
        if is_card and size and whole_disk(name) == name and "boot" not in name:
            yield "/dev/" + name, f"{_model(name)}, {_human(size)}"


def _choice() -> str:
    found = [f"{device} ({what})" for device, what in removable()]
    return "are " + ", ".join(found[:8]) if found else "is no removable disk in this machine now"


def _in_use() -> "Iterator[tuple[str, str]]":
    # (what for, name of the device) of all that the system has mounted or swaps to.
    try:
        with open(_MOUNTS) as file:
            for line in file:
                source, where, kind = line.split(" ")[:3]
                name = _name(source, where, kind)
                if name:
                    yield where, name
        with open(_SWAPS) as file:
            for line in file.readlines()[1:]:
                place = line.split(" ")[0]
                if place.startswith("/dev/"):
                    yield "swap", os.path.basename(os.path.realpath(place))
    except OSError:
        return


def _name(source: str, where: str, kind: str) -> str:
    # The device of a mount. /dev/root and file systems that name none are found by the numbers of what is mounted.
    real = os.path.realpath(source)
    if source.startswith("/") and os.path.exists(real) and stat.S_ISBLK(os.stat(real).st_mode):
        return os.path.basename(real)
    if where != "/" and kind != "btrfs":
        return ""
    try:
        number = os.stat(where).st_dev
        return os.path.basename(os.path.realpath(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}"))
    except OSError:
        return ""


def _holders(name: str) -> "set[str]":
    # Everything that stands on it: partitions, and what uses them.
    found: "set[str]" = set()
    todo = [(name, 0)]
    while todo:
        at, depth = todo.pop()
        folder = os.path.join(_BLOCK, at)
        parts = [part for part in _list(folder) if os.path.exists(os.path.join(folder, part, "partition"))]
        for above in (*parts, *_list(os.path.join(folder, "holders"))):
            if above not in found and depth < _DEPTH:
                found.add(above)
                todo.append((above, depth + 1))
    return found


def _beneath(name: str) -> "set[str]":
    # Everything it stands on.
    found: "set[str]" = set()
    todo = [name]
    while todo and len(found) < 64:
        at = todo.pop()
        for below in (*_list(os.path.join(_BLOCK, at, "slaves")), *({whole_disk(at)} - {at})):
            if below not in found:
                found.add(below)
                todo.append(below)
    return found


def _list(folder: str) -> "list[str]":
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _read(name: str, key: str) -> str:
    try:
        with open(os.path.join(_BLOCK, name, key)) as file:
            return file.read(256).strip()
    except OSError:
        return ""


def _model(device: str) -> str:
    name = os.path.basename(os.path.realpath(device))
    return _read(name, "device/model") or _read(name, "device/name") or "no name of its own"


def _is_block(device: str) -> bool:
    try:
        mode = os.stat(device).st_mode
    except FileNotFoundError:
        # A card that is not there must not become a file in /dev, which is memory.
        if os.path.abspath(device).startswith("/dev/"):
            raise LocalError(f"{device}: there is no such device", 2)
        return False
    except OSError as error:
        raise LocalError(f"{device}: {error.strerror}", 2)
    if stat.S_ISBLK(mode):
        return True
    if stat.S_ISREG(mode):
        return False
    raise LocalError(f"{device}: this is neither a disk nor a file", 2)


def _room(path: str) -> int:
    # Of the file system, and what the file there takes already.
    folder = os.path.dirname(os.path.abspath(path))
    try:
        status = os.statvfs(folder)
        there = os.stat(path).st_blocks * 512 if os.path.exists(path) else 0
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror}", 2)
    return status.f_bavail * status.f_frsize + there


def _read_all(handle: int, size: int) -> bytes:
    parts = []
    while size:
        data = os.read(handle, size)
        if not data:
            break
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


def _last_sector(head: bytes) -> int:
    # Behind the last partition of the MBR; 0 where a GPT says more than it (type 0xee, a size of its own).
    end = 0
    for at in range(446, 510, 16):
        kind = head[at + 4]
        first = int.from_bytes(head[at + 8 : at + 12], "little")
        count = int.from_bytes(head[at + 12 : at + 16], "little")
        if kind == 0xEE:
            return 0
        if kind:
            end = max(end, first + count)
    return end


def _human(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 10**9 else f"{size / 1e6:.1f} MB"


def _why(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return "permission denied: only root, or the group disk, may write to disks (sudo)"
    if error.errno == errno.EBUSY:
        return "busy: something on it is in use; unmount it first"
    if error.errno == errno.ENOSPC:
        return "no room is left"
    if error.errno in (errno.EIO, errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM):
        return "it was taken out, or is broken"
    if error.errno == errno.EROFS:
        return "it is read-only: look for the slider at the card's side"
    return error.strerror or str(error)
