/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Neighbour discovery (RFC 4861) of a host whose addresses and routes are configured: it asks and
 * answers, and believes no router that offers more.
 */
#ifndef SPLITMX_IP_ND_H
#define SPLITMX_IP_ND_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/addr.h"

struct ip_stack;
struct ip_datagram;
struct ip_interface;
struct rte_ether_addr;
struct rte_mbuf;

/* Is this a type of ICMPv6 that nd_receive() takes? */
bool nd_is_type(uint8_t type);

/* One received message whose checksum is good, with its Ethernet and IPv6 headers; takes ownership.
 */
void nd_receive(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m,
                const struct ip_datagram *d);

/* Ask who has `addr`: all who might, or (`whom` not NULL) only the one whom we believe to have it.
 */
void nd_ask(struct ip_stack *ip, struct ip_interface *i, const struct ip_addr *addr,
            const struct rte_ether_addr *whom);

/* Ask once whether somebody else has our addresses on that link (RFC 4862 §5.4.2). Whoever does is
 * counted as a conflict, and we keep the address: configuration says that it is ours. */
void nd_detect_duplicates(struct ip_stack *ip, struct ip_interface *i);

/* Tell everybody our addresses on that link, once (RFC 4861 §7.2.6). */
void nd_announce(struct ip_stack *ip, struct ip_interface *i);

#endif
