"""Installing Debian's packages, with a stand-in for apt-get: two at once wait for each other, others are outlasted."""

import os
import threading
from pathlib import Path

import pytest

from tools import building

# As apt does, it fails while another one has the lists; and so many first times.
APT_GET = """#!/bin/sh
echo "$*" >>"$FAKE/log"
case "$*" in
*update)
    if ! mkdir "$FAKE/lists"; then echo "E: Could not get lock"; exit 100; fi
    sleep 0.3
    rmdir "$FAKE/lists"
    if rmdir "$FAKE/fail$(ls "$FAKE" | grep -c fail)"; then exit 100; fi
    ;;
esac
exit 0
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that has apt-get, its log, and a folder `failN` for each time that its update fails."""
    (tmp_path / "apt-get").write_text(APT_GET)
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("FAKE", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(building, "UPDATE_AGAIN_S", 0)
    return tmp_path


def said(fake: Path) -> "list[str]":
    return [line.split()[2] for line in (fake / "log").read_text().splitlines()]


def test_two_that_install_at_once_wait_for_each_other(fake: Path) -> None:
    threads = [threading.Thread(target=building.install, args=([name], "a test")) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said(fake) == ["update", "install"] * 2


def test_an_update_that_fails_is_tried_again_and_not_for_ever(fake: Path) -> None:
    for number in range(1, building.UPDATES):
        (fake / f"fail{number}").mkdir()
    building.install(["one"], "a test")
    assert said(fake) == ["update"] * building.UPDATES + ["install"]
    for number in range(1, building.UPDATES + 1):
        (fake / f"fail{number}").mkdir()
    with pytest.raises(building.ToolError, match="apt-get update failed"):
        building.install(["one"], "a test")
    assert said(fake)[building.UPDATES + 1 :] == ["update"] * building.UPDATES
