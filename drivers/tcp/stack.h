/* SPDX-License-Identifier: BSD-3-Clause */
/* What one worker's TCP consists of; for the files of drivers/tcp and their tests. */
#ifndef SPLITMX_TCP_STACK_H
#define SPLITMX_TCP_STACK_H

#include "drivers/tcp/burst.h"
#include "drivers/tcp/connection.h"
#include "drivers/tcp/isn.h"
#include "drivers/tcp/ports.h"
#include "drivers/tcp/tcp.h"
#include "drivers/tcp/throttle.h"
#include "drivers/tcp/timewait.h"

/* Timeouts in a row after which a peer is given up (R2, RFC 9293 §3.8.3). With back-off from 200 ms
 * 15 take at least 7 minutes; nobody waits for an orphan, whose 8 take 50 s. A SYN of ours is tried
 * for 123 s, a SYN-ACK for 63 s. */
#define TCP_RETRIES            15
#define TCP_RETRIES_ORPHAN     8
#define TCP_RETRIES_SYN        6
#define TCP_RETRIES_SYN_ACK    5
#define TCP_KEEPALIVE_PROBES   9
#define TCP_KEEPALIVE_INTERVAL (75 * NSEC_PER_SEC)
#define TCP_DELAYED_ACK        (40 * NSEC_PER_MSEC)
#define TCP_MAX_DELAYED_ACK    (200 * NSEC_PER_MSEC) /* of a peer (RFC 8985 §7.2) */
#define TCP_CHALLENGES         1000                  /* a second, of a worker */
#define TCP_RESETS             1000
#define TCP_FIN_WAIT_2         (60 * NSEC_PER_SEC)
#define TCP_ORPHAN             (120 * NSEC_PER_SEC) /* without progress, before our FIN is acknowledged */

#define TCP_SEND_INITIAL (64 * 1024) /* bytes that may be queued at first */

struct timers_fired;

struct tcp_listener {
    struct tcp_listener *next;
    struct tcp *tcp;
    struct endpoint local; /* any address: all of ours */
    tcp_accept_fn *accept;
    void *user;
};

struct tcp {
    nsec_t now;
    struct tcp_config config;
    struct node_pool nodes;

    struct tcp_connection *connections;
    struct tcp_connection **buckets;
    uint32_t bucket_mask;
    uint32_t hash_seed;

    /* Every connection is in exactly one of these by `slot`. */
    struct connection_list free, opening, half_open, open;
    /* And may be in any of these. */
    struct connection_list ready, dirty, starved;

    const struct stream_ops *stream_ops; /* of its connections */
    const struct timers_fired *fired;    /* and what their timers do */
    struct burst burst;                  /* while one is received */
    struct tcp_listener *listeners;
    uint32_t max_half_open; /* of the configuration, or fewer where memory is small */
    nsec_t cookie_sent;     /* the last one; 0: none yet */
    struct throttle challenges, resets;
    struct timewait_table timewait;
    struct timer timewait_timer;
    struct isn isn;
    struct port_row ports[PORT_ROWS];

    uint32_t window_per_buffer; /* bytes of receive window that one data buffer is good for */
    struct chunk_list limbo;    /* slices that a handler may still look at: until it returns */
    bool in_handler;
    struct tcp_usage usage;
    uint64_t counters[TCP_COUNTER_COUNT];
};

/* Give references back once no handler can be looking at the bytes. */
static inline void tcp_limbo(struct tcp *t, struct chunk_list *l)
{
    if (t->in_handler)
        chunk_list_join(&t->limbo, l);
    else
        chunk_list_release(l, &t->nodes);
}

/* What time it is for loss detection. `echoed`: the timestamp that an ACK echoes as a millisecond
 * of our clock, 0 if it has none. */
static inline struct rack_ack connection_time(const struct tcp_connection *c, uint64_t echoed)
{
    return (struct rack_ack){
        .now = c->tcp->now,
        .min_rtt = c->rto.min_rtt,
        .srtt = c->rto.srtt,
        .echoed = echoed,
    };
}

/* Our timestamp clock for one connection: milliseconds from a secret origin (RFC 7323 §5.4). */
static inline uint32_t tcp_timestamp(const struct tcp *t, uint32_t offset)
{
    return (uint32_t)(t->now / NSEC_PER_MSEC) + offset;
}

#endif
