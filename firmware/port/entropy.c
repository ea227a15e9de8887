/* Randomness from virtio-rng, and from nothing else: without it, or when it is plainly broken, there are no keys. */

#include <string.h>

#include "py/mphal.h"
#include "board.h"
#include "virtio.h"

#define BLOCK_BYTES     (32)
#define ANSWER_MS       (1000)      /* a source that gives nothing for so long is none */

VIRTIO_QUEUE(queue, 2);
static bool seeded;
/* The device writes here and nowhere else: should it answer after its time, nothing is overwritten. */
static uint8_t block[BLOCK_BYTES];
static uint8_t last[BLOCK_BYTES];

/* Fill `block`; whether it came whole. A source that repeats itself is dead: by chance that happens once in 2^256. */
static bool draw(void) {
    size_t at = 0;
    while (at < BLOCK_BYTES) {
        uint32_t got = 0;
        virtio_describe(&queue, 0, block + at, BLOCK_BYTES - at, DESC_DEVICE_WRITES);
        virtio_push(&queue, 0);
        if (virtio_pop_wait(&queue, &got, ANSWER_MS) < 0 || got == 0 || got > BLOCK_BYTES - at) {
            return false;
        }
        at += got;
    }
    if (!memcmp(block, last, BLOCK_BYTES)) {
        return false;
    }
    memcpy(last, block, BLOCK_BYTES);
    return true;
}

void entropy_init(void) {
    volatile uint32_t *device = virtio_open(VIRTIO_ENTROPY, 0, NULL);
    seeded = false;
    if (device && virtio_queue_open(&queue, device, 0)) {
        virtio_go(device);
        seeded = draw();
    }
}

bool entropy_fill(uint8_t *out, size_t size) {
    for (size_t at = 0; seeded && at < size; at += BLOCK_BYTES) {
        seeded = draw();
        memcpy(out + at, block, size - at < BLOCK_BYTES ? size - at : BLOCK_BYTES);
    }
    memset(block, 0, sizeof(block));
    if (!seeded) {
        memset(out, 0, size);
    }
    return seeded;
}

uint32_t entropy_weak32(void) {
    static uint32_t state;
    uint32_t value;
    if (entropy_fill((uint8_t *)&value, sizeof(value))) {
        return value;
    }
    state ^= mp_hal_ticks_cpu() ^ (uint32_t)mp_hal_time_ns();
    state = state * 1664525 + 1013904223;
    return state ^ state >> 16;
}
