"""The console over generated input: nothing upsets it, and each request gets its end, whatever came before."""

from hypothesis import given, settings
from hypothesis import strategies as st

from jamliquor_lite.codec import cbor, serial_frame
from jamliquor_lite.console import messages
from jamliquor_lite.console.commands import COMMANDS
from jamliquor_lite.console.messages import DONE, FAULT
from jamliquor_lite.console.output import LEAST_BYTES
from tests.console.fakes import Bench

_names = st.sampled_from([command.name for command in COMMANDS])
_known = st.sampled_from(
    ["service", "since", "every", "off", "fields", "--level", "--support", "--seconds", "sealed", "1", "32"]
)
_words = st.lists(st.text(max_size=20) | st.integers(-(2**63), 2**64 - 1) | _known, max_size=18)
_requests = st.builds(
    lambda number, name, words: cbor.dumps([0, number, name, *words]), st.integers(0, messages.MAX_ID), _names, _words
).filter(lambda body: len(body) <= serial_frame.MAX_BODY)
_lines = st.builds(lambda name, words: " ".join([name, *map(str, words)]).encode() + b"\r", _names, _words)
_typed = st.binary(max_size=200) | _lines | st.text(max_size=200).map(lambda text: text.encode() + b"\n")
_bodies = st.binary(min_size=1, max_size=60) | st.recursive(
    st.none() | st.integers(-5, 5) | st.text(max_size=5) | st.booleans(), lambda inner: st.lists(inner, max_size=4)
).map(cbor.dumps).filter(lambda body: len(body) <= serial_frame.MAX_BODY)
_pieces = st.lists(_typed | _bodies.map(serial_frame.encode) | _requests.map(serial_frame.encode), max_size=12)


@settings(deadline=None)
@given(_pieces, st.integers(0, 300), st.booleans())
def test_nothing_upsets_it(pieces, takes, answers):
    bench = Bench(ring_bytes=LEAST_BYTES, status_ms=200)
    bench.line.takes = takes
    for piece in pieces:
        bench.put(piece)
        for question in bench.face.questions:
            question.is_done = answers
        bench.turn(3, 50)
        assert bench.console.output.size <= LEAST_BYTES
        assert bench.console.wake_at(bench.now) >= -1


@settings(deadline=None)
@given(_pieces, st.integers(0, messages.MAX_ID), _names, _words)
def test_every_request_gets_its_end(pieces, number, name, words):
    bench = Bench()
    for piece in pieces:
        bench.put(piece)
        for question in bench.face.questions:
            question.is_done = True
        bench.turn(20, 100)
    bench.take()
    body = cbor.dumps([0, number, name, *words])
    if len(body) > serial_frame.MAX_BODY:
        return
    bench.put(serial_frame.encode(body))
    for question in bench.face.questions:
        question.is_done = True
    bench.turn(40, 100)
    ends = [frame for frame in bench.take()[1] if frame[0] in (DONE, FAULT) and frame[1] == number]
    assert len(ends) == 1
