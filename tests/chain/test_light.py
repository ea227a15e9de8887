"""The light chain against a devnet: honest chains with forks, absences and struck-out keys, and every damaged bit."""

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.header import Header
from jamliquor_lite.chain.light import ADDED, FUTURE, HELD, KNOWN, ORPHAN, STALE
from jamliquor_lite.chain.tree import NONE
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.crypto.bandersnatch import ORDER as R
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.errors import BudgetError, VerifyError
from tests.chain.chains import Recorder, of_devnet


def chain_of(blocks, **options):
    devnet = DevChain(TINY, seed=5, keys=10, **options)
    start = of_devnet(devnet)
    return devnet, start, devnet.advance(blocks)


@pytest.mark.parametrize("options", [
    {}, {"contests": "never"}, {"contests": "always"}, {"offline": 0.17}, {"fork_rate": 0.25},
    {"fork_rate": 0.25, "offline": 0.17},
])
def test_follows_an_honest_chain_to_the_same_head(options):
    devnet, start, blocks = chain_of(120, **options)
    light = Recorder(start)
    assert {light.add(block.header) for block in blocks} == {ADDED}
    tree = light.chain.tree
    assert tree.hash(tree.best) == devnet.best.hash
    assert light.chain.headers_checked == 120
    assert light.events["keys_adopted"] >= 7 and max(light.lags) <= 24
    assert tree.slots[light.chain.best_vouched()] >= devnet.best.slot - 12
    assert light.events["root"] >= 5 and tree.count < 60
    if options.get("contests") == "never":
        assert light.chain.ticket_seals == 0
    elif options.get("contests") == "always":
        assert light.chain.ticket_seals > light.chain.fallback_seals > 0


def test_orphans_future_and_stale_headers_are_told_apart():
    _, start, blocks = chain_of(80, genesis_slot=24)
    light = Recorder(start)
    assert light.add(blocks[1].header) == ORPHAN
    assert light.add(blocks[0].header, now_slot=blocks[0].slot - 2) == FUTURE
    assert light.add(blocks[0].header, now_slot=blocks[0].slot - 1) == ADDED
    assert light.add(blocks[0].header) == KNOWN
    for block in blocks[1:]:
        assert light.add(block.header) == ADDED
    assert light.add(blocks[0].header) == STALE


def test_every_single_bit_of_a_header_matters():
    _, start, blocks = chain_of(16)
    light = Recorder(start)
    seen = set()
    for block in blocks:
        header = Header(TINY, block.header)
        kind = (header.epoch_mark, header.tickets_mark)
        if kind not in seen:
            seen.add(kind)
            for bit in range(0, 8 * len(block.header), 1 if kind == (False, False) else 3):
                data = bytearray(block.header)
                data[bit >> 3] ^= 1 << (bit & 7)
                try:
                    assert light.add(bytes(data)) in (ORPHAN, STALE), bit
                except VerifyError:
                    pass
        assert light.add(block.header) == ADDED
    assert len(seen) == 3


def test_a_restart_from_the_root_reaches_the_same_head():
    devnet, start, blocks = chain_of(100)
    light = Recorder(start)
    for block in blocks:
        light.add(block.header)
    saved = light.chain.checkpoint()
    assert saved.slot > 0
    again = Recorder(type(saved).decode(saved.encode()))
    for block in blocks:
        if block.slot > saved.slot:
            assert again.add(block.header) == ADDED
    assert again.chain.tree.hash(again.chain.tree.best) == devnet.best.hash
    assert again.chain.best_vouched() != again.chain.tree.root


def variant(data):
    """The same header under another valid seal: c + r in place of c, as the reference implementation accepts."""
    c = int.from_bytes(data[-64:-32], "little") + R
    assert c < 1 << 256
    return data[:-64] + c.to_bytes(32, "little") + data[-32:]


def test_another_seal_is_the_same_block_seen_twice():
    _, start, blocks = chain_of(6)
    light = Recorder(start)
    for block in blocks[:4]:
        light.add(block.header)
    tree = light.chain.tree
    count = tree.count
    other = variant(blocks[3].header)
    assert light.add(other) == HELD
    assert tree.count == count and light.chain.equivocations == 0
    assert tree.hash(tree.best) == blocks[3].hash
    # a child names the variant: now that is the one to keep
    assert light.add(other, named=True) == KNOWN
    assert tree.count == count and light.chain.equivocations == 0
    assert tree.find(blocks[3].hash) == NONE and tree.find(Header(TINY, other).hash) == tree.best


def test_a_bad_seal_pushes_nothing_out():
    _, start, blocks = chain_of(4)
    light = Recorder(start)
    for block in blocks:
        light.add(block.header)
    with pytest.raises(VerifyError) as refused:
        light.add(blocks[3].header[:-96] + bytes(96), named=True)
    assert refused.value.rule == "seal"
    assert light.chain.tree.find(blocks[3].hash) != NONE


def test_a_full_tree_drops_the_worst_branch_and_goes_on():
    devnet, start, blocks = chain_of(150, fork_rate=0.3)
    profile = Profile()
    profile.tree_headers = 48
    light = Recorder(start, profile)
    for block in blocks:
        try:
            light.add(block.header)
        except BudgetError:
            pass
        assert light.chain.tree.count <= 48
    assert light.chain.tree.hash(light.chain.tree.best) == devnet.best.hash
