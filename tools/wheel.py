#!/usr/bin/env python3
"""Builds the package's wheel: the pure one, or one for a machine that nobody builds a native VRF for.

    tools/wheel.py                      py3-none-any: where `bandersnatch-vrfs` has a wheel, or a C compiler is
    tools/wheel.py riscv64              with the VRF in C, compiled for that machine here (gcc-riscv64-linux-gnu)
    tools/wheel.py riscv64 --out DIR    copied there

Prints its path. It is kept in the user's cache folder (XDG_CACHE_HOME, else ~/.cache) by what it was made of.

Exit status: 0 built or there already, 1 the build failed, 2 wrong words, or this machine lacks what it takes.
"""

import argparse
import hashlib
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from jamliquor_lite.ports.cpython import crypto_c  # noqa: E402
from tools.building import ToolError, cache_folder, call, drop_old, install, locked, new_folder, progress  # noqa: E402

PURE = "any"
# machine: (Debian's cross compiler, its package, the tag). The library asks nothing of a C library but memcpy and its
# kin; 2.31 is the oldest glibc that PyPI's tags know for riscv64.
MACHINES = {"riscv64": ("riscv64-linux-gnu-gcc", "gcc-riscv64-linux-gnu", "manylinux_2_31_riscv64")}
_PARTS = ("pyproject.toml", "README.md", "LICENSE", "jamliquor_lite", "boards", "firmware/main.py", "firmware/wifi.py",
          "firmware/cmodules/jamcrypto")
_BUILD_S = 300
_KEPT = 3


def need_wheel(machine: str, cache: Path) -> Path:
    """The wheel for this machine (`PURE` for any), built unless it is there. ToolError."""
    if machine != PURE and machine not in MACHINES:
        raise ToolError(f"no wheel is made for {machine!r}; there are {PURE}, {', '.join(MACHINES)}", 2)
    compiler = MACHINES[machine][0] if machine in MACHINES else ""
    if compiler and not shutil.which(compiler):
        install([MACHINES[machine][1], f"libc6-dev-{machine}-cross"], f"a C compiler for {machine}")
    state = hashlib.sha256(repr((MACHINES.get(machine), Path(__file__).read_bytes())).encode())
    for path in _files():
        state.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    folder = cache / f"wheel-{machine}-{state.hexdigest()[:16]}"
    with locked(cache / f"wheel-{machine}.lock"):
        if not folder.exists():
            _build(machine, compiler, cache, folder)
            drop_old(list(cache.glob(f"wheel-{machine}-*")), _KEPT)
        folder.touch()
    (wheel,) = folder.glob("*.whl")
    return wheel


def _files() -> "list[Path]":
    found = []
    for part in _PARTS:
        path = ROOT / part
        found += [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sorted(file for file in found if "__pycache__" not in file.parts)


def _build(machine: str, compiler: str, cache: Path, folder: Path) -> None:
    progress(f"building {folder.name}")
    with new_folder(cache) as work:
        tree, out = work / "tree", work / "out"
        for file in _files():  # setuptools leaves its traces where it builds
            target = tree / file.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
        words = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-input", "--wheel-dir", str(out)]
        words.append("--disable-pip-version-check")
        if compiler:
            sources = crypto_c.sources()
            target = tree / "firmware/cmodules/jamcrypto" / crypto_c.brought_name(sources, machine)
            try:
                # No C library is named: memcpy and its kin are the process's own, glibc's or musl's.
                crypto_c.build([compiler], sources, work, ("-nostdlib", "-Wl,-s")).replace(target)
            except crypto_c.Unbuilt as error:
                raise ToolError(str(error), 1)
            words.append(f"--config-settings=--build-option=--plat-name={MACHINES[machine][2]}")
        call([*words, str(tree)], "pip wheel", _BUILD_S, {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"})
        out.rename(folder)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="wheel", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("machine", metavar="MACHINE", nargs="?", default=PURE, help="riscv64 (default: any)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="a folder to copy it to")
    words = parser.parse_args()
    try:
        wheel = need_wheel(words.machine, cache_folder())
        if words.out is not None:
            words.out.mkdir(parents=True, exist_ok=True)
            wheel = Path(shutil.copy(wheel, words.out))
    except ToolError as error:
        print(f"wheel: {error}", file=sys.stderr)
        return error.status
    except OSError as error:
        print(f"wheel: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    print(wheel)
    return 0


if __name__ == "__main__":
    sys.exit(main())
