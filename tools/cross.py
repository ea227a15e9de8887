"""mpy-cross for what a firmware freezes, built on this machine when it is first needed. (MicroPython's own, which
tools/sources.py builds, is for what lies on a board's disk.)"""

import hashlib
import shutil
import subprocess
from pathlib import Path

from tools import sources
from tools.building import locked, make, new_folder, progress

# What a firmware freezes: a text of a frozen module is an object of 16 bytes and a place in a table beside its letters,
# unless it is a string of the pool, which takes 8 bytes. MicroPython does so with up to 10 letters, since strings of a
# module that is loaded from a disk go into the heap for good; those of a firmware do not. 255 is what the pool allows.
FROZEN_TEXT_BYTES = 250


def need_frozen_cross(cache: Path) -> Path:
    """The program. ToolError."""
    tree = sources.need("micropython", cache)
    compiler = subprocess.run(["gcc", "-v"], capture_output=True, text=True, check=False).stderr
    state = hashlib.sha256(f"{sources.SOURCES['micropython'].sha256} {FROZEN_TEXT_BYTES} {compiler}".encode())
    folder = cache / f"mpy-cross-{state.hexdigest()[:16]}"
    program = folder / "mpy-cross"
    with locked(cache / "mpy-cross.lock"):
        if program.exists():
            return program
        progress(f"building {folder.name}")
        with new_folder(cache) as work:
            flag = f"-DMICROPY_ALLOC_PARSE_INTERN_STRING_LEN={FROZEN_TEXT_BYTES}"
            words = [f"BUILD={work / 'build'}", "USER_C_MODULES=", f"CFLAGS_EXTRA={flag}"]
            make(tree / "mpy-cross", words, cache / "mpy-cross.log")
            shutil.copy(work / "build" / "mpy-cross", work / "mpy-cross")
            shutil.rmtree(work / "build")
            work.rename(folder)
    return program
