/* The 16550 UART: console, or frames and lines side by side (virt.Uart). */

#include "py/runtime.h"
#include "shared/runtime/interrupt_char.h"
#include "board.h"

enum { DATA = 0, INTERRUPTS = 1, FIFO_CONTROL = 2, LINE_STATUS = 5 };
#define CAN_READ        (0x01)
#define CAN_WRITE       (0x20)
#define FIFO_BYTES      (16)
#define WRITE_WAIT_MS   (1000)      /* the device takes nothing for so long: what is printed is dropped from here on */

/* Sized for what comes at 115,200 baud while 40 ms of C code run. Power of two; the counters run free. */
#define RING_BYTES      (512)
static uint8_t ring[RING_BYTES];
static uint16_t ring_head, ring_tail;

void uart_init(void) {
    UART[FIFO_CONTROL] = 0x07;      /* on, and emptied */
    UART[INTERRUPTS] = 1;           /* for received bytes: it ends WFI */
}

/* While Ctrl-C interrupts (the REPL) bytes are looked at even if there is no room for them. Else the ring fills and
 * the rest waits in the device, whose other side then waits too, if it can. */
void uart_drain(void) {
    bool interruptible = mp_interrupt_char >= 0;
    while (UART[LINE_STATUS] & CAN_READ) {
        bool full = (uint16_t)(ring_head - ring_tail) == RING_BYTES;
        if (full && !interruptible) {
            break;
        }
        uint8_t byte = UART[DATA];
        if (interruptible && byte == mp_interrupt_char) {
            mp_sched_keyboard_interrupt();
        } else if (!full) {
            ring[ring_head++ % RING_BYTES] = byte;
        }
    }
}

size_t uart_waiting(void) {
    return (uint16_t)(ring_head - ring_tail);
}

int uart_take(void) {
    return ring_head == ring_tail ? -1 : ring[ring_tail++ % RING_BYTES];
}

size_t uart_put(const uint8_t *data, size_t size) {
    if (!(UART[LINE_STATUS] & CAN_WRITE)) {
        return 0;
    }
    if (size > FIFO_BYTES) {
        size = FIFO_BYTES;
    }
    for (size_t i = 0; i < size; i++) {
        UART[DATA] = data[i];
    }
    return size;
}

/* Prints. A wire that nobody reads from must not stop the node: it is waited for once, and again when it took some. */
void uart_put_all(const char *text, size_t size) {
    static bool stuck;
    uint64_t last = board_ticks();
    while (size) {
        size_t taken = uart_put((const uint8_t *)text, size);
        if (taken) {
            stuck = false;
            text += taken;
            size -= taken;
            last = board_ticks();
        } else if (stuck || board_ticks() - last > (uint64_t)WRITE_WAIT_MS * 1000 * TICKS_PER_US) {
            stuck = true;
            break;
        }
    }
}
