/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A link is where frames come from and go to: one queue pair of a DPDK port for one worker, or a
 * simulated wire in tests. ip/ knows links and nothing else of port/.
 */
#ifndef SPLITMX_PORT_LINK_H
#define SPLITMX_PORT_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

struct rte_mbuf;
struct link;

struct link_caps {
    bool rx_ip_checksum;  /* ol_flags of received packets say whether the IP header checksum is good
                           */
    bool rx_tcp_checksum; /* likewise for TCP; RTE_MBUF_F_RX_L4_CKSUM_UNKNOWN still means: check it
                           */
    bool tx_ip_checksum;  /* RTE_MBUF_F_TX_IP_CKSUM is honoured */
    bool
        tx_tcp_checksum; /* RTE_MBUF_F_TX_TCP_CKSUM is honoured (with the pseudo header in place) */
    bool tso;            /* RTE_MBUF_F_TX_TCP_SEG is honoured */
    uint16_t max_segments; /* mbuf segments in one transmitted packet; 1: linearised by the link */
};

struct link_ops {
    /* Up to n frames; the caller owns them. */
    uint16_t (*receive)(struct link *l, struct rte_mbuf **frames, uint16_t n);
    /* Takes ownership of the frame whatever happens: sent now, queued, or dropped and counted where
     * the software queue is full. */
    void (*transmit)(struct link *l, struct rte_mbuf *frame);
    /* Hand everything queued to the wire, as far as it takes it. Once per round. */
    void (*flush)(struct link *l);
};

struct link {
    const struct link_ops *ops;
    struct rte_ether_addr mac;
    uint16_t mtu; /* bytes of an IP packet */
    struct link_caps caps;
    const char *name; /* the INI's name of the port, e.g. "wan" */
};

#endif
