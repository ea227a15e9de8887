"""`gateway` as a person starts it: what it says at once, and of what is wrong."""

import json
import os
import subprocess

import pytest

from jamliquor_lite.cli.main import main
from tests.cli.test_following import COMMAND, PATIENCE_S, call, devnet, lines_until

__all__ = ["devnet"]  # a fixture

LITE = "/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWHXkTTHa1jC4zc4wDaPMRNaxee2dFUkM5U48zzvRpNQCE"
LISTEN = "/ip4/127.0.0.1/tcp/0"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--upstream", "foo"], "--upstream 'foo'"),
        (["--upstream", LITE], "an upstream is on JAM's own network: allowed is NAME@IP:PORT"),
        (["--upstream-serves", "all"], "--upstream-serves 'all': must be learn, state, blocks"),
        (["--listen", "/ip4/127.0.0.1/udp/1"], "allowed is /ip4/ADDRESS/tcp/PORT"),
        (["--pq", "maybe"], "must be `require`, `prefer` or `off`"),
        (["--seconds", "0"], "must be a positive number of seconds"),
    ],
)
def test_a_wrong_argument_is_one_line(words, complaint, capsys):
    assert main(["gateway", *words]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and complaint in err


def test_a_gateway_without_a_place_to_serve_is_one_line(tmp_path, capsys):
    chain = tmp_path / "chain.json"
    chain.write_text("{}")
    assert main(["gateway", "--chain", str(chain)]) == 2
    assert "give --listen MULTIADDR" in capsys.readouterr().err


def test_upstreams_without_their_chain_are_one_line(capsys):
    name = "e%s@127.0.0.1:4000" % ("a" * 52)
    for words in (["--upstream", name], ["--peer", LITE], ["--chain", "dev", "--upstream", name]):
        assert main(["gateway", *words]) == 2
        assert "name it by --chain FILE" in capsys.readouterr().err


def test_nobody_to_follow_is_one_line(devnet, tmp_path, capsys):
    _, chainspec = devnet
    alone = tmp_path / "alone.json"
    alone.write_text(json.dumps({**json.loads(chainspec.read_text()), "bootnodes": []}))
    assert main(["gateway", "--chain", str(alone), "--listen", LISTEN, "--data", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "nobody to follow: give --upstream NAME@IP:PORT" in err


def test_a_place_that_cannot_be_had_is_one_line(devnet, tmp_path, capsys):
    _, chainspec = devnet
    words = ["--chain", str(chainspec), "--listen", "/ip4/192.0.2.1/tcp/0", "--data", str(tmp_path / "data")]
    assert main(["gateway", *words]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "cannot listen on TCP 192.0.2.1 port 0" in err


def test_help_shows_what_it_needs_first(capsys):
    assert main(["gateway", "--help"]) == 0
    text = capsys.readouterr().out
    needed, rest = text.index("the gateway:"), text.index("configuration:")
    for flag in ("--chain FILE", "--upstream NAME@IP:PORT", "--listen MULTIADDR", "--peer MULTIADDR"):
        assert needed < text.rindex(flag) < rest, flag
    assert text.rindex("--max-peers") > rest and "example: jamliquor-lite gateway" in text


def until_it_offers_state(words, folder):
    """The lines of this command, which is interrupted when it has learned that state is served: a chain of some epochs
    has been checked by then."""
    return lines_until(lambda line: "offers" in line and "served" in line, *words, home=folder)


def test_a_person_sees_where_it_is_and_how_it_went(devnet, tmp_path):
    ready, chainspec = devnet
    words = ["gateway", "--chain", str(chainspec), "--data", str(tmp_path / "d"), "--listen", LISTEN,
             "--upstream", ready["addresses"][0]]
    lines = until_it_offers_state(words, tmp_path)
    assert lines[0].startswith("gateway of jamliquor-devnet-tiny at /ip4/127.0.0.1/tcp/")
    assert "/p2p/12D3KooW" in lines[0]
    summary = json.loads(lines[-1])
    assert summary["headers_checked"] >= 60 and summary["headers_refused"] == 0 and "b'" not in "".join(lines)
    assert summary["upstream_state"] == "served"
    # It has as much room as a host may ask for, and no more than it is told to have.
    done = call("gateway", "--chain", str(chainspec), "--data", str(tmp_path / "d"), "--listen", LISTEN,
                "--max-peers", "9999", "--seconds", "0.5", home=tmp_path)
    assert done.returncode == 0 and "64 is in force" in done.stderr


def test_alone_it_stands_before_a_chain_of_its_own(tmp_path):
    lines = [json.loads(line) for line in until_it_offers_state(["gateway", "--json"], tmp_path)]
    assert lines[0]["event"] == "ready" and any(a.startswith("/ip4/127.0.0.1/tcp/") for a in lines[0]["addresses"])
    assert [line["state"] for line in lines if line.get("event") == "offers"][-1] == "served"
    assert lines[-1]["headers_checked"] >= 40 and lines[-1]["upstream_state"] == "served"


def test_a_state_is_proved_through_it_and_it_ends_when_interrupted(devnet, tmp_path):
    ready, chainspec = devnet
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "share")}
    words = ["gateway", "--json", "--chain", str(chainspec), "--data", str(tmp_path / "g"), "--listen", LISTEN,
             "--upstream", ready["addresses"][0]]
    process = subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, text=True, env=environment)
    address = next(a for a in json.loads(process.stdout.readline())["addresses"] if a.startswith("/"))
    for line in process.stdout:
        if json.loads(line).get("state") == "served":
            break
    # The chainspec's own bootnode is the devnet: with a peer of the lite network named, no other network is used.
    done = call("state", "slot", "--json", "--chain", str(chainspec), "--data", str(tmp_path / "n"),
                "--peer", address, home=tmp_path)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["present"] and address.endswith("/p2p/" + answer["peer"])
    process.send_signal(2)
    assert process.wait(PATIENCE_S) == 0
    summary = json.loads(process.stdout.read().splitlines()[-1])
    process.stdout.close()
    assert summary["states_relayed"] >= 1 and summary["peers_refused"] == 0




def test_it_asks_for_itself_as_a_run_does(devnet, tmp_path):
    ready, chainspec = devnet
    words = ["gateway", "--json", "--chain", str(chainspec), "--data", str(tmp_path / "g"), "--listen", LISTEN,
             "--upstream", ready["addresses"][0], "--ask", "slot"]
    lines = lines_until(lambda line: json.loads(line).get("event") == "proved", *words, home=tmp_path)
    (answer,) = [line for line in map(json.loads, lines) if line.get("event") == "proved"][:1]
    assert answer["question"] == "slot" and answer["level"] == "vouched"
    assert json.loads(lines[-1])["pools_whole"] is True


def test_a_question_that_nobody_understands_is_one_line(capsys):
    assert main(["gateway", "--ask", "weather"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "weather" in err
