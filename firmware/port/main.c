/* Starts the interpreter and runs _boot.py, which runs main; SystemExit starts both afresh. */

#include "py/cstack.h"
#include "py/gc.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "shared/runtime/gchelper.h"
#include "shared/runtime/pyexec.h"
#include "extmod/modnetwork.h"
#include "lwip/init.h"
#include "board.h"

extern uint8_t _heap_start, _heap_end, _sstack, _estack;

/* Kept free under the depth at which Python code is told "maximum recursion depth exceeded": C functions that it
 * calls there still need some. What needs more than this asks mp_cstack_check() by itself. */
#define STACK_MARGIN_BYTES  (2048)

int main(void) {
    board_init();
    board_reset_cause();    /* read once, before the next one is noted */
    lwip_init();
    for (;;) {
        mp_cstack_init_with_top(&_estack, &_estack - &_sstack - STACK_MARGIN_BYTES);
        gc_init(&_heap_start, &_heap_end);
        mp_init();
        mod_network_init();
        /* No Ctrl-C: a byte 03 may be part of a frame that comes while the board starts. */
        bool again = pyexec_frozen_module("_boot.py", false) & PYEXEC_FORCED_EXIT;
        if (!again) {
            /* Its last words are said above. If it had a watchdog, that starts it again. */
            mp_hal_stdout_tx_str("main has ended\r\n");
            for (;;) {
                board_wait(-1);
            }
        }
        mod_network_deinit();
        gc_sweep_all();
        mp_deinit();
    }
}

void gc_collect(void) {
    gc_collect_start();
    gc_helper_collect_regs_and_stack();
    gc_collect_end();
}

void nlr_jump_fail(void *value) {
    board_panic("an exception that nothing catches");
}
