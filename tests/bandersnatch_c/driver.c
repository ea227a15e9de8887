/* What tests/bandersnatch_c talks to: requests on standard input, answers on standard output, until the input ends.
 *
 * A request is an operation (u8), the size of its payload (u32, little-endian) and the payload; an answer is a size and
 * bytes, and no bytes for a refusal. A field element is its eight words as they are in memory. Payloads are copied to
 * the end of a block of just their size, so that a sanitizer sees a read behind them.
 */
#include "bandersnatch.h"
#include "bandersnatch_constants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t answer[4096];
static size_t answered;

static void give(const void *data, size_t size) {
    memcpy(answer + answered, data, size);
    answered += size;
}

static void give_int(int value) {
    uint8_t byte = (uint8_t)value;
    give(&byte, 1);
}

/* Affine coordinates as numbers. */
static void give_point(const jc_point_t *point) {
    jc_point_t copy = *point;
    jc_fe number;
    jc_points_normalize(&copy, 1);
    jc_fe_to_number(number, copy.x);
    give(number, sizeof number);
    jc_fe_to_number(number, copy.y);
    give(number, sizeof number);
}

/* op, then one or two elements. */
static void on_field(char op, const uint8_t *in) {
    jc_fe a, b, r;
    memcpy(a, in, sizeof a);
    memcpy(b, in + sizeof a, sizeof b);
    switch (op) {
        case '+':
            jc_fe_add(r, a, b);
            break;
        case 'l':
            jc_fe_add_loose(r, a, b);
            break;
        case '-':
            jc_fe_subtract(r, a, b);
            break;
        case 'n':
            jc_fe_negate(r, a);
            break;
        case '5':
            jc_fe_times_5(r, a);
            break;
        case '*':
            jc_fe_multiply(r, a, b);
            break;
        case '2':
            jc_fe_square(r, a);
            break;
        case 'i':
            jc_fe_invert(r, a);
            break;
        case 'r':
            give_int(jc_fe_inverse_root(r, a));
            break;
        case 'q':
            give_int(jc_fe_is_square(a));
            return;
        case '/': /* in place, which every function allows */
            jc_fe_multiply(a, a, b);
            jc_fe_square(a, a);
            jc_fe_subtract(b, a, b);
            jc_fe_add(a, b, b);
            jc_fe_times_5(a, a);
            jc_fe_invert(a, a);
            memcpy(r, a, sizeof r);
            break;
        default:
            abort();
    }
    give(r, sizeof r);
}

/* The two halves and their signs; then the digits of both, of the width in the last byte. */
static void on_split(const uint8_t *in) {
    jc_fe k;
    uint32_t halves[2][4];
    int signs[2];
    int8_t digits[JC_DIGITS(128)];
    memcpy(k, in, sizeof k);
    jc_scalar_split(halves, signs, k);
    for (int i = 0; i < 2; i++) {
        give(halves[i], sizeof halves[i]);
        give_int(signs[i]);
        jc_scalar_digits(digits, halves[i], 128, in[32], signs[i]);
        give(digits, sizeof digits);
    }
}

/* bits, width, sign, then the number. */
static void on_digits(const uint8_t *in) {
    uint32_t number[8];
    int8_t digits[JC_DIGITS(256)];
    memcpy(number, in + 3, in[0] / 8);
    jc_scalar_digits(digits, number, in[0], in[1], in[2]);
    give(digits, (size_t)JC_DIGITS(in[0]));
}

/* op, then one or two encoded points. */
static void on_points(char op, const uint8_t *in) {
    jc_point_t p, q;
    jc_cached_t cached;
    jc_cached_t table[JC_WINDOW_POINTS];
    if (jc_point_decode(&p, in)) {
        return;
    }
    if (op != 'd' && jc_point_decode(&q, in + 32)) {
        return;
    }
    switch (op) {
        case 'd':
            break;
        case 'a': /* with a z that is not 1, both ways */
            jc_point_double(&p, &p, 1);
            jc_point_double(&q, &q, 1);
            jc_point_cache(&cached, &q);
            jc_point_add(&q, &p, &cached.over_z, cached.z, 1, 1);
            give_point(&q);
            jc_point_add(&p, &p, &cached.over_z, cached.z, 0, 1);
            break;
        case 'm': /* affine */
            jc_point_cache(&cached, &q);
            jc_point_add(&q, &p, &cached.over_z, NULL, 1, 1);
            give_point(&q);
            jc_point_add(&p, &p, &cached.over_z, NULL, 0, 0);
            break;
        case 'p':
            jc_point_double(&p, &p, 1);
            jc_point_psi(&p, &p);
            break;
        case 'o':
            jc_point_odd_multiples(table, &p);
            for (int i = 0; i < JC_WINDOW_POINTS; i++) {
                jc_point_set_identity(&p);
                jc_point_add(&p, &p, &table[i].over_z, table[i].z, 0, 1);
                give_point(&p);
            }
            return;
        default:
            abort();
    }
    give_point(&p);
    jc_point_encode(answer + answered, &p); /* means something only where z is 1 */
    answered += 32;
}

static void on_hash_to_curve(const uint8_t *in, size_t size) {
    jc_point_t point;
    jc_hash_to_curve(&point, in, size);
    give_point(&point);
}

/* The size of the pieces, then the data. */
static void on_sha512(const uint8_t *in, size_t size) {
    jc_sha512_t hash;
    uint8_t digest[JC_SHA512_BYTES];
    size_t piece = in[0];
    jc_sha512_init(&hash);
    for (size_t at = 1; at < size; at += piece) {
        jc_sha512_update(&hash, in + at, size - at < piece ? size - at : piece);
    }
    jc_sha512_final(&hash, digest);
    give(digest, sizeof digest);
}

static uint8_t *copy_of(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size + !size);
    if (!copy) {
        abort();
    }
    memcpy(copy, data, size);
    return copy;
}

/* public 32, proof 96, size of the input u16, size of a piece of the rest u16 (0: whole), input, additional data. */
static void on_verify(const uint8_t *in, size_t size) {
    static jc_vrf_key_t key;
    uint8_t output[32];
    size_t input_size = in[128] | (size_t)in[129] << 8;
    size_t piece = in[130] | (size_t)in[131] << 8;
    size_t aux_size = size - 132 - input_size;
    uint8_t *public_ = copy_of(in, 32);
    uint8_t *proof = copy_of(in + 32, 96);
    uint8_t *input = copy_of(in + 132, input_size);
    uint8_t *aux = copy_of(in + 132 + input_size, aux_size);
    int refused = jc_vrf_key(&key, public_);
    if (!refused && !piece) {
        refused = jc_vrf_verify(&key, input, input_size, aux, aux_size, proof, output);
    } else if (!refused) {
        jc_vrf_check_t check;
        refused = jc_vrf_check_start(&check, &key, input, input_size, proof);
        for (size_t at = 0; !refused && at < aux_size; at += piece) {
            jc_vrf_check_update(&check, aux + at, aux_size - at < piece ? aux_size - at : piece);
        }
        refused = refused || jc_vrf_check_finish(&check, output);
    }
    free(public_);
    free(proof);
    free(input);
    free(aux);
    if (!refused) {
        give(output, sizeof output);
    }
}

int main(void) {
    uint8_t head[5];
    while (fread(head, 1, sizeof head, stdin) == sizeof head) {
        size_t size = head[1] | (size_t)head[2] << 8 | (size_t)head[3] << 16 | (size_t)head[4] << 24;
        uint8_t *in = malloc(size + !size);
        if (!in || fread(in, 1, size, stdin) != size) {
            return 1;
        }
        answered = 0;
        switch (head[0]) {
            case 'F':
                on_field((char)in[0], in + 1);
                break;
            case 'S':
                on_split(in);
                break;
            case 'D':
                on_digits(in);
                break;
            case 'P':
                on_points((char)in[0], in + 1);
                break;
            case 'C':
                on_hash_to_curve(in, size);
                break;
            case 'H':
                on_sha512(in, size);
                break;
            case 'V':
                on_verify(in, size);
                break;
            default:
                return 1;
        }
        free(in);
        uint8_t length[4] = {(uint8_t)answered, (uint8_t)(answered >> 8), (uint8_t)(answered >> 16), 0};
        fwrite(length, 1, sizeof length, stdout);
        fwrite(answer, 1, answered, stdout);
        fflush(stdout);
    }
    return 0;
}
