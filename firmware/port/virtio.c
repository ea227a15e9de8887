/* The virtio-mmio transport (virtio 1.1, sections 2.6 and 4.2). One processor, no interrupts: fences suffice. */

#include "board.h"
#include "virtio.h"

/* Registers, as 32-bit words. */
enum {
    MAGIC = 0, VERSION = 1, DEVICE_ID = 2, FEATURES = 4, FEATURES_WORD = 5, DRIVER_FEATURES = 8,
    DRIVER_FEATURES_WORD = 9, QUEUE = 12, QUEUE_MOST = 13, QUEUE_SIZE = 14, QUEUE_READY = 17, NOTIFY = 20,
    INTERRUPT_STATUS = 24, INTERRUPT_ACK = 25, STATUS = 28, QUEUE_DESC = 32, QUEUE_AVAIL = 36, QUEUE_USED = 40,
    CONFIG = 64,
};
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };
#define MAGIC_VALUE         (0x74726976)
#define VERSION_1           (1)     /* bit 32, that is bit 0 of the features' second word */

#define FENCE() __asm volatile ("fence iorw, iorw" : : : "memory")

volatile uint32_t *virtio_open(uint32_t kind, uint32_t wanted, uint32_t *got) {
    /* QEMU gives the first device of its command line the highest slot. */
    for (int slot = VIRTIO_SLOTS - 1; slot >= 0; slot--) {
        volatile uint32_t *device = VIRTIO(slot);
        if (device[MAGIC] != MAGIC_VALUE || device[VERSION] != 2 || device[DEVICE_ID] != kind) {
            continue;
        }
        device[STATUS] = 0;
        device[STATUS] = ACKNOWLEDGE;
        device[STATUS] = ACKNOWLEDGE | DRIVER;
        device[FEATURES_WORD] = 0;
        uint32_t features = device[FEATURES] & wanted;
        device[DRIVER_FEATURES_WORD] = 0;
        device[DRIVER_FEATURES] = features;
        device[DRIVER_FEATURES_WORD] = 1;
        device[DRIVER_FEATURES] = VERSION_1;
        device[STATUS] = ACKNOWLEDGE | DRIVER | FEATURES_OK;
        if (got) {
            *got = features;
        }
        return device[STATUS] & FEATURES_OK ? device : NULL;
    }
    return NULL;
}

bool virtio_queue_open(struct virtio_queue *queue, volatile uint32_t *device, int number) {
    device[QUEUE] = number;
    if (device[QUEUE_MOST] < queue->count) {
        return false;
    }
    queue->device = device;
    queue->number = number;
    queue->seen = 0;
    queue->avail[0] = queue->avail[1] = 0;
    queue->used[0] = queue->used[1] = 0;
    device[QUEUE_SIZE] = queue->count;
    device[QUEUE_DESC] = (uint32_t)queue->desc;
    device[QUEUE_DESC + 1] = 0;
    device[QUEUE_AVAIL] = (uint32_t)queue->avail;
    device[QUEUE_AVAIL + 1] = 0;
    device[QUEUE_USED] = (uint32_t)queue->used;
    device[QUEUE_USED + 1] = 0;
    device[QUEUE_READY] = 1;
    return true;
}

void virtio_go(volatile uint32_t *device) {
    device[STATUS] = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;
}

void virtio_acknowledge(volatile uint32_t *device) {
    device[INTERRUPT_ACK] = device[INTERRUPT_STATUS];
}

const volatile uint8_t *virtio_config(volatile uint32_t *device) {
    return (const volatile uint8_t *)&device[CONFIG];
}

void virtio_describe(struct virtio_queue *queue, int at, const void *data, size_t size, int flags) {
    queue->desc[at] = (struct virtio_desc) {
        .address = (uint32_t)data, .size = size, .flags = flags, .next = at + 1,
    };
}

void virtio_push(struct virtio_queue *queue, int head) {
    uint16_t index = queue->avail[1];
    queue->avail[2 + index % queue->count] = head;
    FENCE();
    queue->avail[1] = index + 1;
    FENCE();
    queue->device[NOTIFY] = queue->number;
}

int virtio_pop(struct virtio_queue *queue, uint32_t *written) {
    FENCE();
    if (queue->used[1] == queue->seen) {
        return -1;
    }
    FENCE();
    volatile uint32_t *entry = (volatile uint32_t *)&queue->used[2] + 2 * (queue->seen++ % queue->count);
    if (written) {
        *written = entry[1];
    }
    return entry[0];
}

int virtio_pop_wait(struct virtio_queue *queue, uint32_t *written, uint32_t timeout_ms) {
    uint64_t end = board_ticks() + (uint64_t)timeout_ms * 1000 * TICKS_PER_US;
    for (;;) {
        int head = virtio_pop(queue, written);
        if (head >= 0 || board_ticks() >= end) {
            return head;
        }
    }
}
