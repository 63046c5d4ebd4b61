/* SPDX-License-Identifier: BSD-3-Clause */
/* Segment arrival (RFC 9293 §3.10.7), in the order of its steps. */
#include "drivers/tcp/input.h"

#include <rte_mbuf.h>

#include "drivers/tcp/coalesce.h"
#include "drivers/tcp/life.h"
#include "drivers/tcp/listener.h"
#include "drivers/tcp/output.h"
#include "drivers/tcp/pmtu.h"
#include "drivers/tcp/seq.h"
#include "drivers/tcp/stack.h"
#include "drivers/tcp/stream_glue.h"
#include "drivers/tcp/timers.h"
#include "drivers/tcp/window.h"

#define PAWS_IDLE  (24 * 86400 * NSEC_PER_SEC) /* RFC 7323 §5.5 */
#define QUICK_SYNS 4
#define QUICK_ACKS 16
#define QUICK_SYN  (20 * NSEC_PER_MSEC)

#define TIME_WAIT_CHALLENGE 100 /* ms between answers to what TIME-WAIT does not expect */

/* The handshake is complete, from either side. */
static void established(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    connection_set_state(c, CONN_ESTABLISHED);
    timers_stop_rexmit(c);
    bool syn_lost = c->syns > 1;
    /* RFC 6298 §5.7; a timestamp may have given a sample all the same. A cookie gives none. */
    if (c->syns == 1)
        rto_sample(&c->rto, t->now - c->last_sent);
    else if (syn_lost && c->rto.srtt == 0)
        c->rto.base = RTO_FALLBACK;
    c->rto.backoff = 0;
    c->retries = 0;
    congestion_init(&c->congestion, t->config.congestion, connection_payload_max(c), syn_lost);
    timers_arm_life(c);
    if (c->listener != NULL) {
        listener_established(c);
    } else {
        t->counters[TCP_CONNECTED]++;
        connection_notify(c, STREAM_OPEN);
    }
    connection_dirty(c);
}

/*
 * SND.WND from a segment that passed the checks (RFC 9293 §3.10.7.4, fifth step). The RFC asks for
 * the sequence number first, so that of a retransmission, the last to be sent, the window would not
 * count: with its ACK, SND.WND's beginning would move and its end, too, beyond what was offered.
 * What acknowledges more was sent later, so that goes first here.
 */
static void take_window(struct tcp_connection *c, const struct segment *s)
{
    if (s->ack == c->snd_wl2 && seq_before(s->seq, c->snd_wl1))
        return;
    uint32_t window = (uint32_t)s->window << c->snd_wscale;
    if (window != c->snd_wnd)
        connection_dirty(c);
    /* Opened: what waited for it may go, and the timer that probed for it has done its work. */
    if (window > c->snd_wnd && sendq_in_flight(&c->sendq) == 0) {
        timers_stop_rexmit(c);
        c->rto.backoff = 0;
    }
    c->snd_wnd = window;
    c->snd_wl1 = s->seq;
    c->snd_wl2 = s->ack;
    if (window > c->snd_max_wnd)
        c->snd_max_wnd = window;
}

/* RFC 9293 §3.10.7.3 */
static void syn_sent(struct tcp_connection *c, const struct arrival *a)
{
    struct tcp *t = c->tcp;
    const struct segment *s = &a->segment;

    /* First: the ACK bit. */
    bool acks = (s->flags & TCP_ACK) != 0;
    if (acks && s->ack != c->iss + 1) {
        t->counters[TCP_RX_BAD_ACK]++;
        output_reset(t, &a->datagram, s);
        /* A peer that still holds the connection of our previous life answers our SYN with a
         * challenge ACK (RFC 5961 §4); the RST ends it there, and the next SYN finds it gone. */
        if (!(s->flags & (TCP_RST | TCP_SYN)) && c->quick_syns < QUICK_SYNS) {
            c->quick_syns++;
            c->syns = 0; /* nothing was lost */
            c->syn_answered = true;
            timer_arm(t->config.wheel, &c->rexmit, t->now + QUICK_SYN);
        }
        return;
    }
    /* Second: RST. Without an acceptable ACK anybody could have sent it. */
    if (s->flags & TCP_RST) {
        if (!acks)
            return;
        t->counters[TCP_CONNECT_FAILED]++;
        life_down(c, STREAM_REFUSED);
        return;
    }
    /* Third, security: not spoken. Fourth: SYN. */
    if (!(s->flags & TCP_SYN))
        return;
    life_negotiate(c, s);
    c->snd_wnd = c->snd_max_wnd = s->window; /* never scaled in a SYN */
    c->snd_wl1 = s->seq;
    c->snd_wl2 = s->ack;
    if (!acks) { /* both at once */
        connection_set_state(c, CONN_SYN_RECEIVED);
        c->syn_due = true;
        connection_dirty(c);
        return;
    }
    /* Data that came with it is not acknowledged, and comes again: nobody sends any. */
    c->ack_now = true;
    established(c);
}

static uint32_t receive_window(const struct tcp_connection *c)
{
    uint32_t nxt = connection_rcv_nxt(c);
    return seq_after(c->rcv_edge, nxt) ? c->rcv_edge - nxt : 0;
}

/* RFC 7323 §5.3 R1; false: the segment is a duplicate from an earlier turn of the sequence. A
 * segment without timestamps on a connection with them is let through, against §3.2: there are
 * keepalives without, and the window still stands before it. */
static bool paws_passes(struct tcp_connection *c, const struct segment *s)
{
    if (!c->ts_ok || !s->has_timestamp || !seq_before(s->tsval, c->ts_recent))
        return true;
    return (s->flags & TCP_RST) != 0 || c->tcp->now - c->ts_recent_at > PAWS_IDLE;
}

/* First step: the sequence number (RFC 9293 §3.4 table 6): any overlap with the window. But a
 * segment without data may also stand at the very edge, against the table: so does the ACK of a
 * peer that has filled our window while part of that is lost, and we must not go deaf to it. */
static bool acceptable(const struct tcp_connection *c, const struct segment *s)
{
    uint32_t nxt = connection_rcv_nxt(c), edge = nxt + receive_window(c);
    uint32_t span = segment_span(s);
    if (span == 0)
        return seq_at_or_after(s->seq, nxt) && seq_at_or_before(s->seq, edge);
    return seq_before(s->seq, edge) && seq_after(s->seq + span, nxt);
}

/* Say where we are (or else connections could not resynchronise). To a segment without data, or
 * with SYN, only so often: two confused peers must not keep each other busy for ever. */
static void answer(struct tcp_connection *c, const struct segment *s)
{
    if (segment_span(s) == 0 || (s->flags & TCP_SYN)) {
        output_challenge(c);
        return;
    }
    c->ack_now = true;
    connection_dirty(c);
}

/* A segment that is dropped brings data which has all arrived before: the next ACK says so. */
static void note_repeated(struct tcp_connection *c, const struct segment *s)
{
    if (s->data_len > 0 && seq_at_or_before(s->seq + s->data_len, connection_rcv_nxt(c)))
        c->repeated = (struct sack_block){s->seq, s->seq + s->data_len};
}

/* What is not acceptable is answered, unless it is a RST. */
static void unacceptable(struct tcp_connection *c, const struct segment *s)
{
    struct tcp *t = c->tcp;
    bool old = seq_at_or_before(s->seq + segment_span(s), connection_rcv_nxt(c));
    t->counters[old ? TCP_RX_DUPLICATE : TCP_RX_OUT_OF_WINDOW]++;
    if (s->flags & TCP_RST)
        return;
    /* The peer goes on sending after we closed, it has our FIN, and we have heard it out for a
     * whole window: it must learn that nobody listens (RFC 9293 §3.6.1). A peer that respects the
     * shut window asks by probes from before it, with a byte or without; and a window less than its
     * scale's unit looks shut to it. */
    bool shut = receive_window(c) >> c->rcv_wscale == 0;
    bool probe = shut && s->seq == connection_rcv_nxt(c) - 1 && s->data_len <= 1;
    if (c->orphan && connection_fin_acked(c) && (probe || (!old && s->data_len > 0))) {
        t->counters[TCP_RX_AFTER_CLOSE]++;
        output_abort(c);
        life_down(c, STREAM_CLOSED);
        return;
    }
    note_repeated(c, s);
    answer(c, s);
}

/* Second step (RFC 5961 §3.2): RST counts only if it is exact. Returns true if the connection is
 * gone. */
static bool reset(struct tcp_connection *c, const struct segment *s)
{
    struct tcp *t = c->tcp;
    if (s->seq != connection_rcv_nxt(c)) {
        t->counters[TCP_RX_BLIND]++;
        output_challenge(c);
        return false;
    }
    t->counters[TCP_RESET_BY_PEER]++;
    bool opening = c->state == CONN_SYN_RECEIVED;
    t->counters[TCP_CONNECT_FAILED] += opening && c->listener == NULL;
    life_down(c, opening ? STREAM_REFUSED : STREAM_RESET);
    return true;
}

/* The millisecond of our clock that the segment's timestamp echoes; 0: none. */
static uint64_t echoed(const struct tcp_connection *c, const struct segment *s)
{
    if (!c->ts_ok || !s->has_timestamp || s->tsecr == 0)
        return 0;
    uint32_t ago = tcp_timestamp(c->tcp, c->ts_offset) - s->tsecr;
    return ago < INT32_MAX ? c->tcp->now / NSEC_PER_MSEC - ago : 0;
}

/* A timestamp echo or a segment that was sent once: how long the round trip took. One sample per
 * flight; more would shorten the memory of RFC 6298's averages (RFC 7323 §4.2). */
static void measure(struct tcp_connection *c, const struct segment *s,
                    const struct recovery_news *news)
{
    struct tcp *t = c->tcp;
    if (seq_at_or_before(c->sendq.una, c->rto.point))
        return;
    if (news->sample_sent != 0) {
        rto_sample(&c->rto, t->now - news->sample_sent);
    } else if (echoed(c, s) != 0) {
        rto_sample(&c->rto, t->now - echoed(c, s) * NSEC_PER_MSEC);
    } else {
        return;
    }
    c->rto.point = c->sendq.nxt;
}

/* Our FIN was acknowledged. Returns false if the connection is gone. */
static bool fin_acked(struct tcp_connection *c)
{
    switch (c->state) {
    case CONN_FIN_WAIT_1:
        connection_set_state(c, CONN_FIN_WAIT_2);
        timers_arm_life(c);
        return true;
    case CONN_CLOSING:
        life_time_wait(c);
        return false;
    case CONN_LAST_ACK:
        life_down(c, STREAM_CLOSED);
        return false;
    default:
        return true;
    }
}

/* Fifth step: the ACK field. Returns false if the segment goes no further. */
static bool acknowledge(struct tcp_connection *c, const struct arrival *a)
{
    struct tcp *t = c->tcp;
    const struct segment *s = &a->segment;
    uint32_t una = c->sendq.una, nxt = c->sendq.nxt;

    /* RFC 5961 §5.2: what was never sent, or is too old to be of this connection, is challenged. */
    if (seq_after(s->ack, nxt) || seq_before(s->ack, una - c->snd_max_wnd)) {
        t->counters[TCP_RX_BAD_ACK]++;
        if (c->state == CONN_SYN_RECEIVED)
            output_reset(t, &a->datagram, s);
        else
            output_challenge(c);
        return false;
    }
    if (c->state == CONN_SYN_RECEIVED) {
        if (s->ack != c->iss + 1) {
            t->counters[TCP_RX_BAD_ACK]++;
            output_reset(t, &a->datagram, s);
            return false;
        }
        c->snd_wl1 = s->seq - 1; /* the first window with its scale */
        established(c);
    }

    bool moved = (uint32_t)s->window << c->snd_wscale != c->snd_wnd;
    struct recovery_ack ack = {
        .time = connection_time(c, echoed(c, s)),
        .ack = s->ack,
        .sack = s->sack,
        .sack_count = s->sack_count,
        .duplicate = s->ack == una && segment_span(s) == 0 && una != nxt && !moved,
        .limited = seq_before(una, c->recovery.limited_until),
        .ece = c->ecn_ok && (s->flags & TCP_ECE) != 0,
    };
    if (seq_before(s->ack, una))
        return true; /* an old duplicate; its data may still be news */
    struct recovery_news news =
        recovery_on_ack(&c->recovery, &c->sendq, &c->congestion, &t->nodes, &ack);
    take_window(c, s);
    t->counters[TCP_TX_FAST_RECOVERIES] += news.entered;
    t->counters[TCP_TX_UNDONE] += news.undone;
    t->counters[TCP_TX_REDUCED] += news.reduced;
    c->cwr_due |= c->ecn_ok && (news.entered || news.reduced);
    if (news.progress) {
        measure(c, s, &news); /* ends the back-off, if it can be measured (RFC 6298 §5) */
        c->retries = 0;
        pmtu_acked(c);
        if (news.acked > 0)
            stream_glue_acked(c, news.acked);
    }
    if (news.progress || news.entered)
        timers_acked(c);
    if (news.progress || news.sacked)
        timers_watch(c);
    /* A peer whose window is shut lives as long as it answers; nobody waits for an orphan. */
    if (sendq_in_flight(&c->sendq) == 0 && !c->orphan)
        c->retries = 0;
    if (news.progress || ack.duplicate || s->sack_count > 0)
        connection_dirty(c);
    return !(news.progress && connection_fin_acked(c)) || fin_acked(c);
}

/* How soon the data that has come is acknowledged (RFC 9293 §3.8.6.3, RFC 5681 §4.2). After a gap
 * or a duplicate the peer repairs, and our ACKs are its clock: for a while each segment gets one.
 */
static void owe_ack(struct tcp_connection *c, bool at_once)
{
    bool quick = at_once || c->quick_acks > 0;
    if (at_once)
        c->quick_acks = QUICK_ACKS;
    else if (quick)
        c->quick_acks--;
    if (quick || connection_rcv_nxt(c) - c->ack_sent >= 2 * c->rcv_mss) {
        c->ack_now = true;
        connection_dirty(c);
    } else {
        timers_delay_ack(c);
    }
}

/* Nobody reads any more; until the peer has our FIN, and for one window's worth, it is heard out:
 * a RST now could destroy a reply of ours that it has not read (RFC 1122 §4.2.2.13 would have us
 * send it; a `421` and close would get lost). */
static void discard(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    if (c->recvq.data.head == NULL)
        return;
    t->counters[TCP_RX_AFTER_CLOSE]++;
    chunk_list_release(&c->recvq.data, &t->nodes);
    c->stream.readable = 0;
}

/* Seventh step: the segment's text. Returns false if it had to be dropped, and its FIN with it. */
static bool receive(struct tcp_connection *c, struct arrival *a)
{
    struct tcp *t = c->tcp;
    struct segment *s = &a->segment;
    struct pools *pools = t->config.pools;
    uint32_t nxt = c->recvq.nxt, seq = s->seq, len = s->data_len;

    if (c->fin_received || (c->fin_known && seq_after(seq + len, c->fin_seq))) {
        t->counters[TCP_RX_OUT_OF_WINDOW]++; /* there is nothing behind a FIN */
        return false;
    }
    if (pools_exhausted(pools)) {
        t->counters[TCP_RX_NO_MEMORY]++;
        /* What waits for this very segment must not be what keeps it out. */
        if (seq == nxt && c->recvq.blocks != NULL) {
            t->counters[TCP_RX_RENEGED]++;
            recvq_renege(&c->recvq, &t->nodes);
        }
        c->ack_now = true;
        connection_dirty(c);
        return false;
    }
    struct chunk_list payload;
    if (!arrival_take(a, &t->nodes, &payload)) {
        t->counters[TCP_RX_NO_MEMORY]++;
        return false;
    }
    pools_took(pools, a->buffers);
    /* Trim to the window; a FIN beyond it goes too. */
    uint32_t edge = nxt + receive_window(c);
    bool whole = seq_at_or_before(seq + len, edge);
    if (!whole) {
        len = edge - seq;
        chunk_list_keep(&payload, &t->nodes, len);
    }
    if (a->largest > c->rcv_mss)
        c->rcv_mss = (uint16_t)(a->largest < c->mtu ? a->largest : c->mtu);

    bool gap = c->recvq.blocks != NULL;
    recvq_repeated(&c->recvq, seq, len, &c->repeated);
    window_round(c, s);
    switch (recvq_insert(&c->recvq, &t->nodes, seq, len, &payload)) {
    case RECVQ_IN_ORDER:
        c->stream.readable += c->recvq.nxt - nxt;
        if (c->orphan)
            discard(c);
        else
            connection_notify(c, STREAM_DATA);
        owe_ack(c, gap);
        break;
    case RECVQ_OUT_OF_ORDER:
        t->counters[TCP_RX_OUT_OF_ORDER]++;
        owe_ack(c, true);
        break;
    case RECVQ_DUPLICATE:
        t->counters[TCP_RX_DUPLICATE]++;
        owe_ack(c, true);
        break;
    case RECVQ_FULL:
        t->counters[TCP_RX_REASSEMBLY_FULL]++;
        owe_ack(c, true);
        return false;
    }
    return whole;
}

/* Eighth step: the FIN bit. */
static void finish(struct tcp_connection *c)
{
    if (!c->fin_known || c->fin_received || c->recvq.nxt != c->fin_seq)
        return;
    c->fin_received = true;
    c->stream.eof = true;
    c->ack_now = true;
    connection_dirty(c);
    connection_notify(c, STREAM_EOF);
    switch (c->state) {
    case CONN_ESTABLISHED:
        connection_set_state(c, CONN_CLOSE_WAIT);
        break;
    case CONN_FIN_WAIT_1:
        connection_set_state(c, CONN_CLOSING); /* our FIN is not acknowledged: see fifth step */
        break;
    case CONN_FIN_WAIT_2:
        output_connection(c); /* the ACK, while there is a connection to send it */
        life_time_wait(c);
        break;
    default:
        break;
    }
}

/* RFC 3168 §6.1.3: once the network has marked a segment, all our ACKs say so until the peer says
 * that it has slowed down. */
static void hear_marks(struct tcp_connection *c, const struct arrival *a)
{
    if (a->segment.flags & TCP_CWR)
        c->ece_due = false;
    if (a->datagram.ecn != IP_ECN_CE)
        return;
    c->tcp->counters[TCP_RX_MARKED]++;
    c->ece_due = true;
    c->ack_now = true;
    connection_dirty(c);
}

/* RFC 9293 §3.10.7.4: all states from SYN-RECEIVED on. */
static void other_states(struct tcp_connection *c, struct arrival *a)
{
    struct tcp *t = c->tcp;
    struct segment *s = &a->segment;

    /* First: the sequence number, with PAWS before it (RFC 7323 §5.3). */
    if (!paws_passes(c, s)) {
        t->counters[TCP_RX_PAWS]++;
        /* Mostly the original of what was taken for lost: the peer wants to know (RFC 2883). */
        note_repeated(c, s);
        answer(c, s);
        return;
    }
    /* Our SYN-ACK was lost, or the peer's ACK: the same SYN again. */
    if (c->state == CONN_SYN_RECEIVED && (s->flags & (TCP_SYN | TCP_RST)) == TCP_SYN &&
        s->seq == c->irs && c->listener != NULL && !(s->flags & TCP_ACK)) {
        t->counters[TCP_RX_DUPLICATE]++;
        c->syn_due = true;
        connection_dirty(c);
        return;
    }
    /* A SYN beyond the window is challenged like one within (fourth step, RFC 5961 §4.2). */
    if (!acceptable(c, s) && (s->flags & (TCP_SYN | TCP_RST)) != TCP_SYN) {
        /* With the window shut, ACKs, window updates and RSTs of segments with data must still be
         * seen (RFC 9293 §3.4, last paragraph); so must those of what we have already. */
        bool useful = (s->flags & (TCP_ACK | TCP_RST)) == TCP_ACK && receive_window(c) == 0 &&
                      s->seq == connection_rcv_nxt(c);
        bool repeated = (s->flags & (TCP_ACK | TCP_RST)) == TCP_ACK &&
                        c->state != CONN_SYN_RECEIVED && segment_span(s) > 0 &&
                        seq_at_or_before(s->seq + segment_span(s), connection_rcv_nxt(c));
        if ((!useful && !repeated) || acknowledge(c, a))
            unacceptable(c, s);
        return;
    }
    if (c->ts_ok && s->has_timestamp && seq_at_or_before(s->seq, c->ack_sent) &&
        seq_at_or_after(s->tsval, c->ts_recent)) { /* RFC 7323 §4.3 (2) */
        c->ts_recent = s->tsval;
        c->ts_recent_at = t->now;
    }
    c->last_received = t->now;
    c->keepalives = 0;

    /* Second: RST. */
    if (s->flags & TCP_RST) {
        reset(c, s);
        return;
    }
    /* Third, security: not spoken. Fourth: SYN (RFC 5961 §4.2). The SYN-ACK of a simultaneous open
     * is one more reason for an ACK. */
    if (s->flags & TCP_SYN) {
        t->counters[TCP_RX_BLIND]++;
        if (c->state == CONN_SYN_RECEIVED && (s->flags & TCP_ACK) && s->seq == c->irs) {
            if (!acknowledge(c, a))
                return;
            c->ack_now = true;
            connection_dirty(c);
            return;
        }
        output_challenge(c);
        return;
    }
    /* Fifth: ACK. */
    if (!(s->flags & TCP_ACK) || !acknowledge(c, a))
        return;
    if (c->ecn_ok)
        hear_marks(c, a);
    /* Sixth, URG: urgent data is data (RFC 6093 §4). Seventh: the text. */
    if (s->data_len > 0 && !receive(c, a))
        return;
    /* Eighth: FIN. One ahead of missing data shows a gap, like data (RFC 5681 §4.2). */
    if ((s->flags & TCP_FIN) && !c->fin_received) {
        c->fin_seq = c->fin_known ? c->fin_seq : s->seq + s->data_len;
        c->fin_known = true;
        owe_ack(c, true);
    }
    finish(c);
}

/* May a connection that begins with this SYN follow the one in TIME-WAIT (RFC 6191 §2)? */
static bool may_follow(const struct timewait *w, const struct segment *syn)
{
    bool later = seq_after(syn->seq, w->rcv_nxt);
    if (!syn->has_timestamp)
        return later;
    return !w->ts_ok || seq_after(syn->tsval, w->ts_recent) ||
           (syn->tsval == w->ts_recent && later);
}

/* A segment for what is left of a connection (RFC 9293 §3.10.7.4 and §3.6.1). Returns false if it
 * is the SYN of a new one. */
static bool time_wait(struct tcp *t, struct timewait *w, const struct arrival *a)
{
    const struct segment *s = &a->segment;
    uint32_t clock = tcp_timestamp(t, w->ts_offset);
    if (s->flags & TCP_RST) {
        /* Ignored (RFC 1337), but for that of a peer whose SYN our answer told of a connection that
         * it knows no more: it has begun anew, and could not come in before we have waited. */
        if (w->syn_answered && s->seq == w->rcv_nxt)
            timewait_remove(&t->timewait, w);
        return true;
    }
    if ((s->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && may_follow(w, s) &&
        listener_find(t, &w->local) != NULL)
        return false;
    /* Only what it may have sent because our last ACK got lost deserves another; a pure ACK none:
     * that would be a dialogue. */
    if (segment_span(s) == 0 && s->seq == w->rcv_nxt)
        return true;
    if ((s->flags & TCP_FIN) && s->seq + segment_span(s) == w->rcv_nxt) {
        timewait_restart(&t->timewait, w, t->now + t->config.time_wait);
    } else if ((w->challenged && clock - w->ts_sent < TIME_WAIT_CHALLENGE) ||
               !throttle_allows(&t->challenges, &t->isn, t->now, TCP_CHALLENGES)) {
        t->counters[TCP_TX_CHALLENGES_LIMITED]++;
        return true;
    } else {
        w->challenged = true;
        w->syn_answered = (s->flags & TCP_SYN) != 0;
        t->counters[TCP_TX_CHALLENGES]++;
    }
    w->ts_sent = clock;
    struct segment ack = {
        .src_port = w->local.port,
        .dst_port = w->peer.port,
        .seq = w->snd_nxt,
        .ack = w->rcv_nxt,
        .window = w->window,
        .flags = TCP_ACK,
        .has_timestamp = w->ts_ok,
        .tsval = clock,
        .tsecr = w->ts_recent,
    };
    output_bare(t, w->link, &w->local.addr, &w->peer.addr, &ack);
    return true;
}

/* No connection: RFC 9293 §3.10.7.1 and §3.10.7.2. */
static void no_connection(struct tcp *t, struct arrival *a, uint32_t hash,
                          const struct endpoint *local, const struct endpoint *peer)
{
    const struct segment *s = &a->segment;
    struct timewait *w = timewait_find(&t->timewait, hash, local, peer);
    uint32_t after;
    if (w != NULL && time_wait(t, w, a))
        return;
    struct tcp_listener *l = listener_find(t, local);
    if (l == NULL) {
        t->counters[s->flags & TCP_SYN ? TCP_RX_NO_LISTENER : TCP_RX_NO_CONNECTION]++;
        output_reset(t, &a->datagram, s);
        return;
    }
    /* LISTEN. First: RST is ignored. Second: an ACK belongs to nothing, or to a cookie. Third: SYN.
     */
    if (s->flags & TCP_RST)
        return;
    if (s->flags & TCP_ACK || !(s->flags & TCP_SYN) || s->flags & TCP_FIN) {
        struct tcp_connection *c = listener_cookie(l, &a->datagram, s);
        if (c != NULL) {
            other_states(c, a);
            return;
        }
        t->counters[TCP_RX_NO_CONNECTION]++;
        output_reset(t, &a->datagram, s);
        return;
    }
    if (w != NULL) {
        after = w->snd_nxt;
        timewait_remove(&t->timewait, w);
    }
    listener_syn(l, &a->datagram, s, w != NULL ? &after : NULL);
}

static void process(struct tcp *t, struct arrival *a, uint32_t hash)
{
    const struct ip_datagram *d = &a->datagram;
    struct endpoint local = {d->dst, a->segment.dst_port}, peer = {d->src, a->segment.src_port};
    struct tcp_connection *c = connection_find(t, hash, &local, &peer);
    if (c != NULL && c->state == CONN_SYN_RECEIVED && listener_superseded(c, &a->segment))
        c = NULL;
    if (c == NULL)
        no_connection(t, a, hash, &local, &peer);
    else if (c->state == CONN_SYN_SENT)
        syn_sent(c, a);
    else
        other_states(c, a);
    arrival_release(a);
}

void input_burst_end(void *tcp)
{
    struct tcp *t = tcp;
    struct burst *b = &t->burst;
    for (unsigned i = 0; i < b->count; i++)
        connection_prefetch(t, b->hashes[i]);
    for (unsigned i = 0; i < b->count; i++)
        process(t, &b->arrivals[i], b->hashes[i]);
    b->count = 0;
}

void input_segment(void *tcp, struct rte_mbuf *m, const struct ip_datagram *d)
{
    struct tcp *t = tcp;
    struct burst *b = &t->burst;
    struct arrival *a = &b->arrivals[b->count];
    t->counters[TCP_RX_SEGMENTS]++;
    enum arrival_result result = arrival_read(a, m, d);
    if (result != ARRIVAL_GOOD) {
        t->counters[result == ARRIVAL_BAD_HEADER ? TCP_RX_BAD_HEADER : TCP_RX_BAD_CHECKSUM]++;
        arrival_release(a);
        return;
    }
    if (b->count > 0 && coalesce(a - 1, a)) {
        t->counters[TCP_RX_COALESCED]++;
        return;
    }
    struct endpoint local = {d->dst, a->segment.dst_port}, peer = {d->src, a->segment.src_port};
    uint32_t hash = connection_hash(t, &local, &peer);
    rte_prefetch0(&t->buckets[hash & t->bucket_mask]);
    b->hashes[b->count++] = hash;
    if (b->count == COUNT_OF(b->arrivals))
        input_burst_end(t);
}

void input_unreachable(void *tcp, const struct ip_addr *src, const struct ip_addr *dst,
                       const uint8_t *quoted, unsigned quoted_len, enum ip_unreachable what,
                       uint16_t mtu)
{
    struct tcp *t = tcp;
    input_burst_end(t); /* what came before it is done before it */
    if (quoted_len < 8) {
        t->counters[TCP_ICMP_IGNORED]++;
        return;
    }
    struct endpoint local = {*src, (uint16_t)(quoted[0] << 8 | quoted[1])};
    struct endpoint peer = {*dst, (uint16_t)(quoted[2] << 8 | quoted[3])};
    uint32_t seq = (uint32_t)quoted[4] << 24 | (uint32_t)quoted[5] << 16 |
                   (uint32_t)quoted[6] << 8 | quoted[7];
    struct tcp_connection *c = connection_find(t, connection_hash(t, &local, &peer), &local, &peer);
    /* RFC 5927 §4.1: it must quote what is in flight; a SYN stands before SND.UNA here. */
    bool opening = c != NULL && c->state < CONN_ESTABLISHED;
    if (c == NULL || seq_before(seq, opening ? c->iss : c->sendq.una) ||
        !seq_before(seq, c->sendq.nxt)) {
        t->counters[TCP_ICMP_IGNORED]++;
        return;
    }
    if (what == IP_TOO_BIG) {
        pmtu_too_big(c, seq, mtu);
    } else if (what == IP_PORT_UNREACHABLE && c->state == CONN_SYN_SENT) {
        /* RFC 1122 §4.2.3.9 calls it hard; RFC 5461 §4.1 limits that to connections that are not
         * established. Soft errors wait for the timer. */
        t->counters[TCP_CONNECT_FAILED]++;
        life_down(c, STREAM_REFUSED);
    } else {
        t->counters[TCP_ICMP_SOFT]++;
    }
}

void input_no_neighbour(void *tcp, const struct ip_addr *dst)
{
    struct tcp *t = tcp;
    struct tcp_connection *next;
    for (struct tcp_connection *c = TAILQ_FIRST(&t->opening); c != NULL; c = next) {
        next = TAILQ_NEXT(c, slot);
        if (!ip_addr_equal(&c->stream.peer.addr, dst))
            continue;
        t->counters[TCP_CONNECT_FAILED]++;
        life_down(c, STREAM_UNREACHABLE);
    }
}
