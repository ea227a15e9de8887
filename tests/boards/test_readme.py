"""boards/README.md says of each board what its board.toml says."""

import re
from pathlib import Path

from jamliquor_lite.cli import boards

TEXT = (Path(__file__).resolve().parents[2] / "boards" / "README.md").read_text()


def test_the_table_is_that_of_the_files() -> None:
    rows = re.findall(r"^\| ([a-z0-9-]+) \|[^|]*\| (\w+)[^|]*\| (\w+) \| ([^|]*) \|$", TEXT, re.MULTILINE)
    listed = {name: (role, tried, flashed) for name, role, tried, flashed in rows if name != "board"}
    there = {name: boards.find(name) for name in boards.names()}
    assert listed == {
        name: (board.role, board.tried, ", ".join(board.texts("method"))) for name, board in there.items()
    }


def test_it_says_that_no_hardware_was_tried_as_long_as_none_was() -> None:
    on_hardware = [name for name in boards.names() if boards.find(name).tried == "hardware"]
    assert ("Nobody has run a node on any of these boards yet." in TEXT) == (not on_hardware)
