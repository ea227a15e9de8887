"""The key file, and what `keygen` and `id` say of it."""

import json
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jamliquor_lite.cli import keyfile
from jamliquor_lite.cli.addresses import parse_jam
from jamliquor_lite.cli.main import main
from jamliquor_lite.errors import LocalError
from jamliquor_lite.p2p.keys import parse_peer_name, peer_id
from tests.p2p import vectors


def test_keygen_then_id(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new" / "node.key"
    assert main(["keygen", "--file", str(path), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert main(["id", "--file", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == made
    public = Ed25519PrivateKey.from_private_bytes(path.read_bytes()).public_key().public_bytes_raw()
    assert made["ed25519"] == public.hex()
    assert parse_peer_name(made["peer_id"]) == b"\x00\x24\x08\x01\x12\x20" + public
    assert parse_jam(made["name"] + "@127.0.0.1:1").name == made["name"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == ["node.key"]


def test_the_seed_is_never_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "node.key"
    main(["keygen", "--file", str(path)])
    main(["id", "--file", str(path)])
    out, err = capsys.readouterr()
    assert path.read_bytes().hex() not in out + err
    assert out.count("name     e") == 2
    assert out.count("peer id  12D3KooW") == 2


def test_the_published_key_has_its_peer_id(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "node.key"
    path.write_bytes(vectors.ED25519_SEED)
    path.chmod(0o600)
    assert main(["id", "--file", str(path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["ed25519"] == vectors.ED25519_KEY[4:].hex()
    assert parse_peer_name(said["peer_id"]) == peer_id(vectors.ED25519_KEY)
    path.chmod(0o640)
    assert main(["id", "--file", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert f"mode 0640 lets others at the key; allowed is 0600: chmod 600 {path}" in err


def test_the_default_place_is_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JAMLIQUOR_DATA", str(tmp_path / "data"))
    assert main(["keygen"]) == 0
    assert (tmp_path / "data" / "node.key").stat().st_size == 32


def test_a_key_is_replaced_only_on_demand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "node.key"
    first = keyfile.create(str(path))
    assert main(["keygen", "--file", str(path)]) == 2
    assert "exists already; --force replaces it" in capsys.readouterr().err
    assert path.read_bytes() == first
    assert main(["keygen", "--file", str(path), "--force"]) == 0
    assert path.read_bytes() != first and os.listdir(tmp_path) == ["node.key"]


def test_the_first_run_makes_a_key_and_the_next_one_keeps_it(tmp_path: Path) -> None:
    path = str(tmp_path / "node.key")
    assert keyfile.load_or_create(path) == keyfile.load_or_create(path)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o700 | 0o001])
def test_a_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "node.key"
    keyfile.create(str(path))
    path.chmod(mode)
    with pytest.raises(LocalError, match=f"mode {mode:04o} lets others at the key; allowed is 0600") as caught:
        keyfile.load(str(path))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_key_of_another_size_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "node.key"
    path.write_bytes(bytes(size))
    path.chmod(0o600)
    with pytest.raises(LocalError, match=f"{size} bytes; a key file has exactly 32") as caught:
        keyfile.load(str(path))
    assert caught.value.exit_code == 2


def test_what_is_no_file_is_no_key(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(LocalError, match="not a regular file"):
        keyfile.load(str(tmp_path / "pipe"))
    with pytest.raises(LocalError, match="not a regular file"):
        keyfile.load(str(tmp_path))


def test_a_missing_key_says_how_to_make_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "node.key"
    assert main(["id", "--file", str(path)]) == 2
    assert f"keygen --file {path}" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalError, match="cannot write the key file|exists already"):
        keyfile.create(str(tmp_path / "file" / "node.key"))
