"""What stands in each panel of the full screen, as rows of (text, role) pieces: roles are looks by purpose (LOOKS).

Pure functions of a model and a width in cells: the screen draws them again when they differ, and tests read them.
"""

from . import figures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .model import Line, Model

    Row = list[tuple[str, str]]

BARS = " ▁▂▃▄▅▆▇█"
# Role -> a style of Rich. Nothing is told by colour alone: each has a word or a mark beside it.
LOOKS = {
    "": "#c8d3e0", "name": "#8494a7", "dim": "#5f6e80", "value": "bold #f2f6fa", "unit": "#9fb0c3",
    "good": "#5fd7a7", "calm": "#5fb8e8", "warn": "#e8c15f", "bad": "bold #ff6b6b",
    "spark": "#4fa8d8", "spark2": "#b48ee0", "spark3": "#5fd7a7", "spark4": "#e8a45f", "typed": "bold #b48ee0",
}
LEVELS = {"final": "good", "vouched": "good", "sealed": "calm"}
_NEAR = 0.9  # of a cap: from here on it is said in a louder colour
_NAME_CELLS = 9
_WIDE = 48
_SUPPORT = " support "
PEER_COLUMNS = "suite · round trip · worth"
_PACE_SAMPLES = 10
_MARKS = {"note": ("· ", "dim"), "past": ("  ", "dim"), "fault": ("✖ ", "bad"), "trace": ("│ ", "warn"),
          "typed": ("> ", "typed")}
_LINE_LOOKS = {"note": "name", "past": "dim", "fault": "bad", "trace": "warn", "typed": "typed"}


def spark(numbers: "list[float]", cells: int, top: float, bottom: float = 0.0) -> str:
    """The last `cells` numbers as bars, from `bottom` to `top`. What is above 0 is seen, however small."""
    span = top - bottom
    bars = []
    for number in numbers[-cells:]:
        height = int(round((number - bottom) * 8 / span)) if span > 0 else 0
        bars.append(BARS[max(1 if number >= bottom else 0, min(8, height))])
    return "".join(bars).rjust(cells)


def bar(share: float, cells: int) -> str:
    """A bar that is full at 1."""
    filled = round(max(0.0, min(1.0, share)) * cells)
    return "━" * filled + "╌" * (cells - filled)


def fit(row: "Row", width: int) -> "Row":
    """Exactly `width` cells of it."""
    out: "Row" = []
    left = width
    for text, role in row:
        if left <= 0:
            break
        if len(text) > left:
            text = text[: left - 1] + "…" if left > 1 else text[:left]
        out.append((text, role))
        left -= len(text)
    if left > 0:
        out.append((" " * left, ""))
    return out


def aside(row: "Row", right: "Row", width: int) -> "Row":
    """`row` at the left, `right` at the right; what does not fit is cut from the left one."""
    room = width - sum(len(text) for text, _ in right)
    return fit(row, max(0, room)) + right if room > 0 else fit(right, width)


class Meter:
    """A name, a series as bars up to `top`, and what is told of it; loud where `share` of its cap is near 1."""

    def __init__(self, series: str, label: str, look: str, told: str, top: float, share: float = 0.0) -> None:
        self.series = series
        self.label = label
        self.look = look
        self.told = told
        self.top = top  # 0: the highest that is seen
        self.share = share


def meters(model: "Model", found: "list[Meter]", width: int) -> "list[Row]":
    """All of a panel, their columns aligned: what is told takes what it needs, the bars take the rest."""
    told = max(len(meter.told) for meter in found)
    cells = max(4, width - _NAME_CELLS - told - 1)
    rows: "list[Row]" = []
    for meter in found:
        numbers = model.series[meter.series].last(cells) if meter.series else []
        bars = spark(numbers, cells, meter.top or max(numbers, default=0.0)) if meter.series else (
            bar(meter.share, cells) if meter.share >= 0 else "no cap".rjust(cells))
        look = "bad" if meter.share >= _NEAR else meter.look if meter.share >= 0 else "dim"
        rows.append([(meter.label.ljust(_NAME_CELLS), "name"), (bars, look), (" ", ""),
                     (meter.told.rjust(told), "bad" if meter.share >= _NEAR else "value")])
    return rows


def chain(model: "Model", width: int, height: int = 3) -> "list[Row]":
    """The head, what it is worth, and what lies below; more of it where there is room."""
    if not model.statuses:
        return [[("waiting for the first status …", "dim")]]
    n = model.number
    level = model.text("level") or "unknown"
    head = _pair("head", f"{n('best_slot'):,}") + [("  ● " + level, LEVELS.get(level, "warn"))]
    if n("stalled"):
        head += [("  STALLED", "bad")]
    below = _pair("vouched", f"{n('vouched_slot'):,}") + [("  root ", "name"), (f"{n('root_slot'):,}", "value")]
    checked = _pair("checked", f"{n('headers_checked'):,}") + [("  epochs ", "name"), (f"{n('epochs')}", "value")]
    slots = model.series["head"].last(_PACE_SAMPLES + 1)
    pace = (slots[-1] - slots[0]) / (len(slots) - 1) if len(slots) > 1 else 0.0
    refused = n("headers_refused")
    support = f"{n('support')}/{n('validators')}"
    is_tight = sum(len(text) for text, _ in head) + len(support) + len(_SUPPORT) > width
    rows = [
        aside(head, [(" " if is_tight else _SUPPORT, "name"), (support, "value")], width),
        aside(below, [(f" {n('tree_headers')} kept", "unit")], width),
        aside(checked, [(f" {refused} refused", "bad")] if refused else [
            (f" {max(0.0, pace):.1f} slots/s" if width >= _WIDE else f" {max(0.0, pace):.1f}/s", "unit")], width),
    ]
    if height > 3:
        proved = _pair("answers", f"{n('proved_answers'):,}") + [(" proved", "name")]
        rows += [
            _pair("hash", model.text("best_hash")[: max(8, width - _NAME_CELLS)], "unit"),
            aside(proved, [(f" {n('refused_answers')} refused", "unit")], width),
            aside(_pair("clock", model.text("clock"), "unit"), [(" final: " + model.text("final"), "unit")], width),
        ]
    return rows


def _pair(name: str, value: str, role: str = "value") -> "Row":
    return [(name.ljust(_NAME_CELLS), "name"), (value, role)]


def memory(model: "Model", width: int) -> "list[Row]":
    """The heap and each pool: what is lent, and how few buffers were ever left."""
    n = model.number
    used, whole = n("heap_used"), dict(model.bounds()).get("heap", 0.0)
    found = [Meter("heap", "heap" if whole else "resident", "spark",
                   figures.of(figures.size(used), figures.size(whole) if whole else ""), whole,
                   used / whole if whole else 0.0)]
    word = "least free" if width >= _WIDE else "low"
    for name in ("frames", "chunks", "identify"):
        count = n(name + "_count")
        if count:
            lent = count - n(name + "_free")
            found.append(Meter(name, name, "spark3", f"{lent} of {count}, {word} {n(name + '_least_free')}", count))
    rows = meters(model, found, width)
    if len(rows) == 1:
        rows.append([("the links have no pools of ours", "dim")])
    return rows


def spending(model: "Model", width: int) -> "list[Row]":
    """The processor and the traffic, a second, against what may be spent; and the bytes of the day or the month."""
    n = model.number
    bounds = dict(model.bounds())
    cpu, most = model.newest("cpu"), bounds.get("cpu", 0.0)
    found = [Meter("cpu", "cpu", "spark4", f"{cpu:.1f} of {most:g} %" if most else f"{cpu:.1f} %", 0.0,
                   cpu / most if most else 0.0)]
    for name, label, look in (("down", "in", "spark"), ("up", "out", "spark2")):
        rate, cap = model.newest(name), bounds.get(name, 0.0)
        found.append(Meter(name, label, look, figures.of(figures.size(rate), figures.size(cap) if cap else "") + "/s",
                           0.0, rate / cap if cap else 0.0))
    name = "day" if n("day_bytes") or not n("month_bytes") else "month"
    used, cap = n(name + "_used"), n(name + "_bytes")
    found.append(Meter("", name, "spark4", figures.of(figures.size(used), figures.size(cap) if cap else ""), 0.0,
                       used / cap if cap else -1.0))
    return meters(model, found, width)


def peers(model: "Model", width: int, height: int) -> "list[Row]":
    """A row for each, the connected ones first. The board's columns are those of commands.PEERS."""
    found = sorted((peer for peer in model.peers if len(peer) >= 9), key=lambda peer: str(peer[2]) != "connected")
    rows = [_peer(peer, width) for peer in found[: height if len(found) <= height else height - 1]]
    if len(found) > len(rows):
        rows.append([(f"and {len(found) - len(rows)} more (`peers` lists them)", "dim")])
    if not rows:
        rows.append([("nobody yet", "dim")])
    return rows


def _peer(peer: "list[Any]", width: int) -> "Row":
    name, way, state, suite, rtt, fails, worth, _, place = peer[:9]
    is_here = state == "connected"
    right: "Row" = [(" ", "")]
    if is_here:
        right.append((suite if suite != "-" else "…", {"hybrid": "good", "classical": "warn"}.get(str(suite), "dim")))
        right.append((f"{rtt:>5} ms" if isinstance(rtt, int) and rtt >= 0 else f"{'-':>5}   ", "unit"))
    else:
        right.append((str(state), "warn" if state == "connecting" else "dim"))
        right.append((f"  {fails} fails" if fails else "", "bad"))
    right.append((f" {worth:>4}" if isinstance(worth, int) else "", "value" if is_here else "unit"))
    arrow = {"in": "← ", "out": "→ "}.get(str(way), "  ")
    name = str(name)
    short = name if len(name) <= 8 else "…" + name[-7:]  # all of a kind begin alike
    left: "Row" = [("● " if is_here else "○ ", "good" if is_here else "dim"), (arrow, "dim"), (short, "")]
    if width >= _WIDE:
        left.append((f"  {place}", "dim"))
    return aside(left, right, width)


def log_line(line: "Line") -> "Row":
    """A line of the log with its time."""
    mark, look = _MARKS.get(line.kind, ("  ", ""))
    return [(figures.clock(line.ms) + " ", "dim"), (mark, look), (line.text, _LINE_LOOKS.get(line.kind, ""))]


def wrap(row: "Row", width: int, indent: int) -> "list[Row]":
    """The row in as many as it takes, cut at blanks where there are some; what follows the first is indented."""
    rows: "list[Row]" = []
    current: "Row" = []
    room = width
    for text, role in row:
        while len(text) > room:
            end = text.rfind(" ", room // 2, room + 1)
            end = end if end > 0 else room
            current.append((text[:end], role))
            text = text[end:].lstrip(" ")
            rows.append(current)
            current = [(" " * indent, "")]
            room = max(1, width - indent)
        current.append((text, role))
        room -= len(text)
    rows.append(current)
    return rows
