"""`jamliquor-lite qemu`: boot an emulated board beside a small chain of its own, and watch it in the monitor."""

import json
import os
import signal
import socket
import sys
import tempfile
import time

from ..const import const
from ..errors import LocalError
from ..ports.cpython.lock import Lock
from . import boards, emulator
from .board_schema import LINUX_BOARD
from .embedded import EmbeddedDevnet
from .machine import Machine
from .output import Output, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from .board_file import Board

NODE_PORT = const(4001)  # where a board with Linux listens for peers
_SLOT_MS = "1000"
_FIRST_BLOCKS = const(40)  # authored before the board starts: there is something to catch up with
_MOST_BLOCKS = const(20_000)  # of a chain that goes on: they are authored again
_SHOWN = ("headers_checked", "headers_refused", "best_slot", "vouched_slot", "peers")
_STATUS_S = const(10)
_ASK_S = const(2)  # of a board that starts
_BOOT_S = const(300)  # emulated Linux, on a machine that does other things too
_STATE_FILE = "state.json"
_STATE_BYTES = const(4096)
_ABOUT = (
    "Boot an emulated board in QEMU, with a devnet beside it in a process of its own, and open the monitor. Leaving "
    "the monitor ends all of it. The board reaches this machine's 127.0.0.1 as " + emulator.HOST + "."
)
_EXAMPLE = "example: %(prog)s qemu-virt-rv32-264k --snapshot board --seconds 30"


def add_arguments(parser: "argparse.ArgumentParser") -> None:
    """What the command takes."""
    parser.description, parser.epilog = _ABOUT, _EXAMPLE
    add = parser.add_argument
    add("board", metavar="BOARD", help="one that `board list` shows as flashed by qemu, or its board.toml")
    add("--net", metavar="[HERE:]THERE", nargs="?", const=str(NODE_PORT), action="append", default=[],
        help="127.0.0.1:HERE leads to the board's TCP port THERE; may be given more than once (default: a free port "
        "to %d)" % NODE_PORT)
    add("--serial2", action="store_true", help="offer the board's second serial port as a pseudo-terminal")
    add("--snapshot", metavar="DIR", help="keep the board's flash or disk there, and go on from it the next time")
    add("--seconds", metavar="N", help="end N seconds after the board has started; status 0 when it followed, else 1")
    add("--plain", action="store_true", help="lines instead of the full-screen monitor (default: where no terminal is)")
    add("--record", metavar="FILE", default="", help="keep what the board tells, for `monitor --replay FILE`")
    add("--firmware", metavar="FILE", help="boot this instead of building it; a microcontroller's")


def run(args: "argparse.Namespace") -> int:
    duration = seconds(args)
    board = boards.find(args.board)
    if not board.is_emulated:  # that one has [qemu] too may be for tests, which make what it boots from
        raise LocalError(
            f"{board.name} is a board to plug in: `board show {board.name}` says how to flash it; emulated are those "
            "that `board list` shows as flashed by qemu", 2)
    forwards = [_forward(text) for text in args.net]
    if args.serial2 and "serial" not in board.links():
        raise LocalError(f"--serial2: {board.name} has no second serial port", 2)
    if forwards and "tcp" not in board.links():
        raise LocalError(f"--net: {board.name} has no network", 2)
    if args.firmware and not os.path.isfile(args.firmware):
        raise LocalError(f"--firmware {ascii(args.firmware)}: no such file", 2)
    out = Output(False)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    with tempfile.TemporaryDirectory(prefix="jamliquor-qemu-") as work:
        kept = Kept(args.snapshot or work, board.name)
        try:
            return _run(args, board, kept, work, forwards, duration, out)
        finally:
            kept.release()


def _run(
    args: "argparse.Namespace", board: "Board", kept: "Kept", work: str, forwards: "list[tuple[int, int]]",
    duration: "float | None", out: Output,
) -> int:
    machine = Machine(board, work)
    machine.build(args.firmware)
    words = ["--slot-ms", _SLOT_MS, "--accelerated", "--blocks", str(kept.blocks)]
    status: "dict[str, Any]" = {}
    with EmbeddedDevnet([*words, "--listen", f"/ip4/127.0.0.1/tcp/{kept.port}"]) as devnet:
        peer = next(place for place in devnet.ready["addresses"] if place.startswith("/"))
        kept.port = int(peer.split("/")[4])
        kept.save()  # should this be killed, the chain will be behind the board for a while, and no more than that
        if not os.path.exists(kept.disk):
            machine.make_disk(kept.disk, devnet.ready["chainspec"], peer.replace("127.0.0.1", emulator.HOST))
        try:
            machine.start(kept.disk, forwards, args.serial2)
            told = [f"127.0.0.1:{here} leads to the board's TCP port {there}" for here, there in forwards]
            told += [f"the second serial port is {machine.serial}"] if machine.serial else []
            out.line(f"{board.name} beside devnet {devnet.ready['genesis'][:8]}; console: {machine.console}")
            for text in told:
                out.line(text)
                if not _is_plain(args):  # the full screen hides what stands here
                    machine.note(text)
            if board.kind == LINUX_BOARD:
                _await_node(machine, out)
            _watch(args, machine.console, duration)
            status = machine.ask_status(_STATUS_S)
            why = machine.ended()
        finally:
            machine.stop()
            kept.blocks = int(devnet.last.get("number", kept.blocks))
            kept.save()
    followed = status.get("best_slot", 0) > 0 and status.get("headers_checked", 0) > 0
    out.summary(board=board.name, followed=followed, blocks=kept.blocks,
                **{name: status.get(name, 0) for name in _SHOWN})
    if why:
        raise LocalError(why)
    return 1 if duration is not None and not followed else 0


def _await_node(machine: Machine, out: Output) -> None:
    """Until Linux and the node on it have started; LocalError when they do not."""
    began = time.monotonic()
    while not machine.answers(_ASK_S):
        passed = int(time.monotonic() - began)
        if passed > _BOOT_S:
            said = machine.last_words()
            raise LocalError(f"the node did not answer in {_BOOT_S} s; the kernel's last line: {said or '(none)'}")
        out.status(f"Linux starts: {passed} s")


def _end(number: int, frame: object) -> None:
    """What is ended by a signal, or with its terminal, ends as by Ctrl-C: with its children, the folder in order."""
    raise KeyboardInterrupt


def _watch(args: "argparse.Namespace", console: str, duration: "float | None") -> None:
    """The monitor, until the user leaves it or the time is over."""
    from ..monitor import app  # what it needs is in an extra of its own

    app.open(f"socket:{console}", record=args.record, plain=_is_plain(args), seconds=duration)


def _is_plain(args: "argparse.Namespace") -> bool:
    return args.plain or not sys.stdout.isatty() or not sys.stdin.isatty()


class Kept:
    """What a folder keeps from one run to the next: the board's disk, and how long its chain was and where it was
    served, so that the same chain goes on at the same place. One run at a time has it."""

    def __init__(self, folder: str, board: str) -> None:
        """LocalError where it cannot be made, is another board's, or holds a state of another form."""
        self.folder = folder
        self.port = 0
        self.blocks = _FIRST_BLOCKS
        self._board = board
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise LocalError(f"--snapshot {ascii(folder)}: {error.strerror}", 2)
        self._lock = Lock(os.path.join(folder, "lock"))
        try:
            self._read()
        except LocalError:
            self.release()
            raise

    @property
    def disk(self) -> str:
        """The board's flash behind its firmware, or its root file system."""
        return os.path.join(self.folder, "disk")

    def save(self) -> None:
        """Write what the next run needs."""
        path = os.path.join(self.folder, _STATE_FILE)
        with open(path + ".new", "w") as file:
            json.dump({"board": self._board, "port": self.port, "blocks": self.blocks}, file)
        os.replace(path + ".new", path)

    def release(self) -> None:
        """Let another run have the folder."""
        self._lock.release()

    def _read(self) -> None:
        path = os.path.join(self.folder, _STATE_FILE)
        try:
            with open(path, "rb") as file:
                found = json.loads(file.read(_STATE_BYTES))
            board, port, blocks = found["board"], found["port"], found["blocks"]
            is_right = type(port) is type(blocks) is int and 0 < port < 65536 and blocks > 0
        except FileNotFoundError:
            if os.path.exists(self.disk):
                raise LocalError(f"{path}: missing beside a disk, so nobody knows its chain; take a new folder", 2)
            return
        except (OSError, ValueError, KeyError, TypeError):
            is_right = False
        if not is_right:
            raise LocalError(f"{path}: not what an earlier run has left there; take a new folder", 2)
        if board != self._board:
            raise LocalError(f"{path}: the folder is of {ascii(str(board)[:80])}, not of {self._board}", 2)
        if blocks > _MOST_BLOCKS:
            raise LocalError(
                f"{path}: its chain has {blocks} blocks, and at most {_MOST_BLOCKS} are authored again; take a new "
                "folder", 2)
        self.port, self.blocks = port, blocks


def _forward(text: str) -> "tuple[int, int]":
    """(port of 127.0.0.1, port of the board) of "HERE:THERE", or of "THERE" with any free port here."""
    here, colon, there = text.rpartition(":")
    try:
        ports = int(here) if colon else 0, int(there)
    except ValueError:
        ports = 0, 0
    if not 0 < ports[1] < 65536 or not (0 < ports[0] < 65536 or not colon):
        raise LocalError(f"--net {ascii(text[:80])}: allowed are THERE or HERE:THERE, ports from 1 to 65535", 2)
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", ports[0]))
        except OSError as error:
            raise LocalError(f"--net {text}: 127.0.0.1:{ports[0]}: {error.strerror}", 2)
        return int(probe.getsockname()[1]), ports[1]
