"""The carrier of the lite network: when it wants its next turn."""

import asyncio

from jamliquor_lite.budget.profile import LINUX
from jamliquor_lite.jam import kinds
from jamliquor_lite.node.libp2p import Libp2pCarrier
from jamliquor_lite.ports import clock
from tests.node.test_services import HERE, Hosts, carrier

ECHO = 900
NAME = "/test/echo/1"


def test_who_found_no_room_to_send_has_a_turn_as_soon_as_there_is_some():
    async def main():
        listener, dialer = carrier(1, HERE), carrier(2)
        listener.terms.serve(NAME, ECHO)
        dialer.terms.speak(NAME, ECHO)
        hosts = Hosts(listener, dialer)
        connection = await hosts.dial(dialer, listener, int(listener.places[0].rpartition("/")[2]))
        stream = connection.open(ECHO)
        size = dialer.profile.send_buffer_bytes
        now = clock.ticks_ms()
        dialer.flush(now)
        assert dialer.watch(now) > now, "nothing to do"
        # Less than the other side's window: nothing that it says would wake us.
        assert stream.send(bytes(size), 0, size) == size and stream.send(b"more", 0, 4) == 0
        dialer.flush(now)
        assert dialer.watch(now) == now
        dialer.receive(now)
        assert stream.send(b"more", 0, 4) == 4
        for _ in range(size // 2048):  # what begins a burst goes in short frames, some of them a turn
            dialer.receive(now)
            dialer.flush(now)
        assert dialer.watch(now) > now
        hosts.close()
        assert dialer.is_whole and listener.is_whole

    asyncio.run(main())


def test_streams_have_the_class_of_their_kind():
    served = (kinds.HEADER_REQUEST, kinds.STATE_REQUEST, kinds.BLOCK_ANNOUNCEMENT, kinds.TICKET_TO_PROXY)
    host = Libp2pCarrier(bytes(32), "00112233", LINUX, [], served)
    for kind in kinds.SPOKEN:
        assert host.terms.scope(kind, True).cls == kinds.class_of(kind, True)
    for kind in served:
        assert host.terms.scope(kind, False).cls == kinds.class_of(kind, False)
