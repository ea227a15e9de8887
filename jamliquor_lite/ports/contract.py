"""What both ports must offer, by module. A test compares the twins with this list and with each other.

clock     ticks_ms() -> int, monotonic milliseconds; wall_seconds() -> Unix seconds or None
entropy   random_bytes(size) -> bytes
crypto    native(primitive) -> (implementation or None, why not); primitives are those of `crypto.suite`
store     SlotFile(path): name(slot), read(slot) -> bytes or None, write(slot, data), durable when it returns
"""

CONTRACT = {
    "clock": ("ticks_ms", "wall_seconds"),
    "entropy": ("random_bytes",),
    "crypto": ("native",),
    "store": ("SlotFile",),
}
