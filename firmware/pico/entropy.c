/* Where keys come from. MicroPython's os.urandom takes a byte from rosc_random_u8(), eight bits of the ring oscillator as
 * they fall; the linker leads that call here instead (--wrap), where each 32 bytes are the BLAKE2b hash of many more bits:
 *
 * - RAW_BITS of them a block. The RP2040's datasheet (2.17.5) promises no quality of the bit, so 1/16 bit of entropy in
 *   each is all that is counted on.
 * - Bits that do not change, or that come in a short circle, are a dead source: OSError, and no key is made. (NIST SP
 *   800-90B, 4.4: the repetition count and the adaptive proportion test, with their cutoffs for 1/16 bit at 2^-30.)
 * - Every block hashes the one before as well, and the microseconds since power on.
 */

#include <string.h>

#include "py/mperrno.h"
#include "py/runtime.h"
#include "hardware/structs/rosc.h"
#include "hardware/timer.h"
#include "monocypher.h"

#define RAW_BITS        (8192)
#define RAW_BYTES       (RAW_BITS / 8)
#define SAME_MOST       (1 + 30 * 16)   /* equal bits in a row */
#define WINDOW_BITS     (1024)
#define ONES_MOST       (1013)          /* of a window, equal to its first */
#define BLOCK_BYTES     (32)
#define BETWEEN_TICKS   (12)            /* loops between two bits, so that they are not the same swing */

static uint8_t block[BLOCK_BYTES];
static size_t left;                     /* bytes of the block that nobody was given */

static bool gather(uint8_t *raw) {
    unsigned last = 2, same = 0, first = 0, alike = 0;
    for (size_t i = 0; i < RAW_BITS; i++) {
        for (volatile int k = 0; k < BETWEEN_TICKS; k++) {
        }
        unsigned bit = rosc_hw->randombit & 1;
        raw[i / 8] = (uint8_t)(raw[i / 8] << 1 | bit);
        same = bit == last ? same + 1 : 1;
        last = bit;
        if (i % WINDOW_BITS == 0) {
            first = bit;
            alike = 0;
        }
        alike += bit == first;
        if (same > SAME_MOST || alike > ONES_MOST) {
            return false;
        }
    }
    return memcmp(raw, raw + RAW_BYTES / 2, RAW_BYTES / 2) != 0;
}

static void refill(void) {
    uint8_t raw[RAW_BYTES];
    if (!gather(raw)) {
        mp_raise_OSError(MP_EIO);
    }
    uint64_t now = time_us_64();
    crypto_blake2b_ctx hash;
    crypto_blake2b_init(&hash, BLOCK_BYTES);
    crypto_blake2b_update(&hash, block, sizeof(block));
    crypto_blake2b_update(&hash, (const uint8_t *)&now, sizeof(now));
    crypto_blake2b_update(&hash, raw, sizeof(raw));
    crypto_blake2b_final(&hash, block);
    crypto_wipe(raw, sizeof(raw));
    left = BLOCK_BYTES;
}

uint8_t __wrap_rosc_random_u8(size_t cycles);
uint8_t __wrap_rosc_random_u8(size_t cycles) {
    if (!left) {
        refill();
    }
    /* Each byte is given once, and is not kept. */
    uint8_t byte = block[--left];
    block[left] = 0;
    return byte;
}
