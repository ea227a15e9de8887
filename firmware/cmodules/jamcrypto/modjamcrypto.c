/* The module `jamcrypto` of MicroPython: cryptography into buffers that the caller lends.
 *
 * Lengths are checked here, where Python's objects become pointers: a wrong one is a ValueError. Nothing is allocated
 * but the objects of the classes, and what the functions that return bytes return.
 */
#include "py/cstack.h"
#include "py/objint.h"
#include "py/runtime.h"
#include "py/stream.h"

#include "jamcrypto.h"
#include "monocypher.h"
#include "sha512.h"
#include "wipe.h"
#if JAMCRYPTO_VRF
#include "bandersnatch.h"
#endif

#define BLAKE2B_BYTES 32

/* What the deepest of them takes of the stack, ML-KEM's decapsulation, with room. Python code is only held to a limit,
 * behind which a board keeps less than that: a call from deep down would run over the stack's end. */
#define STACK_BYTES 7168

static void need_stack(void) {
    #if MICROPY_STACK_CHECK
    if (mp_cstack_usage() + STACK_BYTES >= MP_STATE_THREAD(stack_limit)) {
        mp_raise_recursion_depth();
    }
    #endif
}

/* Buffers. */

static NORETURN void wrong_length(void) {
    mp_raise_ValueError(MP_ERROR_TEXT("a buffer has the wrong length"));
}

static mp_buffer_info_t input(mp_obj_t object) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(object, &info, MP_BUFFER_READ);
    return info;
}

static const uint8_t *input_of(mp_obj_t object, size_t size) {
    mp_buffer_info_t info = input(object);
    if (info.len != size) {
        wrong_length();
    }
    return info.buf;
}

static uint8_t *output_of(mp_obj_t object, size_t size) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(object, &info, MP_BUFFER_WRITE);
    if (info.len != size) {
        wrong_length();
    }
    return info.buf;
}

/* Of update(data[, start[, end]]): what data[start:end] holds, without the slice. */
static mp_buffer_info_t piece(size_t count, const mp_obj_t *args) {
    mp_buffer_info_t info = input(args[0]);
    mp_int_t start = count > 1 ? mp_obj_get_int(args[1]) : 0;
    mp_int_t end = count > 2 ? mp_obj_get_int(args[2]) : (mp_int_t)info.len;
    if (start < 0 || end < start || (size_t)end > info.len) {
        wrong_length();
    }
    info.buf = (uint8_t *)info.buf + start;
    info.len = (size_t)(end - start);
    return info;
}

static mp_obj_t new_bytes(const uint8_t *data, size_t size) {
    return mp_obj_new_bytes(data, size);
}

/* BLAKE2b-256. */

typedef struct {
    mp_obj_base_t base;
    crypto_blake2b_ctx state;
} blake2b_obj_t;

static mp_obj_t blake2b_make_new(const mp_obj_type_t *type, size_t count, size_t keywords, const mp_obj_t *args) {
    (void)args;
    mp_arg_check_num(count, keywords, 0, 0, false);
    blake2b_obj_t *self = mp_obj_malloc(blake2b_obj_t, type);
    crypto_blake2b_init(&self->state, BLAKE2B_BYTES);
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t blake2b_update(size_t count, const mp_obj_t *args) {
    blake2b_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    mp_buffer_info_t data = piece(count - 1, args + 1);
    crypto_blake2b_update(&self->state, data.buf, data.len);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(blake2b_update_obj, 2, 4, blake2b_update);

/* More may follow: a copy is finished. */
static void blake2b_finish(mp_obj_t self_in, uint8_t *out) {
    blake2b_obj_t *self = MP_OBJ_TO_PTR(self_in);
    crypto_blake2b_ctx state = self->state;
    crypto_blake2b_final(&state, out);
}

static mp_obj_t blake2b_digest_into(mp_obj_t self, mp_obj_t out) {
    blake2b_finish(self, output_of(out, BLAKE2B_BYTES));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(blake2b_digest_into_obj, blake2b_digest_into);

static mp_obj_t blake2b_digest(mp_obj_t self) {
    uint8_t digest[BLAKE2B_BYTES];
    blake2b_finish(self, digest);
    return new_bytes(digest, sizeof(digest));
}
static MP_DEFINE_CONST_FUN_OBJ_1(blake2b_digest_obj, blake2b_digest);

static mp_obj_t blake2b_reset(mp_obj_t self_in) {
    blake2b_obj_t *self = MP_OBJ_TO_PTR(self_in);
    crypto_blake2b_init(&self->state, BLAKE2B_BYTES);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(blake2b_reset_obj, blake2b_reset);

static const mp_rom_map_elem_t blake2b_members_table[] = {
    {MP_ROM_QSTR(MP_QSTR_update), MP_ROM_PTR(&blake2b_update_obj)},
    {MP_ROM_QSTR(MP_QSTR_digest), MP_ROM_PTR(&blake2b_digest_obj)},
    {MP_ROM_QSTR(MP_QSTR_digest_into), MP_ROM_PTR(&blake2b_digest_into_obj)},
    {MP_ROM_QSTR(MP_QSTR_reset), MP_ROM_PTR(&blake2b_reset_obj)},
};
static MP_DEFINE_CONST_DICT(blake2b_members, blake2b_members_table);
static MP_DEFINE_CONST_OBJ_TYPE(
    blake2b_type, MP_QSTR_Blake2b, MP_TYPE_FLAG_NONE, make_new, blake2b_make_new, locals_dict, &blake2b_members);

static mp_obj_t module_blake2b(mp_obj_t out, mp_obj_t data_in) {
    mp_buffer_info_t data = input(data_in);
    crypto_blake2b(output_of(out, BLAKE2B_BYTES), BLAKE2B_BYTES, data.buf, data.len);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(module_blake2b_obj, module_blake2b);

static mp_obj_t module_blake2b_256(mp_obj_t data_in) {
    mp_buffer_info_t data = input(data_in);
    uint8_t digest[BLAKE2B_BYTES];
    crypto_blake2b(digest, sizeof(digest), data.buf, data.len);
    return new_bytes(digest, sizeof(digest));
}
static MP_DEFINE_CONST_FUN_OBJ_1(module_blake2b_256_obj, module_blake2b_256);

/* SHA-512. */

typedef struct {
    mp_obj_base_t base;
    jc_sha512_t state;
} sha512_obj_t;

static mp_obj_t sha512_make_new(const mp_obj_type_t *type, size_t count, size_t keywords, const mp_obj_t *args) {
    (void)args;
    mp_arg_check_num(count, keywords, 0, 0, false);
    sha512_obj_t *self = mp_obj_malloc(sha512_obj_t, type);
    jc_sha512_init(&self->state);
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t sha512_update(size_t count, const mp_obj_t *args) {
    sha512_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    mp_buffer_info_t data = piece(count - 1, args + 1);
    jc_sha512_update(&self->state, data.buf, data.len);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(sha512_update_obj, 2, 4, sha512_update);

static mp_obj_t sha512_digest(mp_obj_t self_in) {
    sha512_obj_t *self = MP_OBJ_TO_PTR(self_in);
    jc_sha512_t state = self->state; /* more may follow */
    uint8_t digest[JC_SHA512_BYTES];
    jc_sha512_final(&state, digest);
    return new_bytes(digest, sizeof(digest));
}
static MP_DEFINE_CONST_FUN_OBJ_1(sha512_digest_obj, sha512_digest);

static const mp_rom_map_elem_t sha512_members_table[] = {
    {MP_ROM_QSTR(MP_QSTR_update), MP_ROM_PTR(&sha512_update_obj)},
    {MP_ROM_QSTR(MP_QSTR_digest), MP_ROM_PTR(&sha512_digest_obj)},
};
static MP_DEFINE_CONST_DICT(sha512_members, sha512_members_table);
static MP_DEFINE_CONST_OBJ_TYPE(
    sha512_type, MP_QSTR_Sha512, MP_TYPE_FLAG_NONE, make_new, sha512_make_new, locals_dict, &sha512_members);

static mp_obj_t module_sha512(mp_obj_t out, mp_obj_t data_in) {
    mp_buffer_info_t data = input(data_in);
    jc_sha512_t state;
    jc_sha512_init(&state);
    jc_sha512_update(&state, data.buf, data.len);
    jc_sha512_final(&state, output_of(out, JC_SHA512_BYTES));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(module_sha512_obj, module_sha512);

/* Not cryptography, but what headers, proofs and frames need beside it: a slice in Python is an object on the heap. */

static size_t offset_of(mp_obj_t object) {
    mp_int_t value = mp_obj_get_int(object);
    if (value < 0) {
        wrong_length();
    }
    return value;
}

/* copy(out, at, buf, start, end) */
static mp_obj_t module_copy(size_t count, const mp_obj_t *args) {
    (void)count;
    mp_buffer_info_t out, data = input(args[2]);
    mp_get_buffer_raise(args[0], &out, MP_BUFFER_WRITE);
    size_t at = offset_of(args[1]), start = offset_of(args[3]), end = offset_of(args[4]);
    if (start > end || end > data.len || at > out.len || end - start > out.len - at) {
        wrong_length();
    }
    memmove((uint8_t *)out.buf + at, (const uint8_t *)data.buf + start, end - start);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(module_copy_obj, 5, 5, module_copy);

/* same(out, at, buf, start, end): whether out[at:] begins with buf[start:end]. Public data only. */
static mp_obj_t module_same(size_t count, const mp_obj_t *args) {
    (void)count;
    mp_buffer_info_t one = input(args[0]), data = input(args[2]);
    size_t at = offset_of(args[1]), start = offset_of(args[3]), end = offset_of(args[4]);
    if (start > end || end > data.len || at > one.len || end - start > one.len - at) {
        wrong_length();
    }
    return mp_obj_new_bool(memcmp((const uint8_t *)one.buf + at, (const uint8_t *)data.buf + start, end - start) == 0);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(module_same_obj, 5, 5, module_same);

/* find(table, step, first, buf, start, end): of the records of `step` bytes, from number `first` on, the one that begins
 * with buf[start:end], or -1. */
static mp_obj_t module_find(size_t count, const mp_obj_t *args) {
    (void)count;
    mp_buffer_info_t table = input(args[0]), data = input(args[3]);
    size_t step = offset_of(args[1]), first = offset_of(args[2]), start = offset_of(args[4]), end = offset_of(args[5]);
    if (start > end || end > data.len || end - start > step || step == 0) {
        wrong_length();
    }
    const uint8_t *record = table.buf, *wanted = (const uint8_t *)data.buf + start;
    for (size_t records = table.len / step; first < records; first++) {
        if (memcmp(record + first * step, wanted, end - start) == 0) {
            return MP_OBJ_NEW_SMALL_INT(first);
        }
    }
    return MP_OBJ_NEW_SMALL_INT(-1);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(module_find_obj, 6, 6, module_find);

/* readinto(stream, buf, start, end): what stream.readinto(buf[start:end]) does and returns. */
static mp_obj_t module_readinto(size_t count, const mp_obj_t *args) {
    (void)count;
    mp_buffer_info_t out;
    mp_get_buffer_raise(args[1], &out, MP_BUFFER_WRITE);
    size_t start = offset_of(args[2]), end = offset_of(args[3]);
    if (start > end || end > out.len) {
        wrong_length();
    }
    mp_get_stream_raise(args[0], MP_STREAM_OP_READ);
    int error;
    mp_uint_t size = mp_stream_rw(args[0], (uint8_t *)out.buf + start, end - start, &error, MP_STREAM_RW_READ);
    if (error == 0) {
        return MP_OBJ_NEW_SMALL_INT(size);
    }
    if (mp_is_nonblocking_error(error)) {
        return mp_const_none;
    }
    mp_raise_OSError(error);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(module_readinto_obj, 4, 4, module_readinto);

/* X25519. */

static mp_obj_t module_x25519(mp_obj_t out, mp_obj_t secret, mp_obj_t public_) {
    need_stack();
    jc_x25519(
        output_of(out, JC_X25519_BYTES), input_of(secret, JC_X25519_BYTES), input_of(public_, JC_X25519_BYTES));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(module_x25519_obj, module_x25519);

static mp_obj_t module_x25519_public(mp_obj_t out, mp_obj_t secret) {
    need_stack();
    jc_x25519_public(output_of(out, JC_X25519_BYTES), input_of(secret, JC_X25519_BYTES));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(module_x25519_public_obj, module_x25519_public);

/* Ed25519. */

static mp_obj_t module_ed25519_public(mp_obj_t out, mp_obj_t seed) {
    need_stack();
    jc_ed25519_public(output_of(out, JC_ED25519_PUBLIC_BYTES), input_of(seed, JC_ED25519_SEED_BYTES));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(module_ed25519_public_obj, module_ed25519_public);

/* ed25519_sign(out, seed, message[, public]) */
static mp_obj_t module_ed25519_sign(size_t count, const mp_obj_t *args) {
    need_stack();
    mp_buffer_info_t message = input(args[2]);
    const uint8_t *public_ = count == 4 ? input_of(args[3], JC_ED25519_PUBLIC_BYTES) : NULL;
    jc_ed25519_sign(
        output_of(args[0], JC_ED25519_SIGNATURE_BYTES), input_of(args[1], JC_ED25519_SEED_BYTES), public_, message.buf,
        message.len);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(module_ed25519_sign_obj, 3, 4, module_ed25519_sign);

static mp_obj_t module_ed25519_verify(mp_obj_t public_, mp_obj_t signature, mp_obj_t message_in) {
    need_stack();
    mp_buffer_info_t message = input(message_in);
    return mp_obj_new_bool(
        jc_ed25519_verify(
            input_of(public_, JC_ED25519_PUBLIC_BYTES), input_of(signature, JC_ED25519_SIGNATURE_BYTES), message.buf,
            message.len) == 0);
}
static MP_DEFINE_CONST_FUN_OBJ_3(module_ed25519_verify_obj, module_ed25519_verify);

/* ChaCha20-Poly1305 with the nonces of Noise: four zeros and a counter, little-endian. */

typedef struct {
    mp_obj_base_t base;
    uint8_t key[JC_AEAD_KEY_BYTES];
} aead_obj_t;

/* The arguments of seal and open: (self, counter, ad, buf, start, end, out, at). */
typedef struct {
    const uint8_t *key;
    uint8_t nonce[JC_AEAD_NONCE_BYTES];
    mp_buffer_info_t ad;
    const uint8_t *from;
    mp_int_t size; /* of buf[start:end] */
    uint8_t *to;
    size_t room;
} aead_call_t;

static mp_obj_t aead_make_new(const mp_obj_type_t *type, size_t count, size_t keywords, const mp_obj_t *args) {
    mp_arg_check_num(count, keywords, 1, 1, false);
    const uint8_t *key = input_of(args[0], JC_AEAD_KEY_BYTES);
    aead_obj_t *self = mp_obj_malloc(aead_obj_t, type);
    memcpy(self->key, key, sizeof(self->key));
    return MP_OBJ_FROM_PTR(self);
}

static void aead_nonce(uint8_t nonce[JC_AEAD_NONCE_BYTES], mp_obj_t counter) {
    bool fits = mp_obj_is_int(counter) && mp_obj_int_sign(counter) >= 0;
    memset(nonce, 0, JC_AEAD_NONCE_BYTES);
    if (fits && mp_obj_is_small_int(counter)) {
        uint64_t value = (uint64_t)MP_OBJ_SMALL_INT_VALUE(counter);
        for (int i = 0; i < 8; i++) {
            nonce[4 + i] = (uint8_t)(value >> 8 * i);
        }
    } else if (fits) {
        fits = mp_obj_int_to_bytes_impl(counter, false, 8, nonce + 4);
    }
    if (!fits) {
        mp_raise_ValueError(MP_ERROR_TEXT("a counter has 64 bits"));
    }
}

static void aead_arguments(aead_call_t *call, const mp_obj_t *args) {
    call->key = ((aead_obj_t *)MP_OBJ_TO_PTR(args[0]))->key;
    aead_nonce(call->nonce, args[1]);
    call->ad = input(args[2]);
    mp_buffer_info_t from = input(args[3]), to;
    mp_int_t start = mp_obj_get_int(args[4]), end = mp_obj_get_int(args[5]), at = mp_obj_get_int(args[7]);
    mp_get_buffer_raise(args[6], &to, MP_BUFFER_WRITE);
    if (start < 0 || end < start || (size_t)end > from.len || at < 0 || (size_t)at > to.len) {
        wrong_length();
    }
    call->from = (const uint8_t *)from.buf + start;
    call->size = end - start;
    call->to = (uint8_t *)to.buf + at;
    call->room = to.len - (size_t)at;
}

static mp_obj_t aead_seal(size_t count, const mp_obj_t *args) {
    (void)count;
    aead_call_t call;
    aead_arguments(&call, args);
    if (call.room < (size_t)call.size + JC_AEAD_TAG_BYTES) {
        wrong_length();
    }
    jc_aead_seal(call.to, call.key, call.nonce, call.ad.buf, call.ad.len, call.from, (size_t)call.size);
    return MP_OBJ_NEW_SMALL_INT(call.size + JC_AEAD_TAG_BYTES);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(aead_seal_obj, 8, 8, aead_seal);

static mp_obj_t aead_open(size_t count, const mp_obj_t *args) {
    (void)count;
    aead_call_t call;
    aead_arguments(&call, args);
    mp_int_t size = call.size - JC_AEAD_TAG_BYTES;
    if (size < 0) {
        return MP_OBJ_NEW_SMALL_INT(-1);
    }
    if (call.room < (size_t)size) {
        wrong_length();
    }
    int wrong = jc_aead_open(call.to, call.key, call.nonce, call.ad.buf, call.ad.len, call.from, (size_t)size);
    return MP_OBJ_NEW_SMALL_INT(wrong ? -1 : size);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(aead_open_obj, 8, 8, aead_open);

static const mp_rom_map_elem_t aead_members_table[] = {
    {MP_ROM_QSTR(MP_QSTR_seal), MP_ROM_PTR(&aead_seal_obj)},
    {MP_ROM_QSTR(MP_QSTR_open), MP_ROM_PTR(&aead_open_obj)},
};
static MP_DEFINE_CONST_DICT(aead_members, aead_members_table);
static MP_DEFINE_CONST_OBJ_TYPE(
    aead_type, MP_QSTR_Aead, MP_TYPE_FLAG_NONE, make_new, aead_make_new, locals_dict, &aead_members);

/* ML-KEM-768. */

static mp_obj_t module_mlkem768_keypair(mp_obj_t public_, mp_obj_t secret, mp_obj_t seed) {
    need_stack();
    jc_mlkem768_keypair(
        output_of(public_, JC_MLKEM768_PUBLIC_BYTES), output_of(secret, JC_MLKEM768_SECRET_BYTES),
        input_of(seed, JC_MLKEM768_SEED_BYTES));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(module_mlkem768_keypair_obj, module_mlkem768_keypair);

static mp_obj_t module_mlkem768_encapsulate(size_t count, const mp_obj_t *args) {
    need_stack();
    (void)count;
    return mp_obj_new_bool(
        jc_mlkem768_encapsulate(
            output_of(args[0], JC_MLKEM768_CIPHERTEXT_BYTES), output_of(args[1], JC_MLKEM768_SHARED_BYTES),
            input_of(args[2], JC_MLKEM768_PUBLIC_BYTES), input_of(args[3], JC_MLKEM768_ENTROPY_BYTES)) == 0);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(module_mlkem768_encapsulate_obj, 4, 4, module_mlkem768_encapsulate);

static mp_obj_t module_mlkem768_decapsulate(mp_obj_t shared, mp_obj_t secret, mp_obj_t ciphertext) {
    need_stack();
    jc_mlkem768_decapsulate(
        output_of(shared, JC_MLKEM768_SHARED_BYTES), input_of(secret, JC_MLKEM768_SECRET_BYTES),
        input_of(ciphertext, JC_MLKEM768_CIPHERTEXT_BYTES));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(module_mlkem768_decapsulate_obj, module_mlkem768_decapsulate);

#if JAMCRYPTO_VRF
/* The VRF of JAM's seals. A header's two proofs are by one key, and decoding a key is a third of the work: the last one
 * is kept. */

static jc_vrf_key_t vrf_key;
static uint8_t vrf_key_encoded[JC_VRF_PUBLIC_BYTES];
static bool vrf_key_is_good;

static bool vrf_need_key(const uint8_t *public_) {
    if (!vrf_key_is_good || memcmp(vrf_key_encoded, public_, sizeof(vrf_key_encoded)) != 0) {
        memcpy(vrf_key_encoded, public_, sizeof(vrf_key_encoded));
        vrf_key_is_good = jc_vrf_key(&vrf_key, public_) == 0;
    }
    return vrf_key_is_good;
}

/* vrf_verify(public, input, aux, proof, output[, start, end, at]): of `aux` what is between `start` and `end`, and of
 * `proof` what begins at `at`, without the slices. */
static mp_obj_t module_vrf_verify(size_t count, const mp_obj_t *args) {
    need_stack();
    const uint8_t *public_ = input_of(args[0], JC_VRF_PUBLIC_BYTES);
    mp_buffer_info_t data = input(args[1]), aux = input(args[2]), proof = input(args[3]);
    uint8_t *out = output_of(args[4], JC_VRF_OUTPUT_BYTES);
    size_t start = 0, end = aux.len, at = 0;
    if (count == 8) {
        start = offset_of(args[5]), end = offset_of(args[6]), at = offset_of(args[7]);
    } else if (count != 5 || proof.len != JC_VRF_PROOF_BYTES) {
        wrong_length();
    }
    if (start > end || end > aux.len || at > proof.len || proof.len - at < JC_VRF_PROOF_BYTES) {
        wrong_length();
    }
    return mp_obj_new_bool(
        vrf_need_key(public_) &&
        jc_vrf_verify(
            &vrf_key, data.buf, data.len, (const uint8_t *)aux.buf + start, end - start,
            (const uint8_t *)proof.buf + at, out) == 0);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(module_vrf_verify_obj, 5, 8, module_vrf_verify);

/* The same for additional data that is never whole in memory. */
typedef struct {
    mp_obj_base_t base;
    bool is_good; /* not refused yet, and not finished */
    jc_vrf_check_t check;
} vrf_check_obj_t;

/* VrfCheck(public, input, proof): a wrong length is one more reason to refuse, as in the pure twin. */
static mp_obj_t vrf_check_make_new(const mp_obj_type_t *type, size_t count, size_t keywords, const mp_obj_t *args) {
    need_stack();
    mp_arg_check_num(count, keywords, 3, 3, false);
    mp_buffer_info_t public_ = input(args[0]), data = input(args[1]), proof = input(args[2]);
    vrf_check_obj_t *self = mp_obj_malloc(vrf_check_obj_t, type);
    self->is_good =
        public_.len == JC_VRF_PUBLIC_BYTES && proof.len == JC_VRF_PROOF_BYTES && vrf_need_key(public_.buf) &&
        jc_vrf_check_start(&self->check, &vrf_key, data.buf, data.len, proof.buf) == 0;
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t vrf_check_update(size_t count, const mp_obj_t *args) {
    vrf_check_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    mp_buffer_info_t data = piece(count - 1, args + 1);
    if (self->is_good) {
        jc_vrf_check_update(&self->check, data.buf, data.len);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(vrf_check_update_obj, 2, 4, vrf_check_update);

/* The output of a valid proof, else None; afterwards None. */
static mp_obj_t vrf_check_finish(mp_obj_t self_in) {
    need_stack();
    vrf_check_obj_t *self = MP_OBJ_TO_PTR(self_in);
    uint8_t out[JC_VRF_OUTPUT_BYTES];
    bool holds = self->is_good && jc_vrf_check_finish(&self->check, out) == 0;
    self->is_good = false;
    return holds ? new_bytes(out, sizeof(out)) : mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(vrf_check_finish_obj, vrf_check_finish);

static const mp_rom_map_elem_t vrf_check_members_table[] = {
    {MP_ROM_QSTR(MP_QSTR_update), MP_ROM_PTR(&vrf_check_update_obj)},
    {MP_ROM_QSTR(MP_QSTR_finish), MP_ROM_PTR(&vrf_check_finish_obj)},
};
static MP_DEFINE_CONST_DICT(vrf_check_members, vrf_check_members_table);
static MP_DEFINE_CONST_OBJ_TYPE(
    vrf_check_type, MP_QSTR_VrfCheck, MP_TYPE_FLAG_NONE, make_new, vrf_check_make_new, locals_dict,
    &vrf_check_members);
#endif

static const mp_rom_map_elem_t module_members_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_jamcrypto)},
    {MP_ROM_QSTR(MP_QSTR_Aead), MP_ROM_PTR(&aead_type)},
    {MP_ROM_QSTR(MP_QSTR_Blake2b), MP_ROM_PTR(&blake2b_type)},
    {MP_ROM_QSTR(MP_QSTR_Sha512), MP_ROM_PTR(&sha512_type)},
    {MP_ROM_QSTR(MP_QSTR_blake2b), MP_ROM_PTR(&module_blake2b_obj)},
    {MP_ROM_QSTR(MP_QSTR_blake2b_256), MP_ROM_PTR(&module_blake2b_256_obj)},
    {MP_ROM_QSTR(MP_QSTR_copy), MP_ROM_PTR(&module_copy_obj)},
    {MP_ROM_QSTR(MP_QSTR_ed25519_public), MP_ROM_PTR(&module_ed25519_public_obj)},
    {MP_ROM_QSTR(MP_QSTR_ed25519_sign), MP_ROM_PTR(&module_ed25519_sign_obj)},
    {MP_ROM_QSTR(MP_QSTR_ed25519_verify), MP_ROM_PTR(&module_ed25519_verify_obj)},
    {MP_ROM_QSTR(MP_QSTR_find), MP_ROM_PTR(&module_find_obj)},
    {MP_ROM_QSTR(MP_QSTR_mlkem768_decapsulate), MP_ROM_PTR(&module_mlkem768_decapsulate_obj)},
    {MP_ROM_QSTR(MP_QSTR_mlkem768_encapsulate), MP_ROM_PTR(&module_mlkem768_encapsulate_obj)},
    {MP_ROM_QSTR(MP_QSTR_mlkem768_keypair), MP_ROM_PTR(&module_mlkem768_keypair_obj)},
    {MP_ROM_QSTR(MP_QSTR_sha512), MP_ROM_PTR(&module_sha512_obj)},
    {MP_ROM_QSTR(MP_QSTR_readinto), MP_ROM_PTR(&module_readinto_obj)},
    {MP_ROM_QSTR(MP_QSTR_same), MP_ROM_PTR(&module_same_obj)},
#if JAMCRYPTO_VRF
    {MP_ROM_QSTR(MP_QSTR_VrfCheck), MP_ROM_PTR(&vrf_check_type)},
    {MP_ROM_QSTR(MP_QSTR_vrf_verify), MP_ROM_PTR(&module_vrf_verify_obj)},
#endif
    {MP_ROM_QSTR(MP_QSTR_x25519), MP_ROM_PTR(&module_x25519_obj)},
    {MP_ROM_QSTR(MP_QSTR_x25519_public), MP_ROM_PTR(&module_x25519_public_obj)},
};
static MP_DEFINE_CONST_DICT(module_members, module_members_table);

const mp_obj_module_t jamcrypto_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&module_members,
};

MP_REGISTER_MODULE(MP_QSTR_jamcrypto, jamcrypto_module);
