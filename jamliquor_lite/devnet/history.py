"""Recent history and the accumulation-output belt: the state entry C(3) (GP 0.7.2, section 7 and appendix E.2)."""

from functools import lru_cache

from .build import variable

_LENGTH = 8  # H of the Gray Paper, in blocks
_LANES = 25
_RATE = 136  # bytes of Keccak-256
_MASK = (1 << 64) - 1
_NO_OUTPUT = bytes(32)  # Merkle root of no accumulation outputs: no devnet service yields one


def _permutation_constants() -> "tuple[list[int], list[tuple[int, int, int]]]":
    # Round constants from the specification's LFSR, and for each lane of rho and pi: (from, to, rotation).
    rounds = []
    register = 1
    for _ in range(24):
        constant = 0
        for j in range(7):
            if register & 1:
                constant |= 1 << ((1 << j) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        rounds.append(constant)
    moves = [(0, 0, 0)]
    x, y = 1, 0
    for t in range(24):
        moves.append((x + 5 * y, y + 5 * ((2 * x + 3 * y) % 5), (t + 1) * (t + 2) // 2 % 64))
        x, y = y, (2 * x + 3 * y) % 5
    return rounds, moves


_ROUNDS, _MOVES = _permutation_constants()


def _permute(lanes: "list[int]") -> "list[int]":
    for constant in _ROUNDS:
        columns = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
        mixed = [columns[x - 1] ^ ((columns[(x + 1) % 5] << 1 | columns[(x + 1) % 5] >> 63) & _MASK)
                 for x in range(5)]
        moved = [0] * _LANES
        for source, target, by in _MOVES:
            lane = lanes[source] ^ mixed[source % 5]
            moved[target] = (lane << by | lane >> (64 - by)) & _MASK
        lanes = [moved[i] ^ (~moved[i - i % 5 + (i + 1) % 5] & moved[i - i % 5 + (i + 2) % 5])
                 for i in range(_LANES)]
        lanes[0] ^= constant
    return lanes


@lru_cache(maxsize=4096)
def keccak_256(data: bytes) -> bytes:
    """Keccak-256 with the original padding, which is not SHA-3's. Input up to 135 bytes: one block is all we need."""
    if len(data) >= _RATE:
        raise ValueError("keccak_256 here takes less than 136 bytes")
    block = bytearray(_RATE)
    block[: len(data)] = data
    block[len(data)] ^= 0x01
    block[-1] ^= 0x80
    lanes = [int.from_bytes(block[8 * i : 8 * i + 8], "little") for i in range(_RATE // 8)]
    lanes = _permute(lanes + [0] * (_LANES - len(lanes)))
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


def append_to_belt(belt: "tuple[bytes | None, ...]", leaf: bytes = _NO_OUTPUT) -> "tuple[bytes | None, ...]":
    """The Merkle mountain belt with one more leaf: function A of appendix E.2."""
    peaks = list(belt)
    for i, peak in enumerate(peaks):
        if peak is None:
            peaks[i] = leaf
            return tuple(peaks)
        peaks[i] = None
        leaf = keccak_256(peak + leaf)
    return (*peaks, leaf)


def super_peak(belt: "tuple[bytes | None, ...]") -> bytes:
    """One hash over the belt: function M_R of appendix E.2."""
    peaks = [peak for peak in belt if peak is not None]
    if not peaks:
        return bytes(32)
    top = peaks[0]
    for peak in peaks[1:]:
        top = keccak_256(b"peak" + top + peak)
    return top


class History:
    """beta of the Gray Paper. Does not change; `after` makes the next one."""

    def __init__(self, entries: "tuple[tuple[bytes, bytes, bytes], ...]" = (),
                 belt: "tuple[bytes | None, ...]" = ()) -> None:
        self.entries = entries  # header hash, super-peak, state root (zero in the last until it is known)
        self.belt = belt

    @classmethod
    def of_genesis(cls, header_hash: bytes) -> "History":
        """What a genesis state holds: the genesis block and an empty belt."""
        return cls(((header_hash, bytes(32), bytes(32)),))

    def after(self, header_hash: bytes, prior_state_root: bytes) -> "History":
        """The history after one more block, which also commits the state root of the last one."""
        last, peak, _ = self.entries[-1]
        belt = append_to_belt(self.belt)
        entries = (*self.entries[:-1], (last, peak, prior_state_root), (header_hash, super_peak(belt), bytes(32)))
        return History(entries[-_LENGTH:], belt)

    def encode(self) -> bytes:
        """The value of C(3). No entry reports a work package."""
        entries = [header + peak + root + variable([]) for header, peak, root in self.entries]
        belt = [b"\0" if peak is None else b"\1" + peak for peak in self.belt]
        return variable(entries) + variable(belt)
