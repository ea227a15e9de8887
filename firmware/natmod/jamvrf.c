/* Verification of JAM's seals as a native module for firmware that others built: `import jamvrf` from the file system.
 *
 *     vrf_verify(public, input, aux, proof, out) -> bool     the VRF of firmware/cmodules/jamcrypto/bandersnatch.h
 *     vrf_check_start(state, public, input, proof) -> bool   the same for additional data that comes in pieces, in a
 *     vrf_check_update(state, aux)                           state of vrf_check_bytes() bytes; after a False nothing
 *     vrf_check_finish(state, out) -> bool                   may follow
 *     sha512(out, data)
 *
 * A buffer of a wrong length is a ValueError. Its code lies in the heap of the interpreter, so it is the small build
 * unless SMALL=0 is said; a call takes 5 KB of stack.
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

/* Whether the key is sound and now in `jamvrf_key`. */
static int need_key(mp_obj_t object) {
    const uint8_t *public_ = buffer_of(object, JC_VRF_PUBLIC_BYTES, MP_BUFFER_READ);
    if (!jamvrf_has_key || memcmp(jamvrf_key_of, public_, JC_VRF_PUBLIC_BYTES)) {
        jamvrf_has_key = !jc_vrf_key(&jamvrf_key, public_);
        memcpy(jamvrf_key_of, public_, JC_VRF_PUBLIC_BYTES);
    }
    return jamvrf_has_key;
}

static mp_obj_t vrf_verify(size_t count, const mp_obj_t *args) {
    (void)count;
    mp_buffer_info_t input, aux;
    mp_get_buffer_raise(args[1], &input, MP_BUFFER_READ);
    mp_get_buffer_raise(args[2], &aux, MP_BUFFER_READ);
    const uint8_t *proof = buffer_of(args[3], JC_VRF_PROOF_BYTES, MP_BUFFER_READ);
    uint8_t *out = buffer_of(args[4], JC_VRF_OUTPUT_BYTES, MP_BUFFER_WRITE);
    return mp_obj_new_bool(
        need_key(args[0])
        && !jc_vrf_verify(&jamvrf_key, input.buf, input.len, aux.buf, aux.len, proof, out));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(vrf_verify_obj, 5, 5, vrf_verify);

/* The state lies in a bytearray, which the interpreter's heap aligns to four words. What it holds is never trusted to
 * be in range: `hash.size` is taken modulo a block. */
static jc_vrf_check_t *state_of(mp_obj_t object) {
    return buffer_of(object, sizeof(jc_vrf_check_t), MP_BUFFER_WRITE);
}

static mp_obj_t vrf_check_bytes(void) {
    return MP_OBJ_NEW_SMALL_INT(sizeof(jc_vrf_check_t));
}
static MP_DEFINE_CONST_FUN_OBJ_0(vrf_check_bytes_obj, vrf_check_bytes);

static mp_obj_t vrf_check_start(size_t count, const mp_obj_t *args) {
    (void)count;
    mp_buffer_info_t input;
    jc_vrf_check_t *state = state_of(args[0]);
    mp_get_buffer_raise(args[2], &input, MP_BUFFER_READ);
    const uint8_t *proof = buffer_of(args[3], JC_VRF_PROOF_BYTES, MP_BUFFER_READ);
    return mp_obj_new_bool(
        need_key(args[1]) && !jc_vrf_check_start(state, &jamvrf_key, input.buf, input.len, proof));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(vrf_check_start_obj, 4, 4, vrf_check_start);

static mp_obj_t vrf_check_update(mp_obj_t state, mp_obj_t aux) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(aux, &info, MP_BUFFER_READ);
    jc_vrf_check_update(state_of(state), info.buf, info.len);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(vrf_check_update_obj, vrf_check_update);

static mp_obj_t vrf_check_finish(mp_obj_t state, mp_obj_t out) {
    uint8_t *output = buffer_of(out, JC_VRF_OUTPUT_BYTES, MP_BUFFER_WRITE);
    return mp_obj_new_bool(!jc_vrf_check_finish(state_of(state), output));
}
static MP_DEFINE_CONST_FUN_OBJ_2(vrf_check_finish_obj, vrf_check_finish);

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
    mp_store_global(MP_QSTR_vrf_check_bytes, MP_OBJ_FROM_PTR(&vrf_check_bytes_obj));
    mp_store_global(MP_QSTR_vrf_check_start, MP_OBJ_FROM_PTR(&vrf_check_start_obj));
    mp_store_global(MP_QSTR_vrf_check_update, MP_OBJ_FROM_PTR(&vrf_check_update_obj));
    mp_store_global(MP_QSTR_vrf_check_finish, MP_OBJ_FROM_PTR(&vrf_check_finish_obj));
    mp_store_global(MP_QSTR_sha512, MP_OBJ_FROM_PTR(&sha512_obj));
    MP_DYNRUNTIME_INIT_EXIT
}
