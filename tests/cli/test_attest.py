"""A start that three pinned devnets of one chain attest, or two and a liar, as processes that a person starts."""

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack

import pytest

from jamliquor_lite.chain.chainspec import ChainSpec
from jamliquor_lite.chain.trust import Trust, checkpoint_at
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from tests.chain.chains import Recorder, of_devnet
from tests.devnet.process import Devnet

COMMAND = [sys.executable, "-m", "jamliquor_lite.cli.main"]
PATIENCE_S = 120
BLOCKS = 70
SLOT_MS = 600_000  # nothing is added while the test looks


def environment(home):
    return {**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home / "share")}


def call(*words, home):
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=PATIENCE_S, env=environment(home))


def follow(*words, home):
    """(events, stderr) of `run --json`, interrupted once it has a head that it checked itself."""
    process = subprocess.Popen([*COMMAND, "run", *words, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, env=environment(home))
    events, is_enough = [], False
    with process:
        for line in process.stdout:
            events.append(json.loads(line))
            if events[-1].get("event") == "best" and not is_enough:
                process.send_signal(signal.SIGINT)
                is_enough = True
        return events, process.stderr.read(), process.wait(PATIENCE_S)


def named(events, name):
    return [event for event in events if event.get("event") == name]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Names of devnets -> their addresses: `a`, `b`, `c` of one chain, `liar` of the same, `stranger` of another."""
    with ExitStack() as stack:
        found = {}
        for number, (name, words) in enumerate({
            "a": (), "b": (), "c": (), "liar": ("--fault", "false-attestation"), "stranger": ("--seed", "77"),
        }.items()):
            folder = tmp_path_factory.mktemp(name)
            devnet = stack.enter_context(Devnet(folder, slot_ms=SLOT_MS, blocks=BLOCKS, options=(
                "--keys", "5", "--identity", str(number + 1), *words)))
            found[name] = devnet.peer
            if name == "a":
                spec = json.loads(devnet.chainspec.read_text())
                spec["bootnodes"] = []  # whom we did not name, we do not hear
                found["chain"] = str(folder / "chain.json")
                (folder / "chain.json").write_text(json.dumps(spec))
        yield found


def words(network, *names):
    return ["--chain", network["chain"], *[word for name in names for word in ("--peer", network[name])]]


def identity(address):
    return address.rpartition("/")[2]


def test_a_liar_among_three_is_outvoted_named_and_what_it_signed_is_kept(network, tmp_path):
    data = tmp_path / "data"
    events, err, status = follow(*words(network, "a", "liar", "b"), "--attest", "2/3", "--data", str(data),
                                 home=tmp_path)
    assert (status, err) == (0, "")
    (attested,) = named(events, "attested")
    liar = identity(network["liar"])
    assert attested["attested"] == "2/3" and attested["level"] == "vouched" and attested["outvoted"] == [liar]
    assert attested["agreed"] == [identity(network["a"]), identity(network["b"])]
    alarms = named(events, "alarm")
    alarm = alarms[0]
    assert [one["epoch"] for one in alarms] == sorted([one["epoch"] for one in alarms], reverse=True)
    assert alarm["about"] == "attestation" and alarm["outvoted"] == [liar]
    assert {one["peer"]: one["hash"] == attested["hash"] for one in alarm["said"]} == {
        identity(network["a"]): True, liar: False, identity(network["b"]): True}
    assert all(identity(network[name])[:16] in alarm["reason"] for name in ("a", "b", "liar"))
    assert events[-1]["attested"] == "2/3" and events[-1]["headers_refused"] == 0
    # It started there: whatever came before was never fetched.
    assert 0 < events[-1]["headers_checked"] < BLOCKS // 2
    (kept,) = data.glob("*/disagreement.json")
    done = call("checkpoint", "verify", str(kept), home=tmp_path)
    assert done.returncode == 0 and done.stdout.count("signed: slot") == 3 and liar in done.stdout
    text = kept.read_text()
    said = json.loads(text)["said"][0]["answer"]
    kept.write_text(text.replace(said, ("0" if said[9] != "0" else "1").join((said[:9], said[10:]))))
    done = call("checkpoint", "verify", str(kept), home=tmp_path)
    assert done.returncode == 1 and "not signed" in done.stderr and done.stdout == ""


def test_all_agree_and_no_alarm(network, tmp_path):
    events, err, status = follow(*words(network, "a", "b", "c"), "--attest", "3/3", home=tmp_path)
    assert (status, err) == (0, "") and named(events, "attested")[0]["attested"] == "3/3"
    assert not named(events, "alarm") and not named(events, "warning")


def test_two_devnets_of_other_minds_are_no_start(network, tmp_path):
    done = call("run", *words(network, "a", "stranger", "liar"), "--attest", "2/3", home=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert "fewer than 2 of 3 pinned peers" in last and "disagree" in last and "does not attest chain" in last
    assert all(identity(network[name])[:16] in last for name in ("a", "stranger", "liar"))


def test_a_peer_that_is_not_there_is_said_and_two_suffice(network, tmp_path):
    gone = network["c"].replace(identity(network["c"]), "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN")
    base = ["--chain", network["chain"], "--peer", network["a"], "--peer", network["b"], "--peer", gone]
    events, err, status = follow(*base, "--attest", "2/3", home=tmp_path)
    assert (status, err) == (0, "") and named(events, "attested")[0]["attested"] == "2/3"
    assert "attest nothing" in named(events, "warning")[0]["message"] and not named(events, "alarm")
    done = call("run", *base, "--attest", "3/3", home=tmp_path)
    assert done.returncode == 1 and "fewer than 3 of 3" in done.stderr


def test_a_saved_checkpoint_goes_first_unless_they_are_asked_for(network, tmp_path):
    chain = DevChain(TINY, seed=0, keys=5)
    start = of_devnet(chain)
    assert start.genesis_hash == ChainSpec.read(network["chain"]).genesis_hash
    light = Recorder(start)
    for _ in range(30):
        light.add(chain.advance()[0].header)
    point = checkpoint_at(light.chain, light.chain.tree.find(chain.at(25).hash))
    file = tmp_path / "file"
    file.write_bytes(point.encode())
    data = ["--data", str(tmp_path / "data")]
    done = call("checkpoint", "import", str(file), "--chain", network["chain"], "--trust", Trust.of(point).text(),
                "--yes", *data, home=tmp_path)
    assert done.returncode == 0
    base = [*words(network, "a", "b", "c"), "--attest", "2/3", *data]
    events, err, status = follow(*base, home=tmp_path)
    assert (status, err) == (0, "") and not named(events, "attested") and "attested" not in events[-1]
    assert named(events, "best")[0]["slot"] > point.slot
    events, err, status = follow(*base, "--checkpoint", "attested", home=tmp_path)
    assert (status, err) == (0, "") and named(events, "attested")


def test_a_file_and_a_string_are_starts_too(network, tmp_path):
    chain = DevChain(TINY, seed=0, keys=5)
    light = Recorder(of_devnet(chain))
    for _ in range(BLOCKS):
        light.add(chain.advance()[0].header)
    point = checkpoint_at(light.chain, light.chain.tree.find(chain.at(BLOCKS - 9).hash))
    file = tmp_path / "file"
    file.write_bytes(point.encode())
    for what in (str(file), Trust.of(point).text(), point.header_hash.hex()):
        events, err, status = follow(*words(network, "a"), "--checkpoint", what, home=tmp_path)
        assert (status, err) == (0, ""), what
        assert events[-1]["headers_checked"] <= 10 and events[-1]["level"] in ("sealed", "vouched")
    point.genesis_hash = bytes(32)
    file.write_bytes(point.encode())
    for what in (str(file), Trust.of(point).text()):
        done = call("run", *words(network, "a"), "--checkpoint", what, home=tmp_path)
        assert done.returncode == 2 and "another chain" in done.stderr


@pytest.mark.parametrize(("more", "says"), [
    (["--attest", "1/3"], "more than half"),
    (["--attest", "2/4"], "more than half"),
    (["--attest", "3/5"], "3 peers are named"),
    (["--checkpoint", "attested"], "by whom?"),
    (["--checkpoint", "nonsense"], "64 hex digits, a trust string"),
    (["--checkpoint", "JLC1:XYZ"], "trust string"),
    (["--checkpoint", "00" * 31], "64 hex digits"),
])
def test_mistakes_are_one_line(network, tmp_path, more, says):
    done = call("run", *words(network, "a", "b", "c"), *more, home=tmp_path)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1
    assert says in done.stderr
