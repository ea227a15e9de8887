/* Made by bandersnatch_constants.py from the curve's definition: change that, not this. */

#ifndef JC_BANDERSNATCH_CONSTANTS_H
#define JC_BANDERSNATCH_CONSTANTS_H

#include "bandersnatch_curve.h"

/* 0, p, 2 p, 3 p and 4 p, the last two modulo 2^256; no Montgomery form. */
extern const jc_fe JC_FE_MULTIPLES[5];

/* 1. */
extern const jc_fe JC_FE_ONE;

/* The number 1: times this leaves Montgomery form. */
extern const jc_fe JC_FE_UNIT;

/* 2^512: times this enters Montgomery form. */
extern const jc_fe JC_FE_R2;

/* 2^768: the same, and times 2^256. */
extern const jc_fe JC_FE_R3;

/* (p - 1)/2, not in Montgomery form. */
extern const jc_fe JC_FE_HALF;

/* 5^((odd - 1)/2), p - 1 = 2^32 odd. */
extern const jc_fe JC_FE_ROOT_5;

/* [j][i] = g^(-i 16^j), g = 5^odd of order 2^32. The lowest words of the last row are all different. */
extern const jc_fe JC_FE_ROOTS[8][16];

/* In the chain in place of an index: squarings alone. */
#define JC_FE_CHAIN_PLAIN 255

/* Of the chain. */
#define JC_FE_CHAIN_BYTES 92

/* The exponent (odd - 1)/2 as pairs: how many squarings, then times which odd power 2 i + 1. */
extern const uint8_t JC_FE_CHAIN[JC_FE_CHAIN_BYTES];

/* d of a x^2 + y^2 = 1 + d x^2 y^2; a = -5. */
extern const jc_fe JC_CURVE_D;

/* K of the Montgomery form K t^2 = s^3 + J s^2 + s. */
extern const jc_fe JC_CURVE_K;

/* J/K. */
extern const jc_fe JC_CURVE_J_OVER_K;

/* 1/K^2. */
extern const jc_fe JC_CURVE_ONE_OVER_K2;

/* A root of s^2 + J s + 1. */
extern const jc_fe JC_CURVE_E;

/* b of psi: see jc_point_psi. */
extern const jc_fe JC_PSI_B;

/* c of psi. */
extern const jc_fe JC_PSI_C;

/* The subgroup's order; a number. */
extern const jc_fe JC_ORDER;

/* Of the numbers that split a scalar. */
#define JC_SPLIT_WORDS 5

/* Of the halves of a scalar, at most. */
#define JC_HALF_BITS 127

/* c_i = round(k factor_i / 2^256). */
extern const uint32_t JC_SPLIT_FACTORS[2][JC_SPLIT_WORDS];

/* half_j = (k, 0)_j - c_0 coefficient_j0 - c_1 coefficient_j1, in two's complement. */
extern const uint32_t JC_SPLIT_COEFFICIENTS[2][2][JC_SPLIT_WORDS];

/* Bits of a signed window over the generator's multiples; one of n bits needs 2^(n - 2) of them. */
#if JC_BANDERSNATCH_SMALL
#define JC_BASE_WIDTH 5
#else
#define JC_BASE_WIDTH 6
#endif

/* Odd multiples of G, psi(G), 2^64 G and psi(2^64 G); the small build has the first two. */
extern const jc_affine_t JC_BASE_MULTIPLES[JC_PIECES][1 << (JC_BASE_WIDTH - 2)];

#endif
