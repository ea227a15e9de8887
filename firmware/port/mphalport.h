#ifndef PORT_MPHALPORT_H
#define PORT_MPHALPORT_H

#include <stddef.h>
#include <stdint.h>
#include "shared/runtime/interrupt_char.h"

void board_poll(void);
void board_wait(int timeout_ms);

#define MICROPY_INTERNAL_EVENT_HOOK         board_poll()
#define MICROPY_INTERNAL_WFE(timeout_ms)    board_wait((int)(timeout_ms))

#endif
