"""`config check` as a person and as a program see it."""

import json
from pathlib import Path

import pytest

from jamliquor_lite.cli.knobs import KNOBS
from jamliquor_lite.cli.main import main

from .test_settings import EXAMPLE


def test_values_and_their_origin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "node.toml"
    path.write_text(EXAMPLE)
    assert main(["config", "check", str(path), "--max-peers", "51"]) == 0
    out, err = capsys.readouterr()
    values, _, memory = out.partition("\n\n")
    lines = {line.split()[0]: line for line in values.splitlines()}
    assert list(lines) == [knob.name for knob in KNOBS]
    assert lines["network.listen_port"].split()[1:] == ["30333", f"({path})"]
    assert lines["network.max_peers"].split()[1:] == ["51", "(--max-peers)"]
    assert lines["node.chain"].split()[1:] == ["dev", "(default)"]
    assert len(err.splitlines()) == 2
    assert all(line.startswith("jamliquor-lite: warning: ") for line in err.splitlines())


def test_every_mistake_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "node.toml"
    path.write_text("[network]\nlisten_prot = 1\nmax_peers = 0\n")
    assert main(["config", "check", str(path), "--listen-port", "x"]) == 2
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 3 and all(line.startswith("jamliquor-lite: ") for line in err)


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "node.toml"
    path.write_text(EXAMPLE)
    assert main(["config", "check", "--json", str(path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["values"]["network.max_peers"] == {"value": 50, "from": str(path)}
    assert set(found["values"]) == {knob.name for knob in KNOBS}
    assert len(found["warnings"]) == 2 and found["errors"] == []


def test_json_of_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", "--json", "--max-peers", "0"]) == 2
    out, err = capsys.readouterr()
    assert len(json.loads(out)["errors"]) == 1 and err == ""


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["config"], "say what to do: `jamliquor-lite config check [FILE]`"),
        (["config", "chekc"], "invalid choice: 'chekc'"),
        (["config", "check", "a", "b"], "unrecognized arguments: b"),
    ],
)
def test_wrong_arguments(capsys: pytest.CaptureFixture[str], words: list[str], line: str) -> None:
    assert main(words) == 2
    err = capsys.readouterr().err
    assert line in err and err.count("\n") == 1


def test_the_sum_of_memory_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", "--board", "raspberry-pi-zero-2w", "--gateway"]) == 0
    table = capsys.readouterr().out.partition("\n\n")[2].splitlines()
    assert table[0] == "memory that may be in use at the same time, in bytes:"
    rows = [(int(line.split()[0]), line.split(None, 1)[1]) for line in table[1:]]
    parts, (code, (whole, _), (allowed, said)) = rows[:-3], rows[-3:]
    assert code == (48 << 20, "the interpreter and the code") and said == "are allowed (memory_bytes)"
    assert whole == sum(size for size, _ in parts) + code[0] <= allowed == 128 << 20
    assert [size for size, _ in parts] == sorted((size for size, _ in parts), reverse=True)
    assert (12 * (65_537 + 400), "frames, 12 x 65937") in parts


def test_without_a_board_nobody_said_how_much(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("nobody said how much is allowed: name a --board")
    assert main(["config", "check", "--json", "--memory-mb", "100"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["errors"] and {"what": "frames", "count": 48, "bytes": 65_937} in found["memory"]
