/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of one worker's relay share. Private to relay/. */
#ifndef SPLITMX_RELAY_STATE_H
#define SPLITMX_RELAY_STATE_H

#include <sys/queue.h>

#include "app/relay/relay.h"
#include "app/smtp/received.h"
#include "drivers/tcp/tcp.h"

struct connection;
struct destinations;
struct fingerprint;
struct quotas;
struct hints;
struct loops;
struct memo;
struct pending;
struct reply_rules;
struct probe_list;
struct rte_mempool;
struct session;
struct shares;
struct tcp_listener;
struct transaction;

/* An endpoint that we listen on: what session_accept() gets. */
struct entrance {
    struct relay *relay;
    const struct listener_settings *settings;
    struct tcp_listener *listener;
};

TAILQ_HEAD(session_list, session);
TAILQ_HEAD(connection_list, connection);
TAILQ_HEAD(transaction_list, transaction);

struct relay {
    /* Read by every round. */
    nsec_t now;
    uint64_t wall;
    const struct settings *settings;
    const struct snapshot *snapshot;
    struct tcp *tcp;
    struct timer_wheel *wheel;
    struct maillog *log;
    unsigned worker;
    bool shutting_down;

    /* Objects, all preallocated. */
    struct rte_mempool *session_pool, *transaction_pool, *recipient_pool, *connection_pool,
        *kept_pool;
    struct session_list sessions;
    struct session_list woken;         /* have news of their transaction, by woken_entry */
    struct session_list sessions_gone; /* ended in this round */
    struct connection_list gone;       /* ended in this round */
    struct connection_list unclaimed;  /* on their way up, for nobody */
    struct connection_list cleaning;   /* their users left something under way */
    struct connection_list idle;       /* in the pools of all destinations, by pool_entry: the one
                                          that has been there for longest first */
    unsigned connections_left;         /* objects for new ones */
    unsigned connections_quitting;     /* will give theirs back soon */
    struct quotas *quotas;
    struct shares *shares;
    struct destinations *destinations;
    struct digester digester;
    struct hints *hints;
    struct pending *pending;
    struct loops *loops;
    struct memo *memo;
    struct fingerprint *fingerprints; /* all that there are */
    LIST_HEAD(, fingerprint) fingerprints_free;
    const struct probe_list *probes;
    unsigned probe_steps;             /* of the list's, taken */
    struct probe_list *own_probes;    /* NULL: the control thread owns the list */
    struct transaction_list verdicts; /* those that have one, the oldest first */
    struct transaction_list untold;   /* over, but for their clients' acknowledgment */
    uint64_t oldest_generation;       /* see relay_oldest_generation() */
    struct reply_rules *reply_rules;
    struct entrance entrances[SETTINGS_MAX_LISTENERS * SETTINGS_MAX_ADDRESSES];
    unsigned entrance_count;

    uint64_t date_second;      /* of `date`, since the epoch */
    char date[SMTP_DATE_SIZE]; /* what relay_date() gave last */
    uint64_t next_transaction; /* part of transaction ids */
    uint32_t started;          /* seconds since the epoch, likewise */
    uint32_t instance;         /* of this process, likewise: 24 bits */
    uint64_t random;           /* state of the jitter generator */

    struct relay_usage usage;
    uint64_t counters[RELAY_COUNTER_COUNT];
};

static inline void relay_count(struct relay *r, enum relay_counter counter)
{
    r->counters[counter]++;
}

/* NULL if the pool is empty. The first `clear` bytes are zero; what lies behind is what its last
 * user left there. */
void *relay_object_get(struct rte_mempool *pool, size_t clear);
void relay_object_put(struct rte_mempool *pool, void *object);

/* A time, in nanoseconds since the epoch, as Received lines have it; until the next call. */
struct span relay_date(struct relay *r, uint64_t wall);

/* Of a generator that spreads what should be spread; it guards nothing. */
uint64_t relay_random(struct relay *r);

/* `base` plus or minus up to a quarter: retries of many do not march in step. */
nsec_t relay_jitter(struct relay *r, nsec_t base);

/* Something that an operator must look at: a notice in the log, and counted. */
#define relay_alarm(r, ...)                                                                        \
    do {                                                                                           \
        relay_count(r, RELAY_ALARMS);                                                              \
        maillog_notice((r)->log, (r)->wall, "alarm: " __VA_ARGS__);                                \
    } while (0)

#endif
