/* X25519 (RFC 7748): Monocypher's ladder, and for public keys its table of the base point's multiples. */
#include "jamcrypto.h"

#include "monocypher.h"
#include "wipe.h"

void jc_x25519(uint8_t shared[32], const uint8_t secret[32], const uint8_t public_[32]) {
    crypto_x25519(shared, secret, public_);
    jc_wipe_stack();
}

/* On the Edwards curve, which takes half the time, and from there to the coordinate u = (1 + y)/(1 - y). No secret leads
 * to y = 1: clamped, it is eight times a number below the group's order and not zero. */
void jc_x25519_public(uint8_t public_[32], const uint8_t secret[32]) {
    uint8_t scalar[32], point[32];
    crypto_eddsa_trim_scalar(scalar, secret);
    crypto_eddsa_scalarbase(point, scalar);
    crypto_eddsa_to_x25519(public_, point);
    JC_WIPE(scalar);
    jc_wipe_stack();
}
