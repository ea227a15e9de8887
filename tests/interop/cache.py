"""What tests install for themselves: folders of a cache outside the checkout, each made once.

A folder is named by a hash of everything that goes into it, and appears whole or not at all, so that a change of a pin
makes a new one and a cut installation leaves nothing that looks finished.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from .foreign import ForeignError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_TOLD_LINES = 15  # of what a failed command said


def cache_folder() -> Path:
    """Where everything lies; made when it is not there."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jamliquor-lite"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def made_once(name: str, parts: "Iterable[Path | str]", make: "Callable[[Path], None]") -> Path:
    """The folder for `name` and these parts (files, or words); `make` fills an empty one when it is not there."""
    cache = cache_folder()
    folder = cache / ("%s-%s" % (name, _digest(parts)))
    with (cache / (name + ".lock")).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let a second test run wait for the first one's installation
        if not folder.exists():
            # Beside its destination: a rename across file systems would not be atomic.
            work = Path(tempfile.mkdtemp(prefix="building-", dir=cache))
            try:
                make(work)
                work.rename(folder)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return folder


def run_build(
    what: str, command: "Sequence[str]", cwd: Path, limit_s: float, environment: "Mapping[str, str] | None" = None
) -> None:
    """Run a command of an installation. ForeignError with what it said last when it fails."""
    try:
        done = subprocess.run(
            command, cwd=cwd, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit_s, check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ForeignError("%s failed: %s" % (what, error))
    if done.returncode:
        said = done.stdout.decode("utf-8", "replace").strip().splitlines()
        raise ForeignError("%s failed:\n%s" % (what, "\n".join(said[-_TOLD_LINES:])))


def _digest(parts: "Iterable[Path | str]") -> str:
    # The machine counts too: native packages are chosen for it at installation.
    state = hashlib.sha256(("%s %s\n" % (platform.machine(), platform.libc_ver()[0])).encode())
    for part in parts:
        if isinstance(part, Path):
            state.update(part.name.encode() + b"\0" + part.read_bytes() + b"\0")
        else:
            state.update(part.encode() + b"\0")
    return state.hexdigest()[:16]
