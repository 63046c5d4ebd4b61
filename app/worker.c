/* SPDX-License-Identifier: BSD-3-Clause */
/* One lcore: poll -> stack -> sessions -> transmit. */
#include "app/worker.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_pause.h>

#include "app/publisher.h"
#include "drivers/ip/ip.h"

#define EPHEMERAL_FIRST 16384
#define EPHEMERAL_LAST  65535

/* Enough for 1 Gbit/s over 100 ms; what a connection gets of it depends on what it can use, and on
 * its share of the memory budget. */
#define RECEIVE_WINDOW   (16 * 1024 * 1024)
#define SEND_LIMIT       (32 * 1024 * 1024)
#define NEIGHBOURS       1024
#define REASSEMBLY_FLOWS 256

/* idle = sleep: after this many idle rounds the core is given back, for longer and longer. */
#define IDLE_ROUNDS 64
#define SLEEP_FIRST (20 * NSEC_PER_USEC)
#define SLEEP_MAX   (500 * NSEC_PER_USEC)

/* How long connections may go on closing after the last client has gone. */
#define LINGER (2 * NSEC_PER_SEC)

struct worker {
    const struct settings *settings;
    const uint64_t *wall_offset;
    struct pools *pools;
    struct ip_stack *ip;
    struct tcp *tcp;
    struct relay *relay;
    struct maillog *log;
    struct publisher *publisher; /* NULL: the first snapshot is the only one */
    unsigned index;
    bool settled;             /* nothing is left to do for the snapshot in use */
    uint64_t generation;      /* of that */
    bool shutdown;            /* set by another thread */
    nsec_t shutdown_deadline; /* 0: not shutting down */
    nsec_t linger_deadline;   /* 0: clients are still there */
    uint64_t counters[WORKER_COUNTER_COUNT];
    struct timer_wheel wheel;
};

COUNTER_LIST_DEFINE(worker_counter_list, "worker", WORKER_COUNTERS)

nsec_t worker_clock(void)
{
    uint64_t scale = (NSEC_PER_SEC << 32) / rte_get_tsc_hz(); /* ns of a cycle, times 2^32 */
    return (nsec_t)((unsigned __int128)rte_rdtsc() * scale >> 32);
}

static uint64_t wall(const struct worker *w, nsec_t now)
{
    return now + __atomic_load_n(w->wall_offset, __ATOMIC_RELAXED);
}

static bool create_network(struct worker *w, const struct worker_config *config, nsec_t now)
{
    const struct settings *s = config->settings;
    struct ip_link_config links[SETTINGS_MAX_PORTS] = {0};
    for (unsigned i = 0; i < s->port_count; i++) {
        links[i].link = config->links[i];
        links[i].address_count = s->ports[i].address_count;
        memcpy(links[i].addresses, s->ports[i].addresses, sizeof(links[i].addresses));
        memcpy(links[i].networks, s->ports[i].networks, sizeof(links[i].networks));
        links[i].gateway4 = s->ports[i].gateway4;
        links[i].gateway6 = s->ports[i].gateway6;
    }
    struct ip_config ip = {
        .links = links,
        .link_count = s->port_count,
        .pools = config->pools,
        .wheel = &w->wheel,
        .neighbour_entries = NEIGHBOURS,
        .reassembly_flows = REASSEMBLY_FLOWS,
    };
    memcpy(&ip.seed, config->secret + 16, sizeof(ip.seed));
    w->ip = ip_create(&ip, now);
    if (w->ip == NULL)
        return false;
    struct tcp_config tcp = {
        .ip = w->ip,
        .pools = config->pools,
        .wheel = &w->wheel,
        .max_connections = s->max_connections,
        .max_half_open = s->max_connections / 16 + 1,
        .max_time_wait = s->max_connections,
        .receive_window = RECEIVE_WINDOW,
        .send_limit = SEND_LIMIT,
        .ecn = true,
        .port_first = EPHEMERAL_FIRST,
        .port_last = EPHEMERAL_LAST,
        .congestion = s->congestion,
    };
    memcpy(tcp.secret, config->secret, sizeof(tcp.secret));
    w->tcp = tcp_create(&tcp, now);
    return w->tcp != NULL;
}

struct worker *worker_create(const struct worker_config *config, nsec_t now, const char **why)
{
    struct worker *w = calloc(1, sizeof(*w));
    *why = "out of memory";
    if (w == NULL)
        return NULL;
    w->settings = config->settings;
    w->wall_offset = config->wall_offset;
    w->pools = config->pools;
    w->log = config->log;
    w->publisher = config->publisher;
    w->index = config->index;
    w->generation = snapshot_generation(config->snapshot);
    w->settled = true;
    timer_wheel_init(&w->wheel, now);
    struct relay_config relay = {
        .settings = config->settings,
        .snapshot = config->snapshot,
        .probes = config->publisher != NULL
                      ? publisher_current(config->publisher)->probes[config->index]
                      : NULL,
        .wheel = &w->wheel,
        .log = config->log,
        .worker = config->index,
    };
    memcpy(&relay.seed, config->secret + 24, sizeof(relay.seed));
    memcpy(relay.secret, config->secret, sizeof(relay.secret));
    if (create_network(w, config, now)) {
        relay.tcp = w->tcp;
        w->relay = relay_create(&relay, now, wall(w, now), why);
    }
    if (w->relay == NULL) {
        worker_destroy(w);
        return NULL;
    }
    if (!relay_listen(w->relay)) {
        *why = "two listeners have the same address and port";
        worker_destroy(w);
        return NULL;
    }
    ip_announce(w->ip);
    return w;
}

void worker_destroy(struct worker *w)
{
    if (w == NULL)
        return;
    if (w->tcp != NULL)
        tcp_destroy(w->tcp);
    if (w->ip != NULL)
        ip_destroy(w->ip);
    relay_destroy(w->relay);
    free(w);
}

unsigned worker_round(struct worker *w, nsec_t now)
{
    pools_poll(w->pools);
    ip_set_now(w->ip, now);
    tcp_set_now(w->tcp, now);
    relay_set_now(w->relay, now, wall(w, now));
    unsigned work = ip_receive(w->ip);
    work += timer_wheel_advance(&w->wheel, now);
    work += tcp_dispatch(w->tcp);
    relay_run(w->relay);
    tcp_flush(w->tcp);
    ip_flush(w->ip);
    w->counters[WORKER_ROUNDS]++;
    w->counters[WORKER_ROUNDS_BUSY] += work > 0;
    return work;
}

nsec_t worker_next(const struct worker *w)
{
    return timer_wheel_next(&w->wheel);
}

bool worker_pick_up(struct worker *w)
{
    if (w->publisher == NULL)
        return false;
    publisher_quiescent(w->publisher, w->index);
    const struct publication *p = publisher_current(w->publisher);
    if (p->generation == w->generation && w->settled)
        return false;
    if (p->generation != w->generation) {
        relay_adopt(w->relay, p->snapshot, p->probes[w->index]);
        w->generation = p->generation;
        w->counters[WORKER_SWITCHES]++;
    }
    w->settled = relay_settle(w->relay);
    if (w->settled)
        publisher_settled(w->publisher, w->index, w->generation);
    return true;
}

uint64_t worker_oldest_generation(const struct worker *w)
{
    return relay_oldest_generation(w->relay);
}

void worker_shutdown(struct worker *w)
{
    __atomic_store_n(&w->shutdown, true, __ATOMIC_RELAXED);
}

bool worker_is_over(struct worker *w, nsec_t now)
{
    if (!__atomic_load_n(&w->shutdown, __ATOMIC_RELAXED))
        return false;
    if (w->shutdown_deadline == 0) {
        w->shutdown_deadline = now + w->settings->shutdown_timeout;
        relay_shutdown(w->relay);
    }
    if (!relay_finished(w->relay) && now < w->shutdown_deadline)
        return false;
    if (w->linger_deadline == 0) {
        relay_abort(w->relay);
        w->linger_deadline = now + LINGER;
    }
    return tcp_usage(w->tcp).connections == 0 || now >= w->linger_deadline;
}

/* Nothing to do: give the core back for a while that grows with the silence. */
static void rest(struct worker *w, unsigned idle, nsec_t now)
{
    if (!w->settings->idle_sleep || idle < IDLE_ROUNDS) {
        rte_pause();
        return;
    }
    unsigned doublings = idle - IDLE_ROUNDS;
    nsec_t nap = doublings > 4 ? SLEEP_MAX : SLEEP_FIRST << doublings;
    nsec_t next = worker_next(w);
    if (next <= now)
        return;
    struct timespec t = {.tv_nsec = (long)(nap < next - now ? nap : next - now)};
    if (w->publisher != NULL)
        publisher_offline(w->publisher, w->index);
    nanosleep(&t, NULL);
    if (w->publisher != NULL)
        publisher_online(w->publisher, w->index);
    w->counters[WORKER_SLEEPS]++;
}

/* How long mail had to wait for the new snapshot. Returns the time. */
static nsec_t count_switch(struct worker *w, nsec_t begun)
{
    nsec_t now = worker_clock();
    w->counters[WORKER_SWITCH_NSEC] += now - begun;
    if (now - begun > w->counters[WORKER_SWITCH_NSEC_MAX])
        w->counters[WORKER_SWITCH_NSEC_MAX] = now - begun;
    return now;
}

int worker_main(void *worker)
{
    struct worker *w = worker;
    unsigned idle = 0;
    nsec_t start = worker_clock(), now = start;
    while (!worker_is_over(w, now)) {
        if (worker_pick_up(w))
            now = count_switch(w, now);
        unsigned work = worker_round(w, now);
        if (work == 0)
            rest(w, ++idle, now);
        nsec_t then = now;
        now = worker_clock();
        w->counters[WORKER_NSEC] = now - start;
        if (work > 0) {
            w->counters[WORKER_NSEC_BUSY] += now - then;
            idle = 0;
        }
    }
    if (w->publisher != NULL)
        publisher_offline(w->publisher, w->index);
    return 0;
}

const uint64_t *worker_counters(const struct worker *w)
{
    return w->counters;
}

const struct tcp *worker_tcp(const struct worker *w)
{
    return w->tcp;
}

const struct ip_stack *worker_ip(const struct worker *w)
{
    return w->ip;
}

const struct relay *worker_relay(const struct worker *w)
{
    return w->relay;
}

const struct pools *worker_pools(const struct worker *w)
{
    return w->pools;
}

const struct maillog *worker_log(const struct worker *w)
{
    return w->log;
}
