"""The measuring itself: windows that slide, and networks that leave nothing behind."""

import os
import subprocess
import sys
import time

import pytest

from tests.hostile import netns
from tests.hostile.report import _apart
from tests.hostile.watch import Most, Sample


def samples(sizes, every_s=0.125, took_s=0.0):
    """Moments at which so many bytes more had been sent."""
    found, total = [], 0
    for place, size in enumerate(sizes):
        total += size
        at = place * every_s
        found.append(Sample(at, at + took_s, 0, (0.0, 0.0), total, 0, 0, False))
    return found


def test_a_steady_rate_is_within_its_cap_and_not_within_less():
    steady = samples([125] * 100)
    most = Most(steady, "tx", 2.0, 1000)
    assert most.windows == 84 and most.rate == 1000 and most.over == 0
    assert Most(steady, "tx", 2.0, 990).over == 20


def test_a_burst_is_found_wherever_it_lies():
    for place in range(1, 99):
        sizes = [0] * 100
        sizes[place] = 2_500
        most = Most(samples(sizes), "tx", 2.0, 1000)
        assert most.over == pytest.approx(500) and most.rate == pytest.approx(1250), place


def test_two_halves_of_a_burst_in_one_window():
    sizes = [0] * 100
    sizes[40] = sizes[54] = 1_100
    assert Most(samples(sizes), "tx", 2.0, 1000).over == pytest.approx(200)
    sizes[54], sizes[58] = 0, 1_100
    assert Most(samples(sizes), "tx", 2.0, 1000).over == 0


def test_what_the_reading_took_is_no_fault_of_the_node():
    """Counters were read at some moment of it: a window may have been as long as from the first's beginning to the
    last's end."""
    assert Most(samples([125] * 100, took_s=0.0625), "tx", 2.0, 1000).over == 0


def test_too_few_samples_are_no_window():
    assert Most(samples([100] * 15), "tx", 2.0, 1000).windows == 0


def test_floods_below_tcp_cut_a_run_apart():
    run = samples([1] * 9)
    for sample in run[3:6]:
        sample.below = True
    assert [len(part) for part in _apart(run)] == [3, 3]


@pytest.fixture
def networks():
    try:
        prefix = netns.command([])
    except netns.NoNetworks as error:
        pytest.skip(str(error))
    if prefix:
        pytest.skip("only a program of its own is in a user namespace: the mix is")
    with netns.Networks() as found:
        yield found


def test_a_byte_over_the_wire_is_counted_with_its_headers(networks):
    here, there = networks.add("here", "10.77.0.1/16"), networks.add("there", "10.77.0.2/16")
    listening = "import socket\ns = socket.create_server(('10.77.0.1', 99))\nprint(flush=True)\nc, _ = s.accept()\n" \
                "while c.recv(65536): pass\n"
    server = here.popen([sys.executable, "-c", listening], stdout=subprocess.PIPE)
    assert server.stdout.readline() == "\n"
    before = here.counters()
    there.run(sys.executable, "-c", "import socket; s = socket.create_connection(('10.77.0.1', 99));"
                                    "s.sendall(bytes(1_448_000))")
    assert server.wait(20) == 0
    after = here.counters()
    segments = after.rx_packets - before.rx_packets
    assert 1000 <= segments < 1200, "each segment is one frame: no offload makes several of them one"
    assert 52 * 1000 <= after.rx_ip - before.rx_ip - 1_448_000 <= 60 * segments + 10 * 1_448


def test_nothing_is_left_behind(networks):
    space = networks.add("here", "10.77.0.1/16")
    child = space.popen(["sleep", "1000"])
    assert os.path.exists(f"/proc/{space.pid}")
    networks.end()
    assert child.returncode is not None and not os.path.exists(f"/proc/{space.pid}/ns")


def test_nothing_is_left_behind_by_a_process_that_was_killed(networks):
    """Namespaces end with their holders, those with the pipe that this process held, and what ran in them as well."""
    code = (
        "import sys, time; from tests.hostile.netns import Networks\n"
        "net = Networks(); space = net.add('here', '10.77.0.1/16')\n"
        "child = space.popen(['sh', '-c', 'echo; exec sleep 1000'], stdout=-1); child.stdout.readline()\n"
        "print(space.pid, child.pid, net.wire.pid, flush=True); time.sleep(1000)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pids = [int(word) for word in process.stdout.readline().split()]
    assert len(pids) == 3
    process.kill()
    process.wait()
    until = time.monotonic() + 120
    while any(_runs(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [pid for pid in pids if _runs(pid)]


def _runs(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
