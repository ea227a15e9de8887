"""A board's budget of CPU time: its clock stands still while it waits, and a node that is behind keeps to its share."""

from pathlib import Path

from tests.device import programs
from tests.device.emulated import Emulated
from tests.devnet.process import Devnet

HOST = "10.0.2.2"  # this machine, as QEMU's network shows it
HEADERS = 40
PERMILLE = 300

WAITS = """
import asyncio
from jamliquor_lite.ports import clock
from jamliquor_lite.ports.tcp import Waker
async def main():
    waker = Waker()
    ran, began = clock.cpu_us(), clock.ticks_ms()
    for _ in range(10):
        await waker.wait(100)
    waited = clock.cpu_diff(clock.cpu_us(), ran), clock.ticks_ms() - began
    ran, began = clock.cpu_us(), clock.ticks_ms()
    while clock.ticks_ms() - began < 200:
        pass
    print("waited", waited[0], waited[1], "worked", clock.cpu_diff(clock.cpu_us(), ran))
asyncio.run(main())
"""
# Says what was spent when so many headers are checked.
SPENT = """
began = ran = 0
def watch():
    global began, ran
    feed()
    node = boot.node.node
    if node is None or boot.node.is_ending:
        return
    if not began:
        began, ran = clock.ticks_ms(), clock.cpu_us()
    if node.chain.headers_checked >= HEADERS:
        burst = profile.cpu_burst_ms
        cpu = node.budgets.cpu
        print("spent", clock.cpu_diff(clock.cpu_us(), ran) // 1000, clock.ticks_ms() - began, burst, cpu.most // 1000,
              cpu.total)
        boot.node.is_ending = True
"""


def test_cpu_time_stands_still_while_it_waits(small: str, tmp_path: Path) -> None:
    """Counted by instructions: however busy this machine is, the board has the same time."""
    with Emulated(small, tmp_path, {"main.py": WAITS.encode()}, instructions=True) as board:
        found = board.expect(r"^waited (\d+) (\d+) worked (\d+)$")
    waited_us, waited_ms, worked_us = (int(word) for word in found.groups())
    assert waited_ms >= 1_000 and waited_us < 50_000, found[0]
    assert 190_000 <= worked_us <= 220_000, found[0]


def test_a_board_that_is_behind_keeps_to_its_share(small: str, tmp_path: Path) -> None:
    with Devnet(tmp_path, slot_ms=1_000, blocks=HEADERS + 20) as devnet:
        main = programs.watched(SPENT.replace("HEADERS", str(HEADERS)), cpu_permille=PERMILLE)
        with Emulated(small, tmp_path, {**devnet.files(HOST), "main.py": main}) as board:
            found = board.expect(r"^spent (\d+) (\d+) (\d+) (\d+) (\d+)$")
    spent_ms, elapsed_ms, burst_ms, debt_ms, total_ms = (int(word) for word in found.groups())
    # A unit of work that was begun is ended: that much more may be spent, once.
    assert spent_ms <= elapsed_ms * PERMILLE // 1000 + burst_ms + debt_ms, found[0]
    assert total_ms > 0.9 * spent_ms > 100, found[0]
