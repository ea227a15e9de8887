/* Included before extmod/modlwip.c (see the Makefile): what that calls of lwIP goes through here. */
#ifndef PORT_MODLWIP_CALLS_H
#define PORT_MODLWIP_CALLS_H

#include "lwip/tcp.h"

/* A socket takes what lwIP has memory for (net.c). */
u16_t tcp_room(const struct tcp_pcb *pcb);

#undef tcp_sndbuf
#define tcp_sndbuf(pcb) tcp_room(pcb)

/* Closing a listener takes its callbacks away, which a listener does not have: its structure ends before them, and lwIP
 * says so by an assertion. Where assertions are off, that writes over what lies behind. */
#define tcp_err(pcb, callback) do { if ((pcb)->state != LISTEN) { tcp_err(pcb, callback); } } while (0)
#define tcp_recv(pcb, callback) do { if ((pcb)->state != LISTEN) { tcp_recv(pcb, callback); } } while (0)

/* No multicast: its socket options are refused. */
#define igmp_joingroup(interface, group) ERR_VAL
#define igmp_leavegroup(interface, group) ERR_VAL

#endif
