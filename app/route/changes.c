/* SPDX-License-Identifier: BSD-3-Clause */
/* A list of changes whose keys stay where they are. */
#include "app/route/changes.h"

#include <stdlib.h>
#include <string.h>

#include "app/route/address.h"
#include "config/memory.h"

#define TEXT_FIRST ((size_t)4 << 10)
#define TEXT_MAX   ((size_t)1 << 20)

struct changes_text {
    struct changes_text *next;
    size_t used, room;
    char bytes[];
};

static char *text_room(struct changes *c, size_t len)
{
    struct changes_text *t = c->text;
    if (t == NULL || t->room - t->used < len) {
        size_t room = t == NULL ? TEXT_FIRST : t->room < TEXT_MAX ? 2 * t->room : TEXT_MAX;
        t = memory_must(malloc(sizeof(*t) + room));
        *t = (struct changes_text){.next = c->text, .room = room};
        c->text = t;
    }
    char *at = t->bytes + t->used;
    t->used += len;
    return at;
}

void changes_add(struct changes *c, struct span local, struct span domain, enum book_side was,
                 enum book_side is)
{
    size_t len = 1 + local.len + 1 + domain.len + 1;
    char *key = text_room(c, len);
    key[0] = '\n';
    memcpy(key + 1, local.at, local.len);
    key[1 + local.len] = '@';
    memcpy(key + 1 + local.len + 1, domain.at, domain.len);
    key[len - 1] = '\n';
    if (c->count == c->room) {
        c->room = c->room != 0 ? 2 * c->room : 64;
        c->at = memory_must(reallocarray(c->at, c->room, sizeof(*c->at)));
    }
    c->at[c->count++] = (struct changed){key, (uint16_t)len, was, is};
}

void changes_free(struct changes *c)
{
    struct changes_text *next;
    for (struct changes_text *t = c->text; t != NULL; t = next) {
        next = t->next;
        free(t);
    }
    free(c->at);
    memset(c, 0, sizeof(*c));
}

void changed_address(const struct changed *c, struct address *out)
{
    const char *at = memrchr(c->key, '@', c->len); /* a domain holds none */
    memcpy(out->key, c->key, c->len);
    out->local_len = (uint16_t)(at - c->key - 1);
    out->domain_len = (uint16_t)(c->len - out->local_len - 3);
}

struct set_entry *changes_entries(const struct changes *c, bool gone, uint32_t *count)
{
    struct set_entry *entries = memory_new(c->count, sizeof(*entries));
    *count = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        const struct changed *e = &c->at[i];
        if ((e->is == BOOK_NONE) == gone)
            entries[(*count)++] = (struct set_entry){e->key, e->len, e->is == BOOK_EXTERNAL};
    }
    return entries;
}
