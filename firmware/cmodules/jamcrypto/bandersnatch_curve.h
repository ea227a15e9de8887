/* The Bandersnatch curve -5 x^2 + y^2 = 1 + d x^2 y^2, its endomorphism, and sums of multiples of points.
 *
 * Source: Hisil, Wong, Carter, Dawson: "Twisted Edwards Curves Revisited" (the formulas); Masson, Sanso, Zhang:
 * "Bandersnatch" (psi); Gallant, Lambert, Vanstone (halving scalars by it). Not constant time: see bandersnatch.h.
 */
#ifndef JC_BANDERSNATCH_CURVE_H
#define JC_BANDERSNATCH_CURVE_H

#include "bandersnatch_field.h"

#include <stddef.h>

/* Into how many pieces each half of a scalar is cut for the generator and the key: with two, their multiplications
 * have 64 doublings instead of 127, for a key of twice the size and some work once for each key. */
#if JC_BANDERSNATCH_SMALL
#define JC_CUTS 1
#else
#define JC_CUTS 2
#endif
#define JC_PIECES (2 * JC_CUTS)

/* Bits of a signed window over multiples of other points, and how many odd multiples P, 3 P … that takes. */
#define JC_WINDOW 4
#define JC_WINDOW_POINTS (1 << (JC_WINDOW - 2))

/* x = X/Z, y = Y/Z, t = X Y/Z^2. */
typedef struct {
    jc_fe x, y, z, t;
} jc_point_t;

/* A point to be added often, with z = 1, and d t in place of t. */
typedef struct {
    jc_fe x, y, dt;
} jc_affine_t;

/* The same with any z. */
typedef struct {
    jc_affine_t over_z;
    jc_fe z;
} jc_cached_t;

/* r = 2 p. With `with_t` 0, r->t is left undefined, which saves its multiplication; doubling never reads t. */
void jc_point_double(jc_point_t *r, const jc_point_t *p, int with_t);

/* r = p + q, or p - q if `negative`; the same point or not. `z` is that of q, NULL for 1. */
void jc_point_add(
    jc_point_t *r, const jc_point_t *p, const jc_affine_t *q, const uint32_t *z, int negative, int with_t);

void jc_point_set_identity(jc_point_t *r);
void jc_point_from_affine(jc_point_t *r, const jc_fe x, const jc_fe y);
void jc_point_cache(jc_cached_t *r, const jc_point_t *p);

/* r = psi(p): on the subgroup, p times a root of -2. */
void jc_point_psi(jc_point_t *r, const jc_point_t *p);

/* table = p, 3 p, 5 p, 7 p. */
void jc_point_odd_multiples(jc_cached_t table[JC_WINDOW_POINTS], const jc_point_t *p);

/* The point of 32 bytes, with z = 1. 0, or -1 for what is no canonical y, not on the curve or outside the subgroup. The
 * identity is a point, with either sign. */
int jc_point_decode(jc_point_t *r, const uint8_t encoded[32]);

/* 32 bytes: y little-endian, and in the top bit whether x is above (p - 1)/2. z has to be 1. */
void jc_point_encode(uint8_t encoded[32], const jc_point_t *p);

/* Make z 1 in all of them, at the price of one inversion; t is left as it was. At most JC_MAX_NORMALIZED. */
#define JC_MAX_NORMALIZED 4
void jc_points_normalize(jc_point_t *points, int count);

/* A term of a sum: its signed digits, odd or 0, the lowest first, and the odd multiples that they stand for. */
typedef struct {
    const int8_t *digits;
    const jc_affine_t *affine; /* either these */
    const jc_cached_t *cached; /* or these */
} jc_term_t;

/* r = the sum of the terms, each with `size` digits. r->t is left undefined. */
void jc_points_sum(jc_point_t *r, const jc_term_t *terms, int count, int size);

/* Plain numbers below the group's order; see bandersnatch_scalar.c. */
#define JC_DIGITS(bits) ((bits) + 1)

/* k = halves[0] + halves[1] root(-2), each half below 2^JC_HALF_BITS and negative where its sign is 1. */
void jc_scalar_split(uint32_t halves[2][4], int signs[2], const jc_fe k);

/* Signed digits of `width` bits of `number`, which has `bits` bits, a multiple of 32: JC_DIGITS(bits) of them. */
void jc_scalar_digits(int8_t *digits, const uint32_t *number, int bits, int width, int negative);

/* The point in the prime-order subgroup that `data` hashes to: bandersnatch_hash.c. */
void jc_hash_to_curve(jc_point_t *r, const uint8_t *data, size_t size);

#endif
