"""A warp over real links: from genesis to the last set-change block, past liars, and on where a run was cut."""

import asyncio

import pytest

from jamliquor_lite.budget.budgets import Budgets
from jamliquor_lite.budget.classes import FINALITY
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.epoch import UNKNOWN_SET
from jamliquor_lite.chain.twoslot import TwoSlot
from jamliquor_lite.codec.spec import FULL, TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.finality import Finality
from jamliquor_lite.devnet.finality_faults import FinalityFault, describe
from jamliquor_lite.devnet.finality_faults import by_name as fault_by_name
from jamliquor_lite.devnet.serve import Server
from jamliquor_lite.devnet.wire import by_name
from jamliquor_lite.errors import LocalError, RemoteError
from jamliquor_lite.node.peers import Record
from jamliquor_lite.node.warp_sync import WarpSync
from jamliquor_lite.ports import clock
from jamliquor_lite.ports.store import SlotFile
from jamliquor_lite.sync.warp import fragment_bytes
from tests.chain.chains import Recorder, of_devnet, start_of
from tests.node.world import CARRIERS, address


class Forged(FinalityFault):
    """From some set on the fragments are by another key: the last vote of each is somebody else's signature."""

    def __init__(self, set_id=0):
        self.set_id = set_id

    def fragment(self, finality, ended):
        data = bytearray(FinalityFault.fragment(self, finality, ended))
        if ended.set_id >= self.set_id:
            data[-100] ^= 1
        return bytes(data)


# By devnet's names: what is good all the same, and what nobody can tell who trusts these voters.
GOOD = ("equivocating-voters", "voters-ahead", "wrong-state-root-by-majority")
SAYS_NOTHING = ("refusing-finality", "finality-stall")
LATE = ("cut-finality", "truncated-finality", "oversized-finality")  # what comes before is good


class Warping:
    """A chain of some epochs, and what a warp from its genesis told."""

    def __init__(self, blocks=70, seed=13, spec=TINY, **settings):
        self.spec = spec
        self.chain = DevChain(spec, seed=seed, keys=20, **settings)
        self.start = of_devnet(self.chain)
        self.start.clock_chain = True
        self.start.grandpa_format = "jamnp-pr6-737b8ae"
        self.chain.states_kept = 10_000 if spec is TINY else 8
        self.finality = Finality(self.chain)
        self.chain.advance(blocks)
        self.events = []
        self.warp = None

    def twin(self, fault, blocks=None):
        """The same chain, served by a liar; or cut short."""
        at = self.chain.best if blocks is None else self.chain.at(blocks)
        twin = self.chain.fork_from(at)
        self.finality.fork(twin, fault)
        return twin

    async def run(self, *served, network="libp2p", start=None, now_slot=-1, store=None, stop_after=None, wires=(),
                  cpu_permille=1000, timeout_ms=1_000):
        """Warp from `start`, asking servers of these chains."""
        servers = []
        for number, chain in enumerate(served):
            over = {} if network == "quic" else {"port": -1, "listen": [("127.0.0.1", 0)]}
            wire = by_name(wires[number]) if number < len(wires) else None
            servers.append(Server(chain, self.spec, seed=bytes([number + 1]) * 32, wire=wire, **over))
        for server in servers:
            await server.start()

        def tell(name, fields):
            self.events.append((name, fields))
            if stop_after is not None and name == "warp_fragment" and fields["set_id"] == stop_after:
                raise KeyboardInterrupt

        try:
            profile = Profile()
            profile.warp_timeout_ms = timeout_ms
            profile.cpu_permille = cpu_permille
            budgets = self.budgets = Budgets(profile, clock.cpu_us)
            carrier = CARRIERS[network](b"\7" * 32, self.chain.genesis.hash, profile)
            records = [Record(*address(server), carrier) for server in servers]
            self.warp = WarpSync([carrier], start or self.start, budgets, tell, store)
            return await self.warp.run(records, now_slot)
        finally:
            for server in servers:
                await server.stop()

    def told(self, name):
        return [fields for event, fields in self.events if event == name]


def warp(world, *served, **options):
    return asyncio.run(world.run(*(served or (world.chain,)), **options))


def goes_on(world, found):
    """The chain goes on from the checkpoint with every check of seals, tickets and entropies; how far it went."""
    light = Recorder(found)
    line = world.chain.chain()
    at = next(number for number, block in enumerate(line) if block.hash == found.header_hash)
    for block in line[at + 1 :]:
        light.add(block.header)
    assert light.chain.tree.hash(light.chain.tree.best) == world.chain.best.hash
    assert light.chain.headers_checked == len(line) - at - 1
    return light


@pytest.mark.parametrize("network", CARRIERS)
@pytest.mark.parametrize("contests", ["always", "never", "mixed"])
def test_from_genesis_to_the_last_set_change(network, contests):
    world = Warping(contests=contests)
    found = warp(world, network=network)
    last = world.finality.change(world.finality.set_id - 1)
    assert found.header_hash == last.header_hash and found.grandpa_set_id == world.finality.set_id >= 5
    assert found.grandpa_format == "jamnp-pr6-737b8ae" and found.clock_chain
    assert world.warp.progress.state_root == last.state_root
    light = goes_on(world, found)
    assert (found.tickets is not None and light.chain.ticket_seals > 0) or contests != "always"
    assert (found.tickets is None and light.chain.fallback_seals > 0) or contests != "never"
    (ends,) = world.told("warp_ends")
    (begins,) = world.told("warp_begins")
    assert ends["sets"] == begins["sets"] == len(world.told("warp_fragment")) == world.finality.set_id
    assert begins["bytes"] < ends["bytes"] < 3 * begins["bytes"] + 60_000, "the handshake is most of it at tiny"


def test_every_epochs_entropies_and_tickets_are_right():
    for blocks in range(16, 80, 12):
        world = Warping(blocks, seed=21, fork_rate=0.2)
        goes_on(world, warp(world))


def faults():
    return [name for name, _ in describe()]


@pytest.mark.parametrize("fault", faults())
def test_a_liar_is_left_and_somebody_else_is_asked(fault):
    world = Warping()
    found = warp(world, world.twin(fault_by_name(fault)), world.chain)
    assert found.grandpa_set_id == world.finality.set_id
    goes_on(world, found)
    left = world.told("warp_refused")
    if fault in GOOD + SAYS_NOTHING:
        assert left == []
        return
    assert len(left) == 1 and (left[0]["set_id"] <= 1 or fault in LATE)
    assert len(world.told("warp_fragment")) == world.finality.set_id
    if left[0]["set_id"] == 0:
        with pytest.raises(LocalError, match="no peer proved a set-change block after slot 0: ") as alone:
            warp(world, world.twin(fault_by_name(fault)))
        assert "\n" not in str(alone.value)


def test_what_a_liar_proved_before_it_lied_stays():
    world = Warping()
    found = warp(world, world.twin(Forged(3)), world.chain)
    assert found.grandpa_set_id == world.finality.set_id
    assert world.told("warp_refused")[0]["set_id"] == 3
    assert [fields["set_id"] for fields in world.told("warp_fragment")] == list(range(world.finality.set_id))


@pytest.mark.parametrize("network", CARRIERS)
def test_at_full_spec(network):
    # Two blocks an epoch, at its end: each set-change block comes with 1,023 keys and 683 votes.
    world = Warping(9, spec=FULL, epoch_blocks=2)
    found = warp(world, network=network, timeout_ms=60_000)
    assert found.grandpa_set_id == world.finality.set_id == 3
    goes_on(world, found)
    (ends,) = world.told("warp_ends")
    # The fragments, and over QUIC 383 KB of C(4), which over the lite network a few headers stand for.
    beside = ends["bytes"] - 3 * fragment_bytes(FULL)
    assert beside < 90_000 if network == "libp2p" else 380_000 < beside < 480_000


def test_a_peer_that_holds_back_costs_time_only():
    world = Warping()
    short = world.twin(None, 30)
    now = world.chain.best.slot
    found = warp(world, short, world.chain, now_slot=now)
    assert found.grandpa_set_id == world.finality.set_id
    # Alone it has us start further back, from a block that is final all the same.
    found = warp(world, short, now_slot=now)
    assert 0 < found.grandpa_set_id < world.finality.set_id
    goes_on(world, found)


def test_the_clock_tells_the_cost_beforehand():
    world = Warping()
    warp(world, now_slot=world.chain.best.slot)
    begins = world.events[0]
    assert begins[0] == "warp_begins" and begins[1]["sets"] == TINY.epoch(world.chain.best.slot)
    assert begins[1]["done"] == 0


def test_an_interrupted_warp_goes_on(tmp_path):
    world = Warping()
    with pytest.raises(KeyboardInterrupt):
        warp(world, store=TwoSlot(SlotFile(str(tmp_path / "warp"))), stop_after=2)
    world.events.clear()
    found = warp(world, store=TwoSlot(SlotFile(str(tmp_path / "warp"))))
    assert [fields["set_id"] for fields in world.told("warp_fragment")] == list(range(3, world.finality.set_id))
    assert world.told("warp_begins")[0]["done"] == 3
    goes_on(world, found)
    # Once more, and nothing is left to be fetched but what the fragments do not have.
    world.events.clear()
    assert warp(world, store=TwoSlot(SlotFile(str(tmp_path / "warp")))).header_hash == found.header_hash
    assert world.told("warp_fragment") == []
    # What was proved from another start counts for nothing here, whichever chain it is, nor does a damaged file.
    block = world.chain.at(5)
    start = start_of(TINY, block.header, dict(block.state.trie.items()))
    start.genesis_hash, start.grandpa_set_id = world.chain.genesis.hash, 0
    world.events.clear()
    warp(world, start=start, store=TwoSlot(SlotFile(str(tmp_path / "warp"))))
    assert world.told("warp_begins")[0]["done"] == 0
    other = Warping(seed=14)
    warp(other, store=TwoSlot(SlotFile(str(tmp_path / "warp"))))
    assert other.told("warp_begins")[0]["done"] == 0
    for slot in (tmp_path / "warp.0", tmp_path / "warp.1"):
        if slot.exists():
            slot.write_bytes(slot.read_bytes()[:-1] + b"?")
    world.events.clear()
    warp(world, store=TwoSlot(SlotFile(str(tmp_path / "warp"))))
    assert world.told("warp_begins")[0]["done"] == 0


def test_from_a_checkpoint_in_the_middle():
    world = Warping()
    first = warp(world, world.twin(None, 30))
    found = warp(world, start=first)
    assert found.grandpa_set_id == world.finality.set_id
    goes_on(world, found)
    assert warp(world, start=found) is None, "there is nothing newer"


@pytest.mark.parametrize("gap", [0, 30])
def test_from_a_block_of_which_only_the_hash_was_trusted(gap):
    world = Warping(20)
    world.chain.slot += gap  # epochs without a block have no set
    world.chain.advance(40)
    sets = set()
    for block in world.chain.chain()[1:-3:4]:
        start = start_of(TINY, block.header, dict(block.state.trie.items()))
        start.genesis_hash, start.grandpa_set_id = world.chain.genesis.hash, UNKNOWN_SET
        found = warp(world, start=start)
        if found is None:
            assert world.warp.progress.set_id == world.finality.set_id
        else:
            assert found.grandpa_set_id == world.finality.set_id
            sets.add(world.warp.progress.fragments)
    assert len(sets) == world.finality.set_id
    # A liar that misplaces us is left.
    world.events.clear()
    start = start_of(TINY, world.chain.at(30).header, dict(world.chain.at(30).state.trie.items()))
    start.genesis_hash, start.grandpa_set_id = world.chain.genesis.hash, UNKNOWN_SET
    other = Warping(60, seed=14)
    other.chain.genesis = world.chain.genesis  # as which it poses
    assert warp(world, other.chain, world.chain, start=start).grandpa_set_id == world.finality.set_id
    assert len(world.told("warp_refused")) == 1


def test_signatures_are_paid_for_as_finality():
    world = Warping()
    found = warp(world, cpu_permille=500)
    assert found.grandpa_set_id == world.finality.set_id
    assert world.budgets.cpu.rate and world.budgets.cpu.spent[FINALITY] > 0


def test_nobody_serves_it():
    world = Warping()
    plain = DevChain(TINY, seed=13, keys=20)
    plain.advance(20)
    with pytest.raises(LocalError, match="it does not serve warp sync"):
        warp(world, plain)
    # Over JAM's own network a reset says no more than that there is no answer.
    assert warp(world, plain, network="quic") is None


def test_over_jams_own_network_headers_come_with_their_blocks_where_state_is_not_served():
    world = Warping(contests="always")
    found = warp(world, network="quic", wires=["unsupported"])
    assert found.tickets is not None
    goes_on(world, found)


def test_a_peer_that_has_not_what_is_missing_is_passed_over(monkeypatch):
    world = Warping(contests="always")
    plain = WarpSync._tickets_of_headers
    failed = []

    async def fails_once(self, connection):
        if not failed:
            failed.append(connection)
            raise RemoteError(0, "it does not have the headers")
        return await plain(self, connection)

    async def fails(self, connection):
        raise RemoteError(0, "it does not serve that state")

    monkeypatch.setattr(WarpSync, "_tickets_of_state", fails)
    monkeypatch.setattr(WarpSync, "_tickets_of_headers", fails_once)
    goes_on(world, warp(world, world.chain, world.chain))
    monkeypatch.setattr(WarpSync, "_tickets_of_headers", fails)
    with pytest.raises(LocalError, match="show which tickets seal its epoch"):
        warp(world, world.chain)
