/* The module `virt`: the UART and the virtio console as streams, the disk as flash, and how deep the stack went.
 *
 * Uart()              the console's bytes, without waiting: read, readinto and write return None where there is nothing
 *                     to be had; asyncio and select can wait for it. It and the REPL read the same bytes.
 * Port()              the second serial port (virtio-console), the same face. OSError(ENODEV) where there is none.
 * Blk([at, size])     see blk.c
 * stack_peak()        bytes of stack ever used; stack_size() is all there is
 */

#include <string.h>

#include "py/mperrno.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "board.h"
#include "modvirt.h"
#include "virtio.h"

typedef struct {
    mp_obj_base_t base;
} stream_obj_t;

static mp_uint_t would_block(int *error) {
    *error = MP_EAGAIN;
    return MP_STREAM_ERROR;
}

static const mp_rom_map_elem_t stream_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_read), MP_ROM_PTR(&mp_stream_read_obj) },
    { MP_ROM_QSTR(MP_QSTR_readinto), MP_ROM_PTR(&mp_stream_readinto_obj) },
    { MP_ROM_QSTR(MP_QSTR_readline), MP_ROM_PTR(&mp_stream_unbuffered_readline_obj) },
    { MP_ROM_QSTR(MP_QSTR_write), MP_ROM_PTR(&mp_stream_write_obj) },
};
static MP_DEFINE_CONST_DICT(stream_locals, stream_locals_table);

/* ---- Uart ---- */

static const mp_obj_type_t uart_type;
static const stream_obj_t uart = { { &uart_type } };

static mp_obj_t uart_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    return MP_OBJ_FROM_PTR(&uart);
}

static mp_uint_t uart_read(mp_obj_t self, void *buf, mp_uint_t size, int *error) {
    uart_drain();
    mp_uint_t n = 0;
    for (int byte; n < size && (byte = uart_take()) >= 0; n++) {
        ((uint8_t *)buf)[n] = byte;
    }
    return n || !size ? n : would_block(error);
}

static mp_uint_t uart_write(mp_obj_t self, const void *buf, mp_uint_t size, int *error) {
    mp_uint_t n = uart_put(buf, size);
    return n || !size ? n : would_block(error);
}

static mp_uint_t uart_ioctl(mp_obj_t self, mp_uint_t request, uintptr_t arg, int *error) {
    if (request == MP_STREAM_POLL) {
        uart_drain();
        return (uart_waiting() ? arg & MP_STREAM_POLL_RD : 0) | (arg & MP_STREAM_POLL_WR);
    }
    *error = MP_EINVAL;
    return MP_STREAM_ERROR;
}

static const mp_stream_p_t uart_stream = { .read = uart_read, .write = uart_write, .ioctl = uart_ioctl };
static MP_DEFINE_CONST_OBJ_TYPE(
    uart_type, MP_QSTR_Uart, MP_TYPE_FLAG_NONE,
    make_new, uart_make_new, protocol, &uart_stream, locals_dict, &stream_locals);

/* ---- Port ---- */

/* What the host writes waits in these until it is read; then QEMU holds the rest. What the host writes before the
 * first Port(), or the board before the host has connected, is lost: whoever uses it says hello until answered. */
#define PORT_BUFFERS    (4)
#define PORT_BYTES      (256)

static const mp_obj_type_t port_type;
static const stream_obj_t port = { { &port_type } };
VIRTIO_QUEUE(port_in, PORT_BUFFERS);
VIRTIO_QUEUE(port_out, PORT_BUFFERS);
static uint8_t in_buffer[PORT_BUFFERS][PORT_BYTES], out_buffer[PORT_BUFFERS][PORT_BYTES];
static int in_current = -1;             /* the buffer that is being read */
static uint32_t in_size, in_at;
static uint32_t out_free;

static mp_obj_t port_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    if (!port_in.device) {
        volatile uint32_t *device = virtio_open(VIRTIO_CONSOLE, 0, NULL);
        if (!device || !virtio_queue_open(&port_in, device, 0) || !virtio_queue_open(&port_out, device, 1)) {
            mp_raise_OSError(MP_ENODEV);
        }
        virtio_go(device);
        for (int i = 0; i < PORT_BUFFERS; i++) {
            virtio_describe(&port_in, i, in_buffer[i], PORT_BYTES, DESC_DEVICE_WRITES);
            virtio_push(&port_in, i);
        }
        out_free = (1u << PORT_BUFFERS) - 1;
    }
    return MP_OBJ_FROM_PTR(&port);
}

static bool port_can_read(void) {
    if (in_current < 0) {
        in_current = virtio_pop(&port_in, &in_size);
        in_at = 0;
    }
    return in_current >= 0;
}

static bool port_can_write(void) {
    for (int i; (i = virtio_pop(&port_out, NULL)) >= 0;) {
        out_free |= 1u << i;
    }
    return out_free;
}

static mp_uint_t port_read(mp_obj_t self, void *buf, mp_uint_t size, int *error) {
    mp_uint_t n = 0;
    while (n < size && port_can_read()) {
        uint32_t part = MIN(in_size - in_at, size - n);
        memcpy((uint8_t *)buf + n, in_buffer[in_current] + in_at, part);
        n += part;
        in_at += part;
        if (in_at == in_size) {
            virtio_push(&port_in, in_current);
            in_current = -1;
        }
    }
    return n || !size ? n : would_block(error);
}

static mp_uint_t port_write(mp_obj_t self, const void *buf, mp_uint_t size, int *error) {
    mp_uint_t n = 0;
    while (n < size && port_can_write()) {
        int i = __builtin_ctz(out_free);
        uint32_t part = MIN(size - n, PORT_BYTES);
        out_free &= ~(1u << i);
        memcpy(out_buffer[i], (const uint8_t *)buf + n, part);
        virtio_describe(&port_out, i, out_buffer[i], part, 0);
        virtio_push(&port_out, i);
        n += part;
    }
    return n || !size ? n : would_block(error);
}

static mp_uint_t port_ioctl(mp_obj_t self, mp_uint_t request, uintptr_t arg, int *error) {
    if (request == MP_STREAM_POLL) {
        return (arg & MP_STREAM_POLL_RD && port_can_read() ? MP_STREAM_POLL_RD : 0)
            | (arg & MP_STREAM_POLL_WR && port_can_write() ? MP_STREAM_POLL_WR : 0);
    }
    *error = MP_EINVAL;
    return MP_STREAM_ERROR;
}

static const mp_stream_p_t port_stream = { .read = port_read, .write = port_write, .ioctl = port_ioctl };
static MP_DEFINE_CONST_OBJ_TYPE(
    port_type, MP_QSTR_Port, MP_TYPE_FLAG_NONE,
    make_new, port_make_new, protocol, &port_stream, locals_dict, &stream_locals);

/* ---- the stack ---- */

extern const uint32_t _sstack, _estack;

static mp_obj_t virt_stack_peak(void) {
    const uint32_t *at = &_sstack;
    while (at < &_estack && *at == 0xbbbbbbbb) {     /* as startup.S painted it */
        at++;
    }
    return mp_obj_new_int((const uint8_t *)&_estack - (const uint8_t *)at);
}
static MP_DEFINE_CONST_FUN_OBJ_0(virt_stack_peak_obj, virt_stack_peak);

static mp_obj_t virt_stack_size(void) {
    return mp_obj_new_int((const uint8_t *)&_estack - (const uint8_t *)&_sstack);
}
static MP_DEFINE_CONST_FUN_OBJ_0(virt_stack_size_obj, virt_stack_size);

static const mp_rom_map_elem_t virt_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_virt) },
    { MP_ROM_QSTR(MP_QSTR_Uart), MP_ROM_PTR(&uart_type) },
    { MP_ROM_QSTR(MP_QSTR_Port), MP_ROM_PTR(&port_type) },
    { MP_ROM_QSTR(MP_QSTR_Blk), MP_ROM_PTR(&virt_blk_type) },
    { MP_ROM_QSTR(MP_QSTR_stack_peak), MP_ROM_PTR(&virt_stack_peak_obj) },
    { MP_ROM_QSTR(MP_QSTR_stack_size), MP_ROM_PTR(&virt_stack_size_obj) },
};
static MP_DEFINE_CONST_DICT(virt_globals, virt_globals_table);

const mp_obj_module_t virt_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&virt_globals,
};

MP_REGISTER_MODULE(MP_QSTR_virt, virt_module);
