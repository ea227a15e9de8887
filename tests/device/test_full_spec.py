"""A whole board of 264 KB follows a chain of 1,023 validators: epoch marks of 65,833 bytes come over lwIP and the
hybrid handshake, go through flash in two passes, and their sets stay there."""

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jamliquor_lite.chain.flash_sets import FlashSets
from jamliquor_lite.chain.keeper import provision
from jamliquor_lite.chain.sets import KEYS, Held
from jamliquor_lite.codec.spec import FULL
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.serve import Server
from jamliquor_lite.ports.cpython.flash import Area
from tests.chain.chains import of_devnet
from tests.device.emulated import Emulated
from tests.device.person import HOST, Person
from tools import board_image

MARK_BYTES = 65_833
_HEAD = re.compile(r"head +slot (\d+) (.*), support (\d+)/1023")
_CHECKED = re.compile(r"checked +(\d+) headers .*, (\d+) refused")
_FLASH = re.compile(r"flash +(\d+) long headers written, (\d+) of them for nothing; (\d+) sets")
_LAST = re.compile(r"console +\d+ frames")  # of what `status` says


class Serving:
    """A server of the chain in a thread of its own; `author` adds the blocks of some slots and announces them."""

    def __init__(self, chain: DevChain) -> None:
        self.chain = chain
        self.peer = ""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> "Serving":
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with Server(self.chain, FULL, seed=b"\1" * 32, port=-1, listen=[("127.0.0.1", 0)]) as self._server:
            (self.peer,) = self._server.addresses
            self._ready.set()
            await self._stop.wait()

    def author(self, slots: "Iterator[int] | range | list[int]") -> int:
        """How many blocks there are now."""
        async def make() -> None:
            for slot in slots:
                block = self.chain.next(slot)
                if block is not None:
                    self._server.announce(block)
                await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(make(), self._loop).result(120)
        return len(self.chain.chain()) - 1


@pytest.fixture
def serving() -> "Iterator[Serving]":
    with Serving(DevChain(FULL, seed=11, keys=20, genesis_slot=590)) as running:
        yield running


def test_epoch_marks_of_1023_validators_go_through_its_flash(small: str, tmp_path: Path, serving: Serving) -> None:
    chain = serving.chain
    start = of_devnet(chain)
    start.clock_chain = True
    board = Emulated(small, tmp_path)
    areas = board.board.flash()
    image = bytearray(b"\xff" * areas["sets"][1])
    record = provision(Area(image, 0, len(image)), start)
    peer = serving.peer.replace("127.0.0.1", HOST)
    files = {"board.conf": f"chain = full\npeer = {peer}\n".encode(), "start.cbor": record}
    board_image.make(board.disk, board.board, files)
    _patch(board.disk, areas["sets"][0], bytes(image))
    with board:
        person = Person(board)
        board.expect("following full from slot 590 as 12D3KooW")
        board.expect("connected, hybrid")
        serving.author(range(591, 606))
        _settled(person, chain)
        serving.author([1195, 1199, 1200, 1201])
        _settled(person, chain)
        headers, wasted, sets_written = map(int, person.ask("status", _FLASH, _LAST)[0].groups())
        assert (headers, wasted) == (2, 0) and sets_written >= 2
        written = _area(board.disk, areas["sets"])

        # After a reset all comes again, and no set is written that is there.
        person.ask("reset")
        board.expect("following full from slot 590 as 12D3KooW")
        board.expect("connected, hybrid")
        _settled(person, chain)
        assert person.ask("status", _FLASH, _LAST)[0].groups() == ("2", "0", "0")
    marks = [block for block in chain.chain()[1:] if len(block.header) == MARK_BYTES]
    assert len(marks) == 2
    assert _area(board.disk, areas["scratch"])[:MARK_BYTES] == marks[1].header
    sets = _area(board.disk, areas["sets"])
    assert sets == written
    store = FlashSets(Area(bytearray(sets), 0, len(sets)), FULL, 8)
    for block in marks:
        assert block.state is not None
        assert store.open(KEYS, Held(block.state.next.pairs).digest()) is not None


def _settled(person: Person, chain: DevChain) -> None:
    """Ask until the board's head is the chain's."""
    slot = -1
    while slot < chain.best.slot:
        time.sleep(1)  # between two questions, for the sake of the machine that emulates
        head, checked, _ = person.ask("status", _HEAD, _CHECKED, _LAST)
        slot = int(head[1])
        assert checked[2] == "0"


def _patch(disk: Path, at: int, data: bytes) -> None:
    with disk.open("r+b") as file:
        file.seek(at)
        file.write(data)


def _area(disk: Path, area: "tuple[int, int]") -> bytes:
    with disk.open("rb") as file:
        file.seek(area[0])
        return file.read(area[1])
