"""Follows what comes on standard input, in a process of its own, and says what it holds. The subject of test_flat.py.

    python tests/chain/flat.py CHAINSPEC HEADERS FOLDER [leak]

Input: headers, each after its length in 4 bytes, little-endian. The chain is followed as a node does it, forks and all,
and saved in a journal whenever its root moves. Every `EVERY` headers it prints a JSON object. With `leak` it keeps an
object of 64 bytes for each header, which the test has to notice.
"""

import gc
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.chainspec import ChainSpec
from jamliquor_lite.chain.journal import Journal
from jamliquor_lite.chain.light import LightChain
from jamliquor_lite.ports import board
from jamliquor_lite.ports.cpython.segments import SegmentFile
from jamliquor_lite.sync.follow import Follower

EVERY = 100


def main(chainspec, headers, folder, leak=""):
    checkpoint = ChainSpec.read(chainspec).checkpoint()
    profile = Profile()
    journal = Journal(SegmentFile(os.path.join(folder, "journal")), 1 << 15, 1 << 40)
    counts = {}
    seconds = [0]

    def hear(name, row):
        counts[name] = counts.get(name, 0) + 1
        if name == "root":
            seconds[0] += 18
            assert journal.save(chain.checkpoint(), seconds[0])

    chain = LightChain(checkpoint, profile, hear)
    follower = Follower(chain, profile)
    leaked, most = [], 0
    for number in range(1, int(headers) + 1):
        size = int.from_bytes(sys.stdin.buffer.read(4), "little")
        data = sys.stdin.buffer.read(size)
        follower.offer(data, 0, size, -1)
        most = max(most, chain.tree.count)
        if leak:
            leaked.append(os.urandom(31))
        if number % EVERY == 0:
            gc.collect()
            print(json.dumps({
                "headers": number, "checked": chain.headers_checked, "rss": board.memory()[0],
                "objects": sys.getallocatedblocks(), "rows": most, "places": chain.tree.top, "counts": counts,
                "files": sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder)
                             if name.startswith("journal")),
                "switches": journal.switches, "best": chain.tree.hash(chain.tree.best).hex(),
            }), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
