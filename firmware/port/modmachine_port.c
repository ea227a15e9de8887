/* What extmod/modmachine.c leaves to a port. */

#include "py/mphal.h"
#include "board.h"

#define MICROPY_PY_MACHINE_EXTRA_GLOBALS \
    { MP_ROM_QSTR(MP_QSTR_PWRON_RESET), MP_ROM_INT(RESET_POWER_ON) }, \
    { MP_ROM_QSTR(MP_QSTR_HARD_RESET), MP_ROM_INT(RESET_ASKED) }, \
    { MP_ROM_QSTR(MP_QSTR_WDT_RESET), MP_ROM_INT(RESET_WATCHDOG) }, \
    { MP_ROM_QSTR(MP_QSTR_PANIC_RESET), MP_ROM_INT(RESET_PANIC) },

static void mp_machine_idle(void) {
    mp_event_wait_ms(1);
}

MP_NORETURN static void mp_machine_reset(void) {
    board_reset(RESET_ASKED);
}

static mp_int_t mp_machine_reset_cause(void) {
    return board_reset_cause();
}
