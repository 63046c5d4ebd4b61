/* SPDX-License-Identifier: BSD-3-Clause */
/* Verdicts: DESIGN's table, top to bottom. */
#include "app/route/route.h"

#include <string.h>

#include "app/route/tables.h"

/* The rule that decided: prefix and text, cut to what there is room for. */
static void set_rule(struct route *out, const char *prefix, struct span text, const char *suffix)
{
    size_t room = sizeof(out->rule) - 1, at = 0;
    const struct span parts[] = {{prefix, strlen(prefix)}, text, {suffix, strlen(suffix)}};
    for (unsigned i = 0; i < COUNT_OF(parts); i++) {
        size_t len = parts[i].len < room - at ? parts[i].len : room - at;
        memcpy(out->rule + at, parts[i].at, len);
        at += len;
    }
    out->rule[at] = '\0';
}

static void set_rule_text(struct route *out, const char *text)
{
    set_rule(out, "", (struct span){text, strlen(text)}, "");
}

static void refuse(struct route *out, enum verdict verdict, const char *rule)
{
    out->verdict = verdict;
    set_rule_text(out, rule);
}

/* Mail is never sent back to the side that it came from. */
static void send_to(struct route *out, const struct next_hop *hop)
{
    if (out->from == hop->side) {
        out->verdict = VERDICT_SAME_SIDE;
        return;
    }
    out->verdict = hop->side == SIDE_LOCAL ? VERDICT_LOCAL : VERDICT_EXTERNAL;
    out->hops[0] = *hop;
    out->hop_count = 1;
}

/* How a recipient stands in its domain's mailbox file. */
struct match {
    enum set_answer answer;
    bool exact; /* by an entry for this very address */
};

/* By an entry of its own: what has changed since the set was compiled comes first. */
static enum set_answer find_exact(const struct snapshot *s, struct hs_scratch *scratch,
                                  const struct address *a)
{
    static const enum set_answer answers[] = {
        [BOOK_NONE] = SET_MISS, [BOOK_LOCAL] = SET_LOCAL, [BOOK_EXTERNAL] = SET_EXTERNAL};
    enum book_side side;
    if (overlay_find(s->overlay, a->key, address_key_len(a), &side))
        return answers[side];
    return set_find(s->set, scratch, a->key, address_key_len(a));
}

/* The first of the four levels that knows the address decides (DESIGN: precedence); the rule says
 * which. */
static struct match find_mailbox(const struct snapshot *s, const struct domain *d,
                                 struct hs_scratch *scratch, const struct address *a,
                                 struct route *out)
{
    struct match m = {find_exact(s, scratch, a), .exact = true};
    if (m.answer != SET_MISS) {
        set_rule(out, m.answer == SET_EXTERNAL ? "!" : "", address_local(a), "");
        return m;
    }
    m.exact = false;

    struct address base;
    if (d->delimiter != '\0' && address_base(a, d->delimiter, &base)) {
        m.answer = find_exact(s, scratch, &base);
        if (m.answer != SET_MISS) {
            set_rule(out, m.answer == SET_EXTERNAL ? "!" : "", address_local(&base), "");
            return m;
        }
    }

    const struct expression *e;
    struct span local = address_local(a);
    if (!expressions_find(d->expressions, scratch, local.at, local.len, &e)) {
        m.answer = SET_FAILED;
        return m;
    }
    if (e != NULL) {
        m.answer = e->external ? SET_EXTERNAL : SET_LOCAL;
        set_rule(out, e->external ? "!/" : "/", (struct span){e->text, strlen(e->text)}, "/");
        return m;
    }

    if (d->catch_all != CATCH_ALL_NONE) {
        m.answer = d->catch_all == CATCH_ALL_EXTERNAL ? SET_EXTERNAL : SET_LOCAL;
        set_rule_text(out, d->catch_all == CATCH_ALL_EXTERNAL ? "!*" : "*");
    }
    return m;
}

static bool is_postmaster(const struct address *a)
{
    return span_is(address_local(a), "postmaster");
}

/*
 * A routed address is one of ours only if the file names it in so many words. An expression, a
 * catch-all or a subaddress that happens to cover `user%elsewhere` does not: our mailbox server
 * trusts us, and Postfix for one would relay that to user@elsewhere (allow_percent_hack).
 */
static bool may_not_pass(const struct address *a, const struct match *m)
{
    return address_is_routed(a) && !(m->exact && m->answer == SET_LOCAL);
}

/* May the directory of the next hop not have heard of a move yet? */
static bool is_lagging(const struct snapshot *s, const struct domain *d, const struct address *a)
{
    struct address base;
    return d->migration || grace_holds(s->grace, a) ||
           (s->grace != NULL && d->delimiter != '\0' && address_base(a, d->delimiter, &base) &&
            grace_holds(s->grace, &base));
}

/* A domain with a section of its own. */
static void route_in_domain(const struct snapshot *s, const struct domain *d,
                            struct hs_scratch *scratch, const struct address *a, struct route *out)
{
    struct match m = find_mailbox(s, d, scratch, a, out);
    if (m.answer == SET_FAILED) {
        out->verdict = VERDICT_FAILED;
    } else if (may_not_pass(a, &m)) {
        refuse(out, VERDICT_ROUTED, "routed address");
    } else if (m.answer == SET_LOCAL) {
        send_to(out, &d->local);
    } else if (m.answer == SET_EXTERNAL && d->split) {
        send_to(out, &d->external);
    } else if (is_postmaster(a)) {
        set_rule_text(out, "postmaster");
        send_to(out, d->postmaster_external ? &d->external : &d->local);
    } else if (d->split) {
        set_rule_text(out, "split");
        send_to(out, &d->external);
    } else {
        out->verdict = VERDICT_UNKNOWN;
    }
    out->lagging = out->hop_count > 0 && is_lagging(s, d, a);
}

/* [domain *]: everything is external. */
static void route_by_default(const struct domain *d, const struct address *a, struct route *out)
{
    if (address_is_routed(a)) {
        refuse(out, VERDICT_ROUTED, "routed address");
        return;
    }
    set_rule_text(out, "domain *");
    send_to(out, &d->external);
}

static bool is_accepted(const struct domain *d, const struct ip_addr *client)
{
    return !d->restricted || (client != NULL && networks_find(&d->accept, client) != 0);
}

static void route_address(const struct snapshot *s, unsigned worker, const struct address *a,
                          const struct ip_addr *client, struct route *out)
{
    const struct domain *d = domains_find(s->domains, address_domain(a));
    if (d == NULL && s->domains->fallback != NULL && !address_is_dotless(a))
        d = s->domains->fallback;
    if (d == NULL) {
        refuse(out, VERDICT_REFUSED, "no such domain");
        return;
    }
    if (client != NULL)
        out->from = (enum side)networks_find(&d->sides, client);
    if (!is_accepted(d, client))
        refuse(out, VERDICT_REFUSED, "accept_from");
    else if (domain_is_default(d))
        route_by_default(d, a, out);
    else
        route_in_domain(s, d, s->scratch->of[worker], a, out);
}

void route_recipient(const struct snapshot *s, unsigned worker, const struct smtp_path *path,
                     const struct ip_addr *client, struct route *out)
{
    struct address a;
    memset(out, 0, sizeof(*out));
    if (path->domain.len == 0 && span_is(path->local, "postmaster")) {
        route_address(s, worker, &s->domains->postmaster, client, out);
        return;
    }
    if (path->domain.len > 0 && path->domain.at[0] == '[') {
        refuse(out, VERDICT_REFUSED, "domain literal");
        return;
    }
    enum address_error error = address_canonical(path->local, path->quoted, path->domain, &a);
    if (error == ADDRESS_OK)
        route_address(s, worker, &a, client, out);
    else
        refuse(out, error == ADDRESS_NO_MEMORY ? VERDICT_FAILED : VERDICT_BAD_ADDRESS,
               address_error_text(error));
}
