"""Files of a full-spec chain for measure_full_spec.py: 1,023 validators, epochs of 600 slots, and a board's flash.

    python3 -m tests.heap.full_spec FOLDER [long]

The devnet leaves slots empty where nothing is to be seen, so that an epoch costs as many blocks as its rules need.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from jamliquor_lite.chain.keeper import provision
from jamliquor_lite.codec.spec import FULL
from jamliquor_lite.devnet.author import DevChain
from jamliquor_lite.ports.cpython.flash import Area
from tests.chain.chains import of_devnet

KIB = 1024
SIZES = {"sets": 924 * KIB, "scratch": 72 * KIB, "tree": 256 * KIB}  # as boards/qemu-virt-rv32-264k has them
# Two epoch marks, of 65,833 bytes; the keys of the second epoch rest on the first one, for which nobody vouches yet.
SHORT = [*range(591, 606), 1099, 1100, 1199, *range(1200, 1206)]
# Four epoch marks and three tickets marks, each vouched for and adopted; the root moves on and a checkpoint is saved.
LONG = [*range(591, 1040), 1099, 1100, 1199, *range(1200, 1700), *range(1799, 2399), *range(2400, 2860)]


def make(folder: Path, slots: "Iterable[int]") -> DevChain:
    """Author blocks at these slots and write the files. The chain, for what it should lead to."""
    chain = DevChain(FULL, seed=5, keys=20, genesis_slot=590, contests="always")
    start = of_devnet(chain)
    start.clock_chain = True
    flash = {name: bytearray(b"\xff" * size) for name, size in SIZES.items()}
    (folder / "start.cbor").write_bytes(provision(Area(flash["sets"], 0, SIZES["sets"]), start))
    for name, data in flash.items():
        (folder / name).write_bytes(data)
    with (folder / "headers").open("wb") as file:
        for slot in slots:
            block = chain.next(slot)
            if block is not None:
                file.write(len(block.header).to_bytes(4, "little") + block.header)
    return chain


if __name__ == "__main__":
    into = Path(sys.argv[1])
    into.mkdir(exist_ok=True)
    print(make(into, LONG if sys.argv[2:] == ["long"] else SHORT).best.hash.hex())
