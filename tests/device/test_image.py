"""`tools/firmware image`: the disk that it makes is one that a board follows a chain from."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jamliquor_lite.chain.chainspec import ChainSpec
from jamliquor_lite.chain.trust import Trust
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.devnet import chainspec
from jamliquor_lite.devnet.author import DevChain
from tests.device.emulated import Emulated
from tests.devnet.process import Devnet

ROOT = Path(__file__).resolve().parents[2]
PEER = "/ip4/10.0.2.2/tcp/4001/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"


def image(*words: "str | Path") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "tools" / "firmware"), "image", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_board_starts_from_it_and_follows(small: str, tmp_path: Path) -> None:
    with Devnet(tmp_path, slot_ms=500) as devnet:
        peer = devnet.peer.replace("127.0.0.1", "10.0.2.2")
        done = image(small, "--chain", tmp_path / "chainspec.json", "--peer", peer, "--out", tmp_path / "disk")
        assert done.returncode == 0, done.stderr
        assert done.stderr.startswith(f"firmware: {tmp_path / 'disk'} starts {small} at the genesis of ")
        with Emulated(small, tmp_path) as board:
            board.expect("following .* from slot 0 as 12D3KooW")
            board.expect("connected, hybrid")


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A chainspec file of six validators."""
    path = tmp_path / "spec.json"
    chainspec.write(str(path), DevChain(TINY), [], True)
    return path


def test_what_a_chainspec_has_built_in_is_where_a_board_starts(tmp_path: Path, spec: Path) -> None:
    point = ChainSpec.read(str(spec)).checkpoint()
    point.slot, point.header_hash = 24, b"\x17" * 32
    root = json.loads(spec.read_text())
    for text, start in ((point.encode().hex(), "slot 24"), (Trust.of(point).text(), "the genesis")):
        root["jamliquor"]["checkpoint"] = text  # a board cannot ask for the state that a string leaves to be proved
        spec.write_text(json.dumps(root))
        done = image("qemu-virt-rv32-264k", "--chain", spec, "--peer", PEER, "--out", tmp_path / "disk")
        assert done.returncode == 0 and f" at {start} of " in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("peer", "status", "line"),
    [
        (PEER, 0, ""),
        ("/ip4/10.0.2.2/tcp/4001", 2, "peer"),
        ("nonsense", 2, "peer"),
    ],
)
def test_what_is_asked_for_is_checked(tmp_path: Path, spec: Path, peer: str, status: int, line: str) -> None:
    done = image("qemu-virt-rv32-264k", "--chain", spec, "--peer", peer, "--out", tmp_path / "disk")
    assert done.returncode == status, done.stderr
    assert line in done.stderr and done.stderr.count("\n") == 1


def test_missing_files_are_one_line(tmp_path: Path, spec: Path) -> None:
    for words in (
        ("--chain", tmp_path / "none", "--out", tmp_path / "disk"),
        ("--chain", spec, "--out", tmp_path / "no folder" / "disk"),
        ("--chain", ROOT / "README.md", "--out", tmp_path / "disk"),
    ):
        done = image("qemu-virt-rv32-264k", "--peer", PEER, *words)
        assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1, done.stderr
