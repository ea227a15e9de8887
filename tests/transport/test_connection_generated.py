"""Generated scripts over two connections: honest sides, sides whose bytes are mangled, with and without the cipher.

CPython only. connection_script.py says what must hold.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from jamliquor_lite.transport.terms import OFF, PREFER
from tests.transport.connection_script import ENDING, MANGLING, OPS, Script

NUMBERS = st.fixed_dictionaries(
    {
        "frames": st.integers(4, 6),
        "frame_bytes": st.sampled_from([1536, 5000]),
        "stream_chunks": st.integers(4, 12),
        "chunk_bytes": st.sampled_from([40, 100, 1000]),
        "stream_window_bytes": st.sampled_from([50, 700, 5000, 300_000]),
        "connection_window_bytes": st.sampled_from([100, 2000, 9000]),
        "connection_send_bytes": st.sampled_from([200, 2000, 9000]),
        "send_buffer_bytes": st.sampled_from([40, 300, 3000]),
        "inbound_streams": st.sampled_from([1, 3, 8]),
        "outbound_streams": st.sampled_from([1, 3, 8]),
        "stream_stall_ms": st.sampled_from([1, 10_000]),
        "half_closed_ms": st.sampled_from([50, 120_000]),
        "idle_timeout_ms": st.sampled_from([3000, 30_000]),
    }
)
HONEST = [op for op in OPS if op not in MANGLING + ENDING]
OFTEN = ["open", "send", "send", "recv", "move", "move"]


def steps(ops, least, most):
    step = st.tuples(st.sampled_from(ops), st.integers(0, 1), st.integers(0, 7), st.integers(0, 900))
    return st.lists(step, min_size=least, max_size=most)


TALK = steps(OFTEN + HONEST, 20, 80)
MANGLED = steps(2 * (OFTEN + HONEST) + list(MANGLING), 0, 40)
ENDINGS = steps(OFTEN + list(OPS), 0, 20)


def played(numbers, ops, is_real=False, policies=(OFF, OFF)):
    one = Script(numbers, is_real, policies)
    one.check()
    for op in ops:
        one.run(*op)
    return one


@settings(max_examples=300, deadline=None)
@given(NUMBERS, TALK)
def test_honest_sides_get_everything_through(numbers, ops):
    played(numbers, ops).end()


@settings(max_examples=150, deadline=None)
@given(NUMBERS, TALK, MANGLED, ENDINGS)
def test_mangled_bytes_behind_the_cipher(numbers, talk, mangled, endings):
    played(numbers, talk + mangled + endings).end()


@settings(max_examples=150, deadline=None)
@given(NUMBERS, st.booleans(), TALK, MANGLED, ENDINGS, st.sampled_from([OFF, PREFER]), st.sampled_from([OFF, PREFER]))
def test_the_whole_of_it_with_a_handshake(numbers, is_quick, talk, mangled, endings, one, other):
    shake = [("move", 0, 7, 900)] if is_quick else []
    played(numbers, shake + talk + mangled + endings, True, (one, other)).end()
