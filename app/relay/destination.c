/* SPDX-License-Identifier: BSD-3-Clause */
/* Destinations, their connections and those who wait for one. */
#include "app/relay/destination.h"

#include <assert.h>
#include <stdlib.h>

#include <rte_hash.h>
#include <rte_jhash.h>

#include "app/relay/health.h"
#include "app/relay/state.h"
#include "app/route/hash.h"

#define FAIL_FIRST (10 * NSEC_PER_SEC)
#define FAIL_MOST  (320 * NSEC_PER_SEC)

/* What is known of one of the servers. */
struct standing {
    nsec_t usable_at; /* not before: it has failed */
    nsec_t pause;     /* after the last failure; 0: it is well */
};

struct destination {
    struct relay *relay;
    struct servers servers;
    struct standing standing[SERVERS_MAX];
    enum smtp_identity_kind identity;
    char name[SERVERS_TEXT_SIZE];
    struct connection_list idle; /* the most recently used first */
    TAILQ_HEAD(, claim) waiting; /* the longest waiting first */
    unsigned connections;
    /* Any thread reads what it offered last. */
    uint32_t offers; /* a smtp_extension_set, and GREETED */
    uint64_t size_limit;
};

/* It has answered EHLO. */
#define GREETED (UINT32_C(1) << 31)
static_assert(SMTP_EXTENSION_COUNT < 31, "extensions leave room for GREETED");

struct destinations {
    struct relay *relay;
    struct rte_hash *by_servers;
    unsigned count;
    struct destination *all[DESTINATION_MAX];
};

/* Without padding, for hashing. */
struct servers_key {
    uint64_t servers;
    uint8_t first[16];
    uint32_t port, identity;
};

struct destinations *destinations_create(struct relay *r)
{
    struct destinations *ds = calloc(1, sizeof(*ds));
    if (ds == NULL)
        return NULL;
    char name[RTE_HASH_NAMESIZE];
    snprintf(name, sizeof(name), "destinations%u", r->worker);
    struct rte_hash_parameters parameters = {
        .name = name,
        .entries = DESTINATION_MAX,
        .key_len = sizeof(struct servers_key),
        .hash_func = rte_jhash,
        .hash_func_init_val = (uint32_t)r->random,
        .socket_id = SOCKET_ID_ANY,
    };
    ds->relay = r;
    ds->by_servers = rte_hash_create(&parameters);
    if (ds->by_servers == NULL) {
        free(ds);
        return NULL;
    }
    return ds;
}

void destinations_destroy(struct destinations *ds)
{
    if (ds == NULL)
        return;
    rte_hash_free(ds->by_servers);
    for (unsigned i = 0; i < ds->count; i++)
        free(ds->all[i]);
    free(ds);
}

static_assert(sizeof(struct server) == sizeof(struct ip_addr) + 3 * sizeof(uint16_t),
              "no padding is hashed");

struct destination *destination_find(struct destinations *ds, const struct servers *servers,
                                     enum smtp_identity_kind identity)
{
    const struct endpoint *first = &servers->list[0].at;
    struct servers_key key = {
        .servers = hash_bytes((const char *)servers->list, servers->count * sizeof(struct server)),
        .port = first->port,
        .identity = identity,
    };
    void *found;
    memcpy(key.first, first->addr.b, sizeof(key.first));
    if (rte_hash_lookup_data(ds->by_servers, &key, &found) >= 0)
        return found;
    /* Servers seen for the first time: the one allocation that a new destination costs. */
    struct destination *d = ds->count < DESTINATION_MAX ? calloc(1, sizeof(*d)) : NULL;
    if (d == NULL)
        return NULL;
    d->relay = ds->relay;
    d->servers = *servers;
    d->identity = identity;
    servers_format(servers, d->name);
    TAILQ_INIT(&d->idle);
    TAILQ_INIT(&d->waiting);
    if (rte_hash_add_key_data(ds->by_servers, &key, d) != 0) {
        free(d);
        return NULL;
    }
    ds->all[ds->count] = d;
    __atomic_store_n(&ds->count, ds->count + 1, __ATOMIC_RELEASE);
    return d;
}

const struct endpoint *destination_server(const struct destination *d)
{
    return &d->servers.list[0].at;
}

unsigned destination_server_count(const struct destination *d)
{
    return d->servers.count;
}

static bool is_usable(const struct destination *d, unsigned server)
{
    return d->standing[server].usable_at <= d->relay->now;
}

bool destination_has_usable(const struct destination *d)
{
    for (unsigned i = 0; i < d->servers.count; i++)
        if (is_usable(d, i))
            return true;
    return false;
}

const char *destination_name(const struct destination *d)
{
    return d->name;
}

enum smtp_identity_kind destination_identity(const struct destination *d)
{
    return d->identity;
}

/* Which of the servers a connection goes to. */
static unsigned server_of(const struct destination *d, const struct connection *c)
{
    unsigned i = 0;
    while (i + 1 < d->servers.count && !endpoint_equal(&d->servers.list[i].at, &c->stream->peer))
        i++;
    return i;
}

/* Is one of a lower priority worth a connection again? They are in order. */
static bool has_better(const struct destination *d, unsigned server)
{
    for (unsigned i = 0; d->servers.list[i].priority < d->servers.list[server].priority; i++)
        if (is_usable(d, i))
            return true;
    return false;
}

/* One that is usable, of the lowest priority, by weight; else the first that will be. */
static unsigned choose(const struct destination *d)
{
    const struct server *list = d->servers.list;
    unsigned chosen = d->servers.count, soonest = 0;
    uint64_t weights = 0;
    for (unsigned i = 0; i < d->servers.count; i++) {
        if (d->standing[i].usable_at < d->standing[soonest].usable_at)
            soonest = i;
        if (!is_usable(d, i) ||
            (chosen < d->servers.count && list[i].priority > list[chosen].priority))
            continue;
        weights += list[i].weight;
        if (relay_random(d->relay) % weights < list[i].weight)
            chosen = i;
    }
    return chosen < d->servers.count ? chosen : soonest;
}

/* One that has failed before is tried by one connection, not by all at once. */
static void try_out(struct standing *s, nsec_t now)
{
    if (s->pause > 0)
        s->usable_at = now + s->pause;
}

/* Where there are others, who does not look may never know. */
static void tell(const struct destination *d, unsigned server, const char *what)
{
    char text[ADDR_TEXT_SIZE];
    if (d->servers.count > 1)
        maillog_notice(d->relay->log, d->relay->wall, "server %s %s",
                       endpoint_format(&d->servers.list[server].at, text), what);
}

/* It could not be reached, or did not greet. It is the destination's failure where no other server
 * of it is left. */
static void note_failure(struct destination *d, unsigned server)
{
    struct standing *s = &d->standing[server];
    if (s->pause == 0)
        tell(d, server, "cannot be used: others are asked first");
    s->pause = s->pause == 0 ? FAIL_FIRST : RTE_MIN(2 * s->pause, FAIL_MOST);
    s->usable_at = d->relay->now + s->pause;
    if (!destination_has_usable(d))
        health_note_failure(d->relay, &d->servers);
}

static void serve(struct destination *d);

static void on_idle(struct connection *c)
{
    struct destination *d = c->keeper_data;
    TAILQ_INSERT_HEAD(&d->idle, c, entry);
    if (has_better(d, server_of(d, c)))
        connection_quit(c);
    serve(d);
}

static void on_busy(struct connection *c)
{
    struct destination *d = c->keeper_data;
    TAILQ_REMOVE(&d->idle, c, entry);
}

static void on_greeted(struct connection *c)
{
    struct destination *d = c->keeper_data;
    unsigned server = server_of(d, c);
    if (d->standing[server].pause > 0)
        tell(d, server, "can be used again");
    d->standing[server] = (struct standing){0};
    __atomic_store_n(&d->size_limit, c->extensions.size_limit, __ATOMIC_RELAXED);
    __atomic_store_n(&d->offers, smtp_extensions_offered(&c->extensions) | GREETED,
                     __ATOMIC_RELEASE);
}

static void on_failed(struct connection *c)
{
    struct destination *d = c->keeper_data;
    note_failure(d, server_of(d, c));
}

static void on_gone(struct connection *c)
{
    struct destination *d = c->keeper_data;
    d->connections--;
    serve(d);
}

static const struct connection_keeper keeper = {
    .idle = on_idle,
    .busy = on_busy,
    .greeted = on_greeted,
    .failed = on_failed,
    .gone = on_gone,
};

static bool may_open(const struct destination *d)
{
    return d->connections < d->relay->settings->destination_connections;
}

bool destination_has_room(const struct destination *d)
{
    return TAILQ_EMPTY(&d->waiting) && (!TAILQ_EMPTY(&d->idle) || may_open(d));
}

/* Open a connection for the claim; it hears of it later, or at once if that fails. */
static void open_for(struct destination *d, struct claim *claim)
{
    enum connection_loss why;
    unsigned server = choose(d);
    try_out(&d->standing[server], d->relay->now);
    claim->connection = connection_open(d->relay, &d->servers.list[server].at, d->identity,
                                        claim->identity, &keeper, d, &why);
    if (claim->connection != NULL) {
        d->connections++;
        connection_use(claim->connection, claim->ops, claim->user);
        return;
    }
    if (why == CONNECTION_NOT_OPENED)
        note_failure(d, server);
    claim->ops->lost(claim->user, why);
}

static void hand_over(struct destination *d, struct connection *c, struct claim *claim)
{
    relay_count(d->relay, RELAY_CONNECTIONS_REUSED);
    claim->connection = c;
    connection_use(c, claim->ops, claim->user);
}

/* The most recently used that carries what the claim wants. */
static struct connection *find_idle(const struct destination *d, const struct claim *claim)
{
    struct connection *c;
    TAILQ_FOREACH (c, &d->idle, entry) {
        if (connection_carries(c, claim->identity))
            return c;
    }
    return NULL;
}

/* Give the claim what it wants, as far as the bound allows: for others' sake, or for one that has
 * to be fresh, the one that has been idle for longest makes room. False: it has to wait. */
static bool satisfy(struct destination *d, struct claim *claim, bool fresh)
{
    struct connection *idle = fresh ? NULL : find_idle(d, claim);
    if (idle != NULL) {
        hand_over(d, idle, claim);
        return true;
    }
    if (!may_open(d)) {
        idle = TAILQ_LAST(&d->idle, connection_list);
        if (idle == NULL)
            return false;
        connection_quit(idle);
    }
    open_for(d, claim);
    return true;
}

void claim_connection(struct destination *d, struct claim *claim, bool fresh)
{
    claim->connection = NULL;
    claim->waiting = NULL;
    if (TAILQ_EMPTY(&d->waiting) && satisfy(d, claim, fresh))
        return;
    relay_count(d->relay, RELAY_WAITED);
    claim->waiting = d;
    TAILQ_INSERT_TAIL(&d->waiting, claim, entry);
}

static void stop_waiting(struct claim *claim)
{
    TAILQ_REMOVE(&claim->waiting->waiting, claim, entry);
    claim->waiting = NULL;
}

void claim_cancel(struct claim *claim)
{
    if (claim->waiting != NULL)
        stop_waiting(claim);
    if (claim->connection != NULL)
        connection_release(claim->connection, false);
    claim->connection = NULL;
}

/* Hand out what there is to those who wait, in turn. */
static void serve(struct destination *d)
{
    struct claim *claim;
    while ((claim = TAILQ_FIRST(&d->waiting)) != NULL) {
        if (TAILQ_EMPTY(&d->idle) && !may_open(d))
            return;
        stop_waiting(claim);
        if (!satisfy(d, claim, false))
            return;
    }
}

bool destinations_offer(const struct destinations *ds, unsigned index, struct relay_offer *out)
{
    if (index >= __atomic_load_n(&ds->count, __ATOMIC_ACQUIRE))
        return false;
    const struct destination *d = ds->all[index];
    uint32_t offers = __atomic_load_n(&d->offers, __ATOMIC_ACQUIRE);
    out->server = d->name;
    out->known = (offers & GREETED) != 0;
    out->offers = offers & ~GREETED;
    out->size_limit = __atomic_load_n(&d->size_limit, __ATOMIC_RELAXED);
    return true;
}

void destinations_quit_idle(struct destinations *ds)
{
    for (unsigned i = 0; i < ds->count; i++) {
        struct connection *c;
        while ((c = TAILQ_FIRST(&ds->all[i]->idle)) != NULL)
            connection_quit(c);
    }
}
