"""Serial lines as a person uses them: a gateway behind which a node without a network follows, and a run's console."""

import json
import os
import select
import subprocess
import time

import pytest

from jamliquor_lite.cli.main import main
from jamliquor_lite.codec import serial_frame
from jamliquor_lite.codec.serial_frame import FRAME, TEXT, Sorter
from jamliquor_lite.console import messages
from jamliquor_lite.console.messages import DONE, ROW, STATUS, fields
from tests.cli.test_following import COMMAND, PATIENCE_S, devnet

__all__ = ["devnet"]  # a fixture

PEER = "12D3KooWHXkTTHa1jC4zc4wDaPMRNaxee2dFUkM5U48zzvRpNQCE"


class Process:
    """One of our commands with --json; `events` grow as they are read."""

    def __init__(self, home, *arguments):
        environment = {**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home / "share")}
        command = [*COMMAND, *arguments, "--json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        self.events = []

    def until(self, condition):
        """Read events until one meets it, and return that."""
        while True:
            line = self.process.stdout.readline()
            assert line, self.events[-5:]
            self.events.append(json.loads(line))
            if condition(self.events[-1]):
                return self.events[-1]

    def end(self):
        self.process.terminate()
        rest, _ = self.process.communicate(timeout=PATIENCE_S)
        self.events += [json.loads(line) for line in rest.splitlines()]
        assert self.process.returncode == 0
        return self.events[-1]


class Terminal:
    """The other end of a console: what a monitor does."""

    def __init__(self, path):
        self.descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.text = ""
        self.frames = []
        self._sorter = Sorter()

    def write(self, data):
        while data:
            select.select([], [self.descriptor], [], PATIENCE_S)
            data = data[os.write(self.descriptor, data) :]
            self._read(0)

    def until(self, condition):
        late = time.monotonic() + PATIENCE_S
        while not condition(self):
            assert time.monotonic() < late, (self.text, self.frames[-5:])
            self._read(1)

    def _read(self, seconds):
        if select.select([self.descriptor], [], [], seconds)[0]:
            data = os.read(self.descriptor, 4096)
            at = 0
            while at < len(data):
                at = self._sorter.feed(data, at, len(data), 0)
                if self._sorter.event == TEXT:
                    self.text += data[self._sorter.text_start : self._sorter.text_end].decode()
                elif self._sorter.event == FRAME:
                    self.frames.append(messages.read(bytes(self._sorter.buf[self._sorter.start : self._sorter.end])))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["gateway", "--serial", "/dev/ttyNone3"], "serial port '/dev/ttyNone3': there is no such port"),
        (["gateway", "--serial", "ttyNone3@9600"], "serial port '/dev/ttyNone3': there is no such port"),
        (["gateway", "--serial", "pty", "--serial", "pty"], "--serial 'pty': the port is named twice"),
        (["gateway", "--serial", "tty 0"], "--serial 'tty 0': part 1 (/serial): a name of a port is printable ASCII"),
        (["gateway", "--serial", ""], "a name of a port has 1 to 128 characters"),
        (["gateway", *["--serial", "pty"] * 17], "--serial: 17 ports, at most 16 are taken"),
        (["run", "--console", "/dev/ttyNone3"], "serial port '/dev/ttyNone3': there is no such port"),
        (["run", "--console", "socket://127.0.0.1"], "allowed is socket://IP:PORT"),
        (["run", "--console", "pty", "--console-status", "5"], "--console-status `5`: must be a whole number, 100 to"),
        (["run", "--chain", __file__, "--peer", "/serial/ttyS9"], '"/serial/ttyS9" is skipped: it names no peer'),
    ],
)
def test_what_cannot_be_is_one_line(words, complaint, tmp_path, capsys):
    assert main([*words, "--data", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert complaint in err and err.count("\n") <= 2


def test_a_chainspec_opens_no_port(devnet, tmp_path, capsys):
    _, chainspec = devnet
    spec = tmp_path / "chain.json"
    spec.write_text(json.dumps({**json.loads(chainspec.read_text()), "bootnodes": ["/serial/ttyS0/p2p/" + PEER]}))
    assert main(["run", "--chain", str(spec), "--data", str(tmp_path), "--seconds", "1"]) == 2
    err = capsys.readouterr().err
    assert "a chainspec opens no serial ports" in err and "no peer to follow" in err


def test_a_node_follows_a_gateway_over_a_serial_line(devnet, tmp_path):
    ready, chainspec = devnet
    gateway = Process(tmp_path, "gateway", "--chain", str(chainspec), "--data", str(tmp_path / "g"), "--serial", "pty",
                      "--listen-addr", "127.0.0.1", "--upstream", ready["addresses"][0])
    place = [a for a in gateway.until(lambda e: e["event"] == "ready")["addresses"] if a.startswith("/serial/")][0]
    assert place.startswith("/serial/%2Fdev%2Fpts%2F")
    node = Process(tmp_path, "run", "--chain", str(chainspec), "--data", str(tmp_path / "n"), "--peer", place,
                   "--ask", "service 1", "--console", "pty")
    try:
        assert node.until(lambda e: e["event"] == "peer")["suite"] == "hybrid"
        assert node.until(lambda e: e["event"] == "best" and e["slot"] >= 60)
        assert node.until(lambda e: e["event"] == "proved")["level"] == "vouched"
    finally:
        summary = node.end()
        gateway.end()
    assert summary["headers_checked"] >= 60 and summary["headers_refused"] == 0


def test_the_console_of_a_run(devnet, tmp_path):
    ready, chainspec = devnet
    environment = {**os.environ, "HOME": str(tmp_path)}
    lite = [address for address in ready["addresses"] if address.startswith("/")] or ready["addresses"]
    run = subprocess.Popen(
        [*COMMAND, "run", "--chain", str(chainspec), "--data", str(tmp_path / "n"), "--listen-addr", "127.0.0.1",
         "--peer", lite[0], "--console", "pty"], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        path = ""
        while not path:
            line = run.stdout.readline()
            assert line
            if line.startswith("console at "):
                path = line.split()[-1]
        terminal = Terminal(path)
        terminal.write(b"\rhelp\r")
        terminal.until(lambda t: "restart the board" in t.text)
        terminal.write(b"state service 1 --seconds 60\r")
        terminal.until(lambda t: "proved by header" in t.text)
        assert "vouched, support " in terminal.text
        terminal.write(serial_frame.encode(messages.request(3, "status", ("every", 100))))
        terminal.until(lambda t: sum(frame[0] == STATUS for frame in t.frames) >= 6)
        values = {}
        for frame in terminal.frames:
            if frame[0] == STATUS:
                values.update(zip(list(fields())[frame[2] :], frame[3:]))
        assert values["headers_checked"] >= 60 and values["turns"] > 10 and values["busy_ms"] > 0
        assert values["mode"] == "full" and values["cpu_total"] > 0 and values["cpu_spent_headers"] > 0
        assert values["heap_used"] > 1 << 20 and values["heap_free"] == 0, "of a host: what is resident"
        noise = os.urandom(1 << 16)
        for number in range(16):
            command = ("pools", "peers", "chain", "budget")[number % 4]
            terminal.write(noise + serial_frame.encode(messages.request(100 + number, command)))
            terminal.until(lambda t, n=number: any(frame[:2] == [DONE, 100 + n] for frame in t.frames))
        assert [ROW, 101] in [frame[:2] for frame in terminal.frames]
        terminal.write(b"\x15reset\r")
        terminal.until(lambda t: "this node runs on none" in t.text)
        os.close(terminal.descriptor)
    finally:
        run.terminate()
        run.stdout.read()
        assert run.wait(PATIENCE_S) == 0
        run.stdout.close()
