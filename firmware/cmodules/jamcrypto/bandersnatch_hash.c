/* Hashing to the curve: RFC 9380 section 3 with two maps of Elligator 2, except that arkworks pads with 48 zero bytes
 * in `expand_message_xmd` where the RFC pads with a whole block of 128. */
#include "bandersnatch_constants.h"
#include "sha512.h"

#include <string.h>

#define PAD_BYTES 48
#define ELEMENT_BYTES 48 /* that a field element is hashed to, before its reduction */
#define UNIFORM_BYTES (2 * ELEMENT_BYTES)

/* The domain separation tag, with its length of 64 for a last byte. */
static const char TAG[] = "ECVRF_Bandersnatch_XMD:SHA-512_ELL2_RO_Bandersnatch_SHA-512_ELL2\x40";
#define TAG_BYTES 65

/* Elligator 2 with Z = 5 (RFC 9380 section 6.7.1), then to Edwards form. Fractions are carried, not divided. */
static void map_to_curve(jc_point_t *r, const jc_fe u) {
    jc_fe v, d, n, g, a, y;
    jc_fe_square(v, u);
    jc_fe_times_5(v, v);
    jc_fe_add(d, v, JC_FE_ONE); /* never 0: -1 is a square here, and v is none */
    jc_fe_negate(n, JC_CURVE_J_OVER_K); /* the first candidate is n/d */
    jc_fe_multiply(g, n, JC_CURVE_J_OVER_K);
    jc_fe_multiply(g, g, d);
    jc_fe_square(a, n);
    jc_fe_add(g, g, a);
    jc_fe_square(a, d);
    jc_fe_multiply(y, a, JC_CURVE_ONE_OVER_K2);
    jc_fe_add_loose(g, g, y);
    jc_fe_multiply(g, n, g); /* g/d^3 has to be a square */
    jc_fe_multiply(a, a, d);
    jc_fe_multiply(a, a, g);
    int is_first = jc_fe_inverse_root(y, a);
    if (!is_first) { /* then the second is, n v/d: its root is u sqrt(5 g/d^3) */
        jc_fe_multiply(n, n, v);
        jc_fe_multiply(y, y, u);
        jc_fe_times_5(y, y);
    }
    jc_fe_multiply(y, y, g);
    jc_fe_to_number(a, y);
    if ((int)(a[0] & 1) != is_first) {
        jc_fe_negate(y, y);
    }
    jc_fe_multiply(n, n, JC_CURVE_K); /* s = n/d and t = y in Montgomery form: x = s/t, y = (s - 1)/(s + 1) */
    jc_fe_multiply(y, y, JC_CURVE_K);
    jc_fe_multiply(a, y, d);
    jc_fe_subtract(g, n, d);
    jc_fe_add(d, n, d);
    if (jc_words_is_zero(a) || jc_words_is_zero(d)) { /* the map's exception, met for u = 0 only */
        jc_point_set_identity(r);
        return;
    }
    jc_fe_multiply(r->x, n, d);
    jc_fe_multiply(r->y, g, a);
    jc_fe_multiply(r->z, a, d);
    jc_fe_multiply(r->t, n, g);
}

/* out = SHA-512(data, number, tag), a block of the expansion. */
static void expand(uint8_t out[JC_SHA512_BYTES], const uint8_t data[JC_SHA512_BYTES], uint8_t number) {
    jc_sha512_t hash;
    jc_sha512_init(&hash);
    jc_sha512_update(&hash, data, JC_SHA512_BYTES);
    jc_sha512_update(&hash, &number, 1);
    jc_sha512_update(&hash, (const uint8_t *)TAG, TAG_BYTES);
    jc_sha512_final(&hash, out);
}

/* UNIFORM_BYTES of `data`, and what is left of their last block. */
static void expand_message(uint8_t uniform[2 * JC_SHA512_BYTES], const uint8_t *data, size_t size) {
    static const uint8_t LENGTH[3] = {0, UNIFORM_BYTES, 0};
    jc_sha512_t hash;
    uint8_t first[JC_SHA512_BYTES];
    memset(uniform, 0, PAD_BYTES);
    jc_sha512_init(&hash);
    jc_sha512_update(&hash, uniform, PAD_BYTES);
    jc_sha512_update(&hash, data, size);
    jc_sha512_update(&hash, LENGTH, sizeof LENGTH);
    jc_sha512_update(&hash, (const uint8_t *)TAG, TAG_BYTES);
    jc_sha512_final(&hash, first);
    expand(uniform, first, 1);
    for (int i = 0; i < JC_SHA512_BYTES; i++) {
        first[i] ^= uniform[i];
    }
    expand(uniform + JC_SHA512_BYTES, first, 2);
}

/* The element of 48 bytes: the upper 16 times 2^256, and the lower 32. */
static void load_element(jc_fe r, const uint8_t bytes[ELEMENT_BYTES]) {
    jc_fe upper, lower;
    jc_words_load_big_endian(upper, bytes, 4);
    jc_words_load_big_endian(lower, bytes + 16, 8); /* may exceed p: it has to be the second factor */
    jc_fe_multiply(upper, JC_FE_R3, upper);
    jc_fe_multiply(lower, JC_FE_R2, lower);
    jc_fe_add(r, upper, lower);
}

void jc_hash_to_curve(jc_point_t *r, const uint8_t *data, size_t size) {
    uint8_t uniform[2 * JC_SHA512_BYTES];
    jc_fe u;
    jc_point_t other;
    jc_cached_t addend;
    expand_message(uniform, data, size);
    load_element(u, uniform);
    map_to_curve(r, u);
    load_element(u, uniform + ELEMENT_BYTES);
    map_to_curve(&other, u);
    jc_point_cache(&addend, &other);
    jc_point_add(r, r, &addend.over_z, addend.z, 0, 0);
    jc_point_double(r, r, 0);
    jc_point_double(r, r, 1);
}
