/* SPDX-License-Identifier: BSD-3-Clause */
/* Open addressing over entries in one array and keys in another; at most half full, so that a
 * search ends soon, mostly in the first slot. */
#include "app/route/keymap.h"

#include <stdlib.h>
#include <string.h>

#include "app/route/hash.h"
#include "app/route/references.h"
#include "config/memory.h"

struct item {
    uint64_t value;
    uint64_t key; /* where it begins in `keys` */
    uint16_t len;
};

struct keymap {
    uint32_t references;
    uint32_t count, mask;
    uint32_t *slots; /* index + 1, 0 is free */
    struct item *items;
    char *keys;
};

/* The slot of a key, or the free one where it belongs. */
static uint32_t slot_of(const struct keymap *m, const char *key, size_t len)
{
    uint32_t slot = (uint32_t)hash_bytes(key, len) & m->mask;
    for (; m->slots[slot] != 0; slot = (slot + 1) & m->mask) {
        const struct item *item = &m->items[m->slots[slot] - 1];
        if (item->len == len && memcmp(m->keys + item->key, key, len) == 0)
            break;
    }
    return slot;
}

struct keymap_entry keymap_at(const struct keymap *m, uint32_t index)
{
    const struct item *item = &m->items[index];
    return (struct keymap_entry){m->keys + item->key, item->len, item->value};
}

static uint64_t keys_len(const struct keymap *old, const struct keymap_entry *put, uint32_t count)
{
    uint64_t len = 0;
    for (uint32_t i = 0; i < keymap_count(old); i++)
        len += old->items[i].len;
    for (uint32_t i = 0; i < count; i++)
        len += put[i].len;
    return len;
}

static void insert(struct keymap *m, const struct keymap_entry *e, uint64_t *used)
{
    uint32_t slot = slot_of(m, e->key, e->len);
    if (m->slots[slot] != 0) {
        m->items[m->slots[slot] - 1].value = e->value;
        return;
    }
    memcpy(m->keys + *used, e->key, e->len);
    m->items[m->count] = (struct item){e->value, *used, e->len};
    *used += e->len;
    m->slots[slot] = ++m->count;
}

struct keymap *keymap_make(const struct keymap *old, keymap_keep_fn *keep, void *context,
                           const struct keymap_entry *put, uint32_t count)
{
    uint32_t most = keymap_count(old) + count, size = 2;
    uint64_t used = 0;
    while (size < 2 * (uint64_t)most)
        size *= 2;
    struct keymap *m = memory_new(1, sizeof(*m));
    m->references = 1;
    m->mask = size - 1;
    m->slots = memory_new(size, sizeof(*m->slots));
    m->items = memory_must(reallocarray(NULL, most + 1, sizeof(*m->items)));
    m->keys = memory_must(malloc(keys_len(old, put, count) + 1));
    for (uint32_t i = 0; i < keymap_count(old); i++) {
        struct keymap_entry e = keymap_at(old, i);
        if (keep == NULL || keep(context, &e))
            insert(m, &e, &used);
    }
    for (uint32_t i = 0; i < count; i++)
        insert(m, &put[i], &used);
    if (m->count > 0)
        return m;
    keymap_unref(m);
    return NULL;
}

struct keymap *keymap_ref(struct keymap *m)
{
    if (m != NULL)
        reference_take(&m->references);
    return m;
}

void keymap_unref(struct keymap *m)
{
    if (m == NULL || !reference_drop(&m->references))
        return;
    free(m->slots);
    free(m->items);
    free(m->keys);
    free(m);
}

bool keymap_find(const struct keymap *m, const char *key, size_t len, uint64_t *value)
{
    if (__builtin_expect(m == NULL, 1))
        return false;
    uint32_t index = m->slots[slot_of(m, key, len)];
    if (index == 0)
        return false;
    *value = m->items[index - 1].value;
    return true;
}

uint32_t keymap_count(const struct keymap *m)
{
    return m != NULL ? m->count : 0;
}
