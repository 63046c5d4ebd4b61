/* SPDX-License-Identifier: BSD-3-Clause */
/* Batches of changes, and their way from the overlay into the set. */
#include "app/route/amend.h"

#include <stdlib.h>
#include <string.h>

#include "app/route/moves.h"
#include "app/route/references.h"
#include "app/route/set_cache.h"
#include "app/route/tables.h"
#include "config/memory.h"

/* A snapshot of the very same parts, to exchange some of them. */
static struct snapshot *copy(const struct snapshot *s)
{
    struct snapshot *c = memory_new(1, sizeof(*c));
    *c = *s;
    c->references = 1;
    domains_ref(c->domains);
    directory_ref(c->directory);
    set_ref(c->set);
    scratch_ref(c->scratch);
    overlay_ref(c->overlay);
    grace_ref(c->grace);
    return c;
}

/* ------------------------------------------------------------------------------------- batch -- */

struct placed {
    unsigned domain; /* its place */
    const struct change *change;
};

struct batch {
    struct snapshot *s;
    struct placed *list; /* by domain and local part */
    uint32_t count;
    struct changes changes;  /* what is not so already */
    struct roster **rosters; /* afterwards; references where edited */
    bool insist;
    char **why;
};

static int by_address(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if (x->domain != y->domain)
        return x->domain < y->domain ? -1 : 1;
    size_t m = address_key_len(&x->change->address), n = address_key_len(&y->change->address);
    int order = memcmp(x->change->address.key, y->change->address.key, m < n ? m : n);
    return order != 0 ? order : (m > n) - (m < n);
}

static bool complain(struct batch *b, const struct address *a, const char *what)
{
    char address[ADDRESS_FORMAT_SIZE];
    if (asprintf(b->why, "%s: %s", address_format(a, address), what) < 0)
        memory_must(NULL);
    return false;
}

static bool place(struct batch *b, const struct change *changes)
{
    for (uint32_t i = 0; i < b->count; i++) {
        const struct address *a = &changes[i].address;
        const struct domain *d = domains_find(b->s->domains, address_domain(a));
        if (d == NULL)
            return complain(b, a, "there is no [domain] of this name");
        b->list[i] = (struct placed){(unsigned)(d - b->s->domains->list), &changes[i]};
    }
    qsort(b->list, b->count, sizeof(*b->list), by_address);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        if (kept == 0 || by_address(&b->list[kept - 1], &b->list[i]) != 0)
            b->list[kept++] = b->list[i];
        else if (b->list[kept - 1].change->side != b->list[i].change->side)
            return complain(b, &b->list[i].change->address, "is to be in two states at once");
    }
    b->count = kept;
    return true;
}

/* The changes of one domain, which begin at `from`; returns where the next one's do. */
static uint32_t edit_domain(struct batch *b, uint32_t from)
{
    unsigned domain = b->list[from].domain;
    const struct domain *d = &b->s->domains->list[domain];
    struct roster *r = b->rosters[domain];
    struct book_entry *entries = memory_new(b->count - from, sizeof(*entries));
    uint32_t edited = 0, at = from;
    for (; at < b->count && b->list[at].domain == domain; at++) {
        const struct change *c = b->list[at].change;
        struct span local = address_local(&c->address);
        enum book_side was = book_find(r->book, local).side;
        if (was == c->side && !b->insist)
            continue;
        entries[edited++] = (struct book_entry){local, c->side, 0};
        changes_add(&b->changes, local, (struct span){d->name, d->name_len}, was, c->side);
    }
    if (edited > 0)
        b->rosters[domain] = roster_edit(r, book_apply(r->book, entries, edited));
    free(entries);
    return at;
}

static struct directory *edit(struct batch *b)
{
    unsigned count = b->s->directory->count;
    b->rosters = memory_new(count, sizeof(struct roster *));
    memcpy(b->rosters, b->s->directory->rosters, count * sizeof(struct roster *));
    for (uint32_t at = 0; at < b->count;)
        at = edit_domain(b, at);
    struct directory *d = directory_new(b->rosters, count);
    for (unsigned i = 0; i < count; i++)
        if (b->rosters[i] != b->s->directory->rosters[i])
            roster_unref(b->rosters[i]);
    free(b->rosters);
    return d;
}

static struct grace *note_moves(const struct batch *b, struct directory *after, uint64_t now,
                                uint64_t *count)
{
    struct hs_scratch *scratch = b->s->scratch->of[snapshot_control_scratch(b->s)];
    struct moves moves = {
        {b->s->domains, b->s->directory}, {b->s->domains, after}, scratch, scratch, now};
    return moves_note(&moves, &b->changes, false, b->s->grace, count);
}

static struct snapshot *amended(struct batch *b, uint64_t now, struct snapshot_summary *summary)
{
    struct directory *directory = edit(b);
    snapshot_summarize(&b->changes, summary);
    struct grace *grace = note_moves(b, directory, now, &summary->moved);
    if (b->changes.count == 0) {
        directory_unref(directory);
        grace_unref(grace);
        return snapshot_ref(b->s);
    }
    struct snapshot *next = copy(b->s);
    next->generation = b->s->generation + 1;
    next->overlay = overlay_apply(b->s->overlay, &b->changes, next->generation);
    next->grace = grace;
    next->directory = directory;
    next->mailboxes = directory_count(directory);
    overlay_unref(b->s->overlay); /* copy() had taken these */
    grace_unref(b->s->grace);
    directory_unref(b->s->directory);
    return next;
}

struct snapshot *snapshot_amend(struct snapshot *s, const struct change *changes, uint32_t count,
                                bool insist, uint64_t now, struct snapshot_summary *summary,
                                char **why)
{
    struct batch b = {.s = s,
                      .list = memory_new(count, sizeof(*b.list)),
                      .count = count,
                      .insist = insist,
                      .why = why};
    *summary = (struct snapshot_summary){0};
    struct snapshot *next = place(&b, changes) ? amended(&b, now, summary) : NULL;
    changes_free(&b.changes);
    free(b.list);
    return next;
}

/* -------------------------------------------------------------------------------------- fold -- */

static struct set *fold_set(const struct snapshot *s, char **why)
{
    struct changes all = {0};
    uint32_t put_count, gone_count;
    overlay_changes(s->overlay, &all);
    struct set_entry *put = changes_entries(&all, false, &put_count);
    struct set_entry *gone = changes_entries(&all, true, &gone_count);
    struct set *set = set_fold(s->set, put, put_count, gone, gone_count, why);
    if (set != NULL)
        set_cache_keep(set);
    free(put);
    free(gone);
    changes_free(&all);
    return set;
}

struct snapshot *snapshot_fold(struct snapshot *s, uint64_t now, char **why)
{
    struct set *set = s->overlay != NULL ? fold_set(s, why) : set_ref(s->set);
    if (set == NULL)
        return NULL;
    struct snapshot *folded = copy(s);
    set_free(folded->set);
    folded->set = set;
    folded->scratch = memory_must(scratch_make(set, s->domains, s->scratch->count, s->scratch));
    scratch_unref(s->scratch); /* copy() had taken it */
    overlay_unref(folded->overlay);
    folded->overlay = NULL;
    folded->grace = grace_settle(s->grace, now);
    grace_unref(s->grace);
    return folded;
}

struct snapshot *snapshot_folded(const struct snapshot *folded, const struct snapshot *before,
                                 const struct snapshot *now)
{
    struct snapshot *next = copy(folded);
    directory_unref(next->directory);
    next->directory = directory_ref(now->directory);
    next->mailboxes = now->mailboxes;
    next->overlay = overlay_since(now->overlay, before->generation);
    grace_unref(next->grace);
    next->grace = grace_rebase(folded->grace, before->grace, now->grace);
    next->generation = now->generation + 1;
    return next;
}

/* What has come since, as a batch for another snapshot: that of domains which it has, too. */
static struct change *changes_since(const struct snapshot *made, const struct snapshot *before,
                                    const struct snapshot *now, uint32_t *count)
{
    struct changes since = {0};
    struct overlay *newer = overlay_since(now->overlay, before->generation);
    overlay_changes(newer, &since);
    overlay_unref(newer);
    struct change *list = memory_new(since.count, sizeof(*list));
    *count = 0;
    for (uint32_t i = 0; i < since.count; i++) {
        struct change *c = &list[*count];
        changed_address(&since.at[i], &c->address);
        c->side = since.at[i].is;
        *count += domains_find(made->domains, address_domain(&c->address)) != NULL;
    }
    changes_free(&since);
    return list;
}

struct snapshot *snapshot_remade(struct snapshot *made, const struct snapshot *before,
                                 const struct snapshot *now, uint64_t seconds)
{
    struct snapshot_summary summary;
    uint32_t count;
    char *why = NULL;
    struct grace *grace = grace_rebase(made->grace, before->grace, now->grace);
    grace_unref(made->grace);
    made->grace = grace;
    snapshot_seal(made, now->generation + 1);
    struct change *since = changes_since(made, before, now, &count);
    struct snapshot *next = snapshot_amend(made, since, count, false, seconds, &summary, &why);
    free(since);
    if (next == NULL)
        abort(); /* their domains are there, and an overlay says one thing of an address */
    return next;
}
