#!/usr/bin/env python3
"""Writes bandersnatch_constants.h and .c: every number that the C code of the curve needs, from the curve's definition.

    python3 bandersnatch_constants.py           write both files beside this one
    python3 bandersnatch_constants.py --check   write nothing; exit status 1 where they are not what would be written

The definition is that of `jamliquor_lite.crypto.bandersnatch`, whose arithmetic also makes the tables. Each number is
checked for what it is used for before it is written. Field elements are in Montgomery form (times 2^256), eight
words of 32 bits, the lowest first.
"""

import itertools
import random
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2]))

from jamliquor_lite.crypto import bandersnatch as curve  # noqa: E402

P = curve.FIELD
R = curve.ORDER
ODD = (P - 1) >> 32  # odd: the field's order less one is 2^32 times it
MONTGOMERY = 1 << 256
CHAIN_WIDTH = 4  # bits of an exponent that a multiplication of the chain takes at most
CHAIN_PLAIN = 255  # in place of an index: squarings alone
SPLIT_WORDS = 5
BASE_WIDTH = 6  # of the signed windows over multiples of the generator
SMALL_BASE_WIDTH = 5  # the same in the small build, whose rows are the first ones of the table
HALF_BITS = 127  # of a scalar's halves

Affine = tuple[int, int]


def words(number: int, count: int = 8) -> str:
    """An initializer of `count` words."""
    assert 0 <= number < 1 << 32 * count
    return "{" + ", ".join(f"0x{number >> 32 * i & 0xFFFFFFFF:08x}" for i in range(count)) + "}"


def element(number: int) -> str:
    """An initializer of the field element, in Montgomery form."""
    return words(number * MONTGOMERY % P)


def chain(exponent: int) -> list[int]:
    """The exponent as pairs: how many squarings, then which odd power 2 i + 1 to multiply by (or CHAIN_PLAIN). The
    first pair only says where to start."""
    bits = f"{exponent:b}"
    pairs = []
    at = pending = 0
    while at < len(bits):
        if bits[at] == "0":
            pending += 1
            at += 1
            continue
        window = bits[at : at + CHAIN_WIDTH].rstrip("0")
        pairs += [pending + len(window), int(window, 2) >> 1]
        pending = 0
        at += len(window)
    if pending:
        pairs += [pending, CHAIN_PLAIN]
    value = 0
    for squarings, index in zip(pairs[::2], pairs[1::2], strict=True):
        assert 0 < squarings < 255
        value = (value << squarings) + (0 if index == CHAIN_PLAIN else 2 * index + 1)
    assert value == exponent
    return pairs


def root_mod_order(number: int) -> int:
    """A square root modulo the group's order (Tonelli and Shanks)."""
    assert pow(number, (R - 1) // 2, R) == 1
    twos, odd = 0, R - 1
    while odd % 2 == 0:
        twos, odd = twos + 1, odd // 2
    nonresidue = next(z for z in itertools.count(2) if pow(z, (R - 1) // 2, R) == R - 1)
    generator, root, rest = pow(nonresidue, odd, R), pow(number, (odd + 1) // 2, R), pow(number, odd, R)
    while rest != 1:
        order, power = 0, rest
        while power != 1:
            order, power = order + 1, power * power % R
        step = pow(generator, 1 << twos - order - 1, R)
        root, generator, twos = root * step % R, step * step % R, order
        rest = rest * generator % R
    assert root * root % R == number % R
    return min(root, R - root)


def times(scalar: int, point: Affine) -> Affine:
    product = curve.multiply_add(scalar % R, curve.extend(point), 0, curve.IDENTITY)
    return curve.to_affine([product])[0]


def endomorphism(eigenvalue: int) -> tuple[int, int]:
    """(b, c) of psi(x, y) = (c (1 - y^2)/(x y), b (y^2 + b)/(y^2 - b)), which multiplies by the eigenvalue (Masson,
    Sanso, Zhang: "Bandersnatch", section 4). b is two less than a root of s^2 + J s + 1; c follows from one point."""
    b = (curve._E - 2) % P
    x, y = curve.GENERATOR
    image_x, _ = times(eigenvalue, curve.GENERATOR)
    c = image_x * x * y * pow(1 - y * y, -1, P) % P
    for scalar in (1, 2, 3, random.Random(1).randrange(R)):
        x, y = times(scalar, curve.GENERATOR)
        square = y * y
        image = (
            c * (1 - square) * pow(x * y, -1, P) % P,
            b * (square + b) * pow(square - b, -1, P) % P,
        )
        assert image == times(eigenvalue * scalar, curve.GENERATOR)
    return b, c


def short_vectors(eigenvalue: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The shortest basis of the lattice of (a, b) with a + b eigenvalue = 0 modulo the order (Gauss)."""
    u, v = (R, 0), (-eigenvalue, 1)
    while True:
        if v[0] ** 2 + v[1] ** 2 < u[0] ** 2 + u[1] ** 2:
            u, v = v, u
        size = u[0] ** 2 + u[1] ** 2
        multiple = (2 * (u[0] * v[0] + u[1] * v[1]) + size) // (2 * size)
        if not multiple:
            return u, v
        v = (v[0] - multiple * u[0], v[1] - multiple * u[1])


def split(eigenvalue: int) -> tuple[list[int], list[int]]:
    """(two factors, four coefficients) of a scalar's halves: with c_i = round(k factor_i / 2^256),
    k0 = k - c_0 coefficient_0 - c_1 coefficient_1 and k1 = -c_0 coefficient_2 - c_1 coefficient_3."""
    u, v = short_vectors(eigenvalue)
    determinant = u[0] * v[1] - u[1] * v[0]
    assert abs(determinant) == R
    sign = 1 if determinant > 0 else -1
    shares = (sign * v[1], -sign * u[1])
    signs = [1 if share >= 0 else -1 for share in shares]
    factors = [((abs(share) << 256) + R // 2) // R for share in shares]
    coefficients = [signs[0] * u[0], signs[1] * v[0], signs[0] * u[1], signs[1] * v[1]]
    # Each c_i is off by 1/2 for the rounding and by at most 2^-4 for the factor: k < 2^253, half a unit of 2^-256.
    for first, second in (coefficients[:2], coefficients[2:]):
        assert (abs(first) + abs(second)) * 9 // 16 < 1 << HALF_BITS
    dice = random.Random(2)
    for k in [0, 1, R - 1, R // 2, *(dice.randrange(R) for _ in range(2000))]:
        c = [(k * factor + (1 << 255)) >> 256 for factor in factors]
        k0 = k - c[0] * coefficients[0] - c[1] * coefficients[1]
        k1 = -c[0] * coefficients[2] - c[1] * coefficients[3]
        assert (k0 + k1 * eigenvalue - k) % R == 0
        assert max(abs(k0), abs(k1)) < 1 << HALF_BITS
    return factors, coefficients


def odd_multiples(base: Affine, count: int) -> list[Affine]:
    """base, 3 base, 5 base …"""
    return [times(2 * i + 1, base) for i in range(count)]


class Files:
    """The two texts as they grow."""

    def __init__(self) -> None:
        self.declarations: list[str] = []
        self.definitions: list[str] = []

    def constant(self, name: str, kind: str, value: str, what: str) -> None:
        self.declarations.append(f"/* {what} */\nextern const {kind.replace('@', name)};\n")
        self.definitions.append(f"const {kind.replace('@', name)} = {value};\n")

    def table(self, name: str, kind: str, rows: list[str], what: str) -> None:
        self.constant(name, kind, "{\n" + "".join(f"    {row},\n" for row in rows) + "}", what)

    def macro(self, name: str, value: object, what: str) -> None:
        self.declarations.append(f"/* {what} */\n#define {name} {value}\n")


def field(files: Files) -> None:
    """What the field and its square roots need."""
    files.table("JC_FE_MULTIPLES", "jc_fe @[5]", [words(i * P % MONTGOMERY) for i in range(5)],
                "0, p, 2 p, 3 p and 4 p, the last two modulo 2^256; no Montgomery form.")
    files.constant("JC_FE_ONE", "jc_fe @", element(1), "1.")
    files.constant("JC_FE_UNIT", "jc_fe @", words(1), "The number 1: times this leaves Montgomery form.")
    files.constant("JC_FE_R2", "jc_fe @", words(MONTGOMERY**2 % P), "2^512: times this enters Montgomery form.")
    files.constant("JC_FE_R3", "jc_fe @", words(MONTGOMERY**3 % P), "2^768: the same, and times 2^256.")
    files.constant("JC_FE_HALF", "jc_fe @", words((P - 1) // 2), "(p - 1)/2, not in Montgomery form.")
    assert pow(5, (P - 1) // 2, P) == P - 1
    files.constant("JC_FE_ROOT_5", "jc_fe @", element(pow(5, (ODD - 1) // 2, P)), "5^((odd - 1)/2), p - 1 = 2^32 odd.")
    generator = pow(pow(5, ODD, P), -1, P)
    roots = [[pow(generator, i << 4 * j, P) for i in range(16)] for j in range(8)]
    assert roots[7][8] == P - 1
    assert len({root * MONTGOMERY % P & 0xFFFFFFFF for root in roots[7]}) == 16
    rows = ["{" + ",\n     ".join(element(root) for root in row) + "}" for row in roots]
    files.table("JC_FE_ROOTS", "jc_fe @[8][16]", rows,
                "[j][i] = g^(-i 16^j), g = 5^odd of order 2^32. The lowest words of the last row are all different.")
    pairs = chain((ODD - 1) // 2)
    lines = [", ".join(map(str, pairs[i : i + 24])) for i in range(0, len(pairs), 24)]
    files.macro("JC_FE_CHAIN_PLAIN", CHAIN_PLAIN, "In the chain in place of an index: squarings alone.")
    files.macro("JC_FE_CHAIN_BYTES", len(pairs), "Of the chain.")
    files.table("JC_FE_CHAIN", "uint8_t @[JC_FE_CHAIN_BYTES]", lines,
                "The exponent (odd - 1)/2 as pairs: how many squarings, then times which odd power 2 i + 1.")


def group(files: Files) -> None:
    """What the curve, its endomorphism and the multiplications need."""
    files.constant("JC_CURVE_D", "jc_fe @", element(curve._D), "d of a x^2 + y^2 = 1 + d x^2 y^2; a = -5.")
    files.constant("JC_CURVE_K", "jc_fe @", element(curve._K), "K of the Montgomery form K t^2 = s^3 + J s^2 + s.")
    files.constant("JC_CURVE_J_OVER_K", "jc_fe @", element(curve._J_OVER_K), "J/K.")
    files.constant("JC_CURVE_ONE_OVER_K2", "jc_fe @", element(curve._ONE_OVER_K2), "1/K^2.")
    assert (curve._E**2 + curve._J_OVER_K * curve._K * curve._E + 1) % P == 0
    files.constant("JC_CURVE_E", "jc_fe @", element(curve._E), "A root of s^2 + J s + 1.")
    eigenvalue = root_mod_order(-2)
    b, c = endomorphism(eigenvalue)
    files.constant("JC_PSI_B", "jc_fe @", element(b), "b of psi: see jc_point_psi.")
    files.constant("JC_PSI_C", "jc_fe @", element(c), "c of psi.")
    files.constant("JC_ORDER", "jc_fe @", words(R), "The subgroup's order; a number.")
    factors, coefficients = split(eigenvalue)
    files.macro("JC_SPLIT_WORDS", SPLIT_WORDS, "Of the numbers that split a scalar.")
    files.macro("JC_HALF_BITS", HALF_BITS, "Of the halves of a scalar, at most.")
    files.table("JC_SPLIT_FACTORS", "uint32_t @[2][JC_SPLIT_WORDS]", [words(f, SPLIT_WORDS) for f in factors],
                "c_i = round(k factor_i / 2^256).")
    files.table("JC_SPLIT_COEFFICIENTS", "uint32_t @[2][2][JC_SPLIT_WORDS]",
                ["{" + ", ".join(words(n % (1 << 32 * SPLIT_WORDS), SPLIT_WORDS) for n in pair) + "}"
                 for pair in (coefficients[:2], coefficients[2:])],
                "half_j = (k, 0)_j - c_0 coefficient_j0 - c_1 coefficient_j1, in two's complement.")
    bases = [times(eigenvalue**i << 64 * j, curve.GENERATOR) for j in range(2) for i in range(2)]
    rows = []
    for base in bases:
        entries = []
        for x, y in odd_multiples(base, 1 << BASE_WIDTH - 2):
            entries.append("{" + ",\n      ".join(element(n) for n in (x, y, curve._D * x * y)) + "}")
        few = 1 << SMALL_BASE_WIDTH - 2
        rows.append("{" + ",\n     ".join(entries[:few]) + ",\n#if !JC_BANDERSNATCH_SMALL\n     "
                    + ",\n     ".join(entries[few:]) + ",\n#endif\n    }")
    files.declarations.append(
        "/* Bits of a signed window over the generator's multiples; one of n bits needs 2^(n - 2) of them. */\n"
        f"#if JC_BANDERSNATCH_SMALL\n#define JC_BASE_WIDTH {SMALL_BASE_WIDTH}\n"
        f"#else\n#define JC_BASE_WIDTH {BASE_WIDTH}\n#endif\n"
    )
    rows[2] = "#if !JC_BANDERSNATCH_SMALL\n    " + rows[2]
    files.table("JC_BASE_MULTIPLES", "jc_affine_t @[JC_PIECES][1 << (JC_BASE_WIDTH - 2)]", rows,
                "Odd multiples of G, psi(G), 2^64 G and psi(2^64 G); the small build has the first two.")
    files.definitions[-1] = files.definitions[-1].rstrip().removesuffix("};") + "#endif\n};\n"


def texts() -> dict[str, str]:
    """name -> content of both files."""
    files = Files()
    field(files)
    group(files)
    made = "/* Made by bandersnatch_constants.py from the curve's definition: change that, not this. */\n"
    header = [made, "#ifndef JC_BANDERSNATCH_CONSTANTS_H\n#define JC_BANDERSNATCH_CONSTANTS_H\n"]
    header += ['#include "bandersnatch_curve.h"\n', *files.declarations, "#endif\n"]
    return {
        "bandersnatch_constants.h": "\n".join(header),
        "bandersnatch_constants.c": "\n".join([made, '#include "bandersnatch_constants.h"\n', *files.definitions]),
    }


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print("bandersnatch_constants: the only word it takes is --check", file=sys.stderr)
        return 2
    for name, text in texts().items():
        path = HERE / name
        if not arguments:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            print(f"bandersnatch_constants: {name} is not what the curve's definition gives", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
