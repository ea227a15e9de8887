"""Budgets of a running node, as a person meets them: modes, caps over restarts, SIGHUP, and the end of memory."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import threading

import pytest

from jamliquor_lite.budget.budgets import Budgets
from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.twoslot import TwoSlot
from jamliquor_lite.cli.main import main
from jamliquor_lite.node.mode import Mode
from jamliquor_lite.ports import clock, store
from jamliquor_lite.ports.cpython.lock import Lock
from tests.cli.test_following import COMMAND, PATIENCE_S, call, devnet

__all__ = ["devnet"]  # a fixture

BOARD = "raspberry-pi-zero-2w"
EXHAUSTED = """\
import asyncio
import sys
from jamliquor_lite.cli import asks
from jamliquor_lite.cli.main import main
from jamliquor_lite.node.node import Node

step = Node.turn
saved = []
save = Node.save


where = sys.argv.pop(1)
kept = []


def turn(self, now):
    if self.chain.headers_checked > 20 and self._root_moved:
        if where == "turn":
            raise MemoryError
        if where == "leak":  # that no pool knows of
            kept.append(bytearray(b"x") * (4 << 20))
        if where == "callback":
            asyncio.get_running_loop().call_soon(fail)
    return step(self, now)


def fail():
    raise MemoryError


async def ask(node, questions, out):
    while node.chain.headers_checked <= 20 or not node._root_moved:
        await asyncio.sleep(0.05)
    if where == "helper":
        raise MemoryError


def noted(self, now):
    saved.append(now)
    save(self, now)


Node.turn, Node.save, asks.ask = turn, noted, ask
status = main(sys.argv[1:])
print("saved", len(saved))
sys.exit(status)
"""


class Run:
    """`run` on a devnet, with a configuration file that can be written again while it runs."""

    def __init__(self, folder, devnet, text, *words):
        self.folder = folder
        self.config = folder / "node.toml"
        self.configure(text)
        ready, chainspec = devnet
        self.process = subprocess.Popen(
            [*COMMAND, "run", "--json", "--config", str(self.config), "--chain", str(chainspec), "--data",
             str(folder / "data"), "--listen-addr", "127.0.0.1", *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "HOME": str(folder)})
        self._patience = threading.Timer(PATIENCE_S, self.process.kill)  # then whoever waits for a line is told
        self._patience.start()

    def configure(self, text):
        self.config.write_text(text)

    def until(self, name, **fields):
        """The next event of this name, with these fields."""
        for line in self.process.stdout:
            found = json.loads(line)
            if found.get("event") == name and all(found.get(key) == value for key, value in fields.items()):
                return found
        raise AssertionError(f"no {name} {fields}: {self.process.stderr.read()}")

    def again(self, text):
        """With other settings, at the next SIGHUP, which is now."""
        self.configure(text)
        self.process.send_signal(signal.SIGHUP)

    def end(self):
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=PATIENCE_S)
        assert (self.process.returncode, err) == (0, "")
        return json.loads(out.splitlines()[-1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._patience.cancel()
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def allowance(folder):
    """What the data folder says is used of a day."""
    profile = Profile()
    profile.day_bytes = 1_000_000_000
    budgets = Budgets(profile)
    assert Mode(budgets, TwoSlot(store.SlotFile(str(folder / "data" / "allowance")))).damage == ""
    return budgets.allowance.day_used


def test_a_change_at_run_time_applies_or_is_refused_whole(tmp_path, devnet):
    with Run(tmp_path, devnet, "[network]\nmax_peers = 8\n") as run:
        run.until("best")
        run.again("[network]\nmax_peers = 9\nmax_download_rate = 100000\n[budget]\ncpu_percent = 50\n")
        changed = run.until("changed")["values"]
        assert changed == {"network.max_peers": 9, "network.max_download_rate": 100_000, "budget.cpu_percent": 50}
        for text, said in (
            ("[network]\nmax_peers = 7\nlisten_port = 5\n", "network.listen_port cannot change while the node runs"),
            ("[network]\nmax_peers = 7\nlisten_prot = 5\n", "listen_prot: no such key"),
            ("[network]\nmax_peers = 7\nmax_upload_rate = 1500\n", "1500 bytes a second do not let a segment of 1514"),
            ("[budget]\nmemory_mb = 600\n", "budget.memory_mb cannot change while the node runs: restart it"),
            ('[node]\nboard = "raspberry-pi-zero-2w"\n', "node.board cannot change while the node runs"),
            ('[budget]\nday_cap = "2 MB"\n', "fewer than following every header costs in a day"),
            ("[network", "not TOML"),
        ):
            run.again(text)
            warning = run.until("warning")["message"]
            assert warning.startswith("nothing is changed: ") and said in warning
        run.again("[network]\nmax_peers = 9\nmax_download_rate = 100000\n[budget]\ncpu_percent = 50\n")
        assert run.until("changed")["values"] == {}  # it is what it was after the first change
        run.until("best")
        assert run.end()["headers_checked"] > 0


def test_a_terminal_that_is_closed_ends_the_run(tmp_path, devnet):
    ready, chainspec = devnet
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [*COMMAND, "run", "--json", "--chain", str(chainspec), "--data", str(tmp_path / "data"), "--listen-addr",
         "127.0.0.1"],
        stdin=theirs, stdout=subprocess.PIPE, text=True, env={**os.environ, "HOME": str(tmp_path)},
        preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)))
    os.close(theirs)
    patience = threading.Timer(PATIENCE_S, process.kill)
    patience.start()
    lines = iter(process.stdout.readline, "")
    assert any('"best"' in line for line in lines)
    process.send_signal(signal.SIGHUP)  # by hand: the terminal is there
    assert any('"changed"' in line for line in lines)
    os.close(ours)
    out, _ = process.communicate()
    patience.cancel()
    assert process.returncode == 0 and json.loads(out.splitlines()[-1])["headers_checked"] > 0


def test_idle_by_hand_and_full_again(tmp_path, devnet):
    with Run(tmp_path, devnet, "") as run:
        run.until("best")
        run.again('[budget]\nmode = "idle"\n')
        assert run.until("changed")["values"] == {"budget.mode": "idle"}
        assert run.until("mode")["now"] == "idle"
        run.again('[budget]\nmode = "full"\n')
        assert run.until("mode")["now"] == "full"
        run.until("peer")
        run.until("best")
        run.end()


def test_a_sleeper_wakes_for_a_question(tmp_path, devnet):
    with Run(tmp_path, devnet, '[budget]\nmode = "idle"\n', "--ask", "slot") as run:
        assert run.until("mode")["now"] == "idle"
        assert run.until("peer")
        assert run.until("proved")["question"] == "slot"
        run.end()


def test_caps_last_over_restarts_and_power_cuts(tmp_path, devnet):
    text = '[budget]\nday_cap = "200 MB"\n'
    with Run(tmp_path, devnet, text) as run:
        run.until("best")
        used = run.end()
    first = allowance(tmp_path)
    assert used["bytes_in"] + used["bytes_out"] < first < 1_000_000
    with Run(tmp_path, devnet, text) as run:
        run.until("best")
        run.process.kill()
        run.process.communicate()
    second = allowance(tmp_path)
    assert second >= first + 1_000_000  # the quantum that was written ahead
    with Run(tmp_path, devnet, text) as run:
        run.until("best")
        run.end()
    assert second < allowance(tmp_path) < second + 1_000_000


def test_a_cap_that_is_spent_is_told_with_its_end(tmp_path, devnet):
    profile = Profile()
    profile.day_bytes = 100_000_000
    budgets = Budgets(profile)
    (tmp_path / "data").mkdir()
    mode = Mode(budgets, TwoSlot(store.SlotFile(str(tmp_path / "data" / "allowance"))))
    mode.keep_ahead()
    budgets.allowance.spend(99_995_000)
    mode.close()
    with Run(tmp_path, devnet, '[budget]\nday_cap = "100 MB"\n', "--ask", "slot") as run:
        assert run.until("mode", now="spent")["why"].startswith("the day's 100000000 bytes are used up, until 2")
        assert run.until("unanswered")["reason"].startswith("the day's 100000000 bytes are used up, until 2")
        run.again('[budget]\nday_cap = "200 MB"\n')
        assert run.until("changed")["values"] == {"budget.day_cap": 200_000_000}
        run.until("proved")
        run.end()
    ready, chainspec = devnet
    done = call("state", "slot", "--chain", str(chainspec), "--data", str(tmp_path / "data"), "--day-cap", "100 MB",
                home=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("jamliquor-lite: limit day_bytes reached: the day's 100000000 bytes are used up")


def test_two_processes_do_not_spend_one_cap_twice(tmp_path, devnet):
    ready, chainspec = devnet
    (tmp_path / "data").mkdir()
    lock = Lock(str(tmp_path / "data" / "allowance.lock"))
    words = ["state", "slot", "--chain", str(chainspec), "--data", str(tmp_path / "data")]
    done = call(*words, "--day-cap", "100 MB", home=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "allowance.lock is held by another process: it spends the caps of this data folder" in done.stderr
    assert call(*words, home=tmp_path).returncode == 0  # without a cap there is nothing to share
    lock.release()
    assert call(*words, "--day-cap", "100 MB", home=tmp_path).returncode == 0


@pytest.mark.parametrize("where", ["turn", "helper", "callback", "leak"])
def test_at_the_end_of_memory_it_saves_and_says_so(tmp_path, devnet, where):
    ready, chainspec = devnet
    done = subprocess.run(
        [sys.executable, "-c", EXHAUSTED, where, "run", "--chain", str(chainspec), "--data", str(tmp_path / "data"),
         "--listen-addr", "127.0.0.1", "--board", BOARD],
        capture_output=True, text=True, timeout=PATIENCE_S, env={**os.environ, "HOME": str(tmp_path)})
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    allowed = 128 << 20
    assert done.stderr.startswith("jamliquor-lite: no memory is left: ") and f"of {allowed} allowed" in done.stderr
    used = int(done.stderr.split(": ")[2].split()[0])
    assert used <= allowed and (where != "leak" or used > allowed - (40 << 20)), "the system has stopped it"
    assert any((tmp_path / "data").glob("*/journal.0"))
    assert int(done.stdout.split()[-1]) >= 1


def test_what_a_process_may_have_is_what_the_board_allows():
    text = (
        "from jamliquor_lite.ports.cpython.limits import limit_memory\n"
        "from jamliquor_lite.ports.board import memory\n"
        "left = limit_memory(64 << 20)\n"
        "kept = []\n"
        "try:\n"
        "    while True:\n"
        "        kept.append(bytearray(1 << 18))\n"  # so large that each is mapped anew
        "except MemoryError:\n"
        "    print(left, memory()[0], len(kept) << 18)\n"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    left, resident, taken = (int(word) for word in done.stdout.split())
    assert resident <= 64 << 20 and taken <= left and left - taken < 2 << 20


def test_what_python_says_by_mistake_at_the_end_of_memory_is_not_shown():
    text = (
        "from jamliquor_lite.ports.cpython.limits import limit_memory\n"
        "limit_memory(64 << 20)\n"
        "one = bytearray(1)\n"
        "for length in range(16, 48):\n"
        "    used = [bytes([1]) * length for _ in range(100)]\n"
        "    used.clear()\n"  # so that new objects lie where bytes of 1 were
        "    try:\n"
        "        one * (64 << 20)\n"
        "    except MemoryError:\n"
        "        pass\n"
        "%s"
    )
    for end, said in (("", ""), ("raise SystemError(7)\n", "SystemError: 7\n")):
        done = subprocess.run([sys.executable, "-c", text % end], capture_output=True, text=True)
        assert (done.returncode, done.stderr.startswith("Traceback")) == ((1, True) if end else (0, False))
        assert done.stderr.count("SystemError") == (1 if end else 0) and done.stderr.endswith(said)


def test_less_than_is_in_use_is_refused(capsys):
    text = (
        "import sys\n"
        "from jamliquor_lite.errors import LocalError\n"
        "from jamliquor_lite.ports.cpython.limits import limit_memory\n"
        "try:\n"
        "    limit_memory(1 << 20)\n"
        "except LocalError as error:\n"
        "    sys.exit('%d %s' % (error.exit_code, error))\n"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True)
    assert done.stderr.startswith("2 1048576 bytes of memory are allowed, and ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--board", BOARD, "--memory-mb", "70"], "--memory-mb: memory_mb: code_bytes 50331648 + pools, tables and"),
        (["--max-upload-rate", "1500"], "--max-upload-rate: max_upload_rate: 1500 bytes a second do not let"),
        (["--max-peers", "100"], ""),  # a ceiling, so a warning
        (["--mode", "never"], "--mode \"never\": must be `auto`, `full`, `idle` or `epoch`"),
        (["--board", BOARD, "--day-cap", "1 TB"], ""),
    ],
)
def test_contradictions_are_refused_before_anything_starts(words, said, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    status = main(["config", "check", *words])
    err = capsys.readouterr().err
    if said:
        assert status == 2 and err.count("\n") == 1 and said in err
        assert main(["run", *words]) == 2
        assert capsys.readouterr().err == err
    else:
        assert status == 0 and err.count("\n") == 1 and err.startswith("jamliquor-lite: warning: ")


def test_a_cap_below_the_headers_of_the_chain_is_refused(tmp_path, devnet):
    ready, chainspec = devnet
    words = ["--chain", str(chainspec), "--day-cap", "3 MB"]
    done = call("run", *words, "--data", str(tmp_path), home=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "--day-cap: day_cap: 3000000 bytes are fewer than following every header costs in a day: " in done.stderr
    checked = call("config", "check", *words, home=tmp_path)
    assert checked.returncode == 2 and checked.stderr == done.stderr
    assert call("config", "check", *words, "--mode", "idle", home=tmp_path).returncode == 0


def test_the_clock_s_month_is_that_of_the_calendar():
    seconds = clock.wall_seconds()
    if seconds is None:
        pytest.skip("the clock of this machine was never set")
    import datetime

    from jamliquor_lite.node.mode import civil

    today = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    assert civil(seconds // 86_400) == (today.year, today.month, today.day)
