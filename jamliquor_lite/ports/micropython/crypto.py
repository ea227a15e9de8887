"""Native cryptography of this port: none yet. MicroPython's hashlib has neither BLAKE2b nor SHA-512."""


def names(primitive: str, lean: bool = False) -> "tuple[str, ...]":
    """The natives this port knows for `primitive`, whether compiled in or not, in the order they are tried."""
    return ()


def native(primitive: str, order: "tuple[str, ...]" = ()) -> "tuple[object | None, str]":
    """(implementation, "") where this port has `primitive` natively, else (None, why not). `order` names those to
    try; without it, all that `names` gives."""
    return None, "no native in this firmware"
