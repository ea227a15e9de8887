"""The line in which commands are typed: history with the cursor keys, completion with Tab."""

from collections import deque

from textual.suggester import Suggester
from textual.widgets import Input

from ..console.commands import COMMANDS, STATE_WORDS
from ..console.lines import MAX_LINE
from ..const import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events

HISTORY = const(100)
_WORDS = {
    "status": ("fields", "every", "every off"), "mode": ("full", "idle", "auto"), "log": ("since",),
    "state": ("--level", "--level sealed", "--level vouched", "--support", "--seconds",
              *(form.split()[0] for form in STATE_WORDS.split(" | "))),
    "help": tuple(command.name for command in COMMANDS),
}


def completions(text: str) -> "list[str]":
    """All whole lines that begin with `text`, from the table of the console's commands."""
    lines = []
    for command in COMMANDS:
        lines.append(command.name)
        lines += [f"{command.name} {word}" for word in _WORDS.get(command.name, ())]
    return [line for line in lines if line.startswith(text) and line != text] if text else []


class _Suggester(Suggester):
    async def get_suggestion(self, value: str) -> "str | None":
        found = completions(value)
        return found[0] if found else None


class Prompt(Input):
    """`send` is called with each line."""

    def __init__(self, send: "Callable[[str], None]") -> None:
        super().__init__(placeholder="type help · Tab completes · ↑ history · PgUp scrolls · Ctrl-Q leaves",
                         max_length=MAX_LINE, suggester=_Suggester(use_cache=False), compact=True)
        self.cursor_blink = False
        self.select_on_focus = False
        self._send = send
        self._history: "deque[str]" = deque(maxlen=HISTORY)
        self._back = 0  # how far it was gone back

    def on_key(self, event: "events.Key") -> None:
        """Up, Down, Tab; the rest is Textual's."""
        if event.key in ("up", "down"):
            event.prevent_default()
            event.stop()
            self._recall(1 if event.key == "up" else -1)
        elif event.key == "tab":
            event.prevent_default()
            event.stop()
            self._complete()

    def on_input_submitted(self, event: "Input.Submitted") -> None:
        """Enter."""
        text = event.value.strip()
        self.value = ""
        self._back = 0
        if text:
            if not self._history or self._history[-1] != text:
                self._history.append(text)
            self._send(text)

    def _recall(self, step: int) -> None:
        self._back = max(0, min(len(self._history), self._back + step))
        self.value = self._history[-self._back] if self._back else ""
        self.cursor_position = len(self.value)

    def _complete(self) -> None:
        found = completions(self.value)
        if not found:
            return
        common = found[0]
        for line in found[1:]:
            while not line.startswith(common):
                common = common[:-1]
        if len(common) <= len(self.value):
            common = found[0]
        self.value = common
        self.cursor_position = len(common)
