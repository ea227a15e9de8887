"""What images of Linux boards are made of: the lock file, the order of modules, and what is said of a wrong board."""

import subprocess
import sys
from pathlib import Path

import pytest

from jamliquor_lite.ports.cpython import crypto_c
from tools import linux_image, linux_packages, wheel
from tools.building import ToolError
from tools.linux_packages import INTERPRETER, Package

ROOT = Path(__file__).resolve().parents[2]


def test_the_lock_has_all_for_every_board():
    rows = linux_packages.locked()
    for arch in linux_image.ARCHS.values():
        chosen = linux_packages.of(rows, arch, linux_packages.wanted(arch))
        assert [row.arch for row in chosen] == [arch] * len(chosen)
        assert all(len(row.sha256) == 64 and row.path.startswith("pool/main/") for row in chosen)
        assert chosen[-1].name.startswith("linux-image-6."), "the kernel of a release, not the meta package"
    assert linux_packages.of(rows, "amd64", INTERPRETER)


def test_a_lock_line_that_is_cut_is_named(tmp_path, monkeypatch):
    broken = tmp_path / "linux.lock"
    broken.write_text("# head\n\nriscv64 libc6 2.41\n")
    monkeypatch.setattr(linux_packages, "LOCK", broken)
    with pytest.raises(ToolError, match="^linux.lock line 3: 5 words are needed$"):
        linux_packages.locked()


def test_a_package_that_the_mirrors_dropped_is_taken_as_it_is_today(tmp_path, monkeypatch, capsys):
    old = Package("riscv64", "libc6", "1", "0" * 64, "pool/main/old.deb")
    kernel = Package("riscv64", "linux-image-6.1-riscv64", "1", "1" * 64, "pool/main/k1.deb")
    kept = Package("riscv64", "zlib1g", "1", "2" * 64, "pool/main/z.deb")
    new = old._replace(version="2", sha256="3" * 64)
    newer = Package("riscv64", "linux-image-6.2-riscv64", "2", "4" * 64, "pool/main/k2.deb")
    there = {kept, new, newer}
    monkeypatch.setattr(linux_packages, "_download", lambda row, folder: row in there)
    monkeypatch.setattr(linux_packages, "resolve", lambda arch, work: [new, newer])
    assert linux_packages.fetch([old, kept, kernel], tmp_path) == [new, kept, newer]
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and "linux-image-6.2-riscv64 2 is taken" in said[1]
    there.remove(new)
    with pytest.raises(ToolError, match="no mirror that apt is set up for has pool/main/old.deb"):
        linux_packages.fetch([old], tmp_path)


def test_modules_load_after_those_that_they_need(tmp_path):
    for name, needs in (("net", "core,fail-over"), ("core", ""), ("fail_over", "core"), ("other", "")):
        (tmp_path / f"{name}.ko").write_bytes(b"\x7fELF..\0license=GPL\0depends=" + needs.encode() + b"\0name=x\0")
    assert [name for name, _ in linux_image.modules(tmp_path, ["net", "built-in"])] == ["core", "fail_over", "net"]


@pytest.mark.parametrize(
    "words, said",
    [
        (["image", "nowhere"], "no board is called 'nowhere'"),
        (["image", "pico2"], "pico2 is a microcontroller"),
        (["image", "visionfive2"], "visionfive2 is no board that QEMU makes"),
        (["disk", "--chain", "/nowhere.json", "--peer", "x", "--out", "disk"], "/nowhere.json: No such file"),
    ],
)
def test_what_cannot_be_made_is_one_line(words, said, tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/linux"), *words], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2 and done.stderr.startswith("linux: " + said), done.stderr
    assert done.stderr.count("\n") == 1 and not list(tmp_path.iterdir())


def test_a_wheel_for_an_unknown_machine_is_refused(tmp_path):
    with pytest.raises(ToolError, match="^no wheel is made for 'vax'; there are any, riscv64$"):
        wheel.need_wheel("vax", tmp_path)


def test_a_library_that_was_brought_along_is_taken_when_it_is_of_these_sources(tmp_path, monkeypatch):
    files = crypto_c.sources()
    name = crypto_c.brought_name(files, "riscv64")
    monkeypatch.setattr(crypto_c.os, "uname", lambda: type("Uname", (), {"machine": "riscv64"}))
    (tmp_path / name).touch()
    monkeypatch.setattr(crypto_c, "_files", lambda: [*files, tmp_path / name])
    assert crypto_c.library() == tmp_path / name
    stale = tmp_path / name.replace(name[10:26], "0" * 16)
    stale.touch()
    monkeypatch.setattr(crypto_c, "_files", lambda: [*files, stale])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(crypto_c.Unbuilt, match="needs a C compiler"):
        crypto_c.library()
