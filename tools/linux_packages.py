"""Debian packages and wheels that the images of Linux boards are made of: known by version and SHA-256, fetched once.

`tools/linux.lock` has a line for each: architecture, name, version, SHA-256, path in the archive. They come from the
mirrors that apt is set up for, and with the hash written down it does not matter from which. A stable Debian replaces
some of them a few times a year, and mirrors then drop the older ones: where one is gone, today's of that suite is
taken instead, which apt checks by the archive's signature, and that is said.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tools.building import ToolError, call, install, new_folder, progress, sha256
from tools.sources import APT_HELPER

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "tools" / "linux.lock"
WHEELS = ROOT / "tools" / "linux-wheels.txt"
SUITE = "trixie"
PYTHON = "3.13"  # of that suite
FETCH_S = 900
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_NO_WHEEL = "riscv64"  # of the libraries that the node uses; it takes Debian's

# What runs Python, of any architecture; this machine's own compiles modules for the guest's version.
INTERPRETER = (
    "libc6", "zlib1g", "libexpat1", f"libpython{PYTHON}-minimal", f"python{PYTHON}-minimal",
    f"libpython{PYTHON}-stdlib",
)  # fmt: skip
_GUEST = (*INTERPRETER, "libgcc-s1", "libffi8", "libssl3t64", "libzstd1", "busybox-static", "python3-serial")
_LIBRARIES = ("libsodium23", "python3-cffi-backend", "python3-nacl", "python3-psutil")


class Package(NamedTuple):
    """One binary package: `path` is below the root of an archive."""

    arch: str
    name: str
    version: str
    sha256: str
    path: str


def wanted(arch: str) -> "tuple[str, ...]":
    """Names of what an image of this architecture is made of; the kernel's name is that of the meta package."""
    return (*_GUEST, *(_LIBRARIES if arch == _NO_WHEEL else ()), f"linux-image-{arch}")


def native() -> str:
    """Debian's name of this machine's architecture."""
    command = ["dpkg", "--print-architecture"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        raise ToolError("images of Linux boards are made of Debian's packages, and there is no dpkg here", 2)


def locked() -> "list[Package]":
    """What the lock file says."""
    found = []
    for number, line in enumerate(LOCK.read_text().splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != len(Package._fields):
            raise ToolError(f"{LOCK.name} line {number}: {len(Package._fields)} words are needed", 2)
        found.append(Package(*words))
    return found


def of(packages: "Iterable[Package]", arch: str, names: "Iterable[str]") -> "list[Package]":
    """Those of an architecture by their names; ToolError when one is missing. The kernel is the package that is
    called after its release."""
    rows = {row.name: row for row in packages if row.arch == arch}
    kernel = next((row for row in rows.values() if row.name.startswith("linux-image-")), None)
    chosen = [kernel if name.startswith("linux-image-") else rows.get(name) for name in names]
    for name, row in zip(names, chosen):
        if row is None:
            raise ToolError(f"{LOCK.name}: no {name} for {arch}; `tools/linux lock` writes it anew", 2)
    return [row for row in chosen if row is not None]


def fetch(packages: "list[Package]", folder: Path) -> "list[Package]":
    """Have each in `folder` under its name with `.deb`. What came: that, or what the suite has instead."""
    missing = [row for row in packages if not _download(row, folder)]
    if not missing:
        return packages
    arch = missing[0].arch
    newer = of(resolve(arch, folder), arch, [row.name for row in missing])
    for row in newer:
        if not _download(row, folder):
            raise ToolError(f"no mirror that apt is set up for has {row.path}", 1)
    changed = {row.name: row for row in newer}
    for old in missing:
        is_kernel = old.name.startswith("linux-image-")
        new = next(row for row in newer if row.name == old.name or is_kernel and row.name.startswith("linux-image-"))
        progress(f"{old.name} {old.version} ({arch}) is gone from the mirrors: {new.name} {new.version} is taken")
        changed[old.name] = new
    return [changed.get(row.name, row) for row in packages]


def mirrors() -> "list[str]":
    """Addresses of the archives that apt is set up for, each with a slash at its end."""
    if not shutil.which("apt-get") or not os.path.exists(APT_HELPER):
        raise ToolError("images of Linux boards are made of Debian's packages, and there is no apt here", 2)
    told = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"],
        capture_output=True, text=True, check=False,
    ).stdout.split()  # fmt: skip
    found = list(dict.fromkeys(place if place.endswith("/") else place + "/" for place in told))
    if not found:
        raise ToolError("apt names no mirror: `apt-get update` has to be run first", 2)
    return found


def resolve(arch: str, work: Path) -> "list[Package]":
    """What the suite has today of what is wanted, with an apt of its own that takes nothing from the system but the
    mirrors."""
    if not os.path.exists(_KEYRING):
        install(["debian-archive-keyring"], "the keys of Debian's archive")
    for mirror in mirrors():
        root = work / f"apt-{arch}"
        shutil.rmtree(root, ignore_errors=True)
        for name in ("state/lists/partial", "cache/archives/partial"):
            (root / name).mkdir(parents=True)
        (root / "status").touch()
        (root / "sources.list").write_text(f"deb [signed-by={_KEYRING}] {mirror} {SUITE} main\n")
        (root / "apt.conf").write_text(
            f'APT::Architecture "{arch}"; APT::Architectures {{ "{arch}"; }}; Acquire::Languages "none";\n'
            f'Dir::State "{root}/state"; Dir::State::status "{root}/status"; Dir::Cache "{root}/cache";\n'
            f'Dir::Etc::sourcelist "{root}/sources.list"; Dir::Etc::sourceparts "-"; APT::Sandbox::User "root";\n'
        )
        environment = {**os.environ, "APT_CONFIG": str(root / "apt.conf")}
        done = subprocess.run(
            ["apt-get", "update", "-q", "--error-on=any"], env=environment, capture_output=True, check=False,
            timeout=FETCH_S,
        )  # fmt: skip
        if done.returncode == 0:
            return _listed(arch, environment)
    raise ToolError(f"no mirror that apt is set up for has {SUITE} for {arch}", 1)


def _listed(arch: str, environment: "dict[str, str]") -> "list[Package]":
    """The packages in that apt's lists; instead of the kernel's meta package the one that it stands for."""

    def show(names: "Iterable[str]") -> "list[dict[str, str]]":
        command = ["apt-cache", "show", "--no-all-versions", *names]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ToolError(f"{SUITE} has not all of {', '.join(names)} for {arch}", 1)
        entries = []
        for paragraph in done.stdout.strip().split("\n\n"):
            pairs = (line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
            entries.append({pair[0]: pair[1] for pair in pairs})
        return entries

    entries = show(wanted(arch))
    meta = next(entry for entry in entries if entry["Package"] == f"linux-image-{arch}")
    entries[entries.index(meta)] = show([meta["Depends"].split()[0]])[0]
    return sorted(
        Package(arch, entry["Package"], entry["Version"], entry["SHA256"], entry["Filename"]) for entry in entries
    )


def unpack(packages: "Iterable[Package]", folder: Path, target: Path) -> None:
    """The files of packages that were fetched; none of their scripts is run."""
    for row in packages:
        call(["dpkg-deb", "--extract", str(deb(row, folder)), str(target)], f"unpacking {row.name}", FETCH_S)


def deb(row: Package, folder: Path) -> Path:
    """Where a package lies that was fetched."""
    return folder / f"{row.arch}-{row.name}-{row.sha256[:16]}.deb"


def _download(row: Package, folder: Path) -> bool:
    """From the first mirror that has it; whether one has."""
    place = deb(row, folder)
    if sha256(place) == row.sha256:
        return True
    folder.mkdir(parents=True, exist_ok=True)
    with new_folder(folder) as work:
        for mirror in mirrors():
            target = work / place.name
            command = [APT_HELPER, "download-file", mirror + row.path, str(target), f"SHA256:{row.sha256}"]
            done = subprocess.run(command, capture_output=True, check=False, timeout=FETCH_S)
            if done.returncode == 0 and sha256(target) == row.sha256:
                target.replace(place)
                return True
    return False


def write_lock(archs: "Iterable[str]") -> "list[Package]":
    """Write the lock file anew from what the suite has today."""
    from tools.building import cache_folder

    found: "list[Package]" = []
    with new_folder(cache_folder()) as work:
        for arch in archs:
            found += resolve(arch, work)
        build = native()
        if build not in archs:
            found += of(resolve(build, work), build, INTERPRETER)
    head = (
        f"# Debian {SUITE}'s packages of which the images of Linux boards are made; `tools/linux lock` writes it.\n"
        "# architecture, package, version, SHA-256, path in the archive\n"
    )
    LOCK.write_text(head + "".join(" ".join(row) + "\n" for row in found))
    return found
