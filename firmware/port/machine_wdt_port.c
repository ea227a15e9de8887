/* What extmod/machine_wdt.c leaves to a port. */

#include "py/mperrno.h"
#include "board.h"

#define LEAST_MS    (2)
#define MOST_MS     (2000000)

typedef struct _machine_wdt_obj_t {
    mp_obj_base_t base;
} machine_wdt_obj_t;

static const machine_wdt_obj_t machine_wdt = { { &machine_wdt_type } };

/* OSError(ENODEV) where the machine has none. It cannot be stopped again. */
static machine_wdt_obj_t *mp_machine_wdt_make_new_instance(mp_int_t id, mp_int_t timeout_ms) {
    if (id != 0 || timeout_ms < LEAST_MS || timeout_ms > MOST_MS) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid arguments"));
    }
    if (!watchdog_start(timeout_ms)) {
        mp_raise_OSError(MP_ENODEV);
    }
    return (machine_wdt_obj_t *)&machine_wdt;
}

static void mp_machine_wdt_feed(machine_wdt_obj_t *self) {
    watchdog_feed();
}
