"""The monitor on a whole board: its UART at the pace of 115200 baud, and its panics with the names of functions."""

import os
import re
import select
import socket
import subprocess
import sys
import threading
import time
import tty
from pathlib import Path

import pytest

from jamliquor_lite.codec.serial_frame import MAX_FRAME
from jamliquor_lite.monitor import recording, sources
from jamliquor_lite.monitor.faults import Faults, Symbols
from jamliquor_lite.monitor.session import Session

from .emulated import Emulated, firmware

pytestmark = pytest.mark.device
BOARD = "qemu-virt-rv32-264k"
UART = 11_520  # bytes a second at 115200 baud
LIMIT_S = 600  # a fail-safe: quiet, it takes half a minute


class Cable:
    """A serial port whose other end is a board's console: QEMU's UART has no pace of its own, the cable has."""

    def __init__(self, console: str) -> None:
        self._sock = socket.socket(socket.AF_UNIX)
        self._sock.connect(console)
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        self.name = os.ttyname(self._theirs)
        self.carried = 0
        self._is_over = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._is_over = True
        self._thread.join()
        self._sock.close()
        os.close(self._ours)
        os.close(self._theirs)

    def _run(self) -> None:
        credit, at = 0.0, time.monotonic()
        while not self._is_over:
            now = time.monotonic()
            credit, at = min(256.0, credit + (now - at) * UART), now
            ready = select.select([self._ours, *([self._sock] if credit >= 16 else [])], [], [], 0.005)[0]
            try:
                if self._ours in ready:
                    self._sock.sendall(os.read(self._ours, 256))
                data = self._sock.recv(int(credit)) if self._sock in ready else b""
            except OSError:
                return  # the board is off
            if data:
                os.write(self._ours, data)
                credit -= len(data)
                self.carried += len(data)


def test_no_frame_of_the_board_is_lost_at_115200_baud(tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    process = subprocess.Popen(
        [sys.executable, "-m", "jamliquor_lite.cli.main", "qemu", BOARD, "--plain", "--firmware", str(firmware(BOARD))],
        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        console = next(found[1] for line in process.stdout if (found := re.search(r"console: (\S+)", line)))
        threading.Thread(target=process.stdout.read, daemon=True).start()
        cable = Cable(console)
        session = Session(sources.make(f"serial:{cable.name}"), Faults(), str(path), 100)
        session.begin(now_ms())
        model, until = session.model, time.monotonic() + LIMIT_S

        def told() -> str:
            return "\n".join(line.text for line in model.lines)

        def watch(statuses: int) -> "list[int]":
            """Until there were so many, when each new one was made, by the board's clock (ms)."""
            made = [model.at]
            while model.statuses < statuses or not model.peers or model.number("headers_checked") < 40:
                assert time.monotonic() < until and process.poll() is None, told()
                for event, _ in session.poll(now_ms()):
                    if event == "status" and model.at != made[-1]:
                        made.append(model.at)
                time.sleep(0.02)
            return made

        watch(20)  # it follows
        session.asker.restart(now_ms())  # qemu's own monitor has asked for two statuses a second; the last word counts
        watch(model.statuses + 5)
        began, carried = time.monotonic(), cable.carried
        made = watch(model.statuses + 60)
        assert (model.lost, session.decoder.broken, model.restarts) == (0, 0, 0)
        # On a busy host a board's turns come late, and then so do statuses: how many were made says nothing, the
        # shortest time between two does. qemu's own monitor asks for one every 500 ms.
        least = min(later - earlier for earlier, later in zip(made, made[1:]))
        assert 95 <= least < 200, f"one every 100 ms was asked for: {made}"
        assert cable.carried - carried <= UART * (time.monotonic() - began) + 256
        assert model.board == BOARD and model.peers[0][3] == "hybrid" and model.number("frames_count")
        session.end()
        cable.close()
    finally:
        process.terminate()
        process.wait(30)
    sizes = [len(body) + 8 for _, kind, body in recording.Reader(str(path)).records() if kind == recording.FRAME]
    assert len(sizes) > 160 and max(sizes) <= MAX_FRAME


def test_a_panic_names_the_function_of_the_firmware(tmp_path: Path) -> None:
    faults = Faults(Symbols(str(firmware(BOARD))))
    with Emulated(BOARD, tmp_path, {"main.py": b"import machine\nmachine.mem32[4]\n"}) as board:
        line = board.expect("^PANIC").string
    assert faults.kind(line) == "fault"
    cause, where, caller = faults.explain(line)
    assert cause == "it read where no memory is: address 0x00000004 (a null pointer)"
    assert re.search(r"it was at 0x8[0-9a-f]{7}: machine_mem_subscr\+0x", where), where
    assert re.search(r"called from 0x8[0-9a-f]{7}: \w+\+0x", caller), caller


def now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
