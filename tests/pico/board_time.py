"""One of our commands on the clock of an emulated board: `board_time.py CLOCK WORD…` is `jamliquor-lite WORD…`.

rp2040js is slower than a Pico, and how much slower depends on what else the machine does. A gateway whose clock runs as
the board's does has its deadlines as it would have them before a real one.
"""

import mmap
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jamliquor_lite.ports.cpython import clock  # noqa: E402


def follow(path: str) -> None:
    """From now on `clock.ticks_ms` is the time in the file, from whatever it was when this is called."""
    file = os.open(path, os.O_RDONLY)
    shown = mmap.mmap(file, 8, prot=mmap.PROT_READ)
    os.close(file)
    clock.ticks_ms = lambda: int.from_bytes(shown[:8], "little")


if __name__ == "__main__":
    follow(sys.argv[1])
    from jamliquor_lite.cli.main import main  # after that: some modules take the function itself

    sys.exit(main(sys.argv[2:]))
