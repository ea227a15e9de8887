"""A stranger on JAM's own network: begins QUIC handshakes and goes on with none."""

import random
import socket
import ssl
import time

from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection

from tests.hostile.stranger import Stranger

_DATAGRAM = 2_048
_PAUSE_S = (0.05, 0.3)


class QuicHello(Stranger):
    """Says a true ClientHello from a new port each time, so that the node does its half of TLS, and leaves the answer.
    """

    def __init__(self, address: str, target: "tuple[str, int]", dice: random.Random, alpn: str) -> None:
        """`target` is where the node listens for QUIC."""
        super().__init__(address, target, dice)
        self._alpn = alpn

    def step(self, now: float) -> None:
        if now < self._next:
            return
        if self.sock is not None:
            self._hear(self.sock)
            self.leave(now)
            self._next = now + self.dice.uniform(*_PAUSE_S)
            return
        self.done["dials"] += 1
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.sock.bind((self.address, 0))
        configuration = QuicConfiguration(is_client=True, alpn_protocols=[self._alpn], verify_mode=ssl.CERT_NONE)
        connection = QuicConnection(configuration=configuration)
        connection.connect(self.target, time.time())
        for data, _ in connection.datagrams_to_send(time.time()):
            try:
                self.done["bytes"] += self.sock.sendto(data, self.target)
            except OSError:
                pass
        self._next = now + self.dice.uniform(*_PAUSE_S)

    def _hear(self, sock: socket.socket) -> None:
        try:
            sock.recv(_DATAGRAM)
        except OSError:
            return
        self.done["connections"] += 1  # it answered
