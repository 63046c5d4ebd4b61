/* SPDX-License-Identifier: BSD-3-Clause */
/* Destinations, their connections and those who wait for one. */
#include "app/relay/destination.h"

#include <assert.h>
#include <stdlib.h>

#include <rte_hash.h>
#include <rte_jhash.h>

#include "app/relay/health.h"
#include "app/relay/state.h"
#include "app/relay/targets.h"

struct destination {
    struct relay *relay;
    struct targets targets;
    enum smtp_identity_kind identity;
    char name[SERVERS_TEXT_SIZE];
    struct connection_list idle; /* the most recently used first */
    struct turns turns;
    unsigned connections;
    /* Any thread reads what it offered last. */
    uint32_t offers; /* a smtp_extension_set, and GREETED */
    uint64_t size_limit;
    bool degraded;
};

/* It has answered EHLO. */
#define GREETED (UINT32_C(1) << 31)
static_assert(SMTP_EXTENSION_COUNT < 31, "extensions leave room for GREETED");

struct destinations {
    struct relay *relay;
    struct rte_hash *by_servers;
    bool starved; /* somebody waits because the worker has no connection left */
    unsigned count;
    struct destination *all[DESTINATION_MAX];
};

/* Without padding, for hashing. */
struct servers_key {
    uint64_t servers, identity;
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

/* Nobody is at addresses any more that a name has no longer. */
static void renew(struct destination *d)
{
    struct connection *c, *next;
    if (!targets_renew(&d->targets))
        return;
    for (c = TAILQ_FIRST(&d->idle); c != NULL; c = next) {
        next = TAILQ_NEXT(c, entry);
        if (targets_find(&d->targets, &c->stream->peer) == d->targets.count)
            connection_quit(c);
    }
}

struct destination *destination_find(struct destinations *ds, const struct servers *servers,
                                     enum smtp_identity_kind identity)
{
    const struct servers_key key = {servers->id, identity};
    void *found;
    if (rte_hash_lookup_data(ds->by_servers, &key, &found) >= 0) {
        renew(found);
        return found;
    }
    /* Servers seen for the first time: the one allocation that a new destination costs. */
    struct destination *d = ds->count < DESTINATION_MAX ? calloc(1, sizeof(*d)) : NULL;
    if (d == NULL)
        return NULL;
    d->relay = ds->relay;
    targets_start(&d->targets, servers);
    d->identity = identity;
    servers_format(servers, d->name);
    TAILQ_INIT(&d->idle);
    turns_start(&d->turns, ds->relay->shares, ds->relay->settings->destination_connections,
                ds->relay->settings->fair_share);
    if (rte_hash_add_key_data(ds->by_servers, &key, d) != 0) {
        free(d);
        return NULL;
    }
    ds->all[ds->count] = d;
    __atomic_store_n(&ds->count, ds->count + 1, __ATOMIC_RELEASE);
    return d;
}

const uint64_t *destination_id(const struct destination *d)
{
    return &d->targets.servers.id;
}

unsigned destination_target_count(const struct destination *d)
{
    return d->targets.count;
}

bool destination_has_usable(const struct destination *d)
{
    return targets_any_usable(&d->targets, d->relay->now);
}

const char *destination_name(const struct destination *d)
{
    return d->name;
}

enum smtp_identity_kind destination_identity(const struct destination *d)
{
    return d->identity;
}

/* Where there are others, who does not look may never know. */
static void tell(const struct destination *d, const struct endpoint *server, const char *what)
{
    char text[ADDR_TEXT_SIZE];
    if (d->targets.count > 1)
        maillog_notice(d->relay->log, d->relay->wall, "server %s %s", endpoint_format(server, text),
                       what);
}

/* A server could not be reached, or did not greet. It is the destination's failure where no other
 * one of it is left. */
static void note_failure(struct destination *d, const struct endpoint *server)
{
    nsec_t now = d->relay->now;
    if (targets_note_failure(&d->targets, targets_find(&d->targets, server), now))
        tell(d, server, "cannot be used: others are asked first");
    if (!targets_any_usable(&d->targets, now))
        health_note_failure(d->relay, &d->targets.servers);
}

static void serve(struct destination *d);

static void on_idle(struct connection *c)
{
    struct destination *d = c->keeper_data;
    TAILQ_INSERT_HEAD(&d->idle, c, entry);
    turns_give_back(&d->turns, &c->holders);
    if (targets_have_better(&d->targets, targets_find(&d->targets, &c->stream->peer),
                            d->relay->now))
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
    if (targets_note_success(&d->targets, targets_find(&d->targets, &c->stream->peer)))
        tell(d, &c->stream->peer, "can be used again");
    __atomic_store_n(&d->size_limit, c->extensions.size_limit, __ATOMIC_RELAXED);
    __atomic_store_n(&d->offers, smtp_extensions_offered(&c->extensions) | GREETED,
                     __ATOMIC_RELEASE);
}

static void on_failed(struct connection *c)
{
    struct destination *d = c->keeper_data;
    note_failure(d, &c->stream->peer);
}

static void on_gone(struct connection *c)
{
    struct destination *d = c->keeper_data;
    d->connections--;
    turns_give_back(&d->turns, &c->holders);
    serve(d);
}

static const struct connection_keeper keeper = {
    .idle = on_idle,
    .busy = on_busy,
    .greeted = on_greeted,
    .failed = on_failed,
    .gone = on_gone,
};

static bool is_below_bound(const struct destination *d)
{
    return d->connections < d->relay->settings->destination_connections;
}

static bool may_open(const struct destination *d)
{
    return is_below_bound(d) && d->relay->connections_left > 0;
}

static bool has_any(const struct destination *d)
{
    return !TAILQ_EMPTY(&d->idle) || may_open(d);
}

bool destination_has_room(const struct destination *d, const struct parties *parties)
{
    return has_any(d) && turns_allow(&d->turns, parties) && !turns_wanted(&d->turns);
}

/* Open a connection for the claim; it hears of it later, or at once if that fails. */
static void open_for(struct destination *d, struct claim *claim)
{
    enum connection_loss why = CONNECTION_NOT_FOUND;
    const struct endpoint *server = NULL;
    if (d->targets.count > 0) {
        server =
            &d->targets.list[targets_choose(&d->targets, d->relay->now, relay_random(d->relay))].at;
        claim->connection =
            connection_open(d->relay, server, d->identity, claim->identity, &keeper, d, &why);
    }
    if (claim->connection != NULL) {
        d->connections++;
        turns_take(&d->turns, &claim->turn.parties, &claim->connection->holders);
        connection_use(claim->connection, claim->ops, claim->user);
        return;
    }
    if (why == CONNECTION_NOT_OPENED)
        note_failure(d, server);
    else if (why == CONNECTION_NOT_FOUND)
        health_note_failure(d->relay, &d->targets.servers);
    claim->ops->lost(claim->user, why);
}

static void hand_over(struct destination *d, struct connection *c, struct claim *claim)
{
    relay_count(d->relay, RELAY_CONNECTIONS_REUSED);
    claim->connection = c;
    turns_take(&d->turns, &claim->turn.parties, &c->holders);
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

/* Give the claim what it wants, as far as the bounds allow: for others' sake, or for one that has
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
    if (d->relay->connections_left == 0)
        return false;
    open_for(d, claim);
    return true;
}

/* Does somebody wait for want of nothing but an object? Those of connections that have gone come
 * back between rounds. */
static bool is_starved(const struct destination *d)
{
    return d->relay->connections_left == 0 && is_below_bound(d) && turns_wanted(&d->turns);
}

static void wait_in_turn(struct destination *d, struct claim *claim)
{
    if (turns_wait(&d->turns, &claim->turn))
        claim->waiting = d;
    else
        claim->ops->lost(claim->user, CONNECTION_NO_MEMORY);
    d->relay->destinations->starved |= is_starved(d);
}

void claim_connection(struct destination *d, struct claim *claim, bool fresh)
{
    claim->connection = NULL;
    claim->waiting = NULL;
    turns_meet(&d->turns, &claim->turn.parties);
    bool allowed = turns_allow(&d->turns, &claim->turn.parties);
    if (allowed && !turns_wanted(&d->turns) && satisfy(d, claim, fresh))
        return;
    relay_count(d->relay, RELAY_WAITED);
    if (!allowed)
        relay_count(d->relay, RELAY_WAITED_SHARE);
    wait_in_turn(d, claim);
}

void claim_cancel(struct claim *claim)
{
    if (claim->waiting != NULL)
        turns_leave(&claim->waiting->turns, &claim->turn);
    claim->waiting = NULL;
    if (claim->connection != NULL)
        connection_release(claim->connection, false);
    claim->connection = NULL;
}

/* Hand out what there is to those who wait, in turn. */
static void serve(struct destination *d)
{
    struct turn *turn;
    while (has_any(d) && (turn = turns_next(&d->turns)) != NULL) {
        struct claim *claim = CONTAINER_OF(turn, struct claim, turn);
        claim->waiting = NULL;
        if (!satisfy(d, claim, false)) {
            wait_in_turn(d, claim);
            break;
        }
    }
    d->relay->destinations->starved |= is_starved(d);
}

void destinations_make_way(struct destinations *ds)
{
    struct relay *r = ds->relay;
    bool hopeless = r->connections_quitting > 0 || TAILQ_EMPTY(&r->idle);
    unsigned wanted = 0;
    if (!ds->starved || (r->connections_left == 0 && hopeless))
        return;
    ds->starved = false;
    for (unsigned i = 0; i < ds->count; i++) {
        serve(ds->all[i]);
        wanted += is_starved(ds->all[i]);
    }
    for (; wanted > 0 && !TAILQ_EMPTY(&r->idle); wanted--)
        connection_quit(TAILQ_FIRST(&r->idle));
}

static void set_degraded(struct destination *d, bool degraded)
{
    if (d->degraded != degraded)
        __atomic_store_n(&d->degraded, degraded, __ATOMIC_RELAXED);
}

void destination_note_refusal(struct destination *d)
{
    set_degraded(d, true);
}

void destination_note_accept(struct destination *d)
{
    set_degraded(d, false);
}

bool destinations_offer(const struct destinations *ds, unsigned index, struct relay_offer *out)
{
    if (index >= __atomic_load_n(&ds->count, __ATOMIC_ACQUIRE))
        return false;
    const struct destination *d = ds->all[index];
    uint32_t offers = __atomic_load_n(&d->offers, __ATOMIC_ACQUIRE);
    out->server = d->name;
    out->servers = &d->targets.servers;
    out->identity = d->identity;
    out->known = (offers & GREETED) != 0;
    out->offers = offers & ~GREETED;
    out->size_limit = __atomic_load_n(&d->size_limit, __ATOMIC_RELAXED);
    out->degraded = __atomic_load_n(&d->degraded, __ATOMIC_RELAXED);
    return true;
}

void destinations_targets(const struct destinations *ds, const struct servers *servers,
                          enum smtp_identity_kind identity, struct targets *out)
{
    unsigned count = __atomic_load_n(&ds->count, __ATOMIC_ACQUIRE);
    targets_start(out, servers);
    for (unsigned i = 0; i < count; i++) {
        struct targets known;
        if (ds->all[i]->targets.servers.id != servers->id || ds->all[i]->identity != identity)
            continue;
        targets_copy(&ds->all[i]->targets, &known);
        targets_recall(out, &known);
    }
}

void destinations_quit_idle(struct destinations *ds)
{
    for (unsigned i = 0; i < ds->count; i++) {
        struct connection *c;
        while ((c = TAILQ_FIRST(&ds->all[i]->idle)) != NULL)
            connection_quit(c);
    }
}
