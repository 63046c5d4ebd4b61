/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses that are arguments, and what becomes of them. */
#include "app/route/explain.h"

#include <string.h>

#include "app/route/parse.h"
#include "app/route/snapshot.h"
#include "app/route/tables.h"

/* The entry of the mailbox file that knows the address, by DESIGN's precedence. */
static void find_entry(const struct snapshot *s, unsigned scratch, const struct domain *d,
                       const struct address *a, struct explanation *out)
{
    const struct directory_of of = {s->domains, s->directory};
    const struct roster *r = directory_find(of, (struct span){d->name, d->name_len});
    struct address base;
    const struct expression *e = NULL;
    if (r == NULL)
        return;
    struct book_entry entry = book_find(r->book, address_local(a));
    if (entry.side == BOOK_NONE && d->delimiter != '\0' && address_base(a, d->delimiter, &base))
        entry = book_find(r->book, address_local(&base));
    if (entry.side != BOOK_NONE) {
        out->file = r->path;
        out->line = entry.line;
        return;
    }
    struct span local = address_local(a);
    if (expressions_find(r->expressions, s->scratch->of[scratch], local.at, local.len, &e) &&
        e != NULL) {
        out->file = r->path;
        out->line = e->line;
    } else if (r->catch_all != CATCH_ALL_NONE) {
        out->file = r->path;
        out->line = r->catch_all_line;
    }
}

void route_explain(const struct snapshot *s, unsigned scratch, const char *address,
                   const struct ip_addr *client, struct explanation *out)
{
    struct smtp_path path;
    struct address a;
    memset(out, 0, sizeof(*out));
    out->route.verdict = VERDICT_BAD_ADDRESS;
    if (!route_parse_address(address, &path))
        return;
    route_recipient(s, scratch, &path, client, &out->route);
    if (path.domain.len == 0)
        a = s->domains->postmaster;
    else if (address_canonical(path.local, path.quoted, path.domain, &a) != ADDRESS_OK)
        return;
    address_format(&a, out->canonical);
    const struct domain *d = domains_find(s->domains, address_domain(&a));
    if (d != NULL)
        find_entry(s, scratch, d, &a, out);
    else
        d = s->domains->fallback;
    if (d != NULL)
        memcpy(out->domain, d->name, sizeof(out->domain));
    if (out->route.hop_count > 0 && out->route.hops[0].probe != ROUTE_NO_PROBE)
        out->probe = snapshot_probe(s, out->route.hops[0].probe);
}

static const char *next_hop(const struct explanation *e, char *buf)
{
    return e->route.hop_count > 0 ? servers_format(e->route.hops[0].servers, buf) : "-";
}

void explanation_print(const struct explanation *e, const char *address, FILE *out)
{
    char hop[SERVERS_TEXT_SIZE];
    fprintf(out, "%s\t%s\t%s\n", address, verdict_text(e->route.verdict), next_hop(e, hop));
}

void explanation_print_long(const struct explanation *e, const char *address, FILE *out)
{
    char hop[SERVERS_TEXT_SIZE];
    fprintf(out, "%s\n  canonical  %s\n  domain     %s\n", address,
            e->canonical[0] != '\0' ? e->canonical : "-", e->domain[0] != '\0' ? e->domain : "-");
    fprintf(out, "  rule       %s", e->route.rule[0] != '\0' ? e->route.rule : "-");
    if (e->file != NULL && e->line > 0)
        fprintf(out, " (%s:%u)", e->file, e->line);
    else if (e->file != NULL)
        fprintf(out, " (entered since %s was read)", e->file);
    fprintf(out, "\n  verdict    %s\n  next hop   %s", verdict_text(e->route.verdict),
            next_hop(e, hop));
    if (e->probe != NULL)
        fprintf(out, ", verified by %s", e->probe->recipient);
    fprintf(out, "\n");
}
