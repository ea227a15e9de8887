"""Proves that a call takes nothing of the heap: MicroPython refuses it anything. Runs on CPython and MicroPython."""

from jamliquor_lite.crypto.suite import backends
from tests.support import skip


def need_c(*primitives):
    """Skip where the heap cannot be locked, and where these are not in C: the pure twins compute in big integers."""
    try:
        from micropython import heap_lock  # noqa: F401
    except ImportError:
        skip("CPython has no heap_lock")
    for name in primitives:
        if backends()[name] != "c":
            skip("%s is not in C" % name)


def locked(call):
    """What `call()` returns, while nothing can be allocated: a MemoryError says that something was to be.

    The frame of a call with many locals lies on the heap where there is one, and on the stack where not: it does not
    count, for it is given back when the call returns and nothing has to be collected.
    """
    from micropython import heap_lock, heap_unlock

    heap_lock()
    try:
        return call()
    finally:
        heap_unlock()
