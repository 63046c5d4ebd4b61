/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening the receive window. */
#include "drivers/tcp/window.h"

#include "drivers/tcp/seq.h"
#include "drivers/tcp/share.h"
#include "drivers/tcp/stack.h"

#define SERVED_PER_ROUND 64

static uint32_t buffers_for(const struct tcp *t, uint32_t bytes)
{
    return (bytes + t->window_per_buffer - 1) / t->window_per_buffer;
}

static uint32_t open_bytes(const struct tcp_connection *c)
{
    uint32_t nxt = connection_rcv_nxt(c);
    return seq_after(c->rcv_edge, nxt) ? c->rcv_edge - nxt : 0;
}

/* The least that is worth telling the peer (RFC 9293 §3.8.6.2.2). */
static uint32_t worthwhile(const struct tcp_connection *c)
{
    uint32_t half = c->window_target / 2;
    return c->rcv_mss < half ? c->rcv_mss : half;
}

/* The last eighth of what can be promised goes out in small pieces. */
static bool scarce(const struct pools *p)
{
    return pools_left(p) <= (p->data_count - p->rings) / 8;
}

static void starve(struct tcp_connection *c, bool starved)
{
    if (starved == c->is_starved)
        return;
    c->is_starved = starved;
    if (starved)
        TAILQ_INSERT_TAIL(&c->tcp->starved, c, starved);
    else
        TAILQ_REMOVE(&c->tcp->starved, c, starved);
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

uint32_t window_initial(const struct tcp *t)
{
    const struct pools *p = t->config.pools;
    uint32_t budget = p->data_count - p->rings - p->reserve, left = pools_left(p);
    uint32_t window = left > budget / 4 * 3 ? WINDOW_INITIAL
                      : left > budget / 4   ? WINDOW_SCARCE
                                            : 2 * t->window_per_buffer;
    return least(window, t->config.receive_window);
}

/* How far the edge would move if memory were no question. */
static uint32_t wanted(const struct tcp_connection *c)
{
    uint32_t target = c->window_target;
    if (target > WINDOW_INITIAL) {
        uint32_t share = share_bytes(c->tcp, c->promised);
        target = share > WINDOW_INITIAL ? least(target, share) : WINDOW_INITIAL;
    }
    if (c->state < CONN_ESTABLISHED && target > WINDOW_SYN)
        target = WINDOW_SYN;
    if (!c->wscale_ok && target > UINT16_MAX)
        target = UINT16_MAX;
    uint32_t unread = (uint32_t)c->stream.readable;
    return target > unread ? target - unread : 0;
}

/* Keep of the promise what `open` bytes need. False if that is more than can be had. */
static bool settle(struct tcp_connection *c, uint32_t open)
{
    struct pools *p = c->tcp->config.pools;
    uint32_t need = buffers_for(c->tcp, open);
    if (c->promised > need) {
        pools_unpromise(p, c->promised - need);
        c->promised = need;
    } else if (c->promised < need) {
        c->promised += pools_promise(p, need - c->promised);
    }
    return c->promised >= need;
}

void window_open(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    struct pools *p = t->config.pools;
    uint32_t nxt = connection_rcv_nxt(c), open = open_bytes(c);
    uint32_t want = c->orphan || c->fin_received ? 0 : wanted(c);
    bool worth = want > open && want - open >= worthwhile(c);
    if (worth) {
        uint32_t modest = want > WINDOW_SCARCE && scarce(p) ? WINDOW_SCARCE : want;
        uint32_t need = buffers_for(t, modest);
        if (need > c->promised)
            c->promised += pools_promise(p, need - c->promised);
        uint64_t covered = (uint64_t)c->promised * t->window_per_buffer;
        uint32_t grant = covered < modest ? (uint32_t)covered : modest;
        if (grant == want || grant >= open + worthwhile(c))
            c->rcv_edge = seq_later(c->rcv_edge, nxt + grant);
        open = open_bytes(c);
    }
    starve(c, worth && open < want && open < 2 * c->rcv_mss);
    settle(c, open);
}

uint16_t window_wire(struct tcp_connection *c)
{
    uint32_t unit = UINT32_C(1) << c->rcv_wscale, open = open_bytes(c);
    uint32_t field = open >> c->rcv_wscale, up = (field + 1) * unit;
    /* Rounding up keeps the edge where it was, at the cost of less than a unit; but not again and
     * again for one that never reads. */
    if (open % unit != 0 && !c->orphan && c->stream.readable + up <= c->window_target + unit &&
        settle(c, up)) {
        c->rcv_edge = connection_rcv_nxt(c) + up;
        field++;
    }
    return (uint16_t)(field < UINT16_MAX ? field : UINT16_MAX);
}

uint16_t window_wire_syn(struct tcp_connection *c)
{
    uint32_t open = open_bytes(c);
    return (uint16_t)(open < UINT16_MAX ? open : UINT16_MAX);
}

static void grow(struct tcp_connection *c, uint64_t want)
{
    uint32_t most = c->tcp->config.receive_window;
    if (want > c->window_target)
        c->window_target = want < most ? (uint32_t)want : most;
}

static bool round_over(const struct tcp_connection *c, const struct segment *s)
{
    if (c->ts_ok)
        return s->has_timestamp && seq_after(s->tsecr, c->round_mark);
    uint32_t ms = tcp_timestamp(c->tcp, c->ts_offset) - c->round_mark;
    nsec_t rtt = c->rto.srtt != 0 ? c->rto.srtt : RTO_INITIAL;
    return ms * NSEC_PER_MSEC > rtt;
}

void window_round(struct tcp_connection *c, const struct segment *s)
{
    if (!round_over(c, s))
        return;
    uint32_t read = c->round_read, grown = read > c->round_prior ? read - c->round_prior : 0;
    uint32_t floor = least(window_initial(c->tcp), c->window_target);
    uint32_t lower = c->window_target - c->window_target / 8;
    if (c->ts_ok && (uint64_t)4 * read < c->window_target)
        c->window_target = lower > floor ? lower : floor;
    grow(c, (uint64_t)2 * read + (uint64_t)2 * grown);
    c->round_prior = read;
    c->round_read = 0;
    c->round_mark = tcp_timestamp(c->tcp, c->ts_offset);
}

void window_consumed(struct tcp_connection *c, size_t n)
{
    c->round_read += (uint32_t)n;
    /* Not from a constant: a crowd that greets and is silent then would take all that there is. */
    grow(c, (uint64_t)2 * c->round_read + window_initial(c->tcp));
    if (c->fin_received || c->orphan)
        return;
    uint32_t open = open_bytes(c), want = wanted(c);
    uint32_t grown = want > open ? want - open : 0;
    /* RFC 9293 §3.8.6.2.2; two segments, as the peer's ACK clock has it. */
    if (grown >= 2 * c->rcv_mss || grown >= c->window_target / 2 ||
        (open == 0 && grown >= worthwhile(c))) {
        c->ack_now = true;
        connection_dirty(c);
    }
}

void window_serve_starved(struct tcp *t)
{
    struct tcp_connection *last = TAILQ_LAST(&t->starved, connection_list);
    for (unsigned i = 0; last != NULL && i < SERVED_PER_ROUND; i++) {
        struct tcp_connection *c = TAILQ_FIRST(&t->starved);
        uint32_t edge = c->rcv_edge;
        starve(c, false); /* behind the others, if it has to wait again */
        window_open(c);
        if (c->rcv_edge != edge) {
            c->ack_now = true;
            connection_dirty(c);
        }
        /* If there is nothing left to promise, the others will fare no better. */
        if (c == last || (c->is_starved && c->rcv_edge == edge))
            break;
    }
}

void window_release(struct tcp_connection *c)
{
    pools_unpromise(c->tcp->config.pools, c->promised);
    c->promised = 0;
    starve(c, false);
}

uint8_t window_scale(const struct tcp *t)
{
    uint8_t scale = 0;
    while (scale < TCP_MAX_WSCALE && (UINT64_C(65535) << scale) < t->config.receive_window)
        scale++;
    return scale;
}
