/* Scalars in halves and signed digits, and sums of multiples over them. Scalars are plain numbers. */
#include "bandersnatch_constants.h"

#include <string.h>

#define HALF_WORDS 4

/* c = round(k factor / 2^256). */
static void scale(uint32_t c[JC_SPLIT_WORDS], const jc_fe k, const uint32_t factor[JC_SPLIT_WORDS]) {
    uint32_t product[JC_WORDS + JC_SPLIT_WORDS] = {0};
    for (int i = 0; i < JC_WORDS; i++) {
        uint32_t carry = 0;
        for (int j = 0; j < JC_SPLIT_WORDS; j++) {
            JC_MULTIPLY_ADD(product[i + j], k[i], factor[j], product[i + j], carry);
        }
        product[i + JC_SPLIT_WORDS] = carry;
    }
    uint32_t carry = product[JC_WORDS - 1] >> 31;
    for (int i = 0; i < JC_SPLIT_WORDS; i++) {
        c[i] = product[JC_WORDS + i] + carry;
        carry = c[i] < carry;
    }
}

void jc_scalar_split(uint32_t halves[2][HALF_WORDS], int signs[2], const jc_fe k) {
    uint32_t c[2][JC_SPLIT_WORDS];
    scale(c[0], k, JC_SPLIT_FACTORS[0]);
    scale(c[1], k, JC_SPLIT_FACTORS[1]);
    for (int h = 0; h < 2; h++) {
        uint32_t half[JC_SPLIT_WORDS] = {0}; /* modulo 2^160, in two's complement */
        for (int n = 0; n < 2; n++) {
            for (int i = 0; i < JC_SPLIT_WORDS; i++) {
                uint32_t carry = 0;
                for (int j = 0; i + j < JC_SPLIT_WORDS; j++) {
                    JC_MULTIPLY_ADD(half[i + j], c[n][i], JC_SPLIT_COEFFICIENTS[h][n][j], half[i + j], carry);
                }
            }
        }
        uint32_t borrow = 0;
        for (int i = 0; i < JC_SPLIT_WORDS; i++) { /* what the first half is taken away from is k, the other's is 0 */
            uint32_t x = h ? 0 : k[i];
            uint32_t difference = x - half[i];
            uint32_t under = x < half[i];
            half[i] = difference - borrow;
            borrow = under | (difference < borrow);
        }
        signs[h] = (int)(half[JC_SPLIT_WORDS - 1] >> 31);
        uint32_t carry = (uint32_t)signs[h];
        for (int i = 0; i < HALF_WORDS; i++) {
            halves[h][i] = (signs[h] ? ~half[i] : half[i]) + carry;
            carry = halves[h][i] < carry;
        }
    }
}

/* `width` bits of a number of `bits` bits, from bit `at`; above its top there are zeros. */
static uint32_t window_at(const uint32_t *number, int bits, int at, int width) {
    uint32_t window = number[at >> 5] >> (at & 31);
    if ((at & 31) + width > 32 && (at >> 5) + 1 < bits >> 5) {
        window |= number[(at >> 5) + 1] << (32 - (at & 31));
    }
    return window & ((1u << width) - 1);
}

void jc_scalar_digits(int8_t *digits, const uint32_t *number, int bits, int width, int negative) {
    uint32_t carry = 0; /* into the window, by a negative digit below */
    memset(digits, 0, (size_t)JC_DIGITS(bits));
    for (int at = 0; at < bits;) {
        if (window_at(number, bits, at, 1) == carry) {
            at++;
            continue;
        }
        uint32_t window = window_at(number, bits, at, width) + carry; /* odd */
        carry = window >> (width - 1);
        int digit = (int)window - (int)(carry << width);
        digits[at] = (int8_t)(negative ? -digit : digit);
        at += width;
    }
    if (carry) {
        digits[bits] = negative ? -1 : 1;
    }
}

void jc_points_sum(jc_point_t *r, const jc_term_t *terms, int count, int size) {
    int is_empty = 1; /* doubling an empty sum is no work */
    jc_point_set_identity(r);
    for (int at = size - 1; at >= 0; at--) {
        int left = 0;
        for (int i = 0; i < count; i++) {
            left += terms[i].digits[at] != 0;
        }
        if (!is_empty) {
            jc_point_double(r, r, left);
        }
        for (int i = 0; left; i++) {
            int digit = terms[i].digits[at];
            if (!digit) {
                continue;
            }
            int index = (digit < 0 ? -digit : digit) >> 1;
            const jc_affine_t *point = terms[i].affine + index;
            const uint32_t *z = NULL;
            if (terms[i].cached) {
                point = &terms[i].cached[index].over_z;
                z = memcmp(terms[i].cached[index].z, JC_FE_ONE, sizeof(jc_fe)) ? terms[i].cached[index].z : NULL;
            }
            jc_point_add(r, r, point, z, digit < 0, --left);
            is_empty = 0;
        }
    }
}
