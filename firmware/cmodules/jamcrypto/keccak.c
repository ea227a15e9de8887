/* Keccak-f[1600] for 32-bit machines: the lanes stay in memory, and only rotations, whose distances have to be known
 * to the compiler, are written out. */
#include "keccak.h"

#include "wipe.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "bytes are mixed into lanes as a little-endian machine has them"
#endif

static const uint64_t ROUND_CONSTANTS[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

#define ROTATE(word, n) ((word) << (n) | (word) >> (64 - (n)))

/* The lane at hand goes to place `to`, rotated, and what was there is at hand next. */
#define MOVE(to, n) \
    next = a[to]; \
    a[to] = ROTATE(held, n); \
    held = next

static void permute(uint64_t a[25]) {
    for (int round = 0; round < 24; round++) {
        uint64_t column[5];
        for (int x = 0; x < 5; x++) {
            column[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
        }
        for (int x = 0; x < 5; x++) {
            uint64_t after = column[x == 4 ? 0 : x + 1];
            uint64_t mixed = column[x == 0 ? 4 : x - 1] ^ ROTATE(after, 1);
            for (int y = x; y < 25; y += 5) {
                a[y] ^= mixed;
            }
        }
        uint64_t held = a[1], next;
        MOVE(10, 1);
        MOVE(7, 3);
        MOVE(11, 6);
        MOVE(17, 10);
        MOVE(18, 15);
        MOVE(3, 21);
        MOVE(5, 28);
        MOVE(16, 36);
        MOVE(8, 45);
        MOVE(21, 55);
        MOVE(24, 2);
        MOVE(4, 14);
        MOVE(15, 27);
        MOVE(23, 41);
        MOVE(19, 56);
        MOVE(13, 8);
        MOVE(12, 25);
        MOVE(2, 43);
        MOVE(20, 62);
        MOVE(14, 18);
        MOVE(22, 39);
        MOVE(9, 61);
        MOVE(6, 20);
        MOVE(1, 44);
        for (int y = 0; y < 25; y += 5) {
            uint64_t first = a[y], second = a[y + 1];
            a[y] = first ^ (~second & a[y + 2]);
            a[y + 1] = second ^ (~a[y + 2] & a[y + 3]);
            a[y + 2] ^= ~a[y + 3] & a[y + 4];
            a[y + 3] ^= ~a[y + 4] & first;
            a[y + 4] ^= ~first & second;
        }
        a[0] ^= ROUND_CONSTANTS[round];
    }
}

void jc_keccak_init(jc_keccak_t *state, size_t rate) {
    memset(state->lanes, 0, sizeof(state->lanes));
    state->rate = (uint8_t)rate;
    state->at = 0;
}

void jc_keccak_absorb(jc_keccak_t *state, const uint8_t *data, size_t size) {
    uint8_t *bytes = (uint8_t *)state->lanes;
    for (size_t i = 0; i < size; i++) {
        bytes[state->at] ^= data[i];
        if (++state->at == state->rate) {
            permute(state->lanes);
            state->at = 0;
        }
    }
}

void jc_keccak_finish(jc_keccak_t *state, uint8_t suffix) {
    uint8_t *bytes = (uint8_t *)state->lanes;
    bytes[state->at] ^= suffix;
    bytes[state->rate - 1] ^= 0x80;
    state->at = state->rate; /* the first block comes after a permutation */
}

void jc_keccak_squeeze(jc_keccak_t *state, uint8_t *out, size_t size) {
    const uint8_t *bytes = (const uint8_t *)state->lanes;
    while (size != 0) {
        if (state->at == state->rate) {
            permute(state->lanes);
            state->at = 0;
        }
        size_t taken = (size_t)(state->rate - state->at);
        taken = taken < size ? taken : size;
        memcpy(out, bytes + state->at, taken);
        state->at = (uint8_t)(state->at + taken);
        out += taken;
        size -= taken;
    }
}

void jc_keccak(
    uint8_t *out, size_t out_size, size_t rate, uint8_t suffix, const uint8_t *data, size_t size, const uint8_t *more,
    size_t more_size) {
    jc_keccak_t state;
    jc_keccak_init(&state, rate);
    jc_keccak_absorb(&state, data, size);
    jc_keccak_absorb(&state, more, more_size);
    jc_keccak_finish(&state, suffix);
    jc_keccak_squeeze(&state, out, out_size);
    JC_WIPE(state);
}
