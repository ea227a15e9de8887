/* Keccak-f[1600] for 32-bit machines, in words: a lane is two, the lower one first. */
#include "keccak.h"

#include "wipe.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "bytes are mixed into lanes as a little-endian machine has them"
#endif

static const uint32_t ROUND_CONSTANTS[24][2] = {
    {0x00000001, 0x00000000}, {0x00008082, 0x00000000}, {0x0000808a, 0x80000000}, {0x80008000, 0x80000000},
    {0x0000808b, 0x00000000}, {0x80000001, 0x00000000}, {0x80008081, 0x80000000}, {0x00008009, 0x80000000},
    {0x0000008a, 0x00000000}, {0x00000088, 0x00000000}, {0x80008009, 0x00000000}, {0x8000000a, 0x00000000},
    {0x8000808b, 0x00000000}, {0x0000008b, 0x80000000}, {0x00008089, 0x80000000}, {0x00008003, 0x80000000},
    {0x00008002, 0x80000000}, {0x00000080, 0x80000000}, {0x0000800a, 0x00000000}, {0x8000000a, 0x80000000},
    {0x80008081, 0x80000000}, {0x00008080, 0x80000000}, {0x80000001, 0x00000000}, {0x80008008, 0x80000000},
};

/* Lane `x` of the parities, rotated by one bit. */
#define ROTATED_LOW(lanes, x) (lanes[2 * (x)] << 1 | lanes[2 * (x) + 1] >> 31)
#define ROTATED_HIGH(lanes, x) (lanes[2 * (x) + 1] << 1 | lanes[2 * (x)] >> 31)

/* Lane `from`, mixed with its neighbour columns, goes to place `to`, rotated by n bits, and by 32 where `swap` is 1. */
#define MOVE(from, to, swap, n) \
    first = a[2 * (from)] ^ low; \
    second = a[2 * (from) + 1] ^ high; \
    b[2 * (to) + (swap)] = first << (n) | second >> (32 - (n)); \
    b[2 * (to) + 1 - (swap)] = second << (n) | first >> (32 - (n))

#define KEEP(from, to) \
    b[2 * (to)] = a[2 * (from)] ^ low; \
    b[2 * (to) + 1] = a[2 * (from) + 1] ^ high

/* All that can be done in one pass over the lanes is: theta's sums are taken while chi makes the lanes, and rho and pi
 * move them while theta changes them. */
static void permute(uint32_t a[50]) {
    uint32_t b[50], parity[10];
    for (int i = 0; i < 10; i++) {
        parity[i] = a[i] ^ a[i + 10] ^ a[i + 20] ^ a[i + 30] ^ a[i + 40];
    }
    for (int round = 0; round < 24; round++) {
        uint32_t low, high, first, second;
        low = parity[2 * 4] ^ ROTATED_LOW(parity, 1);
        high = parity[2 * 4 + 1] ^ ROTATED_HIGH(parity, 1);
        KEEP(0, 0);
        MOVE(5, 16, 1, 4);
        MOVE(10, 7, 0, 3);
        MOVE(15, 23, 1, 9);
        MOVE(20, 14, 0, 18);
        low = parity[2 * 0] ^ ROTATED_LOW(parity, 2);
        high = parity[2 * 0 + 1] ^ ROTATED_HIGH(parity, 2);
        MOVE(1, 10, 0, 1);
        MOVE(6, 1, 1, 12);
        MOVE(11, 17, 0, 10);
        MOVE(16, 8, 1, 13);
        MOVE(21, 24, 0, 2);
        low = parity[2 * 1] ^ ROTATED_LOW(parity, 3);
        high = parity[2 * 1 + 1] ^ ROTATED_HIGH(parity, 3);
        MOVE(2, 20, 1, 30);
        MOVE(7, 11, 0, 6);
        MOVE(12, 2, 1, 11);
        MOVE(17, 18, 0, 15);
        MOVE(22, 9, 1, 29);
        low = parity[2 * 2] ^ ROTATED_LOW(parity, 4);
        high = parity[2 * 2 + 1] ^ ROTATED_HIGH(parity, 4);
        MOVE(3, 5, 0, 28);
        MOVE(8, 21, 1, 23);
        MOVE(13, 12, 0, 25);
        MOVE(18, 3, 0, 21);
        MOVE(23, 19, 1, 24);
        low = parity[2 * 3] ^ ROTATED_LOW(parity, 0);
        high = parity[2 * 3 + 1] ^ ROTATED_HIGH(parity, 0);
        MOVE(4, 15, 0, 27);
        MOVE(9, 6, 0, 20);
        MOVE(14, 22, 1, 7);
        MOVE(19, 13, 0, 8);
        MOVE(24, 4, 0, 14);
        for (int half = 0; half < 2; half++) {
            uint32_t p0 = 0, p1 = 0, p2 = 0, p3 = 0, p4 = 0;
            const uint32_t *from = b + half;
            for (uint32_t *to = a + half; to < a + 50; to += 10, from += 10) {
                uint32_t b0 = from[0], b1 = from[2], b2 = from[4], b3 = from[6], b4 = from[8];
                p0 ^= to[0] = b0 ^ (~b1 & b2);
                p1 ^= to[2] = b1 ^ (~b2 & b3);
                p2 ^= to[4] = b2 ^ (~b3 & b4);
                p3 ^= to[6] = b3 ^ (~b4 & b0);
                p4 ^= to[8] = b4 ^ (~b0 & b1);
            }
            a[half] ^= ROUND_CONSTANTS[round][half];
            p0 ^= ROUND_CONSTANTS[round][half];
            parity[half] = p0;
            parity[half + 2] = p1;
            parity[half + 4] = p2;
            parity[half + 6] = p3;
            parity[half + 8] = p4;
        }
    }
}

void jc_keccak_init(jc_keccak_t *state, size_t rate) {
    memset(state->words, 0, sizeof(state->words));
    state->rate = (uint8_t)rate;
    state->at = 0;
}

void jc_keccak_absorb(jc_keccak_t *state, const uint8_t *data, size_t size) {
    while (size != 0) {
        size_t room = (size_t)(state->rate - state->at);
        size_t taken = room < size ? room : size;
        uint8_t *to = (uint8_t *)state->words + state->at;
        for (const uint8_t *end = data + taken; data != end;) {
            *to++ ^= *data++;
        }
        state->at = (uint8_t)(state->at + taken);
        size -= taken;
        if (state->at == state->rate) {
            permute(state->words);
            state->at = 0;
        }
    }
}

void jc_keccak_finish(jc_keccak_t *state, uint8_t suffix) {
    uint8_t *bytes = (uint8_t *)state->words;
    bytes[state->at] ^= suffix;
    bytes[state->rate - 1] ^= 0x80;
    state->at = state->rate; /* the first block comes after a permutation */
}

const uint8_t *jc_keccak_next_block(jc_keccak_t *state) {
    permute(state->words);
    return (const uint8_t *)state->words;
}

void jc_keccak_squeeze(jc_keccak_t *state, uint8_t *out, size_t size) {
    const uint8_t *bytes = (const uint8_t *)state->words;
    while (size != 0) {
        if (state->at == state->rate) {
            permute(state->words);
            state->at = 0;
        }
        size_t left = (size_t)(state->rate - state->at);
        size_t taken = left < size ? left : size;
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
