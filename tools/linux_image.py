"""What a Linux board in QEMU boots from: a kernel, an initramfs and a root file system, made of Debian's packages, the
package's wheel and the two programs of `firmware/linux`. Nothing of the packages is run, so that any machine with apt
makes an image of any architecture, as root or not. It is kept in the cache folder by what it was made of.
"""

import hashlib
import lzma
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from jamliquor_lite.cli import board_unit, boards
from jamliquor_lite.cli.board_file import Board
from jamliquor_lite.errors import LocalError
from tools import device_tree, linux_packages, wheel
from tools.building import ToolError, call, drop_old, install, locked, new_folder, progress
from tools.linux_packages import PYTHON, ROOT, WHEELS

ARCHS = {"riscv64": "riscv64", "aarch64": "arm64"}  # of board.toml, of Debian
SETTINGS = "/run/config/settings.toml"
_SLOW_MS = 300_000
PROGRAMS = ROOT / "firmware" / "linux"
_TRIPLETS = {"riscv64": "riscv64-linux-gnu", "arm64": "aarch64-linux-gnu", "amd64": "x86_64-linux-gnu"}
_BUILD_S = 600
_KEPT = 4
_DISK_MB = 8
_UID = 990
# Of the kernel's modules: what the machine's devices need. What these need in turn is found.
_VIRTIO = ("virtio_blk", "virtio_net", "virtio_console", "virtio-rng", "squashfs", "ext4", "crc32c_generic")
_RASPBERRY = ("loop", "squashfs", "phy-generic", "dwc2", "cdc_ether", "rndis_host")
# A Raspberry Pi 3's first UART goes to its radio. Without that, which QEMU has not, it is Linux's own console.
_RADIO = "/soc/serial@7e201000/bluetooth"
# Of Python's own library: what no command of ours imports, nor what it imports in turn.
_UNUSED = (
    "ensurepip", "idlelib", "lib2to3", "pydoc_data", "turtledemo", "tkinter", "test", "unittest", "sqlite3", "curses",
    "dbm", "turtle.py", "__phello__", "venv", "wsgiref", "xmlrpc", "doctest.py", "pdb.py", "pydoc.py", "_pyrepl",
)  # fmt: skip
_LIBRARIES = (
    "libc.so.6", "libm.so.6", "libz.so.1*", "libexpat.so.1*", "libcrypto.so.3*", "libssl.so.3*", "libffi.so.8*",
    "libgcc_s.so.1", "libzstd.so.1*", "libsodium.so*", "libpthread.so.0", "libdl.so.2", "librt.so.1",
)  # fmt: skip


class Image(NamedTuple):
    """What QEMU is given. `root` is "" where the initramfs holds it; `tree` is the device tree, "" for QEMU's own."""

    kernel: Path
    initrd: Path
    root: "Path | None"
    tree: "Path | None"
    contents: Path  # a list of all that it was made of, with versions


def linux_board(name: str) -> Board:
    """The board of this name, which has to be one that QEMU makes and Linux runs on. ToolError."""
    try:
        board = boards.find_linux(name)
    except LocalError as error:
        raise ToolError(str(error), error.exit_code)
    if not board.tables["qemu"] or board.tables["cpu"]["arch"] not in ARCHS:
        raise ToolError(f"{board.name} is no board that QEMU makes: `jamliquor-lite board unit` is for a real one", 2)
    return board


def need_image(board: Board, cache: Path) -> Image:
    """The board's image, made unless it is there. ToolError."""
    arch = ARCHS[board.tables["cpu"]["arch"]]
    machine = board.tables["cpu"]["arch"]
    built = wheel.need_wheel(machine if machine in wheel.MACHINES else wheel.PURE, cache)
    state = hashlib.sha256(f"{built.parent.name} {board.name} {_unit(board)}".encode())
    tools = [Path(str(module.__file__)) for module in (linux_packages, device_tree)]
    for path in (linux_packages.LOCK, WHEELS, Path(__file__), *tools, *_programs()):
        state.update(path.read_bytes())
    folder = cache / f"linux-{board.name}-{state.hexdigest()[:16]}"
    with locked(cache / f"linux-{arch}.lock"):
        if not folder.exists():
            _need_tools()
            progress(f"building {folder.name}")
            with new_folder(cache) as work:
                _make(board, arch, built, cache, work)
                (work / "out").rename(folder)
            drop_old(list(cache.glob(f"linux-{board.name}-*")), _KEPT)
        folder.touch()
    parts = {path.name: path for path in folder.iterdir()}
    return Image(parts["kernel"], parts["initrd"], parts.get("root"), parts.get("tree"), parts["contents"])


def make_disk(path: Path, files: "dict[str, bytes]") -> None:
    """The disk of a node with these `settings`: a small ext4, where its state is kept too."""
    with new_folder(path.parent) as work:
        config = work / "disk" / "config"
        config.mkdir(parents=True)
        for name, data in files.items():
            (config / name).write_bytes(data)
        made = work / "made"
        command = ["/usr/sbin/mke2fs", "-q", "-t", "ext4", "-d", str(work / "disk"), str(made), f"{_DISK_MB}M"]
        call(command, "mke2fs", _BUILD_S)
        made.replace(path)


def settings(chainspec: Path, peers: "Iterable[str]") -> "dict[str, bytes]":
    """The files in /run/config of a node that follows these peers on this chain, from its genesis. A machine that is
    emulated by a busy one is slow to any degree, which is no fault of its peers."""
    listed = ", ".join(f'"{peer}"' for peer in peers)
    text = (f'[node]\nchain = "chain.json"\n\n[network]\nstate_sync_timeout = {_SLOW_MS}\n\n'
            f'[network.bootstrap]\nnodes = [{listed}]\n')
    return {"settings.toml": text.encode(), "chain.json": chainspec.read_bytes()}


def append_config(image: Image, files: "dict[str, bytes]", target: Path) -> None:
    """An initramfs with /config in it, for a machine without a disk."""
    with new_folder(target.parent) as work:
        config = work / "more" / "config"
        config.mkdir(parents=True)
        for name, data in files.items():
            (config / name).write_bytes(data)
        archived = _archive(work / "more", work / "more.cpio")
        target.write_bytes(image.initrd.read_bytes() + archived.read_bytes())


def _programs() -> "list[Path]":
    return sorted(PROGRAMS.iterdir())


def _unit(board: Board) -> str:
    """What the guest's init keeps to: the unit that a board of its numbers has under systemd."""
    command = ["/usr/bin/jamliquor-lite", "run", "--board", board.name, "--config", SETTINGS, "--console"]
    return board_unit.unit(board, board.bounds(), [*command, f"/dev/{console(board)}"], "", True)


def console(board: Board) -> str:
    """The guest's device of the node's console."""
    return "ttyS1" if board.tables["qemu"]["machine"] == "raspi3b" else "hvc0"


def _need_tools() -> None:
    needed = {"mksquashfs": "squashfs-tools", "cpio": "cpio", "zstd": "zstd", "/usr/sbin/mke2fs": "e2fsprogs"}
    missing = [package for program, package in needed.items() if not shutil.which(program)]
    if missing:
        install(missing, "what makes file systems")


def _make(board: Board, arch: str, built: Path, cache: Path, work: Path) -> None:
    """All parts, in work/out."""
    debs = cache / "linux-debs"
    rows = linux_packages.of(linux_packages.locked(), arch, linux_packages.wanted(arch))
    rows = linux_packages.fetch(rows, debs)
    kernel = next(row for row in rows if row.name.startswith("linux-image-"))
    tree, boot, out = work / "tree", work / "boot", work / "out"
    for folder in (tree, boot, out):
        folder.mkdir()
    _kernel_files(kernel, debs, boot, work)
    linux_packages.unpack([row for row in rows if row is not kernel], debs, tree)
    root = work / "root"
    _root(board, arch, tree, root)
    _install(arch, built, root, work)
    _compile(root, cache, work)
    command = ["mksquashfs", str(root), str(work / "squashfs"), "-comp", "zstd", "-all-root", "-noappend", "-quiet"]
    call([*command, "-no-progress"], "mksquashfs", _BUILD_S)

    is_raspberry = board.tables["qemu"]["machine"] == "raspi3b"
    first = work / "first"
    (first / "bin").mkdir(parents=True)
    shutil.copy(tree / "usr/bin/busybox", first / "bin/busybox")
    shutil.copy(PROGRAMS / "init", first / "init")
    (first / "modules").mkdir()
    chosen = modules(boot, _RASPBERRY if is_raspberry else _VIRTIO)
    for number, (name, data) in enumerate(chosen):
        (first / "modules" / f"{number:02}-{name}.ko").write_bytes(data)
    if is_raspberry:
        (work / "squashfs").rename(first / "root.squashfs")
        tree_file = next(boot.rglob("bcm2837-rpi-3-b.dtb"))
        (out / "tree").write_bytes(device_tree.without(tree_file.read_bytes(), _RADIO))
    else:
        (work / "squashfs").rename(out / "root")
    archive = _archive(first, work / "first.cpio")
    if is_raspberry:  # its root is compressed already
        archive.rename(out / "initrd")
    else:
        call(["zstd", "-q", "-12", str(archive), "-o", str(out / "initrd")], "zstd", _BUILD_S)
    image = next(path for path in boot.glob("boot/vmlinu*") if path.is_file())
    shutil.copy(image, out / "kernel")
    lines = [" ".join(row) for row in rows] + [built.name, *_wheel_lines(arch)]
    (out / "contents").write_text("\n".join(lines) + "\n")


def _kernel_files(kernel: "linux_packages.Package", debs: Path, boot: Path, work: Path) -> None:
    """Unpack the kernel's package but for the hundred megabytes of modules that no machine of ours has."""
    archive = work / "kernel.tar"
    with archive.open("wb") as file:
        subprocess.run(["dpkg-deb", "--fsys-tarfile", str(linux_packages.deb(kernel, debs))], stdout=file, check=True)
    patterns = ["./boot/vmlinu*", "*/bcm2837-rpi-3-b.dtb", "*/kernel/drivers/*", "*/kernel/fs/*", "*/kernel/lib/*"]
    patterns += ["*/kernel/net/core/*", "*/kernel/crypto/*", "*/kernel/arch/*"]
    command = ["tar", "-xf", str(archive), "-C", str(boot), "--wildcards", *patterns]
    subprocess.run(command, stderr=subprocess.DEVNULL, check=False)  # a pattern without a match is no failure here
    archive.unlink()
    if not list(boot.glob("boot/vmlinu*")):
        raise ToolError(f"{kernel.name} has no kernel in it", 1)


def modules(boot: Path, names: "Iterable[str]") -> "list[tuple[str, bytes]]":
    """(name, module) of these and of all that they need, in an order in which they load. What is no module is part of
    the kernel."""
    files = {path.name.split(".ko")[0].replace("-", "_"): path for path in boot.rglob("*.ko*")}
    found: "dict[str, bytes]" = {}

    def add(name: str) -> None:
        name = name.replace("-", "_")
        if name in found or name not in files:
            return
        data = files[name].read_bytes()
        if files[name].suffix == ".xz":
            data = lzma.decompress(data)
        needs = re.search(rb"\0depends=([^\0]*)\0", data)
        soft = re.search(rb"\0softdep=pre: ([^\0]*)\0", data)
        for needed in (needs[1].decode().split(",") if needs else []) + (soft[1].decode().split() if soft else []):
            add(needed)
        found[name] = data

    for name in names:
        add(name)
    return list(found.items())


def _root(board: Board, arch: str, tree: Path, root: Path) -> None:
    """The files that the guest needs of its packages, and those that make it a system."""
    triplet = _TRIPLETS[arch]
    for folder in ("dev", "proc", "sys", "tmp", "run", "root", "mnt", "var/lib", "usr/bin", "usr/sbin",
                   f"usr/lib/{triplet}", "usr/lib/python3", "etc/systemd/system"):  # fmt: skip
        (root / folder).mkdir(parents=True)
    for folder in ("bin", "sbin", "lib"):
        (root / folder).symlink_to(f"usr/{folder}")
    for pattern in _LIBRARIES:
        for path in (tree / "usr/lib" / triplet).glob(pattern):
            shutil.copy2(path, root / "usr/lib" / triplet, follow_symlinks=False)
    for loader in (tree / "usr/lib").rglob("ld-linux-*.so.1"):
        target = root / loader.relative_to(tree)
        if not target.exists():
            shutil.copy2(loader, target, follow_symlinks=False)
    for name in ("busybox", f"python{PYTHON}"):
        shutil.copy2(tree / "usr/bin" / name, root / "usr/bin" / name)
    (root / "usr/bin/python3").symlink_to(f"python{PYTHON}")
    (root / "usr/bin/sh").symlink_to("busybox")
    shutil.copytree(tree / "usr/lib" / f"python{PYTHON}", root / "usr/lib" / f"python{PYTHON}", symlinks=True)
    for unused in _UNUSED:
        place = root / "usr/lib" / f"python{PYTHON}" / unused
        shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    packages = tree / "usr/lib/python3/dist-packages"
    if packages.is_dir():
        shutil.copytree(packages, root / "usr/lib/python3/dist-packages")
    shutil.copy(PROGRAMS / "board-init", root / "usr/sbin/board-init")
    (root / "etc/systemd/system/jamliquor-lite.service").write_text(_unit(board))
    (root / "etc/passwd").write_text(f"root:x:0:0:root:/root:/bin/sh\njamliquor:x:{_UID}:{_UID}::/:/bin/sh\n")
    (root / "etc/group").write_text(f"root:x:0:\njamliquor:x:{_UID}:\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
    (root / "etc/nsswitch.conf").write_text("hosts: files\n")


def _install(arch: str, built: Path, root: Path, work: Path) -> None:
    """Our wheel, and those of others where this architecture has them, as pip would install them there."""
    packages = root / "usr/lib/python3/dist-packages"
    packages.mkdir(exist_ok=True)
    machine = next(machine for machine, name in ARCHS.items() if name == arch)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"]
    pip += ["--no-compile", "--only-binary", ":all:", "--python-version", PYTHON, "--implementation", "cp"]
    for tag in ("2_17", "2_28", "2_31", "2_34"):
        pip += ["--platform", f"manylinux_{tag}_{machine}"]
    if _wheel_lines(arch):
        listed = work / "wheels.txt"
        listed.write_text("\n".join(_wheel_lines(arch)) + "\n")
        target = work / "libraries"
        call([*pip, "--require-hashes", "--target", str(target), "-r", str(listed)], "pip install", _BUILD_S)
        shutil.copytree(target, packages, dirs_exist_ok=True)
    target = work / "installed"
    call([*pip, "--target", str(target), str(built)], "pip install", _BUILD_S)
    shutil.move(target / "share", root / "usr/share")
    program = (target / "bin" / "jamliquor-lite").read_text().split("\n", 1)[1]
    shutil.rmtree(target / "bin")
    (root / "usr/bin/jamliquor-lite").write_text("#!/usr/bin/python3\n" + program)
    (root / "usr/bin/jamliquor-lite").chmod(0o755)
    shutil.copytree(target, packages, dirs_exist_ok=True)
    # pip --target leaves the paths of share/ in RECORD as they were relative to the target.
    for record in packages.glob("jamliquor_lite-*.dist-info/RECORD"):
        record.write_text(re.sub(r"^(\.\./)*share/", "../../../share/", record.read_text(), flags=re.MULTILINE))


def _wheel_lines(arch: str) -> "list[str]":
    lines = [] if arch == "riscv64" else WHEELS.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _compile(root: Path, cache: Path, work: Path) -> None:
    """Bytecode for all modules, by the suite's Python of this machine's architecture; unchecked, since nothing changes
    in a squashfs."""
    arch = linux_packages.native()
    rows = linux_packages.of(linux_packages.locked(), arch, linux_packages.INTERPRETER)
    tree = work / "interpreter"
    linux_packages.unpack(linux_packages.fetch(rows, cache / "linux-debs"), cache / "linux-debs", tree)
    (loader,) = (tree / "usr/lib" / _TRIPLETS[arch]).glob("ld-linux-*.so.*")
    libraries = tree / "usr/lib" / _TRIPLETS[arch]
    command = [str(loader), "--library-path", str(libraries), str(tree / f"usr/bin/python{PYTHON}"), "-S", "-m"]
    command += ["compileall", "-q", "--invalidation-mode", "unchecked-hash", "-s", str(root), "-p", "/"]
    environment = {**os.environ, "PYTHONHOME": str(tree / "usr"), "PYTHONDONTWRITEBYTECODE": "1"}
    folders = [str(root / "usr/lib" / f"python{PYTHON}"), str(root / "usr/lib/python3")]
    call([*command, *folders], "compileall", _BUILD_S, environment)


def _archive(folder: Path, target: Path) -> Path:
    """A cpio archive of all in it, owned by root."""
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    with target.open("wb") as file:
        subprocess.run(
            ["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0", "--reproducible"], cwd=folder, stdout=file,
            input="\n".join(names).encode() + b"\n", check=True,
        )  # fmt: skip
    return target
