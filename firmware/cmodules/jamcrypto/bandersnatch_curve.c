#include "bandersnatch_constants.h"

#include <string.h>

/* Formulas are in the comments of functions. The signs of all four coordinates of a double are turned, which is the
 * same point and saves a negation. Which factor of a product is loose is chosen so that the other one is tight. */

/* A = X^2, B = Y^2, C = Z^2, E = 2 X Y, G = B - 5 A, F = 2 C - G, H = B + 5 A: (E F, G H, F G, E H). */
void jc_point_double(jc_point_t *r, const jc_point_t *p, int with_t) {
    jc_fe a, b, c, e, f, h;
    jc_fe_square(a, p->x);
    jc_fe_square(b, p->y);
    jc_fe_square(c, p->z);
    jc_fe_multiply(e, p->x, p->y);
    jc_fe_add(e, e, e);
    jc_fe_times_5(a, a);
    jc_fe_add_loose(h, b, a);
    jc_fe_subtract(b, b, a); /* G */
    jc_fe_subtract(f, c, b);
    jc_fe_add_loose(f, f, c);
    jc_fe_multiply(r->x, e, f);
    jc_fe_multiply(r->y, b, h);
    jc_fe_multiply(r->z, b, f);
    if (with_t) {
        jc_fe_multiply(r->t, e, h);
    }
}

/* A = X1 X2, B = Y1 Y2, C = T1 d T2, D = Z1 Z2, E = (X1 + Y1)(X2 + Y2) - A - B, F = D - C, G = D + C, H = B + 5 A:
 * (E F, G H, F G, E H). For -q, X2 and T2 change sign and so do A and C. */
void jc_point_add(
    jc_point_t *r, const jc_point_t *p, const jc_affine_t *q, const uint32_t *z, int negative, int with_t) {
    jc_fe a, b, c, d, e, f;
    jc_fe_multiply(a, p->x, q->x);
    jc_fe_multiply(b, p->y, q->y);
    jc_fe_multiply(c, p->t, q->dt);
    if (z) {
        jc_fe_multiply(d, p->z, z);
    } else {
        jc_fe_copy(d, p->z);
    }
    jc_fe_add(e, p->x, p->y);
    if (negative) {
        jc_fe_subtract(f, q->y, q->x);
        jc_fe_multiply(e, e, f);
        jc_fe_add(e, e, a);
        jc_fe_subtract(e, e, b);
        jc_fe_times_5(a, a);
        jc_fe_subtract(b, b, a); /* H */
        jc_fe_add(f, d, c);
        jc_fe_subtract(d, d, c); /* G */
    } else {
        jc_fe_add_loose(f, q->x, q->y);
        jc_fe_multiply(e, e, f);
        jc_fe_subtract(e, e, a);
        jc_fe_subtract(e, e, b);
        jc_fe_times_5(a, a);
        jc_fe_add_loose(b, a, b);
        jc_fe_subtract(f, d, c);
        jc_fe_add(d, d, c);
    }
    jc_fe_multiply(r->x, e, f);
    jc_fe_multiply(r->y, d, b);
    jc_fe_multiply(r->z, f, d);
    if (with_t) {
        jc_fe_multiply(r->t, e, b);
    }
}

void jc_point_set_identity(jc_point_t *r) {
    memset(r, 0, sizeof *r);
    jc_fe_copy(r->y, JC_FE_ONE);
    jc_fe_copy(r->z, JC_FE_ONE);
}

void jc_point_from_affine(jc_point_t *r, const jc_fe x, const jc_fe y) {
    jc_fe_copy(r->x, x);
    jc_fe_copy(r->y, y);
    jc_fe_copy(r->z, JC_FE_ONE);
    jc_fe_multiply(r->t, x, y);
}

void jc_point_cache(jc_cached_t *r, const jc_point_t *p) {
    jc_fe_copy(r->over_z.x, p->x);
    jc_fe_copy(r->over_z.y, p->y);
    jc_fe_multiply(r->over_z.dt, p->t, JC_CURVE_D);
    jc_fe_copy(r->z, p->z);
}

/* With f = c (Z^2 - Y^2), g = b (Y^2 + b Z^2) and h = Y^2 - b Z^2, psi(x, y) = (f/(x y), g/h):
 * (f h, g X Y, h X Y, f g), where X Y stands for x y Z^2. */
void jc_point_psi(jc_point_t *r, const jc_point_t *p) {
    jc_fe a, b, f, g, h;
    if (jc_words_is_zero(p->x)) { /* the identity: the only such point of the subgroup */
        *r = *p;
        return;
    }
    jc_fe_square(a, p->y);
    jc_fe_square(b, p->z);
    jc_fe_subtract(f, b, a);
    jc_fe_multiply(f, f, JC_PSI_C);
    jc_fe_multiply(b, b, JC_PSI_B);
    jc_fe_subtract(h, a, b);
    jc_fe_add_loose(g, a, b);
    jc_fe_multiply(g, JC_PSI_B, g);
    jc_fe_multiply(a, p->x, p->y);
    jc_fe_multiply(r->x, f, h);
    jc_fe_multiply(r->y, g, a);
    jc_fe_multiply(r->z, h, a);
    jc_fe_multiply(r->t, f, g);
}

void jc_point_odd_multiples(jc_cached_t table[JC_WINDOW_POINTS], const jc_point_t *p) {
    jc_point_t multiple = *p;
    jc_point_t twice_p;
    jc_cached_t twice;
    jc_point_double(&twice_p, p, 1);
    jc_point_cache(&twice, &twice_p);
    for (int i = 0; i < JC_WINDOW_POINTS; i++) {
        if (i) {
            jc_point_add(&multiple, &multiple, &twice.over_z, twice.z, 0, 1);
        }
        jc_point_cache(&table[i], &multiple);
    }
}

/* All points of order two are rational, so the subgroup is what doubling reaches: where K s and K (s - e) are squares,
 * s = (1 + y)/(1 - y) being the Montgomery abscissa. `above` is 1 - y^2, and not 0. */
static int is_in_subgroup(const jc_fe y, const jc_fe above) {
    jc_fe a, b;
    jc_fe_multiply(a, JC_CURVE_K, above);
    if (!jc_fe_is_square(a)) {
        return 0;
    }
    jc_fe_subtract(a, JC_FE_ONE, y);
    jc_fe_multiply(b, a, JC_CURVE_E);
    jc_fe_subtract(b, y, b);
    jc_fe_add_loose(b, b, JC_FE_ONE);
    jc_fe_multiply(b, a, b); /* (1 + y - e (1 - y)) (1 - y) */
    jc_fe_multiply(b, b, JC_CURVE_K);
    return jc_fe_is_square(b);
}

/* Whether x stands for a number above (p - 1)/2. */
static int is_upper(const jc_fe x) {
    jc_fe number;
    jc_fe_to_number(number, x);
    return !jc_words_at_least(JC_FE_HALF, number);
}

int jc_point_decode(jc_point_t *r, const uint8_t encoded[32]) {
    jc_fe x, y, above, below, root;
    jc_words_load(y, encoded);
    y[7] &= 0x7fffffffu;
    if (jc_words_at_least(y, JC_FE_MULTIPLES[1])) {
        return -1;
    }
    jc_fe_multiply(y, y, JC_FE_R2);
    jc_fe_square(below, y);
    jc_fe_subtract(above, JC_FE_ONE, below); /* x^2 = (1 - y^2)/(-5 - d y^2) */
    jc_fe_multiply(below, below, JC_CURVE_D);
    jc_fe_times_5(x, JC_FE_ONE);
    jc_fe_add(below, below, x);
    jc_fe_negate(below, below);
    jc_fe_multiply(root, above, below);
    if (!jc_fe_inverse_root(root, root)) {
        return -1;
    }
    jc_fe_multiply(x, above, root); /* 1/sqrt(above below) = sqrt(above/below)/above */
    if (jc_words_is_zero(x)) { /* (0, -1), and points at infinity, are not in the subgroup */
        if (memcmp(y, JC_FE_ONE, sizeof y)) {
            return -1;
        }
    } else if (!is_in_subgroup(y, above)) {
        return -1;
    }
    if (is_upper(x) != encoded[31] >> 7) {
        jc_fe_negate(x, x);
    }
    jc_point_from_affine(r, x, y);
    return 0;
}

void jc_point_encode(uint8_t encoded[32], const jc_point_t *p) {
    jc_fe number;
    jc_fe_to_number(number, p->y);
    for (int i = 0; i < 32; i++) {
        encoded[i] = (uint8_t)(number[i >> 2] >> 8 * (i & 3));
    }
    if (is_upper(p->x)) {
        encoded[31] |= 0x80;
    }
}

void jc_points_normalize(jc_point_t *points, int count) {
    jc_fe before[JC_MAX_NORMALIZED]; /* the product of all z below */
    jc_fe inverse, mine;
    jc_fe_copy(inverse, JC_FE_ONE);
    for (int i = 0; i < count; i++) {
        jc_fe_copy(before[i], inverse);
        jc_fe_multiply(inverse, inverse, points[i].z);
    }
    jc_fe_invert(inverse, inverse);
    for (int i = count - 1; i >= 0; i--) {
        jc_fe_multiply(mine, inverse, before[i]);
        jc_fe_multiply(inverse, inverse, points[i].z);
        jc_fe_multiply(points[i].x, points[i].x, mine);
        jc_fe_multiply(points[i].y, points[i].y, mine);
        jc_fe_copy(points[i].z, JC_FE_ONE);
    }
}
