"""A session on a pseudo-terminal: nothing lost at a UART's pace, boards that come and go, and boards that are none."""

import os
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest
import serial

from jamliquor_lite.codec.serial_frame import MAX_FRAME
from jamliquor_lite.console import messages
from jamliquor_lite.errors import LocalError
from jamliquor_lite.monitor import asker, sources
from jamliquor_lite.monitor import session as sessions
from jamliquor_lite.monitor.faults import Faults
from jamliquor_lite.monitor.recording import FRAME, Reader
from jamliquor_lite.monitor.session import Replay, Session

from .fake import FakeBoard, listen, now_ms, until

UART = 11_520  # bytes a second at 115200 baud


def connect(source: str, **options: object) -> Session:
    session = Session(sources.make(source), Faults(), **options)  # type: ignore[arg-type]
    session.begin(now_ms())
    return session


def texts(session: Session) -> "list[str]":
    return [line.text for line in session.model.lines]


def test_at_a_uarts_pace_ten_statuses_a_second_lose_no_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    with FakeBoard(rate=UART) as board:
        session = connect(board.source, status_ms=100, record=str(path))
        for number in range(10):
            board.say(f"line {number} of many")
        until(session, lambda: session.model.statuses >= 40 and session.model.peers)
        session.type("help", now_ms())
        until(session, lambda: "help [COMMAND]: these lines" in texts(session))
        model = session.model
        assert (model.lost, session.decoder.broken, board.console.output.dropped) == (0, 0, 0)
        assert model.number("best_slot") >= 1000 and [peer[3] for peer in model.peers] == ["hybrid", "classical", "-"]
        assert [text for text in texts(session) if text.startswith("line ")] == [f"line {n} of many" for n in range(10)]
        assert session.decoder.frames >= 80
        session.end()
    sizes = [len(body) + 8 for _, kind, body in Reader(str(path)).records() if kind == FRAME]
    assert max(sizes) <= MAX_FRAME == 256


def test_what_was_recorded_plays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    with FakeBoard() as board:
        session = connect(board.source, status_ms=100, record=str(path))
        until(session, lambda: session.model.statuses >= 12 and session.model.peers)
        session.type("log 3", now_ms())
        board.say("peer 12D3KooW: connected, hybrid")
        until(session, lambda: "peer 12D3KooW: connected, hybrid" in texts(session))
        session.end()
    replay = Replay(str(path), Faults(), 0)
    replay.begin(0)
    until(replay, lambda: replay.is_over)
    for name in ("values", "peers", "statuses", "lost", "samples", "names"):
        assert getattr(replay.model, name) == getattr(session.model, name), name
    assert [(line.text, line.kind) for line in replay.model.lines] == [
        (line.text, line.kind) for line in session.model.lines]
    assert abs(replay.model.lines[-1].ms - session.model.lines[-1].ms) < 1000
    with pytest.raises(LocalError, match="a recording takes no commands"):
        replay.type("help", 0)


def test_a_replay_has_a_speed_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    with FakeBoard() as board:
        session = connect(board.source, record=str(path))
        until(session, lambda: session.model.statuses >= 2)
        session.end()
    records = list(Reader(str(path)).records())
    replay = Replay(str(path), Faults(), 10)
    replay.begin(1000)
    for at, _, _ in records[::5]:
        list(replay.poll(1000 + at // 10))
        assert replay.at_ms <= at + 10
        assert replay.is_over or replay.wake_at(0) >= 1000 + at // 10


def test_a_board_that_is_unplugged_is_waited_for(tmp_path: Path) -> None:
    with FakeBoard(tmp_path) as board:
        session = connect(board.source, status_ms=100)
        until(session, lambda: session.model.statuses)
        board.unplug()
        until(session, lambda: not session.is_open)
        assert session.fileno() == -1 and "unplugged" in session.why_gone or "closed" in session.why_gone
        with pytest.raises(LocalError, match="not connected: .*(unplugged|closed)"):
            session.type("help", now_ms())
        statuses = session.model.statuses
        board.plug()
        until(session, lambda: session.model.statuses > statuses + 3)
        assert session.connections == 2 and session.model.lost == 0
        session.end()


def test_waits_between_two_attempts_grow_up_to_a_bound(tmp_path: Path) -> None:
    listener = listen(tmp_path / "s")
    session = connect(f"socket:{tmp_path}/s")
    listener.accept()[0].close()
    listener.close()
    until(session, lambda: not session.is_open)
    now, waits = now_ms(), []
    for _ in range(8):
        at = session.wake_at(now)
        waits.append(at - now)
        now = at
        list(session.poll(now))
    assert waits[1:] == sorted(waits[1:]) and waits[-1] == sessions.MOST_RETRY_MS and len(set(waits)) > 3
    assert "nobody listens there" in session.why_gone


def test_a_board_that_begins_anew_is_asked_again() -> None:
    with FakeBoard() as board:
        session = connect(board.source, status_ms=100)
        until(session, lambda: session.model.statuses > 2)
        board.console.status_ms = 0  # as after a reset
        statuses = session.model.statuses
        session.asker._status_at -= 10_000
        until(session, lambda: session.model.statuses > statuses + 2)
        session.end()


def test_statuses_end_with_the_session() -> None:
    with FakeBoard() as board:
        session = connect(board.source, status_ms=100)
        until(session, lambda: session.model.statuses > 2)
        session.end()
        until(session, lambda: board.console.status_ms == 0)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "and not a byte: is the board powered"),
        (b"MicroPython v1.26\r\n>>> ", "a MicroPython prompt answers: the package is not on this board"),
        (b"hello from another firmware\r\n" * 9, "beginning with 'hello from another firmware"),
        (bytes(range(128, 256)) * 9, "most of them no text: is the speed right?"),
    ],
)
def test_a_board_of_others_is_named_by_what_was_seen(data: bytes, said: str) -> None:
    with FakeBoard(speaks=False) as board:
        session = connect(board.source)
        board.send_raw(data)
        until(session, lambda: session.decoder.bytes == len(data))
        told = dict(session.poll(now_ms() + 1000 * sessions.STRANGE_S))
        assert "no frame of jamliquor-lite within 20 s" in told["strange"] and said in told["strange"]
        assert "strange" not in dict(session.poll(now_ms() + 2000 * sessions.STRANGE_S))  # once
        session.end()


def test_a_port_that_others_have_is_named_with_who(tmp_path: Path) -> None:
    with FakeBoard() as board:
        taken = serial.Serial(board.name, exclusive=True)
        with pytest.raises(LocalError, match="another program has it open") as error:
            connect(board.source)
        assert error.value.exit_code == 2
        taken.close()
        connect(board.source).end()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("serial:/dev/ttyNONE", "serial port /dev/ttyNONE: there is no such port"),
        ("serial:ttyNONE@9600", "serial port /dev/ttyNONE: there is no such port"),
        ("serial:/dev/null", "serial port /dev/null: this is no serial port"),
        ("serial:/dev/ttyS0@115201", "the speed must be one of 1200,"),
        ("serial:/dev/ttyS0@fast", "the speed must be one of"),
        ("socket:/none/console", "socket /none/console: there is no such socket"),
        ("socket:127.0.0.1:1", "socket 127.0.0.1:1: nobody listens there"),
        ("socket:127.0.0.1:0", "allowed are a path with a / in it, or HOST:PORT"),
        ("socket:console", "allowed are a path with a / in it, or HOST:PORT"),
        ("usb:x", "source 'usb:x': allowed are serial:PORT@BAUD"),
        ("pty:", "allowed are serial:PORT@BAUD"),
    ],
)
def test_a_source_that_is_none_is_one_line(source: str, said: str) -> None:
    with pytest.raises(LocalError) as error:
        connect(source)
    assert said in str(error.value) and error.value.exit_code == 2 and "\n" not in str(error.value)


def test_who_may_not_is_told_the_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise serial.SerialException(13, "could not open port: [Errno 13] Permission denied")

    monkeypatch.setattr(serial, "Serial", refuse)
    monkeypatch.setattr(sources.grp, "getgrgid", lambda _: SimpleNamespace(gr_name="uucp"))
    with FakeBoard() as board:
        with pytest.raises(LocalError, match=r"permission denied: you have to be in the group uucp \(sudo usermod -aG"):
            connect(board.source)
    with pytest.raises(LocalError, match="permission denied: .*group dialout"):
        connect(f"serial:{tmp_path}/ttyGONE")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open anything")
def test_a_socket_of_somebody_else(tmp_path: Path) -> None:
    with listen(tmp_path / "s"):
        (tmp_path / "s").chmod(0)
        with pytest.raises(LocalError, match="permission denied"):
            connect(f"socket:{tmp_path}/s")


def test_a_command_is_what_can_be_typed() -> None:
    ours, theirs = socket.socketpair()
    session = Session(sources.Socket("/x/y"), Faults())
    session._source._sock = ours  # type: ignore[union-attr]
    session.is_open = True
    for text, said in (("\u00e4", "printable ASCII"), ("a\nb", "printable ASCII"), ("x" * 161, "160 characters")):
        with pytest.raises(LocalError, match=said):
            session.type(text, 0)
    ours.close()
    theirs.close()


def test_no_request_has_a_byte_that_stops_a_board_while_it_starts() -> None:
    with_ctrl_c = 0
    for number in range(0, 1 << 28, 300_007):
        for words in (("status", "every", "100"), ("status", "fields"), ("log", "16"), ("peers",)):
            with_ctrl_c += 3 in asker.frame(messages.request(number, words[0], words[1:]))
            found, body = asker.harmless(number, words)
            assert 3 not in asker.frame(body) and messages.read(body) == [messages.REQUEST, found, *words]
    assert with_ctrl_c > 50  # there is something to avoid
