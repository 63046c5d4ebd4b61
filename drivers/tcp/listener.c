/* SPDX-License-Identifier: BSD-3-Clause */
/* Passive opens. */
#include "drivers/tcp/listener.h"

#include <stdlib.h>

#include "drivers/tcp/cookie.h"
#include "drivers/tcp/life.h"
#include "drivers/tcp/output.h"
#include "drivers/tcp/stack.h"
#include "drivers/tcp/timers.h"
#include "drivers/tcp/window.h"

struct tcp_listener *tcp_listen(struct tcp *t, const struct endpoint *local, tcp_accept_fn *accept,
                                void *user)
{
    for (struct tcp_listener *l = t->listeners; l != NULL; l = l->next)
        if (endpoint_equal(&l->local, local))
            return NULL;
    struct tcp_listener *l = malloc(sizeof(*l));
    if (l == NULL)
        return NULL;
    *l = (struct tcp_listener){
        .next = t->listeners, .tcp = t, .local = *local, .accept = accept, .user = user};
    t->listeners = l;
    return l;
}

/* Reset what this listener has not handed out yet: the application will never hear of it. */
static void reset_all(struct connection_list *list, const struct tcp_listener *l)
{
    struct tcp_connection *c = TAILQ_FIRST(list);
    while (c != NULL) {
        struct tcp_connection *next = TAILQ_NEXT(c, slot);
        if (c->listener == l) {
            output_abort(c);
            life_free(c);
        }
        c = next;
    }
}

void tcp_listen_close(struct tcp_listener *l)
{
    struct tcp *t = l->tcp;
    struct tcp_listener **link = &t->listeners;
    while (*link != l)
        link = &(*link)->next;
    *link = l->next;
    reset_all(&t->half_open, l);
    reset_all(&t->open, l);
    free(l);
}

struct tcp_listener *listener_find(const struct tcp *t, const struct endpoint *local)
{
    struct tcp_listener *any = NULL;
    for (struct tcp_listener *l = t->listeners; l != NULL; l = l->next) {
        if (l->local.port != local->port)
            continue;
        if (ip_addr_equal(&l->local.addr, &local->addr))
            return l;
        if (ip_addr_is_any(&l->local.addr))
            any = l;
    }
    return any;
}

/* The client of a cookie, or of a connection that just ended, has proven more than those that are
 * half open: the oldest of them goes for it. */
static void displace_oldest(struct tcp *t)
{
    struct tcp_connection *oldest = TAILQ_FIRST(&t->half_open);
    if (oldest == NULL)
        return;
    t->counters[TCP_SYN_DROPPED]++;
    life_free(oldest);
}

/* A connection in SYN-RECEIVED whose SYN-ACK is still to be sent, or is `cookie`. */
static struct tcp_connection *half_open(struct tcp_listener *l, const struct ip_datagram *d,
                                        const struct segment *syn, const uint32_t *after,
                                        const uint32_t *cookie)
{
    struct tcp *t = l->tcp;
    struct endpoint local = {d->dst, syn->dst_port}, peer = {d->src, syn->src_port};
    struct ip_route route;
    struct tcp_connection *c = NULL;
    if (ip_route(t->config.ip, &local.addr, &peer.addr, &route))
        c = life_begin(t, &local, &peer, &route);
    if (c == NULL) {
        t->counters[TCP_SYN_DROPPED]++;
        return NULL;
    }
    if (after != NULL)
        life_begin_after(c, *after);
    if (cookie != NULL)
        life_begin_at(c, *cookie);
    c->listener = l;
    connection_set_state(c, CONN_SYN_RECEIVED);
    life_negotiate(c, syn);
    c->snd_wnd = c->snd_max_wnd = syn->window; /* not scaled in a SYN */
    c->snd_wl1 = syn->seq;
    c->snd_wl2 = c->iss;
    timers_arm_rexmit(c);
    return c;
}

/* Too little is left to spend it on a client that has proven nothing yet: all that may be half open
 * is, or only the last sixteenth of all connections is free. */
static bool pressed(const struct tcp *t)
{
    uint32_t most = t->config.max_connections;
    return t->usage.half_open >= t->max_half_open || most - t->usage.connections <= most / 16;
}

/* Answer a SYN without remembering it. */
static void send_cookie(struct tcp *t, const struct ip_datagram *d, const struct segment *syn)
{
    struct endpoint local = {d->dst, syn->dst_port}, peer = {d->src, syn->src_port};
    struct ip_route route;
    bool hopeless = TAILQ_EMPTY(&t->free) && TAILQ_EMPTY(&t->half_open);
    if (hopeless || !ip_route(t->config.ip, &local.addr, &peer.addr, &route)) {
        t->counters[TCP_SYN_DROPPED]++;
        return;
    }
    uint32_t clock = tcp_timestamp(t, isn_timestamp(&t->isn, &local.addr, &peer.addr));
    struct cookie cookie = cookie_make(&t->isn, &local, &peer, syn, clock, t->now);
    bool options = syn->has_timestamp, ecn = options && t->config.ecn;
    unsigned headers = (ip_addr_is_v4(&peer.addr) ? 20 : 40) + TCP_HEADER_MIN;
    struct segment s = {
        .src_port = local.port,
        .dst_port = peer.port,
        .seq = cookie.sequence,
        .ack = syn->seq + 1,
        .window = WINDOW_SYN,
        .flags = TCP_SYN | TCP_ACK,
        .mss = (uint16_t)(route.mtu - headers),
        .has_wscale = options && syn->has_wscale,
        .wscale = window_scale(t),
        .sack_permitted = options && syn->sack_permitted,
        .has_timestamp = options,
        .tsval = cookie.tsval,
        .tsecr = syn->tsval,
    };
    if (ecn && (syn->flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR))
        s.flags |= TCP_ECE;
    t->cookie_sent = t->now;
    t->counters[TCP_COOKIES_SENT]++;
    output_bare(t, route.link, &local.addr, &peer.addr, &s);
}

void listener_syn(struct tcp_listener *l, const struct ip_datagram *d, const struct segment *syn,
                  const uint32_t *after)
{
    struct tcp *t = l->tcp;
    /* A cookie could not begin beyond the connection that was there before. */
    if (after == NULL && pressed(t)) {
        send_cookie(t, d, syn);
        return;
    }
    if (TAILQ_EMPTY(&t->free) || t->usage.half_open >= t->max_half_open)
        displace_oldest(t);
    struct tcp_connection *c = half_open(l, d, syn, after, NULL);
    if (c == NULL)
        return;
    c->syn_due = true;
    connection_dirty(c);
}

/* While no cookie is out, none can come back: nobody may guess then. */
static bool expects_cookies(const struct tcp *t)
{
    return t->cookie_sent != 0 && t->now - t->cookie_sent <= COOKIE_LIFE;
}

struct tcp_connection *listener_cookie(struct tcp_listener *l, const struct ip_datagram *d,
                                       const struct segment *ack)
{
    struct tcp *t = l->tcp;
    struct endpoint local = {d->dst, ack->dst_port}, peer = {d->src, ack->src_port};
    struct segment syn;
    if (!expects_cookies(t) || (ack->flags & (TCP_SYN | TCP_ACK)) != TCP_ACK)
        return NULL;
    if (!cookie_read(&t->isn, &local, &peer, ack, t->now, &syn)) {
        t->counters[TCP_COOKIES_REFUSED]++;
        return NULL;
    }
    if (TAILQ_EMPTY(&t->free))
        displace_oldest(t);
    uint32_t iss = ack->ack - 1;
    struct tcp_connection *c = half_open(l, d, &syn, NULL, &iss);
    if (c == NULL)
        return NULL;
    t->counters[TCP_COOKIES_ACCEPTED]++;
    window_open(c);
    return c;
}

bool listener_superseded(struct tcp_connection *c, const struct segment *ack)
{
    struct tcp *t = c->tcp;
    struct segment syn;
    if (c->listener == NULL || ack->ack == c->iss + 1 || !expects_cookies(t) ||
        !cookie_read(&t->isn, &c->stream.local, &c->stream.peer, ack, t->now, &syn))
        return false;
    life_free(c);
    return true;
}

void listener_established(struct tcp_connection *c)
{
    c->tcp->counters[TCP_ACCEPTED]++;
    c->accepting = true;
    connection_notify(c, 0);
}
