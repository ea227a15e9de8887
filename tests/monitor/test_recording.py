"""Recordings: what is kept, byte for byte, and what is said of those that are none."""

import io
import shutil
from pathlib import Path

import cbor2
import pytest

from jamliquor_lite.cli.main import main
from jamliquor_lite.console import messages
from jamliquor_lite.errors import LocalError
from jamliquor_lite.monitor import recording
from jamliquor_lite.monitor.faults import Faults
from jamliquor_lite.monitor.recording import Reader, Writer
from jamliquor_lite.monitor.session import Replay

ROWS = [(recording.NOTE, "connected"), (recording.FRAME, b"\x83\x03\x07\x00"), (recording.TEXT, "a line \u2192"),
        (recording.SENT, b"\x83\x00\x07\x65peers"), (recording.TYPED, "help")]


def make(path: Path) -> Path:
    writer = Writer(str(path), "/dev/ttyX")
    for kind, what in ROWS:
        writer.put(kind, what)
    writer.close()
    return path


def test_what_was_kept_is_read_again(tmp_path: Path) -> None:
    reader = Reader(str(make(tmp_path / "a.rec")))
    assert [(kind, what) for _, kind, what in reader.records()] == ROWS
    assert (reader.source, reader.fault, reader.count) == ("/dev/ttyX", "", 5)
    assert reader.names == list(messages.fields()) and reader.start > 1_600_000_000_000


def test_any_cbor_library_reads_it(tmp_path: Path) -> None:
    data = make(tmp_path / "a.rec").read_bytes()
    assert data[0] == 0x59 and len(data) > 4
    stream, items = io.BytesIO(data), []
    while stream.tell() < len(data):
        items.append(cbor2.loads(cbor2.load(stream)))
    assert items[0][:2] == ["jamliquor-lite monitor", 1]
    assert [item[1:] for item in items if isinstance(item[1], int) and item[1] != 5 and len(item) == 3] == [
        list(row) for row in ROWS]


def test_every_cut_is_seen_and_what_is_before_it_read(tmp_path: Path) -> None:
    data = make(tmp_path / "a.rec").read_bytes()
    cut = tmp_path / "cut.rec"
    for less in range(1, 40):
        cut.write_bytes(data[:-less])
        reader = Reader(str(cut))
        rows = [(kind, what) for _, kind, what in reader.records()]
        assert rows == ROWS[: len(rows)] and len(rows) < 5
        # An end between two records cannot be told from one that was meant.
        assert "cut short in the record at byte" in reader.fault or len(data) - less in ends(data)


def test_damage_within_a_frame_does_not_end_a_replay(tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    writer = Writer(str(path), "x")
    for body in (b"", b"\xff", b"\x80", b"\x81\x00", b"\x83\x01\x02\x03", b"\x84\x00\x80\x80\x80", b"\x82\x02\x80"):
        writer.put(recording.FRAME, body)
        writer.put(recording.SENT, body)
    writer.put(recording.TEXT, "the end")
    writer.close()
    replay = Replay(str(path), Faults(), 0)
    replay.begin(0)
    while not replay.is_over:
        list(replay.poll(0))
    assert replay.model.lines[-1].text == "the end" and not replay.fault


def ends(data: bytes) -> "set[int]":
    found, at = set(), 0
    while at < len(data):
        at += 3 + int.from_bytes(data[at + 1 : at + 3], "big")
        found.add(at)
    return found


def test_no_damage_is_a_traceback(tmp_path: Path) -> None:
    data = make(tmp_path / "a.rec").read_bytes()
    bad = tmp_path / "bad.rec"
    for at in (*range(60), *range(60, len(data), 29), *range(len(data) - 60, len(data))):
        for bit in (0x01, 0x80):
            bad.write_bytes(data[:at] + bytes((data[at] ^ bit,)) + data[at + 1 :])
            try:
                list(Reader(str(bad)).records())
            except LocalError as error:
                assert error.exit_code == 2


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "this is no recording"), (b"\x7fELF", "this is no recording"), (b"Y" * 100, "this is no recording"),
        (None, "No such file"),
    ],
)
def test_what_is_no_recording(
    tmp_path: Path, data: "bytes | None", said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x"
    if data is not None:
        path.write_bytes(data)
    assert main(["monitor", "--replay", str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_another_version(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = make(tmp_path / "a.rec")
    data = path.read_bytes()
    at = data.index(recording.MAGIC.encode()) + len(recording.MAGIC)
    path.write_bytes(data[:at] + b"\x02" + data[at + 1 :])
    assert main(["monitor", "--replay", str(path)]) == 2
    assert "a recording of version 2; this program reads version 1" in capsys.readouterr().err


def test_a_recording_cut_short_is_played_and_the_status_is_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make(tmp_path / "a.rec")
    path.write_bytes(path.read_bytes()[:-2])
    assert main(["monitor", "--replay", str(path), "--speed", "0"]) == 1
    out, err = capsys.readouterr()
    assert "a line \u2192" in out and "cut short" in err and len(err.splitlines()) == 1


def test_only_a_recording_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "thesis.txt"
    path.write_text("do not lose this")
    with pytest.raises(LocalError, match="no recording of ours"):
        Writer(str(path), "x")
    assert path.read_text() == "do not lose this"
    Writer(str(make(tmp_path / "a.rec")), "x").close()
    with pytest.raises(LocalError, match="No such file"):
        Writer(str(tmp_path / "none" / "a.rec"), "x")


def test_a_disk_that_is_full_is_one_line() -> None:
    if not Path("/dev/full").exists() or not shutil.which("true"):
        pytest.skip("no /dev/full here")
    writer = Writer("/dev/full", "x")
    with pytest.raises(LocalError, match="No space left"):
        writer.close()
