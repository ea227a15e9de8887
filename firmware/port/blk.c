/* virt.Blk: the virtio disk as NOR flash. Blocks of 4 KiB are erased to ones; writing, at any offset and of any size,
 * only clears bits, as a chip does: what is written without erasing comes out wrong here too, and not first on a
 * real board.
 *
 * Blk([at, size])                     a part of the disk, in bytes, both multiples of 4,096; without them all of it
 * readblocks(block, buf[, offset])    writeblocks(block, buf[, offset])    ioctl(op, arg): MicroPython's protocol
 */

#include <string.h>

#include "py/mperrno.h"
#include "py/runtime.h"
#include "extmod/vfs.h"
#include "board.h"
#include "modvirt.h"
#include "virtio.h"

#define BLOCK_BYTES     (4096)
#define SECTOR_BYTES    (512)
#define SECTORS         (BLOCK_BYTES / SECTOR_BYTES)
#define ANSWER_MS       (10000)     /* a host's disk may take its time; then it is an error and not a hang */
#define FEATURE_FLUSH   (1u << 9)
enum { READ = 0, WRITE = 1, FLUSH = 4 };

typedef struct {
    mp_obj_base_t base;
    uint32_t at, size;
} blk_obj_t;

VIRTIO_QUEUE(queue, 16);        /* a request, up to SECTORS pieces of data, a status */
static uint8_t sector[SECTOR_BYTES] __attribute__((aligned(4)));
static bool can_flush;

static bool request(uint32_t kind, uint32_t first_sector, const void *data, size_t size, int repeat) {
    static struct {
        uint32_t kind, reserved;
        uint64_t sector;
    } head;
    static volatile uint8_t status;
    head.kind = kind;
    head.sector = first_sector;
    status = 0xff;
    int n = 0;
    virtio_describe(&queue, n++, &head, sizeof(head), DESC_NEXT);
    for (int i = 0; i < repeat; i++) {
        virtio_describe(&queue, n++, data, size, DESC_NEXT | (kind == READ ? DESC_DEVICE_WRITES : 0));
    }
    virtio_describe(&queue, n, (const void *)&status, 1, DESC_DEVICE_WRITES);
    virtio_push(&queue, 0);
    return virtio_pop_wait(&queue, NULL, ANSWER_MS) == 0 && status == 0;
}

static bool read_bytes(uint32_t at, uint8_t *out, size_t size) {
    while (size) {
        uint32_t skip = at % SECTOR_BYTES;
        size_t part = size - size % SECTOR_BYTES;
        if (skip || !part) {
            part = MIN(SECTOR_BYTES - skip, size);
            if (!request(READ, at / SECTOR_BYTES, sector, SECTOR_BYTES, 1)) {
                return false;
            }
            memcpy(out, sector + skip, part);
        } else if (!request(READ, at / SECTOR_BYTES, out, part, 1)) {
            return false;
        }
        at += part;
        out += part;
        size -= part;
    }
    return true;
}

static bool write_bytes(uint32_t at, const uint8_t *data, size_t size) {
    while (size) {
        uint32_t skip = at % SECTOR_BYTES;
        size_t part = MIN(SECTOR_BYTES - skip, size);
        if (!request(READ, at / SECTOR_BYTES, sector, SECTOR_BYTES, 1)) {
            return false;
        }
        for (size_t i = 0; i < part; i++) {
            sector[skip + i] &= data[i];
        }
        if (!request(WRITE, at / SECTOR_BYTES, sector, SECTOR_BYTES, 1)) {
            return false;
        }
        at += part;
        data += part;
        size -= part;
    }
    return true;
}

static bool erase_block(uint32_t at) {
    memset(sector, 0xff, SECTOR_BYTES);
    return request(WRITE, at / SECTOR_BYTES, sector, SECTOR_BYTES, SECTORS);
}

static mp_obj_t blk_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 2, false);
    if (!queue.device) {
        uint32_t got = 0;
        volatile uint32_t *device = virtio_open(VIRTIO_BLOCK, FEATURE_FLUSH, &got);
        if (!device || !virtio_queue_open(&queue, device, 0)) {
            mp_raise_OSError(MP_ENODEV);
        }
        virtio_go(device);
        can_flush = got & FEATURE_FLUSH;
    }
    uint64_t sectors = *(const volatile uint32_t *)virtio_config(queue.device);
    uint64_t whole = MIN(sectors * SECTOR_BYTES / BLOCK_BYTES * BLOCK_BYTES, 0x40000000);
    mp_int_t at = n_args > 0 ? mp_obj_get_int(args[0]) : 0;
    mp_int_t size = n_args > 1 ? mp_obj_get_int(args[1]) : (mp_int_t)whole - at;
    if (at < 0 || size <= 0 || (uint64_t)at + size > whole || (at | size) % BLOCK_BYTES) {
        mp_raise_ValueError(MP_ERROR_TEXT("not a part of the disk"));
    }
    blk_obj_t *self = mp_obj_malloc(blk_obj_t, type);
    self->at = at;
    self->size = size;
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t transfer(size_t n_args, const mp_obj_t *args, bool writing) {
    const blk_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    mp_buffer_info_t buf;
    mp_get_buffer_raise(args[2], &buf, writing ? MP_BUFFER_READ : MP_BUFFER_WRITE);
    uint64_t at = (uint64_t)(uint32_t)mp_obj_get_int(args[1]) * BLOCK_BYTES;
    if (n_args > 3) {
        at += (uint32_t)mp_obj_get_int(args[3]);
    }
    if (at + buf.len > self->size) {
        return MP_OBJ_NEW_SMALL_INT(-MP_EINVAL);
    }
    bool done = writing ? write_bytes(self->at + at, buf.buf, buf.len) : read_bytes(self->at + at, buf.buf, buf.len);
    return MP_OBJ_NEW_SMALL_INT(done ? 0 : -MP_EIO);
}

static mp_obj_t blk_readblocks(size_t n_args, const mp_obj_t *args) {
    return transfer(n_args, args, false);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(blk_readblocks_obj, 3, 4, blk_readblocks);

static mp_obj_t blk_writeblocks(size_t n_args, const mp_obj_t *args) {
    return transfer(n_args, args, true);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(blk_writeblocks_obj, 3, 4, blk_writeblocks);

static mp_obj_t blk_ioctl(mp_obj_t self_in, mp_obj_t op, mp_obj_t arg) {
    const blk_obj_t *self = MP_OBJ_TO_PTR(self_in);
    bool done = true;
    switch (mp_obj_get_int(op)) {
        case MP_BLOCKDEV_IOCTL_INIT:
        case MP_BLOCKDEV_IOCTL_DEINIT:
            break;
        case MP_BLOCKDEV_IOCTL_SYNC:
            done = !can_flush || request(FLUSH, 0, NULL, 0, 0);
            break;
        case MP_BLOCKDEV_IOCTL_BLOCK_COUNT:
            return MP_OBJ_NEW_SMALL_INT(self->size / BLOCK_BYTES);
        case MP_BLOCKDEV_IOCTL_BLOCK_SIZE:
            return MP_OBJ_NEW_SMALL_INT(BLOCK_BYTES);
        case MP_BLOCKDEV_IOCTL_BLOCK_ERASE: {
            mp_uint_t block = mp_obj_get_int(arg);
            if (block >= self->size / BLOCK_BYTES) {
                return MP_OBJ_NEW_SMALL_INT(-MP_EINVAL);
            }
            done = erase_block(self->at + block * BLOCK_BYTES);
            break;
        }
        default:
            return mp_const_none;
    }
    return MP_OBJ_NEW_SMALL_INT(done ? 0 : -MP_EIO);
}
static MP_DEFINE_CONST_FUN_OBJ_3(blk_ioctl_obj, blk_ioctl);

static const mp_rom_map_elem_t blk_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_readblocks), MP_ROM_PTR(&blk_readblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_writeblocks), MP_ROM_PTR(&blk_writeblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_ioctl), MP_ROM_PTR(&blk_ioctl_obj) },
};
static MP_DEFINE_CONST_DICT(blk_locals, blk_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    virt_blk_type, MP_QSTR_Blk, MP_TYPE_FLAG_NONE, make_new, blk_make_new, locals_dict, &blk_locals);
