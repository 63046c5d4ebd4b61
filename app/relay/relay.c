/* SPDX-License-Identifier: BSD-3-Clause */
/* One worker's relay: what its sessions, transactions and destination connections share. */
#include "app/relay/relay.h"

#include <stdlib.h>

#include <rte_mempool.h>

#include "app/relay/connection.h"
#include "app/relay/destination.h"
#include "app/relay/health.h"
#include "app/relay/hint.h"
#include "app/relay/kept.h"
#include "app/relay/loop.h"
#include "app/relay/pending.h"
#include "app/relay/probe.h"
#include "app/relay/quota.h"
#include "app/relay/recall.h"
#include "app/relay/reply.h"
#include "app/relay/session.h"
#include "app/relay/shortfall.h"
#include "app/relay/state.h"
#include "app/relay/transaction.h"
#include "app/relay/turns.h"

#define OBJECT_CACHE 256 /* objects */
#define PROBE_STEPS  64  /* at once: a worker does not stall for a thousand new servers */

COUNTER_LIST_DEFINE(relay_counter_list, "relay", RELAY_COUNTERS)

static struct rte_mempool *objects(const struct relay *r, const char *what, unsigned count,
                                   size_t size)
{
    char name[RTE_MEMPOOL_NAMESIZE];
    snprintf(name, sizeof(name), "w%u-%s", r->worker, what);
    /* What was given back last, hence is in the processor's cache, is taken first: without the
     * mempool's own cache every object would wait its turn behind all others. */
    unsigned cache = count / 2 < OBJECT_CACHE ? count / 2 : OBJECT_CACHE;
    return rte_mempool_create(
        name, count, (unsigned)size, cache, 0, NULL, NULL, NULL, NULL, SOCKET_ID_ANY,
        RTE_MEMPOOL_F_SP_PUT | RTE_MEMPOOL_F_SC_GET | RTE_MEMPOOL_F_NO_IOVA_CONTIG);
}

/* What a message needs: its transaction, and a connection for it. Those that outlive their session,
 * or idle in a pool, count against the same bound. */
static uint64_t transaction_bytes(const struct settings *s)
{
    return transaction_size(s->max_legs) + sizeof(struct connection);
}

/* Who may wait for connections: legs, and probes, those of one destination as one. */
static unsigned waiting_most(const struct settings *s)
{
    return s->max_transactions * s->max_legs + DESTINATION_MAX;
}

uint64_t relay_memory(const struct settings *s)
{
    return quota_memory(s) + s->max_sessions * session_size() +
           s->max_transactions * transaction_bytes(s) +
           s->max_recipients * sizeof(struct recipient) + kept_blocks(s) * kept_block_size() +
           hints_size() + memo_size(s->memo_entries) + pending_size(s->max_recipients) +
           shares_size(s->max_transactions, waiting_most(s));
}

uint32_t relay_session_memory(void)
{
    return (uint32_t)session_size();
}

/* What tells this process from another one of the same second. Nothing that is derived from the
 * secret itself may be seen outside: so it is by the digest that is keyed with it. */
static bool name_instance(struct relay *r)
{
    struct digest d;
    if (!digest_start(&r->digester) || !digest_add(&r->digester, &r->wall, sizeof(r->wall)) ||
        !digest_finish(&r->digester, &d))
        return false;
    r->instance = d.words[0] & 0xffffff;
    return true;
}

/* Everything that connections and mail need, at once: the data path allocates nothing. */
static bool create_objects(struct relay *r)
{
    const struct settings *s = r->settings;
    unsigned n = s->max_transactions;
    r->session_pool = objects(r, "sessions", s->max_sessions, session_size());
    r->transaction_pool = objects(r, "transactions", n, transaction_size(s->max_legs));
    r->connections_left = n;
    r->connection_pool = objects(r, "connections", n, sizeof(struct connection));
    r->recipient_pool = objects(r, "recipients", s->max_recipients, sizeof(struct recipient));
    r->kept_pool = objects(r, "kept", kept_blocks(s), kept_block_size());
    r->shares = shares_create(n, waiting_most(s));
    r->destinations = destinations_create(r);
    r->quotas = quota_create(s, r->worker);
    r->hints = hints_create(s->hint_ttl);
    r->pending = pending_create(s->max_recipients, (uint32_t)(r->random >> 32));
    return r->shares != NULL && r->hints != NULL && r->pending != NULL && r->quotas != NULL &&
           recall_create(r) && r->session_pool != NULL && r->transaction_pool != NULL &&
           r->recipient_pool != NULL && r->connection_pool != NULL && r->kept_pool != NULL &&
           r->destinations != NULL;
}

struct relay *relay_create(const struct relay_config *config, nsec_t now, uint64_t wall,
                           const char **why)
{
    struct relay *r = calloc(1, sizeof(*r));
    char *expression_error = NULL;
    *why = "out of memory";
    if (r == NULL)
        return NULL;
    r->now = now;
    r->wall = wall;
    r->settings = config->settings;
    r->snapshot = config->snapshot;
    r->tcp = config->tcp;
    r->wheel = config->wheel;
    r->log = config->log;
    r->worker = config->worker;
    r->random = config->seed | 1;
    r->started = (uint32_t)(wall / NSEC_PER_SEC);
    TAILQ_INIT(&r->sessions);
    TAILQ_INIT(&r->woken);
    TAILQ_INIT(&r->sessions_gone);
    TAILQ_INIT(&r->gone);
    TAILQ_INIT(&r->unclaimed);
    TAILQ_INIT(&r->cleaning);
    TAILQ_INIT(&r->idle);
    TAILQ_INIT(&r->verdicts);
    TAILQ_INIT(&r->untold);
    r->reply_rules = reply_rules_create(r->settings->infrastructure_reject, &expression_error);
    if (expression_error != NULL) {
        *why = "infrastructure_reject is not a valid expression";
        free(expression_error);
    }
    if (r->reply_rules == NULL ||
        !digester_create(&r->digester, "what a retry is like", config->secret,
                         sizeof(config->secret)) ||
        !loop_create(r, config->secret) || !name_instance(r) || !create_objects(r)) {
        relay_destroy(r);
        return NULL;
    }
    if (config->probes == NULL)
        r->own_probes = probe_list_new(r->snapshot, NULL);
    relay_adopt(r, r->snapshot, config->probes != NULL ? config->probes : r->own_probes);
    while (!relay_settle(r))
        ;
    return r;
}

void relay_destroy(struct relay *r)
{
    if (r == NULL)
        return;
    transactions_give_back(r);
    probe_list_free(r->own_probes, NULL);
    destinations_destroy(r->destinations);
    shares_destroy(r->shares);
    quota_destroy(r->quotas);
    hints_destroy(r->hints);
    pending_destroy(r->pending);
    recall_destroy(r);
    digester_destroy(&r->digester);
    loop_destroy(r);
    rte_mempool_free(r->session_pool);
    rte_mempool_free(r->transaction_pool);
    rte_mempool_free(r->recipient_pool);
    rte_mempool_free(r->connection_pool);
    rte_mempool_free(r->kept_pool);
    reply_rules_destroy(r->reply_rules);
    free(r);
}

uint64_t relay_oldest_generation(const struct relay *r)
{
    return __atomic_load_n(&r->oldest_generation, __ATOMIC_ACQUIRE);
}

void relay_adopt(struct relay *r, const struct snapshot *s, const struct probe_list *probes)
{
    r->snapshot = s;
    if (probes != NULL && probes != r->probes)
        probes_adopt(r, probes);
    transactions_note_oldest(r);
}

bool relay_settle(struct relay *r)
{
    return probes_settle(r, PROBE_STEPS);
}

void relay_set_now(struct relay *r, nsec_t now, uint64_t wall)
{
    r->now = now;
    r->wall = wall;
}

void relay_run(struct relay *r)
{
    sessions_run(r);
    sessions_reap(r);
    connections_reap(r);
    destinations_make_way(r->destinations);
    sessions_run(r); /* whom that concerned */
}

bool relay_listen(struct relay *r)
{
    const struct settings *s = r->settings;
    for (unsigned i = 0; i < s->listener_count; i++) {
        const struct port_settings *port = &s->ports[s->listeners[i].port];
        for (unsigned k = 0; k < port->address_count; k++) {
            struct endpoint local = {port->addresses[k], s->listeners[i].tcp_port};
            struct entrance *e = &r->entrances[r->entrance_count];
            e->relay = r;
            e->settings = &s->listeners[i];
            e->listener = tcp_listen(r->tcp, &local, session_accept, e);
            if (e->listener == NULL)
                return false;
            r->entrance_count++;
        }
    }
    return true;
}

void relay_shutdown(struct relay *r)
{
    if (r->shutting_down)
        return;
    r->shutting_down = true;
    while (r->entrance_count > 0)
        tcp_listen_close(r->entrances[--r->entrance_count].listener);
    probes_stop(r);
    sessions_shutdown(r);
    destinations_quit_idle(r->destinations);
    connections_shutdown(r);
}

bool relay_finished(const struct relay *r)
{
    return TAILQ_EMPTY(&r->sessions) && r->usage.transactions == 0 && r->usage.connections == 0;
}

void relay_abort(struct relay *r)
{
    r->counters[RELAY_SHUTDOWN_ABORTED] += sessions_abort(r);
    transactions_abort(r);
}

struct relay_usage relay_usage(const struct relay *r)
{
    return r->usage;
}

bool relay_offer(const struct relay *r, unsigned index, struct relay_offer *out)
{
    return destinations_offer(r->destinations, index, out);
}

void relay_targets(const struct relay *r, const struct servers *servers,
                   enum smtp_identity_kind identity, struct targets *out)
{
    destinations_targets(r->destinations, servers, identity, out);
}

smtp_extension_set relay_lacking(const struct settings *s, const struct relay_offer *offer)
{
    smtp_extension_set offered = 0;
    for (unsigned i = 0; i < s->listener_count; i++)
        offered |= s->listeners[i].offers;
    return shortfall_lacking(offered, s->max_size, offer->offers, offer->size_limit);
}

const uint64_t *relay_counters(const struct relay *r)
{
    return r->counters;
}
