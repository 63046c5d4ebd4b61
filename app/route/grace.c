/* SPDX-License-Identifier: BSD-3-Clause */
/* Who has moved, in two tables: many, and the last ones. */
#include "app/route/grace.h"

#include <stdlib.h>
#include <string.h>

#include "app/route/references.h"
#include "config/memory.h"

struct grace {
    uint32_t references;
    uint64_t first_end;
    struct keymap *settled, *recent;
};

/* Takes over both references. */
static struct grace *make(struct keymap *settled, struct keymap *recent)
{
    if (settled == NULL && recent == NULL)
        return NULL;
    struct grace *g = memory_new(1, sizeof(*g));
    *g = (struct grace){1, UINT64_MAX, settled, recent};
    for (uint64_t i = 0; i < grace_count(g); i++) {
        uint64_t end = grace_at(g, i).value;
        g->first_end = end < g->first_end ? end : g->first_end;
    }
    return g;
}

static struct keymap *settled_of(const struct grace *g)
{
    return g != NULL ? g->settled : NULL;
}

static struct keymap *recent_of(const struct grace *g)
{
    return g != NULL ? g->recent : NULL;
}

struct grace *grace_add(struct grace *old, const struct keymap_entry *entries, uint32_t count)
{
    return make(keymap_ref(settled_of(old)),
                keymap_make(recent_of(old), NULL, NULL, entries, count));
}

static bool lasts(void *context, const struct keymap_entry *e)
{
    return e->value > *(const uint64_t *)context;
}

struct grace *grace_settle(struct grace *g, uint64_t now)
{
    uint32_t count = keymap_count(recent_of(g)), kept = 0;
    struct keymap_entry *recent = memory_new(count, sizeof(*recent));
    for (uint32_t i = 0; i < count; i++) {
        struct keymap_entry e = keymap_at(g->recent, i);
        if (lasts(&now, &e))
            recent[kept++] = e;
    }
    struct keymap *settled = keymap_make(settled_of(g), lasts, &now, recent, kept);
    free(recent);
    return make(settled, NULL);
}

/* What is in `recent` since before the other was settled must not replace what came after it. */
static bool ends_later(void *context, const struct keymap_entry *e)
{
    uint64_t end;
    return !keymap_find(context, e->key, e->len, &end) || end < e->value;
}

struct grace *grace_rebase(struct grace *settled, struct grace *before, struct grace *now)
{
    if (before == now)
        return grace_ref(settled);
    struct keymap *kept = settled_of(settled);
    return make(keymap_ref(kept), keymap_make(recent_of(now), ends_later, kept, NULL, 0));
}

struct grace *grace_ref(struct grace *g)
{
    if (g != NULL)
        reference_take(&g->references);
    return g;
}

void grace_unref(struct grace *g)
{
    if (g == NULL || !reference_drop(&g->references))
        return;
    keymap_unref(g->settled);
    keymap_unref(g->recent);
    free(g);
}

static bool holds(const struct grace *g, const char *key, size_t len)
{
    uint64_t end;
    return keymap_find(g->recent, key, len, &end) || keymap_find(g->settled, key, len, &end);
}

bool grace_holds(const struct grace *g, const struct address *a)
{
    if (__builtin_expect(g == NULL, 1))
        return false;
    char domain[ADDRESS_KEY_MAX];
    size_t len = 1u + a->domain_len + 1u;
    domain[0] = '\n';
    memcpy(domain + 1, a->key + 1 + a->local_len, len); /* from the @ to the newline */
    return holds(g, a->key, address_key_len(a)) || holds(g, domain, len + 1);
}

uint64_t grace_end(const struct grace *g, const char *key, size_t len)
{
    uint64_t end = 0;
    if (!keymap_find(recent_of(g), key, len, &end) && !keymap_find(settled_of(g), key, len, &end))
        return 0;
    return end;
}

uint64_t grace_count(const struct grace *g)
{
    return (uint64_t)keymap_count(settled_of(g)) + keymap_count(recent_of(g));
}

uint64_t grace_first_end(const struct grace *g)
{
    return g != NULL ? g->first_end : UINT64_MAX;
}

struct keymap_entry grace_at(const struct grace *g, uint64_t index)
{
    uint32_t settled = keymap_count(g->settled);
    return index < settled ? keymap_at(g->settled, (uint32_t)index)
                           : keymap_at(g->recent, (uint32_t)(index - settled));
}
