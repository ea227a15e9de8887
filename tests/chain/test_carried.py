# portable: runs on CPython and MicroPython
"""The light chain over the chain that the repository carries (tests/data): what it counts, adopts, and does not."""

import sys

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.checkpoint import Checkpoint
from jamliquor_lite.chain.epoch import TRUSTED
from jamliquor_lite.chain.levels import SEALED, VOUCHED_LEVEL
from jamliquor_lite.chain.light import ADDED, HELD, KNOWN, ORPHAN, STALE
from jamliquor_lite.chain.tree import NONE, PENDING
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.errors import VerifyError
from jamliquor_lite.sync.follow import Follower
from jamliquor_lite.sync.query import choose
from tests.chain.chains import Recorder
from tests.data import FORGED_AT, FORK_AT, OWN_EPOCH, PATH, TWINS_AT, Carried, view
from tests.data.remembered import PROOFS, remembering
from tests.support import ROOT, raises, read, skip

DATA = Carried()
ZERO_KEY = bytes(32)


def small_profile():
    profile = Profile()
    profile.tree_headers = 64
    return profile


def follow(headers, start=None, **options):
    light = Recorder(start or DATA.checkpoint(), small_profile(), **options)
    for data in headers:
        assert light.add(data) == ADDED
    return light


def best(light):
    return light.chain.tree.hash(light.chain.tree.best)


def test_every_header_is_sealed_and_the_last_is_best():
    def run():
        before = PROOFS.asked
        light = follow(DATA.headers)
        assert best(light) == view(DATA.headers[-1]).hash
        chain = light.chain
        tickets = [data for data in DATA.headers if TINY.epoch(view(data).slot) in (1, 2)]
        assert chain.ticket_seals == len(tickets) and chain.fallback_seals == len(DATA.headers) - len(tickets)
        assert 20 <= chain.ticket_seals <= 24 and chain.headers_checked == 44
        assert chain.tree._ticketed[chain.tree.best] == len(tickets)
        assert chain.equivocations == 0 and chain.refused == {}
        assert chain.epochs_seen == light.events["epoch"] == 3
        assert PROOFS.asked - before == 2 * 44  # seal and entropy of each: nothing was taken on trust

    remembering(run)


def test_a_mark_is_adopted_when_it_is_vouched_for_and_not_before():
    def run():
        light = Recorder(DATA.checkpoint(), small_profile())
        chain, tree = light.chain, light.chain.tree
        named = chain.levels.epoch(tree.root).next_keys.whole()
        waited = []
        for data in DATA.headers:
            header = view(data)
            assert light.add(data) == ADDED
            row = tree.find(header.hash)
            if header.epoch_mark:
                # The keys of this epoch, named in the last one, are settled by now; its tickets, named in the last
                # slots, may not be, and the keys that it names cannot be.
                epoch = chain.levels.epoch(row)
                assert epoch.first == row and epoch.keys_from == TRUSTED
                assert epoch.keys.whole() == named and epoch.next_keys.whole() == header.mark_keys
                assert chain.pending == (epoch.tickets_from != TRUSTED)
                waited.append((header.slot, chain.pending))
                named = header.mark_keys
            elif header.slot % 12 >= 4:
                assert not chain.pending and chain.levels.epoch(row).first == TRUSTED
        assert waited == [(12, True), (24, True), (36, False)]
        assert light.events["keys_adopted"] == 3 and light.events["tickets_adopted"] == 2
        assert chain.adopted_marks == 5
        # More than a third of six: two other authors have to build on a header at least.
        assert all(1 <= lag <= 6 for lag in light.lags)
        vouched = chain.best_vouched()
        assert tree.supports[vouched] >= 3 and chain.levels.level(vouched) == VOUCHED_LEVEL
        child = tree.find(view(DATA.headers[-1]).hash)
        assert chain.levels.level(child) == SEALED
        # Two epochs behind, in steps of a quarter of one.
        assert light.events["root"] >= 4
        assert 0 <= tree.slots[vouched] - 2 * TINY.epoch_length - tree.slots[tree.root] < 3

    remembering(run)


def test_what_was_changed_is_named_by_its_rule():
    def run():
        light = follow(DATA.headers[:4])
        data = DATA.headers[4]
        author = view(data).author
        for at, value, rule in (
            (32, data[32] ^ 1, "seal"),  # prior state root
            (64, data[64] ^ 1, "seal"),  # extrinsic hash
            (96, 4, "slot"),
            (102, (author + 1) % 6, "fallback"),
            (102, 6, "author"),
            (103, 1, "author"),
            (104, data[104] ^ 1, "seal"),  # entropy signature
            (len(data) - 1, data[-1] ^ 1, "seal"),
        ):
            changed = bytearray(data)
            changed[at] = value
            assert raises(VerifyError, light.add, bytes(changed)).rule == rule, at
        assert light.chain.refused == {"seal": 4, "slot": 1, "fallback": 1, "author": 2}
        assert light.add(b"\x01" + data[1:]) == ORPHAN
        assert light.add(data) == ADDED and light.chain.headers_checked == 5

    remembering(run)


def test_a_well_sealed_header_breaks_the_rule_that_it_breaks():
    def run():
        light = follow(DATA.headers[:TWINS_AT])
        assert sorted(DATA.broken) == ["entropy", "ticket"]
        for rule, data in DATA.broken.items():
            assert raises(VerifyError, light.add, data).rule == rule
        assert light.chain.headers_checked == TWINS_AT

    remembering(run)


def test_a_struck_out_validator_seals_nothing():
    def run():
        light = Recorder(DATA.checkpoint(), small_profile())
        for data in DATA.headers:
            header = view(data)
            parent = light.chain.tree.find(header.parent)
            epoch = light.chain.levels.epoch(parent)
            gone = [author for author in range(TINY.validators) if epoch.keys.take(64 * author, 32) == ZERO_KEY]
            if gone and not header.epoch_mark and not header.tickets_mark and not header.offenders_count:
                assert header.author not in gone
                claimed = bytearray(data)
                claimed[102:104] = bytes([gone[0], 0])
                assert raises(VerifyError, light.add, bytes(claimed)).rule == "offender"
                return
            assert light.add(data) == ADDED
        raise AssertionError("no validator was struck out")

    remembering(run)


def test_a_shorter_fork_comes_in_beside_the_best_chain():
    def run():
        light = follow(DATA.headers[: FORK_AT + 1])
        tree, before = light.chain.tree, best(light)
        assert light.add(DATA.fork) == ADDED
        at = tree.find(view(DATA.fork).hash)
        above = tree.find(view(DATA.headers[FORK_AT - 1]).hash)
        assert tree.parents[at] == above and tree.children[above] == 2
        assert best(light) == before and light.chain.equivocations == 0
        for data in DATA.headers[FORK_AT + 1 :]:
            assert light.add(data) == ADDED
        assert best(light) == view(DATA.headers[-1]).hash
        assert tree.slots[tree.root] > view(DATA.headers[FORK_AT - 1]).slot
        assert tree.find(view(DATA.fork).hash) == NONE, "the root has passed it"

    remembering(run)


def test_two_headers_of_a_slot_are_an_equivocation_and_a_third_is_held():
    def run():
        light = follow(DATA.headers[:TWINS_AT])
        tree, before = light.chain.tree, best(light)
        assert light.add(DATA.headers[TWINS_AT]) == ADDED
        assert light.add(DATA.twins[0]) == ADDED
        assert light.chain.equivocations == light.events["equivocation"] == 1
        assert best(light) == before, "neither of them is acceptable"
        count = tree.count
        assert light.add(DATA.twins[1]) == HELD and tree.count == count
        assert light.add(DATA.twins[2]) == light.add(DATA.twins[3]) == ORPHAN and tree.count == count
        for data in DATA.headers[TWINS_AT + 1 :]:
            assert light.add(data) == ADDED
        assert best(light) == view(DATA.headers[-1]).hash, "others built on one of them"

    remembering(run)


def test_a_child_by_another_author_brings_the_third_in():
    def run():
        light = follow(DATA.headers[: TWINS_AT + 1])
        follower = Follower(light.chain, small_profile())
        outcomes = [follower.offer(data, 0, len(data), -1) for data in DATA.twins]
        assert outcomes == [ADDED, HELD, ORPHAN, ADDED], "his own child does not"
        tree = light.chain.tree
        assert tree.find(view(DATA.twins[1]).hash) != NONE
        assert tree.parents[tree.find(view(DATA.twins[3]).hash)] == tree.find(view(DATA.twins[1]).hash)

    remembering(run)


def test_a_forged_epoch_mark_is_not_adopted():
    def run():
        light = follow(DATA.before(FORGED_AT) + DATA.forged)
        chain, tree = light.chain, light.chain.tree
        for data in DATA.forged:
            row = tree.find(view(data).hash)
            own = view(data).slot >= OWN_EPOCH
            assert (chain.levels.epoch(row).keys_from == TRUSTED) != own
            assert not own or tree.has(row, PENDING) and chain.levels.name(row) == "linked (pending)"
        assert chain.pending and chain.stalled
        # The mark in slot 12 was vouched for before; that of slot 24 never is, and no answer rests on it.
        assert light.events["keys_adopted"] == 1
        assert choose(chain, VOUCHED_LEVEL).by_slot < FORGED_AT
        assert choose(chain, SEALED).by_slot < OWN_EPOCH

    remembering(run)


def test_without_the_rule_the_forged_keys_are_believed():
    def run():
        light = follow(DATA.before(FORGED_AT) + DATA.forged, adopt_at=SEALED)
        chain = light.chain
        assert not chain.pending and best(light) == view(DATA.forged[-1]).hash
        assert choose(chain, VOUCHED_LEVEL).by_slot >= OWN_EPOCH

    remembering(run)


def test_the_honest_chain_wins_over_the_forged_one():
    def run():
        light = follow(DATA.before(FORGED_AT) + DATA.forged)
        # The tree is small on purpose: it has to give up forged heads to make room.
        honest = DATA.headers[len(DATA.before(FORGED_AT)) :]
        for data in honest[:6]:
            assert light.add(data) == ADDED
        # Both branches have a header in slot 24; more than a third have built on the honest one by now.
        assert len(DATA.forged) > 12 and best(light) == view(honest[5]).hash
        for data in honest[6:]:
            assert light.add(data) == ADDED
        assert best(light) == view(DATA.headers[-1]).hash and not light.chain.pending
        assert choose(light.chain, VOUCHED_LEVEL).by_slot >= OWN_EPOCH

    remembering(run)


def test_a_restart_from_the_root_goes_on_to_the_same_head():
    def run():
        light = follow(DATA.headers)
        saved = Checkpoint.decode(light.chain.checkpoint().encode())
        assert saved.slot == light.chain.tree.slots[light.chain.tree.root] >= 12
        again = Recorder(saved, small_profile())
        for data in DATA.headers:
            expected = STALE if view(data).slot < saved.slot else KNOWN if view(data).slot == saved.slot else ADDED
            assert again.add(data) == expected
        assert best(again) == best(light)
        mine, other = again.chain, light.chain
        assert mine.tree.slots[mine.best_vouched()] == other.tree.slots[other.best_vouched()]
        assert mine.checkpoint().encode() == other.checkpoint().encode()

    remembering(run)


def test_any_header_will_do_as_a_checkpoint():
    def run():
        # The tickets of the next epoch are marked in slots 10 and 22; 12, 24 and 36 open one.
        light = follow(DATA.headers[:9])
        for at in range(9, 36):
            tree = light.chain.tree
            assert light.add(DATA.headers[at]) == ADDED
            if TINY.phase(tree.slots[tree.best]) not in (0, 1, 5, 10, 11):
                continue
            root, tree.root = tree.root, tree.best
            saved = Checkpoint.decode(light.chain.checkpoint().encode())
            tree.root = root
            settled = saved.slot in (10, 11, 22, 23)
            assert (saved.next_tickets is not None) == settled
            again = follow(DATA.headers[at + 1 :], saved)
            assert best(again) == view(DATA.headers[-1]).hash

    remembering(run)


def test_the_file_is_what_its_tool_makes():
    if sys.implementation.name == "micropython":
        skip("the devnet runs on CPython")
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/chain.cbor"
        subprocess.run([sys.executable, ROOT + "/tools/make_test_chain", path], check=True, stdout=subprocess.DEVNULL)
        assert read(path) == read(PATH)
    assert len(read(PATH)) < 60000
