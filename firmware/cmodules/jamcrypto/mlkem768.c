/* ML-KEM-768 (FIPS 203) on PQClean's polynomials, for small stacks.
 *
 * PQClean's own encryption keeps the whole public matrix and takes 14 KB of stack, and its entry points draw random
 * bytes. Here the matrix is sampled one polynomial at a time, which is added up at once and forgotten; entropy is an
 * argument. Section and algorithm numbers are the standard's.
 */
#include "jamcrypto.h"

#include "keccak.h"
#include "verify.h"
#include "wipe.h"

/* Not kem.c and indcpa.c, which draw random bytes, nor fips202.c, which allocates. */
#include <cbd.c>
#include <ntt.c>
#include <poly.c>
#include <polyvec.c>
#include <reduce.c>

#define K KYBER_K
#define N KYBER_N
#define Q KYBER_Q
#define SYMBOL KYBER_SYMBYTES
#define VECTOR_BYTES KYBER_POLYVECBYTES

/* Polynomials are in the domain of the transform where their name ends in _hat. The three functions of K-PKE are not
 * inlined: decapsulation has two of them, one after the other on the same stack, which each leaves clean. */

static void sha3_512_of(uint8_t out[64], const uint8_t first[SYMBOL], const uint8_t *more, size_t more_size) {
    jc_keccak(out, 64, JC_SHA3_512_RATE, JC_SHA3_SUFFIX, first, SYMBOL, more, more_size);
}

static void sha3_256_of(uint8_t out[32], const uint8_t public_[JC_MLKEM768_PUBLIC_BYTES]) {
    jc_keccak(out, 32, JC_SHA3_256_RATE, JC_SHA3_SUFFIX, public_, JC_MLKEM768_PUBLIC_BYTES, NULL, 0);
}

/* What PQClean's poly_getnoise asks for: PRF of section 4.1, for the byte b = number. */
void PQCLEAN_MLKEM768_CLEAN_kyber_shake256_prf(uint8_t *out, size_t size, const uint8_t key[SYMBOL], uint8_t number);
void PQCLEAN_MLKEM768_CLEAN_kyber_shake256_prf(uint8_t *out, size_t size, const uint8_t key[SYMBOL], uint8_t number) {
    jc_keccak(out, size, JC_SHAKE256_RATE, JC_SHAKE_SUFFIX, key, SYMBOL, &number, 1);
}

/* An entry of the public matrix (algorithm 7). The seed is public, so the branches may be, too. */
static void sample_entry(poly *entry_hat, const uint8_t seed[SYMBOL], unsigned column, unsigned row) {
    const uint8_t place[2] = {(uint8_t)column, (uint8_t)row};
    jc_keccak_t state;
    jc_keccak_init(&state, JC_SHAKE128_RATE);
    jc_keccak_absorb(&state, seed, SYMBOL);
    jc_keccak_absorb(&state, place, sizeof(place));
    jc_keccak_finish(&state, JC_SHAKE_SUFFIX);
    for (unsigned found = 0; found < N;) {
        const uint8_t *at = jc_keccak_next_block(&state);
        for (const uint8_t *end = at + JC_SHAKE128_RATE; at < end && found < N; at += 3) {
            unsigned low = at[0] | (at[1] & 15u) << 8;
            unsigned high = at[1] >> 4 | (unsigned)at[2] << 4;
            if (low < Q) {
                entry_hat->coeffs[found++] = (int16_t)low;
            }
            if (high < Q && found < N) {
                entry_hat->coeffs[found++] = (int16_t)high;
            }
        }
    }
}

/* total += a b, in the transform's domain: products of linear polynomials modulo X^2 - zeta and X^2 + zeta (algorithms
 * 11 and 12). Coefficients are below q; two products are summed up before they are reduced, and of the reduced, three
 * fit 16 bits. */
static void multiply_add(poly *total_hat, const poly *a_hat, const poly *b_hat) {
    int16_t *total = total_hat->coeffs;
    const int16_t *a = a_hat->coeffs, *b = b_hat->coeffs;
    const int16_t *zeta = PQCLEAN_MLKEM768_CLEAN_zetas + 64;
    for (unsigned i = 0; i < N; i += 2, total += 2, a += 2, b += 2) {
        int32_t high = fqmul(a[1], b[1]) * *zeta;
        int32_t low = a[0] * b[0] + (i & 2 ? -high : high);
        total[0] = (int16_t)(total[0] + PQCLEAN_MLKEM768_CLEAN_montgomery_reduce(low));
        total[1] = (int16_t)(total[1] + PQCLEAN_MLKEM768_CLEAN_montgomery_reduce(a[0] * b[1] + a[1] * b[0]));
        zeta += i >> 1 & 1;
    }
}

static void add(poly *total, const poly *a) {
    PQCLEAN_MLKEM768_CLEAN_poly_add(total, total, a);
}

/* K-PKE.KeyGen (algorithm 13) into the first 1152 bytes of the secret key, and the public key. */
static __attribute__((noinline)) void make_keys(
    uint8_t public_[JC_MLKEM768_PUBLIC_BYTES], uint8_t secret[VECTOR_BYTES], const uint8_t d[SYMBOL]) {
    struct {
        uint8_t seeds[2 * SYMBOL]; /* rho, then sigma */
        polyvec s_hat;
        poly row, entry_hat;
    } work;
    const uint8_t parameter = K;
    sha3_512_of(work.seeds, d, &parameter, 1);
    JC_PUBLIC(work.seeds, SYMBOL); /* rho goes into the public key */
    const uint8_t *sigma = work.seeds + SYMBOL;
    for (unsigned i = 0; i < K; i++) {
        PQCLEAN_MLKEM768_CLEAN_poly_getnoise_eta1(&work.s_hat.vec[i], sigma, (uint8_t)i);
        PQCLEAN_MLKEM768_CLEAN_poly_ntt(&work.s_hat.vec[i]);
    }
    for (unsigned i = 0; i < K; i++) {
        JC_WIPE(work.row);
        for (unsigned j = 0; j < K; j++) {
            sample_entry(&work.entry_hat, work.seeds, j, i);
            multiply_add(&work.row, &work.entry_hat, &work.s_hat.vec[j]);
        }
        PQCLEAN_MLKEM768_CLEAN_poly_reduce(&work.row);
        PQCLEAN_MLKEM768_CLEAN_poly_tomont(&work.row);
        PQCLEAN_MLKEM768_CLEAN_poly_getnoise_eta1(&work.entry_hat, sigma, (uint8_t)(K + i)); /* the error */
        PQCLEAN_MLKEM768_CLEAN_poly_ntt(&work.entry_hat);
        add(&work.row, &work.entry_hat);
        PQCLEAN_MLKEM768_CLEAN_poly_reduce(&work.row);
        PQCLEAN_MLKEM768_CLEAN_poly_tobytes(public_ + i * KYBER_POLYBYTES, &work.row);
    }
    PQCLEAN_MLKEM768_CLEAN_polyvec_tobytes(secret, &work.s_hat);
    memcpy(public_ + VECTOR_BYTES, work.seeds, SYMBOL);
    JC_WIPE(work);
    jc_wipe_stack();
}

/* K-PKE.Encrypt (algorithm 14). */
static __attribute__((noinline)) void encrypt(
    uint8_t ciphertext[JC_MLKEM768_CIPHERTEXT_BYTES], const uint8_t public_[JC_MLKEM768_PUBLIC_BYTES],
    const uint8_t message[SYMBOL], const uint8_t coins[SYMBOL]) {
    struct {
        polyvec y_hat, u;
        poly v, other;
    } work;
    JC_WIPE(work.u); /* both are summed up */
    JC_WIPE(work.v);
    for (unsigned i = 0; i < K; i++) {
        PQCLEAN_MLKEM768_CLEAN_poly_getnoise_eta1(&work.y_hat.vec[i], coins, (uint8_t)i);
        PQCLEAN_MLKEM768_CLEAN_poly_ntt(&work.y_hat.vec[i]);
    }
    for (unsigned i = 0; i < K; i++) {
        poly *row = &work.u.vec[i];
        for (unsigned j = 0; j < K; j++) {
            sample_entry(&work.other, public_ + VECTOR_BYTES, i, j); /* of the transposed matrix */
            multiply_add(row, &work.other, &work.y_hat.vec[j]);
        }
        PQCLEAN_MLKEM768_CLEAN_poly_reduce(row);
        PQCLEAN_MLKEM768_CLEAN_poly_invntt_tomont(row);
        PQCLEAN_MLKEM768_CLEAN_poly_getnoise_eta2(&work.other, coins, (uint8_t)(K + i));
        add(row, &work.other);
        PQCLEAN_MLKEM768_CLEAN_poly_reduce(row);
    }
    for (unsigned j = 0; j < K; j++) {
        PQCLEAN_MLKEM768_CLEAN_poly_frombytes(&work.other, public_ + j * KYBER_POLYBYTES);
        multiply_add(&work.v, &work.other, &work.y_hat.vec[j]);
    }
    PQCLEAN_MLKEM768_CLEAN_poly_reduce(&work.v);
    PQCLEAN_MLKEM768_CLEAN_poly_invntt_tomont(&work.v);
    PQCLEAN_MLKEM768_CLEAN_poly_getnoise_eta2(&work.other, coins, 2 * K);
    add(&work.v, &work.other);
    PQCLEAN_MLKEM768_CLEAN_poly_frommsg(&work.other, message);
    add(&work.v, &work.other);
    PQCLEAN_MLKEM768_CLEAN_poly_reduce(&work.v);
    PQCLEAN_MLKEM768_CLEAN_polyvec_compress(ciphertext, &work.u);
    PQCLEAN_MLKEM768_CLEAN_poly_compress(ciphertext + KYBER_POLYVECCOMPRESSEDBYTES, &work.v);
    JC_WIPE(work);
    jc_wipe_stack();
}

/* K-PKE.Decrypt (algorithm 15). */
static __attribute__((noinline)) void decrypt(
    uint8_t message[SYMBOL], const uint8_t secret[VECTOR_BYTES],
    const uint8_t ciphertext[JC_MLKEM768_CIPHERTEXT_BYTES]) {
    struct {
        polyvec u;
        poly w, other;
    } work;
    JC_WIPE(work.w);
    PQCLEAN_MLKEM768_CLEAN_polyvec_decompress(&work.u, ciphertext);
    for (unsigned i = 0; i < K; i++) {
        PQCLEAN_MLKEM768_CLEAN_poly_ntt(&work.u.vec[i]);
        PQCLEAN_MLKEM768_CLEAN_poly_frombytes(&work.other, secret + i * KYBER_POLYBYTES);
        multiply_add(&work.w, &work.other, &work.u.vec[i]);
    }
    PQCLEAN_MLKEM768_CLEAN_poly_reduce(&work.w);
    PQCLEAN_MLKEM768_CLEAN_poly_invntt_tomont(&work.w);
    PQCLEAN_MLKEM768_CLEAN_poly_decompress(&work.other, ciphertext + KYBER_POLYVECCOMPRESSEDBYTES);
    PQCLEAN_MLKEM768_CLEAN_poly_sub(&work.w, &work.other, &work.w);
    PQCLEAN_MLKEM768_CLEAN_poly_reduce(&work.w);
    PQCLEAN_MLKEM768_CLEAN_poly_tomsg(message, &work.w);
    JC_WIPE(work);
    jc_wipe_stack();
}

/* Where the parts of the secret key begin (algorithm 16). */
#define SECRET_PUBLIC VECTOR_BYTES
#define SECRET_HASH (SECRET_PUBLIC + JC_MLKEM768_PUBLIC_BYTES)
#define SECRET_Z (SECRET_HASH + SYMBOL)

void jc_mlkem768_keypair(
    uint8_t public_[JC_MLKEM768_PUBLIC_BYTES], uint8_t secret[JC_MLKEM768_SECRET_BYTES],
    const uint8_t seed[JC_MLKEM768_SEED_BYTES]) {
    make_keys(public_, secret, seed);
    memcpy(secret + SECRET_PUBLIC, public_, JC_MLKEM768_PUBLIC_BYTES);
    sha3_256_of(secret + SECRET_HASH, public_);
    memcpy(secret + SECRET_Z, seed + SYMBOL, SYMBOL);
    jc_wipe_stack();
}

int jc_mlkem768_encapsulate(
    uint8_t ciphertext[JC_MLKEM768_CIPHERTEXT_BYTES], uint8_t shared[JC_MLKEM768_SHARED_BYTES],
    const uint8_t public_[JC_MLKEM768_PUBLIC_BYTES], const uint8_t entropy[JC_MLKEM768_ENTROPY_BYTES]) {
    for (unsigned i = 0; i < VECTOR_BYTES; i += 3) {
        unsigned low = public_[i] | (public_[i + 1] & 15u) << 8;
        unsigned high = public_[i + 1] >> 4 | (unsigned)public_[i + 2] << 4;
        if (low >= Q || high >= Q) {
            return -1;
        }
    }
    uint8_t key_and_coins[2 * SYMBOL], hash[SYMBOL];
    sha3_256_of(hash, public_);
    sha3_512_of(key_and_coins, entropy, hash, sizeof(hash));
    encrypt(ciphertext, public_, entropy, key_and_coins + SYMBOL);
    memcpy(shared, key_and_coins, SYMBOL);
    JC_WIPE(key_and_coins);
    jc_wipe_stack();
    return 0;
}

void jc_mlkem768_decapsulate(
    uint8_t shared[JC_MLKEM768_SHARED_BYTES], const uint8_t secret[JC_MLKEM768_SECRET_BYTES],
    const uint8_t ciphertext[JC_MLKEM768_CIPHERTEXT_BYTES]) {
    struct {
        uint8_t message[SYMBOL], key_and_coins[2 * SYMBOL], rejected[SYMBOL];
        uint8_t again[JC_MLKEM768_CIPHERTEXT_BYTES];
    } work;
    decrypt(work.message, secret, ciphertext);
    sha3_512_of(work.key_and_coins, work.message, secret + SECRET_HASH, SYMBOL);
    jc_keccak(
        work.rejected, SYMBOL, JC_SHAKE256_RATE, JC_SHAKE_SUFFIX, secret + SECRET_Z, SYMBOL, ciphertext,
        JC_MLKEM768_CIPHERTEXT_BYTES);
    encrypt(work.again, secret + SECRET_PUBLIC, work.message, work.key_and_coins + SYMBOL);
    int forged = PQCLEAN_MLKEM768_CLEAN_verify(ciphertext, work.again, sizeof(work.again));
    PQCLEAN_MLKEM768_CLEAN_cmov(work.rejected, work.key_and_coins, SYMBOL, (uint8_t)(1 - forged));
    memcpy(shared, work.rejected, SYMBOL);
    JC_WIPE(work);
    jc_wipe_stack();
}
