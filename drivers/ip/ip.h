/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One worker's network layer: Ethernet, ARP and ND, IPv4 and IPv6 with reassembly, ICMP over a few
 * links. Addresses are family-neutral (drivers/base/addr.h).
 *
 * A link with an IPv6 address speaks IPv6, and has a link-local address beside those that it was
 * given (fe80::/64 and its MAC address as EUI-64, RFC 4291 §2.5.6).
 */
#ifndef SPLITMX_IP_IP_H
#define SPLITMX_IP_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/addr.h"
#include "drivers/base/check.h"
#include "drivers/base/counters.h"
#include "drivers/base/timer.h"
#include "drivers/ip/config.h"
#include "drivers/ip/counters.h"
#include "drivers/ip/upper.h"
#include "drivers/port/link.h"

struct rte_mbuf;
struct ip_stack;

/* NULL if out of memory. `now`: the clock's value at start; afterwards ip_set_now() moves it. */
struct ip_stack *ip_create(const struct ip_config *config, nsec_t now);
void ip_destroy(struct ip_stack *ip);
void ip_set_upper(struct ip_stack *ip, const struct ip_upper *upper);

/* The worker's clock, once per round, before anything else. */
void ip_set_now(struct ip_stack *ip, nsec_t now);

/* Announce our addresses, once the links are up: gratuitous ARP (RFC 5227 §3); for IPv6 a question
 * whether somebody has them (RFC 4862 §5.4), and two seconds later an unsolicited advertisement. */
void ip_announce(struct ip_stack *ip);

/* Receive one burst from every link and process it. Returns the number of frames. */
unsigned ip_receive(struct ip_stack *ip);

/* Flush every link's transmit queue: the end of a round. */
void ip_flush(struct ip_stack *ip);

/* Where packets from src (all zeroes: any) to dst leave, for a connection to keep. */
struct ip_route {
    uint8_t link;
    uint16_t mtu;
    struct link_caps caps;
    struct ip_addr source; /* src if that is ours, else the link's first address of dst's family;
                              to a unique local address a unique local one (RFC 6724 §5 rule 6) */
};
/* False if there is no route (no connected network, no gateway) or src is not ours. A link-local
 * dst needs src, which says the link (RFC 4007 §6). */
MUST_CHECK bool ip_route(const struct ip_stack *ip, const struct ip_addr *src,
                         const struct ip_addr *dst, struct ip_route *out);

/* Set r->source to the address behind it in its link's list, of the same family and scope: for more
 * connections to one destination than an address has ports. False if it was the last. */
MUST_CHECK bool ip_route_next_source(const struct ip_stack *ip, struct ip_route *r);

/* Is this one of our own addresses? */
bool ip_is_local(const struct ip_stack *ip, const struct ip_addr *a);

/*
 * Send a TCP segment. `m` starts at the TCP header, has RTE_PKTMBUF_HEADROOM in front, is a header
 * mbuf plus indirect segments, and carries its TCP checksum finished (or, where the route's caps
 * say so, the pseudo-header sum and RTE_MBUF_F_TX_TCP_CKSUM; for TSO also tso_segsz and
 * RTE_MBUF_F_TX_TCP_SEG, l4_len set). ip/ sets l2_len, l3_len and the IP flags. Takes ownership
 * whatever happens: a packet that waits for its neighbour is queued, one that can't go is dropped
 * and counted. `ecn`: enum ip_ecn.
 */
void ip_output(struct ip_stack *ip, struct rte_mbuf *m, uint8_t link, const struct ip_addr *src,
               const struct ip_addr *dst, uint8_t ecn);

/* By enum ip_counter. */
extern const struct counter_list ip_counter_list;
const uint64_t *ip_counters(const struct ip_stack *ip);

#endif
