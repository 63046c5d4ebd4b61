/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv6 packets of ours. */
#ifndef SPLITMX_IP_IP6_OUTPUT_H
#define SPLITMX_IP_IP6_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/check.h"

struct ip_addr;
struct ip_stack;
struct ip_interface;
struct rte_mbuf;

/* Put an IPv6 header in front of m, which starts at the transport's header, and send it to dst by
 * way of link i. Takes ownership. */
void ip6_output(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m,
                const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol,
                uint8_t ecn);

/* The header alone, for who knows the way. False, with m freed and counted, if there is no room. */
MUST_CHECK bool ip6_prepend(struct ip_stack *ip, struct rte_mbuf *m, const struct ip_addr *src,
                            const struct ip_addr *dst, uint8_t protocol, uint8_t hop_limit,
                            uint8_t ecn);

#endif
