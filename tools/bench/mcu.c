/* Program of tools/bench/mcu.py: every primitive of jamcrypto but the VRF over all of cases.h, its answers compared. */
#include "rv32.h"

#include "cases.h"
#include "jamcrypto.h"
#include "monocypher.h"
#include "sha512.h"

static uint32_t wrong;

/* Count what `work` takes for each case i, then hold `right` against it. */
#define MEASURE(name, work, right) \
    do { \
        uint64_t total = 0; \
        uint32_t highest = 0; \
        paint_stack(); \
        for (int i = 0; i < CASES; i++) { \
            const case_t *c = &cases[i]; \
            uint32_t before = instructions(); \
            work; \
            uint32_t taken = instructions() - before; \
            total += taken; \
            highest = taken > highest ? taken : highest; \
            wrong += !(right); \
        } \
        print(name, " average", (uint32_t)(total / CASES)); \
        print(name, " highest", highest); \
        print(name, " stack", stack_depth()); \
    } while (0)

#define SAME(a, b) (memcmp(a, b, sizeof(b)) == 0)

static const uint8_t NONCE[12];
static uint8_t out[2400], public_[1184], sealed[1024 + 16];

static void hash512(uint8_t *digest, const uint8_t *data, size_t size) {
    jc_sha512_t state;
    jc_sha512_init(&state);
    jc_sha512_update(&state, data, size);
    jc_sha512_final(&state, digest);
}

void run(void) {
    int no = 0;
    MEASURE("BLAKE2b 32 B", crypto_blake2b(out, 32, c->data, 32), SAME(out, c->blake2b_short));
    MEASURE("BLAKE2b 1 KiB", crypto_blake2b(out, 32, c->data, 1024), SAME(out, c->blake2b));
    MEASURE("SHA-512 1 KiB", hash512(out, c->data, 1024), SAME(out, c->sha512));
    MEASURE(
        "ChaCha20-Poly1305 64 B", jc_aead_seal(out, c->seed, NONCE, c->data, 32, c->data, 64),
        SAME(out, c->sealed_short));
    MEASURE(
        "ChaCha20-Poly1305 1 KiB", jc_aead_seal(sealed, c->seed, NONCE, c->data, 32, c->data, 1024),
        SAME(sealed + 1024, c->tag));
    MEASURE(
        "  open 1 KiB",
        no = jc_aead_open(out, c->seed, NONCE, c->data, 32, c->sealed, 1024), !no && SAME(out, c->data));
    MEASURE("X25519 public key", jc_x25519_public(out, c->seed), SAME(out, c->x25519_public));
    MEASURE("X25519", jc_x25519(out, c->seed, c->x25519_peer), SAME(out, c->x25519_shared));
    MEASURE("Ed25519 public key", jc_ed25519_public(out, c->seed), SAME(out, c->ed25519_public));
    MEASURE(
        "Ed25519 sign 64 B, key known", jc_ed25519_sign(out, c->seed, c->ed25519_public, c->data, 64),
        SAME(out, c->ed25519_signature));
    MEASURE(
        "Ed25519 verify 64 B", no = jc_ed25519_verify(c->ed25519_public, c->ed25519_signature, c->data, 64), !no);
    MEASURE(
        "ML-KEM-768 keypair", jc_mlkem768_keypair(public_, out, c->data),
        SAME(public_, c->mlkem_public) && SAME(out, c->mlkem_secret));
    MEASURE(
        "ML-KEM-768 encapsulate", no = jc_mlkem768_encapsulate(out, out + 1088, c->mlkem_public, c->seed),
        !no && SAME(out, c->mlkem_ciphertext) && SAME(out + 1088, c->mlkem_shared));
    MEASURE(
        "ML-KEM-768 decapsulate", jc_mlkem768_decapsulate(out, c->mlkem_secret, c->mlkem_ciphertext),
        SAME(out, c->mlkem_shared));
    print("wrong", "", wrong);
    finish();
}
