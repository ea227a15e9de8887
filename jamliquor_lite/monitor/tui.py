"""The full screen, on Textual. What stands in it is panels.py's; here it is laid out, and drawn where it has changed.

A board sends several statuses a second: they are read every `POLL_MS`, and drawn once for every sample of the model
or when the head moves, only those rows that differ. No widget of Textual's draws text that changes often.
"""

import asyncio
import time
from functools import cache

from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.containers import Horizontal
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from ..const import const
from ..errors import LocalError
from . import figures, panels
from .prompt import Prompt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from textual import events
    from textual.app import ComposeResult

    from .panels import Row
    from .session import Session

POLL_MS = const(50)
_HEADING_MS = const(1_100)  # with a status a second, the time is drawn together with its numbers
_WRAP_INDENT = const(15)  # the time and the mark
_TALL = const(32)  # rows of a screen with room for more of the chain
_ROWS = const(4000)  # of the log, wrapped
BACKGROUND = "#10161e"


@cache
def look(role: str, background: str = BACKGROUND) -> Style:
    """The style of a role."""
    return Style.parse(f"{panels.LOOKS.get(role, panels.LOOKS[''])} on {background}")


def strip(row: "Row", width: int, background: str = BACKGROUND) -> Strip:
    """A row as Textual draws it."""
    return Strip([Segment(text, look(role, background)) for text, role in panels.fit(row, width) if text], width)


class Panel(Widget):
    """Rows of text under a title. `show` draws those that differ."""

    def __init__(self, title: str, name: str) -> None:
        super().__init__(id=name)
        self.border_title = title
        self._rows: "list[Row]" = []

    def show(self, rows: "list[Row]", title: str = "") -> None:
        """These rows now."""
        if title and title != self.border_title:
            self.border_title = title
        before, self._rows = self._rows, rows
        if len(before) != len(rows):
            self.refresh()
            return
        changed = [Region(0, at, self.size.width, 1) for at in range(len(rows)) if rows[at] != before[at]]
        if changed:
            self.refresh(*changed)

    def on_resize(self, event: "events.Resize") -> None:
        """Its rows are made for a width."""
        app = self.app
        if isinstance(app, MonitorApp):
            app.redraw()

    def render_line(self, y: int) -> Strip:
        """Textual's."""
        return strip(self._rows[y] if y < len(self._rows) else [], self.size.width)


class Bar(Widget):
    """One row without a frame: the heading."""

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self._row: "Row" = []

    def show(self, row: "Row") -> None:
        """This row now."""
        if row != self._row:
            self._row = row
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Textual's."""
        return strip(self._row, self.size.width, "#1b2735")


class LogView(ScrollView):
    """The log, wrapped. It follows the newest line unless it was scrolled away from it."""

    can_focus = False

    def __init__(self, session: "Session") -> None:
        super().__init__(id="log")
        self.border_title = "log"
        self._session = session
        self._rows: "list[Row]" = []
        self._put = 0  # lines of the model that are in the rows
        self._width = 0

    def catch_up(self) -> None:
        """Take what is new of the model."""
        model = self._session.model
        width = self.scrollable_content_region.width
        if width <= 0:
            return
        if width != self._width:
            self._width, self._rows, self._put = width, [], model.lines_put - len(model.lines)
        new = min(model.lines_put - self._put, len(model.lines))
        if not new:
            return
        was_at_end = self.is_at_end
        for line in list(model.lines)[-new:]:
            self._rows += panels.wrap(panels.log_line(line), width, _WRAP_INDENT if width > 40 else 0)
        self._put = model.lines_put
        if len(self._rows) > _ROWS:
            del self._rows[: len(self._rows) - _ROWS]
        self.virtual_size = Size(width, len(self._rows))
        if was_at_end:
            self.scroll_end(animate=False, immediate=True)
        self.refresh()

    @property
    def is_at_end(self) -> bool:
        """The newest line is seen."""
        return self.scroll_offset.y >= self.max_scroll_y - 1

    def clear(self) -> None:
        """Forget what is shown; the recording keeps it."""
        self._rows = []
        self.virtual_size = Size(self._width, 0)
        self.refresh()

    def on_resize(self, event: "events.Resize") -> None:
        """Wrap again."""
        self.catch_up()

    def render_line(self, y: int) -> Strip:
        """Textual's."""
        at = y + self.scroll_offset.y
        return strip(self._rows[at] if 0 <= at < len(self._rows) else [], self.scrollable_content_region.width)


class MonitorApp(App[int]):
    """The screen. `problem` is what ended it, for one line on stderr."""

    TITLE = "jamliquor-lite"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = [
        ("ctrl+q", "quit", "quit"), ("ctrl+c", "quit", "quit"), ("ctrl+l", "clear_log", "clear the log"),
        ("pageup", "scroll(-1)", "scroll"), ("pagedown", "scroll(1)", "scroll"), ("f1", "help", "help"),
    ]
    CSS = """
    Screen { background: #10161e; layout: vertical; overflow: hidden; }
    #head { height: 1; }
    .row { height: auto; }
    Panel { border: round #34475c; border-title-color: #5fb8e8; border-title-style: bold; background: #10161e;
            padding: 0 1; width: 1fr; border-subtitle-color: #5f6e80; }
    #chain, #peers { height: 5; }
    #memory, #spending { height: 6; }
    #log { border: round #34475c; border-title-color: #5fb8e8; border-title-style: bold; background: #10161e;
           border-subtitle-color: #5f6e80; padding: 0 0 0 1; height: 1fr; scrollbar-size-vertical: 1;
           overflow-x: hidden; overflow-y: scroll;
           scrollbar-color: #34475c; scrollbar-background: #10161e; }
    Prompt { height: 1; border: none; padding: 0 1; background: #1b2735; color: #f2f6fa; }
    Prompt:focus, Prompt.-textual-compact { border: none; background: #1b2735; }
    Prompt > .input--placeholder, Prompt > .input--suggestion { color: #5f6e80; background: #1b2735; }
    .tall #chain, .tall #peers { height: 8; }
    """

    def __init__(self, session: "Session", seconds: "float | None" = None) -> None:
        super().__init__()
        self.animation_level = "none"
        self.problem = ""
        self._session = session
        self._seconds = seconds
        self._began = 0
        self._panels: "dict[str, Panel]" = {}
        self._shown: "tuple[Any, ...]" = ()
        self._drawn_at = 0
        self._timer: "asyncio.TimerHandle | None" = None

    def compose(self) -> "ComposeResult":
        """Textual's."""
        yield Bar("head")
        with Horizontal(classes="row"):
            yield Panel("chain", "chain")
            yield Panel("peers", "peers")
        with Horizontal(classes="row"):
            yield Panel("memory", "memory")
            yield Panel("spent", "spending")
        yield LogView(self._session)
        yield Prompt(self._type)

    def on_mount(self) -> None:
        """Begin."""
        self._head = self.query_one("#head", Bar)
        self._view = self.query_one(LogView)
        self._panels = {name: self.query_one("#" + name, Panel) for name in ("chain", "peers", "memory", "spending")}
        self._panels["peers"].border_subtitle = panels.PEER_COLUMNS
        self.query_one(Prompt).focus()
        self._began = _now()
        self._poll()

    def on_unmount(self) -> None:
        """The end."""
        if self._timer is not None:
            self._timer.cancel()

    def on_resize(self, event: "events.Resize") -> None:
        """Another size: each panel asks for rows of its own."""
        self.screen.set_class(event.size.height >= _TALL, "tall")

    def redraw(self) -> None:
        """All of it again."""
        self._shown = ()
        if self._panels:
            self._draw()

    # what happens

    def _poll(self) -> None:
        session, now = self._session, _now()
        lines = session.model.lines_put
        try:
            for event, what in session.poll(now):
                if event == "strange":
                    session.note(what, "fault")
                elif event == "end":
                    session.note(f"{what}; Ctrl-Q leaves")
        except LocalError as error:  # the recording cannot go on
            self.problem = str(error)
            self.exit(1)
            return
        if session.model.lines_put != lines:
            self._view.catch_up()
        self._draw()
        if self._seconds is not None and now - self._began >= self._seconds * 1000:
            self.exit(0)
            return
        self._timer = asyncio.get_running_loop().call_later(POLL_MS / 1000, self._poll)

    def _draw(self) -> None:
        session, model = self._session, self._session.model
        shown = (model.samples, model.number("best_slot"), model.text("level"), id(model.peers), session.is_open,
                 session.connections, session.why_gone)
        now = _now()
        if shown == self._shown and now - self._drawn_at < _HEADING_MS:
            return
        before, self._shown, self._drawn_at = self._shown, shown, now
        self._head.show(self._heading())
        if before == shown:  # nothing but the time
            return
        sizes = {name: panel.size for name, panel in self._panels.items()}
        self._panels["chain"].show(panels.chain(model, *sizes["chain"]), f"chain {model.text('chain')}".rstrip())
        self._panels["peers"].show(panels.peers(model, *sizes["peers"]),
                                   f"peers {model.number('peers')} of {model.number('peers_known')}")
        self._panels["memory"].show(panels.memory(model, sizes["memory"].width))
        self._panels["spending"].show(panels.spending(model, sizes["spending"].width), _mode(model.text("mode")))

    def _heading(self) -> "Row":
        session, model, width = self._session, self._session.model, self._head.size.width
        left: "Row" = [(" jamliquor-lite ", "value"), (f" {model.board} " if model.board else "", "calm"),
                       (" " + session.name + " ", "unit")]
        right: "Row" = []
        if session.is_open:
            right += [("▶ replay" if session.is_replay else "● live", "good")]
            if session.is_replay or model.statuses:
                right += [("  ", ""), (figures.clock(session.clock())[:8], "unit")]
            if model.at >= 0:
                right += [("  up ", "dim"), (figures.span(model.at), "value")]
        else:
            right += [("■ ended" if session.is_over else "○ waiting for the board", "warn")]
        lost = model.lost + session.decoder.broken
        if lost:
            right += [(f"  {lost} lost", "bad")]
        return panels.aside(left, [*right, (" ", "")], width)

    def _type(self, text: str) -> None:
        try:
            self._session.type(text, _now())
        except LocalError as error:
            self._session.note(f"not sent: {error}", "fault")
        self._view.catch_up()
        self._view.scroll_end(animate=False, immediate=True)

    # keys

    def action_clear_log(self) -> None:
        """Ctrl-L."""
        self._view.clear()

    def action_scroll(self, pages: int) -> None:
        """Page up and down."""
        height = max(1, self._view.size.height - 1)
        self._view.scroll_to(y=self._view.scroll_offset.y + pages * height, animate=False, immediate=True)

    def action_help(self) -> None:
        """F1: the board's own."""
        self._type("help")


def _mode(mode: str) -> str:
    return "spent" if mode in ("", "full") else f"spent · mode {mode}"


def run(session: "Session", seconds: "float | None" = None) -> int:
    """Show it until the user leaves; the exit status."""
    session.begin(_now())
    app = MonitorApp(session, seconds)
    try:
        status = app.run()
    finally:
        session.end()
    if app.problem:
        raise LocalError(app.problem)
    fault = getattr(session, "fault", "")
    if fault:
        raise LocalError(fault)
    return app.return_code or status or 0


def _now() -> int:
    return time.monotonic_ns() // 1_000_000
