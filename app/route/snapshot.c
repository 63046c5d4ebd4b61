/* SPDX-License-Identifier: BSD-3-Clause */
/* A configuration becomes a snapshot: domains, one set of all mailboxes, probes, scratch. */
#include "app/route/snapshot.h"

#include <hs/hs.h>
#include <stdlib.h>
#include <string.h>

#include "app/route/hash.h"
#include "app/route/parse.h"
#include "app/route/route.h"
#include "app/route/tables.h"
#include "config/memory.h"

struct builder {
    struct snapshot *s;
    struct domain_context context;
    struct mailboxes *mailboxes; /* one for each domain */
};

static void enter_name(struct builder *b, struct domain *d)
{
    struct snapshot *s = b->s;
    const struct domain *first = tables_find(s, (struct span){d->name, d->name_len});
    if (first != NULL) {
        config_error(b->context.errors, d->section, NULL, "is %s again; first in line %u", d->name,
                     config_section_line(first->section));
        return;
    }
    uint32_t slot = (uint32_t)hash_bytes(d->name, d->name_len);
    while (s->by_name[slot & s->by_name_mask] != 0)
        slot++;
    s->by_name[slot & s->by_name_mask] = (uint32_t)(d - s->domains) + 1;
}

/* The table stays at most half full, so that a search ends soon. */
static void make_names(struct snapshot *s)
{
    uint32_t size = 2;
    while (size < 2 * s->domain_count)
        size *= 2;
    s->by_name = memory_new(size, sizeof(*s->by_name));
    s->by_name_mask = size - 1;
}

static void build_domains(struct builder *b, const struct config *config)
{
    struct snapshot *s = b->s;
    const struct config_section *section;
    while (config_section(config, "domain", s->domain_count) != NULL)
        s->domain_count++;
    s->domains = memory_new(s->domain_count, sizeof(*s->domains));
    b->mailboxes = memory_new(s->domain_count, sizeof(*b->mailboxes));
    make_names(s);
    for (unsigned i = 0; (section = config_section(config, "domain", i)) != NULL; i++) {
        struct domain *d = &s->domains[i];
        domain_build(d, section, &b->context, &b->mailboxes[i]);
        s->mailboxes += b->mailboxes[i].entry_count + b->mailboxes[i].expression_count +
                        (d->catch_all != CATCH_ALL_NONE);
        if (domain_is_default(d))
            s->fallback = d;
        else if (d->name_len != 0)
            enter_name(b, d);
    }
}

/* Probes are shared by (server, address); the most attentive of those who share one has its way. */
static void share_probe(struct builder *b, struct domain *d)
{
    struct snapshot *s = b->s;
    const struct probe_target *wanted = &d->probe;
    unsigned i = 0;
    while (i < s->probe_count && (!endpoint_equal(&s->probes[i].server, &wanted->server) ||
                                  strcmp(s->probes[i].recipient, wanted->recipient) != 0))
        i++;
    d->external.probe = (uint16_t)i;
    if (i == s->probe_count) {
        if (i == ROUTE_NO_PROBE) {
            config_error(b->context.errors, d->section, "external_mail_server",
                         "is one too many to verify; allowed: %u", ROUTE_NO_PROBE);
            return;
        }
        s->probes = memory_grow(s->probes, i, sizeof(*s->probes));
        s->probes[s->probe_count++] = *wanted;
        return;
    }
    struct probe_target *shared = &s->probes[i];
    if (strcmp(shared->sender, wanted->sender) != 0)
        config_error(b->context.errors, d->section, "verify_sender",
                     "differs from that of another domain with the same server and "
                     "verification_address; allowed: the same");
    if (wanted->interval < shared->interval)
        shared->interval = wanted->interval;
    if (wanted->fall < shared->fall)
        shared->fall = wanted->fall;
}

static void build_probes(struct builder *b)
{
    for (unsigned i = 0; i < b->s->domain_count; i++)
        if (b->s->domains[i].split)
            share_probe(b, &b->s->domains[i]);
}

/* The default: postmaster of the first domain that has a section of its own. */
static void build_postmaster(struct builder *b, const struct config *config)
{
    struct snapshot *s = b->s;
    const struct config_section *appliance = config_section(config, "appliance", 0);
    const char *text = config_text(appliance, "postmaster");
    struct smtp_path path = {.local = {"postmaster", strlen("postmaster")}};
    if (text == NULL) {
        const struct domain *first = s->domains;
        while (first < s->domains + s->domain_count && domain_is_default(first))
            first++;
        if (first == s->domains + s->domain_count) {
            config_error(b->context.errors, appliance, "postmaster",
                         "is missing, and there is no [domain NAME] whose postmaster it could be");
            return;
        }
        path.domain = (struct span){first->name, first->name_len};
    } else if (!route_parse_address(text, &path)) {
        config_error(b->context.errors, appliance, "postmaster",
                     "'%.80s' is not an address; allowed: local@domain", text);
        return;
    }
    if (address_canonical(path.local, path.quoted, path.domain, &s->postmaster) != ADDRESS_OK ||
        tables_find(s, address_domain(&s->postmaster)) == NULL)
        config_error(b->context.errors, appliance, "postmaster",
                     "'%.80s' is not in a [domain] of this file", text != NULL ? text : "");
}

static void build_set(struct builder *b)
{
    struct snapshot *s = b->s;
    uint32_t count = 0;
    for (unsigned i = 0; i < s->domain_count; i++)
        count += b->mailboxes[i].entry_count;
    struct set_entry *entries = memory_new(count, sizeof(*entries)), *at = entries;
    for (unsigned i = 0; i < s->domain_count; i++) {
        const struct mailboxes *m = &b->mailboxes[i];
        for (uint32_t k = 0; k < m->entry_count; k++)
            *at++ = (struct set_entry){m->keys + m->entries[k].key, m->entries[k].len,
                                       m->entries[k].external};
    }
    char *why = NULL;
    s->set = set_build(entries, count, &why);
    if (s->set == NULL)
        config_error(b->context.errors, s->domains[0].section, "mailboxes",
                     "the mailboxes do not compile: %s", why);
    free(why);
    free(entries);
}

static bool make_scratch(struct snapshot *s)
{
    hs_scratch_t *scratch = NULL;
    bool ok = set_scratch(s->set, &scratch);
    for (unsigned i = 0; i < s->domain_count && ok; i++)
        ok = expressions_scratch(s->domains[i].expressions, &scratch);
    if (scratch == NULL)
        return ok; /* nothing to search */
    for (unsigned i = 0; i < s->worker_count && ok; i++)
        ok = hs_clone_scratch(scratch, &s->scratch[i]) == HS_SUCCESS;
    hs_free_scratch(scratch);
    return ok;
}

/* It must lead to a mailbox now, not when the first mail for it arrives. */
static void check_postmaster(struct builder *b, const struct config *config)
{
    static const char name[] = "postmaster";
    const struct smtp_path bare = {.address = {name, strlen(name)}, .local = {name, strlen(name)}};
    struct route r;
    route_recipient(b->s, 0, &bare, NULL, &r);
    if (r.hop_count == 0 && r.verdict != VERDICT_REFUSED) /* accept_from may well refuse us */
        config_error(b->context.errors, config_section(config, "appliance", 0), "postmaster",
                     "there is no such mailbox: the verdict is %s", verdict_text(r.verdict));
}

static void forget_configuration(struct builder *b)
{
    for (unsigned i = 0; i < b->s->domain_count; i++) {
        mailboxes_free(&b->mailboxes[i]);
        b->s->domains[i].section = NULL;
    }
    free(b->mailboxes);
}

struct snapshot *snapshot_build(const struct config *config, const struct ip_addr *locals,
                                unsigned local_count, unsigned workers,
                                struct config_errors *errors)
{
    unsigned before = config_errors_count(errors);
    struct snapshot *s = memory_new(1, sizeof(*s));
    struct builder b = {s, {config, locals, local_count, errors}, NULL};
    s->worker_count = workers;
    s->scratch = memory_new(workers, sizeof(struct hs_scratch *));
    build_domains(&b, config);
    build_probes(&b);
    build_postmaster(&b, config);
    if (config_errors_count(errors) == before)
        build_set(&b);
    if (s->set != NULL && !make_scratch(s))
        memory_must(NULL);
    if (s->set != NULL)
        check_postmaster(&b, config);
    forget_configuration(&b);
    if (config_errors_count(errors) == before)
        return s;
    snapshot_free(s);
    return NULL;
}

void snapshot_free(struct snapshot *s)
{
    if (s == NULL)
        return;
    for (unsigned i = 0; i < s->domain_count; i++)
        domain_free(&s->domains[i]);
    for (unsigned i = 0; i < s->worker_count; i++)
        hs_free_scratch(s->scratch[i]);
    set_free(s->set);
    free(s->scratch);
    free(s->probes);
    free(s->by_name);
    free(s->domains);
    free(s);
}

unsigned snapshot_probe_count(const struct snapshot *s)
{
    return s->probe_count;
}

const struct probe_target *snapshot_probe(const struct snapshot *s, unsigned index)
{
    return &s->probes[index];
}

unsigned snapshot_domain_count(const struct snapshot *s)
{
    return s->domain_count;
}

uint64_t snapshot_mailbox_count(const struct snapshot *s)
{
    return s->mailboxes;
}
