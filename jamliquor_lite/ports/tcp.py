"""TCP of the running port, for the node and the entry points only: it brings asyncio along."""

import sys

if sys.implementation.name == "micropython":
    from .micropython.tcp import CLOSED, CONNECTING, OPEN, TcpLink, TcpListener, dial, resolve
    from .micropython.waker import Waker
else:
    from .cpython.tcp import CLOSED, CONNECTING, OPEN, TcpLink, TcpListener, dial, resolve
    from .cpython.waker import Waker

__all__ = ("CLOSED", "CONNECTING", "OPEN", "TcpLink", "TcpListener", "Waker", "dial", "resolve")
