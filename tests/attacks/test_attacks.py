"""Every attack of the README's table is staged, and none reaches more than the table says."""

import asyncio
import re
from pathlib import Path

import pytest

from .attacks import ATTACKS, broken_journal
from .stage import Scene
from .table import HEAD, line

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.title)
def test_it_reaches_what_the_table_says_and_no_more(attack, tmp_path):
    scene = asyncio.run(attack.run(tmp_path))
    assert scene.answers, "there was an honest peer in the end, and it was asked"


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 12))
def test_a_journal_broken_at_a_thousand_places(seed, tmp_path):
    asyncio.run(broken_journal(Scene(tmp_path), seed=seed))


def test_the_readme_has_the_table():
    text = README.read_text()
    section = text[text.index("## Security") :].split("\n## ")[0]
    rows = [row for row in section.splitlines() if row.startswith("| ")]
    assert rows[0] == line(HEAD) and len(rows) == 1 + len(ATTACKS)
    for row, attack in zip(rows[1:], ATTACKS, strict=True):
        title, reach, said = row[2:-2].split(" | ")
        assert (title, reach) == (attack.title, attack.reach)
        assert re.search(attack.says, said), f"{attack.says} is not in: {said}"
