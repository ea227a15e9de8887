"""The VRF in C as a shared library: how it is built and found, what it says where it cannot be, and what it answers."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from jamliquor_lite.crypto import choice, suite, suite_hosts, vrf
from jamliquor_lite.errors import LocalError
from jamliquor_lite.ports import crypto as port
from jamliquor_lite.ports.cpython import crypto_c
from tests.crypto import vrf_cases as cases
from tests.support import ROOT, unhex

BUILD_S = 300
REAL = [[unhex(x) for x in row] for row in cases.REAL]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "jamliquor-lite"


@pytest.fixture
def native(monkeypatch):
    """The C code, serving."""
    found, why = port.native("vrf", ("c",))
    if found is None and os.environ.get("CI"):
        pytest.fail(why)
    if found is None:
        pytest.skip(why)
    monkeypatch.setattr(choice, "_chosen", dict(choice._chosen))
    suite.select("vrf", "C")
    return found


def test_it_is_tried_after_the_wheel_and_can_be_chosen(native):
    assert port.names("vrf") == ("bandersnatch-vrfs", "c")
    assert suite.backends()["vrf"] == "c"
    assert choice.get("vrf").label == "c"


def test_where_there_is_no_wheel_it_serves(native, monkeypatch):
    monkeypatch.setitem(sys.modules, "bandersnatch_vrfs", None)
    monkeypatch.delitem(choice._chosen, "vrf")
    assert suite.vrf_verify(*REAL[0][:4]) == REAL[0][4]
    assert suite.backends()["vrf"] == "c"


def test_it_verifies_and_the_pure_twin_signs(native):
    assert not hasattr(native, "sign")
    secret = suite_hosts.vrf_secret(b"seed")
    assert secret == vrf.secret(b"seed") and suite_hosts.vrf_public(secret) == vrf.public(secret)
    proof = suite_hosts.vrf_sign(secret, b"in", b"aux")
    assert proof == vrf.sign(secret, b"in", b"aux")
    output = suite_hosts.vrf_output(secret, b"in")
    assert suite.vrf_verify(suite_hosts.vrf_public(secret), b"in", b"aux", proof) == output


def test_keys_take_turns(native):
    """The last key is kept: neither another one nor a bad one in between may be mistaken for it."""
    for _ in range(2):
        for public, data, aux, proof, output in REAL:
            assert native.verify(public, data, aux, proof) == output
            assert native.verify(bytes(32), data, aux, proof) is None
            assert native.verify(public, data, aux, proof) == output
            assert native.verify(REAL[2 if public != REAL[2][0] else 0][0], data, aux, proof) is None


def test_additional_data_in_pieces(native):
    checks = []
    for public, data, aux, proof, output in REAL:
        check, wrong = suite.VrfCheck(public, data, proof), suite.VrfCheck(public, data, proof)
        for at in range(0, len(aux), 50):
            check.update(memoryview(aux)[at : at + 50])
            wrong.update(bytearray(aux[at : at + 50]))
        wrong.update(b"x")
        checks.append((check, wrong, output))
    # Several are under way at once, and each with a key of its own.
    for check, wrong, output in checks:
        assert check.finish() == output and wrong.finish() is None
    public, data, aux, proof, _ = REAL[0]
    for bad in ((public[:31], data, proof), (bytes(32), data, proof), (public, data, proof[:95]),
                (public, data, proof[:64] + b"\xff" * 32)):
        check = suite.VrfCheck(*bad)
        check.update(aux)
        assert check.finish() is None


def test_bytes_of_zero_are_data_like_others(native):
    secret = vrf.secret(b"zeros")
    for data, aux in ((b"\0" * 5, b"\0" * 9), (b"a\0b", b"\0"), (b"", b"")):
        proof = vrf.sign(secret, data, aux)
        assert native.verify(vrf.public(secret), data, aux, proof) == vrf.output(secret, data)
        assert native.verify(vrf.public(secret), data + b"\0", aux, proof) is None
        assert native.verify(vrf.public(secret), data, aux + b"\0", proof) is None


def test_it_is_built_once(native, cache, monkeypatch):
    first = crypto_c.library()
    assert first.parent == cache and [path.name for path in cache.iterdir()] == [first.name]
    monkeypatch.setenv("PATH", "/nowhere")
    assert crypto_c.library() == first
    assert port.native("vrf", ("c",))[0] is not None


@pytest.mark.parametrize(
    ("compiler", "said"),
    [
        ("/nowhere/cc", "c needs a C compiler, and there is no /nowhere/cc"),
        ("false", "c does not compile (status 1)"),
        ("sh -c 'echo file.c:1: error: no luck >&2; exit 2'", "c does not compile (file.c:1: error: no luck)"),
    ],
)
def test_why_it_is_not_built_is_one_line(compiler, said, cache, monkeypatch):
    monkeypatch.setenv("CC", compiler)
    assert port.native("vrf", ("c",)) == (None, said)
    assert [path for path in cache.iterdir() if path.suffix == ".so"] == []
    monkeypatch.setitem(sys.modules, "bandersnatch_vrfs", None)
    monkeypatch.setattr(choice, "_chosen", {})
    monkeypatch.setattr(choice, "_notes", {})
    assert suite.backends()["vrf"] == f"pure (bandersnatch-vrfs is not installed, {said})"
    with pytest.raises(LocalError) as caught:
        suite.select("vrf", "c")
    assert caught.value.exit_code == 2 and said in str(caught.value)


def test_a_cache_that_cannot_be_used(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    found, why = port.native("vrf", ("c",))
    assert found is None and why == "c cannot use the cache folder: Not a directory"


def test_a_damaged_library_does_not_load(native, cache):
    crypto_c.library().write_bytes(b"no library")
    assert port.native("vrf", ("c",)) == (None, "c does not load")


def test_an_installed_package_brings_its_sources(tmp_path):
    """A wheel is built and installed into an environment of its own, away from the checkout."""
    listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                             capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("no git here to say what belongs to the project")
    project = tmp_path / "project"
    for name in listing.stdout.split("\0"):
        if name and Path(ROOT, name).is_file() and not name.startswith("tests/"):
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path(ROOT, name), project / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    try:
        run(*pip, "wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(project))
    except AssertionError as error:
        if os.environ.get("CI") or "No matching distribution found for setuptools" not in str(error):
            raise
        pytest.skip("no registry is reached that has setuptools")
    (wheel,) = tmp_path.glob("*.whl")
    packed = [name for name in zipfile.ZipFile(wheel).namelist() if "jamcrypto" in name]
    assert sorted(name.rpartition("/")[2] for name in packed) == [path.name for path in crypto_c.sources()]
    run(sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "environment"))
    python = tmp_path / "environment" / "bin" / "python"
    run(*pip, "--python", str(python), "install", "--no-deps", str(wheel))
    shutil.rmtree(project)
    said = run(
        str(python), "-c",
        "from jamliquor_lite.ports.cpython import crypto_c\n"
        "from jamliquor_lite.crypto import suite\n"
        "suite.select('vrf', 'c')\n"
        "from jamliquor_lite.cli import boards\n"
        "print(crypto_c.__file__, crypto_c.sources()[0], suite.backends()['vrf'], *boards.names())",
        cwd=tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache"),
    )
    module, source, label, *boards = said.split()
    assert boards == sorted(path.parent.name for path in Path(ROOT, "boards").glob("*/board.toml"))
    assert module.startswith(str(tmp_path)) and source.startswith(str(tmp_path)) and label == "c"


def run(*command, cwd=ROOT, **environment):
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=BUILD_S
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_sources_it_says_so(monkeypatch):
    monkeypatch.setattr(crypto_c, "sources", lambda: (_ for _ in ()).throw(crypto_c.Unbuilt("c has no sources")))
    assert port.native("vrf", ("c",)) == (None, "c has no sources")
