"""The serial ports of this machine, and which of them a board answers on.

    for port in found(): …                  device, VID:PID, what it calls itself
    pick(ports, board)                      the one of this board; LocalError where there is none, or more than one
    check(device)                           whether it can be opened at all; LocalError in one line

A board is known by the VID:PID that its board.toml names. Chips that only convert between USB and a serial line have
the same on every board; so what answers is asked for its name once more, by the way of flashing.
"""

import errno
import grp
import os
import stat
import time

from ..errors import LocalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .plan import Target

_PTYS = range(136, 144)  # major numbers, as Linux has them
_SHOWN = 8  # ports that one line names
_HOLDERS = "/proc"
_AGAIN_S = 0.1


class Port:
    """A serial port. `usb` is "vid:pid" in lower-case hex, "" for one that is not on USB; `what` is how it names
    itself."""

    def __init__(self, device: str, usb: str = "", what: str = "") -> None:
        self.device = device
        self.usb = usb
        self.what = what

    def __str__(self) -> str:
        return f"{self.device} ({', '.join(text for text in (self.usb, self.what) if text) or 'no USB device'})"


def found() -> "list[Port]":
    """All that there are, sorted by name."""
    from serial.tools import list_ports  # type: ignore[import-untyped,unused-ignore]

    ports = []
    for info in list_ports.comports():
        usb = f"{info.vid:04x}:{info.pid:04x}" if info.vid is not None else ""
        if usb or info.hwid != "n/a":  # ttyS0 to ttyS31 are listed on many machines, with nothing behind them
            ports.append(Port(info.device, usb, _clean(info.product or info.description)))
    return sorted(ports, key=lambda port: port.device)


def matching(ports: "Iterable[Port]", names: "list[str]") -> "list[Port]":
    """Those whose VID:PID is one of these."""
    return [port for port in ports if port.usb in names]


def pick(ports: "list[Port]", target: "Target") -> Port:
    """The only port that the board may be on. LocalError says what is there instead, or that there are several."""
    mine = matching(ports, target.usb_run + target.usb_boot)
    if len(mine) == 1:
        return mine[0]
    if mine:
        raise LocalError(f"{len(mine)} ports may be {target.name}: {_list(mine)}; say which with --port", 2)
    there = f"; there are {_list(ports)}" if ports else "; no serial port is there at all"
    wanted = ", ".join(target.usb_run) or "no USB port of its own"
    raise LocalError(
        f"{target.name} is not plugged in, or its cable has no data wires: looked for USB {wanted}{there}", 2)


def named(ports: "list[Port]", device: str) -> Port:
    """The port of this name, with what is known of it; a pseudo-terminal or a link is looked at by itself."""
    path = device if "/" in device else "/dev/" + device
    real = os.path.realpath(path)
    for port in ports:
        if os.path.realpath(port.device) == real:
            return port
    check(path)
    return Port(path)


def wrong_board(port: Port, target: "Target", boards: "dict[str, list[str]]") -> str:
    """What stands against this port being the board, "" for nothing: its VID:PID is another board's. `boards` maps the
    names of all boards to their VID:PIDs."""
    wanted = target.usb_run + target.usb_boot
    if not port.usb or not wanted or port.usb in wanted:
        return ""
    others = sorted(name for name, usb in boards.items() if port.usb in usb)
    seems = f"it seems to be {' or '.join(others)}" if others else "no board that is known has these numbers"
    return f"{port.device} is USB {port.usb} ({port.what}), {target.name} has {' or '.join(wanted)}: {seems}"


def check(device: str) -> None:
    """LocalError unless it is there, is a terminal, may be used by us, and nobody else uses it."""
    try:
        mode = os.stat(device)
    except OSError as error:
        raise LocalError(f"port {device}: {_reason(error, device)}", 2)
    if not stat.S_ISCHR(mode.st_mode):
        raise LocalError(f"port {device}: this is no serial port", 2)
    if not os.access(device, os.R_OK | os.W_OK):
        raise LocalError(f"port {device}: {denied(device)}", 2)
    holder = held_by(device)
    if holder:
        raise LocalError(f"port {device} is busy: {holder} has it open; end that first", 2)


def explain(error: OSError, device: str) -> str:
    """Why a port failed while in use, in words."""
    return f"port {device}: {_reason(error, device)}"


def _reason(error: OSError, device: str) -> str:
    code = error.errno
    if code in (errno.EACCES, errno.EPERM):
        return denied(device)
    if code in (errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.EIO):
        return "there is no such port (unplugged?)"
    if "disconnected" in str(error):  # as pyserial has it, without a number
        return "it was unplugged"
    if code in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in str(error):
        return f"busy: {held_by(device) or 'another program'} has it open; end that first"
    return error.strerror or str(error)


def denied(device: str) -> str:
    """Permission denied, and what to do about it: the group that owns the device."""
    try:
        status = os.stat(device)
        group = grp.getgrgid(status.st_gid).gr_name
    except (OSError, KeyError):
        return "permission denied"
    if group == "root" or not status.st_mode & stat.S_IWGRP:
        return "permission denied: the device is root's alone (run this as root)"
    return f"permission denied: you are not in the group {group} (sudo usermod -aG {group} $USER, then log in again)"


def held_by(device: str) -> str:
    """"name (process id)" of another program that has the file open; "" for none, or none that we may see."""
    found = _holders(device)
    if found:
        # A program that is just being started holds, for a moment, all that its parent does.
        time.sleep(_AGAIN_S)
        again = _holders(device)
        found = [holder for holder in found if holder in again]
    return found[0] if found else ""


def _holders(device: str) -> "list[str]":
    mine = _identity(device)
    found = []
    for entry in os.listdir(_HOLDERS) if mine else ():
        if not entry.isdecimal() or int(entry) == os.getpid():
            continue
        try:
            links = os.listdir(f"{_HOLDERS}/{entry}/fd")
            if any(_identity(f"{_HOLDERS}/{entry}/fd/{link}") == mine for link in links):
                with open(f"{_HOLDERS}/{entry}/comm") as file:
                    found.append(f"{file.read().strip()} (process {entry})")
        except OSError:
            continue  # it ended, or is another user's
    return found


def _identity(path: str) -> "tuple[int, int] | None":
    # Of a device: its numbers; those of pseudo-terminals count within one /dev/pts.
    try:
        status = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISCHR(status.st_mode):
        return None
    return status.st_rdev, status.st_dev if os.major(status.st_rdev) in _PTYS else 0


def _list(ports: "list[Port]") -> str:
    shown = ", ".join(str(port) for port in ports[:_SHOWN])
    return shown + (f" and {len(ports) - _SHOWN} more" if len(ports) > _SHOWN else "")


def _clean(text: "str | None") -> str:
    # A USB device chooses its own name, of any characters.
    return "".join(c for c in (text or "")[:60] if c.isprintable())
