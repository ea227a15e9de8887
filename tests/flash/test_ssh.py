"""Installing over SSH: a real sshd, the real wheel of the checkout, a real virtual environment."""

import functools
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jamliquor_lite.cli import main
from jamliquor_lite.errors import LocalError
from jamliquor_lite.flash import ssh
from tests.support import ROOT

from .sshd import Sshd, install_sshd
from .support import progress, target

BUILD_S = 600


@pytest.fixture(scope="module")
def wheel() -> str:
    done = subprocess.run([sys.executable, str(Path(ROOT, "tools", "wheel.py"))], capture_output=True, text=True,
                          timeout=BUILD_S)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    install_sshd()
    with Sshd(tmp_path_factory.mktemp("sshd") / "board") as found:
        yield found


def way(board: Sshd, wheel: str, unit: str = "[Unit]\n", has_config: bool = False, **other: object) -> ssh.Ssh:
    files = ssh.Files(wheel, unit, "table inet t {}\n", '[node]\nboard = "visionfive2"\n', has_config)
    words = {"place": board.place, "identity": board.identity, "known_hosts": board.known_hosts, **other}
    return ssh.Ssh(target("visionfive2"), str(words["place"]), str(words["identity"]), files, "", True, False,
                   str(words["known_hosts"]))


def broken_wheel(wheel: str, folder: Path) -> str:
    """The first half of it, under its own name."""
    path = folder / Path(wheel).name
    data = Path(wheel).read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return str(path)


def test_installed_and_started(board: Sshd, wheel: str) -> None:
    flash = way(board, wheel)
    assert "Python 3." in flash.where and "MB free" in flash.where
    show, out = progress()
    flash.run(show)
    opt = board.path("/opt/jamliquor-lite")
    assert os.listdir(opt / "current" / "bin") and len(os.listdir(opt)) == 2
    said = subprocess.run([*board.command(), ssh.PROGRAM, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("jamliquor-lite ")
    assert board.log.read_text().split("\n")[-4:] == [
        "daemon-reload", "enable jamliquor-lite.service", "restart jamliquor-lite.service", ""]
    assert (board.root / "units" / "jamliquor-lite.service").read_text() == "[Unit]\n"
    assert (board.root / "etc" / "firewall.nft").read_text() == "table inet t {}\n"
    for name in ("etc/firewall.nft", "etc/node.toml", "units/jamliquor-lite.service"):
        assert stat.S_IMODE((board.root / name).stat().st_mode) == 0o644
    assert "starting the service" in out.text and "journalctl -fu jamliquor-lite" in out.text

    # The settings of its owner stay, unless others were named.
    (board.root / "etc" / "node.toml").write_text("of its owner\n")
    way(board, wheel).run(progress()[0])
    assert (board.root / "etc" / "node.toml").read_text() == "of its owner\n"
    way(board, wheel, has_config=True).run(progress()[0])
    assert (board.root / "etc" / "node.toml").read_text().startswith("[node]")
    assert os.listdir(board.root / "tmp") == []


@pytest.mark.long
def test_a_wheel_that_pip_does_not_take_leaves_what_runs(board: Sshd, wheel: str, tmp_path: Path) -> None:
    way(board, wheel).run(progress()[0])
    opt = board.path("/opt/jamliquor-lite")
    current = os.readlink(opt / "current")
    with pytest.raises(LocalError, match="pip: see above .*; what was installed before goes on running"):
        way(board, broken_wheel(wheel, tmp_path)).run(progress()[0])
    assert os.readlink(opt / "current") == current and sorted(os.listdir(opt)) == sorted([current, "current"])


@pytest.mark.long
def test_a_service_that_does_not_start_gives_way_to_the_one_before(
    board: Sshd, wheel: str, tmp_path: Path
) -> None:
    way(board, wheel).run(progress()[0])
    opt = board.path("/opt/jamliquor-lite")
    current = os.readlink(opt / "current")
    # Another wheel, by a byte behind its end.
    other = tmp_path / "other" / Path(wheel).name
    other.parent.mkdir()
    shutil.copy(wheel, other)
    with open(other, "ab") as file:
        file.write(b"\0")
    (board.root / "restart_status").write_text("1")
    try:
        with pytest.raises(LocalError, match="the service does not start: journalctl -u jamliquor-lite"):
            way(board, str(other)).run(progress()[0])
    finally:
        (board.root / "restart_status").unlink()
    assert os.readlink(opt / "current") == current and sorted(os.listdir(opt)) == sorted([current, "current"])


def test_the_host_key_is_unknown(board: Sshd, tmp_path: Path) -> None:
    empty = tmp_path / "known"
    empty.write_text("")
    with pytest.raises(LocalError, match="its host key is unknown: run `ssh .*` once, compare the fingerprint"):
        way(board, "a-1-py3-none-any.whl", known_hosts=empty)


def test_the_host_key_has_changed(board: Sshd, tmp_path: Path) -> None:
    other = tmp_path / "known"
    key = Path(board.identity + ".pub").read_text().split()[:2]
    other.write_text(f"[127.0.0.1]:{board.port} {' '.join(key)}\n")
    with pytest.raises(LocalError, match="its host key is not the one that is known"):
        way(board, "a-1-py3-none-any.whl", known_hosts=other)


def test_a_key_that_is_not_accepted(board: Sshd, tmp_path: Path) -> None:
    key = str(tmp_path / "key")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    with pytest.raises(LocalError, match="permission denied: your SSH key is not accepted there"):
        way(board, "a-1-py3-none-any.whl", identity=key)


def test_nobody_listens(board: Sshd) -> None:
    with pytest.raises(LocalError, match="host root@127.0.0.1:1: nobody listens for SSH there"):
        way(board, "a-1-py3-none-any.whl", place="root@127.0.0.1:1")


def test_no_space(tmp_path: Path) -> None:
    install_sshd()
    with Sshd(tmp_path / "board", room_mb=32) as board:
        with pytest.raises(LocalError, match="no space: 32 MB are free for /opt, 160 are needed"):
            way(board, "a-1-py3-none-any.whl")


@pytest.mark.parametrize(
    "place", ["", "-oProxyCommand=x", "pi@", "@host", "pi@ho st", "pi@host:0", "pi@host:99999", "pi@host;ls", "a@b@c"])
def test_what_is_no_place(place: str) -> None:
    """A word that ssh would take for an option never reaches it."""
    with pytest.raises(LocalError, match="USER@HOST or USER@HOST:PORT is needed") as caught:
        ssh.Client(place)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["a.txt", "a-1.whl", "a-1-py3-none-any.whl'; ls", "a b-1-py3-none-any.whl"])
def test_what_is_no_wheel(name: str) -> None:
    with pytest.raises(LocalError, match="this is no wheel"):
        ssh.version_of(name)


def test_by_the_command_line(
    board: Sshd, wheel: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The unit and the rules are those that `board unit` and `board firewall` make of the settings."""
    config = tmp_path / "node.toml"
    config.write_text('[network]\nlisten = ["/ip4/0.0.0.0/tcp/30334"]\nlisten_port = 0\n')
    words = ["flash", "visionfive2", "--host", board.place, "--image", wheel, "--config", str(config)]
    assert main.main([*words, "--dry-run"]) == 0
    said = capsys.readouterr()
    assert "systemd unit, firewall rules and settings" in said.out and "nothing was touched" in said.out
    monkeypatch.setattr(ssh, "Ssh", functools.partial(ssh.Ssh, known_hosts=board.known_hosts))
    assert main.main([*words, "--identity", board.identity, "--yes"]) == 0, capsys.readouterr().err
    assert "installed; it runs as jamliquor-lite.service" in capsys.readouterr().out
    unit = (board.root / "units" / "jamliquor-lite.service").read_text()
    assert f"\nExecStart={ssh.PROGRAM} run --board visionfive2 --config {ssh.CONFIG}\n" in unit
    assert f"\nExecStartPre=+/usr/sbin/nft -f {ssh.FIREWALL}\n" in unit and "MemoryMax=" in unit
    assert "tcp dport 30334" in (board.root / "etc" / "firewall.nft").read_text().replace("{ 30334 }", "30334")
    assert (board.root / "etc" / "node.toml").read_bytes() == config.read_bytes()
    assert main.main([*words, "--identity", str(tmp_path / "none"), "--yes"]) == 2
    assert "--identity" in capsys.readouterr().err
    assert main.main([*words, "--yes", "--method", "image"]) == 2
    assert "--host is for installing over SSH, not for image" in capsys.readouterr().err


