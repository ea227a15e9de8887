"""A recording as a picture: memory, pools, processor, traffic and the head of the chain over time.

Drawn with Pillow, which has a font and a PNG writer: 22 MB installed, imported in 30 ms and 15 MB; matplotlib is 145 MB
with what it needs, 630 ms and 67 MB. Each chart holds one column of
pixels for at least one sample: what falls into the same column is drawn from its least to its most, so nothing that
happened between two columns is lost.
"""

import time

from PIL import Image, ImageDraw, ImageFont

from ..const import const
from ..errors import LocalError
from . import figures
from .faults import Faults
from .model import POOLS, Model
from .session import Replay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Points = list[tuple[float, float]]  # (seconds after the start, value)

WIDTH, CHART_HEIGHT = const(1200), const(170)
_LEFT, _RIGHT, _TOP, _GAP, _BOTTOM = const(110), const(190), const(88), const(34), const(44)
_BACKGROUND, _PANEL, _GRID, _TEXT, _DIM = "#10161e", "#151e29", "#26374a", "#c8d3e0", "#8494a7"
_COLOURS = ("#4fa8d8", "#5fd7a7", "#e8a45f", "#b48ee0")
_CAP = "#ff6b6b"
_MOST_POINTS = const(200_000)  # of a series: 55 hours of one a second
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


class Chart:
    """Some series over the same time, on one scale. `cap` is drawn as a line where it is near."""

    def __init__(self, title: str, told: "Callable[[float], str]", cap: float = 0.0) -> None:
        self.title = title
        self.told = told
        self.cap = cap
        self.series: "list[tuple[str, Points]]" = []
        self.is_from_zero = True

    def add(self, name: str, points: "Points") -> "Chart":
        """One more line."""
        if points:
            self.series.append((name, points))
        return self


class _Collector(Model):
    """A model that keeps every sample with its time, in the recording's seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: "Callable[[], float]" = lambda: 0.0
        self.points: "dict[str, Points]" = {name: [] for name in self.series}

    def _sample(self, at: int) -> None:
        counts = {name: ring.count for name, ring in self.series.items()}
        super()._sample(at)
        for name, ring in self.series.items():
            if ring.count != counts[name] and len(self.points[name]) < _MOST_POINTS:
                self.points[name].append((self.seconds(), ring.last(1)[0]))


def draw(path: str, out: str) -> str:
    """Draw the recording at `path` into the PNG file `out`; a line that says what is on it. LocalError for a file that
    is no recording, holds nothing to draw, or cannot be written."""
    model = _Collector()
    replay = Replay(path, Faults(), 0, model)
    model.seconds = lambda: replay.at_ms / 1000
    replay.begin(0)
    while not replay.is_over:
        for _ in replay.poll(0):
            pass
    if not model.points["heap"]:
        raise LocalError(f"{ascii(path)}: the recording has no status, so there is nothing to draw", 2)
    charts = _charts(model)
    image = _picture(charts, model, replay)
    try:
        image.save(out, "PNG", optimize=True)
    except OSError as error:
        raise LocalError(f"--plot {ascii(out)}: {error.strerror or error}", 2)
    end = model.points["heap"][-1][0]
    cut = f"; {replay.fault}" if replay.fault else ""
    return (f"{out}: {figures.span(int(end * 1000))}, {model.statuses} statuses, {len(charts)} charts, "
            f"{image.width} x {image.height}{cut}")


def _charts(model: _Collector) -> "list[Chart]":
    bounds, points = dict(model.bounds()), model.points
    charts = [Chart("memory" if "heap" in bounds else "resident memory", figures.size, bounds.get("heap", 0.0)).add(
        "heap", points["heap"])]
    pools = Chart("buffers lent", lambda value: f"{value:.2g}")
    for name in POOLS:
        if model.number(name + "_count"):
            pools.add(f"{name} of {model.number(name + '_count')}", points[name])
    charts.append(pools)
    charts.append(Chart("processor", lambda value: f"{value:.1f} %", bounds.get("cpu", 0.0)).add("cpu", points["cpu"]))
    traffic = Chart("traffic a second", figures.size, max(bounds.get("down", 0.0), bounds.get("up", 0.0)))
    charts.append(traffic.add("in", points["down"]).add("out", points["up"]))
    head = Chart("head, slot", lambda value: f"{value:,.0f}").add("head", points["head"])
    head.is_from_zero = False
    charts.append(head)
    return [chart for chart in charts if chart.series]


def _picture(charts: "list[Chart]", model: _Collector, replay: Replay) -> "Image.Image":
    height = _TOP + len(charts) * (CHART_HEIGHT + _GAP) + _BOTTOM - _GAP
    image = Image.new("RGB", (WIDTH, height), _BACKGROUND)
    pen = ImageDraw.Draw(image)
    big, small = ImageFont.load_default(20), ImageFont.load_default(13)
    name = " · ".join(filter(None, ("jamliquor-lite", model.board, model.text("chain"))))
    pen.text((_LEFT, 14), name, _TEXT, big)
    began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(replay.start / 1000))
    pen.text((_LEFT, 40), f"{began}, {replay.source}", _DIM, small)
    end = max(points[-1][0] for chart in charts for _, points in chart.series)
    for at, chart in enumerate(charts):
        top = _TOP + at * (CHART_HEIGHT + _GAP)
        _draw_chart(pen, chart, top, max(end, 1.0), small)
    _draw_times(pen, height - _BOTTOM + 6, max(end, 1.0), small)
    return image


def _draw_chart(pen: "Any", chart: Chart, top: int, end: float, font: "Any") -> None:
    right, bottom = WIDTH - _RIGHT, top + CHART_HEIGHT
    pen.rectangle((_LEFT, top, right, bottom), _PANEL)
    values = [value for _, points in chart.series for _, value in points]
    high, low = max(values), 0.0 if chart.is_from_zero else min(values)
    shows_cap = 0 < chart.cap <= 4 * high
    high = max(high, chart.cap if shows_cap else high) * (1.06 if chart.is_from_zero else 1.0)
    if high <= low:
        high = low + 1
    for part in (0.0, 0.5, 1.0):
        y = bottom - part * CHART_HEIGHT
        pen.line((_LEFT, y, right, y), _GRID)
        pen.text((_LEFT - 8, y), chart.told(low + part * (high - low)), _DIM, font, anchor="rm")
    pen.text((_LEFT, top - 4), chart.title, _TEXT, font, anchor="ls")
    for number, (name, points) in enumerate(chart.series):
        colour = _COLOURS[number % len(_COLOURS)]
        _draw_line(pen, points, (_LEFT, top, right, bottom), end, (low, high), colour)
        y = top + 10 + 22 * number
        pen.rectangle((right + 12, y - 5, right + 22, y + 5), colour)
        pen.text((right + 28, y), f"{name}: {chart.told(points[-1][1])}", _TEXT, font, anchor="lm")
    if chart.cap:
        y = top + 10 + 22 * len(chart.series)
        pen.text((right + 28, y), f"bound {chart.told(chart.cap)}", _CAP, font, anchor="lm")
    if shows_cap:
        y = bottom - (chart.cap - low) / (high - low) * CHART_HEIGHT
        for x in range(_LEFT, right, 12):
            pen.line((x, y, min(right, x + 6), y), _CAP)


def _draw_line(pen: "Any", points: "Points", box: "tuple[int, int, int, int]", end: float,
               scale: "tuple[float, float]", colour: str) -> None:
    left, top, right, bottom = box
    low, high = scale
    columns: "dict[int, tuple[float, float, float]]" = {}  # x -> (least, most, last)
    for seconds, value in points:
        x = left + int(seconds / end * (right - left))
        least, most, _ = columns.get(x, (value, value, value))
        columns[x] = min(least, value), max(most, value), value
    before: "tuple[float, float] | None" = None

    def y_of(value: float) -> float:
        return bottom - (value - low) / (high - low) * (bottom - top)

    for x, (least, most, last) in sorted(columns.items()):
        if before is not None:
            pen.line((*before, x, y_of(last)), colour, 2)
        pen.line((x, y_of(least), x, y_of(most)), colour, 2)
        before = x, y_of(last)


def _draw_times(pen: "Any", y: int, end: float, font: "Any") -> None:
    step = next((step for step in _STEPS if end / step <= 10), _STEPS[-1])
    at = 0
    while at <= end:
        x = _LEFT + at / end * (WIDTH - _RIGHT - _LEFT)
        pen.text((x, y), figures.span(at * 1000), _DIM, font, anchor="ma")
        at += step
