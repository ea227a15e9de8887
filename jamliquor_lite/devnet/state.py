"""The state after a block: what its followers are checked against, and its true Merkle trie (GP 0.7.2, appendix D)."""

from array import array

from ..chain import state_key
from ..chain.trie import Trie
from ..codec import natural
from ..codec.spec import Spec
from ..crypto.suite import blake2b_256
from .build import variable
from .history import History
from .keys import ValidatorSet
from .parameters import values
from .safrole import Ticket
from .service import GAS, SERVICE, Service

_RING_ROOT_SIZE = 144
_BLOCKS, _TICKETS, _PREIMAGES, _OCTETS, _GUARANTEES, _ASSURANCES = range(6)
_RECORD = 6  # numbers of 4 bytes per validator in C(13)


class Statistics:
    """pi of the Gray Paper: what each validator did in this epoch and the last, and the services in this block."""

    def __init__(self, spec: Spec) -> None:
        self.current = array("I", bytes(4 * spec.validators * _RECORD))
        self.last = self.current
        self._cores = bytes(8 * spec.cores)  # eight zero naturals a core: none has work
        self.provided = 0
        self.provided_octets = 0

    def after(self, new_epoch: bool) -> "Statistics":
        """The statistics that the next block adds to."""
        twin = Statistics.__new__(Statistics)
        twin._cores = self._cores
        twin.current = array("I", bytes(4 * len(self.current))) if new_epoch else self.current[:]
        twin.last = self.current if new_epoch else self.last
        twin.provided = twin.provided_octets = 0
        return twin

    def count(self, author: int, tickets: int, preimages: "list[bytes]", assurers: "list[int]") -> None:
        """Count one block."""
        at = author * _RECORD
        self.current[at + _BLOCKS] += 1
        self.current[at + _TICKETS] += tickets
        self.provided = len(preimages)
        self.provided_octets = sum(len(data) for data in preimages)
        self.current[at + _PREIMAGES] += self.provided
        self.current[at + _OCTETS] += self.provided_octets
        for assurer in assurers:
            self.current[assurer * _RECORD + _ASSURANCES] += 1

    def encode(self, accumulated: bool) -> bytes:
        """The value of C(13)."""
        numbers = b"".join(n.to_bytes(4, "little") for n in self.current + self.last)  # whatever the machine's order
        services = []
        if accumulated:
            # provision 2, refinement 2, imports, extrinsics, their octets, exports, accumulation 2
            record = (self.provided, self.provided_octets, 0, 0, 0, 0, 0, 0, 0, GAS)
            services.append(SERVICE.to_bytes(4, "little") + b"".join(map(natural.encode, record)))
        return numbers + self._cores + variable(services)


class State:
    """sigma after one block. Treat it as frozen once its block is made; `copy` starts the next one.

    `tickets` is the slot sequence of the running epoch, or None in fallback mode, when `fallback` has its keys.
    """

    def __init__(self, spec: Spec, service: Service) -> None:
        self.spec = spec
        self.slot = 0
        self.entropy: list[bytes] = []
        self.previous = self.active = self.next = self.staging = ValidatorSet(())
        self.tickets: list[Ticket] | None = None
        self.fallback = b""
        self.accumulator: list[Ticket] = []
        self.offenders: frozenset[bytes] = frozenset()
        self.good: frozenset[bytes] = frozenset()
        self.offence_epoch = -1
        self.history = History()
        self.statistics = Statistics(spec)
        self.service = service
        self.trie = Trie()

    def copy(self) -> "State":
        """A state to be changed by the next block. The trie is shared until then."""
        twin = State.__new__(State)
        twin.__dict__.update(self.__dict__)
        twin.entropy = list(self.entropy)
        twin.service = self.service.copy()
        twin.trie = self.trie.snapshot()
        return twin

    def keys_of_slot(self) -> bytes:
        """gamma_s as C(4) holds it, without its discriminator."""
        if self.tickets is None:
            return self.fallback
        return b"".join(ticket.encode() for ticket in self.tickets)

    def write_constants(self) -> None:
        """Set the entries that no block of this devnet changes: no core has work, no service but one exists."""
        spec = self.spec
        size = values(spec)
        put = self._put
        put(1, bytes(spec.cores))
        put(2, bytes(32 * size["Q"] * spec.cores))
        put(10, bytes(spec.cores))
        privileged = SERVICE.to_bytes(4, "little")
        put(12, privileged * (spec.cores + 3) + variable([privileged + GAS.to_bytes(8, "little")]))
        put(14, bytes(spec.epoch_length))
        put(15, bytes(spec.epoch_length))
        put(16, b"\0")

    def write(self, accumulated: bool = True) -> bytes:
        """Set the other entries as they are now and return the Merkle root, 32 bytes."""
        put = self._put
        put(3, self.history.encode())
        put(4, b"".join((
            self.next.encoded,
            self._ring_root(),
            b"\1" if self.tickets is None else b"\0",
            self.keys_of_slot(),
            variable([ticket.encode() for ticket in self.accumulator]),
        )))
        put(5, variable(sorted(self.good)) + b"\0\0" + variable(sorted(self.offenders)))
        put(6, b"".join(self.entropy))
        put(7, self.staging.encoded)
        put(8, self.active.encoded)
        put(9, self.previous.encoded)
        put(11, self.slot.to_bytes(4, "little"))
        put(13, self.statistics.encode(accumulated))
        return self.trie.root()

    def _put(self, chapter: int, value: bytes) -> None:
        # An entry that keeps its value keeps its hashes too: a validator set is 344 kB at full spec.
        key = state_key.chapter(chapter)
        if self.trie.get(key) != value:
            self.trie.set(key, value)

    def _ring_root(self) -> bytes:
        # Not a commitment to the ring: that needs a structured reference string (see safrole.Contest). Bytes that
        # depend on the ring stand in for it, so that the entry changes when the ring does.
        seed = blake2b_256(self.next.pairs)
        return (seed * 5)[:_RING_ROOT_SIZE]
