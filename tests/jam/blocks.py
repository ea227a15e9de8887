"""Makes valid blocks of any shape, by an encoder of its own (GP 0.7.2 appendix C). Runs on both interpreters."""

from jamliquor_lite.codec.natural import encode


def u32(value: int) -> bytes:
    return bytes((value & 255, value >> 8 & 255, value >> 16 & 255, value >> 24 & 255))


def message(content: bytes) -> bytes:
    """As it goes over a stream."""
    return u32(len(content)) + content


def noise(dice, n: int) -> bytes:
    return bytes([dice.below(256) for _ in range(n)])


def fill(dice, n: int) -> bytes:
    """n bytes, cheap: what they are does not matter, only that they differ from place to place."""
    seed = noise(dice, 7)
    return (seed * (n // 7 + 1))[:n]


def sequence(items) -> bytes:
    items = list(items)
    return encode(len(items)) + b"".join(items)


def blob(dice, most: int) -> bytes:
    n = dice.below(most)
    return encode(n) + fill(dice, n)


def some_natural(dice) -> bytes:
    value = 0
    for _ in range(dice.below(8)):
        value = value << 8 | dice.below(256)
    return encode(value)


def header(spec, dice, epoch_mark: bool = False, tickets_mark: bool = False, offenders: int = 0) -> bytes:
    parts = [fill(dice, 96), noise(dice, 4)]
    parts.append(b"\1" + fill(dice, spec.epoch_mark_size) if epoch_mark else b"\0")
    parts.append(b"\1" + fill(dice, spec.tickets_mark_size) if tickets_mark else b"\0")
    parts.append(fill(dice, 98))
    parts.append(sequence([fill(dice, 32) for _ in range(offenders)]))
    parts.append(fill(dice, 96))
    return b"".join(parts)


def digest(dice) -> bytes:
    kind = dice.below(7)
    result = b"\0" + blob(dice, 300) if kind == 0 else bytes([kind])
    return fill(dice, 76) + result + b"".join([some_natural(dice) for _ in range(5)])


def report(dice) -> bytes:
    return b"".join((
        fill(dice, 102),
        fill(dice, 132),
        sequence([fill(dice, 32) for _ in range(dice.below(3))]),
        some_natural(dice),
        fill(dice, 32),
        some_natural(dice),
        blob(dice, 200),
        sequence([fill(dice, 64) for _ in range(dice.below(3))]),
        sequence([digest(dice) for _ in range(dice.below(4))]),
    ))


def guarantee(dice) -> bytes:
    return report(dice) + noise(dice, 4) + sequence([fill(dice, 66) for _ in range(2 + dice.below(2))])


def extrinsic(spec, dice) -> bytes:
    votes = spec.validators * 2 // 3 + 1
    return b"".join((
        sequence([fill(dice, 785) for _ in range(dice.below(4))]),
        sequence([noise(dice, 4) + blob(dice, 500) for _ in range(dice.below(3))]),
        sequence([guarantee(dice) for _ in range(dice.below(3))]),
        sequence([fill(dice, 32 + (spec.cores + 7) // 8 + 66) for _ in range(dice.below(4))]),
        sequence([fill(dice, 36 + votes * 67) for _ in range(dice.below(2))]),
        sequence([fill(dice, 128) for _ in range(dice.below(3))]),
        sequence([fill(dice, 129) for _ in range(dice.below(3))]),
    ))


def block(spec, dice) -> "tuple[bytes, bytes]":
    """(header, whole block)."""
    mark = dice.below(4)
    head = header(spec, dice, mark == 0, mark == 1, dice.below(4) if dice.below(3) == 0 else 0)
    return head, head + extrinsic(spec, dice)


EMPTY_EXTRINSIC = bytes(7)
