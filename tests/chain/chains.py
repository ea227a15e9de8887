"""Chains for the tests: devnet's, and the recorded ones, as pairs of checkpoint and headers."""

from jamliquor_lite.budget.profile import Profile
from jamliquor_lite.chain.checkpoint import Checkpoint
from jamliquor_lite.chain.flash_rows import FlashRows
from jamliquor_lite.chain.flash_sets import FlashSets
from jamliquor_lite.chain.header import Header
from jamliquor_lite.chain.light import LightChain
from tests.ports.flash_device import area_over, fresh

SAFROLE = bytes([4]) + bytes(30)
ENTROPY = bytes([6]) + bytes(30)
ACTIVE = bytes([8]) + bytes(30)
STORES = ["memory"]  # where a Recorder's chain keeps its sets: the last one here; conftest.py asks for each in turn


def sets_of(spec, pairs=40, set_writes=64):
    """A fresh store of sets for a small spec, as STORES says."""
    if STORES[-1] == "memory":
        return None
    return FlashSets(area_over(fresh(pairs * 2 * 4096)), spec, set_writes)


def start_of(spec, header, state):
    """The checkpoint that a genesis header and its state make."""
    view = Header(spec, header, 0, len(header))
    return Checkpoint.from_state(spec, view.hash, view.hash, view.slot, state[SAFROLE], state[ENTROPY], state[ACTIVE])


def of_devnet(chain):
    """The checkpoint of a fresh devnet's genesis; take it before its state is forgotten."""
    return start_of(chain.spec, chain.genesis.header, dict(chain.genesis.state.trie.items()))


def rows_of(capacity):
    """A fresh store of the tree's hashes, with as little to spare as it takes."""
    if STORES[-1] == "memory":
        return None
    return FlashRows(area_over(fresh((capacity // 32 + 3) * 4096)), capacity)


class Recorder:
    """A light chain that remembers what happened to it: `events` counts, `lags` says how late marks were adopted."""

    def __init__(self, checkpoint, profile=None, **options):
        self.events = {}
        self.lags = []
        profile = profile or Profile()
        options.setdefault("sets", sets_of(checkpoint.spec))
        options.setdefault("rows", rows_of(profile.tree_headers))
        self.chain = LightChain(checkpoint, profile, self._hear, **options)

    def _hear(self, name, row):
        self.events[name] = self.events.get(name, 0) + 1
        if name.endswith("adopted"):
            tree = self.chain.tree
            self.lags.append(tree.between(tree.best, row))

    def add(self, data, **options):
        self.chain.add(Header(self.chain.spec, data), **options)
        return self.chain.outcome
