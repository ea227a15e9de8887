/* virtio-mmio, version 2, polled: a split queue is three arrays that the device reads and writes on its own. */
#ifndef PORT_VIRTIO_H
#define PORT_VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VIRTIO_NET = 1, VIRTIO_BLOCK = 2, VIRTIO_CONSOLE = 3, VIRTIO_ENTROPY = 4 };
enum { DESC_NEXT = 1, DESC_DEVICE_WRITES = 2 };

struct virtio_desc {
    uint64_t address;
    uint32_t size;
    uint16_t flags, next;
};

struct virtio_queue {
    volatile uint32_t *device;
    struct virtio_desc *desc;
    volatile uint16_t *avail;   /* flags, index, then the ring */
    volatile uint16_t *used;    /* flags, index, then the ring of (id, size), 32 bits each */
    uint16_t count;             /* descriptors; a power of two */
    uint16_t number;            /* of the queue in its device */
    uint16_t seen;              /* used entries that we have taken */
};

/* A queue with room for `count_` descriptors. */
#define VIRTIO_QUEUE(name, count_) \
    static struct virtio_desc name##_desc[count_] __attribute__((aligned(16))); \
    static uint16_t name##_avail[2 + (count_)] __attribute__((aligned(2))); \
    static uint16_t name##_used[2 + 4 * (count_)] __attribute__((aligned(4))); \
    static struct virtio_queue name = { \
        .desc = name##_desc, .avail = name##_avail, .used = name##_used, .count = count_ \
    }

/* The first device of a kind, reset and with those of `wanted` features that it offers (low word; the version bit is
 * asked for as well) in `*got`. NULL: there is none, or it refuses. Then its queues, then virtio_go. */
volatile uint32_t *virtio_open(uint32_t kind, uint32_t wanted, uint32_t *got);
bool virtio_queue_open(struct virtio_queue *queue, volatile uint32_t *device, int number);
void virtio_go(volatile uint32_t *device);
void virtio_acknowledge(volatile uint32_t *device);     /* lowers its interrupt */
const volatile uint8_t *virtio_config(volatile uint32_t *device);

/* Fill a descriptor; hand a chain to the device; take back the head of a chain that it has done with, -1: none. */
void virtio_describe(struct virtio_queue *queue, int at, const void *data, size_t size, int flags);
void virtio_push(struct virtio_queue *queue, int head);
int virtio_pop(struct virtio_queue *queue, uint32_t *written);

/* The same, waiting for at most `timeout_ms`; -1: the device did not answer. For devices that answer at once. */
int virtio_pop_wait(struct virtio_queue *queue, uint32_t *written, uint32_t timeout_ms);

#endif
