/* SPDX-License-Identifier: BSD-3-Clause */
/* What we know of one of our links: addresses and groups, networks and routers. */
#ifndef SPLITMX_IP_INTERFACE_H
#define SPLITMX_IP_INTERFACE_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/addr.h"
#include "drivers/base/timer.h"
#include "drivers/ip/config.h"
#include "drivers/port/link.h"

struct ip_interface {
    struct ip_link_config config;
    struct ip_addr link_local; /* all zeroes: this link speaks no IPv6 */
    uint8_t index;
    struct timer mld_timer; /* of the answer to a query for our groups */
    nsec_t defended;        /* when we last defended an address, 0: never (RFC 5227 §2.4) */
};

/* `i` is all zeroes; `index`: where the stack keeps it. The timer is for mld.h. */
void ip_interface_init(struct ip_interface *i, const struct ip_link_config *config, uint8_t index);

static inline bool ip_speaks_v6(const struct ip_interface *i)
{
    return !ip_addr_is_any(&i->link_local);
}

static inline bool ip_addr_is_group(const struct ip_addr *a)
{
    return a->b[0] == 0xff;
}

/* Is `a` one of the link's own addresses, link-local included? */
static inline bool ip_interface_owns(const struct ip_interface *i, const struct ip_addr *a)
{
    for (unsigned k = 0; k < i->config.address_count; k++)
        if (ip_addr_equal(&i->config.addresses[k], a))
            return true;
    return ip_speaks_v6(i) && ip_addr_equal(&i->link_local, a);
}

/* The group of those who might have that address: ff02::1:ff00:0 and the address's last 24 bits
 * (RFC 4291 §2.7.1). */
struct ip_addr ip_solicited_nodes(const struct ip_addr *a);

/* The k-th IPv6 address of a link, its link-local one first; NULL behind the last. */
const struct ip_addr *ip_interface_address6(const struct ip_interface *i, unsigned k);

/* Is that link in the group: all nodes, or the solicited nodes of an address of ours? */
bool ip_interface_is_member(const struct ip_interface *i, const struct ip_addr *group);

/* The link's own address of that family from the network that holds `near`, else its first; NULL
 * if it has none. */
const struct ip_addr *ip_source_for(const struct ip_interface *i, const struct ip_addr *near);

/* The length of the longest connected network with `a` in it; -1 if there is none. */
static inline int ip_interface_network_length(const struct ip_interface *i, const struct ip_addr *a)
{
    int longest = ip_speaks_v6(i) && ip_addr_is_link_local(a) ? 10 : -1; /* fe80::/10 */
    for (unsigned k = 0; k < i->config.address_count; k++)
        if (i->config.networks[k].len > longest && ip_prefix_contains(&i->config.networks[k], a))
            longest = i->config.networks[k].len;
    return longest;
}

/* The router of dst's family; NULL if there is none. */
static inline const struct ip_addr *ip_interface_gateway(const struct ip_interface *i,
                                                         const struct ip_addr *dst)
{
    const struct ip_addr *gateway = ip_addr_is_v4(dst) ? &i->config.gateway4 : &i->config.gateway6;
    return ip_addr_is_any(gateway) ? NULL : gateway;
}

/* Is `a` reached without a router: in a connected network, or the gateway itself? */
bool ip_interface_connects(const struct ip_interface *i, const struct ip_addr *a);

/* Who on that link gets a packet for dst: dst itself, or the gateway of its family; NULL if there
 * is none. */
const struct ip_addr *ip_next_hop(const struct ip_interface *i, const struct ip_addr *dst);

#endif
