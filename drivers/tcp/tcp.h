/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One worker's TCP (RFC 9293). Share nothing: a struct tcp, its connections, its timers and its
 * memory belong to one worker. What app/ does with a connection is in drivers/stream.h; this header
 * is for the worker that feeds and polls the stack, and for opening and accepting.
 *
 * A round of the worker:
 *     tcp_set_now(); ip_receive() -> tcp input; timer_wheel_advance(); tcp_dispatch() -> handlers;
 *     tcp_flush() -> segments -> ip_flush()
 */
#ifndef SPLITMX_TCP_TCP_H
#define SPLITMX_TCP_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/check.h"
#include "drivers/base/counters.h"
#include "drivers/base/pools.h"
#include "drivers/base/timer.h"
#include "drivers/ip/ip.h"
#include "drivers/stream.h"
#include "drivers/tcp/congestion.h"

struct tcp;
struct tcp_listener;

struct tcp_config {
    struct ip_stack *ip;
    struct pools *pools;
    struct timer_wheel *wheel;
    uint32_t max_connections; /* including half-open ones; TIME-WAIT is apart */
    uint32_t
        max_half_open; /* SYN-RECEIVED at once; beyond it, or where the windows that they are
                          promised take too much of the memory, SYNs are answered with cookies */
    uint32_t max_time_wait;
    uint32_t receive_window;        /* bytes: the most that a connection ever advertises */
    uint32_t send_limit;            /* bytes: the most that stream_room() ever grows to */
    uint16_t port_first, port_last; /* ephemeral ports of our own connections */
    nsec_t time_wait;               /* 2 MSL; 0: 60 s */
    enum congestion_algorithm congestion;
    nsec_t keepalive;   /* idle time before the first probe; 0: 2 h (RFC 9293 §3.8.4) */
    bool ecn;           /* offer and answer ECN (RFC 3168) */
    uint8_t secret[16]; /* keys ISNs and timestamp offsets (RFC 6528, RFC 7323 §5.4) */
};

/* Bytes of plain memory that tcp_create() takes for so many connections and data buffers. */
uint64_t tcp_memory(uint32_t max_connections, uint32_t max_time_wait, uint32_t data_buffers);

/* Of these, bytes that a connection takes while nothing happens on it, its share of the flow table
 * included, and what is left of it in TIME-WAIT. */
struct tcp_footprint {
    uint32_t connection, time_wait;
};
struct tcp_footprint tcp_footprint(uint32_t max_connections, uint32_t max_time_wait);

/* NULL if out of memory. Registers itself as ip's upper layer. */
struct tcp *tcp_create(const struct tcp_config *config, nsec_t now);

/* Frees everything without a word on the wire. */
void tcp_destroy(struct tcp *t);

void tcp_set_now(struct tcp *t, nsec_t now);

/* A connection was established to the listener. Set the handler and keep the stream, or abort it.
 */
typedef void tcp_accept_fn(struct stream *s, void *user);

/* Accept connections to `local` (any address: all of ours). NULL if the endpoint is taken or out of
 * memory. */
MUST_CHECK struct tcp_listener *tcp_listen(struct tcp *t, const struct endpoint *local,
                                           tcp_accept_fn *accept, void *user);
/* New SYNs get RST; what is established stays. */
void tcp_listen_close(struct tcp_listener *l);

/*
 * Open a connection from one of our addresses to remote (source: NULL for the route's own, or,
 * where that has no port left towards remote, the next of its link). NULL, with *why set, if that
 * fails at once: no route, no port, no memory. Otherwise STREAM_OPEN or STREAM_DOWN follows; the
 * caller bounds the time with its own timer and stream_abort().
 */
MUST_CHECK struct stream *tcp_connect(struct tcp *t, const struct ip_addr *source,
                                      const struct endpoint *remote, stream_handler *handler,
                                      void *user, enum stream_error *why);

/* Deliver pending events to handlers, those that handlers cause included, up to a bound per round.
 * Returns how many were delivered. */
unsigned tcp_dispatch(struct tcp *t);

/* Send what handlers and input made due: data, window updates, ACKs. The end of a round, before
 * ip_flush(). */
void tcp_flush(struct tcp *t);

/* Live numbers, for status and for tests that nothing leaks. */
struct tcp_usage {
    uint32_t connections; /* all states but LISTEN and TIME-WAIT */
    uint32_t half_open;
    uint32_t time_wait;
    uint32_t orphans; /* closed or aborted by the application, still finishing */
};
struct tcp_usage tcp_usage(const struct tcp *t);

/* Is half of the packet memory that connections may pin free, and promised to nobody? Who keeps
 * received bytes that it could do without asks first. */
bool tcp_has_memory_to_spare(const struct tcp *t);

#define TCP_COUNTERS(X)                                                                            \
    X(TCP_RX_SEGMENTS, "segments received")                                                        \
    X(TCP_RX_COALESCED, "of those, processed together with the one before")                        \
    X(TCP_TX_SEGMENTS, "segments sent")                                                            \
    X(TCP_RX_BAD_HEADER, "segments whose header is malformed")                                     \
    X(TCP_RX_BAD_CHECKSUM, "segments whose checksum is wrong")                                     \
    X(TCP_RX_NO_LISTENER, "segments to a port where nobody listens")                               \
    X(TCP_RX_NO_CONNECTION, "segments for a connection that we do not have")                       \
    X(TCP_RX_OUT_OF_WINDOW, "segments outside the receive window")                                 \
    X(TCP_RX_PAWS, "segments dropped by PAWS (RFC 7323 §5)")                                       \
    X(TCP_RX_BAD_ACK, "segments that acknowledge what was never sent")                             \
    X(TCP_RX_BLIND, "RST or SYN that did not fit exactly and were challenged (RFC 5961)")          \
    X(TCP_RX_DUPLICATE, "segments whose data had arrived before")                                  \
    X(TCP_RX_OUT_OF_ORDER, "segments queued out of order")                                         \
    X(TCP_RX_REASSEMBLY_FULL, "out-of-order segments dropped: the queue is full")                  \
    X(TCP_RX_AFTER_CLOSE, "data that arrived after our application had closed")                    \
    X(TCP_RX_RENEGED, "reassembly queues given up at the memory budget (RFC 2018 §8)")             \
    X(TCP_RX_NO_MEMORY, "payloads dropped at the memory budget")                                   \
    X(TCP_TX_NO_MEMORY, "segments not sent: out of buffers; tried again later")                    \
    X(TCP_TX_RETRANSMITS, "segments retransmitted")                                                \
    X(TCP_TX_TIMEOUTS, "retransmission timeouts")                                                  \
    X(TCP_TX_FAST_RECOVERIES, "loss recoveries entered by duplicate ACKs or SACK")                 \
    X(TCP_TX_TAIL_PROBES, "tail loss probes sent (RFC 8985 §7)")                                   \
    X(TCP_TX_UNDONE, "loss recoveries undone: nothing had been lost")                              \
    X(TCP_TX_MTU_PROBES, "segments sent that the path may be too narrow for (RFC 4821)")           \
    X(TCP_TX_MTU_PROBES_ANSWERED, "of those, answered: the path takes more than we thought")       \
    X(TCP_TX_MTU_PROBES_LOST, "of those, lost")                                                    \
    X(TCP_MTU_BLACK_HOLES, "paths that swallow full segments without a word")                      \
    X(TCP_TX_REDUCED, "windows reduced for ECN, or for a tail that its probe repaired")            \
    X(TCP_RX_MARKED, "segments marked by a congested network (ECN)")                               \
    X(TCP_TX_ZERO_WINDOW_PROBES, "zero-window probes sent")                                        \
    X(TCP_TX_KEEPALIVES, "keepalive probes sent")                                                  \
    X(TCP_TX_RESETS, "RST sent")                                                                   \
    X(TCP_TX_RESETS_LIMITED, "RST not sent: rate limit")                                           \
    X(TCP_TX_CHALLENGES, "challenge ACKs sent")                                                    \
    X(TCP_TX_CHALLENGES_LIMITED, "challenge ACKs not sent: rate limit")                            \
    X(TCP_ACCEPTED, "connections accepted")                                                        \
    X(TCP_CONNECTED, "connections opened by us")                                                   \
    X(TCP_CONNECT_FAILED, "connection attempts of ours that failed")                               \
    X(TCP_SYN_DROPPED, "SYNs dropped, old or new: no connection left")                             \
    X(TCP_COOKIES_SENT, "SYNs answered with a cookie: too many half-open or open connections")     \
    X(TCP_COOKIES_ACCEPTED, "connections accepted by a cookie")                                    \
    X(TCP_COOKIES_REFUSED, "ACKs for no connection without a good cookie, while some are out")     \
    X(TCP_RESET_BY_PEER, "connections reset by their peer")                                        \
    X(TCP_TIMED_OUT, "connections given up after retransmissions or keepalive")                    \
    X(TCP_TIME_WAIT_FULL, "TIME-WAIT records recycled early: the table is full")                   \
    X(TCP_PORTS_TRIED, "local ports looked at for connections of ours")                            \
    X(TCP_NO_PORT, "connections not opened: all local ports towards that destination are in use")  \
    X(TCP_ICMP_IGNORED, "ICMP errors that fit no connection")                                      \
    X(TCP_ICMP_SOFT, "ICMP errors that end nothing: retransmission goes on (RFC 5927)")            \
    X(TCP_IMPOSSIBLE, "connections given up in a state that cannot be")

enum tcp_counter { TCP_COUNTERS(COUNTER_ENUM) TCP_COUNTER_COUNT };
extern const struct counter_list tcp_counter_list;
const uint64_t *tcp_counters(const struct tcp *t);

/* For tests: the first invariant of a connection, or of the sums over all, that does not hold; NULL
 * if all do. */
const char *tcp_fault(const struct tcp *t);

#endif
