/* Faults end in one line on the UART and a reset; the next start can tell why (machine.reset_cause). */

#include <string.h>

#include "board.h"

#define RESET_MAGIC     (0x4c4a0000)    /* so that what RAM holds at power-on is not taken for a cause */
#define FINISHER_RESET  (0x7777)

extern uint8_t _sguard, _sstack;

static uint32_t kept_cause __attribute__((section(".kept")));

static const char *const causes[] = {
    "instruction address misaligned", "instruction access fault", "illegal instruction", "breakpoint",
    "load address misaligned", "load access fault", "store address misaligned", "store access fault",
};

static void say(const char *text) {
    uart_put_all(text, strlen(text));
}

static void say_hex(const char *before, uint32_t value) {
    char text[11] = "0x";
    for (int i = 0; i < 8; i++) {
        text[2 + i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
    }
    say(before);
    say(text);
}

void board_reset(int cause) {
    kept_cause = RESET_MAGIC | (uint32_t)cause;
    *TEST_FINISHER = FINISHER_RESET;
    for (;;) {
    }
}

int board_reset_cause(void) {
    static int cause;
    if (!cause) {
        cause = RESET_POWER_ON;
        if (watchdog_bit()) {
            cause = RESET_WATCHDOG;
        } else if ((kept_cause & 0xffffff00) == RESET_MAGIC) {
            cause = kept_cause & 0xff;
        }
        kept_cause = 0;
    }
    return cause;
}

void board_panic(const char *what) {
    say("\r\nPANIC: ");
    say(what);
    say_hex(", ra ", (uint32_t)__builtin_return_address(0));
    say("\r\n");
    board_reset(RESET_PANIC);
}

/* startup.S comes here with every trap. */
__attribute__((noreturn)) void board_fault(uint32_t cause, uint32_t pc, uint32_t address, uint32_t ra, uint32_t sp) {
    bool known = cause < sizeof(causes) / sizeof(*causes);
    bool guard = address >= (uint32_t)&_sguard && address < (uint32_t)&_sstack;
    say("\r\nPANIC: ");
    say(guard && (cause == 5 || cause == 7) ? "stack overflow" : known ? causes[cause] : "trap");
    say_hex(", mcause ", cause);
    say_hex(", mepc ", pc);
    say_hex(", mtval ", address);
    say_hex(", ra ", ra);
    say_hex(", sp ", sp);
    say("\r\n");
    board_reset(RESET_PANIC);
}

/* An assertion of C code that was compiled with them, and abort(). */
void abort(void) {
    board_panic("abort");
}
