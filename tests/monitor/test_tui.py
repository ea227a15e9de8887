"""The full screen, driven by Textual's pilot, on a real console behind a pseudo-terminal."""

import asyncio
import re
from pathlib import Path

import pytest

from jamliquor_lite.monitor import panels, sources, tui
from jamliquor_lite.monitor.faults import Faults
from jamliquor_lite.monitor.model import Line, Model
from jamliquor_lite.monitor.panels import bar, fit, spark, wrap
from jamliquor_lite.monitor.prompt import Prompt, completions
from jamliquor_lite.monitor.session import Session
from jamliquor_lite.monitor.tui import MonitorApp

from .fake import FakeBoard, now_ms


def shown(app: MonitorApp) -> "list[str]":
    """The screen's text, line by line."""
    width, height = app.size
    return ["".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()][:height]


async def seen(app: MonitorApp, pilot: object, pattern: str) -> str:
    """The screen, once the pattern is on it."""
    for _ in range(200):
        await asyncio.sleep(0.05)
        text = "\n".join(shown(app))
        if re.search(pattern, text):
            return text
    raise AssertionError(f"{pattern!r} is not on\n{text}")


def drive(board: FakeBoard, size: "tuple[int, int]", steps: object) -> None:
    """Run `steps(app, pilot)` against the board."""

    async def run() -> None:
        session = Session(sources.make(board.source), Faults(), status_ms=100)
        session.begin(now_ms())
        app = MonitorApp(session)
        async with app.run_test(size=size) as pilot:
            await steps(app, pilot)  # type: ignore[operator]
        session.end()

    asyncio.run(run())


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_all_of_it_is_seen_at_this_size(size: "tuple[int, int]") -> None:
    async def steps(app: MonitorApp, pilot: object) -> None:
        text = await seen(app, pilot, r"(?s)head +1,\d\d\d.*hybrid.*of 8, ")
        lines = text.splitlines()
        assert len(lines) == size[1] and all(len(line) == size[0] for line in lines)
        for wanted in (r"chain jamliquor-devnet-tiny", r"● (sealed|vouched) .*3/6", r"peers 2 of 3",
                       r"hybrid +12 ms +13", r"classical +140 ms +4",
                       r"waiting +3 fails", r"heap +.*\d KB of 195 KB", r"frames .* of 12",
                       r"cpu .* of 25 %", r"in .*of 62.5 KB/s", r"out .*of 31.2 KB/s", r"day .*12.0 MB of 200 MB",
                       r"connected to /dev/pts", r"● live"):
            assert re.search(wanted, text), f"{wanted}\n{text}"
        assert "…" not in "".join(lines[2:4]).replace("…maB", "").replace("…na", ""), text  # nothing is cut

    with FakeBoard() as board:
        drive(board, size, steps)


def test_a_very_small_screen_does_not_break() -> None:
    async def steps(app: MonitorApp, pilot: object) -> None:
        await seen(app, pilot, "head")

    with FakeBoard() as board:
        drive(board, (30, 10), steps)


def test_what_is_typed_is_answered_and_comes_back() -> None:
    async def steps(app: MonitorApp, pilot: "object") -> None:
        await seen(app, pilot, "● live")
        await pilot.press(*"he", "tab", "enter")  # type: ignore[attr-defined]
        await seen(app, pilot, r"> help[\s│]*\n(?s:.*)these lines")
        prompt = app.query_one(Prompt)
        assert prompt.value == ""
        await pilot.press(*"mode", "enter")  # type: ignore[attr-defined]
        await pilot.press("up")  # type: ignore[attr-defined]
        assert prompt.value == "mode"
        await pilot.press("up", "up")  # type: ignore[attr-defined]
        assert prompt.value == "help"
        await pilot.press("down", "down", "down")  # type: ignore[attr-defined]
        assert prompt.value == ""

    with FakeBoard() as board:
        drive(board, (120, 40), steps)


def test_the_log_scrolls_and_stays_where_it_was_put() -> None:
    async def steps(app: MonitorApp, pilot: "object") -> None:
        for number in range(60):
            board.say(f"line {number:02} ends")
        await seen(app, pilot, "line 59 ends")
        await pilot.press("pageup", "pageup")  # type: ignore[attr-defined]
        text = await seen(app, pilot, "line 4. ends")
        assert "line 59" not in text
        board.say("news")
        for _ in range(6):
            await pilot.pause(0.05)  # type: ignore[attr-defined]
        assert "news" not in "\n".join(shown(app))
        await pilot.press(*["pagedown"] * 4)  # type: ignore[attr-defined]
        await seen(app, pilot, "news")
        await pilot.press("ctrl+l")  # type: ignore[attr-defined]
        await pilot.pause(0.1)  # type: ignore[attr-defined]
        assert "news" not in "\n".join(shown(app))

    with FakeBoard() as board:
        drive(board, (80, 24), steps)


def test_a_board_that_goes_is_said_and_one_that_comes_back_too(tmp_path: Path) -> None:
    async def steps(app: MonitorApp, pilot: object) -> None:
        await seen(app, pilot, "● live")
        board.unplug()
        text = await seen(app, pilot, "○ waiting for the board")
        assert "trying again" in text
        board.plug()
        await seen(app, pilot, "● live")

    with FakeBoard(tmp_path) as board:
        drive(board, (80, 24), steps)


def test_a_panic_is_explained() -> None:
    async def steps(app: MonitorApp, pilot: object) -> None:
        board.say("PANIC: load access fault, mcause 0x00000005, mepc 0x80001010, mtval 0x00000000, ra 0x1, sp 0x2")
        await seen(app, pilot, "✖ PANIC: load access(?s:.*)it read where no memory is")

    with FakeBoard() as board:
        drive(board, (80, 24), steps)


def test_without_colours_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def steps(app: MonitorApp, pilot: object) -> None:
        await seen(app, pilot, "● (sealed|vouched)")
        app.screen.refresh()
        assert app.no_color

    with FakeBoard() as board:
        drive(board, (80, 24), steps)


def test_bars() -> None:
    assert spark([0, 1, 4, 8], 6, 8) == "  ▁▁▄█"
    assert spark([5, 5], 3, 0) == " ▁▁" and spark([], 3, 1) == "   " and spark([1e9], 1, 1) == "█"
    assert bar(0.5, 4) == "━━╌╌" and bar(7, 2) == "━━" and bar(-1, 2) == "╌╌"


def test_rows_fit() -> None:
    assert fit([("abc", ""), ("defg", "x")], 5) == [("abc", ""), ("d…", "x")]
    assert fit([("ab", "")], 4) == [("ab", ""), ("  ", "")]
    for width in range(1, 12):
        assert sum(len(text) for text, _ in panels.aside([("left one", "")], [("right", "")], width)) == width


def test_a_long_line_is_wrapped_at_blanks() -> None:
    rows = wrap([("12:00 ", "dim"), ("one two three four five", "")], 15, 6)
    assert ["".join(text for text, _ in row) for row in rows] == ["12:00 one two", "      three", "      four five"]
    assert all(sum(len(text) for text, _ in row) <= 9 for row in wrap([("x" * 100, "")], 9, 4))


def test_every_state_of_a_board_has_its_rows() -> None:
    model = Model()
    for width in (20, 36, 58, 96):
        assert panels.chain(model, width) and panels.memory(model, width) and panels.spending(model, width)
        assert panels.peers(model, width, 3)
    model.statuses = 1
    model.values.update(level="linked (pending)", stalled=1, best_slot=123456, headers_refused=3, month_bytes=10,
                        month_used=10)
    model.take_peers([["name", "out", "connected", "hybrid", 1, 0, 1, 0, "place"]] * 9)
    text = "".join(text for row in panels.chain(model, 60, 6) + panels.spending(model, 60) for text, _ in row)
    assert "STALLED" in text and "3 refused" in text and "month" in text
    assert "and 7 more" in panels.peers(model, 40, 3)[-1][0][0]
    for line in (Line(0, "x", kind) for kind in ("text", "note", "past", "typed", "fault", "trace")):
        assert panels.log_line(line)[-1][0] == "x"


@pytest.mark.parametrize(
    ("text", "first"),
    [("he", "help"), ("st", "status"), ("status e", "status every"), ("state --l", "state --level"),
     ("mode a", "mode auto"), ("help p", "help pools"), ("", None), ("zz", None)],
)
def test_completion(text: str, first: "str | None") -> None:
    found = completions(text)
    assert (found[0] if found else None) == first


def test_every_look_is_a_style() -> None:
    for role in panels.LOOKS:
        assert tui.look(role).color is not None
