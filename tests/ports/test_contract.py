# portable: runs on CPython and MicroPython
"""The running port offers what the contract lists, and its entropy does what it says."""

from jamliquor_lite import ports
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.crypto.suite import PRIMITIVES
from jamliquor_lite.ports import board, flash, memory, peer_keys, store, tcp, tty  # noqa: F401  (loaded when first imported)
from jamliquor_lite.ports.contract import CONTRACT


def test_the_running_port_offers_the_contract():
    for module, names in CONTRACT.items():
        for name in names:
            # What brings asyncio along is not in ports itself, and ports.tcp has both modules of it.
            offered = getattr(tcp if module == "waker" else getattr(ports, module), name)
            assert callable(offered) or isinstance(offered, int), (module, name)


def test_the_board_has_its_numbers():
    assert board.NAME and board.LINKS and board.SECTOR_BYTES == 4096
    for number in (board.TCP_CONNECTIONS, board.HEAP_BYTES, board.CPU_MHZ, board.WATCHDOG_MS):
        assert isinstance(number, int) and number >= 0
    assert 0 < board.CPU_SHARE_PERCENT <= 100
    for name in board.PROFILE:
        assert isinstance(getattr(Profile, name), int), name
    for area in board.FLASH:
        offset, size = board.FLASH[area]
        assert offset % board.SECTOR_BYTES == 0 and size % board.SECTOR_BYTES == 0 and size > 0
    assert isinstance(board.reset_cause(), str)
    board.feed_watchdog()


def test_random_bytes():
    assert ports.entropy.random_bytes(0) == b""
    drawn = set()
    for _ in range(20):
        drawn.add(ports.entropy.random_bytes(32))
    assert len(drawn) == 20
    for value in drawn:
        assert isinstance(value, bytes) and len(value) == 32


def test_natives_say_what_they_are_or_why_not():
    for primitive in PRIMITIVES:
        implementation, why = ports.crypto.native(primitive)
        if implementation is None:
            assert why
        else:
            assert not why and implementation.label


def test_copies():
    out = bytearray(8)
    for buf in (bytes(range(10)), bytearray(range(10)), memoryview(bytes(range(10)))):
        ports.memory.copy(out, 2, buf, 3, 6)
        ports.memory.copy(memoryview(out), 7, buf, 9, 10)
        ports.memory.copy(out, 8, buf, 10, 10)
        assert out == b"\0\0\3\4\5\0\0\x09"
    for at, start, end in ((6, 0, 3), (0, 8, 11), (0, 3, 2), (9, 0, 0), (-1, 0, 1), (0, -1, 1)):
        try:
            ports.memory.copy(out, at, bytes(10), start, end)
        except ValueError:
            continue
        assert False, (at, start, end)
    assert out == b"\0\0\3\4\5\0\0\x09"
