"""What the firmware of a board with a radio freezes beside the node, and that it works as it is frozen."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.flash.support import NETWORK
from tools import board_image, pico_build, sources
from tools.building import cache_folder
from tools.firmware_build import board_named

ROOT = Path(__file__).resolve().parents[2]
WITH_RADIO = {"jamliquor_lite/console/wifi.py", "jamliquor_lite/ports/micropython/wlan.py"}
# In the place of the frozen node: what its console says of the network, once that is joined.
NODE = """
import asyncio
async def node():
    from jamliquor_lite.console import commands
    wifi = commands.find("wifi")
    said = ""
    for _ in range(200):
        (said,) = wifi.answer(None, [], True, 0)
        if "joined" in said:
            break
        await asyncio.sleep_ms(50)
    print(said, [command.name for command in commands.COMMANDS][-1])
async def begin():
    await asyncio.sleep_ms(100)
    await node()
asyncio.run(begin())
"""


def frozen(name: str, folder: Path) -> "dict[str, Path]":
    """The modules of a board's firmware, as its build reads them; nothing is compiled, and no driver is needed."""
    cache = cache_folder()
    tree = folder / "tree"
    tree.symlink_to(sources.need("micropython", cache))
    trees = {name: sources.need(name, cache) for name in ("micropython", "lwip")}
    work = pico_build.PicoWork(board_named(name), {**trees, "tree": tree}, folder / "work", None, "")
    work.copy_sources()
    return dict(work.frozen_files())


def test_it_has_the_network_and_its_command(tmp_path: Path) -> None:
    found: "dict[str, set[str]]" = {}
    for name in pico_build.BOARDS:
        (tmp_path / name).mkdir()
        found[name] = set(frozen(name, tmp_path / name))
    assert found["pico2-w"] - found["pico2"] == WITH_RADIO | {"_wired.py", "wifi.py"}
    assert found["pico2"] - found["pico2-w"] == {"socket.py"}
    assert found["pico"] == found["pico2"]


def test_it_joins_and_then_begins_the_node(tmp_path: Path) -> None:
    """The modules as they are merged for the board, on this machine's MicroPython."""
    folder = tmp_path / "lib"
    for name, path in frozen("pico2-w", tmp_path).items():
        if not name.startswith(("asyncio/", "_boot", "_board", "pico", "main")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / name)
    plain = "jamliquor_lite/ports/micropython/memory_plain.py"  # of which the board has a twin in C
    shutil.copy(ROOT / plain, folder / plain)
    (folder / "network.py").write_text(NETWORK)
    (folder / "_wired.py").write_text(NODE)
    (tmp_path / "wifi.conf").write_text("ssid = Home\npassword = correct horse\n")
    said = subprocess.run(
        [board_image.interpreter(), "-c", f"import sys; sys.path[:] = [{str(folder)!r}, '.frozen']; import _node"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert said.stdout == "Home: joined, 192.0.2.9 wifi\n", said.stdout + said.stderr


@pytest.mark.parametrize("name", ["pico", "pico2-w"])
def test_what_runs_first_is_there(name: str, tmp_path: Path) -> None:
    modules = frozen(name, tmp_path)
    node = modules["_node.py"].read_text()
    assert ("import wifi" in node) == (name == "pico2-w")
    assert "Boot(" in modules["_wired.py" if name == "pico2-w" else "_node.py"].read_text()
