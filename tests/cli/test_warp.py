"""`--sync`: what a run shows of a warp, from where it goes on, and when it refuses to start."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jamliquor_lite.chain import slots
from jamliquor_lite.cli.main import main
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.finality import Finality
from jamliquor_lite.devnet.finality_faults import by_name
from jamliquor_lite.devnet.serve import Server
from tests.cli.test_run import place, refused, started  # noqa: F401  (a fixture)

COMMAND = [sys.executable, "-m", "jamliquor_lite.cli.main"]
PATIENCE_S = 120


class Devnet:
    """A devnet with finality in a process of its own. `blocks` are there at its start."""

    def __init__(self, folder: Path, *options: str, blocks: int = 80, slot_ms: int = 500) -> None:
        self.chainspec = folder / "chain.json"
        self.process = subprocess.Popen(
            [*COMMAND, "devnet", "--json", "--port", "0", "--blocks", str(blocks), "--keys", "50", "--accelerated",
             "--slot-ms", str(slot_ms), "--listen", "/ip4/127.0.0.1/tcp/0", "--chainspec-out", str(self.chainspec),
             *options], stdout=subprocess.PIPE, text=True)
        self.ready = json.loads(self.process.stdout.readline())
        (self.lite,) = [text for text in self.ready["addresses"] if text.startswith("/")]
        self._rest = threading.Thread(target=self.process.stdout.read)
        self._rest.start()

    def __enter__(self) -> "Devnet":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        assert self.process.wait(PATIENCE_S) == 0
        self._rest.join()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def devnet(tmp_path_factory):
    with Devnet(tmp_path_factory.mktemp("devnet"), "--finality") as made:
        yield made


def follow(chainspec, home, *options, until="final:"):
    """The lines of a run, which is interrupted once one of them begins so; it ends well. And its warnings."""
    environment = {**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home / "share")}
    process = subprocess.Popen(
        [*COMMAND, "run", "--chain", str(chainspec), "--seconds", "30", *options], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=environment)
    lines, seen = [], 0
    with process:
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            seen += line.startswith(("following ", "asleep between "))
            if seen > 0 and line.startswith(until):
                process.send_signal(signal.SIGINT)
                seen = -1000
        err = process.stderr.read()
        assert process.wait(PATIENCE_S) == 0, err
    return lines, err


def starting(lines, prefix):
    return [line for line in lines if line.startswith(prefix)]


def test_a_warp_shows_what_it_will_cost_and_what_it_did(devnet, tmp_path):
    lines, err = follow(devnet.chainspec, tmp_path)
    assert err == ""
    warp = starting(lines, "warp: ")
    assert lines[0] == warp[0] and " sets behind: about " in warp[0] and warp[0].endswith(" of CPU")
    count = int(warp[0].split()[1])
    taken = len(starting(warp, "warp: set "))
    assert 6 <= count <= taken, "another set may end meanwhile"
    assert "warp: set 0 has voted, slot 12 is final: 1 of %d" % count in warp[1]
    assert "is final, by %d sets in " % taken in warp[-1]
    # The node goes on from there, and its own blocks become final.
    assert starting(lines, "final: ") and starting(lines, "following ")
    summary = json.loads(lines[-1])
    assert summary["headers_checked"] < 40 and summary["final"].startswith("slot ")


def test_the_next_run_starts_where_the_warp_ended(devnet, tmp_path):
    first, _ = follow(devnet.chainspec, tmp_path)
    again, _ = follow(devnet.chainspec, tmp_path, "--sync", "warp")
    behind = starting(again, "warp: ")
    assert len(behind) < len(starting(first, "warp: "))
    assert not starting(again, "warp: set 0 ")


def test_headers_are_followed_when_they_are_asked_for(devnet, tmp_path):
    lines, _ = follow(devnet.chainspec, tmp_path, "--sync", "headers")
    assert not starting(lines, "warp") and json.loads(lines[-1])["headers_checked"] >= 78


def test_events_for_programs(devnet, tmp_path):
    lines, _ = follow(devnet.chainspec, tmp_path, "--json", "--sync", "warp", "--seconds", "1", until="nothing")
    events = [json.loads(line) for line in lines]
    by_name = {event["event"]: event for event in events if "event" in event}
    assert events[0]["event"] == "ready"
    assert 6 <= by_name["warp_begins"]["sets"] <= by_name["warp_ends"]["sets"]
    assert by_name["warp_ends"]["bytes"] > by_name["warp_begins"]["bytes"] > 5_000


def test_a_value_of_the_state_is_proved_right_after_it(devnet, tmp_path):
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "share")}
    done = subprocess.run(
        [*COMMAND, "state", "service", "1", "--chain", str(devnet.chainspec), "--peer", devnet.lite, "--level", "final",
         "--json"], capture_output=True, text=True, timeout=PATIENCE_S, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["level"] == "final" and found["slot"] >= 72


class Liar:
    """The devnet's chain, served by somebody else, who forges the epoch marks of fragments. `address` is where."""

    def __enter__(self) -> "Liar":
        chain = DevChain(TINY, keys=50)
        Finality(chain, 2, by_name("forged-warp-fragment"))
        chain.advance(80)
        self.genesis = chain.genesis.hash
        self._loop = asyncio.new_event_loop()
        self._server = Server(chain, TINY, seed=b"\x66" * 32, port=-1, listen=[("127.0.0.1", 0)])
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._call(self._server.start())
        (self.address,) = self._server.addresses
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)


def test_a_liar_is_left_and_the_other_peer_used(devnet, tmp_path):
    with Liar() as liar:
        assert liar.genesis.hex() == devnet.ready["genesis"]
        lines, _ = follow(devnet.chainspec, tmp_path, "--sync", "warp", "--peer", liar.address, "--peer", devnet.lite)
        warp = starting(lines, "warp: ")
        (left,) = starting(warp, "warp: left ")
        assert "at set 0: CE 153: justification: for another block" in left
        assert "is final, by " in warp[-1]
        # Alone it brings us nowhere, and that is said on one line.
        chain = json.loads(devnet.chainspec.read_text())
        chain["bootnodes"] = [liar.address]
        alone = tmp_path / "alone.json"
        alone.write_text(json.dumps(chain))
        environment = {**os.environ, "HOME": str(tmp_path / "b"), "XDG_DATA_HOME": str(tmp_path / "b")}
        done = subprocess.run([*COMMAND, "run", "--chain", str(alone), "--sync", "warp", "--seconds", "9"],
                              capture_output=True, text=True, timeout=PATIENCE_S, env=environment)
        assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
        assert "no peer proved a set-change block after slot 0: " in done.stderr
        # Where nobody insists on a warp, the same is a warning and headers are followed.
        lines, err = follow(alone, tmp_path / "c", until="peer:")
        assert "no warp, following headers: no peer proved" in err


def test_a_chainspec_without_a_finality_format_is_said_once(tmp_path):
    with Devnet(tmp_path, blocks=30) as plain:
        lines, err = follow(plain.chainspec, tmp_path, "--sync", "warp", until="peer:")
        assert err.count("\n") == 1 and "names no finality format" in err and "following headers" in err
        assert not starting(lines, "warp")
        lines, err = follow(plain.chainspec, tmp_path, until="peer:")
        assert err == "" and not starting(lines, "warp")


def test_an_old_genesis_is_said_and_strictly_refused(place, capsys):  # noqa: F811
    place.now += slots.MAX_AGE_SECONDS // TINY.slot_seconds
    _, err = started(capsys, place.run())
    assert err == ""
    started(capsys, place.run("--strict"))
    place.now += 1
    lines, _ = started(capsys, place.run())
    assert any("long-range attack" in line.get("message", "") for line in lines)
    line = refused(capsys, place.run("--strict"))
    assert "7 days old" in line and "long-range attack" in line and "--old-checkpoint" in line
    lines, _ = started(capsys, place.run("--strict", "--old-checkpoint"))
    assert not any(line.get("event") == "warning" for line in lines)


def test_a_word_that_is_none(capsys):
    assert main(["run", "--sync", "light"]) == 2
    err = capsys.readouterr().err
    assert "--sync" in err and "'auto', 'warp', 'headers'" in err and err.count("\n") == 1
