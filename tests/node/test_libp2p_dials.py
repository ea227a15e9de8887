"""Dialing over the lite network: addresses that refuse, addresses that are dead, one connection for one peer."""

import socket

from jamliquor_lite.node.places import Places
from jamliquor_lite.node.race import Race
from jamliquor_lite.transport.states import CLASSICAL, CLOSED, HYBRID, READY
from jamliquor_lite.transport.terms import OFF, PREFER, Terms
from tests.node.lite_world import HERE, World, descriptors, run


def refusing():
    """A port on which nobody listens."""
    with socket.socket() as sock:
        sock.bind((HERE, 0))
        return sock.getsockname()


def test_an_address_that_refuses_does_not_keep_us():
    async def main():
        world = World()
        connection = await world.dial(places=[refusing(), (HERE, world.port)])
        assert connection.state == READY and connection.addr == (HERE, world.port)
        connection = world.dialers[0].dial_to(b"", [refusing(), refusing()], world.now)
        await world.until(lambda: connection.state == CLOSED)
        assert "refused" in connection.close_reason.lower() and "during the handshake" in connection.close_reason
        connection = world.dialers[0].dial_to(b"", [], world.now)
        await world.until(lambda: connection.state == CLOSED)
        assert connection.close_reason.startswith("no address")
        await world.end()

    run(main)


def full_backlog():
    """A listener that takes no connection: its backlog is full, so that another one hangs as at a dead address."""
    sock = socket.socket()
    sock.bind((HERE, 0))
    sock.listen(0)
    filler = []
    for _ in range(4):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(sock.getsockname())
        filler.append(one)
    return sock, filler


def test_an_address_that_is_dead_does_not_keep_us_either():
    async def main():
        world = World()
        sock, filler = full_backlog()
        begun = world.now
        connection = await world.dial(places=[sock.getsockname(), (HERE, world.port)])
        assert connection.state == READY and connection.addr == (HERE, world.port)
        assert world.now - begun < 2000, "the second one is tried long before the system gives the first up"
        # A host of which connections were lately short is waited for no longer than that.
        assert world.dialers[0]._pace.patience_ms < 250
        connection.close()
        await world.until(lambda: not world.dialers[0].connections)
        places = Places(world.waker, world.listener.profile)
        race = Race(places, [sock.getsockname(), (HERE, world.port)], world.dialers[0]._pace, world.now)
        assert race.poll(world.now) is None
        assert 0 < race.wake_at(world.now) - world.now < 250
        race.close()
        assert race.is_over
        for one in [sock, *filler]:
            one.close()
        await world.end()

    run(main)


def test_a_dial_to_a_dead_address_ends_with_the_handshake_s_time():
    async def main():
        world = World()
        sock, filler = full_backlog()
        before = descriptors()
        connection = world.dialers[0].dial_to(b"", [sock.getsockname()], world.now)
        world.turn()
        assert descriptors() == before + 1
        await world.later(world.dialers[0].profile.handshake_timeout_ms + 1)
        assert connection.state == CLOSED and connection.rule == "time" and descriptors() == before
        assert world.dialers[0].connections == [] and world.dialers[0].is_drained
        for one in [sock, *filler]:
            one.close()
        await world.end()

    run(main)


def test_one_connection_is_used_again():
    async def main():
        world = World()
        connection = await world.dial()

        class Known:
            name = world.listener.name
            places = [(HERE, world.port)]

        assert world.dialers[0].dial(Known, world.now) is connection
        assert world.dialers[0].dial_for_state(Known, world.now) is connection
        connection.close()
        assert world.dialers[0].dial(Known, world.now) is not connection, "not one that is ending"
        await world.end()

    run(main)


def test_another_peer_than_the_one_dialed():
    async def main():
        world = World()
        other = bytes(world.dialers[0].peer_id)
        connection = world.dialers[0].dial_to(other, [(HERE, world.port)], world.now)
        await world.until(lambda: connection.state == CLOSED)
        assert connection.rule == "peer" and world.listener.name in connection.close_reason
        assert world.dialers[0].refused == {"peer": 1}
        await world.until(lambda: not world.listener.connections)
        assert world.accepted == [] and world.listener.refused == {}, "it never heard who we are"
        await world.end()

    run(main)


def test_a_peer_that_was_hybrid_is_not_dialed_as_classical_again():
    async def main():
        world = World(policy=PREFER)
        dialer, listener = world.dialers[0], world.listener
        connection = await world.dial()
        assert connection.suite == HYBRID
        await world.until(lambda: dialer.pins.peers() and listener.pins.peers())
        assert dialer.pins.peers() == [(listener.peer_id, True)]
        assert listener.pins.peers() == [(dialer.peer_id, False)], "whom its user did not name"
        connection.close()
        await world.until(lambda: not listener.connections and not dialer.connections)
        # It comes back as a peer that has no post-quantum handshake, or somebody on the way says so.
        terms = listener.terms
        listener.terms = Terms(terms.static, listener.profile, terms.frames, terms.chunks, OFF, terms.judge)
        connection = await world.dial()
        assert connection.state == CLOSED and connection.rule == "pin" and dialer.refused == {"pin": 1}
        dialer.pins.remove(listener.peer_id)
        connection = await world.dial()
        await world.until(lambda: connection.state == CLOSED)
        assert listener.refused == {"pin": 1}, "the listener remembers as well"
        listener.pins.remove(dialer.peer_id)
        connection = await world.dial()
        assert connection.state == READY and connection.suite == CLASSICAL and dialer.pins.peers() == []
        await world.end()

    run(main)


def test_a_user_who_turns_the_hybrid_off_is_told_of_the_pin_and_not_of_the_peer():
    async def main():
        world = World(policy=OFF)
        dialer, listener = world.dialers[0], world.listener
        dialer.pins.add(listener.peer_id, True)
        connection = await world.dial()
        assert connection.state == CLOSED and connection.rule == "pin"
        assert "pq = off forbids" in connection.close_reason and connection.close_reason.endswith(
            "`peers unpin %s`" % listener.name)
        await world.end()

    run(main)
