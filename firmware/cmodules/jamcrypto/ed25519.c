/* Ed25519 of RFC 8032 from Monocypher's curve and our SHA-512: Monocypher's own hashes by BLAKE2b. */
#include "jamcrypto.h"

#include "monocypher.h"
#include "sha512.h"
#include "wipe.h"

/* SHA-512 of up to three pieces, modulo the group's order. */
static void hash_to_scalar(
    uint8_t scalar[32], const uint8_t *first, const uint8_t *second, const uint8_t *message, size_t size) {
    jc_sha512_t hash;
    uint8_t digest[JC_SHA512_BYTES];
    jc_sha512_init(&hash);
    jc_sha512_update(&hash, first, 32);
    if (second != NULL) {
        jc_sha512_update(&hash, second, 32);
    }
    jc_sha512_update(&hash, message, size);
    jc_sha512_final(&hash, digest);
    crypto_eddsa_reduce(scalar, digest);
    JC_WIPE(digest);
    JC_WIPE(hash);
}

/* The secret scalar and the prefix of nonces (section 5.1.5). */
static void expand(uint8_t scalar[32], uint8_t prefix[32], const uint8_t seed[32]) {
    jc_sha512_t hash;
    uint8_t digest[JC_SHA512_BYTES];
    jc_sha512_init(&hash);
    jc_sha512_update(&hash, seed, 32);
    jc_sha512_final(&hash, digest);
    crypto_eddsa_trim_scalar(scalar, digest);
    memcpy(prefix, digest + 32, 32);
    JC_WIPE(digest);
    JC_WIPE(hash);
}

void jc_ed25519_public(uint8_t public_[32], const uint8_t seed[32]) {
    uint8_t scalar[32], prefix[32];
    expand(scalar, prefix, seed);
    crypto_eddsa_scalarbase(public_, scalar);
    JC_WIPE(prefix);
    JC_WIPE(scalar);
    jc_wipe_stack();
}

void jc_ed25519_sign(
    uint8_t signature[64], const uint8_t seed[32], const uint8_t public_[32], const uint8_t *message, size_t size) {
    uint8_t scalar[32], prefix[32], computed[32], nonce[32], challenge[32], made[64];
    expand(scalar, prefix, seed);
    if (public_ == NULL) {
        crypto_eddsa_scalarbase(computed, scalar);
        public_ = computed;
    }
    hash_to_scalar(nonce, prefix, NULL, message, size);
    crypto_eddsa_scalarbase(made, nonce);
    hash_to_scalar(challenge, made, public_, message, size);
    crypto_eddsa_mul_add(made + 32, challenge, scalar, nonce);
    memcpy(signature, made, 64); /* only now: it may lie where the seed or the message does */
    JC_WIPE(nonce);
    JC_WIPE(prefix);
    JC_WIPE(scalar);
    jc_wipe_stack();
}

int jc_ed25519_verify(
    const uint8_t public_[32], const uint8_t signature[64], const uint8_t *message, size_t size) {
    uint8_t challenge[32];
    hash_to_scalar(challenge, signature, public_, message, size);
    /* Since Monocypher 4.0.3 this is ZIP-215's equation, with its leniency in encodings; tests/cmodules shows it. */
    return crypto_eddsa_check_equation(signature, public_, challenge);
}
