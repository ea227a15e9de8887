/* What a program of tools/bench/rv32.py begins with, on QEMU's `virt` machine: a stack, the count of instructions, and
 * `name value` lines on the serial port. The program is `run`; it ends with `finish`. */
#include <stddef.h>
#include <stdint.h>
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

static inline uint32_t instructions(void) {
    uint32_t count;
    __asm__ volatile("csrr %0, minstret" : "=r"(count)::"memory");
    return count;
}

static void print_text(const char *text) {
    for (; *text; text++) {
        *SERIAL = (uint8_t)*text;
    }
}

static void print(const char *name, const char *what, uint32_t value) {
    char digits[12];
    int at = sizeof digits - 1;
    digits[at] = 0;
    do {
        digits[--at] = (char)('0' + value % 10);
    } while (value /= 10);
    print_text(name);
    print_text(what);
    print_text(" ");
    print_text(digits + at);
    print_text("\n");
}

/* Fill the stack below the caller's frame, and later find how deep it has been. */
__attribute__((noinline)) static void paint_stack(void) {
    for (uint32_t *word = stack; word < (uint32_t *)__builtin_frame_address(0) - 64; word++) {
        *word = PAINT;
    }
}

__attribute__((noinline)) static uint32_t stack_depth(void) {
    uint32_t at = 0;
    while (stack[at] == PAINT) {
        at++;
    }
    return (uint32_t)((const uint8_t *)__builtin_frame_address(0) - (const uint8_t *)&stack[at]);
}

static void finish(void) {
    print("end", "", 1);
    *POWER = POWER_OFF;
    for (;;) {
    }
}
