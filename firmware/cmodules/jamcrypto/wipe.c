/* A function of its own unit, so that it has a frame of its own. */
#include "wipe.h"

void jc_wipe_stack(void) {
    uint8_t left[JC_UNWIPED_STACK_BYTES];
    JC_WIPE(left);
}
