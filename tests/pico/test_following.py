"""A Pico follows a chain over its serial line, behind `gateway --serial`, with the firmware that a real one takes.

Chain, gateway and board run on the board's clock (board_time.py): nothing here depends on how fast rp2040js is today.
"""

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jamliquor_lite.chain.chainspec import ChainSpec
from tests.device.person import CHECKED, HEAD, HEADERS_MS, MEMORY, STATE, Person
from tests.device.test_serial_peer import Cable
from tests.pico.emulated import NAME, Pico

BOARD_TIME = str(Path(__file__).with_name("board_time.py"))
PATIENCE_S = 120
SOME = 5  # headers: enough that a root is vouched for
EPOCH = 12  # one of tiny: with marks, and a change of keys
SLOT_MS = 3000  # a header takes the board a third of that
_PAUSE_S = 2.0  # between two looks: each costs the board as much as half a header
_PEERS = re.compile(r"peers +1 of 1 known \(1 hybrid, 0 classical\)")


class Command:
    """One of our commands on the board's clock; `ready` is its first event, `said` all later ones."""

    def __init__(self, clock: Path, *words: str) -> None:
        command = [sys.executable, BOARD_TIME, str(clock), *words, "--json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.ready = json.loads(self.process.stdout.readline())
        self.said: "list[str]" = []
        threading.Thread(target=self._read, daemon=True).start()

    def end(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.said += self.process.stdout


@pytest.fixture
def board(picked: str, tmp_path: Path, headers: int) -> "Iterator[Pico]":
    """A board that is switched on, with a gateway and a chain of so many blocks at the other end of UART0."""
    pico = Pico(tmp_path, serial=True, realtime=True)
    spec = tmp_path / "chain.json"
    devnet = Command(
        pico.clock, "devnet", "--port", "0", "--blocks", str(headers), "--slot-ms", str(SLOT_MS), "--chainspec-out",
        str(spec),
    )  # fmt: skip
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        gateway = Command(
            pico.clock, "gateway", "--chain", str(spec), "--data", str(tmp_path / "g"), "--listen-addr", "127.0.0.1",
            "--upstream", devnet.ready["addresses"][0], "--serial",
            "socket://127.0.0.1:%d" % listener.getsockname()[1],
        )  # fmt: skip
        far = listener.accept()[0]
    place = next(address for address in gateway.ready["addresses"] if address.startswith("/serial/"))
    conf = "chain = devnet\npeer = /serial/uart0/p2p/%s\n" % place.rpartition("/")[2]
    files = {"board.conf": conf.encode(), "start.cbor": ChainSpec.read(str(spec)).checkpoint().encode()}
    try:
        with pico.with_files(files):
            cable = Cable(pico.serial, far)
            try:
                yield pico
            finally:
                cable.unplug()
    finally:
        far.close()
        gateway.end()
        devnet.end()


@pytest.mark.parametrize("headers", [SOME, pytest.param(EPOCH, marks=pytest.mark.long)])
def test_it_follows_proves_and_comes_back(board: Pico, headers: int) -> None:
    person = Person(board, _PAUSE_S)
    board.expect(f"jamliquor-lite on {NAME}, reset by power")
    board.expect("made a key: node.key")
    name = board.expect("following devnet from slot 0 as (12D3KooW.*)")[1]
    board.expect("connected, hybrid")
    person.until_checked(headers)
    assert person.proved("slot").isdigit()
    if headers == EPOCH:
        assert person.proved("service 1")
    head, checked, _, _, memory = person.status(HEAD, CHECKED, _PEERS, STATE, MEMORY)
    assert int(head[1]) >= headers and checked[4] == "0" and int(checked[3]) > 0
    assert headers < EPOCH or int(checked[2]) > 0
    (cpu,) = person.ask("budget", HEADERS_MS)
    count = int(checked[1])
    print(
        f"\npico in rp2040js: {count} headers checked, {int(cpu[1]) / count:,.0f} ms of 125 MHz each "
        f"({int(cpu[1]) / count / 8:,.1f} M cycles); heap {int(memory[1]):,} B used, {int(memory[2]):,} B free"
    )
    person.ask("reset")
    board.expect(f"jamliquor-lite on {NAME}, reset by watchdog")
    assert board.expect("following devnet from slot \\d+ as (12D3KooW.*)")[1] == name
