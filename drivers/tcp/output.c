/* SPDX-License-Identifier: BSD-3-Clause */
/* Building and sending segments. */
#include "drivers/tcp/output.h"

#include <rte_mbuf.h>

#include "drivers/base/sum.h"
#include "drivers/tcp/pmtu.h"
#include "drivers/tcp/stack.h"
#include "drivers/tcp/timers.h"
#include "drivers/tcp/window.h"

#define MOST_PIECES          16                                 /* chunks in one segment */
#define MOST_PIECES_TOGETHER 64                                 /* where the port cuts (TSO) */
#define MOST_TOGETHER        (UINT16_MAX - 60 - TCP_HEADER_MAX) /* bytes the port cuts apart (TSO) */
#define CHALLENGE_INTERVAL   (100 * NSEC_PER_MSEC)

static void put_checksum(uint8_t *header, uint16_t value)
{
    memcpy(header + TCP_CHECKSUM_OFFSET, &value, sizeof(value));
}

/* A header mbuf for `s`, its checksum field zero. NULL if there is no memory, which is counted. */
static struct rte_mbuf *header_new(struct tcp *t, const struct segment *s, unsigned *header_len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(t->config.pools->header);
    if (m == NULL) {
        t->counters[TCP_TX_NO_MEMORY]++;
        return NULL;
    }
    *header_len = segment_write(rte_pktmbuf_mtod(m, uint8_t *), s);
    rte_pktmbuf_append(m, (uint16_t)*header_len);
    return m;
}

void output_bare(struct tcp *t, uint8_t link, const struct ip_addr *src, const struct ip_addr *dst,
                 const struct segment *s)
{
    unsigned len;
    struct rte_mbuf *m = header_new(t, s, &len);
    if (m == NULL)
        return;
    uint8_t *header = rte_pktmbuf_mtod(m, uint8_t *);
    uint16_t sum = sum_add(sum_bytes(header, len), sum_pseudo_header(src, dst, len));
    put_checksum(header, (uint16_t)~sum);
    t->counters[TCP_TX_SEGMENTS]++;
    ip_output(t->config.ip, m, link, src, dst, 0);
}

void output_reset(struct tcp *t, const struct ip_datagram *d, const struct segment *offender)
{
    if (offender->flags & TCP_RST)
        return;
    struct segment s = {
        .src_port = offender->dst_port,
        .dst_port = offender->src_port,
        .flags = TCP_RST,
    };
    if (offender->flags & TCP_ACK) {
        s.seq = offender->ack;
    } else {
        s.flags |= TCP_ACK;
        s.ack = offender->seq + segment_span(offender);
    }
    if (!throttle_allows(&t->resets, &t->isn, t->now, TCP_RESETS)) {
        t->counters[TCP_TX_RESETS_LIMITED]++;
        return;
    }
    t->counters[TCP_TX_RESETS]++;
    output_bare(t, d->link, &d->dst, &d->src, &s);
}

void output_abort(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    struct segment s = {
        .src_port = c->stream.local.port,
        .dst_port = c->stream.peer.port,
        .seq = c->sendq.nxt,
        .ack = connection_rcv_nxt(c),
        .flags = TCP_RST | TCP_ACK,
        .has_timestamp = c->ts_ok, /* RFC 7323 §3.2 */
        .tsval = tcp_timestamp(t, c->ts_offset),
        .tsecr = c->ts_recent,
    };
    t->counters[TCP_TX_RESETS]++;
    output_bare(t, c->link, &c->stream.local.addr, &c->stream.peer.addr, &s);
}

void output_challenge(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    bool recent = c->challenged != 0 && t->now - c->challenged < CHALLENGE_INTERVAL;
    if (recent || !throttle_allows(&t->challenges, &t->isn, t->now, TCP_CHALLENGES)) {
        t->counters[TCP_TX_CHALLENGES_LIMITED]++;
        return;
    }
    c->challenged = t->now;
    t->counters[TCP_TX_CHALLENGES]++;
    c->ack_now = true;
    connection_dirty(c);
}

/* Append an indirect mbuf for each piece of the record. Sets the sum of its bytes if `sum` is not
 * NULL: pieces that are whole chunks bring theirs along. False if out of mbufs. */
static bool attach_payload(struct tcp *t, struct rte_mbuf *m, const struct sent *record,
                           uint16_t *sum)
{
    struct rte_mbuf *last = m;
    struct sendq_piece p = {0};
    uint32_t offset = 0;
    while (sendq_piece(record, &p)) {
        const struct slice *whole = &p.chunk->slice;
        struct rte_mbuf *i = rte_pktmbuf_alloc(t->config.pools->indirect);
        if (i == NULL)
            return false;
        rte_pktmbuf_attach(i, whole->buf);
        i->data_off = (uint16_t)(p.data - (const uint8_t *)whole->buf->buf_addr);
        i->data_len = (uint16_t)p.len;
        i->pkt_len = p.len;
        last->next = i;
        last = i;
        m->nb_segs++;
        m->pkt_len += p.len;
        if (sum != NULL) {
            bool known = whole->sum_known && p.len == whole->len;
            uint16_t part = known ? whole->sum : sum_bytes(p.data, p.len);
            *sum = sum_add(*sum, sum_at(part, offset));
        }
        offset += p.len;
    }
    return true;
}

/* Is there anything to tell by SACK? */
static bool has_report(const struct tcp_connection *c)
{
    return c->recovery.sack && (c->recvq.blocks != NULL || c->repeated.start != c->repeated.end);
}

/* Send a segment of the connection, with the record's bytes if there is one. False if there is no
 * memory for it. */
static bool emit(struct tcp_connection *c, struct segment *s, const struct sent *record)
{
    struct tcp *t = c->tcp;
    s->src_port = c->stream.local.port;
    s->dst_port = c->stream.peer.port;
    if (s->flags & TCP_ACK) {
        if (!(s->flags & TCP_SYN))
            window_open(c);
        s->ack = connection_rcv_nxt(c);
    }
    s->window = s->flags & TCP_SYN ? window_wire_syn(c) : window_wire(c);
    if (c->ts_ok || c->state == CONN_SYN_SENT) {
        s->has_timestamp = true;
        s->tsval = tcp_timestamp(t, c->ts_offset);
        s->tsecr = s->flags & TCP_ACK ? c->ts_recent : 0;
    }
    if (c->ece_due && (s->flags & (TCP_ACK | TCP_SYN)) == TCP_ACK)
        s->flags |= TCP_ECE;
    /* Only new data may be marked instead of dropped (RFC 3168 §6.1.4, §6.1.5). */
    bool markable = c->ecn_ok && record != NULL && record->transmissions == 0;
    if (markable && c->cwr_due)
        s->flags |= TCP_CWR;
    unsigned header_len;
    struct rte_mbuf *m = header_new(t, s, &header_len);
    if (m == NULL)
        return false;
    uint8_t *header = rte_pktmbuf_mtod(m, uint8_t *);
    uint16_t sum = 0;
    if (record != NULL && !attach_payload(t, m, record, c->offload_checksum ? NULL : &sum)) {
        rte_pktmbuf_free(m);
        t->counters[TCP_TX_NO_MEMORY]++;
        return false;
    }
    const struct ip_addr *src = &c->stream.local.addr, *dst = &c->stream.peer.addr;
    uint32_t full = connection_payload_max(c), data = record != NULL ? sent_bytes(record) : 0;
    bool probe = record != NULL && (record->flags & SENT_MTU_PROBE);
    bool several = data > full && !probe; /* then the port fills the length in, for each */
    uint16_t pseudo = sum_pseudo_header(src, dst, several ? 0 : m->pkt_len);
    if (several) {
        m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
        m->tso_segsz = (uint16_t)full;
    }
    if (c->offload_checksum) {
        put_checksum(header, pseudo);
        m->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM;
        m->l4_len = header_len & 0xff;
    } else {
        sum = sum_add(sum, sum_add(pseudo, sum_bytes(header, header_len)));
        put_checksum(header, (uint16_t)~sum);
    }
    if (s->flags & TCP_ACK) {
        c->ack_sent = s->ack;
        /* A gap is for an ACK of its own to report: data leaves no room for that. */
        c->ack_now = c->ack_now && s->sack_count == 0 && has_report(c);
        timer_disarm(t->config.wheel, &c->delack);
    }
    if (markable)
        c->cwr_due = false;
    t->counters[TCP_TX_SEGMENTS] += several ? (data + full - 1) / full : 1;
    ip_output(t->config.ip, m, c->link, src, dst, markable ? IP_ECN_ECT0 : 0);
    return true;
}

/* RFC 3168 §6.1.1: offered by a first SYN only, lest a middlebox that drops those keep us out. */
static uint8_t syn_flags(const struct tcp_connection *c)
{
    if (c->state != CONN_SYN_SENT)
        return TCP_SYN | TCP_ACK | (c->ecn_ok ? TCP_ECE : 0);
    return TCP_SYN | (c->tcp->config.ecn && c->syns == 0 ? TCP_ECE | TCP_CWR : 0);
}

static bool emit_syn(struct tcp_connection *c)
{
    bool first = c->state == CONN_SYN_SENT;
    window_open(c);
    struct segment s = {
        .seq = c->iss,
        .flags = syn_flags(c),
        .mss = (uint16_t)(c->mtu - connection_headers(c)),
        .wscale = c->rcv_wscale,
        .has_wscale = first || c->wscale_ok,
        .sack_permitted = first || c->recovery.sack,
    };
    if (!emit(c, &s, NULL))
        return false;
    c->tcp->counters[TCP_TX_RETRANSMITS] += c->syns > 0;
    if (c->syns < UINT8_MAX)
        c->syns++;
    c->syn_due = false;
    c->last_sent = c->tcp->now;
    return true;
}

/* `seq`: SND.NXT, or one before SND.UNA to provoke an answer. */
static bool emit_ack(struct tcp_connection *c, uint32_t seq)
{
    struct segment s = {.seq = seq, .flags = TCP_ACK};
    unsigned n = 0;
    if (has_report(c)) {
        if (c->repeated.start != c->repeated.end)
            s.sack[n++] = c->repeated; /* first, and once (RFC 2883 §4) */
        n += recvq_sack(&c->recvq, s.sack + n, TCP_MAX_SACK - n);
    }
    s.sack_count = (uint8_t)n;
    if (!emit(c, &s, NULL))
        return false;
    c->repeated = (struct sack_block){0};
    return true;
}

static bool emit_record(struct tcp_connection *c, struct sent *record)
{
    struct segment s = {.seq = record->seq, .flags = TCP_ACK};
    if (record->next == NULL && c->sendq.unsent == 0)
        s.flags |= TCP_PSH;
    if (record->flags & SENT_FIN)
        s.flags |= TCP_FIN;
    if (!emit(c, &s, sent_bytes(record) > 0 ? record : NULL))
        return false;
    pace_sent(&c->pace, &c->congestion, c->rto.srtt, c->tcp->now, sent_span(record));
    c->last_sent = c->tcp->now;
    if (!timer_armed(&c->rexmit))
        timers_arm_rexmit(c);
    return true;
}

static unsigned most_pieces(const struct tcp_connection *c)
{
    unsigned most = c->offload_segmentation ? MOST_PIECES_TOGETHER : MOST_PIECES;
    /* A link that takes one segment copies the packet anyway. */
    return c->max_segments < 2 || c->max_segments > most ? most : c->max_segments - 1u;
}

/* Send a record again, in the size that the path takes today. */
static bool resend(struct tcp_connection *c, struct sent *record)
{
    struct tcp *t = c->tcp;
    uint32_t most = connection_payload_max(c);
    if (sent_bytes(record) > most && !sendq_split(&c->sendq, &t->nodes, record, most))
        return false;
    if (!emit_record(c, record))
        return false;
    t->counters[TCP_TX_RETRANSMITS]++;
    return true;
}

/* How much more the congestion window takes. */
static uint32_t usable_pipe(const struct tcp_connection *c)
{
    uint32_t pipe = recovery_pipe(&c->recovery, &c->sendq);
    return c->congestion.cwnd > pipe ? c->congestion.cwnd - pipe : 0;
}

/* How much the pace allows now; if nothing, the timer will say when. */
static uint32_t usable_pace(struct tcp_connection *c)
{
    nsec_t now = c->tcp->now, srtt = c->rto.srtt;
    uint32_t room = pace_room(&c->pace, &c->congestion, srtt, now);
    if (room == 0)
        timers_pace(c, pace_next(&c->pace, &c->congestion, srtt, now));
    return room;
}

/* How much of the peer's window is left. */
static uint32_t usable_window(const struct tcp_connection *c)
{
    uint32_t flight = sendq_in_flight(&c->sendq);
    return c->snd_wnd > flight ? c->snd_wnd - flight : 0;
}

/*
 * How long the next new segment may be; 0: nothing may be sent now. Nagle is off: what one round of
 * the worker queued is one write. The sender's side of silly window avoidance (RFC 9293
 * §3.8.6.2.1): a full segment, or all there is, or half the largest window ever seen, or the
 * override timer has expired.
 */
static uint32_t next_len(const struct tcp_connection *c)
{
    uint32_t window = usable_window(c), full = connection_payload_max(c);
    if (c->sendq.unsent == 0)
        return 0;
    uint32_t most = window < full ? window : full;
    if (most < full && most < c->sendq.unsent && most < c->snd_max_wnd / 2 && !c->override_sws)
        return 0;
    return most;
}

/* How many bytes go to the port at once, for it to cut into segments: full ones, but for the last
 * that there is. `one` is what would go as a segment, `room` what the pipe and the pace allow. */
static uint32_t together(const struct tcp_connection *c, uint32_t one, uint32_t room)
{
    uint32_t full = connection_payload_max(c), window = usable_window(c);
    if (one < full)
        return one;
    uint32_t most = room < window ? room : window;
    most = most < MOST_TOGETHER ? most : MOST_TOGETHER;
    uint32_t len = sendq_next_len(&c->sendq, most, most_pieces(c));
    if (len < c->sendq.unsent)
        len -= len % full;
    return len > one ? len : one;
}

/* What goes to the network for the first time. False if there is no memory for it: then it is
 * unsent again. */
static bool send_fresh(struct tcp_connection *c, struct sent *record)
{
    struct tcp *t = c->tcp;
    if (!emit_record(c, record)) {
        sendq_uncut(&c->sendq, &t->nodes, record);
        return false;
    }
    recovery_sent(&c->recovery, &c->sendq, record, t->now);
    return true;
}

/* One segment of `len` bytes, to see whether the path takes it. False if memory ran out. */
static bool send_mtu_probe(struct tcp_connection *c, uint32_t len)
{
    struct sent *record = sendq_cut_exactly(&c->sendq, &c->tcp->nodes, len, most_pieces(c));
    if (record == NULL)
        return true; /* there will be others */
    record->flags |= SENT_MTU_PROBE;
    if (!send_fresh(c, record))
        return false;
    pmtu_probed(c, record);
    return true;
}

/* New data, then FIN. False if memory ran out. */
static bool send_new(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    bool established = c->state != CONN_SYN_SENT && c->state != CONN_SYN_RECEIVED;
    bool fin = c->sendq.fin && !c->sendq.fin_sent;
    if (!established || (c->sendq.unsent == 0 && !fin))
        return true;
    if (sendq_in_flight(&c->sendq) == 0 && t->now - c->last_sent > rto_get(&c->rto))
        congestion_idle(&c->congestion, t->now);
    uint32_t probe = pmtu_due(&c->pmtu, t->now) ? pmtu_probe(c, usable_window(c)) : 0;
    if (probe > usable_pipe(c))
        return true; /* until it fits */
    if (probe > 0 && usable_pace(c) > 0 && !send_mtu_probe(c, probe))
        return false;
    for (;;) {
        uint32_t most = next_len(c), pipe = usable_pipe(c);
        if (most == 0 && (c->sendq.unsent > 0 || usable_window(c) == 0))
            return true; /* the window is shut */
        uint32_t len = sendq_next_len(&c->sendq, most, most_pieces(c));
        if (len == 0 && !(c->sendq.fin && !c->sendq.fin_sent))
            return true; /* that was all */
        if (len > pipe) {
            c->recovery.limited_until = c->sendq.nxt;
            return true;
        }
        uint32_t pace = usable_pace(c);
        if (pace == 0)
            return true;
        if (c->offload_segmentation)
            most = together(c, most, pipe < pace ? pipe : pace);
        struct sent *record = sendq_cut(&c->sendq, &t->nodes, most, most_pieces(c));
        if (record == NULL) {
            t->counters[TCP_TX_NO_MEMORY]++;
            return false;
        }
        if (!send_fresh(c, record))
            return false;
        c->override_sws = false;
        /* In slow start, half a window in use is reason enough to double it. */
        uint32_t used = recovery_pipe(&c->recovery, &c->sendq), cwnd = c->congestion.cwnd;
        if (used + c->congestion.mss > cwnd || (cwnd < c->congestion.ssthresh && used > cwnd / 2))
            c->recovery.limited_until = c->sendq.nxt;
    }
}

/* Repair before progress (RFC 6675 §5 step (C)). False if memory ran out. */
static bool send_repairs(struct tcp_connection *c)
{
    struct sent *record;
    while ((record = recovery_next_lost(&c->recovery, &c->sendq)) != NULL) {
        uint32_t full = connection_payload_max(c), bytes = sent_bytes(record);
        if (!c->recovery.urgent && (bytes < full ? bytes : full) > usable_pipe(c)) {
            c->recovery.limited_until = c->sendq.nxt;
            return true;
        }
        if (!c->recovery.urgent && usable_pace(c) == 0)
            return true;
        if (!resend(c, record))
            return false;
        recovery_sent(&c->recovery, &c->sendq, record, c->tcp->now);
    }
    return true;
}

/* The last segment in flight, as a record of its own. */
static struct sent *last_segment(struct tcp_connection *c)
{
    struct sent *tail = c->sendq.tail;
    uint32_t full = connection_payload_max(c), bytes = sent_bytes(tail);
    if (bytes > full)
        (void)!sendq_split(&c->sendq, &c->tcp->nodes, tail, (bytes - 1) / full * full);
    return c->sendq.tail;
}

/* RFC 8985 §7.3: one segment, new if there is one and the peer's window takes it, whatever the
 * congestion window says. */
static bool send_tail_probe(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    if (!c->tail_probe_due || !recovery_may_probe(&c->recovery, &c->sendq)) {
        c->tail_probe_due = false;
        return true;
    }
    uint32_t most = next_len(c);
    struct sent *fresh = most > 0 ? sendq_cut(&c->sendq, &t->nodes, most, most_pieces(c)) : NULL;
    struct sent *record = fresh != NULL ? fresh : last_segment(c);
    if (fresh != NULL ? !emit_record(c, fresh) : !resend(c, record)) {
        if (fresh != NULL)
            sendq_uncut(&c->sendq, &t->nodes, fresh);
        return false;
    }
    t->counters[TCP_TX_TAIL_PROBES]++;
    c->tail_probe_due = false;
    recovery_probed(&c->recovery, &c->sendq, record, t->now);
    return true;
}

/* With data held back by the peer's window and nothing in flight, only a timer can go on. */
static void arm_persist(struct tcp_connection *c)
{
    bool waiting = c->sendq.unsent > 0 || (c->sendq.fin && !c->sendq.fin_sent);
    if (waiting && sendq_in_flight(&c->sendq) == 0 && !timer_armed(&c->rexmit) &&
        c->state >= CONN_ESTABLISHED)
        timers_arm_rexmit(c);
}

void output_connection(struct tcp_connection *c)
{
    if (c->syn_due && !emit_syn(c))
        goto again;
    if (c->state == CONN_SYN_SENT)
        return;
    uint32_t nxt = c->sendq.nxt;
    if (!send_tail_probe(c) || !send_repairs(c) || !send_new(c))
        goto again;
    if (c->sendq.nxt != nxt)
        timers_watch(c);
    arm_persist(c);
    if (c->probe_due && !emit_ack(c, c->sendq.una - 1))
        goto again;
    c->probe_due = false;
    if (c->ack_now && !emit_ack(c, c->sendq.nxt))
        goto again;
    return;
again:
    connection_dirty(c); /* with the next round's memory; timers may be the only other hope */
    arm_persist(c);
}
