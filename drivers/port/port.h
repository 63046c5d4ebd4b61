/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A DPDK port: a NIC or a virtual device, brought up from what the INI says, and one struct link
 * per worker, each a queue pair of its own.
 *
 *     port_check() ... port_sum() -> pools -> eal_start() -> port_open() -> port_link() per worker
 *     control thread: port_poll() a few times a second;      workers: the link's receive, transmit
 *     port_close(), when no worker uses its links any more
 *
 * Everything here but the links' own operations belongs to the control thread.
 *
 * A kernel peer behind a veth pair (net_af_packet, net_af_xdp) hands over TCP segments with
 * unfinished checksums and of up to 64 kB, unless `ethtool -K IF tx off tso off gso off gro off`
 * was said to the kernel's end. A port drops nothing for that; TCP counts them.
 */
#ifndef SPLITMX_PORT_PORT_H
#define SPLITMX_PORT_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include "drivers/base/check.h"
#include "drivers/base/counters.h"
#include "drivers/base/pools.h"
#include "drivers/port/eal.h"
#include "drivers/port/link.h"

#define PORT_MTU_MIN 576 /* what every IPv4 host must take (RFC 791) */
#define PORT_MTU_MAX 9000

struct port;

struct port_config {
    const char *name;   /* of the INI's section, e.g. "wan"; must outlive the port */
    const char *device; /* "0000:3b:00.0", or "net_tap0,iface=smx0" and the like */
    uint16_t queues;    /* one per worker */
    uint16_t mtu;       /* bytes of an IP packet; 0: 1500 */
    bool promiscuous;
    bool groups;  /* frames for groups are wanted: by them IPv6 neighbours ask for us */
    bool has_mac; /* else the port's own */
    struct rte_ether_addr mac;
    uint16_t rx_descriptors; /* per queue; 0: 1024. Bent to what the port can do */
    uint16_t tx_descriptors;
};

/* Is this a configuration that could work? Touches no NIC and needs no eal_start(). */
MUST_CHECK bool port_check(const struct port_config *config, struct port_error *why);

/* What one queue of the port may hold at once, at most. Known before the port is opened: sum it
 * over all ports for a worker's pools_config. */
struct port_sum {
    uint32_t rings;       /* data buffers: pools_config.rings */
    uint32_t packets_out; /* packets in the TX ring and the software queue: .packets_out */
    uint16_t data_room;   /* a received packet fits one buffer of this size: .data_room */
};
struct port_sum port_sum(const struct port_config *config);

/*
 * Bring up and start the port; queue w receives into pools[w]. Waits at most 2 s for the link: one
 * that is down by then is no error, frames flow as soon as it comes up. NULL with *why.
 */
MUST_CHECK struct port *port_open(const struct port_config *config, struct pools *const *pools,
                                  struct port_error *why);

/* Stop, close and remove the device (its TAP interface or XDP program too). Frames that wait in
 * software are given back. NULL is allowed. */
void port_close(struct port *p);

/* Worker w's link. Lives as long as the port. */
struct link *port_link(struct port *p, unsigned w);

/* Look at the link's state; true if it changed. Some ports must not be polled while it is down, so
 * links receive nothing then. */
bool port_poll(struct port *p);

/* The state as of the last port_poll(); any thread may ask. */
bool port_is_up(const struct port *p);

/* One line for the log: driver, MAC, MTU, queues, descriptors, offloads in use. Returns buf. */
const char *port_describe(const struct port *p, char *buf, unsigned size);

/* The first group is the device's own, the second one that of our links, summed over queues. */
#define PORT_COUNTERS(X)                                                                           \
    X(PORT_RX_PACKETS, "frames received by the device")                                            \
    X(PORT_RX_BYTES, "bytes received by the device")                                               \
    X(PORT_RX_MISSED, "frames lost by the device: its receive ring was full")                      \
    X(PORT_RX_ERRORS, "frames dropped by the device as erroneous")                                 \
    X(PORT_RX_NO_MEMORY, "receive buffers that the device could not get: out of packet memory")    \
    X(PORT_TX_PACKETS, "frames sent by the device")                                                \
    X(PORT_TX_BYTES, "bytes sent by the device")                                                   \
    X(PORT_TX_ERRORS, "frames that the device failed to send")                                     \
    X(PORT_TX_WAITED, "frames that waited in software because the transmit ring was full")         \
    X(PORT_TX_QUEUE_FULL, "frames dropped: transmit ring and software queue are full")             \
    X(PORT_TX_LINK_DOWN, "frames dropped because the link is down")                                \
    X(PORT_TX_LINEARISED, "frames copied into one buffer for a port with few segments")            \
    X(PORT_TX_NO_BUFFER, "frames dropped: no buffer to copy them into")                            \
    X(PORT_TX_REFUSED, "frames dropped: the driver refuses their offloads or size")

enum port_counter { PORT_COUNTERS(COUNTER_ENUM) PORT_COUNTER_COUNT };
extern const struct counter_list port_counter_list;

/* Read all of them: asks the device, so not for the data path. */
void port_counters(const struct port *p, uint64_t out[PORT_COUNTER_COUNT]);

#endif
