/* virtio-net under lwIP, and network.LAN. Single-threaded: lwIP runs inside net_poll() and modlwip's calls only. */

#include <string.h>

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "extmod/modnetwork.h"
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/memp.h"
#include "lwip/netif.h"
#include "lwip/priv/memp_priv.h"
#include "lwip/stats.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"

#include "board.h"
#include "modlwip_calls.h"
#include "virtio.h"

/* A frame comes in as many receive buffers as it fills (MRG_RXBUF), so that an ACK does not take the room of a whole
 * frame. The longest, 1,526 bytes with its header, takes six. */
#define RX_BUFFERS      (16)
#define RX_BYTES        (256)
#define TX_BUFFERS      (2)
#define TX_WAIT_MS      (50)        /* for a free buffer; QEMU takes a frame in microseconds, if its host lets it run */
#define FRAMES_PER_POLL (32)        /* a flood must not keep the processor in net_poll() */
#define MTU             (BOARD_TCP_SEGMENT_BYTES + 40 > 576 ? BOARD_TCP_SEGMENT_BYTES + 40 : 576)

/* pbufs that segments with data leave free: for ACKs, ARP and DHCP. Else a peer whose bytes lie unread, in segments
 * of one byte each, would take all of them, and nothing we send would ever be acknowledged. */
#define RX_RESERVE      (8)

#define FEATURE_MAC         (1u << 5)
#define FEATURE_MRG_RXBUF   (1u << 15)

struct header {
    uint8_t flags, segmentation;
    uint16_t header_bytes, segment_bytes, checksum_start, checksum_offset, buffers;
};

VIRTIO_QUEUE(receive, RX_BUFFERS);
VIRTIO_QUEUE(transmit, TX_BUFFERS);
static uint8_t rx_buffer[RX_BUFFERS][RX_BYTES] __attribute__((aligned(4)));
static uint8_t tx_buffer[TX_BUFFERS][sizeof(struct header) + SIZEOF_ETH_HDR + MTU] __attribute__((aligned(4)));
static uint32_t tx_free;
static struct netif netif;
static bool is_up;
static struct {
    uint32_t received, sent, not_received, not_sent;
} counts;

u32_t sys_now(void) {
    return mp_hal_ticks_ms();
}

/* How many bytes modlwip may hand to lwIP for this connection now; modlwip_calls.h puts it in the place of tcp_sndbuf().
 * modlwip looks at the window alone, and when lwIP then lacks memory it waits, up to ten seconds, with the whole node.
 * So that never to happen, there is no room unless lwIP has the memory too. */
u16_t tcp_room(const struct tcp_pcb *pcb) {
    const struct stats_mem *segments = memp_pools[MEMP_TCP_SEG]->stats;
    mem_size_t left = lwip_stats.mem.avail - lwip_stats.mem.used;
    mem_size_t spare = 3 * (SIZEOF_ETH_HDR + 40 + 40);     /* headers of what is sent and of an answer to a ping */
    if (pcb->snd_queuelen + 4 > TCP_SND_QUEUELEN || segments->avail - segments->used < 4 || left <= spare) {
        return 0;
    }
    left -= spare;
    return pcb->snd_buf < left ? pcb->snd_buf : left;
}

static err_t output(struct netif *interface, struct pbuf *packet) {
    uint32_t begun = mp_hal_ticks_ms();
    int i;
    /* A queue that stays full loses the frame as a wire may: TCP sends again. An error would come out of a socket's
     * write() as ENOBUFS, and end a connection that has nothing. */
    do {
        while ((i = virtio_pop(&transmit, NULL)) >= 0) {
            tx_free |= 1u << i;
        }
    } while (!tx_free && mp_hal_ticks_ms() - begun < TX_WAIT_MS);
    if (!tx_free || packet->tot_len > SIZEOF_ETH_HDR + MTU) {
        counts.not_sent++;
        return ERR_OK;
    }
    i = __builtin_ctz(tx_free);
    tx_free &= ~(1u << i);
    memset(tx_buffer[i], 0, sizeof(struct header));
    pbuf_copy_partial(packet, tx_buffer[i] + sizeof(struct header), packet->tot_len, 0);
    virtio_describe(&transmit, i, tx_buffer[i], sizeof(struct header) + packet->tot_len, 0);
    virtio_push(&transmit, i);
    counts.sent++;
    return ERR_OK;
}

/* Whether a frame, of which the first `size` bytes are here, is a TCP segment with data in it. */
static bool carries_data(const uint8_t *frame, size_t size) {
    const uint8_t *ip = frame + SIZEOF_ETH_HDR;
    size_t ip_header = size > SIZEOF_ETH_HDR ? 4 * (ip[0] & 15) : 0;
    if (size < SIZEOF_ETH_HDR + ip_header + 20 || ip_header < 20 || frame[12] != 8 || frame[13] != 0 || ip[9] != 6) {
        return false;
    }
    return (ip[2] << 8 | ip[3]) > (int)ip_header + 4 * (ip[ip_header + 12] >> 4);
}

static bool has_room(const uint8_t *frame, size_t here, size_t size) {
    const struct stats_mem *pool = memp_pools[MEMP_PBUF_POOL]->stats;
    size_t left = pool->avail - pool->used;
    size_t needed = (size + PBUF_POOL_BUFSIZE - 1) / PBUF_POOL_BUFSIZE;
    return left >= needed + (carries_data(frame, here) ? RX_RESERVE : 0);
}

/* Hand one frame to lwIP and its buffers back to the device. False: no frame is here. */
static bool input_one(void) {
    int buffers[RX_BUFFERS];
    uint32_t sizes[RX_BUFFERS];
    buffers[0] = virtio_pop(&receive, &sizes[0]);
    if (buffers[0] < 0) {
        return false;
    }
    const uint8_t *first = rx_buffer[buffers[0]];
    int count = ((const struct header *)first)->buffers;
    size_t size = sizes[0];
    int n = 1;
    for (; n < count && n < RX_BUFFERS; n++) {
        buffers[n] = virtio_pop(&receive, &sizes[n]);
        if (buffers[n] < 0) {
            break;
        }
        size += sizes[n];
    }
    struct pbuf *packet = NULL;
    if (n == count && sizes[0] > sizeof(struct header) + SIZEOF_ETH_HDR) {
        size_t skip = sizeof(struct header);
        size -= skip;
        if (has_room(first + skip, sizes[0] - skip, size)) {
            packet = pbuf_alloc(PBUF_RAW, size, PBUF_POOL);
        }
        for (size_t i = 0, at = 0; packet && (int)i < n; i++) {
            pbuf_take_at(packet, rx_buffer[buffers[i]] + skip, sizes[i] - skip, at);
            at += sizes[i] - skip;
            skip = 0;
        }
    }
    for (int i = 0; i < n; i++) {
        virtio_push(&receive, buffers[i]);
    }
    if (!packet) {
        counts.not_received++;
    } else {
        counts.received++;
        if (netif.input(packet, &netif) != ERR_OK) {
            pbuf_free(packet);
        }
    }
    return true;
}

void net_poll(void) {
    if (is_up) {
        for (int i = 0; i < FRAMES_PER_POLL && input_one(); i++) {
        }
        sys_check_timeouts();
    }
}

int net_sleep_ms(void) {
    if (!is_up) {
        return -1;
    }
    u32_t ms = sys_timeouts_sleeptime();
    return ms > INT32_MAX ? -1 : (int)ms;
}

static err_t init(struct netif *interface) {
    interface->linkoutput = output;
    interface->output = etharp_output;
    interface->mtu = MTU;
    interface->name[0] = 'e';
    interface->name[1] = '0';
    interface->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    return ERR_OK;
}

static bool start(void) {
    const uint32_t features = FEATURE_MAC | FEATURE_MRG_RXBUF;
    uint32_t got = 0;
    volatile uint32_t *device = virtio_open(VIRTIO_NET, features, &got);
    if (!device || got != features || !virtio_queue_open(&receive, device, 0)
        || !virtio_queue_open(&transmit, device, 1)) {
        return false;
    }
    memcpy(netif.hwaddr, (const uint8_t *)virtio_config(device), ETH_HWADDR_LEN);
    netif.hwaddr_len = ETH_HWADDR_LEN;
    virtio_go(device);
    for (int i = 0; i < RX_BUFFERS; i++) {
        virtio_describe(&receive, i, rx_buffer[i], RX_BYTES, DESC_DEVICE_WRITES);
        virtio_push(&receive, i);
    }
    tx_free = (1u << TX_BUFFERS) - 1;
    netif_add(&netif, NULL, NULL, NULL, NULL, init, ethernet_input);
    netif_set_hostname(&netif, mod_network_hostname_data);
    netif_set_default(&netif);
    netif_set_link_up(&netif);
    dns_init();
    return true;
}

typedef struct {
    mp_obj_base_t base;
} lan_obj_t;

static const lan_obj_t lan = { { &network_lan_type } };

static mp_obj_t lan_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    return MP_OBJ_FROM_PTR(&lan);
}

/* active([on]): starting it also starts DHCP. OSError(ENODEV) where the machine has no network device. */
static mp_obj_t lan_active(size_t n_args, const mp_obj_t *args) {
    static bool is_started;
    if (n_args > 1 && mp_obj_is_true(args[1]) != is_up) {
        if (is_up) {
            dhcp_release_and_stop(&netif);
            netif_set_down(&netif);
            is_up = false;
        } else {
            if (!is_started && !start()) {
                mp_raise_OSError(MP_ENODEV);
            }
            is_started = is_up = true;
            netif_set_up(&netif);
            dhcp_start(&netif);
        }
    }
    return mp_obj_new_bool(is_up);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(lan_active_obj, 1, 2, lan_active);

static mp_obj_t lan_isconnected(mp_obj_t self) {
    return mp_obj_new_bool(is_up && !ip4_addr_isany_val(*netif_ip4_addr(&netif)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(lan_isconnected_obj, lan_isconnected);

static mp_obj_t lan_ifconfig(size_t n_args, const mp_obj_t *args) {
    if (!is_up) {
        mp_raise_OSError(MP_ENOTCONN);
    }
    return mod_network_nic_ifconfig(&netif, n_args - 1, args + 1);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(lan_ifconfig_obj, 1, 2, lan_ifconfig);

/* stats(): (frames received, sent, received and dropped, not sent, bytes of lwIP's memory in use, most ever in use). */
static mp_obj_t lan_stats(mp_obj_t self) {
    mp_obj_t items[] = {
        mp_obj_new_int_from_uint(counts.received), mp_obj_new_int_from_uint(counts.sent),
        mp_obj_new_int_from_uint(counts.not_received), mp_obj_new_int_from_uint(counts.not_sent),
        mp_obj_new_int_from_uint(lwip_stats.mem.used), mp_obj_new_int_from_uint(lwip_stats.mem.max),
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(lan_stats_obj, lan_stats);

static const mp_rom_map_elem_t lan_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_active), MP_ROM_PTR(&lan_active_obj) },
    { MP_ROM_QSTR(MP_QSTR_isconnected), MP_ROM_PTR(&lan_isconnected_obj) },
    { MP_ROM_QSTR(MP_QSTR_ifconfig), MP_ROM_PTR(&lan_ifconfig_obj) },
    { MP_ROM_QSTR(MP_QSTR_stats), MP_ROM_PTR(&lan_stats_obj) },
};
static MP_DEFINE_CONST_DICT(lan_locals, lan_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    network_lan_type, MP_QSTR_LAN, MP_TYPE_FLAG_NONE, make_new, lan_make_new, locals_dict, &lan_locals);
