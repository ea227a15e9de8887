#include "bandersnatch.h"

#include "bandersnatch_constants.h"

#include <string.h>

#define PIECE_BITS (128 / JC_CUTS)
#define PIECE_WORDS (PIECE_BITS / 32)

static const char SUITE[] = "Bandersnatch_SHA-512_ELL2";
#define SUITE_BYTES 25
#define KIND_CHALLENGE 2
#define KIND_OUTPUT 3

int jc_vrf_key(jc_vrf_key_t *key, const uint8_t public_[JC_VRF_PUBLIC_BYTES]) {
    jc_point_t point, image;
    if (jc_point_decode(&point, public_)) {
        return -1;
    }
    jc_point_encode(key->encoded, &point);
    for (int cut = 0; cut < JC_CUTS; cut++) {
        for (int i = 0; cut && i < PIECE_BITS; i++) {
            jc_point_double(&point, &point, i == PIECE_BITS - 1);
        }
        jc_point_odd_multiples(key->multiples[2 * cut], &point);
        jc_point_psi(&image, &point);
        jc_point_odd_multiples(key->multiples[2 * cut + 1], &image);
    }
    return 0;
}

/* The digits of a scalar's pieces: the lower ones of both halves, then the upper ones. */
static void digits_of_pieces(int8_t digits[JC_PIECES][JC_DIGITS(PIECE_BITS)], const jc_fe k, int width, int negative) {
    uint32_t halves[2][4];
    int signs[2];
    jc_scalar_split(halves, signs, k);
    for (int i = 0; i < JC_PIECES; i++) {
        const uint32_t *piece = halves[i & 1] + (i >> 1) * PIECE_WORDS;
        jc_scalar_digits(digits[i], piece, PIECE_BITS, width, signs[i & 1] != negative);
    }
}

/* r = s G - c Y. */
static void commit_to_base(jc_point_t *r, const jc_vrf_key_t *key, const jc_fe s, const jc_fe c) {
    int8_t base[JC_PIECES][JC_DIGITS(PIECE_BITS)];
    int8_t back[JC_PIECES][JC_DIGITS(PIECE_BITS)];
    jc_term_t terms[2 * JC_PIECES];
    digits_of_pieces(base, s, JC_BASE_WIDTH, 0);
    digits_of_pieces(back, c, JC_WINDOW, 1);
    for (int i = 0; i < JC_PIECES; i++) {
        terms[i] = (jc_term_t){base[i], JC_BASE_MULTIPLES[i], NULL};
        terms[JC_PIECES + i] = (jc_term_t){back[i], NULL, key->multiples[i]};
    }
    jc_points_sum(r, terms, 2 * JC_PIECES, JC_DIGITS(PIECE_BITS));
}

/* r = s H - c O. */
static void commit_to_input(jc_point_t *r, const jc_point_t *h, const jc_point_t *o, const jc_fe s, const jc_fe c) {
    jc_cached_t multiples[4][JC_WINDOW_POINTS];
    int8_t digits[4][JC_DIGITS(128)];
    jc_term_t terms[4];
    for (int i = 0; i < 2; i++) {
        uint32_t halves[2][4];
        int signs[2];
        const jc_point_t *point = i ? o : h;
        jc_scalar_split(halves, signs, i ? c : s);
        jc_point_odd_multiples(multiples[2 * i], point);
        jc_point_psi(r, point);
        jc_point_odd_multiples(multiples[2 * i + 1], r);
        for (int j = 0; j < 2; j++) {
            jc_scalar_digits(digits[2 * i + j], halves[j], 128, JC_WINDOW, signs[j] != i);
            terms[2 * i + j] = (jc_term_t){digits[2 * i + j], NULL, multiples[2 * i + j]};
        }
    }
    jc_points_sum(r, terms, 4, JC_DIGITS(128));
}

static void reduce_scalar(jc_fe scalar) {
    while (jc_words_at_least(scalar, JC_ORDER)) { /* at most eight times */
        jc_words_subtract(scalar, scalar, JC_ORDER);
    }
}

static void start_hash(jc_sha512_t *hash, uint8_t kind) {
    jc_sha512_init(hash);
    jc_sha512_update(hash, (const uint8_t *)SUITE, SUITE_BYTES);
    jc_sha512_update(hash, &kind, 1);
}

static void end_hash(jc_sha512_t *hash, uint8_t out[JC_SHA512_BYTES]) {
    static const uint8_t END = 0;
    jc_sha512_update(hash, &END, 1);
    jc_sha512_final(hash, out);
}

static void hash_point(jc_sha512_t *hash, const jc_point_t *point) {
    uint8_t encoded[32];
    jc_point_encode(encoded, point);
    jc_sha512_update(hash, encoded, sizeof encoded);
}

int jc_vrf_check_start(
    jc_vrf_check_t *check, const jc_vrf_key_t *key, const uint8_t *input, size_t input_size,
    const uint8_t proof[JC_VRF_PROOF_BYTES]) {
    jc_point_t o, points[3]; /* O, and H, U, V */
    jc_fe s;
    jc_words_load(check->challenge, proof + 32);
    jc_words_load(s, proof + 64);
    if (jc_words_at_least(s, JC_ORDER) || jc_point_decode(&o, proof)) {
        return -1;
    }
    reduce_scalar(check->challenge); /* the reference takes c + r for c */
    jc_hash_to_curve(&points[0], input, input_size);
    commit_to_base(&points[1], key, s, check->challenge);
    commit_to_input(&points[2], &points[0], &o, s, check->challenge);
    jc_points_normalize(points, 3);
    start_hash(&check->hash, KIND_CHALLENGE);
    jc_sha512_update(&check->hash, key->encoded, sizeof key->encoded);
    hash_point(&check->hash, &points[0]);
    jc_point_encode(check->point, &o); /* the proof's own bytes need not be canonical */
    jc_sha512_update(&check->hash, check->point, sizeof check->point);
    hash_point(&check->hash, &points[1]);
    hash_point(&check->hash, &points[2]);
    return 0;
}

void jc_vrf_check_update(jc_vrf_check_t *check, const uint8_t *aux, size_t size) {
    jc_sha512_update(&check->hash, aux, size);
}

int jc_vrf_check_finish(jc_vrf_check_t *check, uint8_t output[JC_VRF_OUTPUT_BYTES]) {
    uint8_t digest[JC_SHA512_BYTES];
    jc_fe challenge;
    end_hash(&check->hash, digest);
    jc_words_load_big_endian(challenge, digest, JC_WORDS); /* unlike c and s */
    reduce_scalar(challenge);
    if (memcmp(challenge, check->challenge, sizeof challenge)) {
        return -1;
    }
    start_hash(&check->hash, KIND_OUTPUT);
    jc_sha512_update(&check->hash, check->point, sizeof check->point);
    end_hash(&check->hash, digest);
    memcpy(output, digest, JC_VRF_OUTPUT_BYTES);
    return 0;
}

int jc_vrf_verify(
    const jc_vrf_key_t *key, const uint8_t *input, size_t input_size, const uint8_t *aux, size_t aux_size,
    const uint8_t proof[JC_VRF_PROOF_BYTES], uint8_t output[JC_VRF_OUTPUT_BYTES]) {
    jc_vrf_check_t check;
    if (jc_vrf_check_start(&check, key, input, input_size, proof)) {
        return -1;
    }
    jc_vrf_check_update(&check, aux, aux_size);
    return jc_vrf_check_finish(&check, output);
}
