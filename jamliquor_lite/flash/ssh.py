"""Boards with Linux: the wheel, a systemd unit and firewall rules are installed over SSH, with OpenSSH's programs.

Each version goes into a virtual environment of its own under /opt/jamliquor-lite; a link `current` leads to the one
that runs, is moved when the new one is whole and has started once, and moved back when its service does not start. So
an installation that fails leaves what ran before.
"""

import hashlib
import os
import re
import subprocess
import tempfile

from ..const import const
from ..errors import LocalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .plan import Progress, Target

PROGRAM = "/opt/jamliquor-lite/current/bin/jamliquor-lite"
CONFIG = "/etc/jamliquor-lite/node.toml"
FIREWALL = "/etc/jamliquor-lite/firewall.nft"
SERVICE = "jamliquor-lite"
ROOM_MB = const(160)  # cryptography, aioquic and what they need take 60 of them, and pip its time to unpack
_CONNECT_S = const(15)
_ASK_S = const(60)
_INSTALL_S = const(1800)  # pip on a board with one slow core
_SAID = const(30)  # lines that are kept of what the board says
_PLACE = re.compile(
    r"(?:([A-Za-z0-9_][A-Za-z0-9_.-]*)@)?(\[[0-9a-fA-F:.%]+\]|[A-Za-z0-9][A-Za-z0-9.-]*)(?::(\d{1,5}))?")
# Of the board: who one is there, what it has, and how much room. A word a line.
_LOOK = r"""
echo user=$(id -u)
echo machine=$(uname -m)
echo python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
echo venv=$(python3 -c 'import venv, ensurepip; print(1)' 2>/dev/null)
echo systemd=$(command -v systemctl >/dev/null && echo 1)
echo nft=$(command -v nft >/dev/null && echo 1)
echo sudo=$(sudo -n true 2>/dev/null && echo 1)
echo room=$(df -Pk /opt 2>/dev/null | awk 'NR==2 {print int($4/1024)}')
echo writable=$(grep -q ' / [^ ]* ro[, ]' /proc/mounts || echo 1)
"""
# The installation, as root. Set in front of it: folder, wheel, extras, version, site, has_config.
_INSTALL = r"""
set -eu
say() { echo "STEP $1"; }
fail() { echo "FAIL $1"; exit 1; }
base=/opt/jamliquor-lite
new=$base/$version
end() {
  test "$(readlink "$base/current" 2>/dev/null)" = "$version" || rm -rf "$new"
  rm -rf "$folder"
}
trap end EXIT
trap 'exit 1' HUP INT TERM
install_all() {
say "making a virtual environment"
mkdir -p $base /etc/jamliquor-lite || fail "/opt or /etc cannot be written to"
if test "$(readlink $base/current 2>/dev/null)" != "$version"; then
  rm -rf "$new"
  python3 -m venv $site "$new" || fail "python3 -m venv does not work: apt-get install python3-venv"
  say "installing the package"
  "$new/bin/pip" install --quiet --no-input --disable-pip-version-check "$folder/$wheel$extras" || fail "pip: see above"
fi
say "starting it once"
"$new/bin/jamliquor-lite" --version || fail "the installed program does not start"
if test "$has_config" = 1 -o ! -e /etc/jamliquor-lite/node.toml; then
  install -m 644 "$folder/node.toml" /etc/jamliquor-lite/node.toml
fi
if test -e "$folder/chain.json"; then install -m 644 "$folder/chain.json" /etc/jamliquor-lite/chain.json; fi
if test -e "$folder/firewall.nft"; then install -m 644 "$folder/firewall.nft" /etc/jamliquor-lite/firewall.nft; fi
install -m 644 "$folder/unit" /etc/systemd/system/jamliquor-lite.service
before=$(readlink $base/current 2>/dev/null || true)
ln -sfn "$version" $base/next
mv -Tf $base/next $base/current
say "starting the service"
systemctl daemon-reload || fail "systemd does not answer"
systemctl enable jamliquor-lite.service || fail "the unit cannot be enabled"
if ! systemctl restart jamliquor-lite.service; then
  if test -n "$before" -a "$before" != "$version"; then
    ln -sfn "$before" $base/next
    mv -Tf $base/next $base/current
    systemctl restart jamliquor-lite.service || true
  fi
  fail "the service does not start: journalctl -u jamliquor-lite"
fi
for old in $base/*; do
  case "$(basename "$old")" in current|"$version") ;; *) rm -rf "$old" ;; esac
done
}
install_all </dev/null
"""
# What ssh says, and what it means for who reads it.
_FAULTS = (
    ("REMOTE HOST IDENTIFICATION HAS CHANGED", "its host key is not the one that is known: this may be another "
     "machine; if you installed it anew: ssh-keygen -R {host}"),
    ("Host key verification failed", "its host key is unknown: run `ssh {place}` once, compare the fingerprint, and "
     "try again"),
    ("Permission denied", "permission denied: your SSH key is not accepted there (ssh-copy-id {place})"),
    ("Could not resolve", "there is no such host name"),
    ("Connection refused", "nobody listens for SSH there"),
    ("Connection timed out", "no answer: is it on, and on this network?"),
    ("No route to host", "no answer: is it on, and on this network?"),
    ("Network is unreachable", "this machine has no way there"),
    ("No space left on device", "no space is left on the board"),
    ("Identity file", "the key file cannot be read"),
    ("UNPROTECTED PRIVATE KEY", "others may read the key file: chmod 600 it"),
)  # fmt: skip


class Files:
    """What is copied: `wheel` is a path, the others are texts; "" for none. `has_config` is whether node.toml
    replaces one that is there."""

    def __init__(self, wheel: str, unit: str, firewall: str, config: str, has_config: bool, chain: str = "") -> None:
        self.wheel = wheel
        self.unit = unit
        self.firewall = firewall
        self.config = config
        self.has_config = has_config
        self.chain = chain


class Ssh:
    """Installs: a way of flashing."""

    monitor = ""
    network: "tuple[str, str] | None" = None  # it is on one

    def __init__(self, target: "Target", place: str, identity: str, files: Files, extras: str, site: bool,
                 is_dry: bool = False, known_hosts: str = "") -> None:
        """`place` is USER@HOST, also with :PORT. `extras` are those of the package; `site` lets it use what the system
        has installed. The board is looked at, unless it `is_dry`. LocalError."""
        self._target = target
        self._files = files
        self._extras = extras
        self._site = site
        self._client = Client(place, identity, known_hosts)
        self._is_root = True
        found = ""
        if not is_dry:
            found = f" ({self._look()})"
        self.where = f"host {place}{found}"
        wheel = os.path.basename(files.wheel) or "the wheel that is built"
        self.steps = [
            f"copy {wheel}, the systemd unit{', firewall rules' if files.firewall else ''} and settings",
            "install it into a virtual environment under /opt/jamliquor-lite, and start it once",
            "let `current` lead there, enable and start jamliquor-lite.service",
        ]
        replaced = "node.toml, the unit and" if files.has_config else "the unit and"
        self.erases = f"an older version of this package there, {replaced} its firewall rules; the node's state stays"
        self.recovery = "what was installed before goes on running; run the same command again"

    def run(self, show: "Progress") -> None:
        """Copy and install."""
        files = self._files
        with open(files.wheel, "rb") as file:
            made_of = hashlib.sha256(file.read() + repr((self._extras, self._site)).encode()).hexdigest()[:12]
        with self._client as client, tempfile.TemporaryDirectory(prefix="jamliquor-flash-") as work:
            show.begin("copying")
            folder = client.run("mktemp -d", _ASK_S).strip().split("\n")[-1]
            if not re.fullmatch(r"/[\w./-]+", folder):
                raise LocalError(f"host {client.place}: mktemp says {ascii(folder[:60])}")
            texts = {"unit": files.unit, "firewall.nft": files.firewall, "node.toml": files.config,
                     "chain.json": files.chain}
            paths = [files.wheel]
            for name, text in texts.items():
                if text:
                    paths.append(os.path.join(work, name))
                    with open(paths[-1], "w") as file_out:
                        file_out.write(text)
            client.copy(paths, folder)
            wheel = os.path.basename(files.wheel)
            words = {"folder": folder, "wheel": wheel, "extras": self._extras,
                     "version": f"{version_of(wheel)}-{made_of}",
                     "site": "--system-site-packages" if self._site else "",
                     "has_config": str(int(files.has_config))}
            script = "".join(f"{name}='{value}'\n" for name, value in words.items()) + _INSTALL
            client.install(script, self._is_root, show)
        show.say(f"installed; it runs as {SERVICE}.service: journalctl -fu {SERVICE}")

    def _look(self) -> str:
        with self._client as client:
            said = client.run(_LOOK, _ASK_S)
        there = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
        where = f"host {self._client.place}"
        version = tuple(int(part) for part in there.get("python", "").split(".") if part.isdecimal())
        if version < (3, 11):
            raise LocalError(f"{where}: Python {there.get('python') or 'is not there'}; 3.11 or newer is needed")
        if not there.get("venv"):
            raise LocalError(f"{where}: Python's venv is missing: apt-get install python3-venv there")
        if not there.get("systemd"):
            raise LocalError(f"{where}: no systemd there, so no service can be made")
        if not there.get("writable"):
            raise LocalError(f"{where}: its root file system is read-only: mount -o remount,rw / there first")
        if self._files.firewall and not there.get("nft"):
            raise LocalError(f"{where}: nft is missing, which loads the firewall rules: apt-get install nftables there")
        room = int(there.get("room") or 0)
        if room < ROOM_MB:
            raise LocalError(f"{where}: no space: {room} MB are free for /opt, {ROOM_MB} are needed")
        self._is_root = there.get("user") == "0"
        if not self._is_root and not there.get("sudo"):
            raise LocalError(f"{where}: sudo asks for a password there, which cannot be answered: use root@, or allow "
                             "it without one (NOPASSWD in /etc/sudoers.d)")
        return f"{there.get('machine', '?')}, Python {there['python']}, {room} MB free"


class Client:
    """ssh and scp to one place, over one connection while the context lasts."""

    def __init__(self, place: str, identity: str = "", known_hosts: str = "") -> None:
        found = _PLACE.fullmatch(place)
        if found is None or not 0 < int(found[3] or 22) < 65536:
            raise LocalError(f"host {ascii(place[:80])}: USER@HOST or USER@HOST:PORT is needed", 2)
        self.place = place
        self.host = found[2].strip("[]")
        self._to = f"{found[1]}@{self.host}" if found[1] else self.host
        self._options = ["-o", f"ConnectTimeout={_CONNECT_S}", "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes",
                         "-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=3"]
        if identity:
            if not os.path.isfile(identity):
                raise LocalError(f"--identity {ascii(identity)}: no such file", 2)
            self._options += ["-i", identity, "-o", "IdentitiesOnly=yes"]
        if known_hosts:
            self._options += ["-o", f"UserKnownHostsFile={known_hosts}", "-o", "GlobalKnownHostsFile=/dev/null"]
        self._port = found[3] or ""
        self._work: "tempfile.TemporaryDirectory[str] | None" = None

    def __enter__(self) -> "Client":
        self._work = tempfile.TemporaryDirectory(prefix="jamliquor-ssh-")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._work is not None
        subprocess.run(["ssh", *self._shared(), "-O", "exit", self._to], capture_output=True, check=False)
        self._work.cleanup()
        self._work = None

    def run(self, script: str, limit_s: int) -> str:
        """What a script for sh says there. LocalError."""
        try:
            done = subprocess.run([*self._ssh(), "sh -s"], input=script, capture_output=True, text=True,
                                  timeout=limit_s, check=False)
        except subprocess.TimeoutExpired:
            raise LocalError(f"host {self.place}: no answer within {limit_s} s")
        except FileNotFoundError:
            raise LocalError("the program ssh is missing: apt-get install openssh-client", 2)
        if done.returncode:
            raise LocalError(self._why(done.stderr))
        return done.stdout

    def copy(self, paths: "list[str]", folder: str) -> None:
        """Files into a folder there."""
        port = ["-P", self._port] if self._port else []
        host = f"[{self._to}]" if ":" in self.host else self._to
        done = subprocess.run(["scp", "-q", *port, *self._shared(), *paths, f"{host}:{folder}/"], capture_output=True,
                              text=True, check=False)
        if done.returncode:
            raise LocalError(self._why(done.stderr))

    def install(self, script: str, is_root: bool, show: "Progress") -> None:
        """Run the script as root and show its steps. LocalError with the last thing it said."""
        command = [*self._ssh(), "sh -s" if is_root else "sudo -n sh -s"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, errors="replace")
        assert process.stdin is not None and process.stdout is not None
        said: "list[str]" = []
        try:
            process.stdin.write(script)
            process.stdin.close()
            for line in process.stdout:
                line = line.rstrip()
                if line.startswith("STEP "):
                    show.begin(line[5:])
                elif line:
                    said = [*said[1 - _SAID :], line]
            status = process.wait(timeout=_INSTALL_S)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            show.end()
        if status:
            fails = [line[5:] for line in said if line.startswith("FAIL ")]
            others = [line for line in said if not line.startswith(("FAIL ", "[notice]", "WARNING"))]
            if not fails:
                raise LocalError(self._why("\n".join(others)))
            detail = f" ({others[-1][:200]})" if others and "see above" in fails[-1] else ""
            raise LocalError(f"host {self.place}: {fails[-1]}{detail}; what was installed before goes on running")

    def _shared(self) -> "list[str]":
        assert self._work is not None
        return [*self._options, "-o", "ControlMaster=auto", "-o", f"ControlPath={self._work.name}/%C", "-o",
                "ControlPersist=60"]

    def _ssh(self) -> "list[str]":
        return ["ssh", *(["-p", self._port] if self._port else []), *self._shared(), self._to]

    def _why(self, said: str) -> str:
        for sign, meaning in _FAULTS:
            if sign.lower() in said.lower():
                return f"host {self.place}: " + meaning.format(host=self.host, place=self._to)
        last = [line for line in said.strip().splitlines() if line.strip()][-1:] or ["the connection ended"]
        return f"host {self.place}: {last[0][:200]}"


def version_of(wheel: str) -> str:
    """The version in the name of a wheel, as PEP 427 has it. LocalError, the user's, where it is no wheel."""
    wheel = os.path.basename(wheel)
    parts = wheel.split("-")
    if not re.fullmatch(r"[\w.+!-]+\.whl", wheel) or len(parts) < 5:
        raise LocalError(
            f"{ascii(wheel[:80])}: this is no wheel: its name has to be NAME-VERSION-PYTHON-ABI-MACHINE.whl", 2)
    return parts[1]
