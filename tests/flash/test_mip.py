"""The mip package: made by tools/mip, served by HTTP, installed by the real `mpremote mip install`, and run."""

import functools
import http.server
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jamliquor_lite import __version__
from jamliquor_lite.flash import package
from tests.support import ROOT

from .board_pty import MICROPYTHON, BoardPty

MIP = str(Path(ROOT, "tools", "mip"))
INSTALL_S = 300


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        pass


def tool(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, MIP, *words], capture_output=True, text=True, timeout=INSTALL_S)


@pytest.mark.skipif(not MICROPYTHON, reason="no MicroPython here")
def test_installed_over_http_and_run(tmp_path: Path) -> None:
    made = tool("--out", str(tmp_path / "mip"))
    assert made.returncode == 0, made.stderr
    index = Path(made.stdout.strip())
    said = json.loads(index.read_text())
    assert said["version"] == __version__ and len(said["urls"]) == len(package.modules())
    assert all((index.parent / url).is_file() for _, url in said["urls"])
    # A part is enough for the wire, which the tests of mpremote have carried whole: what one primitive takes.
    few = [pair for pair in said["urls"] if pair[0].count("/") == 1 or "/crypto/" in pair[0] or "/ports/" in pair[0]]
    index.write_text(json.dumps({**said, "urls": few}))
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(index.parent)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    board = tmp_path / "board"
    board.mkdir()
    try:
        with BoardPty(board) as micropython:
            url = f"http://127.0.0.1:{server.server_address[1]}/package.json"
            done = subprocess.run(
                [sys.executable, "-m", "mpremote", "connect", micropython.port, "resume", "mip", "install", "--target",
                 "lib", url], capture_output=True, text=True, timeout=INSTALL_S)
            assert done.returncode == 0 and "Done" in done.stdout, done.stdout + done.stderr
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    program = ("import sys; sys.path[:] = ['', 'lib', '.frozen']\n"
               "from jamliquor_lite.crypto import blake2b; print(blake2b.blake2b_256(b'').hex())")
    ran = subprocess.run([MICROPYTHON, "-c", program], cwd=board, capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8", ran.stderr


def test_wrong_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for words, status, says in (
        (["--out", str(tmp_path)], 2, "there is something already"),
        (["--out", str(tmp_path / "file")], 2, "there is something already"),
        (["--out", "/proc/none/x"], 2, "mip: "),
        (["--arch", "z80", "--out", str(tmp_path / "o")], 2, "invalid choice: 'z80'"),
        ([], 2, "--out"),
    ):
        done = tool(*words)
        assert done.returncode == status and says in done.stderr and "Traceback" not in done.stderr, done.stderr
