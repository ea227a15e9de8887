"""The power goes at random moments while a board writes checkpoints: each boot finds a whole one, and none older than
the last of which it was said that it is saved."""

import os
import random
import re
import signal
import time
from pathlib import Path

import pytest

from tests.device.emulated import Emulated
from tests.devnet.process import Devnet

ROOT = Path(__file__).resolve().parents[2]
HOST = "10.0.2.2"
SLOT_MS = 150
# From the beginning of a save; it takes some milliseconds, until which the power goes in every other case.
SHORT_S = 0.012
LONG_S = 0.5
# The board's own program, but that it saves with every header that moves the root, and says when a save is over.
BEGIN = "Boot(profile, pools).run()\n"
OFTEN = """\
from jamliquor_lite.chain.keeper import Keeper
profile.checkpoint_interval_ms = 1
save = Keeper.save
def said(self, checkpoint):
    print("saving", checkpoint.slot)
    save(self, checkpoint)
    print("saved", checkpoint.slot)
Keeper.save = said
"""
SAID = re.compile(r"^(saving|saved) (\d+)$")


def program() -> bytes:
    text = (ROOT / "firmware" / "main.py").read_text()
    assert text.endswith("\n" + BEGIN)
    return (text.removesuffix(BEGIN) + OFTEN + BEGIN).encode()


def said(board: Emulated) -> "tuple[int, int]":
    """(slot of the save that was begun last, of the one that was over last); 0 for none."""
    last = {"saving": 0, "saved": 0}
    for line in board.lines:
        match = SAID.search(line)
        if match:
            last[match[1]] = int(match[2])
    return last["saving"], last["saved"]


def cut(board: Emulated) -> None:
    """The power goes; what was said before is read."""
    os.kill(board.pid, signal.SIGKILL)
    with pytest.raises(AssertionError, match="the board ended"):
        board.expect("^said by nobody$")


def survive(board_name: str, folder: Path, times: int, seed: int) -> "tuple[int, int]":
    """(cuts while a save was under way, slots between the first checkpoint and the last)."""
    dice = random.Random(seed)
    within = first = acknowledged = begun = 0
    with Devnet(folder, slot_ms=SLOT_MS) as devnet:
        files: "dict[str, bytes] | None" = {**devnet.files(HOST), "main.py": program()}
        for number in range(times + 1):
            with Emulated(board_name, folder, files) as board:
                files = None  # from now on with the disk as it was left
                slot = int(board.expect(r"^following devnet from slot (\d+) as ")[1])
                assert acknowledged <= slot <= max(begun, acknowledged), (number, slot, acknowledged, begun)
                board.expect("^saved ")
                board.expect("^saving ")
                # Not a wait for anything: the moment is what is random.
                time.sleep(dice.uniform(0, SHORT_S if number % 2 else LONG_S))
                cut(board)
                begun, acknowledged = said(board)
                assert not any("unusable" in line or "damaged" in line for line in board.lines), board.told()
                within += begun != acknowledged
                first = first or acknowledged
    return within, acknowledged - first


def test_twenty_cuts(small: str, tmp_path: Path) -> None:
    within, slots = survive(small, tmp_path, 20, 1)
    print("%d of 20 cuts while a save was under way, %d slots followed" % (within, slots))
    assert slots > 20


@pytest.mark.long
def test_two_hundred_cuts(small: str, tmp_path: Path) -> None:
    within, slots = survive(small, tmp_path, 200, 2)
    print("%d of 200 cuts while a save was under way, %d slots followed" % (within, slots))
    assert slots > 200 and within >= 5
