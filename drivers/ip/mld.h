/* SPDX-License-Identifier: BSD-3-Clause */
/* MLDv2 (RFC 3810) of a host: switches that snoop learn which solicited-node groups we are in. */
#ifndef SPLITMX_IP_MLD_H
#define SPLITMX_IP_MLD_H

#include <stdint.h>

struct ip_stack;
struct ip_datagram;
struct ip_interface;
struct rte_mbuf;

#define MLD_QUERY 130 /* the type of ICMPv6 that mld_receive() takes */

/* One received query whose checksum is good, with its Ethernet and IPv6 headers; takes ownership.
 * The answer goes out later, by chance within the time that the query leaves (RFC 3810 §5.1.3). */
void mld_receive(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m,
                 const struct ip_datagram *d);

/* Say that we have joined our groups on that link (RFC 3810 §6.1). */
void mld_join(struct ip_stack *ip, struct ip_interface *i);

/* The timer of answers, for the life of an interface. */
void mld_init(struct ip_interface *i);
void mld_free(struct ip_stack *ip, struct ip_interface *i);

#endif
