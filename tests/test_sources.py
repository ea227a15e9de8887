"""`tools/sources.py`: what it fetches how, what it believes, and what it says where it cannot."""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tools import sources
from tools.building import ToolError
from tools.sources import Source

TOOL = Path(sources.__file__)


def archive(files: "dict[str, bytes]") -> bytes:
    """A gzipped tar of these files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as packed:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            packed.addfile(member, io.BytesIO(text))
    return out.getvalue()


PACKED = archive({"thing-1/a.c": b"int a;\n", "thing-1/sub/b.c": b"int b;\n", "other/c.c": b"int c;\n"})


class Registry:
    """A `fetch` that hands out what it is told to, and counts."""

    def __init__(self, gives: "bytes | str") -> None:
        self.gives = gives
        self.asked = 0

    def __call__(self, source: Source, folder: Path) -> str:
        self.asked += 1
        if isinstance(self.gives, str):
            return self.gives
        (folder / source.archive).write_bytes(self.gives)
        return ""


def listed(monkeypatch: pytest.MonkeyPatch, registry: Registry, **changes: object) -> Source:
    """The only source that there is: `thing`, from that registry."""
    digest = hashlib.sha256(PACKED).hexdigest()
    source = Source("thing", "1", "thing-1.tar.gz", digest, registry, "thing", "thing-1")._replace(**changes)
    monkeypatch.setattr(sources, "SOURCES", {"thing": source})
    return source


def test_fetched_once_and_unpacked_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    registry = Registry(PACKED)
    listed(monkeypatch, registry)
    tree = sources.need("thing", tmp_path)
    assert (tree / "a.c").read_bytes() == b"int a;\n" and (tree / "sub" / "b.c").exists()
    assert not list(tmp_path.rglob("c.c")) and not list(tmp_path.glob("building-*"))
    assert sources.need("thing", tmp_path) == tree and registry.asked == 1


def test_another_archive_is_not_believed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    listed(monkeypatch, Registry(archive({"thing-1/a.c": b"evil\n"})))
    with pytest.raises(ToolError, match="another sha256.*--source FILE") as caught:
        sources.need("thing", tmp_path)
    assert caught.value.status == 1 and not list(tmp_path.rglob("a.c"))


def test_a_spoiled_archive_in_the_cache_is_fetched_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    registry = Registry(PACKED)
    source = listed(monkeypatch, registry)
    (tmp_path / source.archive).write_bytes(PACKED[:-1])
    assert (sources.need("thing", tmp_path) / "a.c").exists() and registry.asked == 1


def test_what_fails_leaves_nothing_and_is_tried_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fails(folder: Path, log: Path) -> None:
        raise ToolError("the build of it fails", 1)

    source = listed(monkeypatch, Registry(PACKED), finish=fails)
    with pytest.raises(ToolError, match="the build of it fails"):
        sources.need("thing", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sources.lock", source.archive]
    finished: "list[str]" = []
    source = source._replace(finish=lambda folder, log: finished.append(folder.name))
    monkeypatch.setitem(sources.SOURCES, "thing", source)
    assert (sources.need("thing", tmp_path) / "a.c").exists() and finished == ["thing-1"]


@pytest.mark.parametrize("said, status", [("no npm here", 2), ("E404 not found", 1)])
def test_why_not_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, status: int) -> None:
    listed(monkeypatch, Registry(said))
    with pytest.raises(ToolError) as caught:
        sources.need("thing", tmp_path)
    text = str(caught.value)
    assert text.startswith(f"cannot fetch the sources of thing ({said}): get thing-1.tar.gz (sha256 ")
    assert caught.value.status == status and "\n" not in text


def test_an_archive_brought_by_hand_is_known_by_its_hash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    registry = Registry("no registry here")
    listed(monkeypatch, registry)
    cache = tmp_path / "cache"
    cache.mkdir()
    (tmp_path / "any name").write_bytes(PACKED)
    sources.take(tmp_path / "any name", cache)
    assert (sources.need("thing", cache) / "a.c").exists() and registry.asked == 0
    (tmp_path / "any name").write_bytes(b"another")
    for file, text in ((tmp_path / "any name", "is none of thing-1.tar.gz"), (tmp_path / "nowhere", "cannot read")):
        with pytest.raises(ToolError, match=text) as caught:
            sources.take(file, cache)
        assert caught.value.status == 2


def run(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(TOOL), *words]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120)


def test_wrong_words() -> None:
    done = run("nothing")
    there = "there are micropython, lwip, monocypher, pqclean, pico-sdk, picotool, tinyusb, mbedtls, rp2040js"
    assert (done.returncode, done.stderr) == (2, f"sources: no sources are called nothing; {there}\n")


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("lwip", XDG_CACHE_HOME=str(tmp_path / "file"))
    assert done.returncode == 2 and done.stderr.startswith("sources: cannot write in the cache folder")
    assert done.stderr.count("\n") == 1


def test_pip_runs_nothing_of_what_it_fetches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # A package whose build system would leave a mark; from a folder, so that no registry is asked.
    mark = tmp_path / "it ran"
    setup = f"open({str(mark)!r}, 'w').close()\nfrom setuptools import setup\nsetup()\n"
    files = {
        "quiet_thing-1.0/setup.py": setup.encode(),
        "quiet_thing-1.0/PKG-INFO": b"Metadata-Version: 2.1\nName: quiet-thing\nVersion: 1.0\n",
        "quiet_thing-1.0/pyproject.toml": b'[build-system]\nrequires = ["setuptools", "nothing-that-there-is"]\n',
        "quiet_thing-1.0/c.c": b"int c;\n",
    }
    packed = archive(files)
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "quiet_thing-1.0.tar.gz").write_bytes(packed)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "registry"))
    digest = hashlib.sha256(packed).hexdigest()
    inside = "quiet_thing-1.0"
    source = Source("quiet", "1.0", inside + ".tar.gz", digest, sources.from_pip, "quiet-thing", inside)
    monkeypatch.setattr(sources, "SOURCES", {"quiet": source})
    assert (sources.need("quiet", tmp_path) / "c.c").exists()
    assert not mark.exists()
    monkeypatch.setattr(sources, "SOURCES", {"quiet": source._replace(sha256="0" * 64)})
    with pytest.raises(ToolError, match="cannot fetch the sources of quiet") as caught:
        sources.need("quiet", tmp_path)
    assert caught.value.status == 1


def test_npm_is_asked_for_one_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "packed").write_bytes(PACKED)
    fake = tmp_path / "npm"
    fake.write_text(
        '#!/bin/sh\n[ "$1 $2 $3 $4" = "pack thing@1 --json --pack-destination" ] || exit 1\n'
        f'cp {tmp_path}/packed "$5/thing-1.tgz"\necho \'[{{"filename": "thing-1.tgz"}}]\'\n'
    )
    fake.chmod(0o755)
    monkeypatch.setattr(sources, "npm_command", lambda: [str(fake)])
    listed(monkeypatch, Registry(""), fetch=sources.from_npm)
    assert (sources.need("thing", tmp_path) / "a.c").exists()
    monkeypatch.setattr(sources, "npm_command", lambda: None)
    listed(monkeypatch, Registry(""), fetch=sources.from_npm, version="2")
    (tmp_path / "thing-1.tar.gz").unlink()
    with pytest.raises(ToolError, match="no npm here") as caught:
        sources.need("thing", tmp_path)
    assert caught.value.status == 2


def test_rows_name_what_they_hold() -> None:
    for name, source in sources.SOURCES.items():
        assert name == source.name and len(source.sha256) == 64 and source.version in source.archive
        assert "://" not in " ".join(map(str, source))  # whoever runs it says from where


def test_the_files_of_a_debian_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An ar archive: members of any length, padded to an even one; files are named from "./" on."""
    files = archive({"./usr/src/thing/a.c": b"int a;\n", "./usr/share/b": b"b"})
    package = b"!<arch>\n"
    for name, data in (("debian-binary", b"2.0"), ("control.tar.gz", b"c" * 7), ("data.tar.gz", files)):
        package += f"{name:16}{0:<12}{0:<6}{0:<6}{'100644':8}{len(data):<10}`\n".encode()
        package += data + b"\n" * (len(data) % 2)
    digest = hashlib.sha256(package).hexdigest()
    listed(monkeypatch, Registry(package), archive="thing_1_all.deb", sha256=digest, inside="usr/src/thing")
    tree = sources.need("thing", tmp_path)
    assert [path.name for path in tree.rglob("*")] == ["a.c"]
