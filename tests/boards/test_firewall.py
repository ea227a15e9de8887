"""The rules of a board at work: floods in a network namespace are dropped and counted, and who behaves is not hurt."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest

from jamliquor_lite.cli import board_firewall, boards
from tests.hostile.netns import Namespace, Networks, NoNetworks, command

TCP, UDP = 30334, 30333
HONEST, NASTY = "10.9.1.1", "10.9.2.1"
# What runs in a namespace: words and what they do.
PROGRAM = textwrap.dedent("""\
    import socket, sys, time

    host, what, count = "10.9.0.1", sys.argv[1], int(sys.argv[2])
    if what == "serve":
        tcp = socket.create_server((host, %d), backlog=512)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((host, %d))
        print("ready", flush=True)
        kept = []
        while True:
            kept.append(tcp.accept())
    if what == "connect":  # one after the other, and all are kept
        done, kept = 0, []
        for _ in range(count):
            sock = socket.socket()
            sock.settimeout(0.15)
            try:
                sock.connect((host, %d))
                done += 1
                kept.append(sock)
            except TimeoutError:
                sock.close()
        print(done)
    if what == "datagrams":
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for _ in range(count):
            sock.sendto(bytes(1200), (host, %d))
        print(count)
    if what == "nowhere":
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for port in range(40000, 40000 + count):
            sock.sendto(bytes(1200), (host, port))
        print(count)
""") % (TCP, UDP, TCP, UDP)


class Place:
    """A guarded node, and two hosts that dial it."""

    def __init__(self, net: Networks) -> None:
        self.board = boards.find("raspberry-pi-zero-2w")
        self.node = net.add("node", "10.9.0.1/16")
        self.honest = net.add("honest", f"{HONEST}/16")
        self.nasty = net.add("nasty", f"{NASTY}/16")
        self.guard()
        self.guard()  # loading it again replaces it
        served = self.node.popen([sys.executable, "-c", PROGRAM, "serve", "0"], stdout=subprocess.PIPE)
        assert served.stdout is not None and served.stdout.readline() == "ready\n"

    def guard(self) -> None:
        rules = board_firewall.rules(self.board, [TCP], [UDP])
        done = subprocess.run(
            self.node.inside(["nft", "-f", "-"]), input=rules, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")

    def say(self, space: Namespace, what: str, count: int) -> int:
        return int(space.run(sys.executable, "-c", PROGRAM, what, str(count)))

    def counted(self) -> "dict[str, int]":
        """Packets by counter."""
        text = self.node.run("nft", "-j", "list", "counters", "table", "inet", board_firewall.TABLE)
        found = [entry["counter"] for entry in json.loads(text)["nftables"] if "counter" in entry]
        return {counter["name"]: counter["packets"] for counter in found}


@pytest.fixture
def place() -> Iterator[Place]:
    try:
        if command([]):
            raise NoNetworks("network namespaces of a test that is no program of its own need root")
        with Networks() as net:
            yield Place(net)
    except NoNetworks as error:
        pytest.skip(str(error))


def test_a_flood_of_connections_is_shed_and_the_others_get_in(place: Place) -> None:
    n = place.board.tables["firewall"]
    taken = place.say(place.nasty, "connect", 30)
    assert taken <= n["source_connections"] < 30
    counted = place.counted()
    assert counted["shed_source"] + counted["shed_open"] >= 30 - taken
    assert counted["accepted"] == taken
    assert place.say(place.honest, "connect", 1) == 1
    assert place.counted()["accepted"] == taken + 1


def test_a_flood_of_datagrams_is_shed(place: Place) -> None:
    n = place.board.tables["firewall"]
    place.say(place.nasty, "datagrams", 500)
    counted = place.counted()
    # They are of nobody whom the node has answered: no more than new connections are.
    assert counted["accepted"] <= n["new_burst"] + 2 * n["new_per_second"]
    assert counted["shed_new"] == 500 - counted["accepted"] > 400


def test_errors_are_answered_at_one_a_second(place: Place) -> None:
    """The kernel's own limit is by address, and lets six through at once."""
    place.say(place.nasty, "nowhere", 40)
    place.say(place.honest, "nowhere", 40)
    assert place.counted()["shed_errors"] >= 6
    assert place.node.counters().tx_bytes < 6 * 590


def test_segments_of_no_connection_are_strays(place: Place) -> None:
    place.node.run("nft", "delete", "table", "inet", board_firewall.TABLE)
    words = [sys.executable, "-c", "import socket, time\n"
             f"sock = socket.create_connection(('10.9.0.1', {TCP}))\n"
             "print('there', flush=True)\ninput()\nsock.send(bytes(100))\ntime.sleep(0.3)\n"]
    peer = place.nasty.popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert peer.stdout is not None and peer.stdin is not None and peer.stdout.readline() == "there\n"
    place.guard()  # the kernel has not followed that connection: what comes of it could as well be invented
    peer.stdin.write("\n")
    peer.stdin.close()
    assert peer.wait(10) == 0
    assert place.counted()["shed_stray"] >= 1
