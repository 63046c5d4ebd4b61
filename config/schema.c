/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of sections and keys, and the search in it. */
#include "config/schema.h"

#include <string.h>

#define MSEC UINT64_C(1000000)
#define SEC  (1000 * MSEC)
#define MIN  (60 * SEC)
#define HOUR (60 * MIN)
#define KIB  UINT64_C(1024)
#define MIB  (1024 * KIB)
#define GIB  (1024 * MIB)

#define TEXT(key)             .name = key, .type = SCHEMA_TEXT
#define WORD(key, ...)        .name = key, .type = SCHEMA_WORD, .words = {__VA_ARGS__}
#define NUMBER(key, lo, hi)   .name = key, .type = SCHEMA_NUMBER, .min = lo, .max = hi
#define DURATION(key, lo, hi) .name = key, .type = SCHEMA_DURATION, .min = lo, .max = hi
#define SIZE(key, lo, hi)     .name = key, .type = SCHEMA_SIZE, .min = lo, .max = hi

static const struct schema_key appliance[] = {
    {TEXT("hostname"), .required = true},
    {TEXT("postmaster")},
    {TEXT("workers"), .fallback = "1"},
    {WORD("idle", "poll", "sleep"), .fallback = "poll"},
    {TEXT("cache"), .fallback = "/var/cache/splitmx"},
    {DURATION("shutdown_timeout", 0, HOUR), .fallback = "30s"},
    {TEXT("fleet_key")},
    {TEXT("control"), .fallback = "/run/splitmx/control"},
    {TEXT("control_mode"), .fallback = "0660"},
    {DURATION("resolve_interval", SEC, 24 * HOUR), .fallback = "60s"},
    {TEXT("state_directory"), .fallback = "/var/lib/splitmx"},
};

static const struct schema_key memory[] = {
    {WORD("hugepages", "no", "yes"), .fallback = "yes"},
    {SIZE("budget", 4 * MIB, 64 * GIB), .fallback = "256M"},
    {NUMBER("max_sessions", 1, 1000000), .fallback = "10000"},
    {NUMBER("max_transactions", 1, 1000000), .fallback = "10000"},
    {NUMBER("max_connections", 2, 4000000), .fallback = "20000"},
    {NUMBER("max_recipients", 100, 10000000), .fallback = "20000"},
    {NUMBER("memo_entries", 100, 10000000), .fallback = "65536"},
};

static const struct schema_key port[] = {
    {TEXT("device"), .required = true},
    {TEXT("address"), .required = true},
    {TEXT("gateway")},
    {NUMBER("mtu", 576, 9216)},
};

static const struct schema_key listener[] = {
    {TEXT("port"), .required = true},
    {NUMBER("tcp_port", 1, 65535), .fallback = "25"},
    {TEXT("proxy_from")},
    {TEXT("xclient_from")},
    {WORD("pipelining", "no", "yes"), .fallback = "yes"},
    {WORD("size", "no", "yes"), .fallback = "yes"},
    {WORD("8bitmime", "no", "yes"), .fallback = "yes"},
    {WORD("smtputf8", "no", "yes"), .fallback = "yes"},
    {WORD("enhancedstatuscodes", "no", "yes"), .fallback = "yes"},
    {WORD("limits", "no", "yes"), .fallback = "yes"},
    {WORD("chunking", "no", "yes"), .fallback = "yes"},
    {WORD("binarymime", "no", "yes"), .fallback = "no"},
    {WORD("dsn", "no", "yes"), .fallback = "no"},
    {WORD("bare_newline", "refuse", "repair"), .fallback = "refuse"},
};

static const struct schema_key domain[] = {
    {TEXT("mailboxes")},
    {TEXT("mailbox_server")},
    {WORD("split_domain_routing", "no", "yes"), .fallback = "no"},
    {TEXT("external_mail_server")},
    {TEXT("verification_address")},
    {TEXT("verify_sender"), .fallback = "<>"},
    {DURATION("verify_interval", SEC, 24 * HOUR), .fallback = "300s"},
    {NUMBER("fall", 1, 100), .fallback = "3"},
    {TEXT("external_clients")},
    {TEXT("local_clients")},
    {TEXT("accept_from")},
    {WORD("local_identity", "none", "xclient", "xforward", "proxy-v2"), .fallback = "none"},
    {WORD("external_identity", "none", "xclient", "xforward", "proxy-v2"), .fallback = "none"},
    {TEXT("subaddress_delimiter")},
    {NUMBER("max_shrink", 0, 100), .fallback = "5"},
    {DURATION("move_grace", 0, 30 * 24 * HOUR), .fallback = "24h"},
    {WORD("migration", "no", "yes"), .fallback = "no"},
    {WORD("postmaster", "local", "external"), .fallback = "local"},
};

static const struct schema_key message[] = {
    {SIZE("max_size", 64 * KIB, 4 * GIB - 1), .fallback = "50M"},
    /* RFC 5321 §4.5.3.1.8: at least 100 must be taken. */
    {NUMBER("recipients", 100, 100000), .fallback = "1000"},
    /* RFC 5321 §6.3 advises 100 or more to those who know a loop by nothing else. */
    {NUMBER("hop_limit", 1, 1000), .fallback = "50"},
    {SIZE("replay_bytes", 0, 16 * MIB), .fallback = "256K"},
    {NUMBER("max_legs", 1, 16), .fallback = "2"},
    {WORD("multi_route", "fanout", "serialize"), .fallback = "fanout"},
    {WORD("commit_order", "external", "local"), .fallback = "external"},
};

static const struct schema_key timeouts[] = {
    {DURATION("client_command", SEC, HOUR), .fallback = "5m"},
    {DURATION("connect", 100 * MSEC, 5 * MIN), .fallback = "30s"},
    {DURATION("rcpt", SEC, 5 * MIN), .fallback = "240s"},
    {DURATION("data", SEC, 2 * MIN), .fallback = "100s"},
    {DURATION("body_stall", SEC, 3 * MIN), .fallback = "150s"},
    {DURATION("leg_stall", SEC, 3 * MIN), .fallback = "30s"},
    {DURATION("commit", SEC, 10 * MIN), .fallback = "540s"},
    {DURATION("hint_ttl", SEC, 24 * HOUR), .fallback = "4h"},
    {DURATION("memo_ttl", SEC, 24 * HOUR), .fallback = "4h"},
    {DURATION("pool_idle", 0, HOUR), .fallback = "10s"},
};

static const struct schema_key destinations[] = {
    {NUMBER("connections", 1, 60000), .fallback = "100"},
    {NUMBER("fair_share", 1, 100), .fallback = "50"},
    {NUMBER("max_leg_errors", 1, 1000000), .fallback = "5"},
    {TEXT("infrastructure_reject")},
};

static const struct schema_key limits[] = {
    {NUMBER("connections", 0, 1000000), .fallback = "0"},
    {NUMBER("connection_rate", 0, 1000000), .fallback = "0"},
    {NUMBER("message_rate", 0, 1000000), .fallback = "0"},
    {NUMBER("recipient_rate", 0, 1000000), .fallback = "0"},
    {NUMBER("invalid_rate", 0, 1000000), .fallback = "0"},
    {NUMBER("error_rate", 0, 1000000), .fallback = "0"},
    {NUMBER("min_data_rate", 0, 1000000), .fallback = "0"},
    {TEXT("exempt")},
};

static const struct schema_key tcp[] = {
    {WORD("congestion", "cubic", "newreno"), .fallback = "cubic"},
};

static const struct schema_key logging[] = {
    {TEXT("file")},
};

#define KEYS(list) .keys = list, .key_count = COUNT_OF(list)
static const struct schema_section sections[] = {
    {"appliance", .required = true, KEYS(appliance)},
    {"memory", KEYS(memory)},
    {"port", .named = true, .required = true, KEYS(port)},
    {"listener", .named = true, .required = true, KEYS(listener)},
    {"domain", .named = true, .required = true, KEYS(domain)},
    {"message", KEYS(message)},
    {"timeouts", KEYS(timeouts)},
    {"destinations", KEYS(destinations)},
    {"limits", KEYS(limits)},
    {"tcp", KEYS(tcp)},
    {"log", KEYS(logging)},
};

const struct schema_section *schema_sections(unsigned *count)
{
    *count = COUNT_OF(sections);
    return sections;
}

const struct schema_section *schema_find_section(const char *type)
{
    for (unsigned i = 0; i < COUNT_OF(sections); i++)
        if (strcmp(sections[i].type, type) == 0)
            return &sections[i];
    return NULL;
}

const struct schema_key *schema_find_key(const struct schema_section *s, const char *name)
{
    for (unsigned i = 0; i < s->key_count; i++)
        if (strcmp(s->keys[i].name, name) == 0)
            return &s->keys[i];
    return NULL;
}

#define TYPO_MAX 40

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

static char folded(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c == '-' ? '_' : c;
}

/* Edits that make b of a: insert, delete, replace, swap neighbours (Damerau 1964). Letter case and
 * '-' for '_' are free. */
static unsigned distance(const char *a, const char *b)
{
    unsigned rows[3][TYPO_MAX + 1];
    unsigned *above2 = rows[0], *above = rows[1], *row = rows[2];
    size_t m = strlen(a), n = strlen(b);
    if (m > TYPO_MAX || n > TYPO_MAX)
        return TYPO_MAX;
    for (unsigned j = 0; j <= n; j++)
        above[j] = j;
    for (unsigned i = 1; i <= m; i++) {
        row[0] = i;
        for (unsigned j = 1; j <= n; j++) {
            bool same = folded(a[i - 1]) == folded(b[j - 1]);
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + !same);
            if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
                folded(a[i - 2]) == folded(b[j - 1]) && above2[j - 2] + 1 < row[j])
                row[j] = above2[j - 2] + 1;
        }
        unsigned *spare = above2;
        above2 = above;
        above = row;
        row = spare;
    }
    return above[n];
}

/* One edit in three letters still looks like a typo. */
static bool nearer(const char *typed, const char *name, unsigned *best)
{
    unsigned d = distance(typed, name);
    if (d >= *best || d * 3 > strlen(name))
        return false;
    *best = d;
    return true;
}

const char *schema_nearest_section(const char *type)
{
    const char *found = NULL;
    unsigned best = TYPO_MAX;
    for (unsigned i = 0; i < COUNT_OF(sections); i++)
        if (nearer(type, sections[i].type, &best))
            found = sections[i].type;
    return found;
}

const char *schema_nearest_key(const struct schema_section *s, const char *name)
{
    const char *found = NULL;
    unsigned best = TYPO_MAX;
    for (unsigned i = 0; i < s->key_count; i++)
        if (nearer(name, s->keys[i].name, &best))
            found = s->keys[i].name;
    return found;
}
