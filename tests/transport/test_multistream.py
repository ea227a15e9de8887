# portable: runs on CPython and MicroPython
"""multistream-select: what is agreed, where it stops, and what a peer may not do."""

from jamliquor_lite.errors import LocalError, RemoteError
from jamliquor_lite.transport.multistream import (
    AGREED,
    MAX_MESSAGE,
    MAX_NAME,
    MAX_TRIES,
    PROTOCOL_ERROR,
    REFUSED,
    RUNNING,
    Dialer,
    Listener,
    message,
)
from tests.support import raises

HEADER = b"\x13/multistream/1.0.0\n"
NA = b"\x03na\n"
NOISE = "/noise"
HYBRID = "/noise-mlkem768-hfs/0.2.0"


def drained(core, room=4096):
    """All that the core sends, fetched in pieces of `room` bytes."""
    buf = bytearray(room)
    out = b""
    while True:
        count = core.drain(buf, 0, room, 0)
        assert count <= room
        if not count:
            assert not core.has_output
            return out
        out += bytes(buf[:count])


def fed(core, data, room=4096):
    """Feed `data` in pieces of `room` bytes, anew from where the core stopped; how much it took."""
    at = 0
    while at < len(data) and core.state == RUNNING:
        taken = core.feed(data, at, min(len(data), at + room), 0)
        assert taken > 0
        at += taken
    return at


def talk(dialer, listener, room=4096):
    """Let both talk in pieces of `room` bytes until nothing moves."""
    moved = True
    while moved:
        moved = False
        for sender, receiver in ((dialer, listener), (listener, dialer)):
            data = drained(sender, room)
            moved = moved or bool(data)
            assert fed(receiver, data, room) == len(data)


def served(*names):
    return Listener(lambda name: name in names)


def greeted(listener):
    """The listener after the headers."""
    fed(listener, HEADER)
    assert drained(listener) == HEADER
    return listener


def test_the_bytes_are_those_of_the_specification():
    assert message("na") == b"\x03\x6e\x61\x0a"
    dialer = Dialer([NOISE])
    assert dialer.optimistic
    assert drained(dialer) == HEADER + b"\x07/noise\n"
    assert fed(dialer, HEADER) == len(HEADER) and dialer.state == RUNNING
    assert fed(dialer, b"\x07/noise\n") == 8
    assert (dialer.state, dialer.protocol) == (AGREED, NOISE)
    listener = served(NOISE)
    assert drained(listener) == b"", "whoever says nothing hears nothing"
    assert fed(listener, HEADER + b"\x07/noise\n") == len(HEADER) + 8
    assert (listener.state, listener.protocol) == (AGREED, NOISE)
    assert drained(listener) == HEADER + b"\x07/noise\n"


def test_the_first_proposal_that_is_served_wins():
    for ours, theirs, expected in (
        ([HYBRID, NOISE], (HYBRID, NOISE), HYBRID),
        ([HYBRID, NOISE], (NOISE,), NOISE),
        ([NOISE, HYBRID], (HYBRID, NOISE), NOISE),
        (["/a", "/b", "/c"], ("/c",), "/c"),
    ):
        for room in (1, 2, 3, 7, 4096):
            dialer, listener = Dialer(ours), served(*theirs)
            talk(dialer, listener, room)
            assert dialer.state == listener.state == AGREED
            assert dialer.protocol == listener.protocol == expected
            assert not dialer.optimistic


def test_none_in_common_is_refused_and_no_fault():
    dialer, listener = Dialer([HYBRID, NOISE]), served("/tls/1.0.0")
    talk(dialer, listener)
    assert dialer.state == REFUSED and dialer.protocol == ""
    assert listener.state == RUNNING, "the dialer may try another"


def test_what_follows_the_deciding_message_is_left_alone():
    rest = b"\x00\x20noise begins"
    for data, make in (
        (HEADER + message(NOISE), lambda: Dialer([NOISE])),
        (HEADER + NA, lambda: Dialer([NOISE])),
        (HEADER + message(NOISE), lambda: served(NOISE)),
        (HEADER + message("/tls/1.0.0") + message(NOISE), lambda: served(NOISE)),
    ):
        whole = data + rest
        for cut in range(len(whole) + 1):
            core = make()
            drained(core)
            taken = core.feed(whole, 0, cut, 0)
            assert taken == min(cut, len(data))
            assert (core.state == RUNNING) == (cut < len(data))
            taken += core.feed(whole, taken, len(whole), 0)
            assert taken == len(data) and core.state in (AGREED, REFUSED)
            assert core.feed(whole, taken, len(whole), 0) == 0


def test_optimistic_bytes_behind_the_proposal_reach_the_next_layer():
    dialer = Dialer([NOISE])
    data = drained(dialer) + b"early"
    listener = served(NOISE)
    taken = fed(listener, data)
    assert data[taken:] == b"early"


def test_a_view_and_a_range_are_taken():
    listener = served(NOISE)
    data = memoryview(b"xx" + HEADER + message(NOISE) + b"yy")
    assert listener.feed(data, 2, len(data), 0) == len(data) - 4
    out = bytearray(b"." * 64)
    count = listener.drain(memoryview(out), 3, 64, 0)
    assert bytes(out[: 3 + count + 1]) == b"..." + HEADER + message(NOISE) + b"."


def test_what_a_side_wants_is_its_own_to_the_last_byte():
    rest = b"and the next layer"
    for core, data in (
        (Dialer([NOISE]), HEADER + message(NOISE)),
        (served(NOISE), HEADER + message("/tls/1.0.0") + message(NOISE)),
    ):
        drained(core)
        data += rest
        at = 0
        while core.wants():
            at += core.feed(data, at, at + core.wants(), 0)
        assert core.state == AGREED and data[at:] == rest


def test_an_answer_comes_only_after_its_question():
    dialer = Dialer([NOISE])
    assert fed(dialer, HEADER) == len(HEADER), "both may say the header at once"
    assert raises(RemoteError, dialer.feed, message(NOISE), 0, 8, 0).code == PROTOCOL_ERROR
    dialer = Dialer([HYBRID, NOISE])
    drained(dialer)
    data = HEADER + NA + NA
    raises(RemoteError, dialer.feed, data, 0, len(data), 0)
    assert dialer.state == REFUSED


def test_a_dialer_takes_its_name_or_na_and_nothing_else():
    for answer in (b"\x07/noisf\n", b"\x08/noise2\n", b"\x06/nois\n", b"\x03ls\n", b"\x04na2\n", HEADER, b"\x01\n"):
        dialer = Dialer([NOISE])
        drained(dialer)
        fed(dialer, HEADER)
        error = raises(RemoteError, dialer.feed, answer, 0, len(answer), 0)
        assert error.code == PROTOCOL_ERROR and "neither /noise nor na" in str(error)
        assert dialer.state == REFUSED
        assert dialer.feed(answer, 0, len(answer), 0) == 0


def test_a_name_of_the_size_of_na():
    dialer = Dialer(["ok", "no"])
    drained(dialer)
    fed(dialer, HEADER + NA)
    drained(dialer)
    fed(dialer, b"\x03no\n")
    assert dialer.protocol == "no"


def test_other_first_words_end_it():
    for data in (
        b"\x13/multistream/2.0.0\n",
        b"\x13/multistream/1.0.0 ",
        b"\x07/noise\n",
        b"\x12/multistream/1.0.\n",
        b"GET / HTTP/1.1\r\n\r\n" + b"x" * 80,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(32)),
        b"\x00",
        b"\xff" * 16,
        b"\x80\x00",
    ):
        for core in (Dialer([NOISE]), served(NOISE)):
            drained(core)
            assert raises(RemoteError, fed, core, data).code == PROTOCOL_ERROR
            assert core.state == REFUSED and drained(core) == b""


def test_ls_and_unknown_names_are_not_available():
    for name in ("ls", "/tls/1.0.0", "na", "/noise ", "/" + "x" * (MAX_MESSAGE - 2)):
        listener = greeted(served(NOISE))
        fed(listener, message(name))
        assert drained(listener) == NA and listener.state == RUNNING
        fed(listener, message(NOISE))
        assert listener.protocol == NOISE


def test_only_names_that_we_could_serve_are_looked_up():
    asked = []

    def accept(name):
        asked.append(name)
        return False

    longest = "/" + "x" * (MAX_NAME - 1)
    others = (message(longest + "x"), message("/\xe9"), b"\x02\xc3\n", b"\x01\n", message("ls"), message("na"))
    for data in (message(longest),) + others:
        listener = greeted(Listener(accept))
        fed(listener, data)
        assert drained(listener) == NA
    assert asked == [longest]


def test_tries_are_counted():
    for tries in (0, 1, MAX_TRIES):
        listener = greeted(Listener(lambda name: False, tries))
        for i in range(tries):
            fed(listener, message("/name/%d" % i))
        assert drained(listener) == NA * tries, "all of them fit what waits to be sent"
        assert raises(RemoteError, fed, listener, message("/one/more")).code == PROTOCOL_ERROR
        assert listener.state == REFUSED and drained(listener) == b""


def test_a_flood_of_names_in_one_piece_ends_at_the_bound():
    flood = HEADER + message("/x") * 10_000
    listener = served(NOISE)
    raises(RemoteError, listener.feed, flood, 0, len(flood), 0)
    assert len(drained(listener)) == len(HEADER) + MAX_TRIES * len(NA)


def test_sizes_are_bounded():
    for size, is_taken in ((MAX_MESSAGE, True), (MAX_MESSAGE + 1, False), (1 << 20, False)):
        prefix = b""
        rest = size
        while rest > 127:
            prefix += bytes([rest & 127 | 128])
            rest >>= 7
        prefix += bytes([rest])
        listener = greeted(served(NOISE))
        if is_taken:
            fed(listener, prefix + b"x" * (size - 1) + b"\n")
            assert drained(listener) == NA
        else:
            assert "message of %d bytes" % size in str(raises(RemoteError, fed, listener, prefix))


def test_text_is_text():
    for data in (b"\x07/noise ", b"\x07/no\nse\n", b"\x07/no\x00se\n", b"\x07/no\x7fse\n", b"\x08/noise\r\n", b"\x00"):
        listener = greeted(served(NOISE, "/noise "))
        raises(RemoteError, fed, listener, data)
        assert listener.state == REFUSED


def test_our_own_mistakes_are_local():
    raises(LocalError, Dialer, [])
    for name in ("", "a\nb", "\x00", "x" * MAX_MESSAGE, "na", "ls"):
        raises(LocalError, Dialer, [NOISE, name])
    assert len(message("x" * (MAX_MESSAGE - 1))) == MAX_MESSAGE + 2
