/* SPDX-License-Identifier: BSD-3-Clause */
/* One worker's TCP: start and end, rounds, connecting. */
#include "drivers/tcp/tcp.h"

#include <stdlib.h>

#include <rte_mbuf.h>

#include "drivers/tcp/expiry.h"
#include "drivers/tcp/input.h"
#include "drivers/tcp/life.h"
#include "drivers/tcp/output.h"
#include "drivers/tcp/stack.h"
#include "drivers/tcp/stream_glue.h"
#include "drivers/tcp/timers.h"
#include "drivers/tcp/window.h"

COUNTER_LIST_DEFINE(tcp_counter_list, "tcp", TCP_COUNTERS)

/* Events delivered in one round, so that two streams that keep each other busy leave time for
 * packets. */
#define EVENTS_PER_ROUND 4096

#define HALF_OPEN_LEAST 16

static void timewait_fired(struct timer *timer, nsec_t now)
{
    struct tcp *t = CONTAINER_OF(timer, struct tcp, timewait_timer);
    nsec_t next = timewait_expire(&t->timewait, now);
    if (next != UINT64_MAX)
        timer_arm(t->config.wheel, timer, next);
}

/* Every data buffer may be in several queues at once, and each of our segments has a record: four
 * for each buffer, and some for every connection. */
static uint32_t node_count(uint32_t connections, uint32_t data_buffers)
{
    return 4 * data_buffers + 8 * connections;
}

/* Chains of the flow table have less than one entry on average. */
static uint32_t bucket_count(uint32_t connections)
{
    uint32_t buckets = 16;
    while (buckets < connections + connections / 2)
        buckets *= 2;
    return buckets;
}

/* Bytes of a table's pointers for each of its entries. */
static uint32_t share(uint32_t buckets, uint32_t entries)
{
    return entries == 0 ? 0 : (uint32_t)((buckets * sizeof(void *) + entries - 1) / entries);
}

struct tcp_footprint tcp_footprint(uint32_t max_connections, uint32_t max_time_wait)
{
    return (struct tcp_footprint){
        .connection = (uint32_t)sizeof(struct tcp_connection) +
                      share(bucket_count(max_connections), max_connections),
        .time_wait = (uint32_t)sizeof(struct timewait) +
                     share(timewait_buckets(max_time_wait), max_time_wait),
    };
}

uint64_t tcp_memory(uint32_t max_connections, uint32_t max_time_wait, uint32_t data_buffers)
{
    struct tcp_footprint each = tcp_footprint(max_connections, max_time_wait);
    return (uint64_t)max_connections * each.connection + (uint64_t)max_time_wait * each.time_wait +
           (uint64_t)node_count(max_connections, data_buffers) * NODE_SIZE;
}

static bool tables_create(struct tcp *t)
{
    uint32_t connections = t->config.max_connections, buckets = bucket_count(connections);
    t->bucket_mask = buckets - 1;
    t->connections = aligned_alloc(64, connections * sizeof(*t->connections));
    t->buckets = calloc(buckets, sizeof(struct tcp_connection *));
    if (t->connections == NULL || t->buckets == NULL)
        return false;
    memset(t->connections, 0, connections * sizeof(*t->connections));
    for (uint32_t i = 0; i < connections; i++)
        TAILQ_INSERT_TAIL(&t->free, &t->connections[i], slot);
    uint32_t nodes = node_count(connections, t->config.pools->data_count);
    return node_pool_create(&t->nodes, nodes) &&
           timewait_create(&t->timewait, t->config.max_time_wait > 0 ? t->config.max_time_wait : 1);
}

/* What SYNs are promised in windows stays within an eighth of the budget, or a few connections. */
static uint32_t half_open_limit(const struct tcp *t)
{
    const struct pools *p = t->config.pools;
    uint32_t each = (WINDOW_SYN + t->window_per_buffer - 1) / t->window_per_buffer;
    uint32_t most = (p->data_count - p->rings - p->reserve) / 8 / each;
    if (most < HALF_OPEN_LEAST)
        most = HALF_OPEN_LEAST;
    return most < t->config.max_half_open ? most : t->config.max_half_open;
}

struct tcp *tcp_create(const struct tcp_config *config, nsec_t now)
{
    struct tcp *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return NULL;
    t->config = *config;
    t->now = now;
    t->stream_ops = &stream_glue_ops;
    t->fired = &expiry_fired;
    if (t->config.time_wait == 0)
        t->config.time_wait = 60 * NSEC_PER_SEC;
    if (t->config.keepalive == 0)
        t->config.keepalive = 7200 * NSEC_PER_SEC;
    TAILQ_INIT(&t->free);
    TAILQ_INIT(&t->opening);
    TAILQ_INIT(&t->half_open);
    TAILQ_INIT(&t->open);
    TAILQ_INIT(&t->ready);
    TAILQ_INIT(&t->dirty);
    TAILQ_INIT(&t->starved);
    timer_init(&t->timewait_timer, timewait_fired);
    uint32_t room = rte_pktmbuf_data_room_size(config->pools->data) - RTE_PKTMBUF_HEADROOM;
    t->window_per_buffer = window_per_buffer(room);
    t->max_half_open = half_open_limit(t);
    if (!isn_create(&t->isn, config->secret) || !tables_create(t)) {
        tcp_destroy(t);
        return NULL;
    }
    t->hash_seed = isn_seed(&t->isn, 0);
    for (unsigned i = 0; i < PORT_ROWS; i++)
        t->ports[i].counter = isn_seed(&t->isn, 1 + i);
    struct ip_upper upper = {
        .user = t,
        .segment = input_segment,
        .burst_end = input_burst_end,
        .unreachable = input_unreachable,
        .no_neighbour = input_no_neighbour,
    };
    ip_set_upper(config->ip, &upper);
    return t;
}

static void free_all(struct connection_list *list)
{
    struct tcp_connection *c;
    while ((c = TAILQ_FIRST(list)) != NULL)
        life_free(c);
}

void tcp_destroy(struct tcp *t)
{
    if (t->nodes.memory != NULL) {
        free_all(&t->opening);
        free_all(&t->half_open);
        free_all(&t->open);
        chunk_list_release(&t->limbo, &t->nodes);
    }
    for (unsigned i = 0; i < t->burst.count; i++)
        arrival_release(&t->burst.arrivals[i]);
    timer_disarm(t->config.wheel, &t->timewait_timer);
    while (t->listeners != NULL) {
        struct tcp_listener *l = t->listeners;
        t->listeners = l->next;
        free(l);
    }
    timewait_destroy(&t->timewait);
    node_pool_destroy(&t->nodes);
    isn_destroy(&t->isn);
    free(t->connections);
    free(t->buckets);
    free(t);
}

void tcp_set_now(struct tcp *t, nsec_t now)
{
    t->now = now;
}

struct stream *tcp_connect(struct tcp *t, const struct ip_addr *source,
                           const struct endpoint *remote, stream_handler *handler, void *user,
                           enum stream_error *why)
{
    static const struct ip_addr any;
    struct ip_route route;
    if (!ip_route(t->config.ip, source != NULL ? source : &any, &remote->addr, &route)) {
        t->counters[TCP_CONNECT_FAILED]++;
        *why = STREAM_UNREACHABLE;
        return NULL;
    }
    struct endpoint local;
    struct timewait *old = NULL;
    do {
        local.addr = route.source;
        local.port = ports_pick(t, &route.source, remote, &old);
    } while (local.port == 0 && source == NULL && ip_route_next_source(t->config.ip, &route));
    if (local.port == 0) {
        t->counters[TCP_NO_PORT]++;
        *why = STREAM_NO_MEMORY;
        return NULL;
    }
    struct tcp_connection *c = life_begin(t, &local, remote, &route);
    if (c == NULL) {
        t->counters[TCP_CONNECT_FAILED]++;
        *why = STREAM_NO_MEMORY;
        return NULL;
    }
    if (old != NULL) {
        life_begin_after(c, old->snd_nxt);
        timewait_remove(&t->timewait, old);
    }
    stream_set_handler(&c->stream, handler, user);
    connection_set_state(c, CONN_SYN_SENT);
    c->syn_due = true;
    timers_arm_rexmit(c);
    connection_dirty(c);
    return &c->stream;
}

/* Hand over what there is to say of one connection. Whatever the callback does to it is done when
 * this returns: it is not touched again. */
static void deliver(struct tcp *t, struct tcp_connection *c)
{
    t->in_handler = true;
    if (c->accepting) {
        struct tcp_listener *l = c->listener;
        c->accepting = false;
        c->listener = NULL;
        if (c->pending != 0) /* after the callback has set a handler for it */
            connection_notify(c, 0);
        l->accept(&c->stream, l->user);
    } else {
        unsigned events = c->pending;
        c->pending = 0;
        c->stream.handler(&c->stream, events, c->stream.user);
    }
    t->in_handler = false;
    chunk_list_release(&t->limbo, &t->nodes);
}

unsigned tcp_dispatch(struct tcp *t)
{
    unsigned n = 0;
    struct tcp_connection *c;
    while (n < EVENTS_PER_ROUND && (c = TAILQ_FIRST(&t->ready)) != NULL) {
        TAILQ_REMOVE(&t->ready, c, ready);
        c->is_ready = false;
        deliver(t, c);
        n++;
    }
    return n;
}

void tcp_flush(struct tcp *t)
{
    window_serve_starved(t);
    /* What cannot go out for want of memory joins the list again: not in this round. */
    struct tcp_connection *c, *last = TAILQ_LAST(&t->dirty, connection_list);
    while ((c = TAILQ_FIRST(&t->dirty)) != NULL) {
        bool end = c == last;
        TAILQ_REMOVE(&t->dirty, c, dirty);
        c->is_dirty = false;
        output_connection(c);
        if (end)
            break;
    }
}

struct tcp_usage tcp_usage(const struct tcp *t)
{
    struct tcp_usage u = t->usage;
    u.time_wait = t->timewait.count;
    return u;
}

bool tcp_has_memory_to_spare(const struct tcp *t)
{
    const struct pools *p = t->config.pools;
    return pools_left(p) >= (p->data_count - p->rings - p->reserve) / 2;
}

const uint64_t *tcp_counters(const struct tcp *t)
{
    return t->counters;
}

static const char *list_fault(const struct connection_list *list, uint32_t *count,
                              uint64_t *promised)
{
    const struct tcp_connection *c;
    TAILQ_FOREACH (c, list, slot) {
        const char *fault = tcp_connection_fault(c);
        if (fault != NULL)
            return fault;
        (*count)++;
        *promised += c->promised;
    }
    return NULL;
}

const char *tcp_fault(const struct tcp *t)
{
    const struct connection_list *lists[] = {&t->half_open, &t->opening, &t->open};
    uint32_t counts[COUNT_OF(lists)] = {0};
    uint64_t promised = 0;
    for (unsigned i = 0; i < COUNT_OF(lists); i++) {
        const char *fault = list_fault(lists[i], &counts[i], &promised);
        if (fault != NULL)
            return fault;
    }
    if (counts[0] != t->usage.half_open ||
        counts[0] + counts[1] + counts[2] != t->usage.connections)
        return "connections are not counted right";
    const struct pools *p = t->config.pools;
    if (promised != p->promised)
        return "promises are not counted right";
    return promised <= p->data_count - p->rings - p->reserve ? NULL
                                                             : "more is promised than memory holds";
}
