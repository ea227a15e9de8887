"""A journal's segments in files: what an append leaves, modes, links, what is synced, and errors of the machine."""

import errno
import os
import stat
from pathlib import Path

import pytest

from jamliquor_lite.errors import LocalError
from jamliquor_lite.ports.cpython.segments import SegmentFile


def test_an_append_goes_where_it_is_told_and_drops_what_lay_behind(tmp_path: Path) -> None:
    segments = SegmentFile(str(tmp_path / "journal"))
    assert segments.read(0) is None
    segments.write(0, 0, [b"abc", bytearray(b"def"), memoryview(b"ghi")])
    segments.write(0, 6, [b"XY"])
    assert segments.read(0) == b"abcdefXY" and segments.read(1) is None
    segments.write(1, 0, [])
    assert segments.read(1) == b""
    assert segments.name(1) == str(tmp_path / "journal.1")
    assert stat.S_IMODE((tmp_path / "journal.0").stat().st_mode) == 0o600


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"precious")
    (tmp_path / "journal.0").symlink_to(other)
    with pytest.raises(LocalError, match="symbolic link") as caught:
        SegmentFile(str(tmp_path / "journal")).write(0, 0, [b"x"])
    assert caught.value.exit_code == 2 and other.read_bytes() == b"precious"


def test_an_append_syncs_the_file_and_a_new_beginning_the_folder_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(os.readlink("/proc/self/fd/%d" % handle))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    segments = SegmentFile(str(tmp_path / "journal"))
    segments.write(1, 0, [b"x"])
    segments.write(1, 1, [b"y"])
    assert synced == [str(tmp_path / "journal.1"), str(tmp_path), str(tmp_path / "journal.1")]


@pytest.mark.parametrize(("number", "words", "exit_code"), [
    (errno.EACCES, "permission denied", 2), (errno.EROFS, "read-only", 2), (errno.ENOSPC, "no space left", 1),
    (errno.EIO, "Input/output error", 1)])
@pytest.mark.parametrize("call", ["open", "ftruncate", "write", "fsync"])
def test_errors_of_the_machine_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, words: str, exit_code: int
) -> None:
    segments = SegmentFile(str(tmp_path / "journal"))
    segments.write(0, 0, [b"before"])

    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(LocalError, match=words) as caught:
        segments.write(0, 6, [b"x"])
    monkeypatch.undo()
    assert caught.value.exit_code == exit_code
    assert "journal.0" in str(caught.value) and "\n" not in str(caught.value)
    segments.write(0, 6, [b"after"])
    assert segments.read(0) == b"beforeafter"
