/* SPDX-License-Identifier: BSD-3-Clause */
/* Domains by name, probes by number. */
#include "app/route/domains.h"

#include <stdlib.h>
#include <string.h>

#include "app/route/hash.h"
#include "app/route/parse.h"
#include "app/route/references.h"
#include "config/memory.h"

#define NOT_SEALED UINT64_MAX

/* ------------------------------------------------------------------------------------- names -- */

const struct domain *domains_find(const struct domains *d, struct span name)
{
    uint64_t hash = hash_bytes(name.at, name.len);
    for (uint32_t slot = (uint32_t)hash;; slot++) {
        uint32_t index = d->by_name[slot & d->by_name_mask];
        if (index == 0)
            return NULL;
        const struct domain *found = &d->list[index - 1];
        if (found->name_len == name.len && memcmp(found->name, name.at, name.len) == 0)
            return found;
    }
}

static void enter_name(struct domains *all, struct domain *d, struct config_errors *errors)
{
    const struct domain *first = domains_find(all, (struct span){d->name, d->name_len});
    if (first != NULL) {
        config_error(errors, d->section, NULL, "is %s again; first in line %u", d->name,
                     config_section_line(first->section));
        return;
    }
    uint32_t slot = (uint32_t)hash_bytes(d->name, d->name_len);
    while (all->by_name[slot & all->by_name_mask] != 0)
        slot++;
    all->by_name[slot & all->by_name_mask] = (uint32_t)(d - all->list) + 1;
}

/* The table stays at most half full, so that a search ends soon. */
static void make_names(struct domains *d)
{
    uint32_t size = 2;
    while (size < 2 * d->count)
        size *= 2;
    d->by_name = memory_new(size, sizeof(*d->by_name));
    d->by_name_mask = size - 1;
}

/* ------------------------------------------------------------------------------------ probes -- */

static bool same_probe(const struct probe_target *a, const struct probe_target *b)
{
    return a->servers.id == b->servers.id && a->identity == b->identity &&
           strcmp(a->recipient, b->recipient) == 0;
}

static void inherit_probes(struct domains *d, const struct domains *old)
{
    if (old == NULL)
        return;
    for (unsigned i = 0; i < old->probe_count; i++) {
        d->probes = memory_grow(d->probes, i, sizeof(*d->probes));
        d->probes[i] = old->probes[i];
        d->probes[i].used = false;
        if (old->probes[i].used)
            d->probes[i].retired = NOT_SEALED;
    }
    d->probe_count = old->probe_count;
}

/* The number that a probe has, or had until this very reload, or else a free one; probe_count:
 * there is none. */
static unsigned probe_number(const struct domains *d, const struct probe_target *wanted,
                             uint64_t oldest_in_use)
{
    unsigned free_one = d->probe_count;
    for (unsigned i = 0; i < d->probe_count; i++) {
        const struct probe_slot *p = &d->probes[i];
        if ((p->used || p->retired == NOT_SEALED) && same_probe(&p->target, wanted))
            return i;
        if (!p->used && p->retired <= oldest_in_use && free_one == d->probe_count)
            free_one = i;
    }
    return free_one;
}

/* Probes are shared by (server, address); the most attentive of those who share one has its way. */
static void share_probe(struct domains *all, struct domain *d, uint64_t oldest_in_use,
                        struct config_errors *errors)
{
    const struct probe_target *wanted = &d->probe;
    unsigned i = probe_number(all, wanted, oldest_in_use);
    d->external.probe = (uint16_t)i;
    if (i == all->probe_count) {
        if (i == ROUTE_NO_PROBE) {
            config_error(errors, d->section, "external_mail_server",
                         "is one too many to verify; allowed: %u", ROUTE_NO_PROBE);
            return;
        }
        all->probes = memory_grow(all->probes, i, sizeof(*all->probes));
        all->probes[i] = (struct probe_slot){.used = false};
        all->probe_count++;
    }
    struct probe_slot *slot = &all->probes[i];
    if (!slot->used) {
        *slot = (struct probe_slot){.target = *wanted, .used = true};
        return;
    }
    struct probe_target *shared = &slot->target;
    if (strcmp(shared->sender, wanted->sender) != 0)
        config_error(errors, d->section, "verify_sender",
                     "differs from that of another domain with the same server and "
                     "verification_address; allowed: the same");
    if (wanted->interval < shared->interval)
        shared->interval = wanted->interval;
    if (wanted->fall < shared->fall)
        shared->fall = wanted->fall;
}

void domains_seal(struct domains *d, uint64_t generation)
{
    for (unsigned i = 0; i < d->probe_count; i++)
        if (d->probes[i].retired == NOT_SEALED)
            d->probes[i].retired = generation;
}

/* -------------------------------------------------------------------------------- postmaster -- */

/* The default: postmaster of the first domain that has a section of its own. */
static void build_postmaster(struct domains *d, const struct domain_context *c)
{
    const struct config_section *appliance = config_section(c->config, "appliance", 0);
    const char *text = config_text(appliance, "postmaster");
    struct smtp_path path = {.local = {"postmaster", strlen("postmaster")}};
    if (text == NULL) {
        const struct domain *first = d->list;
        while (first < d->list + d->count && domain_is_default(first))
            first++;
        if (first == d->list + d->count) {
            config_error(c->errors, appliance, "postmaster",
                         "is missing, and there is no [domain NAME] whose postmaster it could be");
            return;
        }
        path.domain = (struct span){first->name, first->name_len};
    } else if (!route_parse_address(text, &path)) {
        config_error(c->errors, appliance, "postmaster",
                     "'%.80s' is not an address; allowed: local@domain", text);
        return;
    }
    if (address_canonical(path.local, path.quoted, path.domain, &d->postmaster) != ADDRESS_OK ||
        domains_find(d, address_domain(&d->postmaster)) == NULL)
        config_error(c->errors, appliance, "postmaster",
                     "'%.80s' is not in a [domain] of this file", text != NULL ? text : "");
}

/* ------------------------------------------------------------------------------------- whole -- */

struct domains *domains_build(const struct domain_context *c, const struct domains *old,
                              uint64_t oldest_in_use, struct roster ***rosters)
{
    struct domains *d = memory_new(1, sizeof(*d));
    const struct config_section *section;
    d->references = 1;
    while (config_section(c->config, "domain", d->count) != NULL)
        d->count++;
    d->list = memory_new(d->count, sizeof(*d->list));
    *rosters = memory_new(d->count, sizeof(struct roster *));
    make_names(d);
    inherit_probes(d, old);
    for (unsigned i = 0; (section = config_section(c->config, "domain", i)) != NULL; i++) {
        struct domain *one = &d->list[i];
        (*rosters)[i] = domain_build(one, section, c);
        if (domain_is_default(one))
            d->fallback = one;
        else if (one->name_len != 0)
            enter_name(d, one, c->errors);
    }
    for (unsigned i = 0; i < d->count; i++)
        if (d->list[i].split)
            share_probe(d, &d->list[i], oldest_in_use, c->errors);
    build_postmaster(d, c);
    return d;
}

struct domains *domains_ref(struct domains *d)
{
    reference_take(&d->references);
    return d;
}

void domains_unref(struct domains *d)
{
    if (d == NULL || !reference_drop(&d->references))
        return;
    for (unsigned i = 0; i < d->count; i++)
        domain_free(&d->list[i]);
    free(d->probes);
    free(d->by_name);
    free(d->list);
    free(d);
}
