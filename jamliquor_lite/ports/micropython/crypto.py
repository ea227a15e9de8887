"""Native cryptography of this port: C where the firmware has our module, else what tools/natmod builds, where that lies
in the file system; machine code for the cipher, where the firmware has a native emitter or was frozen with some for its
processor. MicroPython's hashlib has neither BLAKE2b nor SHA-512."""

_IN_C = ("blake2b", "sha512", "ed25519", "vrf", "x25519", "aead", "mlkem768")
_IN_NATMOD = ("sha512", "vrf")


def names(primitive: str, lean: bool = False) -> "tuple[str, ...]":
    """The natives this port knows for `primitive`, whether compiled in or not, in the order they are tried."""
    if primitive == "aead":
        return ("c", "viper")
    if primitive in _IN_NATMOD:
        return ("c", "natmod")
    return ("c",) if primitive in _IN_C else ()


def native(primitive: str, order: "tuple[str, ...]" = ()) -> "tuple[object | None, str]":
    """(implementation, "") where this port has `primitive` natively, else (None, why not). `order` names those to
    try; without it, all that `names` gives."""
    why = ""
    for name in order or names(primitive):
        if name == "c":
            implementation, said = _c(primitive)
        elif name == "natmod":
            implementation, said = _natmod(primitive)
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


def _natmod(primitive: str) -> "tuple[object | None, str]":
    try:
        from . import crypto_natmod
    except (ImportError, ValueError):  # not there, or for another processor, or no native modules in this firmware
        return None, "no native module jamvrf"
    return crypto_natmod.NATIVES.get(primitive), "not in jamvrf"


def _viper() -> "tuple[object | None, str]":
    try:
        from . import aead_viper
    except (ImportError, SyntaxError, ValueError):  # left out, no emitter, or machine code for another processor
        return None, "no viper code in this firmware"
    return aead_viper, ""
