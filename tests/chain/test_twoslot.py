"""The two-slot store, cut and damaged everywhere."""
# portable: runs on CPython and MicroPython

from jamliquor_lite.chain.twoslot import TwoSlot
from jamliquor_lite.errors import LocalError
from tests.support import raises


class Memory:
    """A store in memory. `cut`: the next write stops there and raises, as a machine that loses power."""

    def __init__(self) -> None:
        self.slots: "list[bytes | None]" = [None, None]
        self.cut: "int | None" = None
        self.writes: "list[int]" = []

    def name(self, slot: int) -> str:
        return "slot %d" % slot

    def read(self, slot: int) -> "bytes | None":
        return self.slots[slot]

    def write(self, slot: int, head: bytes, payload: bytes) -> None:
        data = bytes(head) + bytes(payload)
        self.writes.append(slot)
        if self.cut is not None:
            self.slots[slot] = data[: self.cut]
            raise LocalError("power lost")
        self.slots[slot] = data


def test_a_fresh_store_has_nothing_to_say() -> None:
    store = TwoSlot(Memory())
    assert store.load() is None and store.damaged is None


def test_the_latest_payload_comes_back_and_slots_take_turns() -> None:
    memory = Memory()
    store = TwoSlot(memory)
    for i in range(5):
        store.save(b"payload %d" % i)
        assert store.load() == b"payload %d" % i
        assert TwoSlot(memory).load() == b"payload %d" % i
    assert memory.writes == [0, 1, 0, 1, 0]
    fresh = TwoSlot(memory)
    fresh.save(b"from another run")  # without a load: it looks for the older slot by itself
    assert memory.writes[-1] == 1 and TwoSlot(memory).load() == b"from another run"


def test_an_empty_payload_is_a_payload() -> None:
    memory = Memory()
    TwoSlot(memory).save(b"")
    assert TwoSlot(memory).load() == b""


def test_every_cut_of_a_write_leaves_the_old_or_the_new_payload() -> None:
    old, new = b"the old payload", b"a new payload of another length"
    for saves in (1, 2, 3):
        size = len(new) + 48
        for cut in range(size + 1):
            memory = Memory()
            store = TwoSlot(memory)
            for i in range(saves - 1):
                store.save(b"%d" % i)
            store.save(old)
            memory.cut = cut
            raises(LocalError, store.save, new)
            memory.cut = None
            after = TwoSlot(memory)
            assert after.load() == (new if cut == size else old)
            assert (after.damaged is None) == (cut == size)
            after.save(b"next")  # goes over the cut one, not over the good one
            assert TwoSlot(memory).load() == b"next"
            # The run that met the error goes on, too.
            if cut < size:
                assert memory.writes[-2] == memory.writes[-1]


def test_a_first_write_that_is_cut_leaves_nothing_and_says_so() -> None:
    for cut in range(60):
        memory = Memory()
        memory.cut = cut
        raises(LocalError, TwoSlot(memory).save, b"0123456789012345")
        store = TwoSlot(memory)
        assert store.load() is None
        assert "slot 0 is damaged" in str(store.damaged) and "nothing is left" in str(store.damaged)


def test_garbage_instead_of_a_write_is_no_payload() -> None:
    memory = Memory()
    store = TwoSlot(memory)
    store.save(b"old")
    store.save(b"newer")
    good = memory.slots[1]
    assert good is not None
    for at in range(len(good)):
        for value in (0, 0xFF, good[at] ^ 1, good[at] ^ 0x80):
            bad = bytearray(good)
            bad[at] = value
            memory.slots[1] = bytes(bad)
            got = TwoSlot(memory)
            assert got.load() == (b"newer" if bytes(bad) == good else b"old")
            if bytes(bad) != good:
                assert "slot 1 is damaged" in str(got.damaged) and "using slot 0" in str(got.damaged)
        # a write torn in the middle: the beginning is new, the rest is what was there before
        memory.slots[1] = good[:at] + bytes(len(good) - at)
        assert TwoSlot(memory).load() == (b"newer" if memory.slots[1] == good else b"old")
    for junk in (b"", b"x", bytes(48), b"\xff" * 4096, b"JLS1" + b"\xff" * 44):
        memory.slots[1] = junk
        assert TwoSlot(memory).load() == b"old"


def test_bytes_after_the_payload_do_not_matter() -> None:
    memory = Memory()
    TwoSlot(memory).save(b"payload")
    memory.slots[0] = (memory.slots[0] or b"") + b"\xff" * 100
    store = TwoSlot(memory)
    assert store.load() == b"payload" and store.damaged is None


def test_both_slots_damaged_is_one_line() -> None:
    memory = Memory()
    memory.slots = [b"x" * 100, b"JLS1"]
    store = TwoSlot(memory)
    assert store.load() is None
    line = str(store.damaged)
    assert "slot 0 is damaged (no such store)" in line and "slot 1 is damaged (only 4 bytes)" in line
    assert "\n" not in line
    store.save(b"again")
    assert TwoSlot(memory).load() == b"again"
