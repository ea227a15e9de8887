"""tools/screenshot: what Textual draws becomes pixels with a font that has every character."""

import asyncio
import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from textual.app import App, ComposeResult
from textual.widgets import Static

from tools import picture

ROOT = Path(__file__).resolve().parents[2]


class Screen(App[int]):
    def compose(self) -> ComposeResult:
        yield Static("[#ff0000]█[/][#00ff00]▁▂▃▄▅▆▇█[/] ●→╭╯")


def test_a_screen_becomes_a_picture() -> None:
    async def draw() -> str:
        async with Screen().run_test(size=(40, 12)) as pilot:
            await pilot.pause()
            return pilot.app.export_screenshot()

    picture.need_font()
    image = Image.open(io.BytesIO(picture.pixels(asyncio.run(draw())))).convert("RGB")
    assert image.width > 480 and image.height > 280
    colors = {color for _, color in image.getcolors(1 << 20)}
    assert (255, 0, 0) in colors and (0, 255, 0) in colors
    # The eight bars are eight heights: what a font lacks is a box of one height.
    bars = [sum(image.getpixel((x, y)) == (0, 255, 0) for y in range(image.height)) for x in range(image.width)]
    assert len({height for height in bars if height}) >= 8


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["x.png", "--size", "10x10"], 2, "10x10: allowed is COLUMNSxROWS, from 40x12 to 400x200"),
        (["x.png", "--seconds", "0"], 2, "0: allowed are numbers above 0"),
        (["/nowhere/x.png"], 2, "screenshot: /nowhere/x.png: there is no such folder"),
        (["x.png", "--replay", "README.md"], 2, "this is no recording"),
        (["x.png", "--board", "pico"], 1, "pico is a board to plug in"),
    ],
)
def test_what_is_wrong_is_told(words: "list[str]", status: int, said: str) -> None:
    command = [sys.executable, "tools/picture.py", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == status and said in done.stderr and "Traceback" not in done.stderr
