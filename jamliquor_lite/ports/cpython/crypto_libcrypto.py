"""ML-KEM-768 of the system's OpenSSL, 3.5 or newer, through ctypes: for machines that no wheel is built for.

The environment variable JAMLIQUOR_LIBCRYPTO names another shared library than the system's.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LIBRARY = "libcrypto.so.3"
_ALGORITHM = b"ML-KEM-768"
_KEYPAIR = 0x87  # EVP_PKEY_KEYPAIR: parameters, public and private part
_OCTETS = 5  # OSSL_PARAM_OCTET_STRING
_PUBLIC = 1184
_CIPHERTEXT = 1088
_SHARED = 32


class _Secret:
    """An EVP_PKEY that is freed with this object."""

    __slots__ = ("_free", "pointer")

    def __init__(self, pointer: "Any", free: "Any") -> None:
        self.pointer = pointer
        self._free = free

    def __del__(self) -> None:
        self._free(self.pointer)


class MlKem768:
    """ML-KEM-768 with the seed and the entropy given to it. `path` is the shared library to take."""

    label = "libcrypto"
    takes_seed = True
    takes_entropy = True

    def __init__(self, path: str = "") -> None:
        import ctypes

        library = ctypes.CDLL(path or os.environ.get("JAMLIQUOR_LIBCRYPTO") or _LIBRARY)
        pointer, number = ctypes.c_void_p, ctypes.c_int
        size, text = ctypes.c_size_t, ctypes.c_char_p
        address = ctypes.POINTER(ctypes.c_size_t)

        class Parameter(ctypes.Structure):
            """OSSL_PARAM."""

            _fields_ = (("key", text), ("kind", ctypes.c_uint), ("data", pointer), ("size", size), ("returned", size))

        def declare(name: str, result: "Any", *arguments: "Any") -> "Any":
            function = getattr(library, name)
            function.restype = result
            function.argtypes = arguments
            return function

        self._ctypes = ctypes
        self._parameter = Parameter
        self._forget_errors = declare("ERR_clear_error", None)
        self._free_key = declare("EVP_PKEY_free", None, pointer)
        self._free_context = declare("EVP_PKEY_CTX_free", None, pointer)
        self._context_by_name = declare("EVP_PKEY_CTX_new_from_name", pointer, pointer, text, text)
        self._context_of_key = declare("EVP_PKEY_CTX_new_from_pkey", pointer, pointer, pointer, text)
        self._begin_import = declare("EVP_PKEY_fromdata_init", number, pointer)
        self._import = declare("EVP_PKEY_fromdata", number, pointer, pointer, number, pointer)
        self._import_public = declare("EVP_PKEY_new_raw_public_key_ex", pointer, pointer, text, text, text, size)
        self._export_public = declare("EVP_PKEY_get_raw_public_key", number, pointer, pointer, address)
        self._begin_encapsulation = declare("EVP_PKEY_encapsulate_init", number, pointer, pointer)
        self._encapsulate = declare("EVP_PKEY_encapsulate", number, pointer, pointer, address, pointer, address)
        self._begin_decapsulation = declare("EVP_PKEY_decapsulate_init", number, pointer, pointer)
        self._decapsulate = declare("EVP_PKEY_decapsulate", number, pointer, pointer, address, text, size)
        if self._key_of_seed(bytes(64)) is None:  # an OpenSSL 3 before 3.5 has these functions, but no such algorithm
            raise AttributeError(_ALGORITHM.decode())

    def keypair(self, seed: bytes) -> tuple[bytes, _Secret]:
        secret = self._key_of_seed(seed)
        if secret is None:
            raise OSError("libcrypto makes no ML-KEM key")
        out = self._ctypes.create_string_buffer(_PUBLIC)
        if self._export_public(secret.pointer, out, self._length(_PUBLIC)) != 1:
            raise OSError("libcrypto gives no ML-KEM public key")
        return out.raw, secret

    def encapsulate(self, public: bytes, entropy: bytes) -> tuple[bytes, bytes] | None:
        pointer = self._import_public(None, _ALGORITHM, None, public, len(public))
        if not pointer:
            self._forget_errors()
            return None
        key = _Secret(pointer, self._free_key)
        ciphertext = self._ctypes.create_string_buffer(_CIPHERTEXT)
        shared = self._ctypes.create_string_buffer(_SHARED)
        context = self._context_of_key(None, key.pointer, None)
        try:
            if (
                self._begin_encapsulation(context, self._parameters(b"ikme", entropy)) != 1
                or self._encapsulate(context, ciphertext, self._length(_CIPHERTEXT), shared, self._length(_SHARED)) != 1
            ):
                self._forget_errors()
                raise OSError("libcrypto does not encapsulate")
        finally:
            self._free_context(context)
        return ciphertext.raw, shared.raw

    def decapsulate(self, secret: _Secret, ciphertext: bytes) -> bytes:
        shared = self._ctypes.create_string_buffer(_SHARED)
        context = self._context_of_key(None, secret.pointer, None)
        try:
            if (
                self._begin_decapsulation(context, None) != 1
                or self._decapsulate(context, shared, self._length(_SHARED), ciphertext, len(ciphertext)) != 1
            ):
                self._forget_errors()
                raise OSError("libcrypto does not decapsulate")
        finally:
            self._free_context(context)
        return shared.raw

    def _key_of_seed(self, seed: bytes) -> _Secret | None:
        context = self._context_by_name(None, _ALGORITHM, None)
        if not context:
            self._forget_errors()
            return None
        key = self._ctypes.c_void_p()
        try:
            if (
                self._begin_import(context) != 1
                or self._import(context, self._ctypes.byref(key), _KEYPAIR, self._parameters(b"seed", seed)) != 1
            ):
                self._forget_errors()
                return None
        finally:
            self._free_context(context)
        return _Secret(key, self._free_key)

    def _parameters(self, name: bytes, data: bytes) -> "Any":
        """An OSSL_PARAM array of one octet string and the end."""
        where = self._ctypes.cast(self._ctypes.c_char_p(data), self._ctypes.c_void_p)
        array = (self._parameter * 2)()
        array[0] = self._parameter(name, _OCTETS, where, len(data), self._ctypes.c_size_t(-1).value)
        return array

    def _length(self, size: int) -> "Any":
        return self._ctypes.byref(self._ctypes.c_size_t(size))
