/* Verification of JAM's seals: the IETF VRF over Bandersnatch, suite Bandersnatch_SHA-512_ELL2, with additional data.
 *
 * Source: davxy/bandersnatch-vrf-spec at commit 38cf32d, RFC 9380 for the hash to the curve, GP 0.7.2 appendix G. It
 * answers what jamliquor_lite.crypto.vrf answers, which is its oracle.
 *
 * NOT constant time: how long it takes, and what it reads, depends on its arguments. All of them are public (keys,
 * headers, proofs). It does not sign, and must never be given a secret.
 *
 * No allocation, no writable static data, no libc but memcpy, memset and memcmp. A call of either function takes at
 * most JC_VRF_STACK_BYTES of stack on a 32-bit processor, as tools/bench/vrf_mcu.py measures.
 *
 * A key and the two proofs of a header take 10.9 million instructions on RV32IMAC with 26 KB of code and constants.
 * JC_BANDERSNATCH_SMALL=1 builds the same with a third less of them and half the key, a fifth slower.
 */
#ifndef JC_BANDERSNATCH_H
#define JC_BANDERSNATCH_H

#include "bandersnatch_curve.h"
#include "sha512.h"

#include <stddef.h>
#include <stdint.h>

#define JC_VRF_PUBLIC_BYTES 32
#define JC_VRF_PROOF_BYTES 96
#define JC_VRF_OUTPUT_BYTES 32
#define JC_VRF_STACK_BYTES 5632

/* A public key ready for use: a header has two signatures by one key, which share what is computed here. */
typedef struct {
    uint8_t encoded[32]; /* canonical, unlike what it was decoded from, perhaps */
    jc_cached_t multiples[JC_PIECES][JC_WINDOW_POINTS]; /* of Y, psi(Y), and those times 2^64 */
} jc_vrf_key_t;

/* Decode a public key. 0, or -1 where it is no canonical point of the prime-order subgroup; then `key` is of no use. */
int jc_vrf_key(jc_vrf_key_t *key, const uint8_t public_[JC_VRF_PUBLIC_BYTES]);

/* Whether `proof` holds for the VRF input `input` and the additional data `aux`. 0 and the VRF's output in `output`,
 * or -1, with nothing written. `input` and `aux` may be NULL where their size is 0. */
int jc_vrf_verify(
    const jc_vrf_key_t *key, const uint8_t *input, size_t input_size, const uint8_t *aux, size_t aux_size,
    const uint8_t proof[JC_VRF_PROOF_BYTES], uint8_t output[JC_VRF_OUTPUT_BYTES]);

/* The same for additional data that is never whole in memory: all the work but its hash is done at the start. */
typedef struct {
    jc_sha512_t hash;
    jc_fe challenge;
    uint8_t point[32];
} jc_vrf_check_t;

/* 0, or -1 where the proof is refused whatever the additional data is; then `check` is of no use. */
int jc_vrf_check_start(
    jc_vrf_check_t *check, const jc_vrf_key_t *key, const uint8_t *input, size_t input_size,
    const uint8_t proof[JC_VRF_PROOF_BYTES]);
void jc_vrf_check_update(jc_vrf_check_t *check, const uint8_t *aux, size_t size);

/* 0 and the output, or -1. Once, and the last call. */
int jc_vrf_check_finish(jc_vrf_check_t *check, uint8_t output[JC_VRF_OUTPUT_BYTES]);

#endif
