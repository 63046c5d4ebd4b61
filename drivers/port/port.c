/* SPDX-License-Identifier: BSD-3-Clause */
/* Bringing DPDK ports up and down. */
#include "drivers/port/port.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "drivers/port/device.h"
#include "drivers/port/dpdk_log.h"
#include "drivers/port/queue.h"

#define DESCRIPTORS    1024
#define LINK_WAIT_MS   2000
#define FRAME_OVERHEAD 26 /* Ethernet header, two VLAN tags, checksum: what drivers reckon with */

COUNTER_LIST_DEFINE(port_counter_list, "port", PORT_COUNTERS)

struct port {
    struct port_config config;
    struct device device;
    uint16_t id; /* DPDK's number */
    uint16_t mtu, rx_descriptors, tx_descriptors;
    bool attached, started;
    bool up; /* atomic: workers look at it */
    struct rte_eth_dev_info info;
    struct rte_eth_conf conf;
    struct link_caps caps;
    struct rte_ether_addr mac;
    struct port_queue *queues;
};

static uint16_t wanted_mtu(const struct port_config *c)
{
    return c->mtu != 0 ? c->mtu : RTE_ETHER_MTU;
}

static uint16_t wanted_descriptors(uint16_t configured)
{
    return configured != 0 ? configured : DESCRIPTORS;
}

bool port_check(const struct port_config *config, struct port_error *why)
{
    struct device d;
    if (!device_parse(config->device, &d, why))
        return false;
    uint16_t mtu = wanted_mtu(config);
    if (mtu < PORT_MTU_MIN || mtu > PORT_MTU_MAX)
        return port_fail(why, "an MTU of %u: %u to %u are possible", mtu, PORT_MTU_MIN,
                         PORT_MTU_MAX);
    if (config->has_mac && !rte_is_valid_assigned_ether_addr(&config->mac))
        return port_fail(why, "the MAC address must be that of one station, neither zero nor a "
                              "group's");
    return true;
}

struct port_sum port_sum(const struct port_config *config)
{
    struct port_error ignored;
    struct device d;
    uint32_t rx = wanted_descriptors(config->rx_descriptors);
    uint32_t tx = wanted_descriptors(config->tx_descriptors);
    uint16_t room = (uint16_t)RTE_ALIGN_CEIL(wanted_mtu(config) + FRAME_OVERHEAD, 1024);
    if (!device_parse(config->device, &d, &ignored))
        d.traits = NULL;
    uint32_t more = d.traits != NULL ? d.traits->more_buffers : 0;
    if (d.traits != NULL && d.traits->one_segment)
        more += PORT_QUEUE; /* copies that wait in software */
    return (struct port_sum){
        /* A transmit ring may hold on to payload that its connection has forgotten already. */
        .rings = rx + tx + more,
        .packets_out = tx + PORT_QUEUE,
        .data_room = room > POOL_DATA_ROOM ? room : POOL_DATA_ROOM,
    };
}

/* Ask the kernel about the interface behind a virtual device. False if there is none. */
static bool interface_ask(unsigned if_index, unsigned long what, struct ifreq *request)
{
    *request = (struct ifreq){0};
    if (if_index == 0 || if_indextoname(if_index, request->ifr_name) == NULL)
        return false;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool answered = ioctl(fd, what, request) == 0;
    close(fd);
    return answered;
}

/* It may be smaller than what we take for granted. */
static uint16_t interface_mtu(unsigned if_index, uint16_t otherwise)
{
    struct ifreq request;
    bool smaller = interface_ask(if_index, SIOCGIFMTU, &request) &&
                   request.ifr_mtu >= PORT_MTU_MIN && request.ifr_mtu < otherwise;
    return smaller ? (uint16_t)request.ifr_mtu : otherwise;
}

/* Drivers that are given an interface say "up" even where that is down. */
static bool interface_running(const struct port *p)
{
    struct ifreq request;
    return !p->device.traits->needs_interface ||
           !interface_ask(p->info.if_index, SIOCGIFFLAGS, &request) ||
           (request.ifr_flags & IFF_RUNNING) != 0;
}

static bool attach(struct port *p, struct port_error *why)
{
    char devargs[512];
    /* One XDP program per interface, attached as it is: the dispatcher of libxdp would pin files in
     * a BPF file system, which outlive a process that is killed. */
    if (strncmp(p->device.name, "net_af_xdp", 10) == 0)
        setenv("LIBXDP_SKIP_DISPATCHER", "1", 0);
    device_arguments(&p->device, p->config.queues, devargs, sizeof(devargs));
    if (rte_eth_dev_get_port_by_name(p->device.name, &p->id) != 0) {
        int error = rte_dev_probe(devargs);
        if (error == 0)
            error = rte_eth_dev_get_port_by_name(p->device.name, &p->id);
        if (error != 0) {
            device_diagnose(&p->device, -error, why);
            return false;
        }
    } else if (!p->device.pci) {
        return port_fail(why, "%s: there is a port of that name already", p->device.text);
    }
    p->attached = true;
    dpdk_log_hold(); /* what was said until here explains nothing that fails later */
    int error = rte_eth_dev_info_get(p->id, &p->info);
    if (error != 0)
        return port_fail(why, "%s: the driver does not describe itself (%s)", p->device.text,
                         strerror(-error));
    return true;
}

static void choose_caps(struct port *p)
{
    uint64_t rx = p->info.rx_offload_capa, tx = p->info.tx_offload_capa;
    struct link_caps *c = &p->caps;
    uint16_t segments = p->info.tx_desc_lim.nb_mtu_seg_max;
    c->max_segments = (tx & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) == 0 ? 1
                      : segments == 0                           ? UINT16_MAX
                                                                : segments;
    if (p->device.traits->software_offloads)
        return;
    c->rx_ip_checksum = (rx & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM) != 0;
    c->rx_tcp_checksum = (rx & RTE_ETH_RX_OFFLOAD_TCP_CKSUM) != 0;
    c->tx_ip_checksum = (tx & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
    c->tx_tcp_checksum = (tx & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) != 0;
    c->tso = (tx & RTE_ETH_TX_OFFLOAD_TCP_TSO) != 0 && c->tx_tcp_checksum && c->max_segments > 1;
}

static void choose_offloads(struct port *p)
{
    const struct link_caps *c = &p->caps;
    uint64_t *rx = &p->conf.rxmode.offloads, *tx = &p->conf.txmode.offloads;
    *rx |= c->rx_ip_checksum ? RTE_ETH_RX_OFFLOAD_IPV4_CKSUM : 0;
    *rx |= c->rx_tcp_checksum ? RTE_ETH_RX_OFFLOAD_TCP_CKSUM : 0;
    *tx |= c->tx_ip_checksum ? RTE_ETH_TX_OFFLOAD_IPV4_CKSUM : 0;
    *tx |= c->tx_tcp_checksum ? RTE_ETH_TX_OFFLOAD_TCP_CKSUM : 0;
    *tx |= c->tso ? RTE_ETH_TX_OFFLOAD_TCP_TSO : 0;
    *tx |= c->max_segments > 1 ? RTE_ETH_TX_OFFLOAD_MULTI_SEGS : 0;
    /* No MBUF_FAST_FREE: payload is shared and comes from several pools. */
    p->conf.rxmode.mtu = p->mtu;
    p->conf.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
    if (p->config.queues > 1) {
        p->conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        p->conf.rx_adv_conf.rss_conf.rss_hf =
            p->info.flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP);
    }
}

static bool configure(struct port *p, struct port_error *why)
{
    uint16_t queues = p->config.queues;
    if (queues > p->info.max_rx_queues || queues > p->info.max_tx_queues)
        return port_fail(why, "%s has %u queues, %u workers need one each", p->device.text,
                         RTE_MIN(p->info.max_rx_queues, p->info.max_tx_queues), queues);
    p->mtu = p->config.mtu != 0 ? p->config.mtu : interface_mtu(p->info.if_index, RTE_ETHER_MTU);
    if (p->mtu > p->info.max_mtu)
        return port_fail(why, "%s: an MTU of %u, but the device takes %u at most", p->device.text,
                         p->mtu, p->info.max_mtu);
    choose_caps(p);
    choose_offloads(p);
    int error = rte_eth_dev_configure(p->id, queues, queues, &p->conf);
    if (error != 0)
        return port_fail(why, "%s cannot be configured, DPDK says \"%s\" (%s)", p->device.text,
                         dpdk_log_cause(), strerror(-error));
    /* Interfaces behind virtual devices follow only if told so. */
    if (p->config.mtu != 0 && (error = rte_eth_dev_set_mtu(p->id, p->mtu)) != 0 &&
        error != -ENOTSUP)
        return port_fail(why, "%s: the MTU cannot be set to %u (%s)", p->device.text, p->mtu,
                         strerror(-error));
    p->rx_descriptors = wanted_descriptors(p->config.rx_descriptors);
    p->tx_descriptors = wanted_descriptors(p->config.tx_descriptors);
    uint16_t rx = p->rx_descriptors, tx = p->tx_descriptors;
    error = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &p->rx_descriptors, &p->tx_descriptors);
    if (error != 0)
        return port_fail(why, "%s: no number of descriptors suits the device (%s)", p->device.text,
                         strerror(-error));
    if (p->rx_descriptors > rx || p->tx_descriptors > tx)
        return port_fail(why,
                         "%s needs %u receive and %u transmit descriptors at least, packet "
                         "memory was reckoned for %u and %u",
                         p->device.text, p->rx_descriptors, p->tx_descriptors, rx, tx);
    return true;
}

static bool set_up_queues(struct port *p, struct pools *const *pools, struct port_error *why)
{
    int socket = rte_eth_dev_socket_id(p->id);
    struct rte_eth_rxconf rx = p->info.default_rxconf;
    struct rte_eth_txconf tx = p->info.default_txconf;
    rx.offloads = p->conf.rxmode.offloads;
    tx.offloads = p->conf.txmode.offloads;
    for (uint16_t k = 0; k < p->config.queues; k++) {
        unsigned room = rte_pktmbuf_data_room_size(pools[k]->data) - RTE_PKTMBUF_HEADROOM;
        if (room < (unsigned)p->mtu + RTE_ETHER_HDR_LEN)
            return port_fail(why, "%s: a frame of MTU %u does not fit a buffer of %u bytes",
                             p->device.text, p->mtu, room);
        int error = rte_eth_rx_queue_setup(p->id, k, p->rx_descriptors, (unsigned)socket, &rx,
                                           pools[k]->data);
        if (error == 0)
            error = rte_eth_tx_queue_setup(p->id, k, p->tx_descriptors, (unsigned)socket, &tx);
        if (error != 0)
            return port_fail(why, "%s: queue %u cannot be set up, DPDK says \"%s\" (%s)",
                             p->device.text, k, dpdk_log_cause(), strerror(-error));
    }
    return true;
}

/* The address in our frames. *promiscuous: the device does not filter for it by itself. */
static bool choose_mac(struct port *p, bool *promiscuous, struct port_error *why)
{
    int error = rte_eth_macaddr_get(p->id, &p->mac);
    if (error != 0)
        return port_fail(why, "%s does not tell its MAC address (%s)", p->device.text,
                         strerror(-error));
    if (p->device.traits->makes_interface) {
        /* Two ends of one wire must differ; the device hands over every frame anyway. */
        if (p->config.has_mac)
            p->mac = p->config.mac;
        else
            p->mac.addr_bytes[5] ^= 1;
        return true;
    }
    if (!p->config.has_mac || rte_is_same_ether_addr(&p->mac, &p->config.mac))
        return true;
    struct rte_ether_addr mac = p->config.mac;
    p->mac = mac;
    *promiscuous |= rte_eth_dev_default_mac_addr_set(p->id, &mac) != 0;
    return true;
}

static bool start(struct port *p, struct port_error *why)
{
    bool promiscuous = p->config.promiscuous;
    if (!choose_mac(p, &promiscuous, why))
        return false;
    int error = rte_eth_dev_start(p->id);
    if (error != 0)
        return port_fail(why, "%s does not start, DPDK says \"%s\" (%s)", p->device.text,
                         dpdk_log_cause(), strerror(-error));
    p->started = true;
    /* A device that cannot be told to pass on groups' frames alone has to pass on all. A TAP passes
     * them on anyway. */
    if (p->config.groups && !p->device.traits->makes_interface)
        promiscuous |= rte_eth_allmulticast_enable(p->id) != 0;
    if (!promiscuous) {
        (void)rte_eth_promiscuous_disable(p->id); /* not every device knows the difference */
        return true;
    }
    error = rte_eth_promiscuous_enable(p->id);
    if (error != 0 && error != -ENOTSUP)
        return port_fail(why, "%s cannot be made promiscuous (%s)", p->device.text,
                         strerror(-error));
    return true;
}

static bool make_links(struct port *p, struct pools *const *pools, struct port_error *why)
{
    p->queues =
        aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(p->config.queues * sizeof(*p->queues),
                                                          (size_t)RTE_CACHE_LINE_SIZE));
    if (p->queues == NULL)
        return port_fail(why, "%s: out of memory", p->device.text);
    for (uint16_t k = 0; k < p->config.queues; k++) {
        p->queues[k] = (struct port_queue){
            .link = {.ops = &port_queue_ops,
                     .mac = p->mac,
                     .mtu = p->mtu,
                     .caps = p->caps,
                     .name = p->config.name},
            .up = &p->up,
            .pools = pools[k],
            .port = p->id,
            .queue = k,
            .prepare = p->caps.tx_ip_checksum || p->caps.tx_tcp_checksum || p->caps.tso,
        };
    }
    return true;
}

static void wait_for_link(struct port *p)
{
    struct timespec step = {.tv_nsec = 10000000};
    for (unsigned waited = 0; waited < LINK_WAIT_MS; waited += 10) {
        port_poll(p);
        if (p->up)
            return;
        nanosleep(&step, NULL);
    }
}

struct port *port_open(const struct port_config *config, struct pools *const *pools,
                       struct port_error *why)
{
    struct port *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        port_fail(why, "%s: out of memory", config->device);
        return NULL;
    }
    p->config = *config;
    dpdk_log_hold();
    bool good = port_check(config, why) && device_parse(config->device, &p->device, why) &&
                attach(p, why) && configure(p, why) && set_up_queues(p, pools, why) &&
                start(p, why) && make_links(p, pools, why);
    if (good)
        wait_for_link(p);
    dpdk_log_pass();
    if (!good) {
        port_close(p);
        return NULL;
    }
    return p;
}

void port_close(struct port *p)
{
    if (p == NULL)
        return;
    dpdk_log_hold();
    if (p->started)
        (void)rte_eth_dev_stop(p->id);
    for (uint16_t k = 0; p->queues != NULL && k < p->config.queues; k++)
        port_queue_clear(&p->queues[k]);
    if (p->attached) {
        struct rte_device *device = p->info.device;
        (void)rte_eth_dev_close(p->id);
        if (device != NULL)
            (void)rte_dev_remove(device);
    }
    dpdk_log_pass();
    free(p->queues);
    free(p);
}

struct link *port_link(struct port *p, unsigned w)
{
    return &p->queues[w].link;
}

bool port_poll(struct port *p)
{
    struct rte_eth_link link = {0};
    bool up = rte_eth_link_get_nowait(p->id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP &&
              interface_running(p);
    bool changed = up != p->up;
    __atomic_store_n(&p->up, up, __ATOMIC_RELAXED);
    return changed;
}

bool port_is_up(const struct port *p)
{
    return __atomic_load_n(&p->up, __ATOMIC_RELAXED);
}

const char *port_describe(const struct port *p, char *buf, unsigned size)
{
    char mac[RTE_ETHER_ADDR_FMT_SIZE];
    const struct link_caps *c = &p->caps;
    rte_ether_format_addr(mac, sizeof(mac), &p->mac);
    snprintf(buf, size,
             "%s: %s, MAC %s, MTU %u, link %s, %u queue%s of %u+%u descriptors, receive checksums "
             "%s, transmit checksums %s, segmentation %s, segments %u",
             p->config.name, p->info.driver_name, mac, p->mtu, port_is_up(p) ? "up" : "down",
             p->config.queues, p->config.queues == 1 ? "" : "s", p->rx_descriptors,
             p->tx_descriptors, c->rx_tcp_checksum ? "in hardware" : "ours",
             c->tx_tcp_checksum ? "in hardware" : "ours", c->tso ? "in hardware" : "ours",
             c->max_segments);
    return buf;
}

void port_counters(const struct port *p, uint64_t out[PORT_COUNTER_COUNT])
{
    struct rte_eth_stats s = {0};
    memset(out, 0, PORT_COUNTER_COUNT * sizeof(*out));
    for (uint16_t k = 0; k < p->config.queues; k++)
        for (unsigned c = 0; c < PORT_COUNTER_COUNT; c++)
            out[c] += p->queues[k].counters[c];
    if (rte_eth_stats_get(p->id, &s) != 0)
        return;
    out[PORT_RX_PACKETS] = s.ipackets;
    out[PORT_RX_BYTES] = s.ibytes;
    out[PORT_RX_MISSED] = s.imissed;
    out[PORT_RX_ERRORS] = s.ierrors;
    out[PORT_RX_NO_MEMORY] = s.rx_nombuf;
    out[PORT_TX_PACKETS] = s.opackets;
    out[PORT_TX_BYTES] = s.obytes;
    out[PORT_TX_ERRORS] = s.oerrors;
}
