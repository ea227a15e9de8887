"""Portable tests inside an emulated board: `tests/run.py --on BOARD [FILE…]`.

Each file runs on a board of its own that was just switched on: compiled by mpy-cross, on the board's disk with the
modules and data it needs, against the package that the firmware has frozen. A file is skipped, by name and with why,
when it needs a module that the firmware leaves out, or more heap than the board has.
"""

import ast
import functools
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tests.device.emulated import Emulated, firmware  # noqa: E402
from tests.run import find, test_names  # noqa: E402
from tools import board_image  # noqa: E402
from tools.building import ToolError  # noqa: E402
from tools.firmware_build import folding  # noqa: E402

_VECTORS = ROOT.parent / "shared" / "vectors"
_DATA_MOST_BYTES = 64 * 1024  # of one file; larger ones are not brought, and who asks for them skips
_FILE_S = 300
PICO = "pico"  # of the boards that one can buy, the one that an emulator runs
_AT_ONCE = 2
_ABSENT = ("json", "math")  # of MicroPython, and left out of the firmware (mpconfigport.h)
# Those that list folders of the checkout, write beside it, or dial 127.0.0.1: lwIP sends that to the network.
_HOST_ONLY = (
    "tests/device", "tests/heap", "tests/interop", "tests/jam/test_over_yamux.py", "tests/noalloc/test_link.py",
    "tests/node/test_carrier.py", "tests/ports/test_store.py", "tests/ports/test_tcp.py",
)

# Tests lie in the area of the validator sets, the largest: littlefs takes 4 KiB for each module.
AREA = "sets"
MAIN = """\
import _board, gc, micropython, sys, vfs, virt
micropython.kbd_intr(-1)
vfs.mount(virt.Blk(*_board.FLASH[{area!r}]), "/t")
sys.path[0] = "/t/c"
from tests import run
gc.collect()
print("HEAP", gc.mem_free())
tally = run.Tally(True)
run.run_file({path!r}, tally, {names!r})
print("%d passed, %d failed, %d skipped" % (tally.passed, tally.failed, tally.skipped))
"""


class Outcome:
    """What one file said: its lines, and how many tests passed, failed and were skipped."""

    def __init__(self, lines: "list[str]", passed: int, failed: int, skipped: int) -> None:
        self.lines = lines
        self.counts = (passed, failed, skipped)


def run(board: str, files: "list[str]", show: "Callable[[str], None]" = print) -> "tuple[int, int, int]":
    """Run the files (all portable ones without any); each line goes to `show`. (passed, failed, skipped)."""
    chosen = files or portable_files()
    if board != PICO:
        firmware(board)
    frozen = frozen_modules()
    totals = [0, 0, 0]
    with ThreadPoolExecutor(_AT_ONCE) as workers:
        for outcome in workers.map(lambda path: run_one(board, path, frozen), chosen):
            for line in outcome.lines:
                show(line)
            totals = [total + count for total, count in zip(totals, outcome.counts)]
    return totals[0], totals[1], totals[2]


def portable_files() -> "list[str]":
    """All portable test files, relative to the checkout."""
    return [path for path in find("tests", []) if not path.startswith(_HOST_ONLY)]


def frozen_modules() -> "set[str]":
    """Modules of the package in the firmware."""
    found: "set[str]" = folding().modules
    return found


def run_one(board: str, path: str, frozen: "set[str]") -> Outcome:
    """One file on a board of its own."""
    if path.startswith(_HOST_ONLY):
        return Outcome([f"SKIP {path} - it needs the checkout, or 127.0.0.1, which a board does not have"], 0, 0, 1)
    needed, outside = closure(path)
    is_pico = board == PICO
    if not is_pico and any(has_floats(source) for source in needed.values()):
        return Outcome([f"SKIP {path} - the firmware of {board} has no floats"], 0, 0, 1)
    missing = sorted(name for name in outside if name not in frozen and not (is_pico and name in _ABSENT))
    if missing:
        return Outcome([f"SKIP {path} - the firmware of {board} has no {missing[0]}"], 0, 0, 1)
    with tempfile.TemporaryDirectory(prefix="on-board-") as folder:
        files = {f"c/{name}": compiled(source) for name, source in needed.items()}
        files.update(data_files(list(needed.values())))
        main_py = MAIN.format(area=AREA, path=path, names=test_names(path)).encode()
        lines: "list[str]" = []
        try:
            with switched_on(board, Path(folder), main_py, files) as device:
                found = device.expect_line(lambda line: closing(line, lines), "the closing line", _FILE_S)
        except (AssertionError, ToolError) as error:
            return Outcome([*lines, f"FAIL {path} - {error}"], 0, 1, 0)
    return Outcome(lines, *found)


def switched_on(board: str, folder: Path, main_py: bytes, files: "dict[str, bytes]") -> Emulated:
    """The board, with a program and, in AREA, with files: in QEMU, or in rp2040js."""
    if board != PICO:
        return Emulated(board, folder, {"main.py": main_py}, more={AREA: files})
    from tests.pico.emulated import WAIT, Pico

    main_py = WAIT.encode() + main_py.replace(b"sys, vfs, virt", b"sys, vfs, pico as virt")
    return Pico(folder, {"main.py": main_py}, more={AREA: files})


def closing(line: str, lines: "list[str]") -> "tuple[int, int, int] | None":
    """The counts of a closing line; any other is kept in `lines`."""
    words = line.replace(",", "").split()
    if len(words) == 6 and words[1::2] == ["passed", "failed", "skipped"]:
        return int(words[0]), int(words[2]), int(words[4])
    if not line.startswith("HEAP "):
        lines.append(line)
    return None


def closure(path: str) -> "tuple[dict[str, Path], set[str]]":
    """(modules of tests/ that a test file needs, as .mpy to file; modules of the package, and of _ABSENT, that these
    name)."""
    needed: "dict[str, Path]" = {}
    outside: "set[str]" = set()
    waiting = [path, "tests/run.py", "tests/__init__.py"]
    while waiting:
        name = waiting.pop()
        if name.removesuffix(".py") + ".mpy" in needed:
            continue
        needed[name.removesuffix(".py") + ".mpy"] = ROOT / name
        for module, first in imported(ROOT / name):
            parts = module.split(".")
            if first and (parts[0] == "jamliquor_lite" or module in _ABSENT):
                outside.add(module)
            for end in range(1, len(parts) + 1):
                base = "/".join(parts[:end])
                if parts[0] == "tests":
                    waiting += [file for file in (f"{base}.py", f"{base}/__init__.py") if (ROOT / file).is_file()]
    return needed, {name for name in outside if name in _ABSENT or is_module(name)}


def is_module(name: str) -> bool:
    """Whether it is a module's file, and neither a package nor a name in a module."""
    return (ROOT / (name.replace(".", "/") + ".py")).is_file()


def has_floats(source: Path) -> bool:
    """Whether a number with a point stands in the module."""
    return any(isinstance(getattr(node, "value", None), float) for node in ast.walk(ast.parse(source.read_text())))


def imported(file: Path) -> "Iterator[tuple[str, bool]]":
    """(full name, whether that is when the module itself is) of all that it imports; of `from a import b` also a.b.
    What is only for the eyes of a type checker, or stands in a `try`, is not needed."""
    waiting: "list[tuple[ast.AST, bool]]" = [(ast.parse(file.read_text()), True)]
    while waiting:
        node, first = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Try) or (isinstance(node, ast.FunctionDef) and node.name == "on_board"):
            continue
        first = first and not isinstance(node, ast.FunctionDef)
        waiting.extend((child, first) for child in ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            yield from ((alias.name, first) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, first
            yield from ((f"{node.module}.{alias.name}", first) for alias in node.names)


@functools.cache
def compiled(source: Path) -> bytes:
    """The module's bytecode, as the board takes it; there a module does not know its file by itself."""
    name = str(source.relative_to(ROOT))
    return board_image.compiled(name, f"__file__ = {'/t/c/' + name!r}\n".encode() + source.read_bytes())


def data_files(modules: "list[Path]") -> "dict[str, bytes]":
    """Files that the modules name in a string: of tests/data, and of the vectors beside the checkout."""
    found = {}
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and 3 < len(node.value) < 100:
                name = node.value.lstrip("/")
                for file, target in (
                    (ROOT / name, f"c/{name}"),
                    (ROOT / "tests" / "data" / name, f"c/tests/data/{name}"),
                    (_VECTORS / name, f"shared/vectors/{name}"),
                ):
                    if name and "\n" not in name and file.suffix not in ("", ".py") and _is_small(file):
                        found[target] = file.read_bytes()
    return found


def _is_small(file: Path) -> bool:
    try:
        return file.is_file() and file.stat().st_size <= _DATA_MOST_BYTES
    except OSError:  # the name is no file's
        return False


def main(board: str, files: "list[str]") -> int:
    """What `tests/run.py --on` does. The exit status."""
    for path in files:
        if not (ROOT / path).is_file():
            print(f"run: no test file {path}", file=sys.stderr)
            return 2
    passed, failed, skipped = run(board, files, lambda line: print(line, flush=True))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed + skipped else 0
