"""`--mode epoch`: a run that jumps and answers, `state` beside it, the run after it, and where it is refused."""

import json
import os
import signal
import subprocess

import pytest

from jamliquor_lite.cli.main import main
from tests.cli.test_run import place  # noqa: F401  (a fixture)
from tests.cli.test_warp import COMMAND, PATIENCE_S, Devnet, follow, starting


@pytest.fixture(scope="module")
def devnet(tmp_path_factory):
    with Devnet(tmp_path_factory.mktemp("devnet"), "--finality") as made:
        yield made


def call(home, *words):
    environment = {**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home / "share")}
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=PATIENCE_S, env=environment)


def sleep(devnet, home, *options, until="proved:"):
    return follow(devnet.chainspec, home, "--mode", "epoch", *options, until=until)


def test_it_jumps_answers_and_another_mode_goes_on_from_there(devnet, tmp_path):
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "share")}
    process = subprocess.Popen(
        [*COMMAND, "run", "--chain", str(devnet.chainspec), "--mode", "epoch", "--ask", "slot", "--seconds", "60",
         "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    events = []
    with process:
        for line in process.stdout:
            events.append(json.loads(line))
            if events[-1].get("event") == "proved":
                process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0 and process.stderr.read() == ""
    jumps = [event for event in events if event.get("event") == "jump"]
    assert [event["set_id"] for event in jumps] == list(range(len(jumps))) and len(jumps) >= 6
    proved = next(event for event in events if event.get("event") == "proved")
    assert proved["level"] == "final" and proved["slot"] == int(proved["shown"]) >= jumps[-1]["slot"]
    end = events[-1]
    assert end["headers_checked"] == 0 and end["level"] == "final" and end["final"].startswith("slot ")
    assert end["proved_answers"] >= 1 and end["budgets"]["day_used"] > 0
    # `state` uses what the run has proved, and leaves it alone.
    kept = {path: path.read_bytes() for path in tmp_path.rglob("warp.*")}
    assert kept
    done = call(tmp_path, "state", "service", "1", "--chain", str(devnet.chainspec), "--mode", "epoch", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["level"] == "final", done.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("warp.*")} == kept
    # A run that follows begins where this one was.
    lines, _ = follow(devnet.chainspec, tmp_path, "--sync", "warp")
    warp = starting(lines, "warp: ")
    assert not starting(warp, "warp: set %d has voted" % jumps[-1]["set_id"])
    assert ", after %d that were proved before" % len(jumps) in warp[0] or len(warp) == 2
    assert starting(lines, "final: ")


def test_a_person_sees_what_it_does(devnet, tmp_path):
    lines, err = sleep(devnet, tmp_path, until="asleep:")
    assert err == "" and starting(lines, "asleep between the epochs of ")
    assert starting(lines, "jump: slot 12, set_id 0, level final") and starting(lines, "asleep: next_s ")
    assert json.loads(lines[-1])["mode"] in ("asleep", "epoch")


def test_it_cannot_be_left_while_it_runs_nor_taken_up(devnet, tmp_path):
    config = tmp_path / "jam.toml"
    for before, after in (("epoch", "full"), ("full", "epoch")):
        config.write_text('[budget]\nmode = "%s"\n' % before)
        environment = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / before)}
        process = subprocess.Popen(
            [*COMMAND, "run", "--chain", str(devnet.chainspec), "--config", str(config), "--seconds", "60"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        with process:
            process.stdout.readline()
            while not process.stdout.readline().startswith(("jump: ", "peer: ", "console ")):
                pass
            config.write_text('[budget]\nmode = "%s"\n' % after)
            process.send_signal(signal.SIGHUP)
            said = process.stderr.readline()
            process.send_signal(signal.SIGINT)
            process.stdout.read()
            assert process.wait(PATIENCE_S) == 0
        assert "nothing is changed: budget.mode: `epoch` can be taken up and left by a restart only" in said


def refused(done, said):
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and said in done.stderr, done.stderr


def test_where_it_is_refused(devnet, tmp_path, place):  # noqa: F811
    chain = str(devnet.chainspec)
    said = "--mode epoch: this chainspec names no format of finality"
    for words in (["run"], ["state", "slot"], ["config", "check"]):
        refused(call(tmp_path, *words, "--chain", place.chainspec, "--mode", "epoch"), said)
    refused(call(tmp_path, "gateway", "--chain", chain, "--mode", "epoch", "--listen", "/ip4/127.0.0.1/tcp/0"),
            "--mode epoch: a gateway serves headers")
    refused(call(tmp_path, "run", "--chain", chain, "--mode", "epoch", "--listen", "/ip4/127.0.0.1/tcp/0"),
            "nobody is heard at /ip4/127.0.0.1/tcp/0 while it sleeps")
    refused(call(tmp_path, "run", "--chain", chain, "--mode", "epoch", "--watch", "service 1"),
            "--watch needs headers")
    refused(call(tmp_path, "run", "--chain", chain, "--mode", "epoch", "--day-cap", "1 MB"),
            "--day-cap: day_cap: 1000000 bytes are fewer than a jump an epoch costs in a day")


def test_help_says_so(capsys):
    assert main(["run", "--help"]) == 0
    assert "`epoch` wakes once an epoch" in " ".join(capsys.readouterr().out.split())
