/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4 (RFC 791) as RFC 1122 asks it of a host that forwards nothing. */
#ifndef SPLITMX_IP_IP4_H
#define SPLITMX_IP_IP4_H

#include <stdint.h>

#include "drivers/base/addr.h"
#include "drivers/base/check.h"

struct ip_stack;
struct ip_interface;
struct rte_mbuf;

/* One received frame with its Ethernet header; takes ownership. */
void ip4_receive(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m);

/*
 * Put an IPv4 header in front of m, which starts at the transport's header, and send it to dst by
 * way of link i. DF is set. Takes ownership.
 */
void ip4_output(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m,
                const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol,
                uint8_t ecn);

/* Where a packet of ours, which starts at its IPv4 header, is going. */
struct ip_addr ip4_destination(const struct rte_mbuf *m);

#endif
