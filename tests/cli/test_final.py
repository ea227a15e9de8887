"""Finality as a person meets it: `devnet --finality`, `run` that follows it, and `state --level final`."""

import json
import subprocess
import threading

import pytest

from jamliquor_lite.chain.chainspec import FORMAT
from jamliquor_lite.cli.run import _line
from jamliquor_lite.node.status import Status
from tests.cli.test_following import COMMAND, PATIENCE_S, call, run_until


@pytest.fixture(scope="module")
def devnet(tmp_path_factory):
    """The chainspec's path of a devnet whose validators vote, 30 blocks old, which makes four more a second."""
    chainspec = tmp_path_factory.mktemp("devnet") / "chain.json"
    process = subprocess.Popen(
        [*COMMAND, "devnet", "--json", "--port", "0", "--blocks", "30", "--keys", "50", "--slot-ms", "250",
         "--finality", "--chainspec-out", str(chainspec), "--seconds", "3600"], stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    rest = threading.Thread(target=process.stdout.read)  # it writes a line a block: a full pipe would stop it
    rest.start()
    yield chainspec
    process.terminate()
    assert process.wait(PATIENCE_S) == 0
    rest.join()
    process.stdout.close()


def test_run_reaches_level_final_and_crosses_set_changes(devnet, tmp_path):
    finals, peers = [], []

    def followed(line):
        # What a warp proves before it follows anybody is not counted.
        if line["event"] == "peer":
            peers.append(line)
        if line["event"] == "final" and peers:
            finals.append(line["slot"])
        return finals != []

    def enough(line):
        # One every epoch is of a block that changes the set: two of those have passed.
        return followed(line) and finals[-1] // 12 >= finals[0] // 12 + 2

    lines = run_until(enough, "--chain", str(devnet), "--data", str(tmp_path / "data"), home=tmp_path)
    assert finals == sorted(set(finals))
    summary = lines[-1]
    assert summary["final"].startswith("slot ") and summary["final_slot"] >= finals[-1] and summary["set_id"] >= 2
    assert summary["headers_refused"] == 0 and not [line for line in lines if line.get("event") == "refused"]
    # After a restart it goes on from what was final.
    before = finals[-1]
    finals.clear()
    peers.clear()
    run_until(followed, "--chain", str(devnet), "--data", str(tmp_path / "data"), home=tmp_path)
    assert finals[0] > before


def test_the_status_line_has_it_where_it_is_served():
    status = Status()
    assert "final" not in _line(status)
    status.final = "slot 70, set 5"
    assert " | vouched 0 | final slot 70, set 5 | 0 headers checked" in _line(status)


def test_state_is_proved_by_the_votes(devnet, tmp_path):
    done = call("state", "slot", "--level", "final", "--json", "--chain", str(devnet), home=tmp_path)
    assert done.returncode == 0
    found = json.loads(done.stdout)  # whatever else there was to say
    assert found["level"] == "final" and found["support"] >= 5 and found["validators"] == 6
    assert found["committed_by"] == found["header"] and found["committed_in"] == found["slot"] == int(found["shown"])
    done = call("state", "slot", "--level", "final", "--chain", str(devnet), home=tmp_path)
    assert done.returncode == 0 and ": final, support 5/6," in done.stdout


def test_where_no_format_is_named_final_is_refused(devnet, tmp_path):
    root = json.loads(devnet.read_text())
    assert root["jamliquor"]["finality"] == FORMAT
    del root["jamliquor"]["finality"]
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps(root))
    done = call("state", "slot", "--level", "final", "--chain", str(bare), home=tmp_path)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1
    assert "names no format of finality" in done.stderr
    done = call("state", "slot", "--level", "certain", "--chain", str(devnet), home=tmp_path)
    assert done.returncode == 2 and "must be sealed, vouched or final" in done.stderr
    lines = run_until(lambda line: line["event"] == "vouched", "--chain", str(bare), home=tmp_path)
    assert lines[-1]["final"] == "not served" and "final_slot" not in lines[-1]
