"""The one service of the devnet: an account whose storage and preimages change with every block.

It stands in C(12) as always accumulating, so that changes without work reports are what the Gray Paper allows.
Its code is a marker, executed by this file instead of a PVM; no light client executes code.
"""

from ..chain import state_key
from ..chain.trie import Trie
from ..codec import natural
from ..crypto.suite import blake2b_256
from .build import blob

SERVICE = 1
GAS = 1_000_000  # of one accumulation
CODE = b"jamliquor-lite devnet service, executed by the devnet itself"
_BALANCE = 10**18
_MIN_GAS = 100
_REWRITTEN = 8  # storage entries that get a new value in a block
_PREIMAGE_INTERVAL = 4  # blocks from one provided preimage to the next
_KEPT_PREIMAGES = 8  # older ones are forgotten, so that the state keeps its size


def entry_key(index: int) -> bytes:
    """The storage key of entry `index`."""
    return b"key-%06d" % index


def expand(seed: bytes, size: int) -> bytes:
    """`size` bytes that depend on `seed` only."""
    blocks = [blake2b_256(seed + i.to_bytes(4, "little")) for i in range((size + 31) // 32)]
    return b"".join(blocks)[:size]


class Service:
    """The account as of one block; its entries lie in the trie of that block.

    Storage: `keys` entries of entry_key(), of which at most one is absent, and `height` and `slot`, 4 bytes each.
    """

    def __init__(self, seed: bytes, keys: int) -> None:
        self.seed = seed
        self.keys = keys
        self.height = 0
        self.created = 0  # slot
        self.absent = -1  # the entry that is missing now
        self.items = 0
        self.octets = 0
        self.provided: tuple[tuple[bytes, int], ...] = ()  # hash and length of preimages that came in blocks
        self.wanted = b""  # the preimage that is requested now

    def copy(self) -> "Service":
        """The account that the next block starts from."""
        twin = Service(self.seed, self.keys)
        twin.height, twin.created, twin.absent = self.height, self.created, self.absent
        twin.items, twin.octets = self.items, self.octets
        twin.provided, twin.wanted = self.provided, self.wanted
        return twin

    def create(self, trie: Trie, slot: int) -> None:
        """Put the account and its first entries into a genesis state."""
        self.created = slot
        self._add_preimage(trie, CODE, slot)
        for index in range(self.keys):
            self._store(trie, entry_key(index), self._value(index, slot))
        self._clock(trie, slot)
        self._want(trie)
        self._write_account(trie, slot)

    def due_preimage(self) -> "bytes | None":
        """What the next block is to provide, or None."""
        return self.wanted if (self.height + 1) % _PREIMAGE_INTERVAL == 0 else None

    def accumulate(self, trie: Trie, slot: int, provided: "bytes | None") -> None:
        """Execute the block of `slot`, which provided this preimage or none."""
        self.height += 1
        if provided is not None:
            self._take_preimage(trie, provided, slot)
        if self.absent >= 0:
            self._store(trie, entry_key(self.absent), self._value(self.absent, slot))
            self.absent = -1
        first = self.height * _REWRITTEN
        for i in range(min(_REWRITTEN, self.keys)):
            index = (first + i) % self.keys
            self._store(trie, entry_key(index), self._value(index, slot))
        if self.keys > _REWRITTEN:
            self.absent = (first + _REWRITTEN) % self.keys
            self._unstore(trie, entry_key(self.absent))
        self._clock(trie, slot)
        self._write_account(trie, slot)

    def _value(self, index: int, slot: int) -> bytes:
        # Three of four values fit into their leaf, the rest are hashed.
        seed = blake2b_256(self.seed + entry_key(index) + slot.to_bytes(4, "little"))
        return expand(seed, 1 + seed[1] % 32 if seed[0] & 3 else 33 + seed[1])

    def _clock(self, trie: Trie, slot: int) -> None:
        self._store(trie, b"height", self.height.to_bytes(4, "little"))
        self._store(trie, b"slot", slot.to_bytes(4, "little"))

    def _store(self, trie: Trie, key: bytes, value: bytes) -> None:
        self._unstore(trie, key, keep=True)
        self.items += 1
        self.octets += 34 + len(key) + len(value)
        trie.set(state_key.service_storage(SERVICE, key), value)

    def _unstore(self, trie: Trie, key: bytes, keep: bool = False) -> None:
        where = state_key.service_storage(SERVICE, key)
        value = trie.get(where)
        if value is not None:
            self.items -= 1
            self.octets -= 34 + len(key) + len(value)
            if not keep:
                trie.remove(where)

    def _want(self, trie: Trie) -> None:
        seed = blake2b_256(self.seed + b"preimage" + self.height.to_bytes(4, "little"))
        self.wanted = expand(seed, 64 + seed[0] * 8)
        self._set_request(trie, blake2b_256(self.wanted), len(self.wanted), [])
        self.items += 2
        self.octets += 81 + len(self.wanted)

    def _take_preimage(self, trie: Trie, data: bytes, slot: int) -> None:
        digest = blake2b_256(data)
        trie.set(state_key.service_preimage(SERVICE, digest), data)
        self._set_request(trie, digest, len(data), [slot])
        self.provided = (*self.provided, (digest, len(data)))
        if len(self.provided) > _KEPT_PREIMAGES:
            old, length = self.provided[0]
            self.provided = self.provided[1:]
            trie.remove(state_key.service_preimage(SERVICE, old))
            trie.remove(state_key.service_request(SERVICE, old, length))
            self.items -= 2
            self.octets -= 81 + length
        self._want(trie)

    def _add_preimage(self, trie: Trie, data: bytes, slot: int) -> None:
        digest = blake2b_256(data)
        trie.set(state_key.service_preimage(SERVICE, digest), data)
        self._set_request(trie, digest, len(data), [slot])
        self.items += 2
        self.octets += 81 + len(data)

    def _set_request(self, trie: Trie, digest: bytes, length: int, slots: "list[int]") -> None:
        value = natural.encode(len(slots)) + b"".join(slot.to_bytes(4, "little") for slot in slots)
        trie.set(state_key.service_request(SERVICE, digest, length), value)

    def _write_account(self, trie: Trie, slot: int) -> None:
        eights = (_BALANCE, _MIN_GAS, _MIN_GAS, self.octets, 0)
        fours = (self.items, self.created, slot, 0)
        trie.set(
            state_key.service_account(SERVICE),
            b"\0" + blake2b_256(CODE) + b"".join(n.to_bytes(8, "little") for n in eights)
            + b"".join(n.to_bytes(4, "little") for n in fours),
        )

    def encode_preimage(self, data: bytes) -> bytes:
        """One item of the preimages extrinsic."""
        return SERVICE.to_bytes(4, "little") + blob(data)
