/* SPDX-License-Identifier: BSD-3-Clause */
/* A configuration becomes a snapshot, with what it can take over from the one before. */
#include "app/route/snapshot.h"

#include <hs/hs.h>
#include <stdlib.h>
#include <string.h>

#include "app/route/compiler.h"
#include "app/route/moves.h"
#include "app/route/references.h"
#include "app/route/route.h"
#include "app/route/set_cache.h"
#include "app/route/tables.h"
#include "config/memory.h"

/* Those who match beside the workers. */
enum { SCRATCH_CONTROL, SCRATCH_BACKGROUND, SCRATCH_BESIDE };

/* So many entries a domain may always lose: a percentage says little of a small file. */
#define SHRINK_FREE 20

struct builder {
    const struct snapshot_request *request;
    struct config_errors *errors;
    struct snapshot *s;
    struct changes changes; /* from the old one */
};

static struct directory_of directory_in(const struct snapshot *s)
{
    return s != NULL ? (struct directory_of){s->domains, s->directory} : (struct directory_of){0};
}

static struct roster *known_roster(void *context, struct span domain)
{
    return directory_find(directory_in(context), domain);
}

static void build_domains(struct builder *b)
{
    const struct snapshot_request *q = b->request;
    struct domain_context context = {
        .config = q->config,
        .locals = q->locals,
        .local_count = q->local_count,
        .names = q->names,
        .errors = b->errors,
        .known = known_roster,
        .known_context = q->old,
        .wall = q->wall,
    };
    struct roster **rosters;
    struct snapshot *s = b->s;
    s->domains = domains_build(&context, q->old != NULL ? q->old->domains : NULL, q->oldest_in_use,
                               &rosters);
    s->directory = directory_new(rosters, s->domains->count);
    for (unsigned i = 0; i < s->domains->count; i++)
        roster_unref(rosters[i]);
    free(rosters);
    s->mailboxes = directory_count(s->directory);
    compiler_rest();
}

/* A truncated export must not bounce a company's mail. */
static void guard_shrinking(struct builder *b)
{
    const struct domains *domains = b->s->domains;
    for (unsigned i = 0; i < domains->count && !b->request->force_shrink; i++) {
        const struct domain *d = &domains->list[i];
        const struct roster *newer = b->s->directory->rosters[i],
                            *older =
                                known_roster(b->request->old, (struct span){d->name, d->name_len});
        if (newer == NULL || older == NULL)
            continue;
        uint64_t lost = roster_lost(older, newer), had = roster_count(older);
        if (lost > SHRINK_FREE && lost * 100 > had * d->max_shrink)
            config_error(b->errors, d->section, "mailboxes",
                         "%s has lost %lu of %lu entries; allowed: max_shrink = %u (percent), or "
                         "to reload by force",
                         newer->path, lost, had, d->max_shrink);
    }
}

/* Where compiled mailboxes are kept. */
static char *cache_path(const struct config *config)
{
    const struct config_section *appliance = config_section(config, "appliance", 0);
    const char *directory = config_text(appliance, "cache"),
               *hostname = config_text(appliance, "hostname");
    if (directory == NULL || hostname == NULL)
        return NULL;
    char *resolved = config_path(config, directory), *path = set_cache_path(resolved, hostname);
    free(resolved);
    return path;
}

/* What the old set does not have, or has no more: what its overlay says, unless the files say it
 * otherwise now. */
static void changes_of_set(const struct builder *b, struct changes *out)
{
    struct overlay *all = overlay_apply(b->request->old->overlay, &b->changes, 0);
    overlay_changes(all, out);
    overlay_unref(all);
}

static struct set *fold_set(const struct builder *b, char **why)
{
    struct set *old = b->request->old->set, *set;
    struct changes all = {0};
    changes_of_set(b, &all);
    if (all.count == 0)
        return set_ref(old);
    uint32_t put_count, gone_count;
    struct set_entry *put = changes_entries(&all, false, &put_count);
    struct set_entry *gone = changes_entries(&all, true, &gone_count);
    set = set_fold(old, put, put_count, gone, gone_count, why);
    if (set != NULL)
        set_cache_keep(set);
    free(put);
    free(gone);
    changes_free(&all);
    return set;
}

static void build_set(struct builder *b)
{
    char *why = NULL, *cache = cache_path(b->request->config);
    uint32_t count;
    if (b->request->old != NULL) {
        b->s->set = fold_set(b, &why);
    } else {
        struct set_entry *entries = changes_entries(&b->changes, false, &count);
        b->s->set = set_cache_build(cache, entries, count, &why);
        free(entries);
    }
    if (b->s->set == NULL)
        config_error(b->errors, b->s->domains->list[0].section, "mailboxes",
                     "the mailboxes do not compile: %s", why);
    free(cache);
    free(why);
}

static void build_scratch(struct builder *b)
{
    struct snapshot *s = b->s, *old = b->request->old;
    s->scratch = memory_must(scratch_make(s->set, s->domains, b->request->workers + SCRATCH_BESIDE,
                                          old != NULL ? old->scratch : NULL));
}

static void note_moves(struct builder *b, struct snapshot_summary *summary)
{
    const struct snapshot_request *q = b->request;
    struct snapshot *s = b->s, *old = q->old;
    if (old == NULL) {
        s->grace = grace_ref(q->grace);
        return;
    }
    struct moves moves = {directory_in(old), directory_in(s),
                          old->scratch->of[snapshot_background_scratch(old)],
                          s->scratch->of[snapshot_background_scratch(s)], q->now};
    struct grace *all = moves_note(&moves, &b->changes, true, old->grace, &summary->moved);
    s->grace = grace_settle(all, q->now);
    grace_unref(all);
}

/* It must lead to a mailbox now, not when the first mail for it arrives. */
static void check_postmaster(struct builder *b)
{
    static const char name[] = "postmaster";
    const struct smtp_path bare = {.address = {name, strlen(name)}, .local = {name, strlen(name)}};
    struct route r;
    route_recipient(b->s, snapshot_background_scratch(b->s), &bare, NULL, &r);
    if (r.hop_count == 0 && r.verdict != VERDICT_REFUSED) /* accept_from may well refuse us */
        config_error(b->errors, config_section(b->request->config, "appliance", 0), "postmaster",
                     "there is no such mailbox: the verdict is %s", verdict_text(r.verdict));
}

void snapshot_summarize(const struct changes *changes, struct snapshot_summary *out)
{
    for (uint32_t i = 0; i < changes->count; i++) {
        const struct changed *c = &changes->at[i];
        if (c->was == c->is)
            continue;
        out->mailboxes_added += c->was == BOOK_NONE;
        out->mailboxes_removed += c->is == BOOK_NONE;
        out->mailboxes_turned += c->was != BOOK_NONE && c->is != BOOK_NONE;
    }
}

static void summarize(const struct builder *b, struct snapshot_summary *out)
{
    const struct snapshot *s = b->s, *old = b->request->old;
    *out = (struct snapshot_summary){0};
    snapshot_summarize(&b->changes, out);
    unsigned kept = 0, had = old != NULL ? old->domains->count : 0;
    for (unsigned i = 0; i < s->domains->count; i++) {
        const struct domain *d = &s->domains->list[i];
        bool is_default_too = domain_is_default(d) && had > 0 && old->domains->fallback != NULL;
        kept +=
            is_default_too ||
            (had > 0 && domains_find(old->domains, (struct span){d->name, d->name_len}) != NULL);
    }
    out->domains_added = s->domains->count - kept;
    out->domains_removed = had - kept;
}

static void forget_configuration(struct domains *d)
{
    for (unsigned i = 0; i < d->count; i++)
        d->list[i].section = NULL;
}

struct snapshot *snapshot_make(const struct snapshot_request *request,
                               struct snapshot_summary *summary, struct config_errors *errors)
{
    unsigned before = config_errors_count(errors);
    struct builder b = {request, errors, memory_new(1, sizeof(*b.s)), {0}};
    b.s->references = 1;
    build_domains(&b);
    if (request->old != NULL && config_errors_count(errors) == before)
        guard_shrinking(&b);
    if (config_errors_count(errors) == before) {
        directory_compare(directory_in(request->old), directory_in(b.s), &b.changes);
        summarize(&b, summary);
        build_set(&b);
    }
    if (b.s->set != NULL) {
        build_scratch(&b);
        note_moves(&b, summary);
        check_postmaster(&b);
    }
    forget_configuration(b.s->domains);
    changes_free(&b.changes);
    if (config_errors_count(errors) == before)
        return b.s;
    snapshot_free(b.s);
    return NULL;
}

struct snapshot *snapshot_build(const struct config *config, const struct ip_addr *locals,
                                unsigned local_count, unsigned workers,
                                struct config_errors *errors)
{
    struct snapshot_request request = {
        .config = config, .locals = locals, .local_count = local_count, .workers = workers};
    struct snapshot_summary summary;
    struct snapshot *s = snapshot_make(&request, &summary, errors);
    if (s != NULL)
        snapshot_seal(s, 1);
    return s;
}

void snapshot_seal(struct snapshot *s, uint64_t generation)
{
    s->generation = generation;
    domains_seal(s->domains, generation);
}

uint64_t snapshot_generation(const struct snapshot *s)
{
    return s->generation;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
    reference_take(&s->references);
    return s;
}

void snapshot_free(struct snapshot *s)
{
    if (s == NULL || !reference_drop(&s->references))
        return;
    scratch_unref(s->scratch);
    overlay_unref(s->overlay);
    grace_unref(s->grace);
    set_free(s->set);
    directory_unref(s->directory);
    domains_unref(s->domains);
    free(s);
}

unsigned snapshot_control_scratch(const struct snapshot *s)
{
    return s->scratch->count - SCRATCH_BESIDE + SCRATCH_CONTROL;
}

unsigned snapshot_background_scratch(const struct snapshot *s)
{
    return s->scratch->count - SCRATCH_BESIDE + SCRATCH_BACKGROUND;
}

unsigned snapshot_probe_count(const struct snapshot *s)
{
    return s->domains->probe_count;
}

const struct probe_target *snapshot_probe(const struct snapshot *s, unsigned number)
{
    const struct probe_slot *slot = &s->domains->probes[number];
    return slot->used ? &slot->target : NULL;
}

struct snapshot_size snapshot_size(const struct snapshot *s)
{
    return (struct snapshot_size){
        .overlay = overlay_count(s->overlay),
        .grace = grace_count(s->grace),
        .directory_bytes = directory_bytes(s->directory),
    };
}

const struct grace *snapshot_grace(const struct snapshot *s)
{
    return s->grace;
}

bool snapshot_same_domains(const struct snapshot *a, const struct snapshot *b)
{
    return a->domains == b->domains;
}

unsigned snapshot_domain_count(const struct snapshot *s)
{
    return s->domains->count;
}

uint64_t snapshot_mailbox_count(const struct snapshot *s)
{
    return s->mailboxes;
}
