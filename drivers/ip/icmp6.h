/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMPv6 (RFC 4443) of a host: answers echoes, believes errors only with a quote of ours, and says
 * what it refuses. */
#ifndef SPLITMX_IP_ICMP6_H
#define SPLITMX_IP_ICMP6_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/addr.h"

struct ip_stack;
struct ip_datagram;
struct ip_interface;
struct rte_ether_addr;
struct rte_mbuf;

/* One received ICMPv6 message, with its Ethernet and IPv6 headers; takes ownership. Neighbour
 * discovery goes on to nd.h. */
void icmp6_receive(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m,
                   const struct ip_datagram *d);

enum icmp6_why {
    ICMP6_REFUSED_PORT,    /* nobody listens there */
    ICMP6_BAD_FIELD,       /* a header has a value that we do not take */
    ICMP6_BAD_NEXT_HEADER, /* a header that we do not know */
    ICMP6_BAD_OPTION,      /* an option that we do not know, and must */
};

struct icmp6_refusal {
    enum icmp6_why why;
    uint32_t pointer; /* to the byte that is at fault, from the IPv6 header on; 0 for a port */
};

/* Answer a packet that is refused, within the rate limit and where RFC 4443 §2.4 (e) lets us. m
 * stays the caller's, and carries no ICMPv6 error. */
void icmp6_refuse(struct ip_stack *ip, struct ip_interface *i, const struct rte_mbuf *m,
                  const struct icmp6_refusal *refusal);

#endif
