/* SPDX-License-Identifier: BSD-3-Clause */
/* What a stack is made with: its links, their addresses and routers, and its bounds. */
#ifndef SPLITMX_IP_CONFIG_H
#define SPLITMX_IP_CONFIG_H

#include <stdint.h>

#include "drivers/base/addr.h"
#include "drivers/base/pools.h"
#include "drivers/base/timer.h"
#include "drivers/port/link.h"

#define IP_MAX_LINKS     16
#define IP_MAX_ADDRESSES 8 /* per link */
#define IP_MAX_WAITING                                                                             \
    256 /* packets that wait for a MAC address: count them into pools_config.packets_out           \
         */

struct ip_link_config {
    struct link *link;
    struct ip_prefix networks[IP_MAX_ADDRESSES]; /* the connected network of each address */
    struct ip_addr addresses[IP_MAX_ADDRESSES];  /* the first of a family is our source address, but
                                                    for ip_route() */
    unsigned address_count;
    struct ip_addr gateway4, gateway6; /* all zeroes: none */
};

struct ip_config {
    const struct ip_link_config *links;
    unsigned link_count;
    struct pools *pools;
    struct timer_wheel *wheel;
    uint32_t neighbour_entries; /* bound of the neighbour cache, e.g. 1024 */
    uint32_t reassembly_flows;  /* bound of concurrent reassemblies, e.g. 256 */
    uint64_t seed;              /* for IP identification and the hash of tables */
};

#endif
