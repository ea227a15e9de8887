"""What our entry points leave out of Python's own library: 8 MB of a process that no command of ours uses."""

import importlib
import importlib.util
import sys

_OWN_HASHES = ("_md5", "_sha1", "_sha3", "_blake2")


def load_asyncio() -> None:
    """Import asyncio without ssl, which it would load for TLS over TCP, and hashlib without OpenSSL's hashes, where
    Python has its own.

    Only an entry point may decide that, and only for a process that has neither yet.
    """
    # Distributions may leave Python's own hashes out; hashlib would complain of each that is missing.
    sha2 = ("_sha2",) if sys.version_info >= (3, 12) else ("_sha256", "_sha512")
    if all(importlib.util.find_spec(name) for name in (*_OWN_HASHES, *sha2)):
        _import_without("hashlib", "_hashlib")
    _import_without("asyncio", "ssl")


def _import_without(name: str, unused: str) -> None:
    if name in sys.modules or unused in sys.modules:
        return
    sys.modules[unused] = None  # type: ignore[assignment]
    try:
        importlib.import_module(name)
    finally:
        del sys.modules[unused]
