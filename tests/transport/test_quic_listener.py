"""The listener: who is whose, what strangers may cost, and that no datagram disturbs it."""

import random

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.transport import quic_core
from jamliquor_lite.transport.quic import CLOSED, READY, Connection
from jamliquor_lite.transport.quic_core import packet
from jamliquor_lite.transport.quic_listener import Listener
from tests.transport.pipe import CLIENT_ADDR, GENESIS, SERVER_ADDR, connected, identity, pair


class Net:
    """Any number of ends at addresses of their own; every datagram takes 5 ms."""

    def __init__(self):
        self.now = 1_000_000
        self.ends = {}
        self.flying = []

    def add(self, addr, end):
        self.ends[addr] = end
        return end

    def run(self, until, ms=30_000):
        stop = self.now + ms
        while not until():
            for addr, end in list(self.ends.items()):
                while (item := end.drain(self.now)) is not None:
                    self.flying.append((self.now + 5, addr, item[1], item[0]))
            times = [f[0] for f in self.flying]
            times += [at for end in self.ends.values() if (at := end.wake_at(self.now)) >= 0]
            if not times or min(times) > stop:
                return False
            self.now = max(self.now, min(times))
            due = [f for f in self.flying if f[0] <= self.now]
            self.flying = [f for f in self.flying if f[0] > self.now]
            for _, source, target, datagram in due:
                if target in self.ends:
                    self.ends[target].receive(datagram, source, self.now)
            for end in self.ends.values():
                end.tick(self.now)
        return True


def listener(limits=None, number=2):
    return Listener(identity(number), GENESIS, limits or Profile())


def dial(net, number, host="10.0.1.1", target=SERVER_ADDR):
    client = Connection.dial(identity(number), GENESIS, *target, limits=Profile(), now=net.now)
    return net.add((host, 1000 + number), client)


def accepted(server):
    found = []
    while (connection := server.accept()) is not None:
        found.append(connection)
    return found


def test_many_clients_and_each_hears_its_own():
    net = Net()
    server = net.add(SERVER_ADDR, listener())
    clients = [dial(net, n) for n in range(10, 14)]
    assert net.run(lambda: all(c.state == READY for c in clients))
    peers = {c.peer_name: c for c in accepted(server)}
    assert set(peers) == {identity(n).name for n in range(10, 14)}
    for n, client in zip(range(10, 14), clients, strict=True):
        stream = client.open(n)
        net.run(lambda n=n: (s := peers[identity(n).name].accept()) is not None and s.kind == n)
        stream.reset(0)


def test_listeners_dial_each_other_on_one_port():
    net = Net()
    one, two = net.add(("10.0.0.1", 1), listener(number=1)), net.add(("10.0.0.2", 2), listener(number=2))
    out = one.dial("10.0.0.2", 2, identity(2).name, net.now)
    back = two.dial("10.0.0.1", 1, identity(1).name, net.now)
    assert net.run(lambda: out.state == back.state == READY)
    assert [c.peer_name for c in accepted(one)] == [identity(2).name], "our own dial is not accepted"
    assert len(one.connections) == len(two.connections) == 2
    one.close(0, "end")
    net.run(lambda: not one.connections and not two.connections)
    assert not one._routes and not two._routes and one.wake_at(net.now) == -1


def test_ids_of_forgotten_connections_are_forgotten():
    net = Net()
    server = net.add(SERVER_ADDR, listener())
    for n in range(30):
        client = dial(net, 10 + n)
        assert net.run(lambda c=client: c.state == READY)
        client.close(0, "next")
        net.run(lambda c=client: not server.connections and c.is_gone)
        del net.ends[("10.0.1.1", 1010 + n)]
        assert not server._routes and not server._first_cids
    assert len(accepted(server)) == 30


def test_a_peer_that_goes_on_from_another_port():
    client, server, lst, pipe = connected()
    pipe.run(ms=200)
    stream = client.open(128)
    while (item := client.drain(pipe.now)) is not None:
        lst.receive(item[0], ("10.0.0.1", 4444), pipe.now)
    assert server.accept().kind == 128 and server.state == READY
    assert lst.drain(pipe.now)[1] == ("10.0.0.1", 4444)
    assert stream is not None


def test_one_host_does_not_take_every_place():
    limits = Profile()
    limits.connections_per_source = 3
    net = Net()
    server = net.add(SERVER_ADDR, listener(limits))
    greedy = [dial(net, n, "10.0.6.6") for n in range(10, 15)]
    net.run(lambda: all(c.state in (READY, CLOSED) for c in greedy))
    assert [c.state for c in greedy].count(READY) == 3
    refused = next(c for c in greedy if c.state == CLOSED)
    assert refused.close_reason == (
        "peer closed the connection, CONNECTION_REFUSED: too many connections from this address"
    )
    other = dial(net, 30, "10.0.7.7")
    assert net.run(lambda: other.state == READY)
    greedy[0].close()
    assert len(server.connections) <= 5
    net.run(lambda: len(server.connections) == 3)
    late = dial(net, 16, "10.0.6.6")
    assert net.run(lambda: late.state == READY)


def test_peers_have_a_cap():
    limits = Profile()
    limits.max_peers = 4
    net = Net()
    net.add(SERVER_ADDR, listener(limits))
    clients = [dial(net, 10 + n, "10.0.1.%d" % n) for n in range(6)]
    net.run(lambda: all(c.state in (READY, CLOSED) for c in clients))
    assert (
        sorted(c.close_reason for c in clients)
        == [""] * 4 + ["peer closed the connection, CONNECTION_REFUSED: too many peers"] * 2
    )


def test_under_pressure_an_address_must_answer_first():
    limits = Profile()
    limits.handshakes = 8
    net = Net()
    server = net.add(SERVER_ADDR, listener(limits))
    # Forged senders: their first datagram comes, and none of the answers reaches them.
    for n in range(50):
        forged = Connection.dial(identity(10), GENESIS, *SERVER_ADDR, limits=Profile(), now=net.now)
        server.receive(forged.drain(net.now)[0], ("192.0.2.%d" % n, 5), net.now)
    assert len(server.connections) == 4, (
        "half of the places at most are taken by addresses that prove nothing"
    )
    retries = 0
    while (item := server.drain(net.now)) is not None:
        retries += item[0][0] & 0xF0 == 0xF0
        assert len(item[0]) <= 1200
    assert 0 < retries <= 32
    # An honest one gets in, by way of a retry.
    client = dial(net, 20)
    assert net.run(lambda: client.state == READY, 1000)
    assert client._core._retry_count == 1
    # And the places come back.
    net.run(lambda: len(server.connections) == 1)
    client = dial(net, 21)
    assert net.run(lambda: client.state == READY, 1000) and client._core._retry_count == 0


def test_handshakes_have_a_cap():
    limits = Profile()
    limits.handshakes = 4
    net = Net()
    server = net.add(SERVER_ADDR, listener(limits))
    clients = []
    for n in range(8):  # real addresses that answer the retry and then fall silent
        client = dial(net, 10 + n, "10.0.1.%d" % n)
        clients.append(client)
        original = client.receive
        client.receive = lambda d, a, t, original=original: d[0] & 0xF0 == 0xF0 and original(d, a, t)
    net.run(lambda: False, 2000)
    assert len(server._first_cids) == len(server.connections) == 4
    client = dial(net, 30)
    net.run(lambda: client.state == CLOSED, 2000)
    assert client.close_reason == "peer closed the connection, CONNECTION_REFUSED: too many handshakes"
    net.run(lambda: not server.connections, 30_000)
    assert not server._first_cids


def test_a_retry_token_is_good_for_its_address_only():
    limits = Profile()
    limits.handshakes = 2
    server = listener(limits)
    now = 1_000_000
    clients = [Connection.dial(identity(n), GENESIS, *SERVER_ADDR, limits=limits, now=now) for n in (10, 11)]
    for n, client in enumerate(clients):
        server.receive(client.drain(now)[0], ("10.0.1.%d" % n, 9), now)
    while (item := server.drain(now)) is not None:
        if item[1][0] == "10.0.1.1":
            clients[1].receive(item[0], SERVER_ADDR, now)
    second = clients[1].drain(now)[0]
    dropped = server.dropped
    server.receive(second, ("10.0.9.9", 9), now)
    server.receive(second, ("10.0.1.1", 9), now + 31_000)
    assert server.dropped == dropped + 2 and len(server.connections) == 1
    server.receive(second, ("10.0.1.1", 9), now + 1)
    assert len(server.connections) == 2


def test_version_negotiation():
    server = listener()
    hello = bytes([0xC0]) + bytes.fromhex("0a1a2a3a") + b"\x08" + b"D" * 8 + b"\x08" + b"S" * 8
    server.receive(hello + bytes(1200 - len(hello)), CLIENT_ADDR, 0)
    answer, addr = server.drain(0)
    header = packet.pull_quic_header(quic_core.Buffer(data=answer), host_cid_length=8)
    assert addr == CLIENT_ADDR and header.packet_type == packet.QuicPacketType.VERSION_NEGOTIATION
    assert (header.destination_cid, header.source_cid) == (
        b"S" * 8,
        b"D" * 8,
    ) and header.supported_versions == [1]
    server.receive(hello, CLIENT_ADDR, 0)  # too short to be answered: the answer could be longer
    assert server.drain(0) is None
    server.receive(answer + bytes(1200), CLIENT_ADDR, 0)  # no answer to an answer
    assert server.drain(0) is None


def test_answers_to_strangers_do_not_queue_up():
    server = listener()
    for n in range(1000):
        hello = bytes([0xC0]) + bytes.fromhex("0a1a2a3a") + b"\x08" + n.to_bytes(8, "big") + b"\x00"
        server.receive(hello + bytes(1200 - len(hello)), CLIENT_ADDR, 0)
    count = 0
    while server.drain(0) is not None:
        count += 1
    assert count == 32


def test_no_datagram_disturbs_the_listener():
    draw = random.Random(5)
    net = Net()
    server = net.add(SERVER_ADDR, listener())
    client = dial(net, 10)
    first = client.drain(net.now)[0]
    for size in (0, 1, 5, 20, 21, 100, 1199, 1200, 1500):
        for head in (0x00, 0x40, 0x5F, 0x80, 0xC0, 0xD0, 0xE0, 0xF0, 0xFF):
            data = bytes([head]) + draw.randbytes(size - 1) if size else b""
            server.receive(data, CLIENT_ADDR, net.now)
            server.receive((data[:1] + b"\0\0\0\1" + data[5:]) if size > 5 else data, CLIENT_ADDR, net.now)
    for at in range(0, len(first), 7):
        changed = bytearray(first)
        changed[at] ^= 1 << draw.randrange(8)
        server.receive(changed, CLIENT_ADDR, net.now)
        server.receive(first[:at], CLIENT_ADDR, net.now)
    server.connections.clear()
    server._routes.clear()
    server._first_cids.clear()
    server.receive(first, ("10.0.1.1", 1010), net.now)
    assert net.run(lambda: client.state == READY)


def test_garbage_does_not_end_a_connection():
    draw = random.Random(6)
    client, server, lst, pipe = connected()
    stream = client.open(128)
    pipe.run(ms=100)
    end = server.accept()
    for _ in range(500):
        stream.send(b"x", 0, 1)
        item = client.drain(pipe.now)
        if item is not None:
            changed = bytearray(item[0])
            for _ in range(draw.randrange(1, 4)):
                changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
            lst.receive(changed, CLIENT_ADDR, pipe.now)
            lst.receive(item[0], CLIENT_ADDR, pipe.now)
            lst.receive(item[0], CLIENT_ADDR, pipe.now)  # twice
        pipe.run(ms=1)
    pipe.run(ms=500)
    assert client.state == server.state == READY
    assert end.recv_into(bytearray(600), 0, 600) == 500


@pytest.mark.parametrize("limit", ["max_peers", "handshakes"])
def test_opening_and_closing_does_not_pile_up(limit):
    limits = Profile()
    limits.max_peers = limits.handshakes = 3
    limits.connections_per_source = 1000
    net = Net()
    server = net.add(SERVER_ADDR, listener(limits))
    most = 0
    for n in range(60):  # all within the time in which closed connections still linger
        client = dial(net, 10 + n)
        net.run(lambda c=client: c.state in (READY, CLOSED), 100)
        client.close()
        net.run(lambda: False, 6)
        most = max(most, len(server.connections))
    assert most <= 2 * (3 + 3)


def test_pair_is_what_it_says():
    client, lst, _ = pair()
    assert not lst.connections and client.drain(1_000_000)[1] == SERVER_ADDR
