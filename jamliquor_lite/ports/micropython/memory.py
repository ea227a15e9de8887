"""Bytes from one buffer to another, and where they are alike, without the heap: in C where the firmware has it, for
slices are objects."""

try:
    import jamcrypto as _by
except ImportError:
    from . import memory_plain as _by

copy = _by.copy
find = _by.find
same = _by.same
