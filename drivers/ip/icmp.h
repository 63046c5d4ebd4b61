/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP (RFC 792) of a host: answers echoes, believes errors only with a quote of ours, and says
 * when nobody listens. */
#ifndef SPLITMX_IP_ICMP_H
#define SPLITMX_IP_ICMP_H

#include <stdint.h>

struct ip_stack;
struct ip_datagram;
struct ip_interface;
struct rte_mbuf;

/* One received ICMP message, with its Ethernet and IPv4 headers; takes ownership. */
void icmp_receive(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m,
                  const struct ip_datagram *d);

enum icmp_refusal {
    ICMP_REFUSED_PROTOCOL = 2, /* codes of destination unreachable */
    ICMP_REFUSED_PORT = 3,
};

/* Answer a whole datagram that nobody here wants, within the rate limit. m stays the caller's. */
void icmp_refuse(struct ip_stack *ip, struct ip_interface *i, const struct rte_mbuf *m,
                 enum icmp_refusal why);

#endif
