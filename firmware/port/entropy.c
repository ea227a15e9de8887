/* Randomness from virtio-rng, and from nothing else: without it, or when it is plainly broken, there are no keys. */

#include <string.h>

#include "py/mphal.h"
#include "board.h"
#include "virtio.h"

#define BLOCK_BYTES     (32)
#define FIRST_MS        (1000)      /* at boot, where nobody needs it yet */
#define ANSWER_MS       (5000)      /* below the watchdog's time; an emulator on a busy machine takes seconds */

VIRTIO_QUEUE(queue, 2);
static bool working;            /* there is a device, and it has done nothing that a sound one does not */
static bool late;               /* it has not answered in time: what it was asked for is still to come */
/* The device writes here and nowhere else: should it answer after its time, nothing is overwritten. */
static uint8_t block[BLOCK_BYTES];
static size_t filled;           /* bytes of `block` that have come */
static uint8_t last[BLOCK_BYTES];

/* Fill `block`; whether it came whole. A source that repeats itself is dead: by chance that happens once in 2^256. One
 * that is late is waited for again by whoever asks next. */
static bool draw(uint32_t wait_ms) {
    while (filled < BLOCK_BYTES) {
        uint32_t got = 0;
        if (!late) {
            virtio_describe(&queue, 0, block + filled, BLOCK_BYTES - filled, DESC_DEVICE_WRITES);
            virtio_push(&queue, 0);
        }
        late = virtio_pop_wait(&queue, &got, wait_ms) < 0;
        if (late) {
            return false;
        }
        if (got == 0 || got > BLOCK_BYTES - filled) {
            working = false;
            return false;
        }
        filled += got;
    }
    filled = 0;
    working = memcmp(block, last, BLOCK_BYTES) != 0;
    memcpy(last, block, BLOCK_BYTES);
    return working;
}

static bool fill(uint8_t *out, size_t size, uint32_t wait_ms) {
    bool whole = working;
    for (size_t at = 0; whole && at < size; at += BLOCK_BYTES) {
        whole = draw(wait_ms);
        if (whole) {
            memcpy(out + at, block, size - at < BLOCK_BYTES ? size - at : BLOCK_BYTES);
            memset(block, 0, sizeof(block));
        }
    }
    if (!whole) {
        memset(out, 0, size);
    }
    return whole;
}

void entropy_init(void) {
    volatile uint32_t *device = virtio_open(VIRTIO_ENTROPY, 0, NULL);
    working = late = false;
    filled = 0;
    if (device && virtio_queue_open(&queue, device, 0)) {
        virtio_go(device);
        working = true;
        uint8_t first[BLOCK_BYTES];
        fill(first, sizeof(first), FIRST_MS);  /* what the next one must differ from */
    }
}

bool entropy_fill(uint8_t *out, size_t size) {
    return fill(out, size, ANSWER_MS);
}

uint32_t entropy_weak32(void) {
    static uint32_t state;
    uint32_t value;
    /* Who wants no secret does not wait for a source that was waited for in vain. */
    if (fill((uint8_t *)&value, sizeof(value), late ? 0 : ANSWER_MS)) {
        return value;
    }
    state ^= mp_hal_ticks_cpu() ^ (uint32_t)mp_hal_time_ns();
    state = state * 1664525 + 1013904223;
    return state ^ state >> 16;
}
