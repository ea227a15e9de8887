/* SHA-512 (FIPS 180-4), compact: for Ed25519, and for the Bandersnatch VRF and its hash to the curve.
 *
 * Its time depends on the length of the data alone. Stack: about 300 bytes. A message may have 2^61 - 1 bytes.
 */
#ifndef JC_SHA512_H
#define JC_SHA512_H

#include <stddef.h>
#include <stdint.h>

#define JC_SHA512_BYTES 64
#define JC_SHA512_BLOCK_BYTES 128

typedef struct {
    uint64_t state[8];
    uint64_t size; /* bytes taken in so far */
    uint8_t block[JC_SHA512_BLOCK_BYTES];
} jc_sha512_t;

void jc_sha512_init(jc_sha512_t *hash);

/* Take in `size` bytes more. `data` may be NULL where `size` is 0. */
void jc_sha512_update(jc_sha512_t *hash, const uint8_t *data, size_t size);

/* The hash of all that was taken in. The state is of no use afterwards until the next init. */
void jc_sha512_final(jc_sha512_t *hash, uint8_t out[JC_SHA512_BYTES]);

#endif
