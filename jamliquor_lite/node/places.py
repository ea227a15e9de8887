"""Where links come from and go to: TCP, and serial lines, which stand in for it where there is no network.

A place is (host, port). For TCP they are a numeric address and a port; the host of a serial line is `/serial/` and the
name of its port, with `@` and the speed where it is not 115200 baud, and the port is 0.
"""

from ..const import const
from ..ports.tcp import TcpListener, dial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    from ..budget.profile import Profile
    from ..ports.tcp import TcpLink, Waker
    from .serial_port import SerialPeer, SerialPort

    Link = Union[TcpLink, SerialPeer]
    Listener = Union[TcpListener, SerialPort]

SERIAL = "/serial/"
_STRANGER_BYTES = const(16 * 1024)  # what the system holds of one that has not proved who it is, where there is a bound


class Places:
    """What one carrier dials and listens on. A line stays open from its first use until `close`."""

    def __init__(self, waker: "Waker", profile: "Profile") -> None:
        self._waker = waker
        self._profile = profile
        self._lines: "dict[str, SerialPort]" = {}

    def dial(self, host: str, port: int) -> "Link":
        """Begin a connection. LocalError when there is nothing to begin it on."""
        if host.startswith(SERIAL):
            return self._line(host).dial()
        return dial(self._waker, host, port, self._profile.socket_receive_bytes, self._profile.socket_send_bytes)

    def listen(self, host: str, port: int) -> "Listener":
        """Take connections there. LocalError when it cannot be had."""
        if host.startswith(SERIAL):
            line = self._line(host)
            line.listen()
            return line
        profile = self._profile
        receive_bytes = min(profile.socket_receive_bytes, _STRANGER_BYTES)
        return TcpListener(self._waker, host, port, receive_bytes, profile.socket_send_bytes)

    def close(self) -> None:
        """Give the lines back."""
        for line in self._lines.values():
            line.end()
        self._lines = {}

    def _line(self, host: str) -> "SerialPort":
        from .serial_port import SerialPort  # few hosts have one

        if host not in self._lines:
            self._lines[host] = SerialPort(self._waker, host)
        return self._lines[host]


def text(host: str, port: int) -> str:
    """A place as a multiaddr."""
    if host.startswith(SERIAL):
        from ..p2p import multiaddr

        return multiaddr.serial(host[len(SERIAL) :]).text
    return "/%s/%s/tcp/%d" % ("ip6" if ":" in host else "ip4", host, port)
