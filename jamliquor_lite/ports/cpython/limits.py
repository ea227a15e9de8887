"""The hard stop beneath the node's own memory budget: the system refuses what the process asks for above it.

RLIMIT_RSS does nothing in Linux. RLIMIT_DATA counts what is private and writable, touched or not: together with what
is resident of files (the interpreter and its libraries) it bounds what is resident of the process.
"""

import resource
import sys
import threading

from ...const import const
from ...errors import LocalError

# A thread's stack counts, all 8 MiB of it; a name is looked up in as many threads as there are processors and 4 more.
_STACK_BYTES = const(512 * 1024)
_KIB = const(1024)
_FALSE_ALARM = "deallocated bytearray object has exported buffers"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType


def limit_memory(memory_bytes: int) -> int:
    """Have the process take at most `memory_bytes` from here on, with what it has already. Children inherit it.

    What remains for data, in bytes. LocalError where less is left than is in use already.
    """
    resident_files, data = _in_use()
    limit = memory_bytes - resident_files
    if limit <= data:
        raise LocalError("%d bytes of memory are allowed, and %d are in use before the node is made" % (
            memory_bytes, resident_files + data), 2)
    threading.stack_size(_STACK_BYTES)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    sys.excepthook = _show
    return limit - data


def _show(kind: "type[BaseException]", error: BaseException, trace: "TracebackType | None") -> None:
    # Where memory ends while a bytearray is sliced, repeated or joined, CPython (PyByteArray_FromStringAndSize) frees
    # the half-made one, reads what lay in its place before as a count of buffers, and prints this beside the
    # MemoryError, if that was no 0. Nobody raised it, and nothing is wrong.
    if not (kind is SystemError and str(error) == _FALSE_ALARM):
        sys.__excepthook__(kind, error, trace)


def _in_use() -> "tuple[int, int]":
    """(bytes resident of files, bytes of data)."""
    found = {"RssFile": 0, "VmData": 0}
    with open("/proc/self/status") as status:
        for line in status:
            name, _, value = line.partition(":")
            if name in found:
                found[name] = int(value.split()[0]) * _KIB
    return found["RssFile"], found["VmData"]
