"""The wireless network of a board with a radio: joins the one in `wifi.conf`, and again whenever it is lost.

    wlan = Wlan(network.WLAN(network.WLAN.IF_STA))
    wlan.load()
    await wlan.run(clock.ticks_ms)      a task beside the node's; never ends

`wifi.conf` has two lines, `ssid = NAME` and `password = …`, the second empty for an open network. The password stands
in that file and nowhere else: no message has it. Only boards with a radio have this module.
"""

import os

from ...const import const
from ...errors import LocalError

FILE_NAME = "wifi.conf"
MAX_BYTES = const(256)  # of the file
MAX_SSID = const(32)  # bytes, IEEE 802.11
LEAST_PASSWORD = const(8)  # characters, WPA2
MAX_PASSWORD = const(63)
FIRST_WAIT_MS = const(1_000)  # after the first failure; each further one doubles it
MOST_WAIT_MS = const(60_000)  # an access point that restarts is back in less
JOIN_MS = const(20_000)  # for association, keys and DHCP
_LOOK_MS = const(250)  # while joining
_IDLE_MS = const(1_000)

OFF = 0  # no network is set
WAITING = 1
JOINING = 2
JOINED = 3
_WORDS = ("no network is set", "waits before it tries again", "joining", "joined")
# What ports call it when joining failed for a reason.
_REASONS = (("STAT_WRONG_PASSWORD", "wrong password"), ("STAT_NO_AP_FOUND", "no such network in reach"),
            ("STAT_ASSOC_FAIL", "refused"), ("STAT_CONNECT_FAIL", "refused"),
            ("STAT_HANDSHAKE_TIMEOUT", "wrong password"))


class Wlan:
    """`state` is one of the above, `ssid` the network's name, `why` what the last failure was, `joins` how often it was
    joined."""

    def __init__(self, radio: "object", folder: str = "", reasons: "object" = None) -> None:
        """`radio` is a network.WLAN; `reasons` has the constants of its status, network itself or its WLAN."""
        self._radio = radio
        self._path = folder + FILE_NAME
        self.ssid = ""
        self._password = ""
        self.state = OFF
        self.why = ""
        self.joins = 0
        self._until = 0
        self._wait = FIRST_WAIT_MS
        self._reasons = {}
        for name, text in _REASONS:
            number = getattr(reasons, name, None)
            if number is not None:
                self._reasons[number] = text

    def load(self) -> None:
        """Take what the file says, if there is one. LocalError where it says nothing of use."""
        try:
            with open(self._path, "rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError:
            return
        found = {}
        try:
            for line in data.decode().split("\n"):
                name, equals, value = line.partition(" = ")
                if equals:
                    found[name] = value
            check(found["ssid"], found["password"])
        except (UnicodeError, KeyError, LocalError):
            raise LocalError("%s: not ssid and password, so there is no network" % self._path, 2)
        self._take(found["ssid"], found["password"])

    def save(self, ssid: str, password: str) -> None:
        """Keep these, and join that network. LocalError where they cannot be right."""
        with open(self._path + ".new", "w") as file:
            file.write(text(ssid, password))
        os.rename(self._path + ".new", self._path)
        self._take(ssid, password)

    def forget(self) -> None:
        """Leave the network, and do not come back."""
        try:
            os.remove(self._path)
        except OSError:
            pass
        self._take("", "")

    def describe(self) -> str:
        """For people, without the password."""
        text = _WORDS[self.state]
        if self.ssid:
            text = "%s: %s" % (self.ssid, text)
        if self.state == JOINED:
            text += ", %s" % self._address()
        elif self.why:
            text += ", %s" % self.why
        return text

    async def run(self, ticks_ms: "object") -> None:
        """Stay in the network. A task beside the node's."""
        import asyncio

        while True:
            await asyncio.sleep_ms(self.step(ticks_ms()))

    def step(self, now: int) -> int:
        """Look, and act; how many ms until there is something to do again."""
        if not self.ssid:
            self.state = OFF
            return _IDLE_MS
        radio = self._radio
        try:
            if radio.isconnected():
                if self.state != JOINED:
                    self.state = JOINED
                    self.joins += 1
                    self.why = ""
                self._wait = FIRST_WAIT_MS
                return _IDLE_MS
            if self.state == JOINED:  # lost: at once, the first time
                self.why = "lost"
                self.state = WAITING
                self._until = now
            if self.state == JOINING:
                reason = self._reasons.get(radio.status())
                if reason is None and now < self._until:
                    return _LOOK_MS
                self._fail(reason or "no answer", now)
            if self.state == OFF:
                self.state = WAITING
                self._until = now
            if now < self._until:
                return min(self._until - now, _IDLE_MS)
            radio.active(True)
            radio.connect(self.ssid, self._password)
            self.state = JOINING
            self._until = now + JOIN_MS
            return _LOOK_MS
        except OSError as error:  # the driver's own
            self._fail("error %s" % error.errno, now)
            return _IDLE_MS

    def _fail(self, why: str, now: int) -> None:
        self.why = why
        self.state = WAITING
        self._until = now + self._wait
        self._wait = min(2 * self._wait, MOST_WAIT_MS)
        try:
            self._radio.disconnect()
        except OSError:
            pass  # it was not connected

    def _take(self, ssid: str, password: str) -> None:
        if self.state != OFF:
            try:
                self._radio.disconnect()
            except OSError:
                pass
        self.ssid = ssid
        self._password = password
        self.state = OFF
        self.why = ""
        self._wait = FIRST_WAIT_MS

    def _address(self) -> str:
        try:
            return self._radio.ifconfig()[0]
        except (OSError, AttributeError, IndexError):
            return "no address"


def text(ssid: str, password: str) -> str:
    """What `wifi.conf` holds for this network. LocalError as `check`."""
    check(ssid, password)
    return "ssid = %s\npassword = %s\n" % (ssid, password)


def check(ssid: str, password: str) -> None:
    """LocalError where no network has such a name or password. What is wrong is said, the password is not."""
    if not 0 < len(ssid.encode()) <= MAX_SSID or "\n" in ssid or "\r" in ssid:
        raise LocalError("the name of a network has 1 to %d bytes, in one line" % MAX_SSID, 2)
    for character in password:
        if not " " <= character <= "~":
            raise LocalError("a password has letters, digits and signs of ASCII only", 2)
    if password and not LEAST_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise LocalError("a password has %d to %d characters; an open network has none" % (
            LEAST_PASSWORD, MAX_PASSWORD), 2)
