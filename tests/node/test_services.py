"""What a node says of itself over the lite network, and what it remembers of a peer while it runs."""

import asyncio

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.budget.stream import DEAD
from jamliquor_lite.chain.twoslot import TwoSlot
from jamliquor_lite.node.libp2p import Libp2pCarrier
from jamliquor_lite.node.pins import Pins
from jamliquor_lite.node.services import PING
from jamliquor_lite.ports import clock, store
from jamliquor_lite.ports.tcp import Waker
from jamliquor_lite.transport.states import CONNECTING, HYBRID, READY

_PATIENCE_S = 120
HERE = ("127.0.0.1", 0)


class Hosts:
    """Carriers without a chain, driven together until a condition holds."""

    def __init__(self, *carriers):
        self.carriers = carriers
        self.waker = Waker()
        for carrier in carriers:
            carrier.open(self.waker)

    async def until(self, condition):
        async with asyncio.timeout(_PATIENCE_S):
            while not condition():
                now = clock.ticks_ms()
                for carrier in self.carriers:
                    carrier.receive(now)
                    carrier.accept()
                    carrier.flush(now)
                    carrier.watch(now)
                await self.waker.wait(5)

    async def dial(self, dialer, listener, port):
        connection = dialer.dial_to(listener.peer_id, [("127.0.0.1", port)], clock.ticks_ms())
        await self.until(lambda: connection.state != CONNECTING)
        assert connection.state == READY, connection.close_reason
        return connection

    async def identity(self, carrier, connection):
        services = carrier.services(connection)
        assert services.ask_identity(carrier, connection, clock.ticks_ms())
        await self.until(lambda: services.info is not None or services.fault)
        assert services.fault == ""
        return services.info

    def close(self):
        for carrier in self.carriers:
            carrier.close()
            carrier.flush(clock.ticks_ms())
            carrier.release()


def carrier(number, *listen, **more):
    return Libp2pCarrier(bytes([number]) * 32, "", Profile(), list(listen), **more)


def test_identify_names_where_a_host_can_be_dialed_and_nothing_else():
    async def main():
        everywhere = carrier(1, ("0.0.0.0", 0), HERE)
        other = carrier(2)
        hosts = Hosts(everywhere, other)
        ports = [int(place.rpartition("/")[2]) for place in everywhere.places]
        connection = await hosts.dial(other, everywhere, ports[0])
        info = await hosts.identity(other, connection)
        assert [address.text for address in info.listen_addrs] == ["/ip4/127.0.0.1/tcp/%d" % ports[1]]
        assert info.key == everywhere.identity.key and info.agent == "jamliquor-lite"
        assert info.observed_addr.host == "127.0.0.1" and info.observed_addr.transport == "tcp"
        assert info.protocols == ["/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0", "/ipfs/ping/1.0.0"]
        hosts.close()

    asyncio.run(main())


def test_whom_we_dial_is_pinned_on_disk_before_the_end(tmp_path):
    def pins():
        return Pins(Profile(), TwoSlot(store.SlotFile(str(tmp_path / "pins"))))

    async def main():
        dialer, listener = carrier(1, pins=pins()), carrier(2, HERE)
        hosts = Hosts(dialer, listener)
        connection = await hosts.dial(dialer, listener, int(listener.places[0].rpartition("/")[2]))
        await hosts.until(lambda: dialer.pins.peers() != [])
        assert connection.suite == HYBRID and not dialer.pins.changed
        # Read anew while the host is up, as after a power cut.
        assert pins().peers() == [(listener.peer_id, True)]
        await hosts.until(lambda: listener.pins.peers() != [])
        assert listener.pins.peers() == [(dialer.peer_id, False)], "who dialed us was not named by the user"
        hosts.close()

    asyncio.run(main())


def test_a_peer_may_ping_on_two_streams_at_a_time():
    async def main():
        listener, dialer = carrier(1, HERE), carrier(2)
        hosts = Hosts(listener, dialer)
        connection = await hosts.dial(dialer, listener, int(listener.places[0].rpartition("/")[2]))
        streams = [connection.open(PING) for _ in range(3)]
        for number, stream in enumerate(streams):
            stream.send(bytes([number]) * 32, 0, 32)
        answers = []

        def heard(stream):
            buf = bytearray(32)
            if stream.recv_into(buf, 0, 32):
                answers.append(buf[0])
            return stream.state & DEAD

        await hosts.until(lambda: len(answers) == 2 and heard(streams[2]) or any([heard(s) for s in streams[:2]]))
        assert sorted(answers) == [0, 1] and not any(stream.state & DEAD for stream in streams[:2])
        # Who ends one and begins the next at once is no flood, though both are heard of in one turn.
        streams[0].finish()
        after = connection.open(PING)
        after.send(b"\7" * 32, 0, 32)
        await hosts.until(lambda: heard(after) or 7 in answers)
        assert not after.state & DEAD
        hosts.close()

    asyncio.run(main())
