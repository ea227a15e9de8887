"""`jamliquor-lite devnet` as a user starts it: a process with arguments, JSON lines and signals."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from jamliquor_lite.chain.chainspec import ChainSpec
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.devnet.finality import Finality

from .client import Client
from .follower import Parsed
from .test_author import follow_from

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def command(*arguments):
    return [sys.executable, "-m", "jamliquor_lite.cli.main", "devnet", *map(str, arguments)]


def start(*arguments):
    return subprocess.Popen(command(*arguments), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def refused(*arguments):
    """The one line of a mistake."""
    done = subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=180)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1, done
    return done.stderr


def finish(process):
    """The JSON lines that were left and the exit status."""
    out, err = process.communicate(timeout=180)
    assert err == ""
    return [json.loads(line) for line in out.splitlines()], process.returncode


def test_it_is_ready_authors_and_ends_on_a_signal(tmp_path):
    path = tmp_path / "chainspec.json"
    process = start("--json", "--slot-ms", 50, "--blocks", 30, "--keys", 40, "--seed", 5, "--chainspec-out", path)
    try:
        ready = json.loads(process.stdout.readline())
        assert ready["event"] == "ready" and ready["blocks"] == 30 and ready["clock"] == "chain"
        assert ready["chainspec"] == str(path)
        blocks = [json.loads(process.stdout.readline()) for _ in range(5)]
        assert [block["number"] for block in blocks] == list(range(31, 36))
    finally:
        process.send_signal(signal.SIGTERM)
    lines, status = finish(process)
    assert status == 0 and lines[-1]["blocks"] >= 35 and lines[-1]["chain"] == ready["genesis"]
    chain = DevChain(TINY, 5, 40)
    assert chain.genesis.hash.hex() == ready["genesis"]
    chain.advance(35)
    assert [chain.at(n).hash.hex() for n in range(31, 36)] == [block["hash"] for block in blocks]


def test_its_chainspec_is_read_back_and_leads_to_the_chain(tmp_path):
    path = tmp_path / "chainspec.json"
    process = start("--json", "--accelerated", "--slot-ms", 200, "--blocks", 20, "--keys", 30, "--chainspec-out", path)
    try:
        ready = json.loads(process.stdout.readline())
        fields = json.loads(path.read_text())
        assert sorted(fields) == ["bootnodes", "genesis_header", "genesis_state", "id", "jamliquor",
                                  "protocol_parameters"]
        assert fields["bootnodes"] == ready["addresses"] and fields["jamliquor"] == {"clock": "chain"}
        checkpoint = ChainSpec.read(str(path)).checkpoint()
        assert checkpoint.genesis_hash.hex() == ready["genesis"] and checkpoint.clock_chain
        chain = DevChain(TINY, 0, 30)
        follower = follow_from(TINY, chain.genesis)

        async def fetch():
            async with Client(checkpoint.genesis_hash, ready["addresses"][0]) as client:
                return await client.blocks(checkpoint.genesis_hash, 0, 1)

        follower.follow(Parsed(TINY, asyncio.run(asyncio.wait_for(fetch(), 180))))
    finally:
        process.send_signal(signal.SIGINT)
    assert finish(process)[1] == 0


def test_on_the_wall_clock_it_authors_in_the_slot_that_it_is():
    process = start("--json", "--blocks", 3, "--keys", 5)
    try:
        ready = json.loads(process.stdout.readline())
        now = (time.time() - 1735732800) / 6
        assert ready["clock"] == "wall" and ready["slot_ms"] == 6000
        block = json.loads(process.stdout.readline())
        # the first block comes with the present slot, or the next ones where their owners are struck out
        assert now - 3 < block["slot"] <= now + 6
    finally:
        process.send_signal(signal.SIGTERM)
    assert finish(process)[1] == 0


def test_seconds_end_it_and_the_export_is_the_best_chain(tmp_path):
    folder = tmp_path / "blocks"
    process = start("--json", "--slot-ms", 20, "--blocks", 10, "--keys", 5, "--fork-rate", 0.3, "--seed", 2,
                    "--seconds", 1, "--export", folder)
    lines, status = finish(process)
    assert status == 0
    files = sorted(os.listdir(folder))
    assert files == [f"{n:08d}.bin" for n in range(lines[-1]["blocks"] + 1)]
    headers = [Parsed(TINY, (folder / name).read_bytes()) for name in files]
    for parent, header in zip(headers, headers[1:], strict=False):
        assert header.parent == parent.hash


def test_finality_is_named_announced_and_served(tmp_path):
    path = tmp_path / "chainspec.json"
    process = start("--json", "--slot-ms", 50, "--blocks", 30, "--keys", 5, "--seed", 5, "--finality", "--final-lag", 3,
                    "--chainspec-out", path)
    try:
        ready = json.loads(process.stdout.readline())
        chain = DevChain(TINY, 5, 5)
        finality = Finality(chain, 3)
        chain.advance(30)
        assert ready["final_hash"] == chain.final.hash.hex() == chain.at(27).hash.hex()
        assert ready["final_slot"] == chain.final.slot and ready["set_id"] == finality.set_id == 2
        checkpoint = ChainSpec.read(str(path)).checkpoint()
        assert checkpoint.grandpa_format == "jamnp-pr6-737b8ae" and checkpoint.clock_chain
        block = json.loads(process.stdout.readline())
        assert block["number"] == 31 and block["final_hash"] == chain.at(28).hash.hex()

        async def fetch():
            async with Client(checkpoint.genesis_hash, ready["addresses"][0]) as client:
                return (await client.ask(130, chain.final.hash, 1))[0], (await client.ask(153, bytes(4), 1))[0]

        justification, fragments = asyncio.run(asyncio.wait_for(fetch(), 180))
        assert justification == finality.justification(chain.final.hash)
        assert fragments[1:].startswith(b"".join(finality.fragments(0, 2)))
    finally:
        process.send_signal(signal.SIGTERM)
    lines, status = finish(process)
    assert status == 0 and lines[-1]["requests"] == {"130": 1, "153": 1} and lines[-1]["set_id"] >= 2


def test_few_blocks_an_epoch_pass_many_epochs():
    process = start("--json", "--accelerated", "--blocks", 30, "--keys", 5, "--finality", "--epoch-blocks", 3,
                    "--seconds", 0.2)
    lines, status = finish(process)
    assert status == 0 and lines[0]["best_slot"] // 12 == 9 and lines[0]["set_id"] == 9


def test_for_a_person_it_says_one_line():
    process = start("--slot-ms", 50, "--keys", 5, "--seconds", 0.5)
    out, err = process.communicate(timeout=180)
    lines = out.splitlines()
    assert process.returncode == 0 and err == "" and len(lines) == 2
    assert lines[0].startswith("devnet ") and json.loads(lines[1])["blocks"] >= 1


def test_a_fault_is_committed_and_the_chain_goes_on():
    process = start("--json", "--slot-ms", 10, "--keys", 5, "--fault", "forged-state-root", "--fault", "constant-fake",
                    "--seconds", 1)
    lines, status = finish(process)
    faulty = [line for line in lines if line.get("fault")]
    assert status == 0 and faulty and not any(line["best"] for line in faulty)
    assert lines[-1]["faulty"] == len(faulty) and lines[-1]["blocks"] > 5


def test_the_faults_are_listed():
    done = subprocess.run(command("--fault", "list"), cwd=ROOT, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0
    for name in ("forged-epoch-mark", "constant-fake", "too-few-votes", "long-range-fork"):
        assert name in done.stdout


@pytest.mark.parametrize("arguments, word", [
    (("--spec", "huge"), "tiny and full"),
    (("--keys", "-3"), "-3"),
    (("--fork-rate", "1.5"), "1.5"),
    (("--offline", "x"), "x"),
    (("--port", "70000"), "70000"),
    (("--slot-ms", "0"), "slot-ms"),
    (("--seconds", "0"), "seconds"),
    (("--fault", "tea"), "tea"),
    (("--fault", "too-few-votes"), "needs --finality"),
    (("--finality", "--fault", "too-few-votes", "--fault", "finality-stall-9-0"), "only one"),
    (("--finality", "--fault", "finality-stall-9-x"), "finality-stall-9-x"),
    (("--accelerated", "--finality", "--final-lag", "0"), "at least 1"),
    (("--epoch-blocks", "3"), "--accelerated"),
    (("--contests", "some"), "some"),
    (("--host", "nowhere.invalid"), "nowhere.invalid"),
])
def test_a_mistake_is_one_line(arguments, word):
    assert word in refused(*arguments)


def test_a_taken_port_is_one_line():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        assert "in use" in refused("--accelerated", "--keys", 5, "--port", taken.getsockname()[1])


def test_an_export_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    done = subprocess.run(command("--accelerated", "--keys", 5, "--export", tmp_path / "file" / "x"), cwd=ROOT,
                          capture_output=True, text=True, timeout=180)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
