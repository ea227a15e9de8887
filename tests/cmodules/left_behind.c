/* Program of test_left_behind.py: runs each function that works on secrets on a stack of its own, which it then searches
 * for them. Prints a line for each that it finds, and "done".
 *
 * Searched for are eight bytes of a secret, from any place in it, in either order of bytes: the arguments, what is
 * expanded from them, and what comes of it, but for what the function gives to its caller.
 */
#include "jamcrypto.h"
#include "keccak.h"
#include "sha512.h"

#include <stdio.h>
#include <string.h>
#include <ucontext.h>

#define WINDOW 8

static uint8_t room[1 << 16];
static ucontext_t outside, inside;
static uint8_t seed[64], text[300], public_[1184], ciphertext[1088], secret_key[2400], out[2400], nonce[12], ad[20];
static struct {
    const char *name;
    uint8_t bytes[64];
    size_t size;
} secrets[8];
static int secret_count;

static void secret(const char *name, const uint8_t *bytes, size_t size) {
    secrets[secret_count].name = name;
    secrets[secret_count].size = size;
    memcpy(secrets[secret_count++].bytes, bytes, size);
}

static int is_there(const uint8_t window[WINDOW]) {
    for (const uint8_t *at = room; at + WINDOW <= room + sizeof room; at++) {
        int same = 1, turned = 1;
        for (int i = 0; i < WINDOW; i++) {
            same &= at[i] == window[i];
            turned &= at[i] == window[WINDOW - 1 - i];
        }
        if (same || turned) {
            return 1;
        }
    }
    return 0;
}

static void x25519(void) {
    jc_x25519(out, seed, public_);
}

static void x25519_public(void) {
    jc_x25519_public(out, seed);
}

static void ed25519_public(void) {
    jc_ed25519_public(out, seed);
}

static void ed25519_sign(void) {
    jc_ed25519_sign(out, seed, NULL, text, sizeof text);
}

static void ed25519_sign_as(void) {
    jc_ed25519_sign(out, seed, public_, text, sizeof text);
}

static void seal(void) {
    jc_aead_seal(out, seed, nonce, ad, sizeof ad, text, sizeof text);
}

static void open_(void) {
    jc_aead_open(text, seed, nonce, ad, sizeof ad, out, sizeof text);
}

static void mlkem_keypair(void) {
    jc_mlkem768_keypair(public_, secret_key, seed);
}

static void mlkem_encapsulate(void) {
    jc_mlkem768_encapsulate(ciphertext, out, public_, seed);
}

static void mlkem_decapsulate(void) {
    jc_mlkem768_decapsulate(out, secret_key, ciphertext);
}

static void planted(void) {
    volatile uint8_t copy[32];
    for (int i = 0; i < 32; i++) {
        copy[i] = seed[i];
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} PARTS[] = {
    {"x25519", x25519},
    {"x25519_public", x25519_public},
    {"ed25519_public", ed25519_public},
    {"ed25519_sign", ed25519_sign},
    {"ed25519_sign_as", ed25519_sign_as},
    {"seal", seal},
    {"open", open_},
    {"mlkem_keypair", mlkem_keypair},
    {"mlkem_encapsulate", mlkem_encapsulate},
    {"mlkem_decapsulate", mlkem_decapsulate},
    {"planted", planted},
};

/* What must not be found, and what the function needs. */
static void prepare(void (*run)(void)) {
    uint8_t made[64];
    secret("seed", seed, 32);
    if (run == ed25519_public || run == ed25519_sign) {
        jc_sha512_t hash;
        jc_sha512_init(&hash);
        jc_sha512_update(&hash, seed, 32);
        jc_sha512_final(&hash, made);
        secret("scalar and prefix", made, 64);
    } else if (run == seal || run == open_) {
        jc_aead_seal(out, seed, nonce, ad, sizeof ad, text, sizeof text);
        for (int i = 0; i < 64; i++) {
            made[i] = out[64 + i] ^ text[64 + i];
        }
        secret("key stream", made, 64);
        secret("text", text + 100, 64);
    } else {
        const uint8_t parameter = 3, none = 0;
        uint8_t hash[32];
        jc_mlkem768_keypair(public_, secret_key, seed);
        jc_keccak(made, 64, JC_SHA3_512_RATE, JC_SHA3_SUFFIX, seed, 32, &parameter, 1);
        secret("sigma", made + 32, 32);
        jc_keccak(hash, 32, JC_SHAKE256_RATE, JC_SHAKE_SUFFIX, made + 32, 32, &none, 1);
        secret("noise of the key", hash, 32);
        jc_mlkem768_encapsulate(ciphertext, out, public_, seed); /* the seed is the message as well */
        jc_keccak(hash, 32, JC_SHA3_256_RATE, JC_SHA3_SUFFIX, public_, sizeof public_, NULL, 0);
        jc_keccak(made, 64, JC_SHA3_512_RATE, JC_SHA3_SUFFIX, seed, 32, hash, 32);
        secret("shared secret and coins", made, 64);
        jc_keccak(hash, 32, JC_SHAKE256_RATE, JC_SHAKE_SUFFIX, made + 32, 32, &none, 1);
        secret("noise of the ciphertext", hash, 32);
        secret("rejection", seed + 32, 32);
    }
}

int main(int count, char **words) {
    for (size_t i = 0; i < sizeof seed; i++) {
        seed[i] = (uint8_t)(i * i + 3 * i + 89);
    }
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (uint8_t)(i * i * 5 + 7);
    }
    for (size_t i = 0; count == 2 && i < sizeof PARTS / sizeof *PARTS; i++) {
        if (strcmp(words[1], PARTS[i].name) == 0) {
            prepare(PARTS[i].run);
            memset(room, 0xa5, sizeof room);
            getcontext(&inside);
            inside.uc_stack.ss_sp = room;
            inside.uc_stack.ss_size = sizeof room;
            inside.uc_link = &outside;
            makecontext(&inside, PARTS[i].run, 0);
            swapcontext(&outside, &inside);
            for (int s = 0; s < secret_count; s++) {
                for (size_t at = 0; at + WINDOW <= secrets[s].size; at++) {
                    if (is_there(secrets[s].bytes + at)) {
                        printf("%s, byte %d\n", secrets[s].name, (int)at);
                    }
                }
            }
            puts("done");
            return 0;
        }
    }
    return 2;
}
