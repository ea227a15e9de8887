"""A picture of the monitor as it looks in a terminal: Textual draws it without one, and resvg makes pixels of that.

`tools/screenshot` installs what this needs and starts it. The board is that of `jamliquor-lite qemu`, whose console is
read by several at once: its own monitor, as lines, and the one of the picture.
"""

import argparse
import asyncio
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from jamliquor_lite.errors import LocalError  # noqa: E402
from jamliquor_lite.monitor import sources  # noqa: E402
from jamliquor_lite.monitor.faults import Faults  # noqa: E402
from jamliquor_lite.monitor.session import Replay, Session  # noqa: E402
from jamliquor_lite.monitor.tui import MonitorApp  # noqa: E402
from tools.building import ToolError, install  # noqa: E402

FONTS = Path("/usr/share/fonts/truetype/dejavu")  # Debian's fonts-dejavu-core
FONT = "DejaVu Sans Mono"
BOARD = "qemu-virt-rv32-264k"
ANSWER_S = 4  # for what was typed to be answered
AFTER_S = 3  # that the board runs on after the picture
END_S = 60
REPLAY_S = 120


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="screenshot", description="A picture of the monitor, as a PNG.")
    parser.add_argument("out", type=Path, metavar="OUT.png")
    parser.add_argument("--board", default=BOARD, help="an emulated one (default: %(default)s)")
    parser.add_argument("--seconds", type=seconds, default=25, metavar="N", help="of following (default: %(default)s)")
    parser.add_argument("--size", type=size, default=(120, 36), metavar="COLUMNSxROWS", help="(default: 120x36)")
    parser.add_argument("--type", action="append", default=[], metavar="LINE", help="typed at the end; repeatable")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="a recording instead of a board")
    words = parser.parse_args()
    try:
        if not words.out.parent.is_dir():
            raise ToolError(f"{words.out}: there is no such folder", 2)
        need_font()
        if words.replay is not None:
            session: Session = Replay(str(words.replay), Faults(), speed=0.0)
            svg = asyncio.run(draw(session, words.size, REPLAY_S, []))
        else:
            svg = of_board(words)
        words.out.write_bytes(pixels(svg))
    except ToolError as error:
        print(f"screenshot: {error}", file=sys.stderr)
        return error.status
    except LocalError as error:
        print(f"screenshot: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"screenshot: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    print(words.out)
    return 0


def of_board(words: argparse.Namespace) -> str:
    """The picture of a board that has followed for a while, as SVG. ToolError when it has not."""
    whole = words.seconds + ANSWER_S * len(words.type) + AFTER_S
    command = [sys.executable, "-m", "jamliquor_lite.cli.main", "qemu", words.board, "--plain", "--seconds", str(whole)]
    board = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert board.stdout is not None
    try:
        first = board.stdout.readline()
        if "console: " not in first:
            raise ToolError(f"jamliquor-lite qemu {words.board} ended with status {board.wait()} (above)", 1)
        session = Session(sources.make("socket:" + first.rpartition("console: ")[2].strip()), Faults())
        session.name = f"jamliquor-lite qemu {words.board}"  # instead of the socket's path, which is another each time
        svg = asyncio.run(draw(session, words.size, words.seconds, words.type))
        said, _ = board.communicate(timeout=END_S)
        if board.returncode:
            raise ToolError(f"{words.board} did not follow: {(said.splitlines() or ['it said nothing'])[-1]}", 1)
        return svg
    finally:
        if board.poll() is None:
            board.terminate()
            board.communicate()


async def draw(session: Session, columns_rows: "tuple[int, int]", limit_s: float, typed: "list[str]") -> str:
    """The screen after so many seconds, or at the end of a recording, as SVG."""
    session.begin(time.monotonic_ns() // 1_000_000)
    app = MonitorApp(session)
    try:
        async with app.run_test(size=columns_rows) as pilot:
            await _until(pilot, session, limit_s)
            for line in typed:
                await pilot.press(*(_KEYS.get(character, character) for character in line), "enter")
                await pilot.pause(ANSWER_S)
            await pilot.pause()
            return app.export_screenshot(title="jamliquor-lite")
    finally:
        session.end()


async def _until(pilot: object, session: Session, limit_s: float) -> None:
    until = time.monotonic() + limit_s
    while time.monotonic() < until and not session.is_over:
        await asyncio.sleep(0.1)


_KEYS = {" ": "space", "-": "minus", "/": "slash"}  # as Textual calls them


def pixels(svg: str) -> bytes:
    """The PNG of an SVG that Textual has drawn."""
    import resvg_py

    files = sorted(str(path) for path in FONTS.glob("DejaVuSansMono*.ttf"))
    drawn = svg.replace("Fira Code", FONT).replace("font-family: arial", f"font-family: {FONT}")
    return bytes(resvg_py.svg_to_bytes(svg_string=drawn, font_files=files, monospace_family=FONT))


def need_font() -> None:
    """Make sure of a font with every character that the monitor draws; installed as root where it is missing."""
    if not (FONTS / "DejaVuSansMono.ttf").exists():
        install(["fonts-dejavu-core"], "a font whose characters are of one width")


def size(text: str) -> "tuple[int, int]":
    """COLUMNSxROWS."""
    columns, _, rows = text.partition("x")
    if not (columns.isdigit() and rows.isdigit() and 40 <= int(columns) <= 400 and 12 <= int(rows) <= 200):
        raise argparse.ArgumentTypeError(f"{text}: allowed is COLUMNSxROWS, from 40x12 to 400x200")
    return int(columns), int(rows)


def seconds(text: str) -> float:
    """A positive number."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError(f"{text}: allowed are numbers above 0, at most 3600")
    return value


if __name__ == "__main__":
    sys.exit(main())
