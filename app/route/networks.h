/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which network an address belongs to: prefixes with a small value each, the longest wins.
 *
 * A domain has a handful of them, or a few hundred where a provider's ranges are listed. They are
 * flattened into ranges that do not overlap and searched by halves. (rte_fib and rte_acl want
 * DPDK's memory, which --check and --route do without.)
 */
#ifndef SPLITMX_ROUTE_NETWORKS_H
#define SPLITMX_ROUTE_NETWORKS_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/addr.h"
#include "drivers/base/check.h"

struct networks_prefix {
    struct ip_prefix prefix;
    uint8_t value;
};

/* From `start` up to the next range's start. */
struct networks_range {
    struct ip_addr start;
    uint8_t value;
};

/* Zeroed memory is an empty one. */
struct networks {
    struct networks_prefix *prefixes; /* while it is filled */
    unsigned prefix_count;
    struct networks_range *ranges; /* once it is finished */
    unsigned range_count;
};

#define NETWORKS_MAX 4096

/* Add a prefix; value is not 0. False if the very same prefix has another value already, or if
 * there are too many (NETWORKS_MAX). */
MUST_CHECK bool networks_add(struct networks *n, const struct ip_prefix *prefix, uint8_t value);

/* After the last networks_add(), before the first networks_find(). */
void networks_finish(struct networks *n);
void networks_free(struct networks *n);

/* The value of the longest prefix that holds the address; 0: none does. */
uint8_t networks_find(const struct networks *n, const struct ip_addr *a);

#endif
