/* SPDX-License-Identifier: BSD-3-Clause */
/* Rosters of all domains: compared and asked. */
#include "app/route/directory.h"

#include <stdlib.h>

#include "app/route/references.h"
#include "config/memory.h"

struct directory *directory_new(struct roster *const *rosters, unsigned count)
{
    struct directory *d = memory_new(1, sizeof(*d) + count * sizeof(struct roster *));
    d->references = 1;
    d->count = count;
    for (unsigned i = 0; i < count; i++)
        d->rosters[i] = rosters[i] != NULL ? roster_ref(rosters[i]) : NULL;
    return d;
}

struct directory *directory_ref(struct directory *d)
{
    reference_take(&d->references);
    return d;
}

void directory_unref(struct directory *d)
{
    if (d == NULL || !reference_drop(&d->references))
        return;
    for (unsigned i = 0; i < d->count; i++)
        roster_unref(d->rosters[i]);
    free(d);
}

uint64_t directory_count(const struct directory *d)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < d->count; i++)
        count += d->rosters[i] != NULL ? roster_count(d->rosters[i]) : 0;
    return count;
}

uint64_t directory_bytes(const struct directory *d)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < d->count; i++)
        bytes += d->rosters[i] != NULL ? book_bytes(d->rosters[i]->book) : 0;
    return bytes;
}

struct roster *directory_find(struct directory_of d, struct span domain)
{
    const struct domain *found = d.domains != NULL ? domains_find(d.domains, domain) : NULL;
    return found != NULL ? d.directory->rosters[found - d.domains->list] : NULL;
}

/* -------------------------------------------------------------------------------- comparison -- */

struct comparison {
    struct changes *out;
    struct span domain;
};

static void on_difference(void *context, const struct book_entry *was, const struct book_entry *is)
{
    struct comparison *c = context;
    changes_add(c->out, is->local, c->domain, was->side, is->side);
}

static struct book *book_of(const struct roster *r)
{
    return r != NULL ? r->book : NULL;
}

void directory_compare(struct directory_of older, struct directory_of newer, struct changes *out)
{
    for (unsigned i = 0; newer.domains != NULL && i < newer.domains->count; i++) {
        const struct domain *d = &newer.domains->list[i];
        struct comparison c = {out, {d->name, d->name_len}};
        book_compare(book_of(directory_find(older, c.domain)), book_of(newer.directory->rosters[i]),
                     on_difference, &c);
    }
    for (unsigned i = 0; older.domains != NULL && i < older.domains->count; i++) {
        const struct domain *d = &older.domains->list[i];
        struct comparison c = {out, {d->name, d->name_len}};
        if (directory_find(newer, c.domain) == NULL)
            book_compare(book_of(older.directory->rosters[i]), NULL, on_difference, &c);
    }
}

static void count_gone(void *context, const struct book_entry *was, const struct book_entry *is)
{
    (void)was;
    *(uint64_t *)context += is->side == BOOK_NONE;
}

uint64_t roster_lost(const struct roster *older, const struct roster *newer)
{
    uint64_t lost = 0;
    book_compare(older->book, newer->book, count_gone, &lost);
    unsigned had = expressions_count(older->expressions),
             has = expressions_count(newer->expressions);
    return lost + (had > has ? had - has : 0) +
           (older->catch_all != CATCH_ALL_NONE && newer->catch_all == CATCH_ALL_NONE);
}

/* ------------------------------------------------------------------------------------- sides -- */

static enum side side_of(enum book_side entry)
{
    return entry == BOOK_NONE ? SIDE_OUTSIDE : entry == BOOK_LOCAL ? SIDE_LOCAL : SIDE_EXTERNAL;
}

/* By the mailbox file; SIDE_OUTSIDE: it says nothing. False: no answer. */
static bool side_in_file(const struct domain *d, const struct roster *r, struct hs_scratch *scratch,
                         const struct address *a, enum side *out)
{
    struct address base;
    const struct expression *e = NULL;
    struct span local = address_local(a);
    *out = side_of(book_find(r->book, local).side);
    if (*out == SIDE_OUTSIDE && d->delimiter != '\0' && address_base(a, d->delimiter, &base))
        *out = side_of(book_find(r->book, address_local(&base)).side);
    if (*out != SIDE_OUTSIDE)
        return true;
    if (!expressions_find(r->expressions, scratch, local.at, local.len, &e))
        return false;
    if (e != NULL)
        *out = e->external ? SIDE_EXTERNAL : SIDE_LOCAL;
    else if (r->catch_all != CATCH_ALL_NONE)
        *out = r->catch_all == CATCH_ALL_EXTERNAL ? SIDE_EXTERNAL : SIDE_LOCAL;
    return true;
}

enum side directory_side(struct directory_of of, struct hs_scratch *scratch,
                         const struct address *a)
{
    const struct domain *d =
        of.domains != NULL ? domains_find(of.domains, address_domain(a)) : NULL;
    const struct roster *r = d != NULL ? of.directory->rosters[d - of.domains->list] : NULL;
    enum side side;
    if (r == NULL || !side_in_file(d, r, scratch, a, &side))
        return SIDE_OUTSIDE;
    if (side == SIDE_LOCAL || (side == SIDE_EXTERNAL && d->split))
        return side;
    if (span_is(address_local(a), "postmaster"))
        return d->postmaster_external ? SIDE_EXTERNAL : SIDE_LOCAL;
    return d->split ? SIDE_EXTERNAL : SIDE_OUTSIDE;
}
