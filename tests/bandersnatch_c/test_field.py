"""The field, its roots and inverses, the halves and digits of scalars, and SHA-512, against Python's integers."""

import hashlib
import itertools
import random
import subprocess
import sys

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jamliquor_lite.crypto import bandersnatch as curve
from tests.bandersnatch_c.driver import MODULE, MONTGOMERY, P, eigenvalue, montgomery, number

R = curve.ORDER
INVERSE = pow(MONTGOMERY, -1, P)
# Words at which carries start, run through or end.
WORDS = (0, 1, 2, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFE, 0xFFFFFFFF)
SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def from_words(words):
    return sum(word << 32 * i for i, word in enumerate(words))


words = st.lists(st.one_of(st.sampled_from(WORDS), st.integers(0, 0xFFFFFFFF)), min_size=8, max_size=8).map(from_words)
near = st.integers(-3, 3)
loose = st.one_of(words, near.map(lambda i: (P + i) % MONTGOMERY), near.map(lambda i: (2 * P + i) % MONTGOMERY))
tight = st.one_of(
    loose.map(lambda n: n % P), near.map(lambda i: i % P), near.map(lambda i: (P // 2 + i) % P),
    st.tuples(st.integers(1, 4), near).map(lambda t: (t[0] * P // 5 + t[1]) % P),
)


@SETTINGS
@given(a=tight, b=tight)
def test_sums(c, a, b):
    assert c.element("+", a, b) == (a + b) % P
    assert c.element("l", a, b) == a + b
    assert c.element("-", a, b) == (a - b) % P
    assert c.element("n", a) == -a % P
    assert c.element("5", a) == 5 * a % P


@SETTINGS
@given(a=tight, b=loose)
def test_products(c, a, b):
    assert c.element("*", a, b) == a * b * INVERSE % P
    assert c.element("2", a) == a * a * INVERSE % P


def test_products_at_every_carry(c):
    dice = random.Random(1)
    edges = [from_words([word] * 8) for word in WORDS] + [P - 1, P, P + 1, 2 * P - 1, MONTGOMERY - 1]
    edges += [1 << i for i in range(0, 256, 31)] + [MONTGOMERY - (1 << i) for i in range(0, 256, 31)]
    for a, b in itertools.product(edges, repeat=2):
        assert c.element("*", a % P, b) == a * b * INVERSE % P
        assert c.element("+", a % P, b % P) == (a + b) % P
    for a in edges:
        assert c.element("2", a % P) == a * a * INVERSE % P
        assert c.element("5", a % P) == 5 * a % P
    for _ in range(2000):
        a = from_words([dice.choice(WORDS) for _ in range(8)])
        b = from_words([dice.choice(WORDS) for _ in range(8)])
        assert c.element("*", a % P, b) == a * b * INVERSE % P
        assert c.element("2", a % P) == a * a * INVERSE % P


@SETTINGS
@given(a=tight, b=tight)
def test_results_may_lie_where_arguments_lie(c, a, b):
    square = (a * b * INVERSE) ** 2 * INVERSE
    value = 10 * (square - b) % P
    wanted = pow(value, -1, P) * MONTGOMERY**2 % P if value else 0
    assert c.element("/", a, b) == wanted


@SETTINGS
@given(a=tight)
def test_inverses_and_squares(c, a):
    inverse = c.element("i", a)
    assert number(inverse) == (pow(number(a), -1, P) if a else 0)
    assert c.field("q", a) == bytes([a != 0 and pow(a, (P - 1) // 2, P) == 1])
    assert c.field("q", montgomery(a * a)) == bytes([a != 0])


@SETTINGS
@given(a=tight)
def test_inverse_roots(c, a):
    check_inverse_root(c, number(a))


def check_inverse_root(c, w):
    answer = c.field("r", montgomery(w))
    is_square, root = answer[0], number(int.from_bytes(answer[1:], "little"))
    assert is_square == (curve.inverse_root(w) is not None)
    wanted = w if is_square else 5 * w
    assert root * root * wanted % P == (1 if w else 0)


def test_inverse_roots_of_every_order(c):
    dice = random.Random(2)
    odd = (P - 1) >> 32
    generator = pow(5, odd, P)
    check_inverse_root(c, 0)
    check_inverse_root(c, 1)
    for k in range(32):
        root_of_unity = pow(generator, 1 << k, P)
        # Times an odd part: only the search in the group of 2^32 matters, and every digit of it shows.
        check_inverse_root(c, root_of_unity)
        check_inverse_root(c, root_of_unity * pow(dice.randrange(1, P), 1 << 32, P) % P)
        check_inverse_root(c, pow(generator, (1 << 32) - (1 << k), P))
        check_inverse_root(c, pow(generator, (1 << 32) - 1 - (1 << k), P))
    check_inverse_root(c, pow(generator, -1, P))  # the largest exponent there is: with one more it wraps


def test_inverses_at_the_ends(c):
    for n in [*range(1, 40), *(1 << i for i in range(255)), *(P >> i for i in range(1, 254))]:
        for a in (n % P, -n % P):
            assert c.element("i", a) == pow(a, -1, P) * MONTGOMERY**2 % P
            assert c.field("q", a) == bytes([pow(a, (P - 1) // 2, P) == 1])


def read_digits(data, width):
    """The number that signed digits stand for; each is odd and has `width` bits, and zeros follow it."""
    digits = [digit - 256 if digit > 127 else digit for digit in data]
    at = -width
    for i, digit in enumerate(digits):
        if digit:
            assert digit % 2 and abs(digit) < 1 << width - 1 and i - at >= width
            at = i
    return sum(digit << i for i, digit in enumerate(digits))


def check_split(c, k, width, root):
    answer = c.ask(b"S", k.to_bytes(32, "little") + bytes([width]))
    size = 16 + 1 + 129
    halves = []
    for part in (answer[:size], answer[size:]):
        half = int.from_bytes(part[:16], "little")
        assert half < 1 << 127
        half = -half if part[16] else half
        assert read_digits(part[17:], width) == half
        halves.append(half)
    assert (halves[0] + halves[1] * root - k) % R == 0


def test_halves_of_scalars(c):
    dice = random.Random(3)
    root = eigenvalue()
    assert root * root % R == R - 2
    edges = [0, 1, 2, R - 1, R - 2, R // 2, R // 2 + 1, root, R - root, (1 << 252) - 1, 1 << 252]
    edges += [1 << i for i in range(252)]
    for k in edges + [dice.randrange(R) for _ in range(300)]:
        check_split(c, k, dice.choice((4, 5, 6, 7)), root)


def test_digits(c):
    dice = random.Random(4)
    for bits in (64, 128):
        numbers = [0, 1, (1 << bits) - 1, 1 << bits - 1, (1 << bits) - 8, from_words([0xAAAAAAAA] * 4) % (1 << bits)]
        numbers += [dice.getrandbits(bits) for _ in range(100)] + [(1 << bits) - dice.getrandbits(40) - 1] * 20
        for n, width, negative in itertools.product(numbers, (4, 6), (0, 1)):
            answer = c.ask(b"D", bytes([bits, width, negative]) + n.to_bytes(bits // 8, "little"))
            assert read_digits(answer, width) == (-n if negative else n)


def test_sha512(c):
    dice = random.Random(5)
    for size in [*range(600), 1000, 4096, 65_833]:
        data = dice.randbytes(size)
        wanted = hashlib.sha512(data).digest()
        assert c.sha512(data) == wanted
        assert c.sha512(data, dice.choice((1, 7, 63, 64, 127, 128, 129))) == wanted
    # Tails from which the padding does not fit into the block, whatever came before, piece by piece.
    for size in range(111, 129):
        for blocks in (0, 1, 2):
            data = dice.randbytes(128 * blocks + size)
            assert c.sha512(data, 1) == c.sha512(data, 128) == hashlib.sha512(data).digest()


def test_constants_are_what_the_curve_s_definition_gives():
    done = subprocess.run(
        [sys.executable, str(MODULE / "bandersnatch_constants.py"), "--check"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
