/* Keccak (FIPS 202) for ML-KEM: SHA3 and SHAKE. Its time depends on the length of the data alone. */
#ifndef JC_KECCAK_H
#define JC_KECCAK_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of a block. */
#define JC_SHAKE128_RATE 168
#define JC_SHAKE256_RATE 136
#define JC_SHA3_256_RATE 136
#define JC_SHA3_512_RATE 72

/* What ends the data: the function's own bits, and the padding's first. */
#define JC_SHAKE_SUFFIX 0x1f
#define JC_SHA3_SUFFIX 0x06

typedef struct {
    uint32_t words[50]; /* of the 25 lanes, the lower half of each first */
    uint8_t rate;
    uint8_t at; /* where in the block the next byte goes, or comes from */
} jc_keccak_t;

/* Begin; absorb any number of pieces; finish; then squeeze any number of pieces, or take block by block. */
void jc_keccak_init(jc_keccak_t *state, size_t rate);
void jc_keccak_absorb(jc_keccak_t *state, const uint8_t *data, size_t size);
void jc_keccak_finish(jc_keccak_t *state, uint8_t suffix);
void jc_keccak_squeeze(jc_keccak_t *state, uint8_t *out, size_t size);
const uint8_t *jc_keccak_next_block(jc_keccak_t *state); /* the next `rate` bytes, in the state itself */

/* All of that at once, for data in one or two pieces; the state is wiped. */
void jc_keccak(
    uint8_t *out, size_t out_size, size_t rate, uint8_t suffix, const uint8_t *data, size_t size, const uint8_t *more,
    size_t more_size);

#endif
