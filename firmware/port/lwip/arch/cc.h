/* extmod/lwip-include/arch/cc.h says again what lwipopts_common.h says, and differently; hence one of our own. */
#ifndef PORT_LWIP_CC_H
#define PORT_LWIP_CC_H

#define LWIP_NO_CTYPE_H             (1)
#define LWIP_PLATFORM_DIAG(text)
/* Where it was is told by `ra`: the texts would take 6 KB of flash. */
#define LWIP_PLATFORM_ASSERT(text)  board_panic("an assertion of lwIP")

extern void board_panic(const char *what) __attribute__((noreturn));

#endif
