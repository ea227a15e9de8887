# portable: runs on CPython and MicroPython
"""The wireless network of a board, with a radio made by hand: joining, losing, backing off, and the password unseen."""

import os

from jamliquor_lite.console import commands, wifi
from jamliquor_lite.console.console import Console
from jamliquor_lite.errors import LocalError
from jamliquor_lite.ports.micropython import wlan

SECRET = "correct horse"
FOLDER = "_wlan_test_"  # a prefix: the file lies where the test runs


class Radio:
    """A network.WLAN whose access point takes one password, while it is there."""

    STAT_WRONG_PASSWORD = -3

    def __init__(self):
        self.is_there = True
        self.accepts = SECRET
        self.joined = False
        self.said = 0
        self.tries = []

    def active(self, is_on):
        assert is_on

    def connect(self, ssid, password):
        self.tries.append(ssid)
        self.joined = self.is_there and password == self.accepts
        self.said = self.STAT_WRONG_PASSWORD if self.is_there and not self.joined else 1

    def disconnect(self):
        self.joined = False

    def isconnected(self):
        return self.joined and self.is_there

    def status(self):
        return self.said

    def ifconfig(self):
        return ("192.0.2.7", "", "", "")


class Tty:
    """A serial line: what is typed, a piece at each read, and what was shown."""

    def __init__(self):
        self.typed = []
        self.shown = bytearray()

    def recv_into(self, buf, start, end):
        if not self.typed:
            return 0
        data = self.typed.pop(0)
        buf[start : start + len(data)] = data
        return len(data)

    def send(self, buf, start, end):
        self.shown.extend(bytes(memoryview(buf)[start:end]))
        return end - start

    def watch(self, reading, writing):
        pass


def network():
    radio = Radio()
    found = wlan.Wlan(radio, FOLDER, radio)
    found.forget()
    return radio, found


def wait(found, now, until):
    """Let it act until it is in that state; the time."""
    for _ in range(2000):
        if found.state == until:
            return now
        now += found.step(now)
    raise AssertionError(found.describe())


def test_it_joins_and_comes_back():
    radio, found = network()
    assert found.step(0) > 0 and not radio.tries and found.describe() == "no network is set"
    found.save("Home Net", SECRET)
    now = wait(found, 0, wlan.JOINED)
    assert found.describe() == "Home Net: joined, 192.0.2.7" and found.joins == 1
    radio.is_there = False
    now = wait(found, now + found.step(now), wlan.JOINING)
    now = wait(found, now, wlan.WAITING)
    assert "no answer" in found.describe()
    radio.is_there = True
    wait(found, now, wlan.JOINED)
    assert found.joins == 2
    found.forget()


def test_tries_come_ever_more_seldom_up_to_a_bound():
    radio, found = network()
    radio.is_there = False
    found.save("Home", SECRET)
    now, at, last = 0, [], 0
    while len(at) < 12:
        now += found.step(now)
        if len(radio.tries) > last:
            last = len(radio.tries)
            at.append(now)
    gaps = [later - earlier - wlan.JOIN_MS for earlier, later in zip(at, at[1:])]
    assert gaps[0] < 2 * wlan.FIRST_WAIT_MS
    for earlier, later in zip(gaps, gaps[1:]):
        assert later >= earlier - 500
    assert wlan.MOST_WAIT_MS <= gaps[-1] < wlan.MOST_WAIT_MS + 2000
    found.forget()


def test_a_wrong_password_is_said_without_it():
    radio, found = network()
    found.save("Home", "not that one")
    wait(found, wait(found, 0, wlan.JOINING), wlan.WAITING)
    assert found.describe() == "Home: waits before it tries again, wrong password"
    found.forget()


def test_the_file_is_read_at_the_next_start():
    radio, found = network()
    found.save("Caf\u00e9 = 1", "")
    again = wlan.Wlan(radio, FOLDER, radio)
    again.load()
    assert again.ssid == "Caf\u00e9 = 1"
    with open(FOLDER + wlan.FILE_NAME, "w") as file:
        file.write("ssid = Home\npassword = short\n")
    try:
        again.load()
        raise AssertionError()
    except LocalError as error:
        assert "short" not in str(error)
    found.forget()
    assert FOLDER + wlan.FILE_NAME not in os.listdir(".")


def test_what_cannot_be_right_is_refused():
    for ssid, password in (("", ""), ("x" * 33, ""), ("a\nb", ""), ("Home", "seven77"), ("Home", "x" * 64),
                           ("Home", "tab\tinside"), ("Home", "caf\u00e9 noir")):
        try:
            wlan.check(ssid, password)
            raise AssertionError(ssid)
        except LocalError as error:
            assert error.exit_code == 2 and (not password or password not in str(error))


def with_console():
    radio, found = network()
    before = commands.COMMANDS
    wifi.offer(found)
    tty = Tty()
    return radio, found, before, tty, Console(tty, None)


def talk(console, tty, *pieces):
    for piece in pieces:
        tty.typed.append(piece)
        for _ in range(8):
            console.poll(0)


def test_the_console_asks_for_the_password_and_does_not_show_it():
    radio, found, before, tty, console = with_console()
    try:
        talk(console, tty, b"wifi Home Net\r", SECRET.encode() + b"\rwifi\r")
        assert SECRET.encode() not in tty.shown
        assert b"password of Home Net (not shown; empty for an open network):" in tty.shown
        wait(found, 0, wlan.JOINED)
        assert radio.tries == ["Home Net"]
        talk(console, tty, b"wifi\r")
        assert b"Home Net: joined, 192.0.2.7" in tty.shown
        shown = len(tty.shown)
        talk(console, tty, b"help wifi\r")
        assert b"wifi [NAME | --forget]" in tty.shown[shown:]
        talk(console, tty, b"wifi --forget\r")
        assert found.ssid == "" and console.editor.__class__.__name__ == "LineEditor"
    finally:
        commands.COMMANDS = before
        found.forget()


def test_an_unfit_password_and_ctrl_c():
    radio, found, before, tty, console = with_console()
    try:
        talk(console, tty, b"wifi Home\r", b"seven77\r")
        assert b"a password has 8 to 63 characters" in tty.shown and b"seven77" not in tty.shown
        talk(console, tty, b"wifi Home\r", b"correct\x03")
        assert b"^C" in tty.shown and b"correct" not in tty.shown and found.ssid == ""
        talk(console, tty, b"wifi\r")
        assert b"no network is set" in tty.shown
    finally:
        commands.COMMANDS = before
        found.forget()


def test_a_message_in_between_does_not_show_it():
    radio, found, before, tty, console = with_console()
    try:
        talk(console, tty, b"wifi Home\r", b"correct h")
        console.tell("a header came")
        talk(console, tty, b"orse\r")
        assert b"a header came" in tty.shown and b"correct" not in tty.shown
        wait(found, 0, wlan.JOINED)
    finally:
        commands.COMMANDS = before
        found.forget()
