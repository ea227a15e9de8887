/* Bare-metal program of tools/bench/vrf_mcu.py for QEMU's `virt` machine: checks every header of cases.h, counts the
 * instructions by `minstret` (-icount shift=0), and prints `name value` lines on the serial port. */
#include "bandersnatch.h"
#include "cases.h"

#include <string.h>

#define SERIAL ((volatile uint8_t *)0x10000000)
#define POWER ((volatile uint32_t *)0x100000)
#define POWER_OFF 0x5555
#define STACK_BYTES 0x8000
#define PAINT 0xdeadbeefu

static uint32_t stack[STACK_BYTES / 4] __attribute__((aligned(16)));

void run(void);

__attribute__((naked, section(".text.start"))) void _start(void) {
    __asm__ volatile("la sp, %0\n\tli t0, %1\n\tadd sp, sp, t0\n\tcall run\n1:\tj 1b" ::"i"(stack), "i"(STACK_BYTES));
}

static uint32_t instructions(void) {
    uint32_t count;
    __asm__ volatile("csrr %0, minstret" : "=r"(count)::"memory");
    return count;
}

static void print(const char *name, uint32_t value) {
    char digits[12];
    int at = sizeof digits - 1;
    digits[at] = 0;
    do {
        digits[--at] = (char)('0' + value % 10);
    } while (value /= 10);
    for (; *name; name++) {
        *SERIAL = (uint8_t)*name;
    }
    *SERIAL = ' ';
    for (; digits[at]; at++) {
        *SERIAL = (uint8_t)digits[at];
    }
    *SERIAL = '\n';
}

/* The deepest that the stack has been, below the caller's frame. */
__attribute__((noinline)) static uint32_t depth(void) {
    uint32_t at = 0;
    while (stack[at] == PAINT) {
        at++;
    }
    return (uint32_t)((const uint8_t *)__builtin_frame_address(0) - (const uint8_t *)&stack[at]);
}

void run(void) {
    static jc_vrf_key_t key;
    uint8_t output[32];
    uint32_t wrong = 0;
    uint64_t keys = 0, seals = 0, entropies = 0;
    uint32_t highest = 0;
    for (uint32_t *word = stack; word < (uint32_t *)__builtin_frame_address(0) - 64; word++) {
        *word = PAINT;
    }
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
    print("wrong", wrong);
    print("headers", HEADERS);
    print("key", (uint32_t)(keys / HEADERS));
    print("seal", (uint32_t)(seals / HEADERS));
    print("entropy", (uint32_t)(entropies / HEADERS));
    print("header", (uint32_t)((keys + seals + entropies) / HEADERS));
    print("highest", highest);
    print("stack", depth());
    print("stack_bound", JC_VRF_STACK_BYTES);
    print("key_bytes", sizeof key);
    *POWER = POWER_OFF;
    for (;;) {
    }
}
