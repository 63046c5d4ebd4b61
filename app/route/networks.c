/* SPDX-License-Identifier: BSD-3-Clause */
/* Longest prefix match over short lists. */
#include "app/route/networks.h"

#include <stdlib.h>
#include <string.h>

#include "config/memory.h"

bool networks_add(struct networks *n, const struct ip_prefix *prefix, uint8_t value)
{
    for (unsigned i = 0; i < n->prefix_count; i++) {
        const struct networks_prefix *p = &n->prefixes[i];
        if (p->prefix.len == prefix->len && ip_addr_equal(&p->prefix.addr, &prefix->addr))
            return p->value == value;
    }
    if (n->prefix_count == NETWORKS_MAX)
        return false;
    n->prefixes = memory_grow(n->prefixes, n->prefix_count, sizeof(*n->prefixes));
    n->prefixes[n->prefix_count++] = (struct networks_prefix){*prefix, value};
    return true;
}

/* The first address after a network; false if it is the last one of all. */
static bool after(const struct ip_prefix *p, struct ip_addr *out)
{
    *out = p->addr;
    for (unsigned bit = p->len; bit-- > 0;) {
        uint8_t mask = (uint8_t)(0x80u >> (bit % 8));
        out->b[bit / 8] ^= mask; /* binary addition of one at the prefix's last bit */
        if ((out->b[bit / 8] & mask) != 0)
            return true;
    }
    return false;
}

static uint8_t longest(const struct networks *n, const struct ip_addr *a)
{
    const struct networks_prefix *best = NULL;
    for (unsigned i = 0; i < n->prefix_count; i++) {
        const struct networks_prefix *p = &n->prefixes[i];
        if (ip_prefix_contains(&p->prefix, a) && (best == NULL || p->prefix.len > best->prefix.len))
            best = p;
    }
    return best != NULL ? best->value : 0;
}

static int by_start(const void *a, const void *b)
{
    const struct networks_range *x = a, *y = b;
    return memcmp(x->start.b, y->start.b, sizeof(x->start.b));
}

/* A value can change only where a prefix begins or has ended. */
void networks_finish(struct networks *n)
{
    n->ranges = memory_new(2 * (size_t)n->prefix_count, sizeof(*n->ranges));
    for (unsigned i = 0; i < n->prefix_count; i++) {
        n->ranges[n->range_count++].start = n->prefixes[i].prefix.addr;
        if (after(&n->prefixes[i].prefix, &n->ranges[n->range_count].start))
            n->range_count++;
    }
    qsort(n->ranges, n->range_count, sizeof(*n->ranges), by_start);
    for (unsigned i = 0; i < n->range_count; i++)
        n->ranges[i].value = longest(n, &n->ranges[i].start);
    free(n->prefixes);
    n->prefixes = NULL;
    n->prefix_count = 0;
}

void networks_free(struct networks *n)
{
    free(n->prefixes);
    free(n->ranges);
    memset(n, 0, sizeof(*n));
}

uint8_t networks_find(const struct networks *n, const struct ip_addr *a)
{
    unsigned low = 0, high = n->range_count; /* the answer is the last range that starts at or
                                                before a: in [low - 1, high - 1] */
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (memcmp(n->ranges[middle].start.b, a->b, sizeof(a->b)) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? n->ranges[low - 1].value : 0;
}
