"""What only CPython's slot files promise: modes, links, and errors of a whole operating system."""

import errno
import os
import stat
from pathlib import Path

import pytest

from jamliquor_lite.errors import LocalError
from jamliquor_lite.ports.cpython import store


def test_files_are_their_owners_only(tmp_path: Path) -> None:
    store.SlotFile(str(tmp_path / "checkpoint")).write(0, b"", b"x")
    assert stat.S_IMODE((tmp_path / "checkpoint.0").stat().st_mode) == 0o600


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"precious")
    (tmp_path / "checkpoint.0").symlink_to(other)
    with pytest.raises(LocalError, match="symbolic link") as caught:
        store.SlotFile(str(tmp_path / "checkpoint")).write(0, b"", b"x")
    assert caught.value.exit_code == 2
    assert other.read_bytes() == b"precious"


def test_the_file_and_then_its_folder_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(os.readlink("/proc/self/fd/%d" % handle))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    store.SlotFile(str(tmp_path / "checkpoint")).write(1, b"", b"x")
    assert synced == [str(tmp_path / "checkpoint.1"), str(tmp_path)]


@pytest.mark.parametrize(
    ("number", "words", "exit_code"),
    [
        (errno.EACCES, "permission denied", 2),
        (errno.EROFS, "read-only", 2),
        (errno.ENOSPC, "no space left", 1),
        (errno.EIO, "Input/output error", 1),
    ],
)
def test_errors_of_the_machine_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int,
                                            words: str, exit_code: int) -> None:
    def write(handle: int, data: memoryview) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(LocalError, match=words) as caught:
        store.SlotFile(str(tmp_path / "checkpoint")).write(0, b"", b"x")
    assert caught.value.exit_code == exit_code
    assert "checkpoint.0" in str(caught.value) and "\n" not in str(caught.value)


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:3]))
    slots = store.SlotFile(str(tmp_path / "checkpoint"))
    slots.write(0, b"012", b"3456789")
    monkeypatch.undo()
    assert slots.read(0) == b"0123456789"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(LocalError, match="permission denied") as caught:
            store.SlotFile(str(tmp_path / "checkpoint")).write(0, b"", b"x")
    finally:
        tmp_path.chmod(0o700)
    assert caught.value.exit_code == 2
