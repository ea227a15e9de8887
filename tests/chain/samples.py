"""Repeatable random states for the tests of tries and proofs. Runs on both interpreters."""


class Random:
    """A small congruential generator: the same numbers on every interpreter, unlike `random`."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def _next(self) -> int:
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        return self._state >> 33

    def bytes(self, size: int) -> bytes:
        return bytes([self._next() & 0xFF for _ in range(size)])

    def below(self, limit: int) -> int:
        return self._next() % limit


def random_key(rng: Random) -> bytes:
    """A key as states have them: spread, of one service (interleaved zeroes), or with a long prefix."""
    kind = rng.below(4)
    key = bytearray(rng.bytes(31))
    if kind == 1:
        key[0] = rng.below(3)
        key[2] = key[4] = key[6] = 0
    elif kind == 2:
        for i in range(1 + rng.below(30)):
            key[i] = 0
    elif kind == 3:
        key = bytearray(31)
        key[0] = rng.below(20)
    return bytes(key)


def random_value(rng: Random) -> bytes:
    """Around the border of 32 bytes mostly, sometimes longer."""
    if rng.below(4) == 0:
        return rng.bytes(100 + rng.below(300))
    return rng.bytes(rng.below(40))


def random_state(rng: Random, count: int) -> "list[tuple[bytes, bytes]]":
    """`count` entries of distinct keys, in no order."""
    state: "dict[bytes, bytes]" = {}
    while len(state) < count:
        state[random_key(rng)] = random_value(rng)
    return list(state.items())
