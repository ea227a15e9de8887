"""The MicroPython port: memory that is enforced, disk, serial ports, entropy, time, watchdog, reset."""

import hashlib
import socket
import threading
import time
from pathlib import Path

import pytest

from tests.device.emulated import Emulated
from tools.firmware_build import board_named

RAM = 0x80500000
def test_it_boots_to_python_and_shows_its_figures(board_name: str, tmp_path: Path) -> None:
    program = b"""
import gc, machine, sys, virt
from jamliquor_lite.ports import board
gc.collect()
print("board", board.NAME, board.reset_cause(), board.HEAP_BYTES, gc.mem_free(), virt.stack_size())
print("interpreter", sys.implementation.name, sys.maxsize)
"""
    with Emulated(board_name, tmp_path, {"main.py": program}) as board:
        found = board.expect(r"^board (\S+) (\S+) (\d+) (\d+) (\d+)$")
        board.expect(r"^interpreter micropython 2147483647$")
    name, cause, promised, free, stack = found.groups()
    assert (name, cause) == (board_name, "power")
    assert int(promised) == 1024 * board.board.number("memory", "heap_kb")
    # What is promised to the node is free, but for what this program and the heap's own tables take.
    assert int(free) > int(promised) - 8 * 1024
    assert int(stack) == 1024 * board.board.number("memory", "stack_kb")


@pytest.mark.parametrize("offset", [0, 4, 4096 - 4])
def test_a_write_past_ram_is_caught(board_name: str, tmp_path: Path, offset: int) -> None:
    end = RAM + 1024 * board_named(board_name).number("memory", "ram_kb")
    program = f"""
import machine
from jamliquor_lite.ports import board
print("start", board.reset_cause())
if board.reset_cause() == "power":
    print("last", machine.mem32[{end - 4}] * 0)
    machine.mem32[{end + offset}] = 1
    print("nothing happened")
"""
    with Emulated(board_name, tmp_path, {"main.py": program.encode()}) as board:
        board.expect("^start power$")
        board.expect("^last 0$")
        line = board.expect("^PANIC").string
        assert line.startswith("PANIC: store access fault, mcause 0x00000007, ")
        assert f"mtval {end + offset:#010x}" in line
        board.expect("^start panic$")  # it starts again, and knows why


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("machine.mem32[0x80000100] = 1", "store access fault"),  # the firmware itself
        ("machine.mem32[0] = 1", "store access fault"),  # a null pointer
        ("machine.mem32[4]", "load access fault"),
    ],
)
def test_other_faults_are_caught_too(boot, what: str, line: str) -> None:
    board = boot("import machine\nprint('up')\n" + what)
    board.expect("^up$")
    assert f"PANIC: {line}, " in board.expect("^PANIC").string


def test_a_deep_recursion_is_an_exception(boot) -> None:
    board = boot("""
import virt
def f(n):
    return f(n + 1)
for _ in range(3):
    try:
        f(0)
    except RuntimeError as error:
        print("caught", error, virt.stack_size() - virt.stack_peak() > 0)
""")
    for _ in range(3):
        board.expect("^caught maximum recursion depth exceeded True$")


def test_cryptography_called_from_deep_down_is_an_exception_too(boot) -> None:
    """What C code takes of the stack is asked for: without that, this is a panic."""
    board = boot("""
import jamcrypto, virt
out, secret, ciphertext = bytearray(32), bytes(2400), bytes(1088)
calls = [0, 0]
def deep(n):
    if n:
        return deep(n - 1)
    jamcrypto.mlkem768_decapsulate(out, secret, ciphertext)
    jamcrypto.ed25519_verify(bytes(32), bytes(64), b"")
for n in range(400):
    try:
        deep(n)
        calls[0] += 1
    except RuntimeError:
        calls[1] += 1
print("calls", calls[0] > 10, calls[1] > 10, virt.stack_peak() < virt.stack_size())
""")
    board.expect("^calls True True True$")


def test_an_allocation_too_large_is_an_exception(boot) -> None:
    board = boot("""
try:
    bytearray(300000)
except MemoryError:
    print("caught")
import gc
gc.collect()
print("free", gc.mem_free() > 100000)
""")
    board.expect("^caught$")
    board.expect("^free True$")


def test_files_stay_over_a_power_cycle(board_name: str, tmp_path: Path) -> None:
    program = b"""
import os
try:
    n = int(open("/count").read())
except OSError:
    n = 0
with open("/count.new", "w") as file:
    file.write(str(n + 1))
os.rename("/count.new", "/count")
print("count", n + 1, sorted(os.listdir("/")))
"""
    for turn in (1, 2, 3):
        with Emulated(board_name, tmp_path, {"main.py": program} if turn == 1 else None) as board:
            board.expect(rf"^count {turn} \['count', 'main.mpy'\]$")


def test_the_disk_is_flash(boot) -> None:
    board = boot("""
import virt
from jamliquor_lite.ports import board
at, size = board.FLASH["scratch"]
disk = virt.Blk(at, size)
assert disk.ioctl(4, 0) == size // 4096 and disk.ioctl(5, 0) == 4096
buf = bytearray(4096)
pattern = bytes([i * 7 & 255 for i in range(1500)])
disk.ioctl(6, 3)
disk.readblocks(3, buf)
print("erased", buf == b"\\xff" * 4096)
disk.writeblocks(3, pattern, 777)
disk.readblocks(3, buf)
print("written", buf[:777] == b"\\xff" * 777, buf[777:2277] == pattern, buf[2277:] == b"\\xff" * (4096 - 2277))
disk.writeblocks(3, b"\\x0f" * 1500, 777)
disk.readblocks(3, buf)
print("anded", buf[777:2277] == bytes([b & 15 for b in pattern]))
two = bytearray(4097)
disk.readblocks(2, two, 4095)
print("across", two[0] == 255 and two[1 : 1 + 777] == b"\\xff" * 777 and two[1 + 777] == pattern[0] & 15)
print("outside", disk.writeblocks(size // 4096, b"x"), disk.readblocks(size // 4096 - 1, two, 0), disk.ioctl(6, 99999))
for words in ((1, 4096), (0, 100), (-4096, 4096), (0, 1 << 29)):
    try:
        virt.Blk(*words)
    except ValueError as error:
        print("refused", error)
""")
    board.expect("^erased True$")
    board.expect("^written True True True$")
    board.expect("^anded True$")
    board.expect("^across True$")
    board.expect("^outside -22 -22 -22$")
    for _ in range(4):
        board.expect("^refused not a part of the disk$")


def test_without_entropy_there_are_no_keys(boot) -> None:
    board = boot("""
from jamliquor_lite.errors import LocalError
from jamliquor_lite.ports import entropy
try:
    entropy.random_bytes(32)
except LocalError as error:
    print("refused", error)
import random
print("weak", random.getrandbits(30) != random.getrandbits(30))
""", entropy=False)
    board.expect("^refused the board's random generator is not seeded: it makes no keys$")
    board.expect("^weak True$")


def test_with_entropy_there_are_and_they_differ(boot) -> None:
    program = """
from jamliquor_lite.ports import entropy
seen = set(entropy.random_bytes(n) for n in (1000, 32, 32, 32, 33, 31))
print("drawn", len(seen), entropy.random_bytes(0) == b"", entropy.random_bytes(32).hex())
"""
    drawn = {boot(program).expect("^drawn 6 True (.*)$").group(1) for _ in range(2)}
    assert len(drawn) == 2


class Late(Emulated):
    """A board whose random generator gives what a socket gives, when it comes."""

    def command(self, console: str, serial: str) -> "list[str]":
        words = super().command(console, serial)
        at = words.index("virtio-rng-device")
        source = ["-chardev", f"socket,path={self._folder}/random,id=random"]
        source += ["-object", "rng-egd,chardev=random,id=egd"]
        return [*words[: at - 1], *source, "-device", "virtio-rng-device,rng=egd", *words[at + 1 :]]


def test_what_is_random_may_come_late(small: str, tmp_path: Path) -> None:
    """A source that gives nothing is waited for and then refused; what comes after all is taken, and only once."""
    program = b"""
from jamliquor_lite.errors import LocalError
from jamliquor_lite.ports import entropy
while True:
    try:
        print("drawn", entropy.random_bytes(32).hex())
    except LocalError as error:
        print("refused", error)
"""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "random"))
        listener.listen(1)
        with Late(small, tmp_path, {"main.py": program}) as board:
            source = listener.accept()[0]
            with source:
                board.expect("^refused the board's random generator is not seeded: it makes no keys$")
                for block in (bytes(range(32)), bytes(range(32, 64))):
                    source.sendall(block[:20])
                    source.sendall(block[20:])
                    assert board.expect("^drawn (.*)$")[1] == block.hex()


@pytest.mark.parametrize("size", [1, 255, 4096, 65536])
def test_the_second_serial_port_carries_bytes_both_ways(boot, size: int) -> None:
    board = boot(f"""
import virt
port = virt.Port()
buf = bytearray(300)
view = memoryview(buf)
left = {size}
print("ready")
while left:
    n = port.readinto(buf)
    at = 0
    while n and at < n:
        at += port.write(view[at:n]) or 0
    left -= n or 0
print("echoed")
""", serial=True)
    board.expect("^ready$")
    data = bytes((7 * i ^ i >> 8) & 255 for i in range(size))
    writer = threading.Thread(target=board.serial.sendall, args=(data,), daemon=True)
    writer.start()
    back = b""
    while len(back) < size:
        part = board.serial.recv(65536)
        assert part
        back += part
    assert back == data
    board.expect("^echoed$")


def test_without_a_second_port_that_is_said(boot) -> None:
    board = boot("import virt\ntry:\n    virt.Port()\nexcept OSError as error:\n    print('none', error.errno)\n")
    board.expect("^none 19$")


def test_the_console_is_read_without_waiting_and_takes_every_byte(boot) -> None:
    """With Ctrl-C switched off each of the 256 bytes comes through, and what there is no room for waits."""
    board = boot("""
import hashlib, micropython, time, virt
micropython.kbd_intr(-1)
uart = virt.Uart()
print("nothing", uart.read(10))
print("ready")
time.sleep_ms(50)
state = hashlib.sha256()
buf = bytearray(100)
left = 20000
while left:
    n = uart.readinto(buf)
    if n:
        state.update(memoryview(buf)[:n])
        left -= n
print("hash", state.digest().hex())
""")
    board.expect("^nothing None$")
    board.expect("^ready$")
    data = bytes(i * 13 & 255 for i in range(20000))
    board.send(data)
    assert board.expect("^hash (.*)$").group(1) == hashlib.sha256(data).hexdigest()


def test_ctrl_c_interrupts_until_it_is_switched_off(boot) -> None:
    board = boot("""
try:
    print("ready")
    while True:
        pass
except KeyboardInterrupt:
    print("interrupted")
""")
    board.expect("^ready$")
    board.send(b"\x03")
    board.expect("^interrupted$")


def test_no_byte_that_comes_while_the_node_starts_stops_it(board_name: str, tmp_path: Path) -> None:
    """A byte 03 is Ctrl-C to an interpreter, and part of a frame to a console."""
    with Emulated(board_name, tmp_path, {}) as board:
        board.send(b"\x03" * 12)
        board.expect("^jamliquor-lite on ")
        board.send(b"\x03" * 12)
        board.send(b"\r\nhelp\r\n")
        board.expect("reset: restart the board")
        assert not any("KeyboardInterrupt" in line for line in board.lines)


def test_the_watchdog_resets_what_hangs_and_not_what_is_fed(boot) -> None:
    board = boot("""
import machine, time
from jamliquor_lite.ports import board
print("start", board.reset_cause())
if board.reset_cause() == "power":
    dog = machine.WDT(timeout=300)
    for _ in range(20):
        time.sleep_ms(50)
        dog.feed()
    print("fed")
    machine.disable_irq() if hasattr(machine, "disable_irq") else None
    while True:
        pass
""")
    board.expect("^start power$")
    board.expect("^fed$")
    board.expect("^start watchdog$")


def test_a_reset_is_told_from_the_others(boot) -> None:
    board = boot("""
from jamliquor_lite.ports import board
print("start", board.reset_cause())
if board.reset_cause() == "power":
    board.reset()
""")
    board.expect("^start power$")
    board.expect("^start reset$")


def test_instructions_are_counted_and_repeat(boot) -> None:
    program = """
import time
def work():
    a = time.ticks_cpu()
    x = 0
    for i in range(2000):
        x += i
    return time.ticks_diff(time.ticks_cpu(), a)
work()
print("instructions", work(), work())
"""
    boards = [boot(program, instructions=True, network=False) for _ in range(2)]
    ((first, second),) = {board.expect(r"^instructions (\d+) (\d+)$").groups() for board in boards}
    assert 100_000 < int(first) < 2_000_000 and abs(int(first) - int(second)) < 2_000


def test_the_clocks_are_set(boot) -> None:
    found = boot("""
import time
from jamliquor_lite.ports import clock
a, m = clock.ticks_ms(), time.ticks_us()
time.sleep_ms(30)
print("clocks", clock.wall_seconds(), clock.ticks_ms() - a, time.ticks_diff(time.ticks_us(), m))
""").expect(r"^clocks (\d+) (\d+) (\d+)$")
    wall, ms, us = map(int, found.groups())
    assert abs(wall - time.time()) < 600
    assert ms >= 30 and us >= 30_000
