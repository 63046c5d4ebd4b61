/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv6 (RFC 8200) of a host that forwards nothing. */
#ifndef SPLITMX_IP_IP6_H
#define SPLITMX_IP_IP6_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/addr.h"
#include "drivers/base/check.h"

#define IP6_HOP_LIMIT 64

struct ip_stack;
struct ip_interface;
struct rte_mbuf;

/*
 * One received frame with its Ethernet header, for our MAC address or a group's; takes ownership.
 *
 * Extension headers are read up to IP6_EXTENSIONS_MAX bytes of them (RFC 8504 §5.3 leaves the bound
 * to the host). Options are skipped or refused as their type says; a routing header of any type is
 * refused while it has segments left (RFC 5095 §3).
 */
void ip6_receive(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m);

/* Put an IPv6 header in front of m, which starts at the transport's header, and send it to dst by
 * way of link i. Takes ownership. */
void ip6_output(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m,
                const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol,
                uint8_t ecn);

/* The header alone, for who knows the way. False, with m freed and counted, if there is no room. */
MUST_CHECK bool ip6_prepend(struct ip_stack *ip, struct rte_mbuf *m, const struct ip_addr *src,
                            const struct ip_addr *dst, uint8_t protocol, uint8_t hop_limit,
                            uint8_t ecn);

/* Where a packet of ours, which starts at its IPv6 header, is going. */
struct ip_addr ip6_destination(const struct rte_mbuf *m);

#endif
