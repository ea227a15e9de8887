"""`run`, `state`, `verify` and `devnet` as processes of their own, as a person starts them."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from jamliquor_lite.chain.state_key import service_account
from jamliquor_lite.codec import cbor
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain

COMMAND = [sys.executable, "-m", "jamliquor_lite.cli.main"]
PATIENCE_S = 120


def call(*arguments, home):
    environment = {**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home / "share")}
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=PATIENCE_S, env=environment)


@pytest.fixture(scope="module")
def devnet(tmp_path_factory):
    """(first line, chainspec path) of a devnet with 60 blocks that makes two more a second."""
    folder = tmp_path_factory.mktemp("devnet")
    chainspec = folder / "chain.json"
    process = subprocess.Popen(
        [*COMMAND, "devnet", "--json", "--port", "0", "--blocks", "60", "--keys", "50", "--slot-ms", "500",
         "--chainspec-out", str(chainspec), "--export", str(folder / "blocks"), "--seconds", "3600"],
        stdout=subprocess.PIPE, text=True)
    ready = json.loads(process.stdout.readline())
    rest = threading.Thread(target=process.stdout.read)  # it writes a line a block: a full pipe would stop it
    rest.start()
    yield ready, chainspec
    process.terminate()
    assert process.wait(PATIENCE_S) == 0
    rest.join()
    process.stdout.close()


def lines_until(is_enough, *arguments, home):
    """The lines of a command, which is interrupted when one of them is enough; it ends well."""
    environment = {**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home / "share")}
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=environment)
    lines, interrupted = [], False
    with process:
        for line in process.stdout:
            lines.append(line)
            if not interrupted and is_enough(line):
                process.send_signal(signal.SIGINT)
                interrupted = True
        assert (process.wait(PATIENCE_S), process.stderr.read()) == (0, "")
    return lines


def run_until(is_enough, *arguments, home):
    """The events of `run`, likewise."""
    found = lines_until(lambda line: is_enough(json.loads(line)), "run", *arguments, "--json", home=home)
    return [json.loads(line) for line in found]


def test_run_alone_follows_its_own_chain_and_sums_up(tmp_path):
    lines = run_until(lambda line: line["event"] == "proved", home=tmp_path)
    # It follows over the lite network, on which nobody can dial it: it listens nowhere.
    assert lines[0]["event"] == "ready" and lines[0]["addresses"] == []
    assert [line["suite"] for line in lines if line.get("event") == "peer"] == ["hybrid"]
    summary = lines[-1]
    assert {"chain", "best_slot", "headers_checked", "level", "proved_answers", "rss_bytes", "bytes_in",
            "bytes_out"} <= set(summary)
    # To slot 36, the last change of validators, by justifications; from there on header by header.
    assert [line["slot"] for line in lines if line.get("event") == "final"][:1] == [36] and summary["set_id"] >= 2
    assert summary["final_slot"] >= 37
    assert {line["level"] for line in lines if line.get("event") == "proved"} == {"final"}
    assert summary["headers_checked"] >= 4 and summary["proved_answers"] >= 1 and summary["headers_refused"] == 0
    assert summary["rss_bytes"] > 1 << 20 and summary["bytes_in"] > 4 * 297
    budgets = summary["budgets"]
    assert summary["mode"] == "full" and budgets["cpu_spent_headers"] > 0 and budgets["slots_most"] >= 1
    # What the justifications took, before there was a node that counts, is in the budget's totals.
    assert budgets["down_total"] - 3 * 1000 > budgets["wire_in"] > summary["bytes_in"]


def test_a_watch_list_tells_what_is_there_and_what_changes(tmp_path):
    file = tmp_path / "watched"
    file.write_text("# what this test looks at\n\nslot\nkey %s  # nobody has it\n" % ("77" * 31))
    seen = []

    def enough(line):
        seen.append(line)
        return len([one for one in seen if one["event"] == "watch_change" and one["item"] == "slot"]) > 3

    run_until(enough, "--watch", "service 1", "--watch", "prefix 0d", "--watch-file", str(file), home=tmp_path)
    changes = [line for line in seen if line["event"] == "watch_change"]
    first = [line for line in changes if line["was"] == ""]
    assert {line["item"] for line in first} == {"slot", "service 1", "key " + "77" * 31, "prefix 0d"}
    assert [line["present"] for line in first if line["item"].startswith("key")] == [False]
    slots = [line for line in changes if line["item"] == "slot"]
    assert all(int.from_bytes(bytes.fromhex(line["value"]), "little") == line["slot"] for line in slots)
    assert all(line["level"] == "final" and 5 <= line["support"] <= line["validators"] == 6 for line in changes)
    assert [line["slot"] for line in slots] == sorted({line["slot"] for line in slots})
    assert [line["event"] for line in seen].count("watch_ready") == 1
    lines = lines_until(lambda line: line.startswith("watch ready"), "run", "--watch", "service 1", "--watch", "slot",
                        home=tmp_path)
    assert any(line.startswith("watched: slot = ") and "final, support" in line for line in lines)


def test_ctrl_c_ends_a_run_cleanly_saves_and_leaves_nobody_behind(tmp_path, devnet):
    ready, chainspec = devnet
    data = tmp_path / "data"
    run = subprocess.Popen(
        [*COMMAND, "run", "--chain", str(chainspec), "--data", str(data), "--listen-addr", "127.0.0.1",
         "--listen-port", "0", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    root = -1
    for line in run.stdout:
        if json.loads(line)["event"] == "root":
            root = json.loads(line)["slot"]
            break
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0 and err == ""
    summary = json.loads(out.splitlines()[-1])
    assert summary["headers_checked"] > 0
    assert any(data.glob("*/journal*"))
    after = run_until(lambda line: line["event"] == "best" and line["slot"] >= summary["best_slot"],
                      "--chain", str(chainspec), "--data", str(data), "--listen-port", "0", home=tmp_path)[-1]
    assert after["best_slot"] >= summary["best_slot"]
    assert root > 0 and after["headers_checked"] <= after["best_slot"] - root, "it went on from what it had saved"


def test_the_embedded_devnet_ends_with_its_run(tmp_path):
    run = subprocess.Popen([*COMMAND, "run", "--json"], stdout=subprocess.PIPE, text=True,
                           env={**os.environ, "HOME": str(tmp_path)})
    run.stdout.readline()
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(run.pid)], capture_output=True, text=True)
    child = int(children.stdout.split()[0])
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


@pytest.mark.parametrize("question, present", [
    (("service", "1"), True), (("slot",), True), (("entropy",), True), (("storage", "1", "00"), False),
    (("preimage", "1", "11" * 32), False), (("key", service_account(1).hex()), True), (("key", "77" * 31), False),
    (("service", "99"), False),
])
def test_state_prints_a_proved_value_or_a_proved_absence(devnet, tmp_path, question, present):
    _, chainspec = devnet
    done = call("state", *question, "--chain", str(chainspec), "--json", home=tmp_path)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    found = json.loads(done.stdout)
    assert found["present"] is present and (found["value"] is not None) is present
    assert found["level"] == "vouched" and found["support"] >= 3 and found["validators"] == 6
    assert found["proof_bytes"] % 64 == 0 and found["age_slots"] >= 1 and len(found["header"]) == 64


def test_state_for_a_person_and_ranges(devnet, tmp_path):
    _, chainspec = devnet
    done = call("state", "range", "00" * 31, "0f" + "ff" * 30, "--chain", str(chainspec), home=tmp_path)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and lines[-1].startswith("proved by header ")
    assert any(line.startswith("0b" + "00" * 30 + " = ") for line in lines)
    done = call("state", "slot", "--chain", str(chainspec), "--level", "sealed", "--support", "1", home=tmp_path)
    assert done.returncode == 0 and ("sealed" in done.stdout or "vouched" in done.stdout)


def test_a_level_that_does_not_come_is_one_line(devnet, tmp_path):
    _, chainspec = devnet
    for patience in ("2", "8", "30"):
        done = call("state", "slot", "--chain", str(chainspec), "--support", "6", "--seconds", patience, home=tmp_path)
        if "still catching up" not in done.stderr:
            break
    if done.returncode == 0:  # six of six may have built by chance
        assert "support 6/6" in done.stdout
    else:
        assert done.returncode == 1 and done.stderr.count("\n") == 1 and "with support 6" in done.stderr


def test_verify_checks_an_export_and_finds_one_wrong_byte(devnet, tmp_path):
    _, chainspec = devnet
    folder = chainspec.parent / "blocks"
    done = call("verify", str(folder), "--chain", str(chainspec), "--json", home=tmp_path)
    summary = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0 and summary["sealed"] == summary["headers"] >= 60 and summary["failed"] == 0
    spoiled = tmp_path / "blocks"
    spoiled.mkdir()
    for number, path in enumerate(sorted(folder.glob("*.bin"))[:20]):
        data = bytearray(path.read_bytes())
        if number == 10:
            data[40] ^= 1
        (spoiled / path.name).write_bytes(data)
    done = call("verify", str(spoiled), "--chain", str(chainspec), home=tmp_path)
    assert done.returncode == 1 and done.stderr == ""
    assert json.loads(done.stdout.splitlines()[-1])["failed"] >= 1 and "failed: " in done.stdout


def test_verify_checks_a_chain_file_and_its_state_roots(tmp_path):
    chain = DevChain(TINY, seed=2, keys=20)
    states = [dict(chain.genesis.state.trie.items())]
    blocks = []
    for block in chain.advance(15):
        states.append(dict(block.state.trie.items()))
        old, new = states[-2], states[-1]
        blocks.append({"block": block.encode(), "slot": block.slot, "state_root": block.state.trie.root(),
                       "set": {k: v for k, v in new.items() if old.get(k) != v},
                       "removed": [k for k in old if k not in new]})
    file = {"trace": "ours", "spec": "tiny", "gp": "0.7.2", "blocks": blocks,
            "genesis": {"header": chain.genesis.header, "state_root": bytes(32), "state": states[0]}}
    path = tmp_path / "chain.cbor"
    path.write_bytes(cbor.dumps(file))
    done = call("verify", str(path), home=tmp_path)
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "headers": 15, "sealed": 15, "epochs": 1, "state_roots": 15, "failed": 0}
    blocks[7]["set"][b"\x01" * 31] = b"smuggled in"
    path.write_bytes(cbor.dumps(file))
    done = call("verify", str(path), "--json", home=tmp_path)
    assert done.returncode == 1 and json.loads(done.stdout)["failed"] >= 1


@pytest.mark.parametrize("arguments", [
    ("run", "--seconds", "-1"), ("run", "--seconds", "soon"), ("run", "--chain", "/nowhere/at.all"),
    ("run", "--peer", "x@y"), ("run", "--checkpoint", "zz", "--chain", "CHAIN"), ("run", "--ask", "weather"),
    ("run", "--watch", "weather"), ("run", "--watch", "prefix"), ("run", "--watch", "prefix xyz"),
    ("run", "--watch", "service 1 2"), ("run", "--watch-file", "/nowhere"), ("run", "--watch-file", "NOT_JSON"),
    ("run", "--watch-file", "."), ("run", "--watch", ""),
    ("run", "--listen-port", "70000"), ("run", "--surprise"), ("run", "--chain", "NOT_JSON"),
    ("state", "service", "1"), ("state", "service", "x", "--chain", "CHAIN"),
    ("state", "key", "00", "--chain", "CHAIN"),
    ("state", "key", "zz", "--chain", "CHAIN"), ("state", "range", "01" * 31, "00" * 31, "--chain", "CHAIN"),
    ("state", "slot", "--level", "final", "--chain", "CHAIN"),
    ("state", "slot", "--support", "-1", "--chain", "CHAIN"),
    ("state", "slot", "--support", "9", "--chain", "CHAIN"), ("state", "slot", "--seconds", "0", "--chain", "CHAIN"),
    ("state", "nonsense", "--chain", "CHAIN"), ("state",), ("verify", "/nowhere"), ("verify", "NOT_JSON"),
    ("verify", "."), ("verify", ".", "--chain", "CHAIN"), ("frobnicate",), (),
    ("run", "--chain", "CHAIN", "--data", "NOT_JSON"), ("run", "--chain", "CHAIN", "--listen-addr", "300.1.1.1"),
    ("devnet", "--spec", "huge"), ("devnet", "--fault", "rain"), ("devnet", "--keys", "-4"),
])
def test_a_users_mistake_is_one_line_and_exit_2(devnet, tmp_path, arguments):
    _, chainspec = devnet
    wrong = tmp_path / "wrong.json"
    wrong.write_text("this is { not json")
    given = [{"CHAIN": str(chainspec), "NOT_JSON": str(wrong)}.get(word, word) for word in arguments]
    done = call(*given, home=tmp_path)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("jamliquor-lite: ")
    assert "Traceback" not in done.stderr and "bug" not in done.stderr and done.stdout == ""


def test_a_port_that_is_taken_is_one_line(devnet, tmp_path):
    ready, chainspec = devnet
    port = ready["addresses"][0].rpartition(":")[2]
    done = call("run", "--chain", str(chainspec), "--listen-addr", "127.0.0.1", "--listen-port", port, home=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and port in done.stderr
