"""Native cryptography of this port: C where the firmware has our module, else machine code for the cipher, where it has
a native emitter or was frozen with some for its processor. MicroPython's hashlib has neither BLAKE2b nor SHA-512."""

_IN_C = ("blake2b", "sha512", "ed25519", "vrf", "x25519", "aead", "mlkem768")


def names(primitive: str, lean: bool = False) -> "tuple[str, ...]":
    """The natives this port knows for `primitive`, whether compiled in or not, in the order they are tried."""
    if primitive == "aead":
        return ("c", "viper")
    return ("c",) if primitive in _IN_C else ()


def native(primitive: str, order: "tuple[str, ...]" = ()) -> "tuple[object | None, str]":
    """(implementation, "") where this port has `primitive` natively, else (None, why not). `order` names those to
    try; without it, all that `names` gives."""
    why = ""
    for name in order or names(primitive):
        if name == "c":
            implementation, said = _c(primitive)
        else:
            implementation, said = _viper()
        if implementation is not None:
            return implementation, ""
        why = why + ", " + said if why else said
    return None, why or "no native in this firmware"


def _c(primitive: str) -> "tuple[object | None, str]":
    try:
        from . import crypto_c
    except ImportError:
        return None, "no C in this firmware"
    return crypto_c.NATIVES.get(primitive), "not in this firmware's C"


def _viper() -> "tuple[object | None, str]":
    try:
        from . import aead_viper
    except (ImportError, SyntaxError, ValueError):  # left out, no emitter, or machine code for another processor
        return None, "no viper code in this firmware"
    return aead_viper, ""
