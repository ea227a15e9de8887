/* Functions of a unit of their own: a compiler that saw their callers would leave them out. */
#include "wipe.h"

void jc_wipe(void *data, size_t size) {
    uint8_t *at = data;
    for (; size != 0 && (uintptr_t)at % sizeof(uint32_t) != 0; size--) {
        *at++ = 0;
    }
    for (; size >= sizeof(uint32_t); size -= sizeof(uint32_t), at += sizeof(uint32_t)) {
        *(uint32_t __attribute__((may_alias)) *)at = 0;
    }
    for (; size != 0; size--) {
        *at++ = 0;
    }
    __asm__ volatile("" : : "r"(data) : "memory"); /* for a compiler that sees all units at once */
}

void jc_wipe_stack(void) {
    uint8_t left[JC_UNWIPED_STACK_BYTES];
    JC_WIPE(left);
}
