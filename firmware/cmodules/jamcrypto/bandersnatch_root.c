/* Square roots, inverses and the quadratic character. */
#include "bandersnatch_constants.h"

#include <string.h>

/* r = a^((odd - 1)/2), p - 1 = 2^32 odd. */
static void power(jc_fe r, const jc_fe a) {
    jc_fe odd[8];
    jc_fe square;
    jc_fe_copy(odd[0], a);
    jc_fe_square(square, a);
    for (int i = 1; i < 8; i++) {
        jc_fe_multiply(odd[i], odd[i - 1], square);
    }
    jc_fe_copy(r, odd[JC_FE_CHAIN[1]]);
    for (int i = 2; i < JC_FE_CHAIN_BYTES; i += 2) {
        for (int n = JC_FE_CHAIN[i]; n; n--) {
            jc_fe_square(r, r);
        }
        if (JC_FE_CHAIN[i + 1] != JC_FE_CHAIN_PLAIN) {
            jc_fe_multiply(r, r, odd[JC_FE_CHAIN[i + 1]]);
        }
    }
}

/* With g of order 2^32 and w^odd = g^e, the answer is w^((odd - 1)/2) g^(-e/2); e is found four bits at a time, from
 * the lowest. A w with an odd e is no square, and then 5 w is one, with w^odd 5^odd = g^(e + 1). */
int jc_fe_inverse_root(jc_fe r, const jc_fe w) {
    jc_fe powers[8]; /* w^(odd 16^(7 - i)) */
    jc_fe root;
    uint32_t exponent = 0;
    if (jc_words_is_zero(w)) {
        memset(r, 0, sizeof(jc_fe));
        return 1;
    }
    power(root, w);
    jc_fe_square(powers[7], root);
    jc_fe_multiply(powers[7], powers[7], w);
    for (int i = 7; i > 0; i--) {
        jc_fe_square(powers[i - 1], powers[i]);
        jc_fe_square(powers[i - 1], powers[i - 1]);
        jc_fe_square(powers[i - 1], powers[i - 1]);
        jc_fe_square(powers[i - 1], powers[i - 1]);
    }
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < i; j++) {
            uint32_t digit = exponent >> 4 * j & 15;
            if (digit) {
                jc_fe_multiply(powers[i], powers[i], JC_FE_ROOTS[7 - i + j][digit]);
            }
        }
        /* What is left is one of the sixteen roots of 1 of that order; the table has their inverses. */
        uint32_t digit = 0;
        while (digit < 15 && powers[i][0] != JC_FE_ROOTS[7][-digit & 15][0]) {
            digit++;
        }
        exponent |= digit << 4 * i;
    }
    int is_square = !(exponent & 1);
    uint32_t half = exponent >> 1;
    if (!is_square) {
        jc_fe_multiply(root, root, JC_FE_ROOT_5);
        half++; /* (e + 1)/2 */
    }
    for (int j = 0; j < 8; j++) {
        uint32_t digit = half >> 4 * j & 15;
        if (digit) {
            jc_fe_multiply(root, root, JC_FE_ROOTS[j][digit]);
        }
    }
    jc_fe_copy(r, root);
    return is_square;
}

/* Steps of a batch: bit 2 of f has to be known throughout, of the 32 low bits that a batch starts with. */
#define BATCH_STEPS 30
#define BATCH_MASK ((1u << BATCH_STEPS) - 1)

/* Arguments take 22 to 28 batches; should there be one that takes more than this, it goes the slow way. */
#ifndef JC_MAX_BATCHES
#define JC_MAX_BATCHES 48
#endif

/* What a batch does to (f, g): new f = (u f + v g)/2^30 and new g = (q f + r g)/2^30. u + v and q + r are at most
 * 2^30, so the new ones are no larger than the larger of the old ones. */
typedef struct {
    uint32_t u, v, q, r;
} batch_t;

/* A variant of Bernstein's and Yang's divsteps in which nothing is ever negative, so that it can follow Jacobi's symbol
 * as well. f is odd. While g is even it is halved, each time taking one from the balance; else f is added to g, after
 * both were swapped if the balance was below zero, which is then turned. Low bits alone are looked at. The lowest bit
 * of `sign` is how often the symbol (g/f) has changed. */
static void run_batch(batch_t *batch, uint32_t f, uint32_t g, int *balance, uint32_t *sign) {
    uint32_t u = 1, v = 0, q = 0, r = 1;
    int left = BATCH_STEPS;
    for (;;) {
        uint32_t marked = g | 1u << left;
        int zeros = 0;
        while (!(marked & 1)) {
            marked >>= 1;
            zeros++;
        }
        g >>= zeros;
        u <<= zeros;
        v <<= zeros;
        left -= zeros;
        *balance -= zeros;
        *sign ^= (uint32_t)zeros & (f >> 1 ^ f >> 2); /* (2/f) is -1 where f is 3 or 5 modulo 8 */
        if (!left) {
            break;
        }
        if (*balance < 0) {
            uint32_t swap = f;
            f = g;
            g = swap;
            swap = u;
            u = q;
            q = swap;
            swap = v;
            v = r;
            r = swap;
            *balance = -*balance;
            *sign ^= (f & g) >> 1; /* (g/f) and (f/g) differ where both are 3 modulo 4 */
        }
        g += f;
        q += u;
        r += v;
    }
    *batch = (batch_t){u, v, q, r};
}

/* result = (u x + v y + m p)/2^30, of `size` words. m is below 2^30. The result may not be x or y. */
static void combine(
    uint32_t *result, const uint32_t *x, const uint32_t *y, uint32_t u, uint32_t v, uint32_t m, int size) {
    uint64_t sum = 0;
    uint32_t below = 0;
    for (int i = 0; i < size; i++) {
        sum += JC_PRODUCT(u, x[i]) + JC_PRODUCT(v, y[i]);
        if (m) {
            sum += JC_PRODUCT(m, JC_FE_MULTIPLES[1][i]);
        }
        uint32_t word = (uint32_t)sum;
        sum >>= 32;
        if (i) {
            result[i - 1] = below >> BATCH_STEPS | word << (32 - BATCH_STEPS);
        }
        below = word;
    }
    result[size - 1] = below >> BATCH_STEPS | (uint32_t)sum << (32 - BATCH_STEPS);
}

/* The same modulo p, where u x + v y need not be divisible by 2^30: p is 1 modulo that. */
static void combine_modulo(jc_fe result, const jc_fe x, const jc_fe y, uint32_t u, uint32_t v) {
    combine(result, x, y, u, v, (0u - (u * x[0] + v * y[0])) & BATCH_MASK, JC_WORDS);
    if (jc_words_at_least(result, JC_FE_MULTIPLES[1])) {
        jc_words_subtract(result, result, JC_FE_MULTIPLES[1]);
    }
}

/* Run (f, g) from (p, a) down to f = 1, for an a that is not 0: Jacobi's symbol (a/p), 1 or -1, or 0 if it gave up.
 * `inverse`, unless it is NULL, goes in as any factor and comes out as factor/a. */
static int run_down(const jc_fe a, uint32_t *inverse) {
    jc_fe f, g, d, new_x, new_y;
    int balance = -1;
    uint32_t sign = 0;
    int size = JC_WORDS;
    jc_fe_copy(f, JC_FE_MULTIPLES[1]);
    jc_fe_copy(g, a);
    memset(d, 0, sizeof d); /* factor f = d a and factor g = inverse a, modulo p */
    for (int batches = 0; batches < JC_MAX_BATCHES; batches++) {
        batch_t batch;
        run_batch(&batch, f[0], g[0], &balance, &sign);
        combine(new_x, f, g, batch.u, batch.v, 0, size);
        combine(new_y, f, g, batch.q, batch.r, 0, size);
        jc_fe_copy(f, new_x);
        jc_fe_copy(g, new_y);
        if (inverse) {
            combine_modulo(new_x, d, inverse, batch.u, batch.v);
            combine_modulo(new_y, d, inverse, batch.q, batch.r);
            jc_fe_copy(d, new_x);
            jc_fe_copy(inverse, new_y);
        }
        while (size > 1 && !(f[size - 1] | g[size - 1])) {
            size--;
        }
        uint32_t above = 0;
        for (int i = 1; i < size; i++) {
            above |= f[i];
        }
        if (f[0] == 1 && !above) {
            if (inverse) {
                jc_fe_copy(inverse, d);
            }
            return sign & 1 ? -1 : 1;
        }
    }
    return 0;
}

void jc_fe_invert(jc_fe r, const jc_fe a) {
    jc_fe inverse;
    if (jc_words_is_zero(a)) {
        memset(r, 0, sizeof(jc_fe));
        return;
    }
    jc_fe_copy(inverse, JC_FE_R2); /* a is a number times 2^256, and its inverse has to be so too */
    if (!run_down(a, inverse)) {
        jc_fe odd, rest; /* a^(p - 2) = (a^odd)^(2^32 - 1) a^(odd - 1) */
        power(rest, a);
        jc_fe_square(rest, rest);
        jc_fe_multiply(odd, rest, a);
        jc_fe_copy(inverse, odd);
        for (int i = 0; i < 31; i++) {
            jc_fe_square(inverse, inverse);
            jc_fe_multiply(inverse, inverse, odd);
        }
        jc_fe_multiply(inverse, inverse, rest);
    }
    jc_fe_copy(r, inverse);
}

int jc_fe_is_square(const jc_fe a) {
    if (jc_words_is_zero(a)) {
        return 0;
    }
    int symbol = run_down(a, NULL); /* 2^256 is a square: the form makes no difference */
    if (!symbol) {
        jc_fe residue; /* a^((p - 1)/2) */
        power(residue, a);
        jc_fe_square(residue, residue);
        jc_fe_multiply(residue, residue, a);
        for (int i = 0; i < 31; i++) {
            jc_fe_square(residue, residue);
        }
        return !memcmp(residue, JC_FE_ONE, sizeof residue);
    }
    return symbol > 0;
}
