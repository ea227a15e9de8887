"""The hostile peers in a process of their own.

    python -m tests.hostile.swarm PLAN.json

PLAN says: began, target [host, port], quic port, peer id, genesis, the folder of exported blocks, seed, addresses, and
for each address the name of a kind and its place in `GROUPS`. A line on stdin, `below on` or `below off`, begins and
ends the floods below TCP; the end of stdin ends all. The last line is JSON: what each kind did.
"""

import json
import os
import random
import sys
import time
from pathlib import Path

from jamliquor_lite.chain.header import Header
from jamliquor_lite.codec.spec import TINY
from jamliquor_lite.errors import VerifyError
from tests.hostile import known, stranger
from tests.hostile.below import SynFlood, UdpFlood
from tests.hostile.quic_hello import QuicHello

# 40 peers, each with an address of its own. They come in waves: those that know Noise first, one group of them in each
# wave, while a node still has handshakes free; then all strangers beside them, until the wave ends.
STRANGERS = (
    (stranger.ByteFlood, 3), (stranger.NoiseFlood, 3), (stranger.HalfOpen, 3), (stranger.KeyExchange, 3),
    (stranger.Churn, 3), (QuicHello, 2),
)  # fmt: skip
GROUPS = (
    ((known.SlowReader, 4), (known.EagerReader, 2)),
    ((known.UnreadRanges, 2), (known.UnreadState, 2), (known.UnreadBlocks, 1), (known.TinyFrames, 2)),
    ((known.HugeFrames, 2), (known.PushFlood, 1), (known.StreamHoarder, 1), (known.Forger, 1)),
    ((known.Dribbler, 2), (known.TinyFrames, 2), (known.StreamHoarder, 1)),
)
MIX = (*STRANGERS, *(row for group in GROUPS for row in group))
KINDS = {kind.__name__: kind for kind, _ in MIX}
PEERS = sum(count for _, count in MIX)

WAVE_S = 10.0
_ALONE_S = 4.0  # at the beginning of each wave, for the handshakes of those that know Noise
_CHORUS_S = 1.5  # at its end those who read slowly read all at once
_STEP_S = 0.01
_BELOW_A_STEP = 40  # packets of each flood: 4,000 a second


def cast(dice: random.Random) -> "list[tuple[str, int]]":
    """(name, group) of all, shuffled."""
    found = [(kind.__name__, -1) for kind, count in STRANGERS for _ in range(count)]
    for place, group in enumerate(GROUPS):
        found += [(kind.__name__, place) for kind, count in group for _ in range(count)]
    dice.shuffle(found)
    return found


class Swarm:
    """Makes the peers of a plan and steps them."""

    def __init__(self, plan: "dict[str, object]") -> None:
        target = (str(plan["target"][0]), int(plan["target"][1]))  # type: ignore[index]
        dice = random.Random(str(plan["seed"]))
        self.world = known.World(bytes.fromhex(str(plan["peer_id"])), bytes.fromhex(str(plan["genesis"])))
        self._began = float(str(plan["began"]))  # monotonic, the same in all processes
        self._blocks = Path(str(plan["blocks"]))
        self.peers: "list[stranger.Stranger]" = []
        self._groups: "list[int]" = []  # of each: its place in GROUPS, -1 for strangers
        for (name, group), address in zip(plan["kinds"], plan["addresses"]):  # type: ignore[call-overload]
            kind, own = KINDS[name], random.Random(dice.random())
            self._groups.append(group)
            if issubclass(kind, known.Known):
                self.peers.append(kind(address, target, own, self.world))
            elif issubclass(kind, QuicHello):
                where = (target[0], int(str(plan["quic"])))
                self.peers.append(kind(address, where, own, "jamnp-s/0/" + str(plan["genesis"])[:8]))
            else:
                self.peers.append(kind(address, target, own))
        self.floods: "list[SynFlood | UdpFlood]" = []
        if plan["below"]:
            network = tuple(int(word) for word in target[0].split(".")[:2])
            self.floods = [SynFlood(network, target, dice), UdpFlood(target[0], int(plan["quic"]), dice)]  # type: ignore
        self.is_below = False

    def step(self, now: float) -> None:
        """Let every peer go on."""
        wave, into = divmod(now - self._began, WAVE_S)
        self.world.chorus = into > WAVE_S - _CHORUS_S
        group = int(wave) % len(GROUPS)
        for peer, own in zip(self.peers, self._groups):
            if own == group or (own < 0 and into > _ALONE_S):
                peer.step(now)
            elif peer.sock is not None:
                peer.leave(now)
        if self.is_below:
            for flood in self.floods:
                flood.step(_BELOW_A_STEP)

    def look(self) -> None:
        """Read the newest block of the chain."""
        names = sorted(os.listdir(self._blocks))
        if len(names) > 1:
            try:
                header = Header(TINY, (self._blocks / names[-1]).read_bytes())
                self.world.best, self.world.header = header.hash, bytes(header.buf[header.start : header.end])
            except VerifyError:
                pass  # half written: the next look finds it whole

    def report(self) -> "dict[str, dict[str, int]]":
        """What was done, by kind."""
        found: "dict[str, dict[str, int]]" = {}
        for name, done in [(peer.name, peer.done) for peer in self.peers] + [
                (type(flood).__name__, flood.done) for flood in self.floods]:
            sums = found.setdefault(name, {"peers": 0})
            sums["peers"] += 1
            for key, value in done.items():
                sums[key] = sums.get(key, 0) + value
        return found


def main(path: str) -> int:
    """Run the plan until stdin ends."""
    swarm = Swarm(json.loads(Path(path).read_text()))
    os.set_blocking(sys.stdin.fileno(), False)
    print("{}", flush=True)
    looked = 0.0
    while True:
        now = time.monotonic()
        word = _said()
        if word == b"":
            break
        if word:
            swarm.is_below = b"below on" in word
        if now > looked + 1:
            looked = now
            swarm.look()
        swarm.step(now)
        time.sleep(max(0.0, now + _STEP_S - time.monotonic()))
    print(json.dumps(swarm.report()), flush=True)
    return 0


def _said() -> "bytes | None":
    """What came on stdin; None: nothing, b"": its end."""
    try:
        return os.read(sys.stdin.fileno(), 64)
    except BlockingIOError:
        return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
