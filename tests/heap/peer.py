"""The peer that the board dials: this package on CPython, in a thread. It echoes pings and says who it is."""

import os
import select
import socket
import threading
import time

from jamliquor_lite.budget.pool import Pool
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.p2p import identify, ping
from jamliquor_lite.p2p.events import DONE, LOST, MORE, REFUSED
from jamliquor_lite.p2p.identity import Identity
from jamliquor_lite.transport.connection import Connection
from jamliquor_lite.transport.noise import StaticKey
from jamliquor_lite.transport.states import READY
from jamliquor_lite.transport.terms import Terms
from jamliquor_lite.transport.upgrade import RANDOM_BYTES

_PING = 1
_IDENTIFY = 2
_PATIENCE_MS = 30_000
# What js-libp2p says with all its services: about 600 bytes.
_PROTOCOLS = ["/example/service/number/%d/1.0.0" % number for number in range(14)]


class Peer:
    """`with Peer(policy) as port:` serves any number of connections on a port of this machine."""

    def __init__(self, policy: str) -> None:
        profile = Profile()
        self._terms = Terms(
            StaticKey(Identity(os.urandom(32)), os.urandom(32)),
            profile,
            Pool("frames", profile.frames, profile.frame_bytes, 1),
            Pool("chunks", profile.stream_chunks, profile.chunk_bytes, 1),
            policy,
        )
        self._terms.serve("/ipfs/ping/1.0.0", _PING)
        self._terms.serve("/ipfs/id/1.0.0", _IDENTIFY)
        identity = self._terms.static.identity
        self._info = identify.encode(identify.Info("peer", "ipfs/0.1.0", identity.key, protocols=_PROTOCOLS))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._serve)
        self._sockets: "dict[socket.socket, Connection]" = {}
        self._responders: "list[ping.Responder | identify.Responder]" = []

    def __enter__(self) -> int:
        self._thread.start()
        return self._listener.getsockname()[1]

    def __exit__(self, *_: object) -> None:
        self._stop.send(b"x")
        self._thread.join()
        for sock in (*self._sockets, self._listener, self._stop, self._stopped):
            sock.close()

    def _serve(self) -> None:
        while True:
            ready = select.select([self._listener, self._stopped, *self._sockets], [], [], 1.0)[0]
            if self._stopped in ready:
                return
            now = int(time.monotonic() * 1000)
            for sock in ready:
                if sock is self._listener:
                    link = sock.accept()[0]
                    link.settimeout(10)
                    random = os.urandom(RANDOM_BYTES)
                    self._sockets[link] = Connection(self._terms, ("127.0.0.1", 0), False, random, now)
                else:
                    self._read(sock, now)
            for sock, connection in list(self._sockets.items()):
                self._answer(connection, now)
                view = connection.outlet(now)
                while view is not None:
                    connection.sent(sock.send(view))
                    view = connection.outlet(now)

    def _read(self, sock: socket.socket, now: int) -> None:
        connection = self._sockets[sock]
        room = connection.inlet()
        if room is None:
            return
        try:
            count = sock.recv_into(room)
        except OSError:
            count = 0
        connection.filled(count, now)
        if not count:
            connection.ended("the peer closed", now)
            del self._sockets[sock]
            sock.close()

    def _answer(self, connection: Connection, now: int) -> None:
        stream = connection.accept() if connection.state == READY else None
        while stream is not None:
            if stream.kind == _IDENTIFY:
                responder = identify.Responder()
                responder.begin(stream, self._info, now + _PATIENCE_MS)
            else:
                responder = ping.Responder(_PATIENCE_MS)
                responder.begin(stream, now)
            self._responders.append(responder)
            stream = connection.accept()
        for responder in list(self._responders):
            event = responder.poll(now)
            while event == MORE:
                event = responder.poll(now)
            if event in (DONE, REFUSED, LOST):
                self._responders.remove(responder)
