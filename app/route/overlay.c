/* SPDX-License-Identifier: BSD-3-Clause */
/* Changes that are not compiled yet: a keymap whose values are generation and side. */
#include "app/route/overlay.h"

#include <stdlib.h>
#include <string.h>

#include "config/memory.h"

#define SIDE_BITS 2

/* An overlay is its keymap: there is nothing else to it. */
static struct keymap *map_of(const struct overlay *o)
{
    return (struct keymap *)o;
}

static struct overlay *overlay_of(struct keymap *m)
{
    return (struct overlay *)m;
}

static enum book_side side_of(uint64_t value)
{
    return (enum book_side)(value & ((1 << SIDE_BITS) - 1));
}

struct overlay *overlay_apply(struct overlay *old, const struct changes *changes,
                              uint64_t generation)
{
    struct keymap_entry *put = memory_new(changes->count, sizeof(*put));
    for (uint32_t i = 0; i < changes->count; i++) {
        const struct changed *c = &changes->at[i];
        put[i] = (struct keymap_entry){c->key, c->len, generation << SIDE_BITS | c->is};
    }
    struct keymap *m = keymap_make(map_of(old), NULL, NULL, put, changes->count);
    free(put);
    return overlay_of(m);
}

static bool is_newer(void *context, const struct keymap_entry *e)
{
    return e->value >> SIDE_BITS > *(const uint64_t *)context;
}

struct overlay *overlay_since(struct overlay *o, uint64_t generation)
{
    return overlay_of(keymap_make(map_of(o), is_newer, &generation, NULL, 0));
}

struct overlay *overlay_ref(struct overlay *o)
{
    return overlay_of(keymap_ref(map_of(o)));
}

void overlay_unref(struct overlay *o)
{
    keymap_unref(map_of(o));
}

bool overlay_find(const struct overlay *o, const char *key, size_t len, enum book_side *side)
{
    uint64_t value;
    if (!keymap_find(map_of(o), key, len, &value))
        return false;
    *side = side_of(value);
    return true;
}

uint32_t overlay_count(const struct overlay *o)
{
    return keymap_count(map_of(o));
}

void overlay_changes(const struct overlay *o, struct changes *out)
{
    for (uint32_t i = 0; i < overlay_count(o); i++) {
        struct keymap_entry e = keymap_at(map_of(o), i);
        const char *at = memrchr(e.key, '@', e.len); /* a domain holds none */
        size_t local = (size_t)(at - e.key - 1);
        changes_add(out, (struct span){e.key + 1, local}, (struct span){at + 1, e.len - local - 3},
                    BOOK_NONE, side_of(e.value));
    }
}
