"""The command `wifi` of boards with a radio. Others are without this module and the command.

    wifi                        how the network is
    wifi NAME                   asks for the password, which is not shown, and joins that network
    wifi --forget               leaves it

A tool sends NAME and the password as two words of a request: nothing of a frame is shown or kept.
"""

from ..const import const
from ..errors import LocalError
from . import commands, lines
from .lines import LineEditor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .commands import Answer, Words
    from .console import Console
    from .lines import Buffer
    from .output import Output

_FORGET = "--forget"
_MOST_TOOL_WORDS = const(2)


def offer(wlan: "Any") -> None:
    """Have the command, for this network: describe(), save(ssid, password), forget()."""

    def wifi(console: "Console", words: "Words", is_text: bool, now: int) -> "Answer":
        if words == [_FORGET]:
            wlan.forget()
        elif words and is_text:
            ssid = " ".join(words)
            console.editor = Secret(console, ssid, wlan)  # type: ignore[assignment]
            return iter(("password of %s (not shown; empty for an open network):" % commands.shown(ssid),))
        elif words:
            if len(words) > _MOST_TOOL_WORDS:
                raise LocalError("wifi: a name and a password are allowed", 2)
            wlan.save(words[0], words[1] if len(words) == _MOST_TOOL_WORDS else "")
        text = wlan.describe()
        return iter((text,) if is_text else ((text,),))

    command = commands.Command("wifi", "[NAME | --forget]", "the wireless network: how it is, or join another", wifi)
    commands.COMMANDS = commands.COMMANDS + (command,)


class Secret:
    """Stands in for a console's LineEditor during one line, which is neither shown nor kept, and then hands over."""

    def __init__(self, console: "Console", ssid: str, wlan: "Any") -> None:
        self.event = lines.NOTHING
        self.count = 0  # nothing is shown again behind a message
        self.line = b""
        self.text = ""
        self._console = console
        self._plain = console.editor
        self._secret: "LineEditor | None" = LineEditor()
        self._ssid = ssid
        self._wlan = wlan

    def clear(self) -> None:
        """Begin anew."""
        if self._secret is not None:
            self._wipe(self._secret)
            self._secret.clear()

    def take(self, buf: "Buffer", start: int, end: int, output: "Output | None") -> int:
        """As LineEditor.take; what comes behind the secret line goes to the console's own editor."""
        secret = self._secret
        if secret is None:
            start = self._plain.take(buf, start, end, output)
            self.event, self.text = self._plain.event, self._plain.text
            return start
        start = secret.take(buf, start, end, None)
        self.event = secret.event
        if self.event == lines.NOTHING:
            return start
        self._console.editor = self._plain
        self._secret = None
        self.text = ""  # an empty line: the console shows its prompt
        if self.event == lines.LINE:
            try:
                self._wlan.save(self._ssid, secret.text)
                self._console.output.line(self._wlan.describe())
            except (LocalError, OSError) as error:
                self._console.output.line(str(error))
        self._wipe(secret)
        return start

    def _wipe(self, secret: LineEditor) -> None:
        for at in range(len(secret.line)):
            secret.line[at] = 0
