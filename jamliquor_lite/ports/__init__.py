"""All that differs between the two runtimes, chosen once. `contract` says what each port must offer.

Use `from ..ports import clock` and the like. `link` is CPython only and is imported by its full name.
"""

import sys

if sys.implementation.name == "micropython":
    from .micropython import clock, crypto, entropy, peer_keys, store
else:
    from .cpython import clock, crypto, entropy, peer_keys, store

__all__ = ("clock", "crypto", "entropy", "peer_keys", "store")
