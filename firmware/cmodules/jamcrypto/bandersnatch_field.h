/* The field of Bandersnatch: integers modulo p = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001.
 *
 * An element is eight words of 32 bits, the lowest first, in Montgomery form (times 2^256) unless it says otherwise.
 * It is *tight* when it is below p, and *loose* when it is merely below 2^256, which leaves room for the sum of two
 * tight ones and saves its reduction. Every function wants tight arguments and gives tight results, but where it says.
 * A result may be the same object as an argument. Not constant time: see bandersnatch.h.
 */
#ifndef JC_BANDERSNATCH_FIELD_H
#define JC_BANDERSNATCH_FIELD_H

#include <stdint.h>

#ifndef JC_BANDERSNATCH_SMALL
#define JC_BANDERSNATCH_SMALL 0
#endif

#define JC_WORDS 8

typedef uint32_t jc_fe[JC_WORDS];

/* x y. Cortex-M0 multiplies 32 bits by 32 bits to 32, and the compiler's own routine multiplies 64 by 64. */
#if defined(__ARM_ARCH_6M__)
static inline uint64_t jc_product(uint32_t x, uint32_t y) {
    uint32_t low = (x & 0xffff) * (y & 0xffff);
    uint32_t middle = (x >> 16) * (y & 0xffff) + (low >> 16);
    uint32_t other = (x & 0xffff) * (y >> 16) + (middle & 0xffff);
    uint32_t high = (x >> 16) * (y >> 16) + (middle >> 16) + (other >> 16);
    return (uint64_t)high << 32 | other << 16 | (low & 0xffff);
}
#define JC_PRODUCT(x, y) jc_product((x), (y))
#else
#define JC_PRODUCT(x, y) ((uint64_t)(x) * (y))
#endif

/* d = low word and carry = high word of x y + t + carry, which is below 2^64. */
#if defined(__ARM_FEATURE_DSP)
#define JC_MULTIPLY_ADD(d, x, y, t, carry) \
    do { \
        uint32_t low_ = (t); \
        __asm__("umaal %0, %1, %2, %3" : "+r"(low_), "+r"(carry) : "r"(x), "r"(y)); \
        (d) = low_; \
    } while (0)
#else
#define JC_MULTIPLY_ADD(d, x, y, t, carry) \
    do { \
        uint64_t sum_ = JC_PRODUCT(x, y) + (t) + (carry); \
        (d) = (uint32_t)sum_; \
        (carry) = (uint32_t)(sum_ >> 32); \
    } while (0)
#endif

/* Plain numbers of 256 bits. */
int jc_words_is_zero(const jc_fe a);
int jc_words_at_least(const jc_fe a, const jc_fe b); /* a >= b */
uint32_t jc_words_add(jc_fe r, const jc_fe a, const jc_fe b); /* gives the carry */
uint32_t jc_words_subtract(jc_fe r, const jc_fe a, const jc_fe b); /* gives the borrow */
void jc_words_load(jc_fe r, const uint8_t bytes[32]); /* little-endian */
void jc_words_load_big_endian(jc_fe r, const uint8_t *bytes, int count); /* `count` words, at most eight */

void jc_fe_copy(jc_fe r, const jc_fe a);
void jc_fe_add(jc_fe r, const jc_fe a, const jc_fe b);
void jc_fe_add_loose(jc_fe r, const jc_fe a, const jc_fe b); /* a loose result */
void jc_fe_subtract(jc_fe r, const jc_fe a, const jc_fe b);
void jc_fe_negate(jc_fe r, const jc_fe a);
void jc_fe_times_5(jc_fe r, const jc_fe a);
void jc_fe_multiply(jc_fe r, const jc_fe a, const jc_fe b); /* b may be loose */
void jc_fe_square(jc_fe r, const jc_fe a);

/* Out of Montgomery form: the number itself. */
void jc_fe_to_number(jc_fe r, const jc_fe a);

/* r = 1/sqrt(w), one of the two, or 0 for 0, and 1 is returned; where w is no square r = 1/sqrt(5 w), and 0. */
int jc_fe_inverse_root(jc_fe r, const jc_fe w);

/* r = 1/a; 0 for 0. */
void jc_fe_invert(jc_fe r, const jc_fe a);

/* Whether a is a square other than 0. */
int jc_fe_is_square(const jc_fe a);

#endif
