/* What the parts of this port share: where QEMU's `virt` machine has its devices, and who does what. */
#ifndef PORT_BOARD_H
#define PORT_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Addresses of hw/riscv/virt.c. */
#define TEST_FINISHER   ((volatile uint32_t *)0x00100000)
#define RTC             ((volatile uint32_t *)0x00101000)
#define MTIMECMP        ((volatile uint32_t *)0x02004000)
#define MTIME           ((volatile uint32_t *)0x0200bff8)
#define PLIC_PRIORITY   ((volatile uint32_t *)0x0c000000)
#define PLIC_ENABLE     ((volatile uint32_t *)0x0c002000)
#define PLIC_THRESHOLD  ((volatile uint32_t *)0x0c200000)
#define PLIC_CLAIM      ((volatile uint32_t *)0x0c200004)
#define UART            ((volatile uint8_t *)0x10000000)
#define VIRTIO(slot)    ((volatile uint32_t *)(0x10001000 + 0x1000 * (slot)))
#define VIRTIO_SLOTS    (8)     /* and their interrupts are 1 to 8 */
#define UART_IRQ        (10)
#define PCI_CONFIG(dev) ((uintptr_t)0x30000000 + ((dev) << 15))     /* bus 0, function 0 */
#define PCI_DEVICES     (32)
#define PCI_MEMORY      (0x40000000)

#define TICKS_PER_US    (10)    /* mtime runs at 10 MHz */

/* Why the last reset was made; machine.reset_cause() returns it. */
enum { RESET_POWER_ON = 1, RESET_ASKED = 2, RESET_WATCHDOG = 3, RESET_PANIC = 4 };

/* hal.c */
uint64_t board_ticks(void);                 /* mtime */
void board_poll(void);                      /* the UART and the network; never waits */
void board_poll_now_and_then(void);         /* the same, at most once a millisecond: for the VM's loop */
void board_wait(int timeout_ms);            /* sleeps until a device or a timer has something; -1: no limit of its own */
void board_init(void);

/* uart.c */
void uart_init(void);
void uart_drain(void);                      /* from the device into the ring */
size_t uart_waiting(void);
int uart_take(void);                        /* the next byte, -1: none */
size_t uart_put(const uint8_t *data, size_t size);      /* how many the device took at once */
void uart_put_all(const char *text, size_t size);       /* waits for the device, within a bound */

/* fault.c */
void board_panic(const char *what) __attribute__((noreturn));
void board_reset(int cause) __attribute__((noreturn));
int board_reset_cause(void);

/* entropy.c */
void entropy_init(void);
bool entropy_fill(uint8_t *out, size_t size);   /* false: no source, a dead or a late one; `out` is then all zeros */
uint32_t entropy_weak32(void);                  /* for ports and sequence numbers, never for keys: works without */

/* net.c */
void net_poll(void);
int net_sleep_ms(void);                     /* until lwIP's next timer; -1: none */

/* watchdog.c */
bool watchdog_start(uint32_t timeout_ms);   /* false: this machine has none */
void watchdog_feed(void);
bool watchdog_bit(void);                    /* whether the last reset was its */

#endif
