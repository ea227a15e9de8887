"""The disk of an emulated board, made on the host: erased flash, with files in its `fs` area (or another).

Littlefs is written by MicroPython's own VfsLfs2 on the host, so that it is what the board's reads. Python files are put
there compiled: the board has no compiler.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from jamliquor_lite.chain.chainspec import ChainSpec  # noqa: E402
from jamliquor_lite.chain.keeper import provision  # noqa: E402
from jamliquor_lite.cli import start as starts  # noqa: E402
from jamliquor_lite.cli.board_file import Board  # noqa: E402
from jamliquor_lite.node import board_config  # noqa: E402
from jamliquor_lite.ports.flash import Area  # noqa: E402
from tools import firmware_build, sources  # noqa: E402
from tools.building import ToolError, cache_folder, new_folder  # noqa: E402

_FILL_BYTES = 1 << 20
_LIMIT_S = 120

# Runs on MicroPython: the image, where its area begins, its size, the folder whose tree goes into it.
WRITER = """
import os, sys, vfs
class Disk:
    def __init__(self, path, at, size):
        self.file = open(path, "r+b")
        self.at = at
        self.size = size
    def readblocks(self, block, buf, offset=0):
        self.file.seek(self.at + 4096 * block + offset)
        self.file.readinto(buf)
    def writeblocks(self, block, buf, offset=0):
        self.file.seek(self.at + 4096 * block + offset)
        self.file.write(buf)
    def ioctl(self, op, arg):
        if op == 3:
            self.file.flush()
        if op == 4:
            return self.size // 4096
        if op == 5:
            return 4096
        if op == 6:
            self.writeblocks(arg, b"\\xff" * 4096)
        return 0
def put(source, target):
    for name in sorted(os.listdir(source)):
        if os.stat(source + "/" + name)[0] & 0x4000:
            os.mkdir(target + "/" + name)
            put(source + "/" + name, target + "/" + name)
        else:
            with open(source + "/" + name, "rb") as a, open(target + "/" + name, "wb") as b:
                b.write(a.read())
disk = Disk(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
vfs.VfsLfs2.mkfs(disk)
vfs.mount(disk, "/board")
put(sys.argv[4], "/board")
vfs.umount("/board")
"""


def make(path: Path, board: Board, files: "Mapping[str, bytes]") -> None:
    """Write the disk of `board` to `path`: all areas erased, and in `fs` the files, named as the board names them
    ("main.py", "lib/support.py"; they arrive as main.mpy, lib/support.mpy). ToolError when they do not fit."""
    with path.open("wb") as disk:
        left = board.disk_bytes()
        while left:
            left -= disk.write(b"\xff" * min(left, _FILL_BYTES))
    if files:
        put(path, board, "fs", files)


def node_disk(path: Path, board: Board, chain: Path, peers: "Sequence[str]", start_file: "Path | None" = None) -> str:
    """Write the disk of a board whose node begins at the checkpoint of a file (`checkpoint export`), or at that which a
    chainspec (JIP-4) has built in, or at its genesis, and follows these multiaddrs: board.conf, start.cbor, and the
    validator sets where the board reads them. What it begins with, in words. LocalError, ToolError."""
    chainspec = ChainSpec.read(str(chain))
    first = chainspec.checkpoint()
    genesis_slot = first.slot
    if start_file is not None:
        said = starts.Start()
        said.checkpoint = starts.CheckpointFile(str(start_file)).checkpoint
        first = starts.of_chain(said, first)
    elif chainspec.start is not None:
        first = starts.of_chain(starts.built_in(chainspec.start, f"chainspec {chain}"), first)
    lines = [f"chain = {chainspec.id}", *(f"peer = {peer}" for peer in peers)]
    conf = "\n".join([*lines, ""]).encode()
    board_config.parse(conf)
    at, size = board.flash()["sets"]
    sets = bytearray(b"\xff" * size)
    start = provision(Area(sets, 0, size), first)
    make(path, board, {board_config.FILE_NAME: conf, "start.cbor": start})
    with path.open("r+b") as disk:
        disk.seek(at)
        disk.write(sets)
    return "%s of %s" % ("slot %d" % first.slot if first.slot > genesis_slot else "the genesis", chainspec.id)


def put(path: Path, board: Board, area: str, files: "Mapping[str, bytes]") -> None:
    """Make a new file system with these files in an area of a disk that is there."""
    at, size = board.flash()[area]
    with new_folder(path.parent) as folder:
        for name, data in files.items():
            if name.endswith(".py"):
                name, data = name.removesuffix(".py") + ".mpy", compiled(name, data)
            file = folder / "tree" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        script = folder / "writer.py"
        script.write_text(WRITER)
        words = [str(path), str(at), str(size), str(folder / "tree")]
        done = subprocess.run(
            [interpreter(), "-X", "heapsize=32M", str(script), *words], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=_LIMIT_S, check=False,
        )  # fmt: skip
        if done.returncode:
            why = (done.stdout.strip() or done.stderr.strip() or "no word").splitlines()[-1]
            raise ToolError(f"the files do not go into the board's area {area} of {size:,} B: {why}", 1)


def compiled(name: str, text: bytes) -> bytes:
    """The bytecode of a Python file, with its assertions and line numbers, folded with what the firmware has frozen
    (firmware/folding.py), so that all it imports is there. ToolError with what is wrong in it."""
    try:
        text = firmware_build.folding().fold_other(name, text.decode()).encode()
    except (SyntaxError, UnicodeDecodeError) as error:
        raise ToolError(f"{name}: {error}", 1)
    cache = cache_folder()
    cross = sources.need("micropython", cache) / "mpy-cross" / "build" / "mpy-cross"
    with new_folder(cache) as folder:
        (folder / "in.py").write_bytes(text)
        command = [str(cross), "-s", name, "-o", str(folder / "out.mpy"), str(folder / "in.py")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
        if done.returncode:
            raise ToolError(f"{name}: {(done.stderr.strip() or 'not compiled').splitlines()[-1]}", 1)
        return (folder / "out.mpy").read_bytes()


def interpreter() -> str:
    """A MicroPython for this machine: the test environment's, else one that tools/micropython builds."""
    for found in (ROOT / ".venv" / "bin" / "micropython", shutil.which("micropython")):
        if found and os.access(found, os.X_OK):
            return str(found)
    built = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "micropython"), "build"], capture_output=True, text=True, check=False
    )
    if built.returncode:
        raise ToolError((built.stderr.strip() or "no MicroPython").splitlines()[-1], built.returncode)
    return built.stdout.strip()
