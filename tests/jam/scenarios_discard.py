"""Pushes over any carrier. Each function takes a fresh carrier; test_discard.py runs them."""

from jamliquor_lite.budget.stream import DEAD, READ_ENDED
from jamliquor_lite.jam.discard import Discard
from jamliquor_lite.jam.kinds import OVERSIZE, PUSHES, TICKET_TO_VALIDATORS
from tests.jam.carriers import accepted
from tests.jam.drive import Raw, carried

TURNS = 200000


def pump_until(carrier, discard, raws, done) -> None:
    for _ in range(TURNS):
        for raw in raws:
            raw.poll(0)
        carrier.pump()
        discard.poll()
        if done():
            return
    raise AssertionError("no end")


def takes_every_push_to_its_end(carrier) -> None:
    discard = Discard(bytearray(64))
    streams = [carrier.a.open(kind) for kind in PUSHES]
    raws = [Raw(stream, bytes(300 + 10 * i)) for i, stream in enumerate(streams)]
    for _ in PUSHES:
        discard.take(accepted(carrier, carrier.b))
    pump_until(carrier, discard, raws, lambda: all(s.state & READ_ENDED for s in streams))
    assert discard.dropped == len(PUSHES), "each was read"
    assert not any(s.state & DEAD for s in streams), "and none was reset"


def a_push_without_end_is_reset(carrier) -> None:
    discard = Discard(bytearray(100), 1000)
    stream = carrier.a.open(TICKET_TO_VALIDATORS)
    raw = Raw(stream, bytes(1200), False)
    discard.take(accepted(carrier, carrier.b))
    pump_until(carrier, discard, [raw], lambda: stream.state & DEAD)
    assert stream.reset_code == carried(carrier, OVERSIZE) and discard.dropped == 0


def a_push_that_is_given_up_is_forgotten(carrier) -> None:
    discard = Discard(bytearray(64))
    streams = [carrier.a.open(TICKET_TO_VALIDATORS) for _ in range(2)]
    for _ in streams:
        discard.take(accepted(carrier, carrier.b))
    streams[0].reset(1)
    raw = Raw(streams[1], b"ticket")
    pump_until(carrier, discard, [raw], lambda: streams[1].state & READ_ENDED)
    assert discard.dropped == 1
    carrier.cut()
    assert not discard.poll()


SCENARIOS = (takes_every_push_to_its_end, a_push_without_end_is_reset, a_push_that_is_given_up_is_forgotten)
