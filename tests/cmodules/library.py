"""The plain C parts of firmware/cmodules/jamcrypto as a shared library of this machine, with bytes in and bytes out."""

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

from tools import sources
from tools.building import ToolError, cache_folder, call, install

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "firmware" / "cmodules" / "jamcrypto"
PARTS = ("aead", "ed25519", "keccak", "mlkem768", "monocypher_unit", "pqclean_verify_unit", "sha512", "wipe", "x25519")
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wno-sign-conversion", "-Werror"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
# Set by test_sanitized.py for the tests that it starts with the sanitizers' runtime loaded.
SANITIZED = "CMODULES_SANITIZED"
COMPILE_S = 300


def need_compiler(*packages: str) -> None:
    """gcc, or a ToolError; as root the packages are installed."""
    if not shutil.which("gcc"):
        install(["gcc", "libc6-dev", *packages], "a C compiler")


def folders() -> "list[str]":
    """Where the compiler finds ours and the others' sources."""
    cache = cache_folder()
    pqclean = sources.need("pqclean", cache)
    others = (sources.need("monocypher", cache), pqclean / "crypto_kem" / "ml-kem-768" / "clean", pqclean / "common")
    return [f"-I{MODULE}", *[word for folder in others for word in ("-isystem", str(folder))]]


def compile_parts(folder: Path, flags: "list[str]") -> "list[str]":
    """The object files of all parts, made in `folder`."""
    objects = []
    for name in PARTS:
        objects.append(str(folder / f"{name}.o"))
        command = ["gcc", "-std=c99", "-g", *WARNINGS, *flags, *folders(), "-c", str(MODULE / f"{name}.c")]
        call([*command, "-o", objects[-1]], f"compiling {name}.c", COMPILE_S)
    return objects


class Library:
    """What the C code answers. Outputs are of exactly their size, so that a sanitizer sees the first byte beyond."""

    def __init__(self, folder: Path) -> None:
        need_compiler()
        flags = SANITIZERS if os.environ.get(SANITIZED) else []
        objects = compile_parts(folder, ["-Os", "-fPIC", *flags])
        path = folder / "jamcrypto.so"
        call(["gcc", "-shared", *flags, *objects, "-o", str(path)], "linking", COMPILE_S)
        self.path = path
        self._c = ctypes.CDLL(str(path))
        self._size = ctypes.c_size_t

    def blake2b(self, data: bytes) -> bytes:
        out = _room(32)
        self._c.crypto_blake2b(out, self._size(32), _lent(data), self._size(len(data)))
        return out.raw

    def blake2b_pieces(self, pieces: "list[bytes]") -> bytes:
        # hash, offset, input, index, size; see monocypher.h.
        state, out = _room(8 * 8 + 2 * 8 + 16 * 8 + 16), _room(32)
        self._c.crypto_blake2b_init(state, self._size(32))
        for piece in pieces:
            self._c.crypto_blake2b_update(state, _lent(piece), self._size(len(piece)))
        self._c.crypto_blake2b_final(state, out)
        return out.raw

    def x25519_public(self, secret: bytes) -> bytes:
        out = _room(32)
        self._c.jc_x25519_public(out, _lent(secret))
        return out.raw

    def x25519(self, secret: bytes, public: bytes) -> bytes:
        out = _room(32)
        self._c.jc_x25519(out, _lent(secret), _lent(public))
        return out.raw

    def ed25519_public(self, seed: bytes) -> bytes:
        out = _room(32)
        self._c.jc_ed25519_public(out, _lent(seed))
        return out.raw

    def ed25519_sign(self, seed: bytes, message: bytes, public: bytes = b"") -> bytes:
        out = _room(64)
        given = _lent(public) if public else None
        self._c.jc_ed25519_sign(out, _lent(seed), given, _lent(message), self._size(len(message)))
        return out.raw

    def ed25519_verify(self, public: bytes, signature: bytes, message: bytes) -> bool:
        answer = self._c.jc_ed25519_verify(_lent(public), _lent(signature), _lent(message), self._size(len(message)))
        assert answer in (0, -1)
        return answer == 0

    def seal(self, key: bytes, nonce: bytes, ad: bytes, text: bytes) -> bytes:
        out = _room(len(text) + 16)
        self._c.jc_aead_seal(
            out, _lent(key), _lent(nonce), _lent(ad), self._size(len(ad)), _lent(text), self._size(len(text))
        )
        return out.raw

    def seal_in_place(self, key: bytes, nonce: bytes, ad: bytes, text: bytes) -> bytes:
        out = _lent(text + bytes(16))
        self._c.jc_aead_seal(out, _lent(key), _lent(nonce), _lent(ad), self._size(len(ad)), out, self._size(len(text)))
        return out.raw

    def open(self, key: bytes, nonce: bytes, ad: bytes, sealed: bytes) -> "bytes | None":
        size = len(sealed) - 16
        out = _lent(b"\xaa" * size)
        wrong = self._c.jc_aead_open(
            out, _lent(key), _lent(nonce), _lent(ad), self._size(len(ad)), _lent(sealed), self._size(size)
        )
        if wrong:
            assert wrong == -1 and out.raw == b"\xaa" * size, "what is not authentic was written"
            return None
        return out.raw

    def open_in_place(self, key: bytes, nonce: bytes, ad: bytes, sealed: bytes) -> "bytes | None":
        buffer = _lent(sealed)
        size = len(sealed) - 16
        wrong = self._c.jc_aead_open(
            buffer, _lent(key), _lent(nonce), _lent(ad), self._size(len(ad)), buffer, self._size(size)
        )
        return None if wrong else buffer.raw[:size]

    def mlkem_keypair(self, seed: bytes) -> "tuple[bytes, bytes]":
        public, secret = _room(1184), _room(2400)
        self._c.jc_mlkem768_keypair(public, secret, _lent(seed))
        return public.raw, secret.raw

    def mlkem_encapsulate(self, public: bytes, entropy: bytes) -> "tuple[bytes, bytes] | None":
        ciphertext, shared = _room(1088), _room(32)
        answer = self._c.jc_mlkem768_encapsulate(ciphertext, shared, _lent(public), _lent(entropy))
        if answer:
            assert answer == -1 and not any(ciphertext.raw) and not any(shared.raw)
            return None
        return ciphertext.raw, shared.raw

    def mlkem_decapsulate(self, secret: bytes, ciphertext: bytes) -> bytes:
        shared = _room(32)
        self._c.jc_mlkem768_decapsulate(shared, _lent(secret), _lent(ciphertext))
        return shared.raw

    def keccak(self, size: int, rate: int, suffix: int, data: bytes, more: bytes) -> bytes:
        out = _room(size)
        self._c.jc_keccak(
            out, self._size(size), self._size(rate), ctypes.c_uint8(suffix), _lent(data), self._size(len(data)),
            _lent(more), self._size(len(more)),
        )
        return out.raw


def _room(size: int) -> "ctypes.Array[ctypes.c_char]":
    return ctypes.create_string_buffer(size)


def _lent(data: bytes) -> "ctypes.Array[ctypes.c_char]":
    """A copy without the zero that Python puts behind its bytes, and which would hide reading too far."""
    return ctypes.create_string_buffer(data, len(data))


def sanitizer_runtime() -> str:
    """The library that has to be loaded before all others. ToolError where the compiler has none."""
    need_compiler()
    found = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=False)
    path = found.stdout.strip()
    if not os.path.isabs(path):
        raise ToolError("the C compiler has no sanitizers", 2)
    return path
