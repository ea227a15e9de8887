/* The watchdog is a device of its own, an Intel 6300ESB on the PCI bus (`-device i6300esb`): it resets the machine
 * whatever the processor is doing. `virt` has no PCI firmware, so the one register block is placed here by hand. */

#include "board.h"

#define VENDOR_DEVICE   (0x25ab8086)
enum { PCI_ID = 0x00, PCI_COMMAND = 0x04, PCI_BASE_0 = 0x10, ESB_CONFIG = 0x60, ESB_LOCK = 0x68 };
#define PCI_MEMORY_ON   (2)
#define ESB_NO_STAGE_1  (3)     /* the first stage makes no interrupt */
#define ESB_ENABLE      (2)
enum { TIMER_1 = 0x00, TIMER_2 = 0x04, RELOAD = 0x0c };
#define RELOAD_NOW      (1 << 8)
#define CLEAR_TIMED_OUT (1 << 9)
#define TIMED_OUT       (1 << 12)
/* Each write that counts comes after these two. */
#define UNLOCK_1        (0x80)
#define UNLOCK_2        (0x86)
#define TIMER_MOST      (0xfffff)
#define TIMER_UNIT_NS   (32768 * 30)    /* 2^15 cycles of a 33 MHz bus */

static uintptr_t config;

static volatile uint32_t *reg32(uint32_t offset) {
    return (volatile uint32_t *)(PCI_MEMORY + offset);
}

static volatile uint16_t *reg16(uint32_t offset) {
    return (volatile uint16_t *)(PCI_MEMORY + offset);
}

static void unlock(void) {
    *reg16(RELOAD) = UNLOCK_1;
    *reg16(RELOAD) = UNLOCK_2;
}

static bool find(void) {
    for (int device = 0; !config && device < PCI_DEVICES; device++) {
        uintptr_t at = PCI_CONFIG(device);
        if (*(volatile uint32_t *)(at + PCI_ID) == VENDOR_DEVICE) {
            *(volatile uint32_t *)(at + PCI_BASE_0) = PCI_MEMORY;
            *(volatile uint16_t *)(at + PCI_COMMAND) = PCI_MEMORY_ON;
            config = at;
        }
    }
    return config;
}

bool watchdog_bit(void) {
    if (!find() || !(*reg16(RELOAD) & TIMED_OUT)) {
        return false;
    }
    unlock();
    *reg16(RELOAD) = CLEAR_TIMED_OUT;
    return true;
}

bool watchdog_start(uint32_t timeout_ms) {
    if (!find()) {
        return false;
    }
    /* It counts down twice before it resets. */
    uint64_t units = (uint64_t)timeout_ms * 1000000 / TIMER_UNIT_NS / 2;
    units = units < 1 ? 1 : units > TIMER_MOST ? TIMER_MOST : units;
    *(volatile uint16_t *)(config + ESB_CONFIG) = ESB_NO_STAGE_1;
    unlock();
    *reg32(TIMER_1) = units;
    unlock();
    *reg32(TIMER_2) = units;
    *(volatile uint8_t *)(config + ESB_LOCK) = ESB_ENABLE;
    watchdog_feed();
    return true;
}

void watchdog_feed(void) {
    unlock();
    *reg16(RELOAD) = RELOAD_NOW;
}
