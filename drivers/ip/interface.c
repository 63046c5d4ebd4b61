/* SPDX-License-Identifier: BSD-3-Clause */
/* One link: which addresses and groups are ours there, and who is reached by way of it. */
#include "drivers/ip/interface.h"

#include <string.h>

#include <rte_ether.h>

static const struct ip_addr all_nodes = {.b = {0xff, 0x02, [15] = 1}};

/* fe80::/64 with the MAC address as EUI-64 (RFC 2464 §4). */
static struct ip_addr link_local(const struct rte_ether_addr *mac)
{
    const uint8_t *b = mac->addr_bytes;
    return (struct ip_addr){
        .b = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, b[0] ^ 2, b[1], b[2], 0xff, 0xfe, b[3], b[4], b[5]}};
}

void ip_interface_init(struct ip_interface *i, const struct ip_link_config *config, uint8_t index)
{
    i->config = *config;
    i->index = index;
    for (unsigned k = 0; k < config->address_count; k++)
        if (!ip_addr_is_v4(&config->addresses[k]))
            i->link_local = link_local(&config->link->mac);
}

struct ip_addr ip_solicited_nodes(const struct ip_addr *a)
{
    struct ip_addr group = {.b = {0xff, 0x02, [11] = 1, [12] = 0xff}};
    memcpy(group.b + 13, a->b + 13, 3);
    return group;
}

const struct ip_addr *ip_interface_address6(const struct ip_interface *i, unsigned k)
{
    if (!ip_speaks_v6(i))
        return NULL;
    if (k == 0)
        return &i->link_local;
    for (unsigned n = 0; n < i->config.address_count; n++)
        if (!ip_addr_is_v4(&i->config.addresses[n]) && --k == 0)
            return &i->config.addresses[n];
    return NULL;
}

bool ip_interface_is_member(const struct ip_interface *i, const struct ip_addr *group)
{
    const struct ip_addr *ours;
    if (ip_addr_equal(group, &all_nodes))
        return true;
    for (unsigned k = 0; (ours = ip_interface_address6(i, k)) != NULL; k++) {
        struct ip_addr solicited = ip_solicited_nodes(ours);
        if (ip_addr_equal(group, &solicited))
            return true;
    }
    return false;
}

bool ip_interface_connects(const struct ip_interface *i, const struct ip_addr *a)
{
    /* A gateway outside of every network is what a /32 from a hosting provider comes with. */
    const struct ip_addr *gateway = ip_interface_gateway(i, a);
    return ip_interface_network_length(i, a) >= 0 || (gateway != NULL && ip_addr_equal(gateway, a));
}

const struct ip_addr *ip_next_hop(const struct ip_interface *i, const struct ip_addr *dst)
{
    return ip_interface_connects(i, dst) ? dst : ip_interface_gateway(i, dst);
}

const struct ip_addr *ip_source_for(const struct ip_interface *i, const struct ip_addr *near)
{
    const struct ip_addr *first = NULL;
    if (ip_addr_is_link_local(near))
        return ip_speaks_v6(i) ? &i->link_local : NULL;
    for (unsigned k = 0; k < i->config.address_count; k++) {
        const struct ip_addr *ours = &i->config.addresses[k];
        if (ip_addr_is_v4(ours) != ip_addr_is_v4(near))
            continue;
        if (ip_prefix_contains(&i->config.networks[k], near))
            return ours;
        if (first == NULL)
            first = ours;
    }
    return first;
}
