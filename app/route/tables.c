/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding a domain. */
#include "app/route/tables.h"

#include <string.h>

#include "app/route/hash.h"

const struct domain *tables_find(const struct snapshot *s, struct span name)
{
    uint64_t hash = hash_bytes(name.at, name.len);
    for (uint32_t slot = (uint32_t)hash;; slot++) {
        uint32_t index = s->by_name[slot & s->by_name_mask];
        if (index == 0)
            return NULL;
        const struct domain *d = &s->domains[index - 1];
        if (d->name_len == name.len && memcmp(d->name, name.at, name.len) == 0)
            return d;
    }
}
