/* Time, sleep and polling: MicroPython's hardware layer on the CLINT, the PLIC and the goldfish clock. */

#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "board.h"
#include "virtio.h"

#define LONGEST_SLEEP_MS    (1000)
#define POLL_EVERY          (64)    /* turns of the VM's loop between two looks at the clock, which is a slow read */

void board_init(void) {
    uart_init();
    for (int irq = 1; irq <= VIRTIO_SLOTS; irq++) {
        PLIC_PRIORITY[irq] = 1;
    }
    PLIC_PRIORITY[UART_IRQ] = 1;
    *PLIC_ENABLE = (((1u << VIRTIO_SLOTS) - 1) << 1) | (1u << UART_IRQ);
    *PLIC_THRESHOLD = 0;
    /* Enabled one by one and masked as a whole (mstatus.MIE is 0): they end WFI and are never taken. */
    __asm volatile ("csrw mie, %0" : : "r" ((1 << 11) | (1 << 7)));
    entropy_init();
}

uint64_t board_ticks(void) {
    uint32_t high, low;
    do {
        high = MTIME[1];
        low = MTIME[0];
    } while (high != MTIME[1]);
    return (uint64_t)high << 32 | low;
}

void board_poll(void) {
    static bool polling;    /* lwIP is not re-entrant, and what it calls may wait for an event */
    uart_drain();
    if (!polling) {
        polling = true;
        net_poll();
        polling = false;
    }
}

void board_poll_now_and_then(void) {
    static uint32_t turns, last;
    if (++turns % POLL_EVERY == 0) {
        uint32_t now = MTIME[0];
        if (now - last >= 1000 * TICKS_PER_US) {
            last = now;
            board_poll();
        }
    }
}

void board_wait(int timeout_ms) {
    int timer_ms = net_sleep_ms();
    if (timeout_ms < 0 || timeout_ms > LONGEST_SLEEP_MS) {
        timeout_ms = LONGEST_SLEEP_MS;
    }
    if (timer_ms >= 0 && timer_ms < timeout_ms) {
        timeout_ms = timer_ms;
    }
    if (timeout_ms > 0) {
        uint64_t until = board_ticks() + (uint64_t)timeout_ms * 1000 * TICKS_PER_US;
        MTIMECMP[1] = UINT32_MAX;   /* no moment in between that is long past */
        MTIMECMP[0] = (uint32_t)until;
        MTIMECMP[1] = (uint32_t)(until >> 32);
        __asm volatile ("wfi");
    }
    uint32_t irq;
    while ((irq = *PLIC_CLAIM) != 0) {
        if (irq <= VIRTIO_SLOTS) {
            virtio_acknowledge(VIRTIO(irq - 1));
        } else {
            uart_drain();   /* a full ring leaves the UART's line up; then it is not waited for, but polled */
        }
        *PLIC_CLAIM = irq;
        if (irq == UART_IRQ) {
            break;
        }
    }
    board_poll();
}

mp_uint_t mp_hal_ticks_ms(void) {
    return board_ticks() / (1000 * TICKS_PER_US);
}

mp_uint_t mp_hal_ticks_us(void) {
    return board_ticks() / TICKS_PER_US;
}

/* Instructions retired: exact, and the same every time, under QEMU's -icount. */
mp_uint_t mp_hal_ticks_cpu(void) {
    mp_uint_t count;
    __asm volatile ("csrr %0, minstret" : "=r" (count));
    return count;
}

uint64_t mp_hal_time_ns(void) {
    uint32_t low = RTC[0];      /* latches the other half */
    return (uint64_t)RTC[1] << 32 | low;
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint64_t end = board_ticks() + (uint64_t)ms * 1000 * TICKS_PER_US;
    for (;;) {
        mp_event_handle_nowait();
        uint64_t now = board_ticks();
        if (now >= end) {
            break;
        }
        mp_event_wait_ms((end - now + 1000 * TICKS_PER_US - 1) / (1000 * TICKS_PER_US));
    }
}

void mp_hal_delay_us(mp_uint_t us) {
    uint64_t end = board_ticks() + (uint64_t)us * TICKS_PER_US;
    while (board_ticks() < end) {
    }
}

uintptr_t mp_hal_stdio_poll(uintptr_t wanted) {
    uart_drain();
    return (uart_waiting() ? wanted & MP_STREAM_POLL_RD : 0) | (wanted & MP_STREAM_POLL_WR);
}

int mp_hal_stdin_rx_chr(void) {
    for (;;) {
        uart_drain();
        int byte = uart_take();
        if (byte >= 0) {
            return byte;
        }
        mp_event_wait_indefinite();
    }
}

mp_uint_t mp_hal_stdout_tx_strn(const char *text, size_t size) {
    uart_put_all(text, size);
    return size;
}
