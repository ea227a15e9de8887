"""What tools/bench/p2p.py measures, in a tiny form and over our own stack alone, so that it cannot rot.

No time is judged.
"""

import importlib.util
from pathlib import Path

import pytest

from tests.interop.libp2p_peers import Peer

ROOT = Path(__file__).resolve().parents[1]
TINY = (1, 2, 3, 100_000, 4)
# What a host must not cost its process: TLS over TCP, QUIC, and the rest of the program.
NEVER = {"ssl", "_ssl", "aioquic", "email", "http", "urllib", "json", "ctypes", "argparse", "pathlib",
         "jamliquor_lite.chain", "jamliquor_lite.node.quic", "jamliquor_lite.node.node", "jamliquor_lite.rpc"}


def load():
    spec = importlib.util.spec_from_file_location("bench_p2p", ROOT / "tools" / "bench" / "p2p.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module._SETTLED_S, module._WARMING = 0.2, 1
    return module


@pytest.fixture(scope="module")
def bench():
    return load()


def test_everything_is_measured_and_shown(bench, capsys):
    with bench.compiled(["ours"]):
        table = bench.measure(["ours"], bench.Sizes(*TINY), "ours")
    judged = [row[0] for row in bench.ROWS if table.value("ours", row[0]) is not None]
    assert judged == [row[0] for row in bench.ROWS if row[0] != "second_cpu_ms"]
    # A process that does anything has a few MB; none of these is 100 times too small or too large.
    assert 5 < table.value("ours", "lean_mb") < table.value("ours", "idle_mb") < 100
    assert table.value("ours", "ping_ms") > 0 and table.value("ours", "to_mb_s") > 0
    table.show(["ours"])
    said = capsys.readouterr().out
    assert len(said.splitlines()) == 1 + len(judged)
    assert "at least 1.5 x py-libp2p  not judged" in said, "nothing to hold it against"


def test_bars_hold_or_do_not(bench, capsys):
    table = bench.Table()
    for kind, key, values in (
        ("ours", "import_ms", [140, 80, 90]), ("py", "import_ms", [800, 900]), ("ours", "idle_mb", [31]),
        ("ours", "plain_cpu_ms", [2.0]), ("ours", "hybrid_cpu_ms", [3.1]), ("ours", "to_mb_s", [100, 150, 900]),
        ("py", "to_mb_s", [100, 50]), ("ours", "from_mb_s", [100]), ("py", "from_mb_s", [70]),
    ):
        for value in values:
            table.take(kind, key, value)
    assert table.show(["ours", "py"]) is False
    lines = {line[:44].strip(): line for line in capsys.readouterr().out.splitlines()}
    assert "        80       800  " in lines["import, ms"] and lines["import, ms"].endswith("at most 100  holds")
    assert "10.0 x" in lines["import, ms"]
    assert lines["idle host, MB"].endswith("DOES NOT HOLD")
    assert lines["hybrid, to our own listener, ms"].endswith("at most 1.5 x plain  DOES NOT HOLD")
    assert "2.0 x" in lines["to js, MB/s"] and lines["to js, MB/s"].endswith("holds")
    assert lines["from js, MB/s"].endswith("at least 1.5 x py-libp2p  DOES NOT HOLD")


def test_what_a_host_loads(bench):
    loaded = bench.our_modules()
    assert loaded & NEVER == set()
    assert "jamliquor_lite.node.libp2p" in loaded and len(loaded) < 300


def test_the_measuring_modes_say_what_is_wrong(bench):
    with Peer("ours", "--pq=require") as peer, pytest.raises(bench.ForeignError, match="speaks none of /noise"):
        bench.client("ours", peer.address, bench.Sizes(*TINY), "--pq=off")


@pytest.mark.parametrize("arguments", [["--rounds", "0"], ["--only", "perl"], ["--what"]])
def test_what_the_command_does_not_take(bench, arguments, capsys):
    with pytest.raises(SystemExit) as end:
        bench.main(arguments)
    assert end.value.code == 2 and "usage: p2p.py" in capsys.readouterr().err


def test_help_names_the_options(bench, capsys):
    with pytest.raises(SystemExit) as end:
        bench.main(["--help"])
    said = capsys.readouterr().out
    assert end.value.code == 0 and all(option in said for option in ("--quick", "--rounds", "--only"))
