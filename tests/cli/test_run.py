"""From where `run` starts: its clock, its checkpoint's age, and a checkpoint that is damaged or another chain's."""

import json
import socket

import pytest

from jamliquor_lite.chain import slots
from jamliquor_lite.chain.chainspec import ChainSpec
from jamliquor_lite.chain.journal import Journal
from jamliquor_lite.chain.twoslot import TwoSlot
from jamliquor_lite.cli.main import main
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet import chainspec
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.ports import clock, store
from jamliquor_lite.ports.cpython.lock import Lock
from jamliquor_lite.ports.cpython.segments import SegmentFile

GENESIS_SLOT = 1_200
WEEK_SLOTS = slots.MAX_AGE_SECONDS // TINY.slot_seconds


class Place:
    """A chain by the wall clock whose only peer is deaf, a data folder, and a clock to set."""

    def __init__(self, folder, monkeypatch, port):
        chain = DevChain(TINY, seed=3, keys=1, genesis_slot=GENESIS_SLOT)
        self.chainspec = str(folder / "chain.json")
        chainspec.write(self.chainspec, chain, ["e%s@127.0.0.1:%d" % ("a" * 52, port)], False)
        self.start = ChainSpec.read(self.chainspec).checkpoint()
        self.data = folder / "data"
        self.kept = self.data / self.start.genesis_hash[:4].hex()
        self.now = GENESIS_SLOT
        monkeypatch.setattr(clock, "wall_seconds", lambda: slots.COMMON_ERA + TINY.slot_seconds * self.now)
        monkeypatch.setenv("HOME", str(folder))

    def keep(self, *payloads):
        self.kept.mkdir(parents=True, exist_ok=True)
        slot_file = TwoSlot(store.SlotFile(str(self.kept / "checkpoint")))
        for payload in payloads:
            slot_file.save(payload)

    def journal(self):
        self.kept.mkdir(parents=True, exist_ok=True)
        return Journal(SegmentFile(str(self.kept / "journal")), 1 << 15, 1 << 24)

    def run(self, *options):
        return main(["run", "--chain", self.chainspec, "--data", str(self.data), "--listen-addr", "127.0.0.1",
                     "--listen-port", "0", "--seconds", "0.1", "--json", *options])


@pytest.fixture
def place(tmp_path, monkeypatch):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        yield Place(tmp_path, monkeypatch, deaf.getsockname()[1])


def refused(capsys, status):
    out, err = capsys.readouterr()
    assert status == 2 and out == ""
    assert err.count("\n") == 1 and err.startswith("jamliquor-lite: ")
    return err


def started(capsys, status):
    out, err = capsys.readouterr()
    lines = [json.loads(line) for line in out.splitlines()]
    assert status == 0 and any(line.get("event") == "ready" for line in lines), (out, err)
    return lines, err


def test_a_clock_in_the_past_is_refused_and_the_slot_itself_is_not(place, capsys):
    place.now = GENESIS_SLOT - 1
    line = refused(capsys, place.run())
    assert "the clock says slot %d" % (GENESIS_SLOT - 1) in line and "slot %d" % GENESIS_SLOT in line
    place.now = GENESIS_SLOT
    lines, err = started(capsys, place.run())
    assert err == "" and lines[-1]["best_slot"] == GENESIS_SLOT


def test_an_old_checkpoint_needs_the_users_word(place, capsys):
    place.keep(place.start.encode())
    place.now = GENESIS_SLOT + WEEK_SLOTS
    started(capsys, place.run())
    place.now += 1
    assert "--old-checkpoint" in refused(capsys, place.run())
    started(capsys, place.run("--old-checkpoint"))


def test_a_damaged_checkpoint_gives_way_to_the_one_before_it_and_says_so(place, capsys):
    older = ChainSpec.read(place.chainspec).checkpoint()
    newer = ChainSpec.read(place.chainspec).checkpoint()
    older.slot, newer.slot = GENESIS_SLOT + 12, GENESIS_SLOT + 24
    place.now = GENESIS_SLOT + 24
    journal = place.journal()
    for checkpoint in (older, newer):
        assert journal.save(checkpoint, 0)
    lines, err = started(capsys, place.run())
    assert lines[-1]["best_slot"] == newer.slot and err == ""
    newest = place.kept / "journal.0"
    data = bytearray(newest.read_bytes())
    data[-1] ^= 1
    newest.write_bytes(data)
    lines, err = started(capsys, place.run())
    assert lines[-1]["best_slot"] == older.slot
    told = [line["message"] for line in lines if line.get("event") == "warning"]
    assert len(told) == 1 and "are no whole record: going on from slot %d" % older.slot in told[0]
    (place.kept / "journal.0").write_bytes(b"torn")
    lines, err = started(capsys, place.run())
    assert lines[-1]["best_slot"] == GENESIS_SLOT and "nothing is left of it" in err + json.dumps(lines)


def test_what_an_older_release_saved_moves_into_the_journal_once(place, capsys):
    place.now = GENESIS_SLOT + 24
    old = ChainSpec.read(place.chainspec).checkpoint()
    older = ChainSpec.read(place.chainspec).checkpoint()
    old.slot, older.slot = GENESIS_SLOT + 24, GENESIS_SLOT + 12
    place.keep(older.encode(), old.encode())
    newest = place.kept / "checkpoint.1"
    newest.write_bytes(newest.read_bytes()[:-1])
    lines, err = started(capsys, place.run())
    assert lines[-1]["best_slot"] == older.slot and "checkpoint.1 is damaged" in err + json.dumps(lines)
    assert not list(place.kept.glob("checkpoint.*")) and (place.kept / "journal.0").exists()
    assert place.journal().load().encode() == older.encode()
    lines, err = started(capsys, place.run())
    assert lines[-1]["best_slot"] == older.slot and "damaged" not in err + json.dumps(lines)


def test_a_second_process_on_one_folder_saves_nothing_and_says_so(place, capsys):
    place.now = GENESIS_SLOT + 24
    saved = ChainSpec.read(place.chainspec).checkpoint()
    place.keep(saved.encode())
    lock = Lock(str(place.kept / "journal.lock"))
    lines, err = started(capsys, place.run())
    assert "journal.lock is held by another process: going on" in err + json.dumps(lines)
    assert not (place.kept / "journal.0").exists() and (place.kept / "checkpoint.0").exists()
    lock.release()
    lines, err = started(capsys, place.run())
    assert (place.kept / "journal.0").exists() and "journal.lock" not in err + json.dumps(lines)


def test_a_whole_file_that_is_no_checkpoint_is_said_and_passed_over(place, capsys):
    place.keep(b"\xa1\x61x\x01")
    lines, err = started(capsys, place.run())
    assert "the saved checkpoint is unusable" in err + json.dumps(lines)
    assert lines[-1]["best_slot"] == GENESIS_SLOT


def test_a_checkpoint_of_another_chain_is_refused(place, capsys):
    place.start.genesis_hash = b"\x77" * 32
    place.keep(place.start.encode())
    assert "another chain (genesis 77777777)" in refused(capsys, place.run())


def test_a_data_folder_that_is_a_file_is_refused(place, capsys):
    place.data.write_bytes(b"")
    assert str(place.data) in refused(capsys, place.run())
