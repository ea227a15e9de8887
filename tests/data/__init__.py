"""A small chain of our own, for where the recorded ones are absent. Loads on CPython and MicroPython.

chain_tiny.cbor is a map, written by tools/make_test_chain (tiny spec, epochs of 12 slots):

    genesis, genesis_state   header; values of C(4), C(6), C(8) by their keys
    headers                  44 honest ones, each on the one before: epochs 0 and 3 sealed by fallback keys, 1 and 2 by
                             tickets; offenders are named, and struck out of the sets of later marks
    fork                     an honest one on the 16th of `headers`, by an author who had not seen the 17th
    twins                    two more for the slot of the 26th, by its author; then two children of the second, one
                             by him again and one by somebody else
    broken                   two more for the slot of the 26th, well sealed; each breaks the rule that is its key
    forged                   one author alone from slot 24 on: his epoch mark names keys of his own, and from the
                             fourth on (slot 36) they seal in their own epoch
    state, state_root        all keys and values after the last header but one, and the root, which the last one claims

`Carried` holds them in order; `checkpoint()` is that of the genesis.
"""

from jamliquor_lite.chain.header import Header
from jamliquor_lite.codec import cbor
from jamliquor_lite.codec.spec import TINY
from tests.chain.chains import start_of
from tests.support import ROOT, read

PATH = ROOT + "/tests/data/chain_tiny.cbor"
FORK_AT = 16  # index in `headers` of the one that `fork` competes with
TWINS_AT = 25  # index in `headers` of the one that the twins compete with
FORGED_AT = 24  # first slot of `forged`, the first of epoch 2
OWN_EPOCH = 36  # from this slot on `forged` is sealed by the keys that the forger named


class Carried:
    """The file's content, headers as bytes."""

    def __init__(self):
        parts = cbor.loads(read(PATH))
        self.genesis = parts["genesis"]
        self.genesis_state = parts["genesis_state"]
        self.headers = parts["headers"]
        self.fork = parts["fork"]
        self.twins = parts["twins"]
        self.broken = parts["broken"]
        self.forged = parts["forged"]
        self.state = parts["state"]
        self.state_root = parts["state_root"]

    def checkpoint(self):
        return start_of(TINY, self.genesis, self.genesis_state)

    def before(self, slot):
        """The honest headers of earlier slots."""
        return [data for data in self.headers if Header(TINY, data).slot < slot]


def view(data):
    """The header in all of `data`."""
    return Header(TINY, data, 0, len(data))
