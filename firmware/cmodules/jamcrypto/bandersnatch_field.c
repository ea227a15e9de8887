#include "bandersnatch_field.h"

#include "bandersnatch_constants.h"

#include <string.h>

/* The words of p above the lowest, which is 1. The highest is below 2^31, so that rows of a multiplication carry
 * nothing out of eight words. */
#define P1 0xffffffffu
#define P2 0xfffe5bfeu
#define P3 0x53bda402u
#define P4 0x09a1d805u
#define P5 0x3339d808u
#define P6 0x299d7d48u
#define P7 0x73eda753u

#if JC_BANDERSNATCH_SMALL
#define UNROLLED
#else
#define UNROLLED _Pragma("GCC unroll 8")
#endif

int jc_words_is_zero(const jc_fe a) {
    return !(a[0] | a[1] | a[2] | a[3] | a[4] | a[5] | a[6] | a[7]);
}

int jc_words_at_least(const jc_fe a, const jc_fe b) {
    for (int i = JC_WORDS - 1; i >= 0; i--) {
        if (a[i] != b[i]) {
            return a[i] > b[i];
        }
    }
    return 1;
}

uint32_t jc_words_add(jc_fe r, const jc_fe a, const jc_fe b) {
    uint32_t carry = 0;
    UNROLLED
    for (int i = 0; i < JC_WORDS; i++) {
        uint32_t y = b[i];
        uint32_t sum = a[i] + y;
        uint32_t over = sum < y;
        sum += carry;
        carry = over | (sum < carry);
        r[i] = sum;
    }
    return carry;
}

uint32_t jc_words_subtract(jc_fe r, const jc_fe a, const jc_fe b) {
    uint32_t borrow = 0;
    UNROLLED
    for (int i = 0; i < JC_WORDS; i++) {
        uint32_t x = a[i];
        uint32_t y = b[i];
        uint32_t difference = x - y;
        uint32_t under = x < y;
        r[i] = difference - borrow;
        borrow = under | (difference < borrow);
    }
    return borrow;
}

void jc_words_load(jc_fe r, const uint8_t bytes[32]) {
    for (int i = 0; i < JC_WORDS; i++) {
        const uint8_t *b = bytes + 4 * i;
        r[i] = (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
    }
}

void jc_words_load_big_endian(jc_fe r, const uint8_t *bytes, int count) {
    memset(r, 0, sizeof(jc_fe));
    for (int i = 0; i < count; i++) {
        const uint8_t *b = bytes + 4 * (count - 1 - i);
        r[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    }
}

/* A small C library copies bytes, which takes ten times as long; as a loop, the compiler would call just that. */
void jc_fe_copy(jc_fe r, const jc_fe a) {
    r[0] = a[0];
    r[1] = a[1];
    r[2] = a[2];
    r[3] = a[3];
    r[4] = a[4];
    r[5] = a[5];
    r[6] = a[6];
    r[7] = a[7];
}

/* Make a number below 2 p tight. */
static inline void reduce_once(jc_fe r) {
    if (r[7] >= P7 && jc_words_at_least(r, JC_FE_MULTIPLES[1])) {
        jc_words_subtract(r, r, JC_FE_MULTIPLES[1]);
    }
}

void jc_fe_add(jc_fe r, const jc_fe a, const jc_fe b) {
    jc_words_add(r, a, b);
    reduce_once(r);
}

void jc_fe_add_loose(jc_fe r, const jc_fe a, const jc_fe b) {
    jc_words_add(r, a, b);
}

void jc_fe_subtract(jc_fe r, const jc_fe a, const jc_fe b) {
    if (jc_words_subtract(r, a, b)) {
        jc_words_add(r, r, JC_FE_MULTIPLES[1]);
    }
}

void jc_fe_negate(jc_fe r, const jc_fe a) {
    if (jc_words_is_zero(a)) {
        memset(r, 0, sizeof(jc_fe));
    } else {
        jc_words_subtract(r, JC_FE_MULTIPLES[1], a);
    }
}

void jc_fe_times_5(jc_fe r, const jc_fe a) {
    uint32_t high = 0;
    UNROLLED
    for (int i = 0; i < JC_WORDS; i++) {
        uint32_t x = a[i];
        uint32_t low = (x << 2) + x;
        uint32_t over = low < x;
        low += high;
        high = (x >> 30) + over + (low < high);
        r[i] = low;
    }
    /* How many p to take away, from the top 24 bits: it may be one too few. */
    uint32_t top = high << 21 | r[7] >> 11;
    uint32_t multiple = (uint32_t)(((P7 >> 11) + 1 <= top) + (2 * ((P7 >> 11) + 1) <= top)
        + (3 * ((P7 >> 11) + 1) <= top) + (4 * ((P7 >> 11) + 1) <= top));
    if (multiple) {
        jc_words_subtract(r, r, JC_FE_MULTIPLES[multiple]);
    }
    reduce_once(r);
}

#define ROW(t, i, carry, x) JC_MULTIPLY_ADD(t, a[i], x, t, carry)

/* Montgomery's multiplication, a row of the product and a row of its reduction in turn. With a below p, and b anything,
 * what stands in t after a row is below a + p < 2^256, and the result is below 2 p before its last subtraction. */
void jc_fe_multiply(jc_fe r, const jc_fe a, const jc_fe b) {
    uint32_t t0 = 0, t1 = 0, t2 = 0, t3 = 0, t4 = 0, t5 = 0, t6 = 0, t7 = 0;
    UNROLLED
    for (int i = 0; i < JC_WORDS; i++) {
        uint32_t x = b[i];
        uint32_t carry = 0;
        ROW(t0, 0, carry, x);
        ROW(t1, 1, carry, x);
        ROW(t2, 2, carry, x);
        ROW(t3, 3, carry, x);
        ROW(t4, 4, carry, x);
        ROW(t5, 5, carry, x);
        ROW(t6, 6, carry, x);
        ROW(t7, 7, carry, x);
        /* Add m p and drop the lowest word, which becomes zero: p is 1 there, and 2^32 - 1 in the next word. */
        uint32_t m = 0u - t0;
        uint64_t sum = ((uint64_t)m << 32) - m + t1 + (t0 != 0);
        uint32_t over = (uint32_t)(sum >> 32);
        t0 = (uint32_t)sum;
        JC_MULTIPLY_ADD(t1, P2, m, t2, over);
        JC_MULTIPLY_ADD(t2, P3, m, t3, over);
        JC_MULTIPLY_ADD(t3, P4, m, t4, over);
        JC_MULTIPLY_ADD(t4, P5, m, t5, over);
        JC_MULTIPLY_ADD(t5, P6, m, t6, over);
        JC_MULTIPLY_ADD(t6, P7, m, t7, over);
        t7 = carry + over;
    }
    r[0] = t0;
    r[1] = t1;
    r[2] = t2;
    r[3] = t3;
    r[4] = t4;
    r[5] = t5;
    r[6] = t6;
    r[7] = t7;
    reduce_once(r);
}

#if JC_BANDERSNATCH_SMALL

void jc_fe_square(jc_fe r, const jc_fe a) {
    jc_fe_multiply(r, a, a);
}

#else

/* The products of different words once, doubled; the squares; then eight rows of reduction. */
void jc_fe_square(jc_fe r, const jc_fe a) {
    uint32_t w[2 * JC_WORDS];
    uint32_t carry = 0;
    UNROLLED
    for (int j = 1; j < JC_WORDS; j++) {
        JC_MULTIPLY_ADD(w[j], a[0], a[j], 0, carry);
    }
    w[JC_WORDS] = carry;
    UNROLLED
    for (int i = 1; i < JC_WORDS - 1; i++) {
        carry = 0;
        UNROLLED
        for (int j = i + 1; j < JC_WORDS; j++) {
            JC_MULTIPLY_ADD(w[i + j], a[i], a[j], w[i + j], carry);
        }
        w[i + JC_WORDS] = carry;
    }
    w[0] = 0;
    w[2 * JC_WORDS - 1] = 0;
    uint32_t shifted = 0;
    carry = 0;
    UNROLLED
    for (int i = 0; i < JC_WORDS; i++) {
        uint32_t low = w[2 * i] << 1 | shifted;
        uint32_t high = w[2 * i + 1] << 1 | w[2 * i] >> 31;
        shifted = w[2 * i + 1] >> 31;
        JC_MULTIPLY_ADD(w[2 * i], a[i], a[i], low, carry);
        high += carry;
        carry = high < carry;
        w[2 * i + 1] = high;
    }
    uint32_t above = 0; /* what the rows so far carry into word i + 8 */
    UNROLLED
    for (int i = 0; i < JC_WORDS; i++) {
        uint32_t m = 0u - w[i];
        uint64_t sum = ((uint64_t)m << 32) - m + w[i + 1] + (w[i] != 0);
        uint32_t over = (uint32_t)(sum >> 32);
        w[i + 1] = (uint32_t)sum;
        JC_MULTIPLY_ADD(w[i + 2], P2, m, w[i + 2], over);
        JC_MULTIPLY_ADD(w[i + 3], P3, m, w[i + 3], over);
        JC_MULTIPLY_ADD(w[i + 4], P4, m, w[i + 4], over);
        JC_MULTIPLY_ADD(w[i + 5], P5, m, w[i + 5], over);
        JC_MULTIPLY_ADD(w[i + 6], P6, m, w[i + 6], over);
        JC_MULTIPLY_ADD(w[i + 7], P7, m, w[i + 7], over);
        sum = (uint64_t)w[i + 8] + over + above;
        w[i + 8] = (uint32_t)sum;
        above = (uint32_t)(sum >> 32);
    }
    jc_fe_copy(r, w + JC_WORDS);
    reduce_once(r);
}

#endif

void jc_fe_to_number(jc_fe r, const jc_fe a) {
    jc_fe_multiply(r, a, JC_FE_UNIT);
}
