/* Program of test_constant_time.py: runs each function that works on secrets with the secrets marked as undefined, under
 * valgrind's memcheck, which then complains of every branch and every address that depends on one.
 *
 *     constant_time NAME
 *
 * Secrets: keys, seeds, entropy, shared secrets, plaintexts, and messages that are signed. Not secret: public keys,
 * ciphertexts, additional data, lengths, and whether a tag or a ciphertext is authentic, which the caller learns.
 */
#include "jamcrypto.h"
#include "keccak.h"
#include "monocypher.h"
#include "sha512.h"

#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

#define SECRET(object) VALGRIND_MAKE_MEM_UNDEFINED(&(object), sizeof(object))
#define PUBLIC(object) VALGRIND_MAKE_MEM_DEFINED(&(object), sizeof(object))

static uint8_t seed[64], text[300], public_[1184], ciphertext[1088], secret_key[2400];
static uint8_t out[2400], nonce[12], ad[20];

static void x25519(void) {
    SECRET(seed);
    jc_x25519_public(out, seed);
    PUBLIC(out);
    jc_x25519(out + 32, seed, out);
}

static void ed25519(void) {
    SECRET(seed);
    SECRET(text);
    jc_ed25519_public(out, seed);
    jc_ed25519_sign(out, seed, NULL, text, sizeof text);
    jc_ed25519_sign(out, seed, public_, text, sizeof text);
}

static void seal(void) {
    SECRET(seed);
    SECRET(text);
    for (size_t size = 0; size <= sizeof text; size += 37) {
        jc_aead_seal(out, seed, nonce, ad, sizeof ad, text, size);
    }
}

static void open_(void) {
    jc_aead_seal(out, seed, nonce, ad, sizeof ad, text, sizeof text);
    SECRET(seed);
    /* One answer for both: the tag is compared as a whole, and only then is there a branch, which has to be told. */
    int good = jc_aead_open(text, seed, nonce, ad, sizeof ad, out, sizeof text);
    PUBLIC(good);
    out[0] ^= 1;
    int wrong = jc_aead_open(text, seed, nonce, ad, sizeof ad, out, sizeof text);
    PUBLIC(wrong);
    if (good || !wrong) {
        puts("opened wrongly");
    }
}

static void mlkem_keypair(void) {
    SECRET(seed);
    jc_mlkem768_keypair(public_, secret_key, seed);
}

static void mlkem_encapsulate(void) {
    jc_mlkem768_keypair(public_, secret_key, seed);
    SECRET(seed);
    jc_mlkem768_encapsulate(ciphertext, out, public_, seed);
}

static void mlkem_decapsulate(void) {
    jc_mlkem768_keypair(public_, secret_key, seed);
    jc_mlkem768_encapsulate(ciphertext, out, public_, seed);
    uint8_t forged[sizeof ciphertext];
    memcpy(forged, ciphertext, sizeof forged);
    forged[500] ^= 4;
    /* Of the secret key, the public key and its hash are none. */
    VALGRIND_MAKE_MEM_UNDEFINED(secret_key, 1152);
    VALGRIND_MAKE_MEM_UNDEFINED(secret_key + 2368, 32);
    jc_mlkem768_decapsulate(out, secret_key, ciphertext);
    jc_mlkem768_decapsulate(out, secret_key, forged);
}

/* What must be found, or the rest proves nothing: a branch, and an address. */
static void planted_branch(void) {
    SECRET(seed);
    if (seed[3] & 1) {
        puts("odd");
    }
}

static void planted_address(void) {
    SECRET(seed);
    out[0] = text[seed[3]];
    PUBLIC(out);
}

static const struct {
    const char *name;
    void (*run)(void);
} PARTS[] = {
    {"x25519", x25519},
    {"ed25519", ed25519},
    {"seal", seal},
    {"open", open_},
    {"mlkem_keypair", mlkem_keypair},
    {"mlkem_encapsulate", mlkem_encapsulate},
    {"mlkem_decapsulate", mlkem_decapsulate},
    {"planted_branch", planted_branch},
    {"planted_address", planted_address},
};

int main(int count, char **words) {
    for (size_t i = 0; i < sizeof seed; i++) {
        seed[i] = (uint8_t)(i * 7 + 1);
    }
    for (size_t i = 0; count == 2 && i < sizeof PARTS / sizeof *PARTS; i++) {
        if (strcmp(words[1], PARTS[i].name) == 0) {
            if (!RUNNING_ON_VALGRIND) {
                puts("not under valgrind");
                return 3;
            }
            PARTS[i].run();
            puts("done");
            return 0;
        }
    }
    return 2;
}
