"""Filling gaps: a follower against a simulated peer that answers CE 128 from a devnet's blocks."""

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.header import Header
from jamliquor_lite.chain.light import ADDED, HELD, ORPHAN
from jamliquor_lite.chain.tree import NONE
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.faults import Fault
from jamliquor_lite.errors import RemoteError, VerifyError
from jamliquor_lite.sync.follow import BACKWARDS, Follower, Gap
from tests.chain.chains import Recorder, of_devnet


class Peer:
    """Answers a request as a full node does: forwards along its best chain, backwards from any block it knows."""

    def __init__(self, devnet, best=None):
        self.devnet = devnet
        self.best = best or devnet.best
        self.requests = 0

    def branch(self):
        found, block = [], self.best
        while block is not None:
            found.append(block)
            block = self.devnet.block(block.parent)
        return found[::-1]

    def answer(self, header_hash, direction, maximum):
        self.requests += 1
        if direction == BACKWARDS:
            found, block = [], self.devnet.block(header_hash)
            while block is not None and len(found) < maximum:
                found.append(block)
                block = self.devnet.block(block.parent)
            return found
        branch = self.branch()
        names = [block.hash for block in branch]
        if header_hash not in names:
            return []
        at = names.index(header_hash) + 1
        return branch[at : at + maximum]


class Setting:
    def __init__(self, blocks=40, **options):
        self.devnet = DevChain(TINY, seed=9, keys=5, **options)
        self.light = Recorder(of_devnet(self.devnet))
        self.blocks = self.devnet.advance(blocks)
        self.follower = Follower(self.light.chain, Profile())
        self.gap = Gap(self.follower, Profile())

    def fill(self, peer, limit=50):
        while True:
            wanted = self.gap.next_request()
            if wanted is None:
                return
            for block in peer.answer(*wanted):
                self.gap.header(block.header, 0, len(block.header), -1)
            self.gap.done(-1)
            checked = self.gap.chain.headers_checked
            while self.gap.join(-1):
                assert self.gap.next_request() is None or not self.gap.is_joining, "one thing after the other"
                assert self.gap.chain.headers_checked - checked <= 1, "a unit of work is one header"
                checked = self.gap.chain.headers_checked
            assert peer.requests < limit, "the follower goes round in circles"

    def has(self, block):
        return self.light.chain.tree.find(block.hash) != NONE


def test_catches_up_from_genesis_in_requests_of_the_profiles_size():
    setting = Setting(300)
    peer = Peer(setting.devnet)
    setting.gap.named(peer.best.hash, peer.best.slot)
    setting.fill(peer)
    assert setting.has(peer.best)
    assert peer.requests == 3  # 128 + 128 + 44


def test_a_head_that_is_here_costs_no_request():
    setting = Setting(3)
    for block in setting.blocks:
        setting.follower.offer(block.header, 0, len(block.header), -1)
    peer = Peer(setting.devnet)
    setting.gap.named(peer.best.hash, peer.best.slot)
    setting.fill(peer)
    assert peer.requests == 0


def test_steps_back_to_common_ground_with_a_peer_on_another_branch():
    setting = Setting(20)
    other = setting.devnet.fork_from(setting.blocks[11], alone=False)
    other.advance(8)
    ours = setting.devnet
    for block in setting.blocks:
        setting.follower.offer(block.header, 0, len(block.header), -1)
    # the other branch skips the slot that ours used first, so that the two are not the same blocks
    fork = ours.fork_from(setting.blocks[11], alone=False)
    fork.slot = setting.blocks[12].slot
    made = fork.advance(10)
    peer = Peer(fork, made[-1])
    setting.gap.named(made[-1].hash, made[-1].slot)
    setting.fill(peer)
    assert setting.has(made[-1])


def test_fetches_a_leaf_beside_the_peers_own_branch_backwards():
    setting = Setting(20)
    fork = setting.devnet.fork_from(setting.blocks[11], alone=False)
    fork.slot = setting.blocks[12].slot
    made = fork.advance(3)
    peer = Peer(fork, fork.block(setting.blocks[19].hash))
    setting.gap.named(made[-1].hash, made[-1].slot)
    setting.fill(peer)
    assert setting.has(made[-1])


def test_a_peer_that_knows_none_of_our_headers_is_lost():
    setting = Setting(5)
    stranger = DevChain(TINY, seed=77, keys=5)
    stranger.advance(5)
    setting.gap.named(stranger.best.hash, stranger.best.slot)
    setting.fill(Peer(stranger))
    assert setting.gap.lost


def test_an_answer_that_is_no_chain_is_the_peers_fault():
    setting = Setting(10)
    peer = Peer(setting.devnet)
    setting.gap.named(peer.best.hash, peer.best.slot)
    wanted = setting.gap.next_request()
    found = peer.answer(*wanted)
    with pytest.raises(RemoteError):
        setting.gap.header(found[3].header, 0, len(found[3].header), -1)


def test_an_endless_answer_backwards_is_cut_off():
    setting = Setting(5)
    setting.gap.named(bytes(31) + b"\1", 99)
    setting.gap.direction = BACKWARDS
    setting.gap.next_request()
    header = setting.blocks[0].header
    with pytest.raises(RemoteError):
        for _ in range(Profile().fork_headers + 2):
            setting.gap.header(header, 0, len(header), -1)


def test_early_headers_wait_for_their_slot():
    setting = Setting(2, genesis_slot=24)
    first = setting.blocks[0]
    setting.follower.offer(first.header, 0, len(first.header), first.slot - 2)
    assert not setting.has(first)
    assert setting.follower.retry(first.slot) == 1
    assert setting.has(first)




class OtherBody(Fault):
    def __init__(self, number):
        self.number = number

    def change(self, chain, draft):
        draft.extrinsic_hash = bytes([self.number]) * 32


def test_a_third_header_of_a_slot_comes_in_only_behind_a_child():
    setting = Setting(8)
    for block in setting.blocks:
        setting.follower.offer(block.header, 0, len(block.header), -1)
    offer = setting.follower.offer
    twins = []
    while len(twins) < 3:
        fork = setting.devnet.fork_from(setting.devnet.best, alone=False)
        slot = fork.best.slot + 1
        while fork.seat(_entered(fork, slot)) is None:
            slot += 1
        block = fork.author(slot, fault=OtherBody(len(twins)))
        twins.append((fork, block))
    outcomes = [offer(block.header, 0, len(block.header), -1) for _, block in twins]
    assert outcomes == [ADDED, ADDED, HELD]
    assert setting.light.chain.equivocations == 1
    fork, third = twins[2]
    fork.best = third
    child = fork.advance(1)[0]
    while child.author == third.author:
        child = fork.advance(1)[0]
    if child.parent == third.hash:
        spoiled = child.header[:-1] + bytes([child.header[-1] ^ 1])
        with pytest.raises(VerifyError):
            offer(spoiled, 0, len(spoiled), -1)
        assert not setting.has(third)
        assert offer(child.header, 0, len(child.header), -1) == ADDED
        assert setting.has(third)
    else:
        assert offer(child.header, 0, len(child.header), -1) == ORPHAN


def _entered(chain, slot):
    state = chain.best.state.copy()
    chain._enter(state, slot)
    return state


def test_authors_are_told_apart_by_key_across_epochs_too():
    setting = Setting(400)
    seen = set()
    for block, child in zip(setting.blocks, setting.blocks[1:]):
        held, named = Header(TINY, block.header), Header(TINY, child.header)
        same = setting.follower._same_author(held, named)
        assert same == (block.validator is child.validator)
        seen.add((named.epoch_mark, same, held.author == named.author))
        setting.follower.offer(block.header, 0, len(block.header), -1)
    assert {(True, False, True), (True, False, False), (False, True, True), (False, False, False)} <= seen
