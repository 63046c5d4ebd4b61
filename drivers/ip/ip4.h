/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4 (RFC 791) as RFC 1122 asks it of a host that forwards nothing. */
#ifndef SPLITMX_IP_IP4_H
#define SPLITMX_IP_IP4_H

struct ip_stack;
struct ip_interface;
struct rte_mbuf;

/* One received frame with its Ethernet header; takes ownership. */
void ip4_receive(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m);

#endif
