"""What the tools that compile have in common: running programs, installing compilers, folders that appear whole.

Whatever goes wrong is a `ToolError` of one line with the exit status: 1 for a failure, 2 for wrong words or for a
machine that lacks what it takes.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

INSTALL_S = 600
BUILD_S = 900
UPDATES = 4
UPDATE_AGAIN_S = 10
LINE_MOST = 400  # characters that are shown of a line: some name every source


class ToolError(Exception):
    """One line for a person, and the exit status."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


def progress(text: str) -> None:
    """One line on standard error, under the running tool's name."""
    print(f"{Path(sys.argv[0]).stem}: {text}", file=sys.stderr)


def cache_folder() -> Path:
    """The user's cache folder of this project (XDG_CACHE_HOME, else ~/.cache), made when it is not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jamliquor-lite"
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ToolError(f"cannot write in the cache folder: {error}", 2)
    return cache


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the lock file; a second process waits here for the first one's work."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def new_folder(cache: Path) -> Iterator[Path]:
    """A folder beside its destination, so that a rename makes it appear whole or not at all; gone afterwards."""
    work = Path(tempfile.mkdtemp(prefix="building-", dir=cache))
    work.chmod(0o755)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def drop_old(folders: "list[Path]", keep: int) -> None:
    """Remove the folders that were made or used longest ago, and keep so many."""
    folders.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in folders[keep:]:
        shutil.rmtree(folder, ignore_errors=True)


def install(packages: "list[str]", why: str) -> None:
    """Install Debian packages as root; whoever is not is told to, and `why`."""
    listed = " ".join(packages)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ToolError(f"this needs {why}; on Debian: apt-get install {listed}", 2)
    progress(f"installing {listed}")
    # Somebody else may be installing: wait for the lock instead of failing.
    apt = ["apt-get", "-o", f"DPkg::Lock::Timeout={INSTALL_S}"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # For that of its lists apt waits for nobody, so one of ours updates at a time, and others' updates are outlasted.
    with locked(cache_folder() / "apt.lock"):
        for left in reversed(range(UPDATES)):
            try:
                call([*apt, "update"], "apt-get update", INSTALL_S, environment)
                break
            except ToolError:
                if not left:
                    raise
                time.sleep(UPDATE_AGAIN_S)
        command = [*apt, "install", "-y", "--no-install-recommends", *packages]
        call(command, f"apt-get install {listed}", INSTALL_S, environment)


def gcc_version() -> str:
    """The first number of gcc's version; that of Debian 12 where there is none yet."""
    try:
        said = subprocess.run(["gcc", "-dumpversion"], capture_output=True, text=True, check=False).stdout
    except OSError:
        said = ""
    return said.split(".")[0].strip() or "12"


def make(folder: Path, words: "list[str]", log: Path) -> None:
    """Run make in `folder` on all processors; its output goes to `log`."""
    command = ["make", "-C", str(folder), f"-j{os.cpu_count() or 1}", f"PYTHON={sys.executable}", *words]
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "CFLAGS", "LDFLAGS")}
    call(command, f"make in {folder.name}", BUILD_S, environment, log)


def call(
    command: "list[str]", what: str, limit_s: float, environment: "dict[str, str] | None" = None,
    log: "Path | None" = None,
) -> None:
    """Run it; on failure the end of its output is printed and a ToolError with status 1 raised."""
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=limit_s, check=False,
        )
    except subprocess.TimeoutExpired:
        raise ToolError(f"{what} took more than {limit_s:.0f} s", 1)
    if log is not None:
        log.write_bytes(done.stdout)
    if done.returncode:
        for line in done.stdout.decode("utf-8", "replace").splitlines()[-8:]:
            print(line[:LINE_MOST], file=sys.stderr)
        raise ToolError(f"{what} failed (above)", 1)


def sha256(path: Path) -> str:
    """Of a file, in hex; "" when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
