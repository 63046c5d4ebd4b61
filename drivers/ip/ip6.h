/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv6 (RFC 8200) of a host that forwards nothing. */
#ifndef SPLITMX_IP_IP6_H
#define SPLITMX_IP_IP6_H

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

#endif
