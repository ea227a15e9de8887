"""`jamliquor-lite monitor`: watch a board's console, keep what it says, and look at it again."""

import os

from ..const import const
from ..errors import LocalError
from .output import seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

_LEAST_MS, _MOST_MS = const(100), const(60_000)
_ABOUT = (
    "Watch a board: memory, pools, processor, traffic, peers, the head of its chain and its log, on a full screen; "
    "lines where there is no terminal. What you type goes to the board (`help` lists what it knows). A board that is "
    "unplugged is waited for."
)
_EXAMPLES = (
    "examples: %(prog)s /dev/ttyACM0 --record board.rec | %(prog)s --socket state/console | %(prog)s --replay "
    "board.rec --speed 10 | %(prog)s --plot run.png board.rec"
)


def add_arguments(parser: "argparse.ArgumentParser") -> None:
    """What the command takes."""
    parser.description, parser.epilog = _ABOUT, _EXAMPLES
    add = parser.add_argument
    add("port", metavar="PORT", nargs="?", help="a serial port, such as /dev/ttyACM0 or ttyUSB0@921600 (115200 baud "
        "unless it says another); without any, the only one there is; with --plot, a recording")
    add("--socket", metavar="S", help="a Unix socket (a path), or HOST:PORT")
    add("--pty", metavar="P", help="a pseudo-terminal, such as /dev/pts/4")
    add("--replay", metavar="FILE", help="what --record kept")
    add("--speed", metavar="N", default="1", help="of a replay: so many times as fast; 0 does not wait (default: 1)")
    add("--record", metavar="FILE", default="", help="keep all that comes")
    add("--plot", metavar="PNG", help="draw a recording")
    add("--plain", action="store_true", help="lines with their times (default: where no terminal is)")
    add("--json", action="store_true", help="one JSON object a line")
    add("--elf", metavar="FILE", default="", help="the firmware: names the functions in a panic")
    add("--every", metavar="MS", default="500", help="how often a status is asked for (default: 500)")
    add("--seconds", metavar="N", help="end by itself after N seconds (default: run on)")


def run(args: "argparse.Namespace") -> int:
    duration = seconds(args)
    if args.plot is not None:
        return _plot(args)
    source = _source(args)
    speed = _number(args.speed, "--speed", 0, 1000)
    every = int(_number(args.every, "--every", _LEAST_MS, _MOST_MS))
    if args.record and args.replay:
        raise LocalError("--record and --replay: what is replayed is recorded already", 2)
    from ..monitor import app

    return app.open(source, record=args.record, plain=args.plain, seconds=duration, json=args.json, elf=args.elf,
                    speed=speed, status_ms=every)


def _source(args: "argparse.Namespace") -> str:
    given = [(kind, text) for kind, text in (("serial", args.port), ("socket", args.socket), ("pty", args.pty),
                                             ("replay", args.replay)) if text is not None]
    if len(given) > 1:
        raise LocalError("one of PORT, --socket, --pty and --replay is enough", 2)
    if given:
        kind, text = given[0]
        if not text:
            raise LocalError("the name is empty", 2)
        return f"{kind}:{text}"
    from serial.tools import list_ports  # type: ignore[import-untyped,unused-ignore]

    ports = sorted(port.device for port in list_ports.comports() if port.vid is not None)
    if len(ports) == 1:
        return f"serial:{ports[0]}"
    found = f"there are {', '.join(ports)}" if ports else "no USB serial port is plugged in"
    raise LocalError(f"which board? {found}; name a port, --socket, --pty or --replay", 2)


def _plot(args: "argparse.Namespace") -> int:
    path = args.port or args.replay
    if not path:
        raise LocalError("--plot draws a recording: name its file", 2)
    if os.path.exists(path) and not os.path.isfile(path):
        raise LocalError(f"--plot: {ascii(path)} is no file", 2)
    from ..monitor import plot

    print(plot.draw(path, args.plot))
    return 0


def _number(text: str, what: str, low: float, high: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not low <= number <= high:
        raise LocalError(f"{what} {ascii(text[:40])}: must be a number from {low:g} to {high:g}", 2)
    return number
