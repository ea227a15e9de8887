"""A node on a read-only root file system: it writes into its state folder, and into nothing else."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jamliquor_lite.cli.main import main
from tests.devnet.process import Devnet

# What the unit file's sandbox does too: all read-only but the state folder, and a /tmp of its own (unless what is to
# run lies in there).
INSIDE = """\
set -e
state=$1
shift
mount --make-rprivate /
mount --bind "$state" "$state"
mount -o remount,bind,ro /
case $1 in /tmp/*) ;; *) mount -t tmpfs none /tmp || true ;; esac
exec "$@"
"""


@pytest.fixture
def state() -> "Iterator[Path]":
    """A folder that is not below /tmp, which the node has for itself."""
    folder = Path("/var/tmp") / f"jamliquor-read-only-{os.getpid()}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def test_nothing_but_the_state_folder_is_written(state: Path, tmp_path: Path) -> None:
    inside = ["unshare", "--mount", "sh", "-c", INSIDE, "sh", str(state)]
    tried = subprocess.run([*inside, "sh", "-c", "touch /var/tmp/written"], capture_output=True, text=True, check=False)
    if os.geteuid() or "unshare" in tried.stderr or "mount:" in tried.stderr:
        pytest.skip(f"a mount namespace is needed, and root: {tried.stderr.strip()}")
    assert "Read-only file system" in tried.stderr
    with Devnet(state, slot_ms=400, blocks=20) as devnet:
        words = [sys.executable, "-m", "jamliquor_lite.cli.main", "run", "--chain", str(state / "chainspec.json")]
        words += ["--peer", devnet.peer, "--data", str(state / "data"), "--json"]
        environment = {**os.environ, "XDG_CACHE_HOME": str(state / "data" / "cache"), "HOME": "/nonexistent"}
        node = subprocess.Popen([*inside, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=environment)
        assert node.stdout is not None
        for line in node.stdout:
            event = json.loads(line)
            if event.get("event") == "best" and event["slot"] > 20:
                node.terminate()
                break
        rest, complaint = node.communicate(timeout=60)
    assert node.returncode == 0, complaint
    assert json.loads(rest.splitlines()[-1])["headers_checked"] >= 15
    written = {path.name for path in (state / "data").iterdir()}
    assert "node.key" in written and any((state / "data" / name).is_dir() for name in written), written


def test_the_unit_names_no_other_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["board", "unit", "raspberry-pi-zero-2w", "--program", "/bin/sh"]) == 0
    text = capsys.readouterr().out
    assert re.findall(r"^(\w*Directory)=", text, re.MULTILINE) == ["StateDirectory"]
    assert set(re.findall(r"=(/var\S*)", text)) == {"/var/lib/jamliquor-lite", "/var/lib/jamliquor-lite/cache"}
    assert "ProtectSystem=strict" in text and "PrivateTmp=yes" in text
