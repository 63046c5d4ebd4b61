/* SPDX-License-Identifier: BSD-3-Clause */
/* Passive opens. */
#include "drivers/tcp/listener.h"

#include <stdlib.h>

#include "drivers/tcp/output.h"
#include "drivers/tcp/stack.h"
#include "drivers/tcp/timers.h"

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
            connection_free(c);
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

/* Room for one more: under a flood of SYNs the oldest goes, which has had its chance. */
static void make_room(struct tcp *t)
{
    bool full = t->usage.half_open >= t->config.max_half_open || TAILQ_EMPTY(&t->free);
    struct tcp_connection *oldest = TAILQ_FIRST(&t->half_open);
    if (!full || oldest == NULL)
        return;
    t->counters[TCP_SYN_DROPPED]++;
    connection_free(oldest);
}

void listener_syn(struct tcp_listener *l, const struct ip_datagram *d, const struct segment *syn,
                  const uint32_t *after)
{
    struct tcp *t = l->tcp;
    struct endpoint local = {d->dst, syn->dst_port}, peer = {d->src, syn->src_port};
    struct ip_route route;
    make_room(t);
    struct tcp_connection *c = NULL;
    if (ip_route(t->config.ip, &local.addr, &peer.addr, &route))
        c = connection_new(t, &local, &peer, &route);
    if (c == NULL) {
        t->counters[TCP_SYN_DROPPED]++;
        return;
    }
    if (after != NULL)
        connection_begin_after(c, *after);
    c->listener = l;
    connection_set_state(c, CONN_SYN_RECEIVED);
    connection_negotiate(c, syn);
    c->snd_wnd = c->snd_max_wnd = syn->window; /* not scaled in a SYN */
    c->snd_wl1 = syn->seq;
    c->snd_wl2 = c->iss;
    c->syn_due = true;
    timers_arm_rexmit(c);
    connection_dirty(c);
}

void listener_established(struct tcp_connection *c)
{
    c->tcp->counters[TCP_ACCEPTED]++;
    c->accepting = true;
    connection_notify(c, 0);
}
