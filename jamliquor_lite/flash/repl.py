"""Boards that run MicroPython already: the package goes there as files, through the REPL, with mpremote.

Nothing of the board's own firmware changes, so that it starts whatever happens; `main.py` is taken away first and comes
back last, so that a half copied package is not started.
"""

import hashlib
import struct
import tempfile
from pathlib import Path

from ..const import const
from ..errors import LocalError
from ..ports.micropython import wlan
from . import package, ports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .plan import Progress, Target

LEAST_VERSION = (1, 26)
_START = "jamliquor_start.mpy"  # what main.py imports: firmware/main.py
_WIRELESS = "jamliquor_wifi.mpy"  # and before it, on a board with a radio: firmware/wifi.py
_MAIN = "main.py"
_REPLY_S = const(5)  # of silence; erasing a sector takes a tenth of a second
_ENTER_S = const(10)
_CHUNK_BYTES = const(512)  # of a file in one command: the board holds it twice
_FILE_BLOCKS = const(1)  # of a file system for its name and size, at most
_ASK = ("import sys,os;_i=sys.implementation;"
        "print(repr((_i.name,tuple(_i.version)[:3],_i._machine,getattr(_i,'_mpy',0))))")
_ROOM = "_s=os.statvfs('.');print(repr((_s[0],_s[3])))"
# Makes a folder of each argument that is not there yet.
_FOLDERS = """
def _d(*names):
 for n in names:
  try:
   os.mkdir(n)
  except OSError as e:
   if e.errno!=17:raise
"""
_REMOVE = """
try:
 os.remove(%r)
except OSError as e:
 if e.errno!=2:raise
"""


class Found:
    """What answers on a port: `machine` is its name for itself, `arch` of its native modules, "" for none."""

    def __init__(self, name: str, version: "tuple[int, ...]", machine: str, mpy: int) -> None:
        self.name = name
        self.version = version
        self.machine = machine
        self.mpy_version = mpy & 0xFF
        self.native_version = mpy >> 8 & 3
        arch = mpy >> 10 & 0x0F
        self.arch = package.ARCHITECTURES[arch] if arch < len(package.ARCHITECTURES) else ""

    def __str__(self) -> str:
        return f"{self.name} {'.'.join(map(str, self.version))} on {self.machine[:60]}"


class Repl:
    """Copies the package: a way of flashing. `files` are more for the board's root, by name."""

    def __init__(self, target: "Target", port: str, files: "dict[str, bytes]", start: bytes, wireless: bytes,
                 natmod: "Callable[[], tuple[str, bytes]]", is_dry: bool = False) -> None:
        """`port` is a device. `start` is the source of what main.py starts, `wireless` of what
        it starts before that on a board with a radio; `natmod` gives (what it is called here, the
        native module) for the board, once it is needed. The board is asked who it is, unless it `is_dry`.
        LocalError."""
        self._target = target
        self._port = port
        self._files = files
        self._sources = {_START: start}
        if wireless:
            self._sources[_WIRELESS] = wireless
        self.network: "tuple[str, str] | None" = None
        self._natmod = natmod
        found = None
        if not is_dry:
            with Session(port) as session:
                found = session.who()
            refuse(found, target, port)
        names = len(package.modules(target.natmod))
        self.where = f"port {port}" + (f" ({found})" if found else ", which runs MicroPython 1.26 or newer")
        self.steps = [
            f"compile {names} modules of this package for it (mpy-cross)",
            f"copy them to lib/, with the native module jamvrf ({target.natmod}), and compare them by hash",
            f"write main.py, {'and ' + ', '.join(sorted(files)) + ', ' if files else ''}and restart the board",
        ]
        self.erases = "main.py and lib/jamliquor_lite on the board; other files stay"
        self.recovery = "MicroPython itself is untouched and starts as before; run the same command again"
        self.monitor = f"serial:{port}@115200"

    def run(self, show: "Progress") -> None:
        """Compile, copy, compare, restart."""
        target = self._target
        with tempfile.TemporaryDirectory(prefix="jamliquor-flash-") as work:
            found = package.modules(target.natmod)
            for name, source in {**self._sources, "_board.mpy": target.module.encode()}.items():
                path = Path(work) / (name[:-4] + ".py")
                path.write_bytes(source)
                found.append(package.Module(path, name))
            show.begin("compiling", len(found))
            made = package.compiled(found, Path(work), target.natmod, show.step)
        show.begin("native module")
        name, natmod = self._natmod()
        arch = package.native_arch(natmod, name)
        if arch != target.natmod:
            raise LocalError(f"{name}: it is for {arch}, {target.name} takes {target.natmod}", 2)
        made.append(("jamvrf.mpy", natmod))
        show.end()
        with Session(self._port) as session:
            refuse(session.who(), target, self._port)
            self._copy(session, [("lib/" + path, data) for path, data in made], show)
            session.restart()
        show.say(f"{target.name} has the package and restarts")

    def _copy(self, session: "Session", made: "list[tuple[str, bytes]]", show: "Progress") -> None:
        session.remove(_MAIN)
        new = [(path, data) for path, data in made if session.digest(path) != hashlib.sha256(data).digest()]
        block, free = session.room()
        needed = sum((len(data) + block - 1) // block + _FILE_BLOCKS for _, data in new) * block
        held = sum(size for path, _ in new for size in (session.size(path),))
        if needed > free * block + held:
            raise LocalError(
                f"no space on {self._target.name}: {needed:,} bytes are needed, {free * block + held:,} are free; "
                "remove files of yours there (mpremote rm), or choose a board with more flash", 1)
        session.folders(sorted({folder for path, _ in made for folder in _parents(path)}))
        total = sum(len(data) for _, data in new)
        show.begin(f"copying {len(new)} of {len(made)} files", total)
        done = 0
        for path, data in new:
            session.write(path, data)
            done += len(data)
            show.step(done)
        show.begin("comparing", len(new))
        for number, (path, data) in enumerate(new, 1):
            if session.digest(path) != hashlib.sha256(data).digest():
                raise LocalError(f"{path}: what the board has differs from what was sent; {self.recovery}")
            show.step(number)
        for path, data in sorted(self._files.items()):
            session.write(path, data)
        if self.network is not None:
            session.write(wlan.FILE_NAME, wlan.text(*self.network).encode())
        main = "".join(f"import {name[:-4]}\n" for name in (_WIRELESS, _START) if name in self._sources)
        session.write(_MAIN, main.encode())
        show.end()


class Session:
    """The REPL of a board, in its raw mode, while the context lasts. Every failure is a LocalError."""

    def __init__(self, port: str) -> None:
        self.port = port
        self._transport: "Any" = None

    def __enter__(self) -> "Session":
        from mpremote.transport_serial import SerialTransport

        ports.check(self.port)
        self._transport = self._call(SerialTransport, self.port, 115_200, 0, True, _REPLY_S)
        try:
            self._call(self._transport.enter_raw_repl, False, _ENTER_S)
        except LocalError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._transport.in_raw_repl:
                self._transport.exit_raw_repl()
            self._transport.close()
        except OSError:
            pass  # unplugged

    def who(self) -> Found:
        """What answers."""
        return Found(*self._ask(_ASK))

    def room(self) -> "tuple[int, int]":
        """(size of a block, how many are free) of the file system."""
        block, free = self._ask(_ROOM)
        return block, free

    def digest(self, path: str) -> bytes:
        """SHA-256 of a file, b"" where there is none."""
        if self.size(path) == 0:
            return b""
        return bytes(self._call(self._transport.fs_hashfile, path, "sha256", _CHUNK_BYTES))

    def size(self, path: str) -> int:
        """Bytes of a file, 0 where there is none."""
        try:
            return int(self._call(self._transport.fs_stat, path).st_size)
        except FileNotFoundError:
            return 0

    def write(self, path: str, data: bytes) -> None:
        """A file with this content."""
        self._call(self._transport.fs_writefile, path, data, _CHUNK_BYTES)

    def remove(self, path: str) -> None:
        """Away with the file, if there is one."""
        self._call(self._transport.exec, _REMOVE % path)

    def folders(self, names: "list[str]") -> None:
        """Make those that are not there; parents come first."""
        self._call(self._transport.exec, _FOLDERS + "_d(" + ",".join(map(repr, names)) + ")")

    def restart(self) -> None:
        """As after power on, where the port can; else MicroPython alone. Nothing answers any more."""
        self._call(self._transport.exec_raw_no_follow,
                   "try:\n import machine\n machine.reset()\nexcept (ImportError,AttributeError):\n raise SystemExit")
        self._transport.in_raw_repl = False

    def _ask(self, command: str) -> "Any":
        import ast

        answer = self._call(self._transport.exec, command)
        try:
            return ast.literal_eval(answer.decode().strip())
        except (ValueError, SyntaxError, UnicodeDecodeError):
            raise LocalError(f"port {self.port}: what answers is no MicroPython: {ascii(answer[:60])}", 1)

    def _call(self, action: "Callable[..., Any]", *words: "Any") -> "Any":
        # mpremote prints what it did not understand before it raises.
        import contextlib
        import io

        from mpremote.transport import TransportError, TransportExecError

        try:
            with contextlib.redirect_stdout(io.StringIO()):
                return action(*words)
        except TransportExecError as error:
            last = (error.error_output.strip().splitlines() or ["no reason given"])[-1]
            raise LocalError(f"port {self.port}: the board says {last}")
        except TransportError as error:
            if "failed to access" in str(error):
                ports.check(self.port)
                raise LocalError(f"port {self.port}: it cannot be opened")
            raise LocalError(f"port {self.port}: no MicroPython answers there ({error}); press the board's reset "
                             "button and try again, or write MicroPython 1.26 onto it first")
        except (struct.error, IndexError):  # an answer that mpremote waited for did not come
            raise LocalError(f"port {self.port}: the board stopped answering; unplug it, plug it in, and try again")
        except FileNotFoundError:
            raise
        except OSError as error:
            if error.errno == 28:
                raise LocalError(f"port {self.port}: no space is left on the board; remove files of yours there")
            raise LocalError(f"{ports.explain(error, self.port)}; plug it in and run the same command again")


def refuse(found: Found, target: "Target", port: str) -> None:
    """LocalError unless the package runs on what answers: MicroPython, new enough, of this chip, that loads native
    modules."""
    if found.name != "micropython":
        raise LocalError(f"port {port}: {found} answers, and {target.name} needs MicroPython", 1)
    if found.version[:2] < LEAST_VERSION:
        raise LocalError(
            f"port {port}: {found} is older than 1.26: write a newer one first (`board show {target.name}`)")
    if target.chip and target.chip not in _plain(found.machine):
        raise LocalError(f"port {port}: {found} answers: this is another board, {target.name} has {target.chip}", 1)
    if not found.arch:
        raise LocalError(f"port {port}: {found} loads no native modules, so it has no VRF in machine code; in pure "
                         "Python a header takes minutes, so the role lite is refused")
    if found.arch != target.natmod:
        raise LocalError(f"port {port}: {found} runs {found.arch}, {target.name} is {target.natmod}: another board", 1)
    if (found.mpy_version, found.native_version) != (package.MPY_VERSION, package.NATIVE_VERSION):
        raise LocalError(f"port {port}: {found} loads .mpy files of version "
                         f"{found.mpy_version}.{found.native_version}, "
                         f"these are {package.MPY_VERSION}.{package.NATIVE_VERSION}", 1)


def _plain(machine: str) -> str:
    return machine.lower().replace("-", "").replace(" ", "")


def _parents(path: str) -> "list[str]":
    parts = path.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
