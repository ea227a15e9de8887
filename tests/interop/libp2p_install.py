"""The programs of libp2p/, installed or built into the cache, and how each is started.

    install("rust")      -> Program(argv, environment); takes minutes the first time, nothing from then on
    missing("rust")      -> why it cannot be had on this machine, "" when it can

Kinds: `js`, `py`, `rust`, `go`, and `pq`, which is `js` with the hybrid handshake and nothing else. `ours` is
our_peer.py, which does the same over our own stack.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from .cache import cache_folder, made_once, run_build
from .foreign import ForeignError
from .node_packages import install_packages, node_program

FOLDER = Path(__file__).parent / "libp2p"
KINDS = ("js", "py", "rust", "go", "pq")
HYBRID = "/noise-mlkem768-hfs/0.2.0"

_NODE_AT_LEAST = (22, 15)  # Promise.withResolvers, which js-libp2p 3 uses, and registerHooks, which we do
_RUST_AT_LEAST = (1, 85)
_GO_AT_LEAST = (1, 24, 6)
# On two cores that others use too: pip 25 s, go 2 minutes, rust 3 minutes.
_PIP_S = 600
_GO_S = 1_200
_CARGO_S = 1_500


class Program:
    """`argv`, to which mode and options are added, and `environment`, which comes on top of ours."""

    def __init__(self, argv: "list[str]", environment: "dict[str, str] | None" = None) -> None:
        self.argv = argv
        self.environment = environment or {}


def missing(kind: str) -> str:
    """Why this kind of peer cannot be had here; "" when it can."""
    if kind in ("js", "pq"):
        try:
            node_program(_NODE_AT_LEAST)
        except ForeignError as error:
            return str(error)
    if kind == "rust" and _version("cargo", "--version") < _RUST_AT_LEAST:
        return "no cargo %d.%d or newer" % _RUST_AT_LEAST
    if kind == "go" and _version("go", "version") < _GO_AT_LEAST:
        return "no go %d.%d.%d or newer" % _GO_AT_LEAST
    return ""


def install(kind: str) -> Program:
    """The peer program of this kind. ForeignError when it cannot be had."""
    if kind == "ours":
        return Program([sys.executable, str(FOLDER.parent / "our_peer.py")])
    lack = missing(kind)
    if lack:
        raise ForeignError(lack)
    if kind == "pq":
        peer = install_js("peer.mjs")
        return Program(peer.argv, {**peer.environment, "SECURITY": "hybrid"})
    return {"js": lambda: install_js("peer.mjs"), "py": _install_py, "rust": _install_rust, "go": _install_go}[kind]()


def install_js(script: str) -> Program:
    """One of the scripts of libp2p/js, run where it is, with its packages in the cache."""
    pins = FOLDER / "js"
    parts = [pins / "package.json", pins / "package-lock.json"]
    packages = made_once("libp2p-js", parts, lambda work: install_packages(pins, work))
    node, _ = node_program(_NODE_AT_LEAST)
    return Program([node, "--import=" + str(pins / "resolve.mjs"), str(pins / script)], {"PACKAGES": str(packages)})


def _install_py() -> Program:
    pins = FOLDER / "py" / "requirements.txt"

    def make(work: Path) -> None:
        run_build("venv", [sys.executable, "-m", "venv", str(work)], work, _PIP_S)
        pip = [str(work / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input", "-r", str(pins)]
        run_build("pip install", pip, work, _PIP_S)

    # A virtual environment knows itself by where it is, but for the scripts in bin/, which nobody runs.
    folder = made_once("libp2p-py", [pins, "%d.%d" % sys.version_info[:2]], make)
    return Program([str(folder / "bin" / "python"), str(FOLDER / "py" / "peer.py")])


def _install_rust() -> Program:
    source = FOLDER / "rust"
    parts = [source / "Cargo.toml", source / "Cargo.lock", source / "src" / "main.rs"]

    def make(work: Path) -> None:
        # Kept, so that a change of main.rs alone does not build everything below it again.
        target = cache_folder() / "libp2p-rust-target"
        command = [*_nice(), "cargo", "build", "--release", "--locked", "--quiet"]
        run_build("cargo build", command, source, _CARGO_S, {"CARGO_TARGET_DIR": str(target)})
        shutil.copy(target / "release" / "jamliquor-rust-peer", work / "peer")

    return Program([str(made_once("libp2p-rust", parts, make) / "peer")])


def _install_go() -> Program:
    source = FOLDER / "go"
    parts = [source / "go.mod", source / "go.sum", source / "main.go"]

    def make(work: Path) -> None:
        command = [*_nice(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", str(work / "peer"), "."]
        run_build("go build", command, source, _GO_S, _GO_ENVIRONMENT)

    return Program([str(made_once("libp2p-go", parts, make) / "peer")])


# No other toolchain than the one that is here is fetched, and no C compiler is needed.
_GO_ENVIRONMENT = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off", "CGO_ENABLED": "0"}


def _nice() -> "list[str]":
    return ["nice"] if shutil.which("nice") else []


def _version(program: str, flag: str) -> "tuple[int, ...]":
    if shutil.which(program) is None:
        return ()
    try:
        done = subprocess.run(
            [program, flag], capture_output=True, timeout=60, check=False, env={**os.environ, **_GO_ENVIRONMENT}
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    match = re.search(rb"\b(?:go)?(\d+)\.(\d+)(?:\.(\d+))?", done.stdout)
    return tuple(int(part or 0) for part in match.groups()) if match and not done.returncode else ()
