"""`peers`: the pins of a data folder, shown and let go."""

import json

import pytest

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.cli.main import main
from jamliquor_lite.cli.networks import open_pins
from jamliquor_lite.p2p.identity import Identity

ONE, TWO = Identity(b"\1" * 32), Identity(b"\2" * 32)


@pytest.fixture
def folder(tmp_path):
    pins = open_pins(str(tmp_path), Profile())
    pins.add(ONE.peer_id, True)
    pins.add(TWO.peer_id, False)
    pins.save()
    return str(tmp_path)


def test_pins_are_listed(folder, capsys):
    assert main(["peers", "list", "--data", folder]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{ONE.name}  hybrid, configured", f"{TWO.name}  hybrid"]
    assert main(["peers", "list", "--json", "--data", folder]) == 0
    assert [row["peer"] for row in json.loads(capsys.readouterr().out)] == [ONE.name, TWO.name]


def test_a_pin_is_let_go_once(folder, capsys):
    assert main(["peers", "unpin", ONE.name, "--data", folder]) == 0
    assert [peer for peer, _ in open_pins(folder, Profile()).peers()] == [TWO.peer_id]
    capsys.readouterr()
    assert main(["peers", "unpin", ONE.name, "--data", folder]) == 2
    assert "is not pinned" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["unpin"], ["unpin", "12D3"], ["unpin", "\x1b[2J"], ["forget"]])
def test_what_is_wrong_is_one_line(folder, words, capsys):
    assert main(["peers", *words, *(["--data", folder] if words[:1] == ["unpin"] else [])]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.isprintable() is False and "\x1b" not in error


def test_damaged_pins_are_a_failure_that_is_said(folder, capsys, tmp_path):
    for slot in tmp_path.glob("pins.*"):
        slot.write_bytes(b"JLS1 and nothing of sense behind it")
    assert main(["peers", "list", "--data", folder]) == 1
    assert "damaged" in capsys.readouterr().err


def test_nobody_is_pinned_at_first(tmp_path, capsys):
    assert main(["peers", "list", "--data", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "no peer is pinned\n"
