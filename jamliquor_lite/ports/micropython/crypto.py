"""Native cryptography of this port: none yet. MicroPython's hashlib has neither BLAKE2b nor SHA-512."""


def native(primitive: str) -> "tuple[object | None, str]":
    """(implementation, "") where this port has `primitive` natively, else (None, why not)."""
    return None, "no native in this firmware"
