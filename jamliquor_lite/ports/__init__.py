"""All that differs between the two runtimes, chosen once. `contract` says what each port must offer.

Use `from ..ports import clock` and the like; `board`, `flash`, `memory`, `store`, `peer_keys` and `tcp` are loaded
when they are first imported so. `link` is CPython only and is imported by its full name.
"""

import sys

if sys.implementation.name == "micropython":
    from .micropython import clock, crypto, entropy
else:
    from .cpython import clock, crypto, entropy

__all__ = ("clock", "crypto", "entropy")
