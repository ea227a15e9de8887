"""What MicroPython runs once USB is up: a program from the file system where somebody put one, else the node."""

import gc
import os


def _is_on_disk() -> bool:
    """Whether the file system has a `main` of its own."""
    return "main.py" in os.listdir("/") or "main.mpy" in os.listdir("/")


gc.collect()
if _is_on_disk():
    import main  # noqa: F401
else:
    import _node  # noqa: F401
