"""The wireless network of a board: where its password comes from here, and how a board's console is told.

The password is in no argument, no line that is printed and no file of this machine. It goes to the board as a frame of
its console (console/messages.py), of which nothing is shown or kept, or into a file there (flash/repl.py).
"""

import getpass
import os
import sys
import time

from ..codec.serial_frame import BODY_AT, FRAME, MAX_FRAME, Sorter, finish
from ..console import messages
from ..const import const
from ..errors import LocalError, VerifyError
from ..ports.micropython import wlan

VARIABLE = "JAMLIQUOR_WIFI_PASSWORD"
_LINE = const(256)  # characters that are read of stdin
_ANSWER_S = const(10)
_AGAIN_S = 1.0  # a board that still starts does not listen yet
_READ_BYTES = const(256)


def check_name(ssid: str) -> None:
    """LocalError where no network can be called so."""
    wlan.check(ssid, "")


def password(ssid: str) -> str:
    """From the environment, else asked for on a terminal without being shown, else a line of stdin. LocalError where it
    can be none."""
    found = os.environ.get(VARIABLE)
    if found is None and sys.stdin.isatty():
        try:
            found = getpass.getpass(f"password of {ssid} (empty for an open network): ")
        except EOFError:
            found = ""
    elif found is None:
        found = sys.stdin.readline(_LINE).rstrip("\r\n")
    wlan.check(ssid, found)
    return found


def tell(port: str, ssid: str, secret: str) -> str:
    """Tell a board by the console on its serial port; what it says to that. LocalError."""
    import serial  # type: ignore[import-untyped,unused-ignore]

    frame = _frame(messages.request(1, "wifi", (ssid, secret)))
    try:
        with serial.Serial(port, 115_200, timeout=0.1, write_timeout=_ANSWER_S, exclusive=True) as line:
            return _ask(line, port, frame)
    except OSError as error:  # serial.SerialException is one
        raise LocalError(f"port {port}: {error.strerror or error}; the network was not set: type `wifi NAME` there")


def _ask(line: "object", port: str, frame: bytes) -> str:
    sorter = Sorter()
    limit = time.monotonic() + _ANSWER_S
    asked = -_AGAIN_S
    said = ""
    while time.monotonic() < limit:
        if time.monotonic() - asked >= _AGAIN_S:
            asked = time.monotonic()
            line.write(frame)  # type: ignore[attr-defined]
        data = line.read(_READ_BYTES)  # type: ignore[attr-defined]
        at = 0
        while at < len(data):
            at = sorter.feed(data, at, len(data), int(time.monotonic() * 1000))
            if sorter.event != FRAME:
                continue
            try:
                items = messages.read(bytes(memoryview(sorter.buf)[sorter.start : sorter.end]))
            except VerifyError:
                continue
            if items[:2] == [messages.ROW, 1]:
                said = str(items[2])
            elif items[:2] == [messages.DONE, 1]:
                return said
            elif items[:2] == [messages.FAULT, 1]:
                raise LocalError(f"port {port}: the board says {items[2]}")
    raise LocalError(f"port {port}: no answer within {_ANSWER_S} s, so the network was not set: type `wifi NAME` there")


def _frame(body: bytes) -> bytes:
    buf = bytearray(MAX_FRAME)
    buf[BODY_AT : BODY_AT + len(body)] = body
    return bytes(buf[: finish(buf, BODY_AT + len(body))])
