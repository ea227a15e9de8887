/* The program of tools/bench/vrf_mcu.py: checks every header of cases.h and counts the instructions. */
#include "bandersnatch.h"
#include "cases.h"
#include "rv32.h"

void run(void) {
    static jc_vrf_key_t key;
    uint8_t output[32];
    uint32_t wrong = 0;
    uint64_t keys = 0, seals = 0, entropies = 0;
    uint32_t highest = 0;
    paint_stack();
    for (int i = 0; i < HEADERS; i++) {
        const header_t *header = &CASES[i];
        const vrf_t *seal = &header->seal;
        const vrf_t *entropy = &header->entropy;
        uint32_t start = instructions();
        wrong += jc_vrf_key(&key, header->author) != 0;
        uint32_t decoded = instructions();
        int no = jc_vrf_verify(&key, seal->input, seal->input_size, seal->aux, seal->aux_size, seal->proof, output);
        uint32_t sealed = instructions();
        wrong += no || memcmp(output, seal->output, 32);
        uint32_t again = instructions();
        no = jc_vrf_verify(
            &key, entropy->input, entropy->input_size, entropy->aux, entropy->aux_size, entropy->proof, output);
        uint32_t end = instructions();
        wrong += no || memcmp(output, entropy->output, 32);
        /* The same with one bit of the proof turned. */
        uint8_t forged[96];
        memcpy(forged, seal->proof, 96);
        forged[i * 5 % 96] ^= (uint8_t)(1 << i % 8);
        wrong += !jc_vrf_verify(&key, seal->input, seal->input_size, seal->aux, seal->aux_size, forged, output);
        keys += decoded - start;
        seals += sealed - decoded;
        entropies += end - again;
        uint32_t whole = sealed - start + end - again;
        highest = whole > highest ? whole : highest;
    }
    print("wrong", "", wrong);
    print("headers", "", HEADERS);
    print("key", "", (uint32_t)(keys / HEADERS));
    print("seal", "", (uint32_t)(seals / HEADERS));
    print("entropy", "", (uint32_t)(entropies / HEADERS));
    print("header", "", (uint32_t)((keys + seals + entropies) / HEADERS));
    print("highest", "", highest);
    print("stack", "", stack_depth());
    print("stack_bound", "", JC_VRF_STACK_BYTES);
    print("key_bytes", "", sizeof key);
    finish();
}
