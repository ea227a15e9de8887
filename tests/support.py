"""What portable tests share. Runs on CPython (under pytest or run.py) and on MicroPython.

A portable test file has the line `# portable: runs on CPython and MicroPython`, holds plain functions named
`test_…` that take no arguments, and imports nothing that MicroPython lacks; so it says `raises(…)` from here
instead of `pytest.raises`, and loops over its table instead of `parametrize`.
"""

import binascii
import os
import sys


class Skip(Exception):
    """Raised by `skip` where pytest is not running the test. `tests/run.py` counts it."""


def skip(reason: str) -> None:
    """End the running test (or, at import, its whole file) as skipped. Never returns."""
    pytest = sys.modules.get("pytest")
    if pytest is not None:
        pytest.skip(reason, allow_module_level=True)
    raise Skip(reason)


def _root() -> str:
    """The checkout's folder. MicroPython's `__file__` may be relative to where it was started."""
    parts = __file__.replace("\\", "/").split("/")[:-2]
    if not parts:
        return "."
    return "/".join(parts) or "/"


ROOT = _root()


def exists(path: str) -> bool:
    """Whether there is a file or folder at `path`."""
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def vectors(name: str) -> str:
    """The path of a vector file or folder, which lies beside the checkout. Skips where it does not."""
    path = ROOT + "/../shared/vectors/" + name
    if not exists(path):
        skip("no vectors beside the checkout: " + name)
    return path


def read(path: str) -> bytes:
    """The whole file."""
    with open(path, "rb") as file:
        return file.read()


def unhex(text: str) -> bytes:
    """The bytes that hex digits name; blanks and a leading 0x are ignored."""
    text = "".join(text.split())
    if text.startswith("0x"):
        text = text[2:]
    return binascii.unhexlify(text)


def tohex(data: "bytes | bytearray | memoryview") -> str:
    """Lower-case hex digits of `data`."""
    return binascii.hexlify(bytes(data)).decode()


def raises(kind, call, *args):  # type: ignore[no-untyped-def]
    """Call `call(*args)` and return the exception of type `kind` that it must raise."""
    try:
        result = call(*args)
    except kind as error:
        return error
    raise AssertionError("expected " + kind.__name__ + ", got the result " + repr(result)[:200])
