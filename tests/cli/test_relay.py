"""The relay between an emulated board and who reads it, with a socket in the place of QEMU."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jamliquor_lite.cli.relay import READERS, Relay
from jamliquor_lite.codec import cbor, serial_frame
from jamliquor_lite.codec.serial_frame import FRAME, Sorter
from jamliquor_lite.console import messages


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    made = Relay(str(tmp_path))
    yield made
    made.close()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def board(relay: Relay) -> Iterator[socket.socket]:
    with connected(relay.board_path) as sock:
        assert relay.accept(lambda: True, 10)
        yield sock


def connected(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(10)
    sock.connect(path)
    return sock


def read(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        assert more, data
        data += more
    return data


def status(**values: object) -> bytes:
    """The frames with which a board tells these fields; all others are 0."""
    names = list(messages.fields())
    told = [values.get(name, 0) for name in names]
    parts = [(at, told[at : at + 20]) for at in range(0, len(told), 20)]
    return b"".join(serial_frame.encode(cbor.dumps([messages.STATUS, 7, at, *part])) for at, part in parts)


def test_what_the_board_says_goes_to_all_and_what_they_type_to_it(relay: Relay, board: socket.socket) -> None:
    with connected(relay.path) as one, connected(relay.path) as other:
        one.sendall(b"a")
        other.sendall(b"b")
        assert sorted(read(board, 2)) == sorted(b"ab")
        board.sendall(b"to both\r\n")
        assert read(one, 9) == read(other, 9) == b"to both\r\n"


def test_who_comes_late_is_told_what_was_said(relay: Relay, board: socket.socket) -> None:
    with connected(relay.path) as first:
        board.sendall(b"x" * 20_000 + b"the end")
        read(first, 20_007)
        with connected(relay.path) as late:
            assert read(late, 16 * 1024).endswith(b"xxthe end")


def test_a_reader_too_many_is_turned_away(relay: Relay, board: socket.socket) -> None:
    board.sendall(b"!")
    readers = [connected(relay.path) for _ in range(READERS)]
    assert [read(sock, 1) for sock in readers] == [b"!"] * READERS
    with connected(relay.path) as another:
        assert another.recv(1) == b""
    readers.pop().close()
    while True:  # the relay may not have seen yet that a place is free
        with connected(relay.path) as another:
            if another.recv(1):
                break
    for sock in readers:
        sock.close()


def test_a_reader_that_does_not_read_is_shut_out(relay: Relay, board: socket.socket) -> None:
    with connected(relay.path) as idle, connected(relay.path) as reader:
        board.sendall(b"!")
        assert read(idle, 1) == read(reader, 1) == b"!"
        for _ in range(64):  # in step with the one that reads, who gets all of it
            board.sendall(b"y" * 16_384)
            assert read(reader, 16_384) == b"y" * 16_384
        got = 0
        while data := idle.recv(1 << 20):
            got += len(data)
        assert got < 64 * 16_384


def test_the_status_is_asked_for_and_read_from_the_frames(relay: Relay, board: socket.socket) -> None:
    def answer() -> None:
        sorter = Sorter()
        while sorter.event != FRAME:
            data = board.recv(1)
            sorter.feed(data, 0, len(data), 0)
        kind, number, command = messages.read(bytes(sorter.buf[sorter.start : sorter.end]))
        assert (kind, command) == (messages.REQUEST, "status")
        board.sendall(b"text between\r\n" + status(best_slot=54, headers_checked=50, level="sealed")
                      + serial_frame.encode(messages.done(number, 0)))

    threading.Thread(target=answer, daemon=True).start()
    found = relay.ask_status(10)
    assert (found["best_slot"], found["headers_checked"], found["level"]) == (54, 50, "sealed")
    assert relay.lines == ["text between"]


def test_a_board_that_is_silent_or_gone_says_nothing(relay: Relay, board: socket.socket) -> None:
    assert relay.ask_status(0) == {}
    with connected(relay.path) as reader:
        board.sendall(b"PANIC: \0\1\xff\0\r\n")  # what looks like a frame and is none does no harm
        read(reader, 13)
        board.close()
        assert reader.recv(1) == b""
    assert relay.has_ended.wait(10) and relay.ask_status(60) == {}
    assert relay.lines[-1].startswith("PANIC")


def test_a_qemu_that_ends_at_once_is_no_board(relay: Relay) -> None:
    assert not relay.accept(lambda: False, 60)
