"""The carrier of the lite network under attack, over real sockets of the loopback: floods, silence, garbage, churn."""

from jamliquor_lite.transport.multistream import message
from jamliquor_lite.transport.noise import PLAIN
from jamliquor_lite.transport.states import CLOSED, READY
from jamliquor_lite.transport.terms import PREFER, REQUIRE
from tests.node.lite_world import ECHO, ELSEWHERE, HERE, World, descriptors, is_over, run, take

HELLO = message("/multistream/1.0.0") + message(PLAIN)


def test_a_flood_of_connections_that_say_nothing():
    async def main():
        world = World(handshakes=4, connections_per_source=8)
        for _ in range(10):
            world.stranger()
        # Half of the handshakes are for others.
        await world.until(lambda: world.listener.refused.get("slots") == 8)
        assert world.listener.last_refusal == "too many handshakes from %s" % HERE
        for _ in range(10):
            world.stranger(ELSEWHERE)
        await world.until(lambda: world.listener.refused.get("slots") == 16)
        assert len(world.listener.connections) == 4 and world.listener.last_refusal == "too many handshakes"
        assert sum(is_over(sock) for sock in world.strangers) == 16
        assert world.listener.is_whole, "silence holds no buffer"
        await world.later(world.listener.profile.handshake_timeout_ms + 1)
        assert world.listener.connections == [] and world.listener.refused == {"slots": 16, "time": 4}
        await world.until(lambda: all(is_over(sock) for sock in world.strangers))
        assert (await world.dial()).state == READY, "the next one is let in"
        await world.end()

    run(main)


def test_a_flood_from_one_source_leaves_room_for_others():
    async def main():
        world = World(handshakes=8, connections_per_source=3)
        for _ in range(10):
            world.stranger(ELSEWHERE, HELLO)
        await world.until(lambda: world.listener.refused.get("slots") == 7)
        assert world.listener.last_refusal == "too many connections from %s" % ELSEWHERE
        assert (await world.dial()).state == READY
        assert len(world.listener.connections) == 4
        await world.end()

    run(main)


def test_connections_that_stand_count_for_their_source_too():
    async def main():
        world = World(dialers=4, connections_per_source=3)
        states = [(await world.dial(number)).state for number in range(4)]
        assert states == [READY, READY, READY, CLOSED]
        assert world.listener.refused == {"slots": 1}
        await world.until(lambda: len(world.accepted) == 3)
        # One of them leaves, and there is room.
        world.dialers[0].connections[0].close()
        await world.until(lambda: len(world.listener.connections) == 2)
        assert (await world.dial(3)).state == READY
        await world.end()

    run(main)


def test_no_more_connections_than_peers_and_those_who_come_to_prove_themselves():
    async def main():
        world = World(dialers=4, max_peers=1, handshakes=2)
        states = [(await world.dial(number)).state for number in range(4)]
        # Whoever has proved himself may take another's place: it is the node that says so.
        assert states == [READY, READY, READY, CLOSED]
        assert world.listener.refused == {"slots": 1} and world.listener.last_refusal == "too many connections"
        assert len(world.listener.connections) == 3
        await world.end()

    run(main)


def test_half_open_peers_at_every_step_are_gone_in_time():
    async def main():
        world = World(policy=PREFER, handshakes=32, connections_per_source=16)
        steps = [HELLO[:cut] for cut in (1, 5, 20, 21, 27)] + [HELLO, HELLO + b"\x00", HELLO + b"\x00\x20" + b"x" * 31]
        steps += [HELLO + b"\x00\x20" + bytes(range(1, 33))]  # a whole first message: we answer, and wait
        for step in steps:
            world.stranger(HERE, step)
        await world.until(lambda: len(world.listener.connections) == len(steps))
        await world.later(world.listener.profile.handshake_timeout_ms + 1)
        await world.until(lambda: world.listener.connections == [])
        assert world.listener.refused == {"time": len(steps)} and world.listener.is_whole
        assert world.listener.last_refusal.startswith("time: handshake not finished")
        await world.end()

    run(main)


def test_garbage_from_strangers_costs_nothing():
    async def main():
        world = World(policy=PREFER, handshakes=32, connections_per_source=16)
        words = [bytes(5000), b"\xff" * 5000, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"]
        words += [HELLO + bytes(5000), HELLO + b"\xff" * 70_000]
        for said in words:
            world.stranger(HERE, said)
        await world.until(lambda: sum(world.listener.refused.values()) == len(words))
        assert set(world.listener.refused) <= {"multistream", "noise", "size"}
        await world.until(lambda: all(is_over(sock) for sock in world.strangers))
        assert world.listener.connections == [] and world.listener.is_whole
        await world.end()

    run(main)


async def exchange(world, connection):
    """A question and its answer on a new stream."""
    await world.until(lambda: world.accepted)
    there = world.accepted.pop()
    stream = connection.open(ECHO)
    stream.send(b"hello", 0, 5)
    found = []
    await world.until(lambda: take(there, found))
    found[0].send(b"world", 0, 5)
    buf = bytearray(10)
    await world.until(lambda: stream.recv_into(buf, 0, 10) == 5)
    assert bytes(buf[:5]) == b"world"


def test_two_hundred_connections_leave_nothing_behind():
    async def main():
        world = World(connections_per_source=8)
        counts = []
        for number in range(200):
            connection = await world.dial()
            assert connection.state == READY, connection.close_reason
            await exchange(world, connection)
            if number % 3 == 0:
                connection.close(number % 2, "enough")
            elif number % 3 == 1:
                world.listener.connections[0].close(0, "enough")
            else:
                connection.ended("cut", world.now)  # the link is closed without a word
            await world.until(lambda: not world.listener.connections and not world.dialers[0].connections)
            assert world.listener.is_whole and world.dialers[0].is_whole
            counts.append(descriptors())
        assert max(counts[100:]) <= max(counts[:5]), "no descriptor is left open"
        for carrier in world.carriers:
            made = (carrier.terms.frames._made, carrier.terms.chunks._made)
            assert made[0] <= 4 and made[1] <= 6, "no buffer is made for a connection"
            assert carrier.refused == {}
        await world.end()

    run(main)


def test_churn_of_strangers_leaves_nothing_behind():
    async def main():
        world = World(handshakes=4)
        counts = []
        for number in range(200):
            sock = world.stranger(HERE, HELLO[: number % len(HELLO)])
            for _ in range(2):
                world.turn()
                await world.waker.wait(1)
            sock.close()
            world.strangers.clear()
            await world.until(lambda: not world.listener.connections)
            assert world.listener.is_whole
            counts.append(descriptors())
        assert max(counts[100:]) <= max(counts[:5])
        assert (await world.dial()).state == READY
        await world.end()

    run(main)


def test_the_hybrid_handshake_holds_no_more():
    async def main():
        world = World(policy=REQUIRE)
        for _ in range(5):
            connection = await world.dial()
            assert connection.state == READY and connection.suite == "hybrid"
            connection.close()
            await world.until(lambda: not world.listener.connections and not world.dialers[0].connections)
        assert all(carrier.is_whole for carrier in world.carriers)
        await world.end()

    run(main)
