# portable: runs on CPython and MicroPython
"""Catching up and asking for state, over chains that others made (vectors beside the checkout)."""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.header import Header
from jamliquor_lite.chain.levels import SEALED
from jamliquor_lite.chain.range_builder import build_range
from jamliquor_lite.chain.trie import Trie
from jamliquor_lite.codec import cbor, natural
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.errors import RemoteError
from jamliquor_lite.jam.events import DONE
from jamliquor_lite.jam.kinds import STATE_REQUEST
from jamliquor_lite.jam.state_request import StateResponder
from jamliquor_lite.sync.follow import Follower, Gap
from jamliquor_lite.sync.query import Query, choose, missing
from tests.chain.chains import Recorder, start_of
from tests.fake_carrier import Pair
from tests.jam.carriers import accepted
from tests.jam.drive import Server, run
from tests.support import raises, read, vectors

BLOCKS = 10  # a seal takes a tenth of a second in pure Python on MicroPython
LOW, HIGH = bytes([1]) + bytes(30), bytes([17]) + bytes(30)  # past the service's code, whose 137 KB would not fit


def small_profile() -> Profile:
    profile = Profile()
    profile.block_request_blocks = 4
    profile.value_bytes = 4096
    profile.tree_headers = 256
    return profile


class Setting:
    """The first blocks of a recorded chain, a light chain at its genesis, and the state after each block."""

    def __init__(self, name):
        recorded = cbor.loads(read(vectors(name)))
        genesis = recorded["genesis"]
        self.trie = Trie(genesis["state"].items())
        self.blocks = recorded["blocks"][:BLOCKS]
        self.headers = [Header(TINY, block["block"]) for block in self.blocks]
        self.profile = small_profile()
        self.light = Recorder(start_of(TINY, genesis["header"], genesis["state"]), self.profile)
        self.chain = self.light.chain
        self.follower = Follower(self.chain, self.profile)
        self.requests = []

    def fill(self, gap):
        while True:
            wanted = gap.next_request()
            if wanted is None:
                return
            assert len(self.requests) < 20, "the follower goes round in circles"
            self.requests.append(wanted)
            after, _, maximum = wanted
            found = [header for header in self.headers if header.parent == after]
            first = self.headers.index(found[0]) if found else BLOCKS
            for header in self.headers[first : first + maximum]:
                gap.header(header.buf, header.start, header.end, -1)
            gap.done(-1)
            while gap.join(-1):
                pass

    def follow(self):
        gap = Gap(self.follower, self.profile)
        gap.named(self.headers[-1].hash, self.headers[-1].slot)
        self.fill(gap)

    def state_after(self, slot):
        for block in self.blocks:
            if block["slot"] <= slot:
                for key in block["removed"]:
                    self.trie.remove(key)
                for key, value in block["set"].items():
                    self.trie.set(key, value)
        return self.trie


def test_catches_up_in_requests_of_the_profiles_size():
    setting = Setting("chain_typeberry.cbor")
    setting.follow()
    tree = setting.chain.tree
    assert tree.hash(tree.best) == setting.headers[-1].hash
    assert setting.chain.headers_checked == BLOCKS
    assert [maximum for _, _, maximum in setting.requests] == [4, 4, 4]
    assert setting.requests[1][0] == setting.headers[3].hash


def test_an_answer_to_another_question_is_the_peers_fault():
    setting = Setting("chain_safrole.cbor")
    gap = Gap(setting.follower, setting.profile)
    gap.named(setting.headers[-1].hash, setting.headers[-1].slot)
    gap.next_request()
    second = setting.headers[1]
    raises(RemoteError, gap.header, second.buf, second.start, second.end, -1)


def ask(setting, start, end, spoil=None):
    """One query over a fake carrier to a peer that has the recorded state; `spoil` changes its entries."""
    commitment = choose(setting.chain, SEALED)
    assert commitment.header_hash == setting.headers[-2].hash and commitment.by_hash == setting.headers[-1].hash
    trie = setting.state_after(commitment.slot)
    assert trie.root() == commitment.root
    carrier = Pair(seed=3)
    query = Query(setting.profile)
    query.begin(carrier.a.open(STATE_REQUEST), commitment, start, end, -1)

    def reply(responder):
        nodes, entries = build_range(trie, responder.start_key, responder.end_key, responder.max_size)
        if spoil:
            nodes, entries = spoil(nodes, entries)
        first = b"".join(nodes)
        second = b"".join([key + natural.encode(len(value)) + value for key, value in entries])
        responder.answer_state(len(first), len(second))
        return first + second

    server = Server(StateResponder(), reply)
    server.responder.begin(accepted(carrier, carrier.b))
    assert run(carrier, query, [server]) == DONE
    return query.answer, trie


def test_a_range_of_the_recorded_state_is_proved():
    setting = Setting("chain_safrole.cbor")
    setting.follow()
    answer, trie = ask(setting, LOW, HIGH)
    stored = [item for item in sorted(trie.items()) if LOW <= item[0] <= HIGH]
    assert len(stored) > 10
    assert [(entry.key, entry.length) for entry in answer.entries] == [(key, len(value)) for key, value in stored]
    for entry, (_, value) in zip(answer.entries, stored):
        assert entry.value == (value if len(value) <= setting.profile.value_bytes else None)
    assert answer.level in ("sealed", "vouched") and answer.proof_bytes % 64 == 0


def test_a_key_that_is_absent_is_proved_absent():
    setting = Setting("chain_safrole.cbor")
    setting.follow()
    absent = bytes([3, 1, 4]) + bytes(28)
    answer, _ = ask(setting, absent, absent)
    assert missing(answer) and answer.entries == []


def test_an_answer_that_is_spoiled_is_the_peers_fault():
    setting = Setting("chain_safrole.cbor")
    setting.follow()

    def other_value(nodes, entries):
        key, value = entries[0]
        return nodes, [(key, value[:-1] + bytes([value[-1] ^ 1]))] + entries[1:]

    def other_node(nodes, entries):
        return [nodes[0][:-1] + bytes([nodes[0][-1] ^ 1])] + nodes[1:], entries

    def one_less(nodes, entries):
        return nodes, entries[1:]

    def nothing(nodes, entries):
        return [], []

    for spoil in (other_value, other_node, one_less, nothing):
        raises(RemoteError, ask, setting, LOW, HIGH, spoil)
