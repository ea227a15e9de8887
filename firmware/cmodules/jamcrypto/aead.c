/* ChaCha20-Poly1305 of RFC 8439 by Monocypher's incremental interface, which draws a new key after each message: ours
 * takes one message of it. */
#include "jamcrypto.h"

#include "monocypher.h"
#include "wipe.h"

void jc_aead_seal(
    uint8_t *out, const uint8_t key[32], const uint8_t nonce[12], const uint8_t *ad, size_t ad_size,
    const uint8_t *text, size_t size) {
    crypto_aead_ctx state;
    uint8_t tag[JC_AEAD_TAG_BYTES];
    crypto_aead_init_ietf(&state, key, nonce);
    crypto_aead_write(&state, out, tag, ad, ad_size, text, size);
    memcpy(out + size, tag, sizeof(tag));
    JC_WIPE(state);
    jc_wipe_stack();
}

int jc_aead_open(
    uint8_t *out, const uint8_t key[32], const uint8_t nonce[12], const uint8_t *ad, size_t ad_size,
    const uint8_t *sealed, size_t size) {
    crypto_aead_ctx state;
    crypto_aead_init_ietf(&state, key, nonce);
    int wrong = crypto_aead_read(&state, out, sealed + size, ad, ad_size, sealed, size);
    JC_WIPE(state);
    jc_wipe_stack();
    return wrong;
}
