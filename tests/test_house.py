"""What must be there, and what must not: files, entry points, extras, words of one workplace."""

import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from jamliquor_lite import __version__
from jamliquor_lite.cli.main import COMMANDS
from tests.run import is_portable

ROOT = Path(__file__).resolve().parent.parent
TOP = {"jamliquor_lite", "firmware", "boards", "tests", "tools"}
TOP |= {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"}
GENERATED = {".git", ".venv", ".hypothesis", "__pycache__", "node_modules", "build", "dist"}
PORTABLE_FOLDERS = ("codec", "crypto", "chain", "jam", "sync", "p2p")
# Words of a workplace and hosts of registries, cut in two so that this file does not hold what it looks for.
FORBIDDEN = [
    start + end
    for start, end in (
        ("/wor", "k/"),
        ("/tmp/pl", "an"),
        ("/tmp/", "v/"),
        ("/roo", "t/"),
        ("/opt/wh", "eels"),
        ("spi", "kes/"),
        ("pypi.o", "rg"),
        ("pythonhos", "ted"),
        ("registry.npm", "js"),
        ("proxy.gol", "ang"),
        ("crates.i", "o"),
    )
]


# The subjects of all commits since this day are checked; history before it stands as it is.
SUBJECTS_SINCE = "2026-11-29T00:00:00+00:00"
SUBJECT = re.compile(r"[a-z0-9][a-z0-9_./-]*: [A-Z0-9].*\.")
SUBJECT_CHARACTERS = 72


def tracked() -> list[Path]:
    """The files of the project: those that git knows, or would if they were added; without git, all but caches."""
    if shutil.which("git") and (ROOT / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
        return [ROOT / name for name in listing.split("\0") if (ROOT / name).is_file()]
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in GENERATED and not name.endswith(("_cache", ".egg-info"))]
        found += [Path(folder, name) for name in files if not name.startswith(".venv")]
    return found


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_top_level_holds_what_it_should() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert {name for name in names if not name.startswith(".")} <= TOP
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", ".ci", "tools"} <= names


def test_no_word_of_one_workplace() -> None:
    found = []
    for path in tracked():
        if path.name in ("package-lock.json", "Cargo.lock"):
            continue  # npm and cargo write where each package came from
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {word}" for word in FORBIDDEN if word in text]
    assert not found


@pytest.mark.parametrize("name", ["tools/run", "tools/test", ".ci/run"])
def test_scripts_can_be_run(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)
    assert subprocess.run(["bash", "-n", str(ROOT / name)], check=False).returncode == 0


def test_the_command_is_the_package_s_own() -> None:
    module, _, function = project()["project"]["scripts"]["jamliquor-lite"].partition(":")
    assert callable(getattr(importlib.import_module(module), function))


@pytest.mark.parametrize("name", [name for name, _ in COMMANDS])
def test_each_command_has_its_module(name: str) -> None:
    module = importlib.import_module(f"jamliquor_lite.cli.{name}")
    assert callable(module.add_arguments)
    assert callable(module.run)


def test_the_package_alone_needs_nothing() -> None:
    assert project()["project"]["dependencies"] == []


def test_the_native_vrf_is_asked_for_only_where_it_exists() -> None:
    (line,) = project()["project"]["optional-dependencies"]["crypto"]
    requirement, _, marker = line.partition(";")
    assert requirement == "bandersnatch-vrfs==0.6.3"
    assert set(re.findall("'([a-z0-9_]+)'", marker)) == {"x86_64", "aarch64", "armv7l"}


def test_the_changelog_knows_the_version() -> None:
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text and "Version 2.0, January 2004" in text and "END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize("folder", PORTABLE_FOLDERS)
def test_portable_packages_are_tested_on_both_interpreters(folder: str) -> None:
    files = sorted((ROOT / "tests" / folder).glob("test_*.py"))
    assert any(is_portable(str(path)) for path in files)


def test_starting_the_command_loads_no_command() -> None:
    code = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "import jamliquor_lite.cli.main\n"
        "heavy = {'asyncio', 'aioquic', 'cryptography', 'tomllib', 'ipaddress', 'bandersnatch_vrfs'}\n"
        "print(*(heavy & set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("\n", "")


def test_subjects_of_commits_are_short_and_say_where() -> None:
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("no git history here")
    command = ["git", "log", "--no-merges", "--format=%h %s", f"--since={SUBJECTS_SINCE}"]
    log = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = [line.split(" ", 1) for line in log.stdout.splitlines()]
    wrong = [f"{name} {subject}" for name, subject in lines
             if len(subject) > SUBJECT_CHARACTERS or not SUBJECT.fullmatch(subject)]
    assert not wrong, f"a subject is `area: What it does.`, of {SUBJECT_CHARACTERS} characters at most"
