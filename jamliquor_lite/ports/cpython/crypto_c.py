"""The VRF in C of our own (firmware/cmodules/jamcrypto) as a shared library: for machines that no wheel is built for.

A wheel for such a machine brings the library along (tools/wheel.py makes it). Without one the system's C compiler (CC
in the environment, else `cc`) builds it once, when it is first asked for; it is kept in the user's cache folder under
a name that says what it was built from. The sources are those of the checkout, or what an installed package brought
along in `share/jamliquor-lite`. It verifies only, a few hundred microseconds each; signing is the pure twin's.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes
    from pathlib import Path
    from typing import Any

_FLAGS = ("-std=c99", "-O2", "-fPIC", "-shared")
_BUILD_S = 600  # two seconds on a PC; a minute under emulation
# What ctypes cannot know of the structures is asked of the library.
_SIZES = '#include "bandersnatch.h"\nconst uint32_t jc_sizes[2] = {sizeof(jc_vrf_key_t), sizeof(jc_vrf_check_t)};\n'


class Unbuilt(Exception):
    """There is no library, and why, in a few words."""


def _files() -> "list[Path]":
    from . import share

    return share.files("firmware/cmodules/jamcrypto", "jamcrypto")


def sources() -> "list[Path]":
    """The C files and headers, sorted by name. Unbuilt where this installation has none."""
    found = [
        path
        for path in _files()
        if path.suffix in (".c", ".h") and path.stem.startswith(("bandersnatch", "sha512"))
    ]
    if not found:
        raise Unbuilt("c has no sources in this installation")
    return sorted(found, key=lambda path: path.name)


def brought_name(files: "list[Path]", machine: str) -> str:
    """What the library of these sources is called that a wheel for `machine` (of os.uname) brings along."""
    import hashlib

    state = hashlib.sha256(_SIZES.encode())
    for path in files:
        state.update(path.name.encode() + b"\0" + path.read_bytes())
    return f"jamcrypto-{state.hexdigest()[:16]}-{machine}.so"


def library() -> "Path":
    """The shared library: brought along, or built when it is not there. Unbuilt when it cannot be."""
    import hashlib
    import shlex
    import struct
    import tempfile
    from pathlib import Path

    files = sources()
    name = brought_name(files, os.uname().machine)
    for path in _files():
        if path.name == name:
            return path
    compiler = shlex.split(os.environ.get("CC", "")) or ["cc"]
    state = hashlib.sha256(repr((compiler, _FLAGS, _SIZES, os.uname().machine, struct.calcsize("P"))).encode())
    try:
        for path in files:
            state.update(path.name.encode() + b"\0" + path.read_bytes())
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jamliquor-lite"
        target = cache / f"jamcrypto-{state.hexdigest()[:16]}.so"
        if not target.exists():
            cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="building-", dir=cache) as folder:
                build(compiler, files, Path(folder)).replace(target)
    except (OSError, RuntimeError) as error:  # Path.home() raises the latter
        raise Unbuilt(f"c cannot use the cache folder: {getattr(error, 'strerror', None) or error}")
    return target


def build(compiler: "list[str]", files: "list[Path]", folder: "Path", more: "tuple[str, ...]" = ()) -> "Path":
    """Compile all of them in one go, with `more` words for the linker; the library is in `folder`. Unbuilt."""
    import subprocess

    glue = folder / "sizes.c"
    glue.write_text(_SIZES)
    built = folder / "jamcrypto.so"
    sources = [str(path) for path in files if path.suffix == ".c"]
    command = [*compiler, *_FLAGS, f"-I{files[0].parent}", *sources, str(glue), "-o", str(built), *more]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_BUILD_S,
            check=False,
        )
    except FileNotFoundError:
        raise Unbuilt(f"c needs a C compiler, and there is no {compiler[0]}")
    except subprocess.TimeoutExpired:
        raise Unbuilt(f"c was not compiled within {_BUILD_S} s")
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "error" in line] or [f"status {done.returncode}"]
        raise Unbuilt(f"c does not compile ({said[0].strip()[:120]})")
    return built


class Check:
    """Additional data in pieces: `update(aux)`, then `finish()`."""

    __slots__ = ("_finish", "_state", "_update")

    def __init__(self, vrf: "Vrf", public: bytes, data: bytes, proof: bytes) -> None:
        self._update = vrf.update
        self._finish = vrf.finish
        self._state: "ctypes.Array[ctypes.c_char] | None" = vrf.start(public, data, proof)

    def update(self, aux: bytes | bytearray | memoryview) -> None:
        if self._state is not None:
            aux = bytes(aux)
            self._update(self._state, aux, len(aux))

    def finish(self) -> bytes | None:
        return None if self._state is None else self._finish(self._state)


class Vrf:
    """Verification. The last key is kept decoded: a header has two proofs by one key."""

    label = "c"
    trusts_key = False

    def __init__(self) -> None:
        import ctypes

        # PyDLL keeps the interpreter's lock during a call, so the one key is never used and replaced at once.
        functions = ctypes.PyDLL(str(library()))
        pointer, number, size = ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t

        def declare(name: str, result: "Any", *arguments: "Any") -> "Any":
            function = getattr(functions, name)
            function.restype = result
            function.argtypes = arguments
            return function

        key_bytes, self._check_bytes = (ctypes.c_uint32 * 2).in_dll(functions, "jc_sizes")
        self._buffer = ctypes.create_string_buffer
        self._key = self._buffer(key_bytes)
        self._of = b""  # whose key that is
        self._decode = declare("jc_vrf_key", number, pointer, pointer)
        self._verify = declare("jc_vrf_verify", number, pointer, pointer, size, pointer, size, pointer, pointer)
        self._start = declare("jc_vrf_check_start", number, pointer, pointer, pointer, size, pointer)
        self.update = declare("jc_vrf_check_update", None, pointer, pointer, size)
        self._end = declare("jc_vrf_check_finish", number, pointer, pointer)

    def verify(self, public: bytes, data: bytes, aux: bytes, proof: bytes) -> bytes | None:
        if len(proof) != 96 or not self._load(public):
            return None
        output = self._buffer(32)
        refused = self._verify(self._key, data, len(data), aux, len(aux), proof, output)
        return None if refused else output.raw

    def Check(self, public: bytes, data: bytes, proof: bytes) -> Check:
        return Check(self, public, data, proof)

    def start(self, public: bytes, data: bytes, proof: bytes) -> "ctypes.Array[ctypes.c_char] | None":
        """The state of a check that `update` and `finish` go on with, None for a proof that is refused already."""
        if len(proof) != 96 or not self._load(public):
            return None
        state = self._buffer(self._check_bytes)
        return None if self._start(state, self._key, data, len(data), proof) else state

    def finish(self, state: "ctypes.Array[ctypes.c_char]") -> bytes | None:
        output = self._buffer(32)
        return None if self._end(state, output) else output.raw

    def _load(self, public: bytes) -> bool:
        if public == self._of:
            return True
        self._of = b""
        if len(public) != 32 or self._decode(self._key, public):
            return False
        self._of = public
        return True
