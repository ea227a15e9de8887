/* Verification of JAM's seals as a native module for firmware that others built: `import jamvrf` from the file system.
 *
 *     vrf_verify(public, input, aux, proof, out) -> bool     the VRF of firmware/cmodules/jamcrypto/bandersnatch.h
 *     sha512(out, data)
 *
 * Both are those of the module `jamcrypto`. A buffer of a wrong length is a ValueError. Its code lies in the heap of
 * the interpreter, so it is the small build unless SMALL=0 is said; a call takes 5 KB of stack.
 */
#include "py/dynruntime.h"

#include "bandersnatch.h"

/* The firmware's table of functions has these under other names, or not at all. */

void *memcpy(void *to, const void *from, size_t size) {
    return mp_fun_table.memmove_(to, from, size);
}

void *memset(void *to, int value, size_t size) {
    return mp_fun_table.memset_(to, value, size);
}

int memcmp(const void *left, const void *right, size_t size) {
    const uint8_t *a = left, *b = right;
    for (size_t i = 0; i < size; i++) {
        if (a[i] != b[i]) {
            return a[i] - b[i];
        }
    }
    return 0;
}

/* A header's two proofs are by one key: the last one is kept decoded. A native module has no static variables. */
jc_vrf_key_t jamvrf_key;
uint8_t jamvrf_key_of[JC_VRF_PUBLIC_BYTES];
uint8_t jamvrf_has_key;

static void *buffer_of(mp_obj_t object, size_t size, int how) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(object, &info, how);
    if (info.len != size) {
        mp_raise_ValueError("a buffer has the wrong length");
    }
    return info.buf;
}

static mp_obj_t vrf_verify(size_t count, const mp_obj_t *args) {
    (void)count;
    mp_buffer_info_t input, aux;
    const uint8_t *public_ = buffer_of(args[0], JC_VRF_PUBLIC_BYTES, MP_BUFFER_READ);
    mp_get_buffer_raise(args[1], &input, MP_BUFFER_READ);
    mp_get_buffer_raise(args[2], &aux, MP_BUFFER_READ);
    const uint8_t *proof = buffer_of(args[3], JC_VRF_PROOF_BYTES, MP_BUFFER_READ);
    uint8_t *out = buffer_of(args[4], JC_VRF_OUTPUT_BYTES, MP_BUFFER_WRITE);
    if (!jamvrf_has_key || memcmp(jamvrf_key_of, public_, JC_VRF_PUBLIC_BYTES)) {
        jamvrf_has_key = 0;
        if (jc_vrf_key(&jamvrf_key, public_)) {
            return mp_const_false;
        }
        memcpy(jamvrf_key_of, public_, JC_VRF_PUBLIC_BYTES);
        jamvrf_has_key = 1;
    }
    return mp_obj_new_bool(!jc_vrf_verify(&jamvrf_key, input.buf, input.len, aux.buf, aux.len, proof, out));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(vrf_verify_obj, 5, 5, vrf_verify);

static mp_obj_t sha512(mp_obj_t out, mp_obj_t data) {
    mp_buffer_info_t info;
    jc_sha512_t hash;
    mp_get_buffer_raise(data, &info, MP_BUFFER_READ);
    uint8_t *digest = buffer_of(out, JC_SHA512_BYTES, MP_BUFFER_WRITE);
    jc_sha512_init(&hash);
    jc_sha512_update(&hash, info.buf, info.len);
    jc_sha512_final(&hash, digest);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(sha512_obj, sha512);

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
    mp_store_global(MP_QSTR_vrf_verify, MP_OBJ_FROM_PTR(&vrf_verify_obj));
    mp_store_global(MP_QSTR_sha512, MP_OBJ_FROM_PTR(&sha512_obj));
    MP_DYNRUNTIME_INIT_EXIT
}
