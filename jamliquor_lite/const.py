"""`const`, spelled so that one source serves both interpreters."""


def const(value: int) -> int:
    """Return `value`. MicroPython's compiler folds the call away by its name; CPython pays for it once."""
    return value
