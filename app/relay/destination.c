/* SPDX-License-Identifier: BSD-3-Clause */
/* Destinations, their connections and those who wait for one. */
#include "app/relay/destination.h"

#include <assert.h>
#include <stdlib.h>

#include <rte_hash.h>
#include <rte_jhash.h>

#include "app/relay/health.h"
#include "app/relay/state.h"

struct destination {
    struct relay *relay;
    struct endpoint server;
    enum smtp_identity_kind identity;
    char name[ADDR_TEXT_SIZE];
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
    struct rte_hash *by_server;
    unsigned count;
    struct destination *all[DESTINATION_MAX];
};

/* Without padding, for hashing. */
struct server_key {
    uint8_t addr[16];
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
        .key_len = sizeof(struct server_key),
        .hash_func = rte_jhash,
        .hash_func_init_val = (uint32_t)r->random,
        .socket_id = SOCKET_ID_ANY,
    };
    ds->relay = r;
    ds->by_server = rte_hash_create(&parameters);
    if (ds->by_server == NULL) {
        free(ds);
        return NULL;
    }
    return ds;
}

void destinations_destroy(struct destinations *ds)
{
    if (ds == NULL)
        return;
    rte_hash_free(ds->by_server);
    for (unsigned i = 0; i < ds->count; i++)
        free(ds->all[i]);
    free(ds);
}

struct destination *destination_find(struct destinations *ds, const struct endpoint *server,
                                     enum smtp_identity_kind identity)
{
    struct server_key key = {.port = server->port, .identity = identity};
    void *found;
    memcpy(key.addr, server->addr.b, sizeof(key.addr));
    if (rte_hash_lookup_data(ds->by_server, &key, &found) >= 0)
        return found;
    /* A server seen for the first time: the one allocation that a new destination costs. */
    struct destination *d = ds->count < DESTINATION_MAX ? calloc(1, sizeof(*d)) : NULL;
    if (d == NULL)
        return NULL;
    d->relay = ds->relay;
    d->server = *server;
    d->identity = identity;
    endpoint_format(server, d->name);
    TAILQ_INIT(&d->idle);
    TAILQ_INIT(&d->waiting);
    if (rte_hash_add_key_data(ds->by_server, &key, d) != 0) {
        free(d);
        return NULL;
    }
    ds->all[ds->count] = d;
    __atomic_store_n(&ds->count, ds->count + 1, __ATOMIC_RELEASE);
    return d;
}

const struct endpoint *destination_server(const struct destination *d)
{
    return &d->server;
}

const char *destination_name(const struct destination *d)
{
    return d->name;
}

enum smtp_identity_kind destination_identity(const struct destination *d)
{
    return d->identity;
}

static void serve(struct destination *d);

static void on_idle(struct connection *c)
{
    struct destination *d = c->keeper_data;
    TAILQ_INSERT_HEAD(&d->idle, c, entry);
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
    __atomic_store_n(&d->size_limit, c->extensions.size_limit, __ATOMIC_RELAXED);
    __atomic_store_n(&d->offers, smtp_extensions_offered(&c->extensions) | GREETED,
                     __ATOMIC_RELEASE);
}

static void on_failed(struct connection *c)
{
    const struct destination *d = c->keeper_data;
    health_note_failure(d->relay, &d->server);
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
    claim->connection =
        connection_open(d->relay, &d->server, d->identity, claim->identity, &keeper, d, &why);
    if (claim->connection != NULL) {
        d->connections++;
        connection_use(claim->connection, claim->ops, claim->user);
        return;
    }
    if (why == CONNECTION_NOT_OPENED)
        health_note_failure(d->relay, &d->server);
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
