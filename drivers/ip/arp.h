/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP over Ethernet (RFC 826), with the address conflict rules of RFC 5227. */
#ifndef SPLITMX_IP_ARP_H
#define SPLITMX_IP_ARP_H

#include "drivers/base/addr.h"

struct ip_stack;
struct ip_interface;
struct rte_ether_addr;
struct rte_mbuf;

/* One received ARP frame; takes ownership. */
void arp_receive(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m);

/* Ask who has `addr`: everybody, or (`whom` not NULL) only the one whom we believe to have it. */
void arp_ask(struct ip_stack *ip, struct ip_interface *i, const struct ip_addr *addr,
             const struct rte_ether_addr *whom);

/* Tell everybody our addresses on that link, once (RFC 5227 §2.3). */
void arp_announce(struct ip_stack *ip, struct ip_interface *i);

#endif
