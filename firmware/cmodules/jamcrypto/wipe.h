/* Forgetting secrets, and telling where they end. */
#ifndef JC_WIPE_H
#define JC_WIPE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Fill with zeros, though nobody reads them. By words: a small libc's memset goes by bytes. */
void jc_wipe(void *data, size_t size);

#define JC_WIPE(object) jc_wipe(&(object), sizeof(object))

/* Overwrite JC_UNWIPED_STACK_BYTES of stack below the caller's frame: what Keccak, SHA-512 and the polynomials, which
 * work on secrets and wipe nothing, have left there. None of them takes more; who calls them through a larger frame of
 * its own has to call this itself, before it returns. */
#define JC_UNWIPED_STACK_BYTES 1024
void jc_wipe_stack(void);

/* What was computed from a secret and is none from here on. Says so to tests/cmodules/constant_time.c, which defines it;
 * else nothing. */
#ifndef JC_PUBLIC
#define JC_PUBLIC(data, size)
#endif

#endif
