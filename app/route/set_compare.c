/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Row by row: one that has as many of the wanted entries as it has entries, and lacks none, is
 * right. Of any other all that it has goes, and all that it should have comes: it is compiled as a
 * whole anyway.
 */
#include "app/route/set_compare.h"

#include <string.h>

#include "app/route/set_rows.h"
#include "config/memory.h"

struct comparison {
    const struct set *s;
    uint32_t *row;   /* of each entry that is wanted */
    uint32_t *found; /* by row: how many of its entries are wanted */
    bool *differs;   /* by row */
};

static bool has(const struct shard *shard, const struct set_entry *e)
{
    return shard != NULL && shard_has(shard, e);
}

/* As many wait for memory together. */
#define BATCH 16

static void look_at_batch(struct comparison *c, const struct set_entry *entries, uint32_t *row,
                          uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        row[i] = set_row_of(c->s, hash_bytes(entries[i].key, entries[i].len));
        __builtin_prefetch(&c->s->rows[row[i]]);
        __builtin_prefetch(&c->found[row[i]]);
    }
    for (uint32_t i = 0; i < count; i++)
        if (c->s->rows[row[i]].shard != NULL)
            shard_prefetch_text(c->s->rows[row[i]].shard);
    for (uint32_t i = 0; i < count; i++) {
        if (has(c->s->rows[row[i]].shard, &entries[i]))
            c->found[row[i]]++;
        else
            c->differs[row[i]] = true;
    }
}

static void look(struct comparison *c, const struct set_entry *entries, uint32_t count)
{
    for (uint32_t i = 0; i < count; i += BATCH)
        look_at_batch(c, entries + i, c->row + i, count - i < BATCH ? count - i : BATCH);
    for (uint32_t row = 0; row < c->s->row_count; row++) {
        const struct shard *shard = c->s->rows[row].shard;
        if (shard != NULL && shard_count(shard) != c->found[row])
            c->differs[row] = true;
    }
}

static void append(struct set_entry **list, uint32_t *count, const struct set_entry *e)
{
    *list = memory_grow(*list, *count, sizeof(**list));
    (*list)[(*count)++] = *e;
}

static void append_shard(struct set_difference *d, const struct shard *shard)
{
    uint32_t count = shard_count(shard);
    struct set_entry *entries = memory_new(count, sizeof(*entries));
    shard_entries(shard, entries);
    for (uint32_t i = 0; i < count; i++)
        append(&d->gone, &d->gone_count, &entries[i]);
    free(entries);
}

void set_compare(const struct set *s, const struct set_entry *entries, uint32_t count,
                 struct set_difference *out)
{
    struct comparison c = {
        .s = s,
        .row = memory_new(count, sizeof(*c.row)),
        .found = memory_new(s->row_count, sizeof(*c.found)),
        .differs = memory_new(s->row_count, sizeof(*c.differs)),
    };
    *out = (struct set_difference){0};
    look(&c, entries, count);
    for (uint32_t row = 0; row < s->row_count; row++)
        if (c.differs[row] && s->rows[row].shard != NULL)
            append_shard(out, s->rows[row].shard);
    for (uint32_t i = 0; i < count; i++)
        if (c.differs[c.row[i]])
            append(&out->put, &out->put_count, &entries[i]);
    free(c.row);
    free(c.found);
    free(c.differs);
}

void set_difference_free(struct set_difference *d)
{
    free(d->put);
    free(d->gone);
}
