/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls of drivers/stream.h on a TCP connection. */
#include "drivers/tcp/stream_glue.h"

#include "drivers/tcp/life.h"
#include "drivers/tcp/output.h"
#include "drivers/tcp/share.h"
#include "drivers/tcp/stack.h"
#include "drivers/tcp/timers.h"
#include "drivers/tcp/window.h"

const char *stream_error_text(enum stream_error error)
{
#define TEXT(name, text) [name] = text,
    static const char *const texts[] = {STREAM_ERRORS(TEXT)};
#undef TEXT
    return (unsigned)error < COUNT_OF(texts) ? texts[error] : "unknown error";
}

static unsigned glue_peek(struct stream *s, size_t skip, struct slice *out, unsigned n)
{
    unsigned count = 0;
    for (const struct chunk *k = connection_of(s)->recvq.data.head; k != NULL && count < n;
         k = k->next) {
        if (skip >= k->slice.len) {
            skip -= k->slice.len;
            continue;
        }
        out[count] = k->slice;
        if (skip > 0) {
            out[count].data += skip;
            out[count].len -= (uint32_t)skip;
            out[count].sum_known = false;
            skip = 0;
        }
        count++;
    }
    return count;
}

static void glue_consume(struct stream *s, size_t bytes)
{
    struct tcp_connection *c = connection_of(s);
    if (IMPOSSIBLE(bytes > s->readable, &c->tcp->counters[TCP_IMPOSSIBLE]))
        bytes = s->readable;
    chunk_list_drop(&c->recvq.data, &c->tcp->nodes, bytes);
    s->readable -= bytes;
    if (c->state != CONN_CLOSED)
        window_consumed(c, bytes);
}

/* May the application still queue data? Before the connection is open it may, too. */
static bool writable(const struct tcp_connection *c)
{
    return c->state != CONN_CLOSED && !c->orphan;
}

static bool written(struct tcp_connection *c, size_t len)
{
    c->stream.written += len;
    connection_dirty(c);
    return true;
}

static bool glue_write(struct stream *s, const void *data, size_t len)
{
    struct tcp_connection *c = connection_of(s);
    struct tcp *t = c->tcp;
    if (!writable(c) || !sendq_write(&c->sendq, &t->nodes, t->config.pools, data, len))
        return false;
    return written(c, len);
}

static bool glue_forward(struct stream *s, const struct slice *slice)
{
    struct tcp_connection *c = connection_of(s);
    if (slice->len == 0)
        return writable(c);
    if (!writable(c) || !sendq_forward(&c->sendq, &c->tcp->nodes, slice))
        return false;
    return written(c, slice->len);
}

static void glue_abort(struct stream *s)
{
    struct tcp_connection *c = connection_of(s);
    if (c->state >= CONN_SYN_RECEIVED)
        output_abort(c);
    life_free(c);
}

static void glue_close(struct stream *s)
{
    struct tcp_connection *c = connection_of(s);
    struct tcp *t = c->tcp;
    if (c->state != CONN_ESTABLISHED && c->state != CONN_CLOSE_WAIT) {
        /* Down, or not yet up: what was queued will not be sent. In SYN-RECEIVED RFC 9293 §3.10.4
         * would have us open the connection only to close it. */
        glue_abort(s);
        return;
    }
    c->orphan = true;
    t->usage.orphans++;
    if (c->is_ready)
        TAILQ_REMOVE(&t->ready, c, ready);
    c->is_ready = false;
    c->pending = 0;
    if (s->readable > 0)
        t->counters[TCP_RX_AFTER_CLOSE]++;
    tcp_limbo(t, &c->recvq.data);
    s->readable = 0;
    c->sendq.fin = true;
    connection_set_state(c, c->state == CONN_CLOSE_WAIT ? CONN_LAST_ACK : CONN_FIN_WAIT_1);
    timers_arm_life(c);
    connection_dirty(c);
}

const struct stream_ops stream_glue_ops = {
    .peek = glue_peek,
    .consume = glue_consume,
    .write = glue_write,
    .forward = glue_forward,
    .close = glue_close,
    .abort = glue_abort,
};

/* Twice what may be in the network: the application has a round trip to fetch more. */
static size_t send_limit(const struct tcp_connection *c)
{
    uint32_t most = c->tcp->config.send_limit, limit = TCP_SEND_INITIAL;
    if (c->congestion.cwnd > TCP_SEND_INITIAL / 2) {
        uint32_t share = share_bytes(c->tcp, 0), wish = 2 * c->congestion.cwnd;
        limit = wish < share ? wish : share > TCP_SEND_INITIAL ? share : TCP_SEND_INITIAL;
    }
    return limit < most ? limit : most;
}

void stream_glue_acked(struct tcp_connection *c, uint32_t bytes)
{
    c->stream.acked += bytes;
    c->stream.send_limit = send_limit(c);
    connection_notify(c, STREAM_ACKED);
}
