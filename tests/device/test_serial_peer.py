"""A board without a network follows a chain over its second serial port, behind `jamliquor-lite gateway --serial`."""

import json
import os
import random
import select
import socket
import subprocess
import sys
import threading

import pytest

from jamliquor_lite.chain.chainspec import ChainSpec
from tests.device.emulated import Emulated
from tests.device.test_console import Terminal

COMMAND = [sys.executable, "-m", "jamliquor_lite.cli.main"]
PATIENCE_S = 60
HEADERS = 40


class Cable:
    """Carries bytes between two sockets in a thread; one in `garble` is turned or lost, 0 is a sound cable."""

    def __init__(self, one: socket.socket, other: socket.socket, garble: int = 0) -> None:
        self.ends = (one, other)
        self.spoiled = self.carried = 0
        self._garble = garble
        self._chance = random.Random(5)
        self._unplugged, self._unplug = os.pipe()
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()

    def unplug(self) -> None:
        os.close(self._unplug)
        self._thread.join()
        os.close(self._unplugged)

    def _carry(self) -> None:
        while True:
            ready = select.select([*self.ends, self._unplugged], [], [])[0]
            if self._unplugged in ready:
                return
            for end in ready:
                data = end.recv(4096)
                if not data:
                    return
                self.carried += len(data)
                self.ends[end is self.ends[0]].sendall(self._spoil(data) if self._garble else data)

    def _spoil(self, data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            what = self._chance.randrange(2 * self._garble)
            self.spoiled += what < 2
            if what:
                out.append(byte ^ 0x10 if what == 1 else byte)
        return bytes(out)


class Command:
    """One of our commands; its first event says where it is."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen([*COMMAND, *words, "--json"], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.ready = json.loads(self.process.stdout.readline())
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def end(self) -> None:
        self.process.terminate()
        assert self.process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("garble", [0, 3000], ids=["sound", "garbling"])
def test_it_follows_and_proves(garble: int, small: str, tmp_path) -> None:
    spec = tmp_path / "chain.json"
    devnet = Command(
        "devnet", "--port", "0", "--blocks", str(HEADERS), "--slot-ms", "1000", "--chainspec-out", str(spec)
    )  # fmt: skip
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        gateway = Command(
            "gateway", "--chain", str(spec), "--data", str(tmp_path / "g"), "--listen-addr", "127.0.0.1", "--upstream",
            devnet.ready["addresses"][0], "--serial", "socket://127.0.0.1:%d" % listener.getsockname()[1],
        )  # fmt: skip
        far = listener.accept()[0]
    place = next(address for address in gateway.ready["addresses"] if address.startswith("/serial/"))
    name = place.rpartition("/")[2]
    files = {
        "board.conf": ("chain = devnet\nstatus = 500\npeer = /serial/port/p2p/%s\n" % name).encode(),
        "start.cbor": ChainSpec.read(str(spec)).checkpoint().encode(),
    }
    try:
        with Emulated(small, tmp_path, files, serial=True, network=False) as board:
            cable = Cable(board.serial, far, garble)
            try:
                board.expect("connected, hybrid")
                terminal = Terminal(board)
                status = terminal.status()
                while status["headers_checked"] < HEADERS:
                    status = terminal.status()
                assert status["peers_hybrid"] == 1 and status["headers_refused"] == 0
                assert status["frames_count"] > status["frames_least_free"] >= 0 and status["slots_trusted"] == 1
                assert status["cpu_spent_headers"] > 0 and status["down_spent_headers"] > 0 and status["mode"] == "full"
                assert status["heap_used"] > 0 and status["heap_free"] > 0 and status["turns"] > 0
                answer = terminal.type("state service 1 --seconds 120")
                assert "proved by header" in answer and "vouched, support" in answer, answer
                assert "serial/port" in terminal.type("peers")
                assert bool(cable.spoiled) == bool(garble)
                # A board that is reset says no goodbye: it dials anew, and takes the place of what it was.
                checked = status["headers_checked"]
                board.send("reset\r")
                terminal.until(lambda: "reset by reset" in terminal.text and "connected, hybrid" in terminal.text)
                while terminal.status()["headers_checked"] == 0:
                    pass
                assert checked >= HEADERS
            finally:
                cable.unplug()
    finally:
        far.close()
        gateway.end()
        devnet.end()

