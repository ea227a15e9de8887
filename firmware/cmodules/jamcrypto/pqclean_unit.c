/* What ML-KEM needs of PQClean, in one unit, so that its smallest functions can be inlined. Not kem.c and indcpa.c,
 * which draw random bytes, nor fips202.c, which allocates: mlkem768.c and keccak.c stand for them. */
#include <cbd.c>
#include <ntt.c>
#include <poly.c>
#include <polyvec.c>
#include <reduce.c>
