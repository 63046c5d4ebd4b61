/* SPDX-License-Identifier: BSD-3-Clause */
/* [domain] sections are judged here, key by key and then against each other. */
#include "app/route/domain.h"

#include <stdlib.h>
#include <string.h>

#include "app/route/parse.h"

#define NSEC_PER_SEC UINT64_C(1000000000)

#define FAIL(key, ...) config_error(c->errors, d->section, key, __VA_ARGS__)

static const char *text_of(const struct domain *d, const char *key)
{
    return config_text(d->section, key);
}

static bool given(const struct domain *d, const char *key)
{
    return config_get(d->section, key).line != 0;
}

/* May mail be sent to this address? */
static bool judge_server_address(const struct domain *d, const char *key, const struct ip_addr *a,
                                 const struct domain_context *c)
{
    char address[ADDR_TEXT_SIZE];
    const char *why = ip_addr_no_host(a);
    if (why == NULL && ip_addr_is_link_local(a))
        why = "is a link-local address: it does not say on which link";
    for (unsigned i = 0; i < c->local_count && why == NULL; i++)
        if (ip_addr_equal(&c->locals[i], a))
            why = "is our own address: mail would come back for ever";
    if (why != NULL)
        FAIL(key, "%s %s", ip_addr_format(a, address), why);
    return why == NULL;
}

/* A list of servers; absent or wrong, it stays empty. */
static void judge_servers(struct domain *d, const char *key, struct next_hop *hop,
                          struct servers *servers, const struct domain_context *c)
{
    const char *text = text_of(d, key), *item, *why;
    struct servers read;
    size_t len;
    if (text == NULL)
        return;
    if (!servers_parse(text, c->names, &read, &item, &len, &why)) {
        FAIL(key, "'%.*s' is not a server; allowed: %s", len > 80 ? 80 : (int)len, item, why);
        return;
    }
    for (unsigned i = 0; i < read.count; i++)
        if (read.list[i].name == NULL && !judge_server_address(d, key, &read.list[i].at.addr, c))
            return;
    *servers = read;
    hop->server = servers->list[0].at;
    hop->servers = servers;
}

static bool has_server(const struct next_hop *hop)
{
    return hop->servers != NULL;
}

static void judge_networks(struct domain *d, const char *key, struct networks *n, uint8_t value,
                           const struct domain_context *c)
{
    const char *cursor = text_of(d, key), *item;
    size_t len;
    while (cursor != NULL && (item = config_list_next(&cursor, &len)) != NULL) {
        struct ip_prefix prefix;
        int shown = len > 80 ? 80 : (int)len;
        if (!ip_prefix_parse(item, len, true, &prefix))
            FAIL(key,
                 "'%.*s' is not a network; allowed: ADDRESS/LENGTH without bits beyond its length, "
                 "or ADDRESS",
                 shown, item);
        else if (!networks_add(n, &prefix, value))
            FAIL(key, "%.*s is on the other side too, or there are more than %d networks", shown,
                 item, NETWORKS_MAX);
    }
}

/* Those of a name are as they are now: who knows better says it by local_clients or
 * external_clients. */
static void addresses_of(const struct server *server, struct addresses *out)
{
    uint32_t version = 0;
    *out = (struct addresses){.count = 1, .list = {server->at.addr}};
    if (server->name != NULL && !name_read(server->name, &version, out))
        out->count = 0;
}

/* A side that is not given is its servers. What the operator put on the other side stays there,
 * which is no error. */
static void default_side(struct domain *d, const char *key, const struct next_hop *hop)
{
    struct addresses all;
    for (unsigned i = 0; !given(d, key) && has_server(hop) && i < hop->servers->count; i++) {
        addresses_of(&hop->servers->list[i], &all);
        for (unsigned k = 0; k < all.count; k++) {
            struct ip_prefix host = {.addr = all.list[k], .len = 128};
            (void)!networks_add(&d->sides, &host, (uint8_t)hop->side);
        }
    }
}

static bool share_one(const struct server *a, const struct server *b)
{
    struct addresses x, y;
    addresses_of(a, &x);
    addresses_of(b, &y);
    for (unsigned i = 0; i < x.count; i++)
        for (unsigned k = 0; k < y.count; k++)
            if (ip_addr_equal(&x.list[i], &y.list[k]))
                return true;
    return false;
}

/* Is one of the one's addresses also one of the other's? */
static bool share_an_address(const struct next_hop *a, const struct next_hop *b)
{
    for (unsigned i = 0; has_server(a) && i < a->servers->count; i++)
        for (unsigned k = 0; has_server(b) && k < b->servers->count; k++)
            if (share_one(&a->servers->list[i], &b->servers->list[k]))
                return true;
    return false;
}

static bool share_a_server(const struct next_hop *a, const struct next_hop *b)
{
    for (unsigned i = 0; has_server(a) && has_server(b) && i < a->servers->count; i++)
        if (servers_have(b->servers, &a->servers->list[i]))
            return true;
    return false;
}

/* Two servers on one address cannot be told apart by it: without the operator's word, what comes
 * from there is on neither side. */
static void judge_sides(struct domain *d, const struct domain_context *c)
{
    judge_networks(d, "local_clients", &d->sides, SIDE_LOCAL, c);
    judge_networks(d, "external_clients", &d->sides, SIDE_EXTERNAL, c);
    if (share_an_address(&d->local, &d->external))
        return;
    default_side(d, "local_clients", &d->local);
    default_side(d, "external_clients", &d->external);
}

static void judge_accept(struct domain *d, const struct domain_context *c)
{
    d->restricted = given(d, "accept_from");
    judge_networks(d, "accept_from", &d->accept, 1, c);
    bool everybody = false;
    for (unsigned i = 0; i < d->accept.prefix_count; i++)
        everybody = everybody || d->accept.prefixes[i].prefix.len == 0 ||
                    (d->accept.prefixes[i].prefix.len == 96 &&
                     ip_addr_is_v4(&d->accept.prefixes[i].prefix.addr));
    if (everybody && domain_is_default(d))
        FAIL("accept_from", "everybody may not send to every domain: that is an open relay");
}

static void judge_delimiter(struct domain *d, const struct domain_context *c)
{
    static const char allowed[] = "+-=_#$&*?^~";
    const char *text = text_of(d, "subaddress_delimiter");
    if (text == NULL)
        return;
    if (strlen(text) == 1 && strchr(allowed, text[0]) != NULL)
        d->delimiter = text[0];
    else
        FAIL("subaddress_delimiter", "'%.80s' is not allowed; allowed: one of %s", text, allowed);
}

static bool is_ascii(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] >= 0x80)
            return false;
    return true;
}

/* The address between brackets, as RCPT or MAIL will carry it: without SMTPUTF8 its domain must be
 * in A-labels there, and nothing says a local part beyond ASCII. */
static void judge_address(const struct domain *d, const char *key, char *out,
                          const struct domain_context *c)
{
    const char *text = text_of(d, key);
    struct smtp_path path;
    if (text == NULL || strcmp(text, "<>") == 0)
        return;
    if (!route_parse_address(text, &path) || path.domain.len == 0) {
        FAIL(key, "'%.80s' is not an address; allowed: local@domain", text);
        return;
    }
    char ascii[ADDRESS_DOMAIN_MAX + 1];
    struct span domain = path.domain;
    uint16_t len = 0;
    enum address_error error = ADDRESS_OK;
    if (!is_ascii(path.local)) {
        FAIL(key, "'%.80s' has a local part beyond ASCII; allowed: one that needs no SMTPUTF8",
             text);
        return;
    }
    if (!is_ascii(domain)) {
        error = address_domain_canonical(domain, ascii, &len);
        domain = (struct span){ascii, len};
    }
    if (error == ADDRESS_OK && path.local.len + 1 + domain.len + strlen("<>") > SMTP_PATH_MAX)
        error = ADDRESS_DOMAIN_TOO_LONG;
    if (error != ADDRESS_OK) {
        FAIL(key, "'%.80s': %s", text, address_error_text(error));
        return;
    }
    memcpy(out, path.local.at, path.local.len);
    out += path.local.len;
    *out++ = '@';
    memcpy(out, domain.at, domain.len);
    out[domain.len] = '\0';
}

/* The schema knows no other words. */
static enum smtp_identity_kind identity_of(const struct domain *d, const char *key)
{
    static const struct {
        const char *word;
        enum smtp_identity_kind kind;
    } kinds[] = {
        {"xclient", IDENTITY_XCLIENT},
        {"xforward", IDENTITY_XFORWARD},
        {"proxy-v2", IDENTITY_PROXY},
    };
    for (unsigned i = 0; i < COUNT_OF(kinds); i++)
        if (strcmp(text_of(d, key), kinds[i].word) == 0)
            return kinds[i].kind;
    return IDENTITY_NONE;
}

static void judge_probe(struct domain *d, const struct domain_context *c)
{
    d->probe.identity = d->external.identity;
    d->probe.interval = config_duration(d->section, "verify_interval");
    d->probe.fall = (unsigned)config_number(d->section, "fall");
    judge_address(d, "verification_address", d->probe.recipient, c);
    judge_address(d, "verify_sender", d->probe.sender, c);
    if (text_of(d, "verification_address") != NULL &&
        strcmp(text_of(d, "verification_address"), "<>") == 0)
        FAIL("verification_address", "<> is nobody's address");
}

static void need(const struct domain *d, const char *key, const char *why,
                 const struct domain_context *c)
{
    if (!given(d, key))
        FAIL(key, "is missing: %s", why);
}

static void judge_needs(struct domain *d, const struct domain_context *c)
{
    need(d, "mailboxes", "it says which mailboxes are on our side", c);
    need(d, "mailbox_server", "mail for the mailboxes goes there", c);
    if (d->split) {
        need(d, "external_mail_server", "split_domain_routing sends mail there", c);
        need(d, "verification_address",
             "split_domain_routing waits until the external server has accepted it", c);
    } else if (d->postmaster_external) {
        FAIL("postmaster", "external needs split_domain_routing = yes");
    }
    if (share_a_server(&d->local, &d->external))
        FAIL("external_mail_server", "is the mailbox server: a split domain has two");
}

static void judge_default_needs(struct domain *d, const struct domain_context *c)
{
    static const char *const useless[] = {"mailboxes",
                                          "mailbox_server",
                                          "split_domain_routing",
                                          "verification_address",
                                          "verify_sender",
                                          "local_clients",
                                          "subaddress_delimiter",
                                          "postmaster",
                                          "max_shrink",
                                          "move_grace",
                                          "migration"};
    for (unsigned i = 0; i < COUNT_OF(useless); i++)
        if (given(d, useless[i]))
            FAIL(useless[i], "does not go with [domain *]: all its mail is external");
    need(d, "external_mail_server", "mail for domains without a section goes there", c);
    need(d, "accept_from", "without it this would be an open relay", c);
}

static void judge_name(struct domain *d, const struct domain_context *c)
{
    const char *name = config_section_name(d->section);
    if (strcmp(name, "*") == 0) {
        strcpy(d->name, "*");
        d->name_len = 1;
        return;
    }
    enum address_error error =
        address_domain_canonical((struct span){name, strlen(name)}, d->name, &d->name_len);
    if (error != ADDRESS_OK)
        FAIL(NULL, "is not a domain: %s", address_error_text(error));
    else if (strchr(d->name, '.') == NULL)
        FAIL(NULL, "has no dot: mail for such a domain is refused (RFC 7085)");
}

static struct roster *read_roster(struct domain *d, const struct domain_context *c)
{
    const char *file = text_of(d, "mailboxes");
    if (file == NULL || d->name_len == 0 || domain_is_default(d))
        return NULL;
    char *path = config_path(c->config, file);
    struct roster *known =
        c->known != NULL ? c->known(c->known_context, (struct span){d->name, d->name_len}) : NULL;
    struct roster *r = roster_load(path, d->name, known, c->wall, c->errors);
    if (r != NULL) {
        d->expressions = r->expressions;
        d->catch_all = r->catch_all;
    }
    free(path);
    return r;
}

struct roster *domain_build(struct domain *d, const struct config_section *section,
                            const struct domain_context *c)
{
    memset(d, 0, sizeof(*d));
    d->section = section;
    d->local = (struct next_hop){.probe = ROUTE_NO_PROBE, .side = SIDE_LOCAL};
    d->external = (struct next_hop){.probe = ROUTE_NO_PROBE, .side = SIDE_EXTERNAL};
    judge_name(d, c);
    d->split = domain_is_default(d) || config_bool(section, "split_domain_routing");
    d->migration = config_bool(section, "migration");
    d->move_grace = config_duration(section, "move_grace") / NSEC_PER_SEC;
    d->max_shrink = (unsigned)config_number(section, "max_shrink");
    d->postmaster_external = config_number(section, "postmaster") == 1;
    judge_servers(d, "mailbox_server", &d->local, &d->local_servers, c);
    judge_servers(d, "external_mail_server", &d->external, &d->probe.servers, c);
    judge_sides(d, c);
    judge_accept(d, c);
    judge_delimiter(d, c);
    d->local.identity = identity_of(d, "local_identity");
    d->external.identity = identity_of(d, "external_identity");
    judge_probe(d, c);
    if (domain_is_default(d))
        judge_default_needs(d, c);
    else
        judge_needs(d, c);
    networks_finish(&d->sides);
    networks_finish(&d->accept);
    return read_roster(d, c);
}

void domain_free(struct domain *d)
{
    networks_free(&d->sides);
    networks_free(&d->accept);
}
