"""The hostile mix: a node as its owner starts it, 40 peers that mean harm, and the honest chain that it follows.

    python -m tests.hostile.mix [--seconds 60] [--seed 0] [--board raspberry-pi-zero-2w] [--cpu-percent N]
                                [--role gateway|run] [--free] [--json]

Every process is in a network namespace of its own (netns.py). What is promised is measured from outside (watch.py):
the process in /proc, the wire by the kernel's counters of the node's interface. Exit status 0 when every promise was
kept, 1 when not, 2 when there can be no namespaces here.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.cli import board_firewall, boards
from jamliquor_lite.p2p import multiaddr
from tests.hostile import netns, swarm
from tests.hostile.lines import Lines, NoWord
from tests.hostile.report import Report
from tests.hostile.watch import Watch, most_rss_bytes

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "jamliquor_lite.cli.main"]
NODE, HONEST = "10.77.0.1", "10.77.0.2"
TCP_PORT, QUIC_PORT = 30334, 30333
SLOT_MS = 2_000  # a third of JAM's: two slots late is 4 s
_BLOCKS = 60  # of the chain before the node comes: five epochs, so that ranges are long
_END_S = 20
GATEWAY = "gateway"
_QUESTIONS = ("slot", "service 1")
_LONG_S = 300  # a longer run has floods below TCP in each such span, a shorter one near its end


class Mix:
    """`with Mix(options) as mix: mix.run()`; its `report` says how it went."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.board = boards.find(options.board)
        self.profile: Profile = self.board.bounds()
        if options.cpu_percent:
            self.profile.cpu_permille = 10 * options.cpu_percent
        self._folder = tempfile.TemporaryDirectory(prefix="jamliquor-hostile-")
        self._swarms: "list[Lines]" = []
        self._nets = netns.Networks()
        try:
            self._lay()
        except BaseException:
            self._nets.end()
            raise

    def __enter__(self) -> "Mix":
        return self

    def __exit__(self, kind: "type[BaseException] | None", error: "BaseException | None",
                 trace: "TracebackType | None") -> None:
        self._nets.end()
        self._folder.cleanup()

    def _lay(self) -> None:
        half = swarm.PEERS // 2
        self.node = self._nets.add("node", f"{NODE}/16")
        self.honest = self._nets.add("honest", f"{HONEST}/16")
        self.hostile = [
            self._nets.add(f"hostile{side}", *[f"10.77.{side}.{number}/16" for number in range(1, half + 1)])
            for side in (1, 2)
        ]
        rules = board_firewall.rules(self.board, [TCP_PORT], [QUIC_PORT])
        path = Path(self._folder.name, "rules.nft")
        path.write_text(rules)
        self.node.run("nft", "-f", str(path))

    # the parts

    def _start_chain(self) -> Lines:
        words = [*COMMAND, "devnet", "--json", "--host", HONEST, "--slot-ms", str(SLOT_MS), "--blocks", str(_BLOCKS),
                 "--accelerated", "--seed", str(self.options.seed), "--listen", f"/ip4/{HONEST}/tcp/0",
                 "--chainspec-out", self._path("chain.json"), "--export", self._path("blocks")]
        return Lines(self.honest.popen(words, stdout=subprocess.PIPE, cwd=ROOT), "the devnet")

    def _start_node(self, upstream: str) -> Lines:
        words = [*COMMAND, self.options.role, "--json", "--chain", self._path("chain.json"), "--data",
                 self._path("node"), "--listen-addr", NODE, "--listen-port", str(QUIC_PORT), "--listen",
                 f"/ip4/{NODE}/tcp/{TCP_PORT}", "--upstream" if self.options.role == GATEWAY else "--peer", upstream]
        if not self.options.free:
            words += ["--board", self.board.name]
            if self.options.cpu_percent:
                words += ["--cpu-percent", str(self.options.cpu_percent)]
        for question in _QUESTIONS:
            words += ["--ask", question]
        return Lines(self.node.popen(words, stdout=subprocess.PIPE, cwd=ROOT), "the node")

    def _start_swarms(self, peer_id: bytes, genesis: str, began: float) -> None:
        kinds = swarm.cast(random.Random(self.options.seed))
        for side, space in enumerate(self.hostile):
            mine = kinds[side::2]
            plan = {
                "began": began, "target": [NODE, TCP_PORT], "quic": QUIC_PORT, "peer_id": peer_id.hex(),
                "genesis": genesis, "blocks": self._path("blocks"), "seed": f"{self.options.seed}/{side}",
                "below": side == 0, "kinds": mine,
                "addresses": [f"10.77.{side + 1}.{number + 1}" for number in range(len(mine))],
            }
            path = Path(self._path(f"plan{side}.json"))
            path.write_text(json.dumps(plan))
            # The node's machine is another one in life: it shall not lack a processor for them.
            words = ["nice", "-n", "10", sys.executable, "-m", "tests.hostile.swarm", str(path)]
            process = space.popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self._swarms.append(Lines(process, "the swarm"))

    def _path(self, name: str) -> str:
        return os.path.join(self._folder.name, name)

    # the run

    def run(self) -> Report:
        """Begin with the honest part, then let them loose for the time that was asked for, then end the node while they
        are still at it."""
        chain = self._start_chain()
        ready = chain.wait("ready")
        is_quic = self.options.role == GATEWAY
        places = [str(place) for place in ready["addresses"]]  # type: ignore[attr-defined]
        (upstream,) = [place for place in places if ("@" in place) == is_quic]
        node = self._start_node(upstream)
        said = node.wait("ready")
        (lite,) = [str(place) for place in said["addresses"] if str(place).startswith("/")]  # type: ignore[attr-defined]
        node.wait("proved", len(_QUESTIONS))  # it has caught up, and its upstream answers
        began = time.monotonic()
        watch = Watch(node.process.pid, self.node, lambda: chain.slot("block") - node.slot("best"))
        self._start_swarms(multiaddr.parse(lite).peer_id, str(ready["genesis"]), began)
        for start, end in below(self.options.seconds):
            self._sleep(began + start, node)
            self._below(watch, True)
            self._sleep(began + end, node)
            self._below(watch, False)
        self._sleep(began + self.options.seconds, node)
        watch.end()
        report = Report(self.profile, SLOT_MS, watch, (began, time.monotonic()))
        # With less CPU it has no time for some of them.
        report.wants_all = not self.options.cpu_percent and self.options.role == GATEWAY
        report.most_rss = most_rss_bytes(node.process.pid) if node.process.poll() is None else 0
        report.firewall = self._firewall()
        report.status = self._finish(node)
        node.join()
        report.node = list(node.found)
        for lines in self._swarms:
            assert lines.process.stdin is not None
            lines.process.stdin.close()
        for lines in self._swarms:
            lines.process.wait(_END_S)
            lines.join()
            if len(lines.found) < 2:
                raise NoWord("the swarm did not say what it did")
            report.add_swarm(lines.last)
        return report

    def _sleep(self, until: float, node: Lines) -> None:
        while time.monotonic() < until and node.process.poll() is None:
            time.sleep(min(0.2, max(0.0, until - time.monotonic())))

    def _below(self, watch: Watch, on: bool) -> None:
        watch.is_below = True  # what was sent before it is switched off may still come
        for lines in self._swarms:
            lines.tell("below on" if on else "below off")
        if not on:
            time.sleep(1.0)
            watch.is_below = False

    def _finish(self, node: Lines) -> "int | None":
        if node.process.poll() is None:
            node.process.send_signal(signal.SIGTERM)
        try:
            return node.process.wait(_END_S)
        except subprocess.TimeoutExpired:
            return None

    def _firewall(self) -> "dict[str, int]":
        found = json.loads(self.node.run("nft", "-j", "list", "counters"))
        return {entry["counter"]["name"]: entry["counter"]["packets"]
                for entry in found["nftables"] if "counter" in entry}


def below(seconds: float) -> "list[tuple[float, float]]":
    """When the floods below TCP are on. Nothing but ingress meanwhile is outside of the promise."""
    if seconds < _LONG_S:
        return [(0.84 * seconds, 0.96 * seconds)]
    return [(at - 60.0, at - 40.0) for at in range(_LONG_S, int(seconds) + 1, _LONG_S)]


def main(arguments: "list[str]") -> int:
    """Run it and print the report."""
    parser = argparse.ArgumentParser(prog="mix.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--board", default="raspberry-pi-zero-2w")
    parser.add_argument("--role", choices=(GATEWAY, "run"), default=GATEWAY,
                        help="a gateway of a full node over QUIC, or a lite node that follows over TCP")
    parser.add_argument("--json", action="store_true", help="the figures as JSON, as the last line")
    parser.add_argument("--cpu-percent", type=int, default=0,
                        help="less than the board gives: what a faster machine lacks work for")
    parser.add_argument("--free", action="store_true", help="a node without the board's budgets, judged by them")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.seconds < 10:
        parser.error("--seconds has to be at least 10")
    try:
        if not options.inside:
            words = netns.command([sys.executable, "-m", "tests.hostile.mix", "--inside", *arguments])
            if words[0] != sys.executable:
                return subprocess.run(words, cwd=ROOT, check=False).returncode
        with Mix(options) as mix:
            report = mix.run()
    except (netns.NoNetworks, NoWord) as error:
        print(f"mix: {error}", file=sys.stderr)
        return 2 if isinstance(error, netns.NoNetworks) else 1
    print(report.text(), flush=True)
    if options.json:
        print(json.dumps(report.figures()), flush=True)
    return 1 if report.broken else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(sys.argv[1:]))
