"""The scenarios of this folder once more, over two QUIC connections back to back (CPython only)."""

import glob
import importlib
import os

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.budget.stream import DEAD, SEND_FINISHED
from jamliquor_lite.transport.quic import CLOSED
from tests.transport.pipe import connected

HERE = os.path.dirname(__file__)
NAMES = sorted(os.path.basename(path)[:-3] for path in glob.glob(os.path.join(HERE, "scenarios_*.py")))
MODULES = [importlib.import_module("tests.jam." + name) for name in NAMES]
SCENARIOS = [(module, scenario) for module in MODULES for scenario in module.SCENARIOS]


class QuicPair:
    """A carrier in the sense of carriers.py: `a` dialed, `b` accepted."""

    def __init__(self, **network):
        limits = Profile()
        limits.quic_stream_window_bytes = network.pop("window", limits.quic_stream_window_bytes)
        limits.send_buffer_bytes = network.pop("send_buffer", limits.send_buffer_bytes)
        self.a, self.b, _, self._pipe = connected(limits=limits, **network)

    def pump(self):
        self._pipe.step()

    def cut(self):
        self.a.close(0, "cut")
        assert self._pipe.run(lambda: self.b.state == CLOSED)


CARRIERS = {
    "plain": {},
    "small window": {"window": 700, "send_buffer": 500},
    "bad network": {"loss": 0.1, "reorder": 0.2, "seed": 3},
}


def reset_seen(carrier, stream, code):
    """The peer sees the code, unless it had sent and received all: then QUIC has nobody left to tell."""
    for _ in range(1000):
        if stream.state & DEAD:
            assert stream.reset_code == code
            return
        if stream.state & SEND_FINISHED and carrier.b._core.find(stream.id) is None:
            return
        carrier.pump()
    raise AssertionError("code %d expected, none seen" % code)


def test_there_are_scenarios():
    assert len(SCENARIOS) > 10


@pytest.mark.parametrize("network", CARRIERS.values(), ids=CARRIERS)
@pytest.mark.parametrize(
    "module, scenario", SCENARIOS, ids=["%s.%s" % (m.__name__[10:], s.__name__) for m, s in SCENARIOS]
)
def test_scenario(module, scenario, network, monkeypatch):
    if hasattr(module, "reset_seen"):
        monkeypatch.setattr(module, "reset_seen", reset_seen)
    scenario(QuicPair(**dict(network)))
