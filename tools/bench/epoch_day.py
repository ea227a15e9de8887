#!/usr/bin/env python3
"""What a day costs in mode `epoch`: 24 full-spec epochs (1,023 validators), of each the first block's justification.

    python3 tools/bench/epoch_day.py [--epochs 24] [--loopback] [--board raspberry-pi-zero-2w] [--json]

`run --mode epoch` and a server of a devnet's chain are processes in network namespaces of their own; bytes on the wire
are those of the kernel's counters of the node's interface. With `--loopback` they need no namespaces, and the wire is
as the node reckons it. An epoch has three blocks and takes no time: the clock of the node is moved to the end of the
next one when it sleeps, so it wakes by itself, dials, and is given one fragment, as in a day it would be.

Exit status 1 when the day, or a short run's share of it, is above its bar.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.hostile import netns  # noqa: E402
from tests.hostile.lines import Lines, NoWord  # noqa: E402
from tools.bench.day_processes import measured  # noqa: E402

EPOCHS_A_DAY = 24
BAR = 4_400_000  # bytes a day, of messages in both directions
EPOCH_BLOCKS = 3
SERVER, NODE = "10.79.0.1", "10.79.0.2"
LOCAL = "127.0.0.1"
_END_S = 60


class Day:
    """Figures of a run: bytes by name, for `epochs` epochs."""

    def __init__(self, epochs: int, figures: "dict[str, int]") -> None:
        from jamliquor_lite.budget.profile import LINUX
        from jamliquor_lite.codec.spec import FULL
        from jamliquor_lite.sync.warp import fragment_bytes

        self.epochs = epochs
        self.figures = figures
        self.messages = figures["messages down"] + figures["messages up"]
        self.floor = epochs * fragment_bytes(FULL)
        tail = (FULL.epoch_length - FULL.tickets_end + 1) * FULL.plain_header_size + FULL.tickets_mark_size
        self.checkpoints = tail * epochs // LINUX.epoch_checkpoints
        self.most = BAR * epochs // EPOCHS_A_DAY

    @property
    def is_kept(self) -> bool:
        """The bar holds, with the share of a checkpoint."""
        return self.messages + self.checkpoints <= self.most

    def text(self) -> str:
        """For a person."""
        f = self.figures
        whole = "a day" if self.epochs == EPOCHS_A_DAY else f"{self.epochs} epochs, which are no day"
        lines = [f"{whole}: {f['jumps']} jumps, {f['dials']} connections; the fragments alone have {self.floor} bytes",
                 "", f"{'bytes':42}{'down':>12}{'up':>12}"]
        for name, key in (("JAM messages, with their lengths", "messages"),
                          ("TCP payload: with Noise, yamux, handshakes", "payload"),
                          ("on the wire, as the node reckons", "reckoned"), ("on the wire, IP", "wire")):
            if f"{key} down" in f:
                lines.append(f"{name:42}{f[key + ' down']:>12}{f[key + ' up']:>12}")
        lines += ["", f"messages {self.messages / 1e6:.3f} MB, {self.messages / self.floor:.4f} x the fragments; with "
                  f"{self.checkpoints} bytes, the share of a checkpoint every four days, at most "
                  f"{self.most / 1e6:.3f} MB  {'holds' if self.is_kept else 'BROKEN'}"]
        return "\n".join(lines)


# -- the processes


def serve(epochs: int, host: str, chainspec_path: str) -> int:
    """Serve the chain, an epoch longer for each line on stdin, whose answer is the slot of the newest block."""
    from jamliquor_lite.codec.spec import FULL
    from jamliquor_lite.devnet import chainspec
    from jamliquor_lite.devnet.author import DevChain
    from jamliquor_lite.devnet.finality import Finality
    from jamliquor_lite.devnet.serve import Server

    chain = DevChain(FULL, seed=5, keys=20, epoch_blocks=EPOCH_BLOCKS)
    chain.states_kept = 8
    finality = Finality(chain)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        place = host, 4001 if host != LOCAL else 0
        async with Server(chain, FULL, seed=b"\1" * 32, port=-1, listen=[place]) as server:
            chainspec.write(chainspec_path, chain, server.addresses, False)
            chain.advance(EPOCH_BLOCKS)
            _say(event="ready", peer=server.addresses[0], slot=chain.genesis.slot)
            for _ in range(epochs):
                if not await loop.run_in_executor(None, sys.stdin.readline):
                    return
                before = finality.set_id
                while finality.set_id == before:
                    await loop.run_in_executor(None, chain.advance)
                _say(event="epoch", slot=chain.best.slot, set_id=before)
            await loop.run_in_executor(None, sys.stdin.readline)

    asyncio.run(run())
    return 0


def sleep(slot: int, arguments: "list[str]") -> int:
    """`jamliquor-lite` by a clock that says the slot of the newest line on stdin; what went through it is the last line
    on stdout."""
    from jamliquor_lite.chain.slots import COMMON_ERA
    from jamliquor_lite.codec.spec import FULL
    from jamliquor_lite.ports import clock

    now = [slot]

    def read() -> None:
        for line in sys.stdin:
            now[0] = int(line)

    def wall_seconds() -> int:
        return COMMON_ERA + FULL.slot_seconds * now[0]

    clock.wall_seconds = wall_seconds
    threading.Thread(target=read, daemon=True).start()
    status, found = measured(arguments)
    _say(**found)
    return status


def _say(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


# -- measuring


def measure(epochs: int, board: str, folder: str, nets: "netns.Networks | None") -> Day:
    """Run both, epoch after epoch, and count. NoWord where one of them does not go on."""
    spec = os.path.join(folder, "chain.json")
    this = [sys.executable, str(Path(__file__).resolve())]
    if nets is None:
        there = here = None
        host = LOCAL
    else:
        there, here = nets.add("server", f"{SERVER}/16"), nets.add("node", f"{NODE}/16")
        host = SERVER

    def popen(place: "netns.Namespace | None", *words: str) -> "subprocess.Popen[str]":
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        if place is not None:
            return place.popen([*this, *words], **pipes)
        return subprocess.Popen([*this, *words], text=True, **pipes)  # type: ignore[call-overload]

    server = Lines(popen(there, "--serve", str(epochs), host, spec), "the server")
    node = None
    try:
        ready = server.wait("ready")
        before = here.counters() if here is not None else None
        node = Lines(popen(here, "--sleep", str(ready["slot"]), "run", "--json", "--chain", spec, "--mode", "epoch",
                           "--data", os.path.join(folder, "node"), "--peer", str(ready["peer"]), "--board", board,
                           "--console", "none"), "the node")
        node.wait("ready")
        for number in range(1, epochs + 1):
            server.tell("go")
            node.tell(str(server.wait("epoch", number)["slot"]))
            node.wait("asleep", number)
        after = here.counters() if here is not None else None
        node.process.send_signal(signal.SIGTERM)
        if node.process.wait(_END_S):
            raise NoWord("the node ended with an error")
        node.join()
        server.tell("enough")
        server.process.wait(_END_S)
    finally:
        for lines in (server, node):
            if lines is not None and lines.process.poll() is None:
                lines.process.kill()
    said = {key: int(str(value)) for key, value in node.last.items()}
    jumps = node.of("jump")
    if [line["set_id"] for line in jumps] != list(range(epochs)):
        raise NoWord(f"it jumped {len(jumps)} times, there were {epochs} epochs")
    found = {
        "jumps": len(jumps), "dials": said["dials"],
        "messages down": said["messages_down"], "messages up": said["messages_up"],
        "payload down": said["bytes_in"], "payload up": said["bytes_out"],
        "reckoned down": said["wire_in"], "reckoned up": said["wire_out"],
    }
    if before is not None and after is not None:
        found["wire down"], found["wire up"] = after.rx_ip - before.rx_ip, after.tx_ip - before.tx_ip
    return Day(epochs, found)


def main(arguments: "list[str]") -> int:
    """Measure, print, return the exit status."""
    if arguments[:1] == ["--serve"]:
        return serve(int(arguments[1]), arguments[2], arguments[3])
    if arguments[:1] == ["--sleep"]:
        return sleep(int(arguments[1]), arguments[2:])
    parser = argparse.ArgumentParser(prog="epoch_day.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--epochs", type=int, default=EPOCHS_A_DAY, help="how many (default 24: a day)")
    parser.add_argument("--loopback", action="store_true", help="without network namespaces")
    parser.add_argument("--board", default="raspberry-pi-zero-2w")
    parser.add_argument("--json", action="store_true", help="the figures as JSON, as the last line")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.epochs < 1:
        parser.error("--epochs has to be at least 1")
    try:
        with tempfile.TemporaryDirectory(prefix="jamliquor-epochs-") as folder:
            if options.loopback:
                day = measure(options.epochs, options.board, folder, None)
            else:
                words = netns.command([sys.executable, str(Path(__file__).resolve()), "--inside", *arguments])
                if words[0] != sys.executable and not options.inside:
                    return subprocess.run(words, check=False).returncode
                with netns.Networks() as nets:
                    day = measure(options.epochs, options.board, folder, nets)
    except netns.NoNetworks as error:
        print(f"epoch_day: {error}; --loopback does without", file=sys.stderr)
        return 2
    except NoWord as error:
        print(f"epoch_day: {error}", file=sys.stderr)
        return 1
    print(day.text(), flush=True)
    if options.json:
        print(json.dumps({"epochs": day.epochs, "kept": day.is_kept, "messages": day.messages, "most": day.most,
                          "floor": day.floor, "checkpoints": day.checkpoints, **day.figures}), flush=True)
    return 0 if day.is_kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
