/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker: one lcore that runs everything between its NIC queues and its destinations to
 * completion.
 *
 *     round: receive -> timers -> streams' events -> relay -> segments -> transmit
 *
 * Everything a worker uses is its own, but for the snapshot, which never changes; between rounds it
 * may go on to the next one. Time comes in as an argument of worker_round(): worker_main() takes it
 * from the TSC, a simulation from its own clock.
 */
#ifndef SPLITMX_WORKER_H
#define SPLITMX_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "app/observe/maillog.h"
#include "app/relay/relay.h"
#include "app/route/snapshot.h"
#include "app/settings.h"
#include "drivers/base/check.h"
#include "drivers/base/pools.h"
#include "drivers/port/link.h"
#include "drivers/tcp/tcp.h"

struct publisher;
struct worker;

struct worker_config {
    unsigned index; /* 0.. */
    const struct settings *settings;
    const struct snapshot *snapshot; /* the first */
    struct publisher *publisher;     /* of those to come, and of the first; NULL: there are none */
    struct pools *pools;
    struct link *links[SETTINGS_MAX_PORTS]; /* by port, in the settings' order */
    struct maillog *log;
    const uint64_t *wall_offset; /* ns to add to the worker's clock for the time of day */
    uint8_t secret[32];          /* random: keys ISNs, ports, hashes, jitter */
};

/* NULL with a sentence in *why. */
struct worker *worker_create(const struct worker_config *config, nsec_t now, const char **why);
void worker_destroy(struct worker *w);

/* One round at time `now`. Returns how many frames, timers and events there were. */
unsigned worker_round(struct worker *w, nsec_t now);

/* No timer of the worker is due before this time: how long it may rest if nothing arrives. */
nsec_t worker_next(const struct worker *w);

/* Between rounds: go on to the snapshot that was published last. True if there was anything to do.
 */
bool worker_pick_up(struct worker *w);

/* Any thread: see relay_oldest_generation(). */
uint64_t worker_oldest_generation(const struct worker *w);

/* The lcore's main function: rounds until the shutdown is over. `worker` is a struct worker. */
int worker_main(void *worker);

/* Any thread: begin the shutdown (finish transactions, at most settings->shutdown_timeout). */
void worker_shutdown(struct worker *w);

/* Before each round: take the next step of the shutdown, if one has begun. True: it is over. */
bool worker_is_over(struct worker *w, nsec_t now);

/* The worker's clock: nanoseconds of the TSC. */
nsec_t worker_clock(void);

/* What a worker has and does. Any thread may read these; they are the worker's to write. */
#define WORKER_COUNTERS(X)                                                                         \
    X(WORKER_ROUNDS, "rounds of the poll loop")                                                    \
    X(WORKER_ROUNDS_BUSY, "rounds that found work")                                                \
    X(WORKER_SLEEPS, "times that the core was given back (idle = sleep)")                          \
    X(WORKER_SWITCHES, "snapshots picked up")                                                      \
    X(WORKER_SWITCH_NSEC, "nanoseconds that this took")                                            \
    X(WORKER_SWITCH_NSEC_MAX, "of these, the longest at one time: what mail waited for it")        \
    X(WORKER_NSEC, "nanoseconds since the worker began")                                           \
    X(WORKER_NSEC_BUSY, "of these, in rounds that found work: what the load costs")

enum worker_counter { WORKER_COUNTERS(COUNTER_ENUM) WORKER_COUNTER_COUNT };
extern const struct counter_list worker_counter_list;
const uint64_t *worker_counters(const struct worker *w);

const struct tcp *worker_tcp(const struct worker *w);
const struct ip_stack *worker_ip(const struct worker *w);
const struct relay *worker_relay(const struct worker *w);
const struct pools *worker_pools(const struct worker *w);
const struct maillog *worker_log(const struct worker *w);

#endif
