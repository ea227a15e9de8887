/* The cryptography of a JAM light node that is neither SHA-512 (sha512.h) nor the VRF (bandersnatch.h).
 *
 * C99, no allocation, no writable static data, no randomness of its own: who wants keys brings entropy. BLAKE2b is
 * Monocypher's own, crypto_blake2b*; the parts below are made of its pieces, of PQClean's polynomials, and of ours.
 *
 * What is computed with a secret has no branch and no address that depends on it, and is wiped from memory afterwards.
 * tests/cmodules/constant_time.c has what it means by a secret, and checks.
 *
 * A buffer may be NULL where its size is 0. Outputs may not overlap inputs unless it says so.
 */
#ifndef JC_JAMCRYPTO_H
#define JC_JAMCRYPTO_H

#include <stddef.h>
#include <stdint.h>

#define JC_X25519_BYTES 32

/* X25519 (RFC 7748). A peer's key of small order gives zeros, which the caller has to refuse. `shared` may be one of the
 * others. */
void jc_x25519(
    uint8_t shared[JC_X25519_BYTES], const uint8_t secret[JC_X25519_BYTES], const uint8_t public_[JC_X25519_BYTES]);
void jc_x25519_public(uint8_t public_[JC_X25519_BYTES], const uint8_t secret[JC_X25519_BYTES]);

#define JC_ED25519_SEED_BYTES 32
#define JC_ED25519_PUBLIC_BYTES 32
#define JC_ED25519_SIGNATURE_BYTES 64

/* Ed25519 (RFC 8032): the public key of a seed, and the deterministic signature of a message. To sign takes half as
 * long where the seed's public key is given and not NULL. It must be that one: with another the signature is none, and
 * two signatures of one message, by two public keys, give the seed's scalar away. */
void jc_ed25519_public(uint8_t public_[JC_ED25519_PUBLIC_BYTES], const uint8_t seed[JC_ED25519_SEED_BYTES]);
void jc_ed25519_sign(
    uint8_t signature[JC_ED25519_SIGNATURE_BYTES], const uint8_t seed[JC_ED25519_SEED_BYTES],
    const uint8_t public_[JC_ED25519_PUBLIC_BYTES], const uint8_t *message, size_t size);

/* Whether a signature is valid by ZIP-215: the equation times the cofactor, points in any encoding, S below the
 * group's order. 0, or -1. All arguments are public: not constant time. */
int jc_ed25519_verify(
    const uint8_t public_[JC_ED25519_PUBLIC_BYTES], const uint8_t signature[JC_ED25519_SIGNATURE_BYTES],
    const uint8_t *message, size_t size);

#define JC_AEAD_KEY_BYTES 32
#define JC_AEAD_NONCE_BYTES 12
#define JC_AEAD_TAG_BYTES 16

/* ChaCha20-Poly1305 (RFC 8439), messages below 256 GiB. `out` takes size + 16 bytes; it may be `text`. */
void jc_aead_seal(
    uint8_t *out, const uint8_t key[JC_AEAD_KEY_BYTES], const uint8_t nonce[JC_AEAD_NONCE_BYTES], const uint8_t *ad,
    size_t ad_size, const uint8_t *text, size_t size);

/* The way back: `sealed` has size + 16 bytes, `out` takes `size`; it may be `sealed`. 0, or -1 for a wrong tag, and then
 * `out` is untouched. */
int jc_aead_open(
    uint8_t *out, const uint8_t key[JC_AEAD_KEY_BYTES], const uint8_t nonce[JC_AEAD_NONCE_BYTES], const uint8_t *ad,
    size_t ad_size, const uint8_t *sealed, size_t size);

#define JC_MLKEM768_SEED_BYTES 64
#define JC_MLKEM768_PUBLIC_BYTES 1184
#define JC_MLKEM768_SECRET_BYTES 2400
#define JC_MLKEM768_CIPHERTEXT_BYTES 1088
#define JC_MLKEM768_ENTROPY_BYTES 32
#define JC_MLKEM768_SHARED_BYTES 32
#define JC_MLKEM768_STACK_BYTES 6656 /* a call takes at most so much, on a 32-bit machine */

/* ML-KEM-768 (FIPS 203). The seed is d and z; the secret key is the standard's, in its encoding. */
void jc_mlkem768_keypair(
    uint8_t public_[JC_MLKEM768_PUBLIC_BYTES], uint8_t secret[JC_MLKEM768_SECRET_BYTES],
    const uint8_t seed[JC_MLKEM768_SEED_BYTES]);

/* 0, or -1 for a public key with a coefficient that is not reduced (section 7.2), and then nothing is written. */
int jc_mlkem768_encapsulate(
    uint8_t ciphertext[JC_MLKEM768_CIPHERTEXT_BYTES], uint8_t shared[JC_MLKEM768_SHARED_BYTES],
    const uint8_t public_[JC_MLKEM768_PUBLIC_BYTES], const uint8_t entropy[JC_MLKEM768_ENTROPY_BYTES]);

/* A forged ciphertext gives other bytes and no error. The secret is one that jc_mlkem768_keypair made. */
void jc_mlkem768_decapsulate(
    uint8_t shared[JC_MLKEM768_SHARED_BYTES], const uint8_t secret[JC_MLKEM768_SECRET_BYTES],
    const uint8_t ciphertext[JC_MLKEM768_CIPHERTEXT_BYTES]);

#endif
