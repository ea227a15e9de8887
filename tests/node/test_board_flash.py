"""A board's node with flash: from an image made elsewhere, over resets, to what it says when flash is wrong."""

import pytest

from jamliquor_lite.budget.pools import Pools
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.checkpoint import Checkpoint
from jamliquor_lite.chain.flash_sets import FlashSet
from jamliquor_lite.chain.keeper import provision
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.errors import LocalError
from jamliquor_lite.node.board_node import BoardNode
from tests.chain.chains import of_devnet
from tests.ports.flash_device import SECTOR, area_over, fresh

PEER = "peer = /ip4/127.0.0.1/tcp/9/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp\n"
BUFFER = TINY.plain_header_size


class Board:
    """A folder and flash, and whatever is running on them."""

    def __init__(self, folder):
        self.folder = folder
        self.sets = fresh(20 * 2 * SECTOR)
        self.scratch = fresh(SECTOR)
        self.lines = []
        (folder / "board.conf").write_text("chain = devnet\n" + PEER)

    def boot(self, **areas):
        profile = Profile()
        profile.header_bytes = BUFFER
        self.areas = {"sets": area_over(self.sets), "scratch": area_over(self.scratch), **areas}
        self.board = BoardNode(str(self.folder), profile, Pools(profile), self.lines.append, self.areas)
        self.node = self.board.start()
        self.long = self.node.long_headers.sink("e1")
        return self.node

    def add(self, data):
        if len(data) <= BUFFER:
            return self.node.follower.offer(data, 0, len(data), -1)
        self.long.begin(bytearray(data[:BUFFER]), BUFFER, len(data))
        self.long.write(bytearray(data), BUFFER, len(data))
        self.long.finish()
        return self.node.follower.offer_long(self.long, -1)

    def off(self):
        for carrier in self.node.carriers:
            carrier.release()


@pytest.fixture
def world(tmp_path):
    chain = DevChain(TINY, seed=5, keys=10)
    start = of_devnet(chain)
    start.clock_chain = True
    board = Board(tmp_path)
    record = provision(area_over(board.sets), start)
    assert len(record) < 700
    (tmp_path / "start.cbor").write_bytes(record)
    return board, chain, start


def test_from_an_image_over_resets_to_the_head(world):
    board, chain, start = world
    node = board.boot()
    assert node.chain.tree.hash(node.chain.tree.root) == start.header_hash
    assert board.areas["sets"].bytes_written == 0, "the image has it all"
    assert isinstance(node.chain.levels.epoch(node.chain.tree.root).keys, FlashSet)
    blocks = chain.advance(100)
    at = {block.hash: i for i, block in enumerate(blocks)}
    acknowledged = start.slot
    for i in range(0, 100, 10):
        for block in blocks[i : i + 10]:
            if node.chain.tree.find(block.hash) < 0:
                board.add(block.header)
        node.save(0)
        root = node.chain.tree.root
        acknowledged = max(acknowledged, node.chain.tree.slots[root])
        board.off()
        node = board.boot()  # without a goodbye
        root = node.chain.tree.root
        assert node.chain.tree.slots[root] == acknowledged
        written = board.areas["sets"].bytes_written
        first = at.get(node.chain.tree.hash(root), -1) + 1
        for block in blocks[first : i + 10]:
            board.add(block.header)
        assert board.areas["sets"].bytes_written == written, "what has been written once is found again"
    assert acknowledged > 40 and node.chain.tree.hash(node.chain.tree.best) == chain.best.hash
    board.off()
    # Everything else goes: a record without its sets is one line, and the start's may be gone by now too.
    board.sets[:] = fresh(len(board.sets))
    with pytest.raises(LocalError, match="start.cbor: checkpoint: its keys are not in flash"):
        board.boot()
    assert "its keys are not in flash, or damaged there" in board.lines[-1]
    # A whole start makes a board of that again.
    (board.folder / "start.cbor").write_bytes(start.encode())
    node = board.boot()
    assert node.chain.tree.hash(node.chain.tree.root) == start.header_hash
    board.off()


def test_until_something_was_saved_the_start_stays(world):
    board, chain, start = world
    node = board.boot()
    for block in chain.advance(100):
        board.add(block.header)
    assert node.chain.tree.slots[node.chain.tree.root] > 40 and board.areas["sets"].sectors_erased > 10
    node.chain._table.sets.retain([])
    held = Checkpoint.decode((board.folder / "start.cbor").read_bytes(), node.chain._table.sets)
    assert held.encode() == start.encode()
    board.off()
    assert board.boot().chain.tree.slots[0] == start.slot
    board.off()


def test_an_area_too_small_is_one_line(world):
    board, _, _ = world
    with pytest.raises(LocalError, match="bytes for validator sets, spec tiny needs 32768") as error:
        board.boot(sets=area_over(fresh(3 * SECTOR)))
    assert error.value.exit_code == 2
