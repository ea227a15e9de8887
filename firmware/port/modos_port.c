/* What extmod/modos.c leaves to a port. */

#include "py/mperrno.h"
#include "board.h"

/* os.urandom(size). OSError(ENODEV) while the generator is unseeded: it is never made up. */
static mp_obj_t mp_os_urandom(mp_obj_t size_in) {
    mp_int_t size = mp_obj_get_int(size_in);
    if (size < 0) {
        mp_raise_ValueError(NULL);
    }
    vstr_t out;
    vstr_init_len(&out, size);
    if (!entropy_fill((uint8_t *)out.buf, size)) {
        mp_raise_OSError(MP_ENODEV);
    }
    return mp_obj_new_bytes_from_vstr(&out);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mp_os_urandom_obj, mp_os_urandom);
