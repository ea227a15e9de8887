/* lwIP for a board with few kilobytes: every pool's size comes from the board's board.toml (board_config.h). */
#ifndef PORT_LWIPOPTS_H
#define PORT_LWIPOPTS_H

#include <stdint.h>

#include "board_config.h"

extern uint32_t entropy_weak32(void);
#define LWIP_RAND()                     entropy_weak32()

#define MEM_SIZE                        BOARD_TCP_MEMORY_BYTES
#define TCP_MSS                         BOARD_TCP_SEGMENT_BYTES
#define TCP_WND                         BOARD_TCP_RECEIVE_BYTES
#define TCP_SND_BUF                     BOARD_TCP_SEND_BYTES
#define MEMP_NUM_TCP_PCB                BOARD_TCP_CONNECTIONS
#define MEMP_NUM_TCP_PCB_LISTEN         (1)
/* Small frames wait for one ACK: so many writes may be on their way. Two pbufs each, header and data. */
#define TCP_SND_QUEUELEN                (24)
#define MEMP_NUM_TCP_SEG                (12 * MEMP_NUM_TCP_PCB)
/* What is written is copied in its own size; a whole segment set aside for each small write would waste the most. */
#define TCP_OVERSIZE                    (0)
/* Segments ahead of a lost one are sent again, rather than held for as long as the peer likes. */
#define TCP_QUEUE_OOSEQ                 (0)

#define PBUF_POOL_SIZE                  BOARD_RECEIVE_BUFFERS
#define PBUF_POOL_BUFSIZE               (256)

#define LWIP_IPV4                       (1)
#define LWIP_IPV6                       (0)
#define IP_REASSEMBLY                   (0)
#define IP_FRAG                         (0)
#define ARP_TABLE_SIZE                  (4)
#define ARP_QUEUEING                    (0)
#define DNS_TABLE_SIZE                  (2)
#define LWIP_NETIF_EXT_STATUS_CALLBACK  (1)     /* extmod/modnetwork.c wants both */
#define LWIP_NETIF_STATUS_CALLBACK      (1)

#include "extmod/lwip-include/lwipopts_common.h"

#undef LWIP_MDNS_RESPONDER
#define LWIP_MDNS_RESPONDER             (0)
#undef LWIP_DNS_SUPPORT_MDNS_QUERIES
#define LWIP_DNS_SUPPORT_MDNS_QUERIES   (0)
#undef LWIP_IGMP
#define LWIP_IGMP                       (0)
#undef LWIP_RAW
#define LWIP_RAW                        (0)

/* Only what net.c reads: how much of each pool is taken. */
#undef LWIP_STATS
#define LWIP_STATS                      (1)
#define LINK_STATS                      (0)
#define ETHARP_STATS                    (0)
#define IP_STATS                        (0)
#define ICMP_STATS                      (0)
#define IGMP_STATS                      (0)
#define UDP_STATS                       (0)
#define TCP_STATS                       (0)
#define SYS_STATS                       (0)

#endif
