"""`jamliquor-lite flash`: put the software onto a board, and watch it start."""

import subprocess
import sys

from ..const import const
from ..errors import LocalError
from ..flash import plan
from ..ports.cpython import share
from . import board_file, boards
from .board_schema import LINUX_BOARD, MCU

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from .board_file import Board

_BUILD_S = const(1800)
_NATMOD_BYTES = const(256 * 1024)
_SETTINGS_BYTES = const(64 * 1024)
_CARRIED = ("uf2", "esptool", "image")  # ways that need an image
_ABOUT = (
    "Put the software onto a board: looks for it, says what will be done and what is lost by it, asks, does it, "
    "verifies, and opens the monitor. `board show BOARD` says what to do by hand before."
)
_EXAMPLES = (
    "examples: %(prog)s pico2 --dry-run | %(prog)s esp32-c3 --image ESP32_GENERIC_C3.bin | "
    "%(prog)s esp32-c3 --wifi HomeNet | %(prog)s raspberry-pi-4 --host pi@192.0.2.7 | "
    "%(prog)s milkv-duo --image card.img --port /dev/sdX"
)


def add_arguments(parser: "argparse.ArgumentParser") -> None:
    """What the command takes."""
    parser.description, parser.epilog = _ABOUT, _EXAMPLES
    add = parser.add_argument
    add("board", metavar="BOARD", help="a name that `board list` shows, or a board.toml")
    add("--port", metavar="P", default="", help="a serial port, a boot loader's drive, a card such as /dev/sdX, or "
        "USER@HOST (default: the only one that fits)")
    add("--image", metavar="F", default="", help="what is written (default: built, in a checkout)")
    add("--method", metavar="M", default="", help="one of those that `board show` lists (default: what fits --image, "
        "--host and --port, else the first)")
    add("--host", metavar="USER@H", default="", help="install over SSH on a board with Linux; also USER@H:PORT")
    add("--wifi", metavar="SSID", help="the wireless network; its password is asked for, or read from "
        "stdin or JAMLIQUOR_WIFI_PASSWORD, and stored on the board alone")
    add("--identity", metavar="FILE", default="", help="the SSH key (default: as ssh is set up)")
    add("--config", metavar="FILE", default="", help="node.toml (over SSH) or board.conf (mpremote) for the board")
    add("--start", metavar="FILE", default="", help="the first checkpoint for the board, start.cbor (mpremote)")
    add("--dry-run", action="store_true", help="look and say what would be done; touches nothing")
    add("--yes", action="store_true", help="do not ask")
    add("--no-monitor", action="store_true", help="end when the board is flashed")


def run(args: "argparse.Namespace") -> int:
    board = boards.find(args.board)
    method = _method(args, board)
    if method == "qemu":
        return _emulate(args, board)
    target = plan.Target(board.name, board.tables["flashing"], board.kind == LINUX_BOARD,
                         board_file.module(board) if board.kind == MCU else "")
    if args.wifi is not None:
        _check_wifi(args, board, method)
    way = _way(args, board, target, method)
    for line in plan.lines(target, method, way):
        print(line)
    if args.wifi:
        print(f"  the board joins the wireless network {args.wifi!r}; its password is stored there alone")
    if args.dry_run:
        print("a dry run: nothing was touched")
        return 0
    if not args.yes and not _agreed(way):
        print("nothing was done")
        return 1
    if args.wifi:
        from ..flash import wifi

        way.network = args.wifi, wifi.password(args.wifi)
    show = plan.Progress()
    try:
        way.run(show)
    except KeyboardInterrupt:
        show.end()
        raise LocalError(f"interrupted: {way.recovery}", 130)
    finally:
        show.end()
    if not way.monitor or args.no_monitor:
        return 0
    from ..monitor import app

    return app.open(way.monitor, plain=not sys.stdout.isatty())


def _method(args: "argparse.Namespace", board: "Board") -> str:
    """The way that was named, or that fits what was said."""
    there = board.texts("method")
    if args.host and args.method not in ("", "ssh"):
        raise LocalError(f"--host is for installing over SSH, not for {args.method}", 2)
    wanted = args.method or ("ssh" if args.host or "@" in args.port else "")
    if not wanted and args.image:
        carried = [method for method in there if method in _CARRIED]
        if not carried:
            raise LocalError(f"--image: {board.name} is flashed by {', '.join(there)}, which takes none", 2)
        wanted = carried[0]
    if wanted and wanted not in there:
        raise LocalError(f"{board.name} is not flashed by {ascii(wanted)}, but by {', '.join(there)}", 2)
    return wanted or there[0]


def _way(args: "argparse.Namespace", board: "Board", target: plan.Target, method: str) -> "plan.Way":
    """The way of flashing, with all that can be looked at before looked at. Modules of the others stay unloaded."""
    if method == "uf2":
        from ..flash import drive

        if not (args.image or args.dry_run):
            drive.Drive(target, args.port, "")  # that it is not there is said before minutes of building
        return drive.Drive(target, args.port, _image(args, board), args.dry_run)
    if method == "image":
        from ..flash import image

        return image.Disk(target, args.port, _image(args, board))
    if method == "ssh":
        if not (args.host or args.port):
            raise LocalError("name the board with --host USER@HOST", 2)
        from .flash_ssh import way as over_ssh

        return over_ssh(args, board, target)
    if method == "esptool" and not args.image:
        raise LocalError("name MicroPython's firmware with --image: " + board.texts("steps")[0], 2)
    device, note = _device(args, target)
    way: "plan.Way"
    if method == "esptool":
        from ..flash import esp

        way = esp.Esp(target, device, args.image, args.dry_run)
    else:
        from ..flash import drive, repl

        named = (("board.conf", args.config), ("start.cbor", args.start))
        files = {name: drive.read_file(path, _SETTINGS_BYTES) for name, path in named if path}
        if "start.cbor" in files:
            from .start import CheckpointFile

            files["start.cbor"] = CheckpointFile(args.start).payload  # a board reads no signatures
        wireless = _source("wifi.py") if board.tables["links"].get("wifi", False) else b""
        way = repl.Repl(target, device, files, _source("main.py"), wireless, lambda: _natmod(args, target),
                        args.dry_run)
    way.where = note or way.where
    return way


def _device(args: "argparse.Namespace", target: plan.Target) -> "tuple[str, str]":
    """(the serial port, ""); in a dry run also ("", why none is found)."""
    from ..flash import ports

    there = ports.found()
    try:
        port = ports.named(there, args.port) if args.port else ports.pick(there, target)
        wrong = ports.wrong_board(port, target, known_usb())
        if wrong:
            raise LocalError(wrong, 2)
        ports.check(port.device)
        return port.device, ""
    except LocalError as error:
        if args.dry_run:
            return "PORT", str(error)
        raise


def _source(name: str) -> bytes:
    """The source of something that a board runs."""
    for path in share.files("firmware", "firmware"):
        if path.name == name and path.parent.name == "firmware":
            return path.read_bytes()
    raise LocalError(f"firmware/{name} is not here: this package was not installed whole")


def _natmod(args: "argparse.Namespace", target: plan.Target) -> "tuple[str, bytes]":
    """(its path, the native module of the board's processor): the one that was named, or that the checkout builds."""
    from ..flash import drive

    path = args.image
    if not path:
        tool = share.CHECKOUT / "tools" / "natmod"
        if not tool.is_file():
            raise LocalError(f"name the native module for {target.natmod} with --image jamvrf.mpy: it is built in a "
                             "checkout, by tools/natmod", 2)
        path = _built([str(tool), "build", target.natmod], f"the native module for {target.natmod}")
    return path, drive.read_file(path, _NATMOD_BYTES)


def _built(command: "list[str]", what: str) -> str:
    """Run a tool of the checkout, and take the path from the end of its last line."""
    done = subprocess.run([sys.executable, *command], stdout=subprocess.PIPE, text=True, timeout=_BUILD_S, check=False)
    words = done.stdout.split()
    if done.returncode or not words:
        raise LocalError(f"{what} could not be built: see above")
    return words[-1]


def _image(args: "argparse.Namespace", board: "Board") -> str:
    """The file that was named, or that the checkout builds."""
    if args.image:
        return str(args.image)
    tool = share.CHECKOUT / "tools" / "firmware"
    if board.kind == LINUX_BOARD or not tool.is_file():
        raise LocalError("name the file with --image: " + board.texts("steps")[0], 2)
    if args.dry_run:
        return ""  # the plan says that it would be built
    print(f"building the firmware of {board.name}; the first time takes minutes", flush=True)
    return _built([str(tool), "build", board.name], f"the firmware of {board.name}")


def _check_wifi(args: "argparse.Namespace", board: "Board", method: str) -> None:
    if not board.tables["links"].get("wifi", False):
        raise LocalError(f"--wifi: {board.name} has no radio", 2)
    if method not in ("uf2", "mpremote"):
        raise LocalError(f"--wifi: not with {method}: set the network when the software is on the board", 2)
    from ..flash import wifi

    wifi.check_name(args.wifi)


def _agreed(way: "plan.Way") -> bool:
    """Ask. LocalError where nobody can answer."""
    if not sys.stdin.isatty():
        raise LocalError("nobody can be asked here: --yes agrees beforehand", 2)
    question = f"This erases {way.erases}. Go on? [y/N] " if way.erases else "Go on? [y/N] "
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _emulate(args: "argparse.Namespace", board: "Board") -> int:
    """An emulated board is built and booted."""
    if args.dry_run:
        print(f"{board.name} by qemu: builds the firmware, and boots it: jamliquor-lite qemu {board.name}")
        print("a dry run: nothing was touched")
        return 0
    from . import main

    words = ["--firmware", args.image] if args.image else []
    return main.dispatch(["qemu", args.board, *words])


def known_usb() -> "dict[str, list[str]]":
    """VID:PIDs of every board, by name."""
    found = {}
    for name in boards.names():
        board = boards.find(name)
        found[name] = board.texts("usb_run") + board.texts("usb_boot")
    return found


