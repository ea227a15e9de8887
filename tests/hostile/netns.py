"""Networks of this machine's own, made for a test: namespaces joined by veth pairs, gone when their process is.

    with Networks() as net:
        node, peers = net.add("node", "10.77.0.1/16"), net.add("peers", "10.77.1.1/16")
        node.popen([...])            runs there; ended with the networks
        node.counters()              the kernel's counters of its only interface, read from outside

A namespace has no name: it is held by a process that ends when its stdin closes, and this one holds the other end. So
nothing is left behind, whatever ends this process. All hang on one bridge in a namespace of its own.

Root may do that. Everybody else may where the system allows user namespaces: start the program by `command`.
"""

import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
from types import TracebackType

from tools.building import ToolError, install

INTERFACE = "eth0"
ETHERNET_BYTES = 14  # of each frame, which the counters hold and IP does not
_PACKAGES = ["iproute2", "nftables", "util-linux"]
_TOOLS = ("ip", "ss", "nft", "nsenter", "setpriv", "unshare")
_END_S = 20
# linux/ethtool.h and linux/sockios.h: what makes the kernel hand over several segments as one, which the counters of an
# interface would take for one frame with one header.
_SIOCETHTOOL = 0x8946
_OFFLOADS = (0x1F, 0x24, 0x2C)  # ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO


class NoNetworks(Exception):
    """There can be no namespaces here. One line."""


def command(program: "list[str]") -> "list[str]":
    """`program` where it may make networks: as it is for root, else in a user namespace. Root's Debian gets the tools
    that it lacks."""
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        try:
            install(_PACKAGES, ", ".join(missing))
        except ToolError as error:
            raise NoNetworks(f"no network namespaces: {error}") from None
    prefix = [] if os.geteuid() == 0 else ["unshare", "-Ur"]
    tried = subprocess.run([*prefix, "unshare", "--net", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        raise NoNetworks(f"network namespaces need root or user namespaces: {tried.stderr.strip() or 'not allowed'}")
    return [*prefix, *program]


class Counters:
    """What an interface has sent and received since it is there, in Ethernet frames."""

    def __init__(self, tx_bytes: int, tx_packets: int, rx_bytes: int, rx_packets: int) -> None:
        self.tx_bytes = tx_bytes
        self.tx_packets = tx_packets
        self.rx_bytes = rx_bytes
        self.rx_packets = rx_packets

    @property
    def tx_ip(self) -> int:
        """Bytes of IP sent."""
        return self.tx_bytes - ETHERNET_BYTES * self.tx_packets

    @property
    def rx_ip(self) -> int:
        """Bytes of IP received."""
        return self.rx_bytes - ETHERNET_BYTES * self.rx_packets


class Namespace:
    """One of them, with what runs in it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._processes: "list[subprocess.Popen[str]]" = []
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            start_new_session=True)
        assert self._holder.stdout is not None
        if not self._holder.stdout.readline():
            raise NoNetworks(f"no namespace for {name}")
        self.run("ip", "link", "set", "lo", "up")

    @property
    def pid(self) -> int:
        """The holder's."""
        return self._holder.pid

    def inside(self, words: "list[str]") -> "list[str]":
        """A command line that runs `words` there."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *words]

    def run(self, *words: str) -> str:
        """Run it to its end; what it printed. NoNetworks with its first line when it fails."""
        done = subprocess.run(self.inside(list(words)), capture_output=True, text=True, check=False)
        if done.returncode:
            first = (done.stderr.strip() or "failed").splitlines()[0]
            raise NoNetworks(f"{' '.join(words)}: {first}")
        return done.stdout

    def popen(self, words: "list[str]", **options: object) -> "subprocess.Popen[str]":
        """Start it there, in a session of its own. nsenter becomes the program, so that its pid is the program's."""
        options = {"stdin": subprocess.DEVNULL, **options}
        # Should this process be killed, what it started ends too.
        words = self.inside(["setpriv", "--pdeathsig", "TERM", *words])
        process = subprocess.Popen(words, text=True, start_new_session=True, **options)  # type: ignore[call-overload]
        self._processes.append(process)
        return process

    def counters(self) -> Counters:
        """Those of its interface."""
        with open(f"/proc/{self.pid}/net/dev") as file:
            for line in file:
                name, _, rest = line.partition(":")
                if name.strip() == INTERFACE:
                    words = [int(word) for word in rest.split()]
                    return Counters(words[8], words[9], words[0], words[1])
        raise NoNetworks(f"{self.name} has no {INTERFACE}")

    def one_frame_a_segment(self) -> None:
        """Send segments as a wire would carry them, so that each is counted with its own headers."""
        child = os.fork()
        if not child:
            # A thread cannot leave a namespace again without Python 3.12, a child need not.
            status = 1
            try:
                _enter(self.pid)
                _no_offloads()
                status = 0
            finally:
                os._exit(status)
        if os.waitpid(child, 0)[1]:
            raise NoNetworks(f"the offloads of {self.name} cannot be switched off")

    def end(self) -> None:
        """End what runs there, then the namespace."""
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        assert self._holder.stdin is not None and self._holder.stdout is not None
        self._holder.stdin.close()
        self._holder.stdout.close()
        self._holder.wait(_END_S)


class Networks:
    """A bridge and the namespaces that hang on it."""

    def __init__(self) -> None:
        self._all: "list[Namespace]" = []
        self.wire = self._new("wire")
        try:
            self.wire.run("ip", "link", "add", "bridge0", "type", "bridge")
            self.wire.run("ip", "link", "set", "bridge0", "up")
        except BaseException:
            self.end()
            raise

    def _new(self, name: str) -> Namespace:
        space = Namespace(name)
        self._all.append(space)
        return space

    def add(self, name: str, *addresses: str) -> Namespace:
        """A namespace with these addresses (each with its prefix's length) on its only interface."""
        space = self._new(name)
        port = f"port{len(self._all)}"
        self.wire.run("ip", "link", "add", port, "type", "veth", "peer", "name", INTERFACE, "netns", str(space.pid))
        self.wire.run("ip", "link", "set", port, "master", "bridge0")
        self.wire.run("ip", "link", "set", port, "up")
        space.one_frame_a_segment()
        for address in addresses:
            space.run("ip", "address", "add", address, "dev", INTERFACE)
        # Nothing but what the test sends: no neighbour discovery of IPv6 beside it.
        switch = f"/proc/sys/net/ipv6/conf/{INTERFACE}/disable_ipv6"
        space.run("sh", "-c", f"[ ! -e {switch} ] || echo 1 > {switch}")
        space.run("ip", "link", "set", INTERFACE, "up")
        return space

    def end(self) -> None:
        """End all processes by their ids, and the namespaces with them."""
        for space in reversed(self._all):
            space.end()
        self._all.clear()

    def __enter__(self) -> "Networks":
        return self

    def __exit__(self, kind: "type[BaseException] | None", error: "BaseException | None",
                 trace: "TracebackType | None") -> None:
        self.end()


def _enter(pid: int) -> None:
    import ctypes

    with open(f"/proc/{pid}/ns/net") as file:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(file.fileno(), 0):
            raise OSError(ctypes.get_errno(), "setns")


def _no_offloads() -> None:
    import ctypes

    value = (ctypes.c_uint32 * 2)()  # struct ethtool_value: the command and 0, which is off
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for number in _OFFLOADS:
            value[0] = number
            request = struct.pack("16sP", INTERFACE.encode(), ctypes.addressof(value))
            fcntl.ioctl(sock, _SIOCETHTOOL, request.ljust(40, b"\0"))  # struct ifreq
