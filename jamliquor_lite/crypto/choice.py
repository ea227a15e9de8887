"""Who computes each primitive: a native of the port, or the pure twin in this package.

Natives are taken in the port's order, the first that loads, when a primitive is first needed: one may be megabytes
to load. `select` names one for good, `lean` prefers the small ones, `use` is for tests and benchmarks.
"""

from ..errors import LocalError
from ..ports import crypto as port

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

PRIMITIVES = ("blake2b", "sha512", "ed25519", "vrf", "x25519", "aead", "keccak", "mlkem768")

# Loaded by the first handshake that negotiates ML-KEM, and never by a host that only meets classical peers; Keccak
# never where ML-KEM is a native.
LAZY = ("keccak", "mlkem768")

# What only a pure twin calls, ML-KEM's: a firmware that leaves the twins out does not miss it.
_FOR_TWINS = ("keccak",)

_chosen: "dict[str, Any]" = {}
_notes: "dict[str, str]" = {}
_orders: "dict[str, tuple[str, ...]]" = {}


def get(primitive: str) -> "Any":
    """What serves `primitive`, chosen when it is first needed. A lazy native is checked before it serves. LocalError
    in a firmware that has neither a native nor the pure twin."""
    implementation = _chosen.get(primitive)
    if implementation is None:
        implementation, why = port.native(primitive, _orders.get(primitive, ()))
        if implementation is None:
            try:
                implementation = pure(primitive)
            except ImportError:
                raise LocalError(f"crypto: no {primitive}: {why}, and no pure twin either")
            _notes[primitive] = why
        _chosen[primitive] = implementation
        if primitive in LAZY and implementation.label != "pure":
            _check(primitive)
    return _chosen[primitive]


def pure(primitive: str) -> "Any":
    """The pure twin of `primitive`."""
    if primitive == "blake2b":
        from . import blake2b as twin
    elif primitive == "sha512":
        from . import sha512 as twin  # type: ignore[no-redef]
    elif primitive == "ed25519":
        from . import ed25519 as twin  # type: ignore[no-redef]
    elif primitive == "vrf":
        from . import vrf as twin  # type: ignore[no-redef]
    elif primitive == "x25519":
        from . import x25519 as twin  # type: ignore[no-redef]
    elif primitive == "aead":
        from . import chacha20poly1305 as twin  # type: ignore[no-redef]
    elif primitive == "keccak":
        from . import keccak as twin  # type: ignore[no-redef]
    else:
        from . import mlkem768 as twin  # type: ignore[no-redef]
    return twin


def named(primitive: str, name: str) -> "Any":
    """The implementation of that name, in any case: `pure`, `native` for the best native, or a library's.

    LocalError with exit code 2 where there is none; it names those that load here.
    """
    if primitive not in PRIMITIVES:
        raise LocalError(f"crypto: no primitive {primitive}; there are {', '.join(PRIMITIVES)}", 2)
    if name.lower() == "pure":
        return pure(primitive)
    known = port.names(primitive)
    if name == "native":
        implementation, why = port.native(primitive)
    else:
        wanted = [one for one in known if one.lower() == name.lower()]
        implementation, why = port.native(primitive, (wanted[0],)) if wanted else (None, "no such library is known")
    if implementation is None:
        here = [one for one in known if port.native(primitive, (one,))[0] is not None] + ["pure"]
        raise LocalError(f"crypto: no {name} {primitive}: {why}; there are {', '.join(here)}", 2)
    return implementation


def select(primitive: str, name: str) -> None:
    """Let the implementation of that name serve `primitive` from now on. LocalError (2) as `named` raises it, and
    for a native that fails its known answer: who names a library does not want another. Keys that are in use stay
    with who made them, so this is for the start."""
    from . import known_answers

    implementation = named(primitive, name)
    if not known_answers.check(primitive, implementation):
        raise LocalError(f"crypto: {implementation.label} gives a wrong {primitive} answer", 2)
    _chosen[primitive] = implementation
    _notes.pop(primitive, None)


def lean() -> None:
    """Prefer the libraries that take the least memory over the fastest. Loads nothing; what is chosen already and
    is not the port's lean choice is chosen again when it is next needed. For the start."""
    for primitive in PRIMITIVES:
        order = port.names(primitive, True)
        if order != port.names(primitive):
            _orders[primitive] = order
            _chosen.pop(primitive, None)
            _notes.pop(primitive, None)


def backends() -> "dict[str, str]":
    """Who computes each primitive, for people: `pure`, or a native's name, with a note where one was passed over;
    a lazy one that nothing has needed yet is not loaded to be shown."""
    shown = {}
    for primitive in PRIMITIVES:
        if primitive in LAZY and primitive not in _chosen:
            shown[primitive] = "not loaded yet"
            continue
        label = get(primitive).label
        note = _notes.get(primitive, "")
        shown[primitive] = f"{label} ({note})" if note else label
    return shown


def self_test(whole: bool = False) -> None:
    """Check a known answer of every primitive, once at start. A native that fails its own is dropped for the pure
    twin, and `backends` says so; LocalError when even the pure one is wrong, for then nothing here can be believed.
    Lazy ones are loaded and checked here only when `whole`, else before they first serve."""
    from . import known_answers

    if not known_answers.check_hkdf():
        raise LocalError("crypto: HMAC-SHA-256 gives a wrong answer; this machine computes wrongly")
    for primitive in PRIMITIVES:
        if whole or primitive not in LAZY or primitive in _chosen:
            try:
                get(primitive)
            except LocalError:
                if primitive in _FOR_TWINS:
                    continue
                raise
            _check(primitive)


class use:
    """`with use(primitive, name):` serves the primitive by the implementation that `named` finds; what served before
    comes back at the end. For tests and benchmarks."""

    def __init__(self, primitive: str, which: str) -> None:
        implementation = named(primitive, which)
        self._primitive = primitive
        self._before = _chosen.get(primitive)
        _chosen[primitive] = implementation

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: "type[BaseException] | None", value: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        if self._before is None:
            _chosen.pop(self._primitive)
        else:
            _chosen[self._primitive] = self._before


def _check(primitive: str) -> None:
    """Drop the chosen implementation for the pure twin when its known answer is wrong."""
    from . import known_answers

    implementation = _chosen[primitive]
    if known_answers.check(primitive, implementation):
        return
    try:
        twin = pure(primitive)
    except ImportError:  # a firmware without twins
        twin = implementation
    if implementation is twin or not known_answers.check(primitive, twin):
        raise LocalError(f"crypto: {primitive} ({twin.label}) gives a wrong answer; this machine computes wrongly")
    _chosen[primitive] = twin
    _notes[primitive] = f"{implementation.label} gives a wrong answer"
