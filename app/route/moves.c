/* SPDX-License-Identifier: BSD-3-Clause */
/* Sides before and after. */
#include "app/route/moves.h"

#include <stdlib.h>

#include "config/memory.h"

static bool has_moved(const struct moves *m, const struct address *a)
{
    enum side before = directory_side(m->before, m->scratch_before, a);
    if (before == SIDE_OUTSIDE)
        return false; /* a new one: there is nothing that lags */
    enum side after = directory_side(m->after, m->scratch_after, a);
    return after != SIDE_OUTSIDE && after != before;
}

static uint32_t note_mailboxes(const struct moves *m, const struct changes *changes,
                               struct keymap_entry *out)
{
    uint32_t count = 0;
    struct address a;
    for (uint32_t i = 0; i < changes->count; i++) {
        const struct changed *c = &changes->at[i];
        changed_address(c, &a);
        const struct domain *d = domains_find(m->after.domains, address_domain(&a));
        if (d != NULL && d->move_grace > 0 && has_moved(m, &a))
            out[count++] = (struct keymap_entry){c->key, c->len, m->now + d->move_grace};
    }
    return count;
}

static bool decides_otherwise(const struct moves *m, const struct domain *d)
{
    const struct domain *was = domains_find(m->before.domains, (struct span){d->name, d->name_len});
    return was != NULL && d->move_grace > 0 &&
           (!expressions_equal(was->expressions, d->expressions) ||
            was->catch_all != d->catch_all || was->delimiter != d->delimiter);
}

/* Keys go to `text`. */
static uint32_t note_domains(const struct moves *m, struct changes *text, struct keymap_entry *out)
{
    uint32_t count = 0;
    for (unsigned i = 0; i < m->after.domains->count; i++) {
        const struct domain *d = &m->after.domains->list[i];
        if (!decides_otherwise(m, d))
            continue;
        changes_add(text, (struct span){"", 0}, (struct span){d->name, d->name_len}, BOOK_NONE,
                    BOOK_NONE);
        const struct changed *c = &text->at[text->count - 1];
        out[count++] = (struct keymap_entry){c->key, c->len, m->now + d->move_grace};
    }
    return count;
}

struct grace *moves_note(const struct moves *m, const struct changes *changes, bool whole_domains,
                         struct grace *old, uint64_t *count)
{
    struct changes text = {0};
    struct keymap_entry *entries =
        memory_new((size_t)changes->count + m->after.domains->count, sizeof(*entries));
    uint32_t all = note_mailboxes(m, changes, entries);
    *count = all;
    if (whole_domains)
        all += note_domains(m, &text, entries + all);
    struct grace *g = all > 0 ? grace_add(old, entries, all) : grace_ref(old);
    free(entries);
    changes_free(&text);
    return g;
}
