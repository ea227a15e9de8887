"""The port's slot files on a real file system. Runs on both interpreters, each with its own port."""
# portable: runs on CPython and MicroPython

import os

from jamliquor_lite.chain.twoslot import TwoSlot
from jamliquor_lite.errors import LocalError
from jamliquor_lite.ports import store
from tests.support import raises

_FOLDER = "/tmp/jamliquor-test-store-%s" % os.urandom(6).hex()


def _run(test) -> None:  # type: ignore[no-untyped-def]
    """Call `test` with the path of a store in a folder of its own, which goes afterwards."""
    os.mkdir(_FOLDER)
    try:
        test(_FOLDER + "/checkpoint")
    finally:
        for name in os.listdir(_FOLDER):
            path = _FOLDER + "/" + name
            if os.stat(path)[0] & 0x4000:
                os.rmdir(path)
            else:
                os.remove(path)
        os.rmdir(_FOLDER)


def test_slots_keep_their_bytes() -> None:
    def check(path: str) -> None:
        slots = store.SlotFile(path)
        assert slots.read(0) is None and slots.read(1) is None
        slots.write(0, b"fi", b"rst")
        slots.write(1, b"", bytes(range(256)) * 300)
        slots.write(0, b"1st", bytearray())
        again = store.SlotFile(path)
        assert again.read(0) == b"1st" and again.read(1) == bytes(range(256)) * 300
        assert sorted(os.listdir(_FOLDER)) == ["checkpoint.0", "checkpoint.1"]

    _run(check)


def test_a_two_slot_store_on_files() -> None:
    def check(path: str) -> None:
        TwoSlot(store.SlotFile(path)).save(b"one")
        TwoSlot(store.SlotFile(path)).save(b"two")
        assert TwoSlot(store.SlotFile(path)).load() == b"two"
        with open(path + ".1", "rb") as file:
            whole = file.read()
        for cut in range(len(whole)):
            with open(path + ".1", "wb") as file:
                file.write(whole[:cut])
            again = TwoSlot(store.SlotFile(path))
            assert again.load() == b"one"
            assert "checkpoint.1 is damaged" in str(again.damaged)

    _run(check)


def test_a_file_too_long_to_be_ours_is_not_read_whole() -> None:
    def check(path: str) -> None:
        with open(path + ".0", "wb") as file:
            for _ in range(store.MAX_SLOT_BYTES // 65536 + 2):
                file.write(bytes(65536))
        data = store.SlotFile(path).read(0)
        assert data is not None and len(data) == store.MAX_SLOT_BYTES

    _run(check)


def test_what_is_wrong_with_the_path_is_one_line() -> None:
    def check(path: str) -> None:
        slots = store.SlotFile(_FOLDER + "/missing/checkpoint")
        assert slots.read(0) is None
        error = raises(LocalError, slots.write, 0, b"x", b"y")
        assert error.exit_code == 2 and "missing/checkpoint.0: its folder does not exist" in str(error)

        with open(path, "wb") as file:
            file.write(b"a file")
        slots = store.SlotFile(path + "/checkpoint")
        for call in (lambda: slots.read(0), lambda: slots.write(0, b"x", b"y")):
            error = raises(LocalError, call)
            assert error.exit_code == 2 and "not a folder" in str(error)

        os.mkdir(path + ".1")
        slots = store.SlotFile(path)
        error = raises(LocalError, slots.write, 1, b"x", b"y")
        assert error.exit_code == 2 and "it is a folder" in str(error)

    _run(check)
