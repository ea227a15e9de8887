"""Between an emulated board's console and who reads it: several readers at once, and a question of our own.

QEMU's end is a connection that QEMU makes to us, so that not a byte of a start is lost. Readers connect to a Unix
socket when they like; a late one is given the end of what was said before. What any of them types goes to the board.
"""

import contextlib
import os
import selectors
import socket
import threading
import time

from ..codec import serial_frame
from ..codec.serial_frame import FRAME, TEXT, Sorter
from ..console import messages
from ..const import const
from ..errors import VerifyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

READERS = 4  # at once
_RECEIVE_BYTES = const(4096)
_KEPT_BYTES = const(16 * 1024)  # of what was said, for a reader who comes late
_WAITING_BYTES = const(64 * 1024)  # for a reader who does not read; then it is shut out
_LINE_CHARACTERS = const(400)
_KEPT_LINES = const(12)


class Relay:
    """`listen` makes the two sockets; `start` once QEMU has connected; `close` ends all of it.

    `status` has the newest value of each field that the board told, by name; `lines` the last ones of text.
    """

    def __init__(self, folder: str) -> None:
        self.board_path = os.path.join(folder, "uart")
        self.path = os.path.join(folder, "console")
        self.status: "dict[str, Any]" = {}
        self.lines: "list[str]" = []
        self.has_ended = threading.Event()  # the board's side has
        self._answered = threading.Event()
        self._for_board = _listen(self.board_path, 1)
        self._for_readers = _listen(self.path, READERS)
        self._wake, self._woken = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._board: "socket.socket | None" = None
        self._to_board = bytearray()
        self._readers: "dict[socket.socket, bytearray]" = {}  # what waits for each
        self._kept = bytearray()
        self._sorter = Sorter()
        self._text = ""
        self._names = list(messages.fields())
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def accept(self, is_running: "Any", limit_s: float) -> bool:
        """Wait for QEMU to connect; False when it has ended instead, as `is_running()` says, or is too slow."""
        until = time.monotonic() + limit_s
        self._for_board.settimeout(0.1)
        while time.monotonic() < until and is_running():
            with contextlib.suppress(TimeoutError):
                self._board = self._for_board.accept()[0]
                self._board.setblocking(False)
                self._thread.start()
                return True
        return False

    def note(self, text: str) -> None:
        """A line of our own, for readers who come later: before it the board has said nothing yet, or whole lines."""
        self._kept += text.encode() + b"\r\n"

    def ask_status(self, limit_s: float) -> "dict[str, Any]":
        """The board's status, asked now; what was told before when it does not answer in time."""
        self._answered.clear()
        self._send(serial_frame.encode(messages.request(messages.MAX_ID, "status")))
        until = time.monotonic() + limit_s
        while not self._answered.wait(0.1) and time.monotonic() < until and not self.has_ended.is_set():
            pass
        return dict(self.status)

    def close(self) -> None:
        """End the thread, and close every socket."""
        self._is_closing = True
        self._wake.send(b"\0")
        if self._thread.ident is not None:
            self._thread.join()
        for sock in (self._for_board, self._for_readers, self._wake, self._woken, self._board, *self._readers):
            if sock is not None:
                sock.close()
        for path in (self.board_path, self.path):
            with contextlib.suppress(OSError):
                os.unlink(path)

    # the thread's

    def _run(self) -> None:
        assert self._board is not None
        for given in (self._for_readers, self._woken, self._board):
            self._selector.register(given, selectors.EVENT_READ)
        self._for_readers.setblocking(False)
        while not self._is_closing:
            for key, events in self._selector.select():
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                if sock is self._woken:
                    sock.recv(_RECEIVE_BYTES)
                elif sock is self._for_readers:
                    self._admit()
                elif sock is self._board:
                    self._serve_board(events)
                elif sock in self._readers:
                    self._serve_reader(sock, events)
            self._watch()

    def _admit(self) -> None:
        with contextlib.suppress(OSError):
            sock = self._for_readers.accept()[0]
            if len(self._readers) >= READERS or self.has_ended.is_set():
                sock.close()
                return
            sock.setblocking(False)
            self._readers[sock] = bytearray(self._kept)
            self._selector.register(sock, selectors.EVENT_READ)

    def _serve_board(self, events: int) -> None:
        assert self._board is not None
        if events & selectors.EVENT_WRITE and self._to_board:
            self._write(self._board, self._to_board)
        if not events & selectors.EVENT_READ:
            return
        try:
            data = self._board.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(self._board)
            self.has_ended.set()
            for sock in list(self._readers):
                self._dismiss(sock)
            return
        self._kept = (self._kept + data)[-_KEPT_BYTES:]
        self._hear(data)
        for sock, waiting in list(self._readers.items()):
            waiting += data
            if len(waiting) > _WAITING_BYTES:
                self._dismiss(sock)

    def _serve_reader(self, sock: socket.socket, events: int) -> None:
        if events & selectors.EVENT_WRITE and not self._write(sock, self._readers[sock]):
            self._dismiss(sock)
            return
        if not events & selectors.EVENT_READ:
            return
        try:
            data = sock.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._dismiss(sock)
        elif len(self._to_board) < _WAITING_BYTES:
            self._to_board += data

    def _watch(self) -> None:
        """Ask for what each socket waits for now."""
        for sock, waiting in self._readers.items():
            self._selector.modify(sock, selectors.EVENT_READ | (selectors.EVENT_WRITE if waiting else 0))
        if self._board is not None and not self.has_ended.is_set():
            self._selector.modify(self._board, selectors.EVENT_READ | (selectors.EVENT_WRITE if self._to_board else 0))

    def _dismiss(self, sock: socket.socket) -> None:
        del self._readers[sock]
        self._selector.unregister(sock)
        sock.close()

    def _write(self, sock: socket.socket, waiting: bytearray) -> bool:
        """Send what it takes; whether it is still there."""
        try:
            sent = sock.send(waiting)
        except BlockingIOError:
            return True
        except OSError:
            return False
        del waiting[:sent]
        return True

    def _send(self, data: bytes) -> None:
        """Say something to the board, from another thread."""
        self._to_board += data
        with contextlib.suppress(OSError):
            self._wake.send(b"\0")

    def _hear(self, data: bytes) -> None:
        """Keep what the board said: its status by name, its lines."""
        at, now = 0, int(time.monotonic() * 1000)
        while at < len(data):
            at = self._sorter.feed(data, at, len(data), now)
            if self._sorter.event == TEXT:
                text = data[self._sorter.text_start : self._sorter.text_end].decode("utf-8", "replace")
                *whole, self._text = (self._text + text).split("\n")
                self.lines = (self.lines + [line.rstrip("\r")[:_LINE_CHARACTERS] for line in whole])[-_KEPT_LINES:]
                self._text = self._text[-_LINE_CHARACTERS:]
            elif self._sorter.event == FRAME:
                with contextlib.suppress(VerifyError):
                    self._take(messages.read(bytes(self._sorter.buf[self._sorter.start : self._sorter.end])))

    def _take(self, items: "list[Any]") -> None:
        if items[0] == messages.STATUS and len(items) > 3 and messages.is_whole(items[2]):
            self.status.update(zip(self._names[items[2] :], items[3:]))
        elif items[0] in (messages.DONE, messages.FAULT) and items[1:2] == [messages.MAX_ID]:
            self._answered.set()


def _listen(path: str, backlog: int) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    sock.listen(backlog)
    return sock
