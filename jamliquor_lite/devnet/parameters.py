"""The protocol parameters that a chain specification carries (JIP-4; GP 0.7.2, `fetch` of appendix B.6)."""

from ..codec.spec import Spec

# name in the Gray Paper, bytes, value of spec full, value of spec tiny; V, C, E, Y, N and P come from the Spec
_TABLE = (
    ("B_I", 8, 10, 10),
    ("B_L", 8, 1, 1),
    ("B_S", 8, 100, 100),
    ("C", 2, 0, 0),
    ("D", 4, 19200, 32),
    ("E", 4, 0, 0),
    ("G_A", 8, 10_000_000, 10_000_000),
    ("G_I", 8, 50_000_000, 50_000_000),
    ("G_R", 8, 5_000_000_000, 1_000_000_000),
    ("G_T", 8, 3_500_000_000, 20_000_000),
    ("H", 2, 8, 8),
    ("I", 2, 16, 16),
    ("J", 2, 8, 8),
    ("K", 2, 16, 3),
    ("L", 4, 14400, 24),
    ("N", 2, 0, 0),
    ("O", 2, 8, 8),
    ("P", 2, 0, 0),
    ("Q", 2, 80, 80),
    ("R", 2, 10, 4),
    ("T", 2, 128, 128),
    ("U", 2, 5, 5),
    ("V", 2, 0, 0),
    ("W_A", 4, 64_000, 64_000),
    ("W_B", 4, 13_791_360, 13_791_360),
    ("W_C", 4, 4_000_000, 4_000_000),
    ("W_E", 4, 684, 4),
    ("W_M", 4, 3072, 3072),
    ("W_P", 4, 6, 1026),
    ("W_R", 4, 49_152, 49_152),
    ("W_T", 4, 128, 128),
    ("W_X", 4, 3072, 3072),
    ("Y", 4, 0, 0),
)


def values(spec: Spec) -> "dict[str, int]":
    """All constants by their name in the Gray Paper."""
    own = {"C": spec.cores, "E": spec.epoch_length, "N": spec.attempts, "P": spec.slot_seconds,
           "V": spec.validators, "Y": spec.tickets_end}
    return {name: own.get(name, full if spec.name == "full" else tiny) for name, _, full, tiny in _TABLE}


def encode(spec: Spec) -> bytes:
    """The 134 bytes of JIP-4's `protocol_parameters`."""
    value = values(spec)
    return b"".join(value[name].to_bytes(size, "little") for name, size, _, _ in _TABLE)
