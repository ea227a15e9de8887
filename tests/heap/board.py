"""A 32-bit MicroPython with a capped heap, built when it is first needed, and the steps of measure.py on it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "micropython"
MANIFEST = Path(__file__).parent / "manifest.py"
WHOLE = Path(__file__).parent / "following_manifest.py"
FROZEN = ROOT / "firmware" / "manifest.py"  # of the same modules, with the names that tests import
_BUILD_S = 1_500
_STEP_S = 600  # a minute for the longest, on a machine with nothing else to do: a tenth of this


class NoBoard(Exception):
    """This machine cannot build or run 32-bit programs; the text says what is missing."""


class Ended:
    """A step that ran: its exit status, all it printed, and the figures among it (`name number` lines)."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.text = text
        self.figures: "dict[str, int]" = {}
        for line in text.splitlines():
            name, _, number = line.rpartition(" ")
            if name and number.lstrip("-").isdigit():
                self.figures[name] = int(number)


class Board:
    """The program, and how to start it."""

    def __init__(self, bits: int = 32, manifest: Path = MANIFEST, *options: str) -> None:
        command = [sys.executable, str(TOOL), "build", "--bits", str(bits), "--freeze", str(manifest), *options]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=_BUILD_S)
        if done.returncode == 2:
            raise NoBoard(done.stderr.strip().splitlines()[-1])
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        self.program = done.stdout.strip()

    def command(self, heap_bytes: int, *words: str) -> "list[str]":
        """The command line that runs `words` with a heap of so many bytes, its own tables included."""
        return [self.program, "-X", "heapsize=%d" % heap_bytes, *words]

    def step(self, heap_kb: int, *words: str) -> Ended:
        """Run one step of measure.py to its end."""
        return self.run(heap_kb * 1024, "-m", "measure", *words)

    def run(self, heap_bytes: int, *words: str) -> Ended:
        """Run any words to their end, in a folder without modules: what is there would be taken for the frozen one."""
        command = self.command(heap_bytes, *words)
        done = subprocess.run(
            command, cwd=Path(self.program).parent, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=_STEP_S,
        )
        return Ended(done.returncode, done.stdout)

    def least(self, *words: str, low_kb: int = 8, high_kb: int = 256, times: int = 3) -> int:
        """The least heap in KB with which the step ends well so many times in a row, found by halving."""
        while high_kb - low_kb > 1:
            middle = (low_kb + high_kb) // 2
            if all(self.step(middle, *words).status == 0 for _ in range(times)):
                high_kb = middle
            else:
                low_kb = middle
        return high_kb
