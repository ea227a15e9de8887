"""The peer that the board dials: the carrier of this package on CPython, in a thread. As libp2p peers do, it asks who
has come; it pings as well. A stream of its own protocol is ended once it has its answers."""

import asyncio
import os
import threading

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.node.libp2p import Libp2pCarrier
from jamliquor_lite.node.services import Services
from jamliquor_lite.ports import clock
from jamliquor_lite.ports.tcp import Waker
from jamliquor_lite.transport.connection import Connection
from jamliquor_lite.transport.protocol_stream import ProtocolStream
from jamliquor_lite.transport.states import READY
from jamliquor_lite.transport.terms import OFF, REQUIRE

END = 2
END_NAME = "/heap/end/1.0.0"  # as in measure_dial.py
POLICIES = {"plain": OFF, "hybrid": REQUIRE}
# js-libp2p with all its services says about 600 bytes of itself.
_PROTOCOLS = ["/example/service/number/%d/1.0.0" % number for number in range(11)]
_CONNECTIONS = 32


class Guest:
    """A connection of the board's, and what was asked on it."""

    def __init__(self, carrier: Libp2pCarrier, connection: Connection, pings: bool) -> None:
        self._carrier = carrier
        self.connection = connection
        services = carrier.services(connection)
        assert services is not None
        self.services: Services = services
        self._pings = pings
        self._is_asked = self._is_pinged = False
        self._end: "ProtocolStream | None" = None

    @property
    def is_answered(self) -> bool:
        """The board said who it is, and echoed."""
        return self.services.info is not None and (self.services.rtt_ms >= 0 or not self._pings)

    def poll(self, now: int) -> None:
        """Ask what was not asked yet; let the board go when it has answered."""
        if self.connection.state != READY:
            return
        self._is_asked = self._is_asked or self.services.ask_identity(self._carrier, self.connection, now)
        if self._pings and not self._is_pinged:
            self._is_pinged = self.services.send_ping(self._carrier, self.connection, os.urandom(32), now)
        self._end = self._end or self.connection.accept()
        if self._end is not None and self.is_answered:
            self._end.finish()


class Peer:
    """`with Peer(suite) as port:` serves many connections on a port of this machine; they are in `guests`."""

    def __init__(self, suite: str, pings: bool = True) -> None:
        profile = Profile()
        profile.max_peers = profile.connections_per_source = profile.handshakes = _CONNECTIONS
        self._carrier = Libp2pCarrier(os.urandom(32), "", profile, [("127.0.0.1", 0)], policy=POLICIES[suite])
        for number, name in enumerate([END_NAME, *_PROTOCOLS]):
            self._carrier.terms.serve(name, END + number)
        self._pings = pings
        self.guests: "list[Guest]" = []
        self._loop = asyncio.new_event_loop()
        self._waker = Waker()
        self._carrier.open(self._waker)
        self._is_ending = False
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    def __enter__(self) -> int:
        self._thread.start()
        return int(self._carrier.places[0].rpartition("/")[2])

    def __exit__(self, *_: object) -> None:
        self._is_ending = True
        self._loop.call_soon_threadsafe(self._waker.wake)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        carrier = self._carrier
        while not self._is_ending:
            now = clock.ticks_ms()
            carrier.receive(now)
            connection = carrier.accept()
            while connection is not None:
                self.guests.append(Guest(carrier, connection, self._pings))
                connection = carrier.accept()
            for guest in self.guests:
                guest.poll(now)
            carrier.flush(now)
            at = carrier.watch(now)
            await self._waker.wait(-1 if at < 0 else max(0, at - now))
        carrier.release()
