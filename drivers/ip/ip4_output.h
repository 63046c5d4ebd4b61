/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4 datagrams of ours. */
#ifndef SPLITMX_IP_IP4_OUTPUT_H
#define SPLITMX_IP_IP4_OUTPUT_H

#include <stdint.h>

struct ip_addr;
struct ip_stack;
struct ip_interface;
struct rte_mbuf;

/*
 * Put an IPv4 header in front of m, which starts at the transport's header, and send it to dst by
 * way of link i. DF is set. Takes ownership.
 */
void ip4_output(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m,
                const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol,
                uint8_t ecn);

#endif
