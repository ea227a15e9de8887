"""A real sshd on 127.0.0.1 with keys of its own, in a mount namespace where /opt, /etc/jamliquor-lite and systemd's
units are folders of the test, `systemctl` a program that writes down what it was asked, and `nft` one that is there:
it is looked for, and systemd alone would run it.

    with Sshd(folder) as board: …       board.place, board.identity, board.known_hosts; board.root / "opt" …
"""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.building import ToolError, install

_WAIT_S = 10
_SYSTEMCTL = """#!/bin/sh
echo "$@" >> {log}
case "$1" in restart) exit $(cat {root}/restart_status 2>/dev/null || echo 0);; esac
"""


def install_sshd() -> None:
    """Make sure that sshd is there and namespaces can be made; skips where neither is to be had."""
    if not _sshd() and os.geteuid() == 0 and shutil.which("apt-get"):
        try:
            install(["openssh-server"], "sshd")
        except ToolError as error:
            pytest.skip(str(error))
    if not _sshd() or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        pytest.skip("a board to install on wants sshd and a mount namespace: openssh-server, and root")


def _sshd() -> str:
    return shutil.which("sshd", path="/usr/sbin:/usr/bin:/usr/local/sbin") or ""


class Sshd:
    """See above. `room_mb` is how large /opt is there."""

    def __init__(self, folder: Path, room_mb: int = 400) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.identity = str(folder / "user")
        self.known_hosts = str(folder / "known_hosts")
        self.log = folder / "systemctl.log"
        self._room_mb = room_mb
        self._process: "subprocess.Popen[bytes] | None" = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.place = f"{getpass.getuser()}@127.0.0.1:{self.port}"

    def __enter__(self) -> "Sshd":
        self.folder.mkdir(mode=0o700, exist_ok=True)
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)], check=True)
        shutil.copy(self.folder / "user.pub", self.folder / "authorized_keys")
        public = (self.folder / "host.pub").read_text().split()[:2]
        Path(self.known_hosts).write_text(f"[127.0.0.1]:{self.port} {' '.join(public)}\n")
        for name in ("etc", "units", "bin", "tmp"):
            (self.root / name).mkdir(parents=True)
        for name, text in (("systemctl", _SYSTEMCTL.format(log=self.log, root=self.root)), ("nft", "#!/bin/sh\n")):
            program = self.root / "bin" / name
            program.write_text(text)
            program.chmod(0o755)
        python = os.path.dirname(sys.executable)
        path = ":".join((f"{self.root}/bin", self._python_folder(python), "/usr/sbin", "/usr/bin", "/sbin", "/bin"))
        config = self.folder / "sshd_config"
        config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.folder}/host\n"
            f"AuthorizedKeysFile {self.folder}/authorized_keys\nStrictModes no\nUsePAM no\nPidFile none\n"
            f"PasswordAuthentication no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\n"
            f"SetEnv PATH={path} TMPDIR={self.root}/tmp\n"
            f"LogLevel VERBOSE\n")
        made = ["/etc/jamliquor-lite", "/etc/systemd/system", "/run/sshd"]
        for name in made:
            os.makedirs(name, exist_ok=True)
        script = (
            f"mount -t tmpfs -o size={self._room_mb}m none /opt && "
            f"mount --bind {self.root}/etc /etc/jamliquor-lite && "
            f"mount --bind {self.root}/units /etc/systemd/system && "
            f"exec {_sshd()} -D -e -f {config}")
        with open(self.folder / "sshd.log", "wb") as log:
            self._process = subprocess.Popen(
                ["unshare", "-m", "sh", "-c", script], stderr=log, stdin=subprocess.DEVNULL)
        limit = time.monotonic() + _WAIT_S
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            if self._process.poll() is not None or time.monotonic() > limit:
                self.__exit__()
                raise RuntimeError((self.folder / "sshd.log").read_text())
            time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def command(self) -> "list[str]":
        """The beginning of a command that runs there."""
        return ["ssh", "-p", str(self.port), "-i", self.identity, "-o", f"UserKnownHostsFile={self.known_hosts}",
                self.place.rpartition(":")[0]]

    def path(self, name: str) -> Path:
        """A file under the board's own /opt, from here."""
        assert self._process is not None
        return Path(f"/proc/{self._process.pid}/root") / name.lstrip("/")

    def _python_folder(self, folder: str) -> str:
        # A venv cannot be made of a venv's python3 whose base is elsewhere without pip; the real one serves.
        return os.path.dirname(os.path.realpath(os.path.join(folder, "python3"))) or folder
