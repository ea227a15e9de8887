/* Included before extmod/modlwip.c (see the Makefile), so that what a socket takes is what lwIP has memory for. */
#ifndef PORT_TCP_ROOM_H
#define PORT_TCP_ROOM_H

#include "lwip/tcp.h"

u16_t tcp_room(const struct tcp_pcb *pcb);

#undef tcp_sndbuf
#define tcp_sndbuf(pcb) tcp_room(pcb)

#endif
