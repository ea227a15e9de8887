"""Native cryptography of this port. MicroPython's hashlib has neither BLAKE2b nor SHA-512, so there is the cipher only,
where the firmware has a native emitter or was frozen with machine code for its processor."""


def names(primitive: str, lean: bool = False) -> "tuple[str, ...]":
    """The natives this port knows for `primitive`, whether compiled in or not, in the order they are tried."""
    return ("viper",) if primitive == "aead" else ()


def native(primitive: str, order: "tuple[str, ...]" = ()) -> "tuple[object | None, str]":
    """(implementation, "") where this port has `primitive` natively, else (None, why not). `order` names those to
    try; without it, all that `names` gives."""
    if primitive != "aead":
        return None, "no native in this firmware"
    try:
        from . import aead_viper
    except (ImportError, SyntaxError, ValueError):  # left out, no emitter, or machine code for another processor
        return None, "no viper code in this firmware"
    return aead_viper, ""
