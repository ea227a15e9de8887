"""The tests' own tools: what is installed appears whole or not at all, and what is started never outlives us."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from . import node_packages
from .foreign import ForeignError, ForeignProcess
from .node_packages import SCRIPTS, install, node_program
from .typeberry import free_udp_port

pytestmark = pytest.mark.interop

ROOT = Path(__file__).resolve().parent.parent.parent
ENDS_S = 120.0

# A parent that starts a foreign process and says its pid, then waits to be killed.
PARENT = """
import sys, time
from pathlib import Path
from tests.interop.foreign import ForeignProcess
child = ForeignProcess("child", sys.argv[2:], Path(sys.argv[1]), {"END_WITH_STDIN": "1"})
child.start()
child.wait_for("ready", 120)
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "jamliquor-lite"


def npm_stub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    """Instead of npm: a script of these lines."""
    script = tmp_path / "npm"
    script.write_text("#!/bin/sh\n" + text)
    script.chmod(0o755)
    monkeypatch.setattr(node_packages, "node_program", lambda: (sys.executable, [str(script)]))


def test_a_failed_installation_leaves_nothing(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    npm_stub(monkeypatch, tmp_path, "mkdir node_modules\necho no such package\nexit 3\n")
    with pytest.raises(ForeignError, match="npm install failed:\nno such package"):
        install()
    assert [path.name for path in cache.iterdir()] == ["typeberry.lock"]


def test_an_installation_is_made_once(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    counted = tmp_path / "counted"
    npm_stub(monkeypatch, tmp_path, "mkdir -p node_modules/@typeberry/jam\necho ran >> %s\n" % counted)
    folder = install()
    assert install() == folder and counted.read_text() == "ran\n"
    patched = folder / "node_modules/@typeberry/jam/bootstrap-main.ts"
    assert patched.read_bytes() == (SCRIPTS / "ticket_worker.ts").read_bytes()
    # Another set of pins is another folder.
    monkeypatch.setattr(node_packages, "_PINS", ("package.json",))
    assert install() != folder and counted.read_text() == "ran\nran\n"


def test_a_process_ends_with_its_parent_however_that_ends(tmp_path: Path) -> None:
    node, _ = node_program()
    child = [node, "--import=" + str(SCRIPTS / "confine.mjs"), "-e",
             "console.log('ready'); setInterval(() => 0, 1000)"]
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), *child], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
        os.kill(pid, 0)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    until = time.monotonic() + ENDS_S
    while is_running(pid):
        assert time.monotonic() < until, "process %d outlives its parent" % pid
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie that waits to be reaped by whoever inherited it."""
    try:
        return Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_process_that_ends_early_is_told_with_its_last_words(tmp_path: Path) -> None:
    with ForeignProcess("early", ["/bin/sh", "-c", "echo some reason; exit 4"], tmp_path) as process:
        with pytest.raises(ForeignError, match="early ended before it said /ready/:\nsome reason"):
            process.wait_for("ready", 120)


def test_a_program_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ForeignError, match="nothing does not start: .*No such file"):
        ForeignProcess("nothing", [str(tmp_path / "nothing")], tmp_path).start()


def test_sockets_stay_on_the_loopback_address_and_the_given_port(tmp_path: Path) -> None:
    script = (
        "const udp = require('dgram').createSocket('udp4');"
        "udp.bind(12344, () => { const tcp = require('net').createServer().listen(0, () =>"
        " console.log(`udp ${udp.address().port} tcp ${tcp.address().address}`)); });"
    )
    node, _ = node_program()
    port = free_udp_port()
    argv = [node, "--import=" + str(SCRIPTS / "confine.mjs"), "-e", script]
    with ForeignProcess("sockets", argv, tmp_path, {"UDP_PORT": str(port)}) as process:
        said = process.wait_for(r"udp (\d+) tcp (\S+)", 120)
    assert int(said[1]) == port and said[2] == "127.0.0.1"
