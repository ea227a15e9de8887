"""Numbers as people read them."""

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .model import Model


def clock(ms: int) -> str:
    """The local time of day of a moment in ms since 1970, to the millisecond."""
    return time.strftime("%H:%M:%S", time.localtime(ms // 1000)) + f".{ms % 1000:03d}"


def size(count: float) -> str:
    """Bytes in three digits or so: 812 B, 97.7 KB, 1.25 MB; a KB has 1024."""
    power = 0
    while count >= 1000 and power < 3:
        count /= 1024
        power += 1
    if not power:
        return f"{count:.0f} B"
    return f"{count:.{2 if count < 9.995 else 1 if count < 99.95 else 0}f} {'KMG'[power - 1]}B"


def span(ms: int) -> str:
    """A time that passed: 12 s, 3 m 04 s, 2 h 10 m, 3 d 04 h."""
    seconds = ms // 1000
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} m {seconds % 60:02d} s"
    if seconds < 86400:
        return f"{seconds // 3600} h {seconds // 60 % 60:02d} m"
    return f"{seconds // 86400} d {seconds // 3600 % 24:02d} h"


def of(used: str, bound: str) -> str:
    """`used` of `bound`, or `used` alone where there is no bound."""
    return f"{used} of {bound}" if bound else used


def summary(model: "Model") -> str:
    """How the board is doing, on one line."""
    bounds = dict(model.bounds())
    n = model.number
    heap = of(size(n("heap_used")), size(bounds["heap"]) if "heap" in bounds else "")
    cpu = of(f"{model.newest('cpu'):.1f}", f"{bounds['cpu']:g}" if "cpu" in bounds else "") + " %"
    rates = [of(size(model.newest(name)), size(bounds[name]) if name in bounds else "") + "/s"
             for name in ("down", "up")]
    suites = ", ".join(f"{n('peers_' + name)} {name}" for name in ("hybrid", "classical") if n("peers_" + name))
    return (f"slot {n('best_slot')} {model.text('level') or '?'}, support {n('support')}/{n('validators')} | "
            f"heap {heap} | cpu {cpu} | in {rates[0]} | out {rates[1]} | "
            f"{n('peers')} of {n('peers_known')} peers{f' ({suites})' if suites else ''}"
            + (" | STALLED" if n("stalled") else ""))
