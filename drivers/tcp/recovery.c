/* SPDX-License-Identifier: BSD-3-Clause */
/* Loss detection and repair. */
#include "drivers/tcp/recovery.h"

#include <string.h>

#include "drivers/tcp/seq.h"

#define DUP_THRESH 3 /* RFC 5681 §3.2, RFC 6675 §2 */

void recovery_init(struct recovery *r, bool sack, uint32_t una)
{
    *r = (struct recovery){.sack = sack, .point = una, .judged = una};
}

static void mark_lost(struct recovery *r, struct sent *s)
{
    if (s->flags & (SENT_LOST | SENT_SACKED))
        return;
    s->flags |= SENT_LOST;
    r->lost += sent_span(s);
    if (r->cursor != NULL && seq_before(s->seq, r->cursor->seq))
        r->cursor = s;
}

static void mark_sacked(struct recovery *r, struct sent *s)
{
    uint32_t span = sent_span(s);
    if (s->flags & SENT_LOST)
        r->lost -= span;
    if (s->flags & SENT_RETRANSMITTED)
        r->retransmitted -= span;
    s->flags &= (uint8_t) ~(SENT_LOST | SENT_RETRANSMITTED);
    s->flags |= SENT_SACKED;
    r->sacked += span;
    if (r->top == NULL || seq_after(s->seq, r->top->seq))
        r->top = s;
}

/* Mark the records that lie wholly inside the block. What it covers in part stays unsacked: we may
 * send it once more than needed, never too little. Returns whether any was new. */
static bool apply_block(struct recovery *r, struct sendq *q, const struct sack_block *b)
{
    /* Not of this window, or a duplicate report (RFC 2883), which tells nothing about loss. */
    if (!seq_before(b->start, b->end) || seq_before(b->start, q->una) || seq_after(b->end, q->nxt))
        return false;
    bool news = false;
    /* Nearly always it extends what is highest already. */
    struct sent *s = r->top != NULL && seq_at_or_after(b->start, r->top->seq) ? r->top : q->head;
    for (; s != NULL && seq_before(s->seq, b->end); s = s->next) {
        if ((s->flags & SENT_SACKED) || seq_before(s->seq, b->start) || seq_after(s->end, b->end))
            continue;
        mark_sacked(r, s);
        news = true;
    }
    return news;
}

static bool seen_before(const struct recovery *r, const struct sack_block *b)
{
    for (unsigned i = 0; i < TCP_MAX_SACK; i++)
        if (r->seen[i].start == b->start && r->seen[i].end == b->end)
            return true;
    return false;
}

static bool apply_sack(struct recovery *r, struct sendq *q, const struct recovery_ack *ack)
{
    bool news = false;
    for (unsigned i = 0; i < ack->sack_count; i++)
        if (!seen_before(r, &ack->sack[i]))
            news |= apply_block(r, q, &ack->sack[i]);
    memset(r->seen, 0, sizeof(r->seen));
    memcpy(r->seen, ack->sack, ack->sack_count * sizeof(r->seen[0]));
    return news;
}

/* `n` numbers at the beginning of s are acknowledged. */
static void forget(struct recovery *r, struct sent *s, uint32_t n)
{
    if (s->flags & SENT_SACKED)
        r->sacked -= n;
    if (s->flags & SENT_LOST)
        r->lost -= n;
    if (s->flags & SENT_RETRANSMITTED)
        r->retransmitted -= n;
    if (n < sent_span(s))
        return;
    if (r->top == s)
        r->top = NULL; /* it was the highest: no SACKed record is left */
    if (r->cursor == s)
        r->cursor = NULL;
}

static void acknowledge(struct recovery *r, struct sendq *q, struct node_pool *nodes, uint32_t ack,
                        struct recovery_news *news)
{
    for (struct sent *s = q->head; s != NULL && seq_before(s->seq, ack); s = s->next) {
        bool whole = seq_at_or_before(s->end, ack);
        /* What was SACKed before says when it arrived there, not how long this ACK took. */
        if (whole && s->transmissions == 1 && !(s->flags & SENT_SACKED) &&
            s->when > news->sample_sent)
            news->sample_sent = s->when;
        forget(r, s, whole ? sent_span(s) : ack - s->seq);
    }
    news->progress = true;
    news->acked = sendq_acked(q, nodes, ack);
    r->judged = seq_later(r->judged, ack);
    r->guarded = r->guarded && !seq_after(ack, r->point);
}

/*
 * RFC 6675 §4 IsLost(): a record is lost when DupThresh segments above it were SACKed, or more than
 * (DupThresh - 1) * SMSS bytes. The RFC counts discontiguous runs for want of segment boundaries;
 * we know them. From the highest SACKed record down until the judgement of an earlier ACK begins:
 * each record is passed about once.
 */
static void judge(struct recovery *r, const struct congestion *cc)
{
    unsigned count = 0;
    uint32_t bytes = 0, judged = r->judged;
    for (struct sent *s = r->top; s != NULL && seq_at_or_after(s->seq, r->judged); s = s->prev) {
        if (count >= DUP_THRESH || bytes > (DUP_THRESH - 1) * cc->mss) {
            if (seq_after(s->end, judged))
                judged = s->end;
            mark_lost(r, s);
        }
        if (s->flags & SENT_SACKED) {
            count++;
            bytes += sent_span(s);
        }
    }
    r->judged = judged;
}

static void enter_fast(struct recovery *r, struct sendq *q, struct congestion *cc, nsec_t now)
{
    r->state = RECOVERY_FAST;
    r->point = q->nxt;
    r->guarded = true;
    r->urgent = true;
    congestion_reduce(cc, now, sendq_in_flight(q), CONGESTION_LOSS);
    cc->cwnd = cc->ssthresh;
    mark_lost(r, q->head);
}

/* `n` bytes are assumed to have left the network; never more than what is behind the first record
 * in flight and not lost. */
static void assume(struct recovery *r, const struct sendq *q, uint32_t n)
{
    uint32_t most = sendq_in_flight(q) - r->lost;
    if (q->head != NULL && !(q->head->flags & SENT_LOST))
        most -= sent_span(q->head);
    r->assumed = n < most ? n : most;
}

/* What was assumed to be under way has just gone, and a burst must not follow (RFC 6582 §3.2 step
 * 3, full acknowledgement (1)). */
static void leave_without_sack(struct congestion *cc, uint32_t flight)
{
    uint32_t least = (flight > cc->mss ? flight : cc->mss) + cc->mss;
    cc->cwnd = cc->ssthresh < least ? cc->ssthresh : least;
}

/* SND.UNA advanced within recovery, short of its point (RFC 6582 §3.2, partial acknowledgement). */
static void partial(struct recovery *r, struct sendq *q, uint32_t acked, uint32_t mss)
{
    if (r->sack || r->state != RECOVERY_FAST)
        return;
    /* The retransmission filled one hole; what is acknowledged beyond it had been assumed. */
    uint32_t beyond = acked > mss ? acked - mss : 0;
    mark_lost(r, q->head);
    assume(r, q, r->assumed > beyond ? r->assumed - beyond : 0);
    r->urgent = true;
}

struct recovery_news recovery_on_ack(struct recovery *r, struct sendq *q, struct congestion *cc,
                                     struct node_pool *nodes, const struct recovery_ack *ack)
{
    struct recovery_news news = {0};
    bool sacked = r->sack && ack->sack_count > 0 && apply_sack(r, q, ack);

    if (seq_after(ack->ack, q->una)) {
        acknowledge(r, q, nodes, ack->ack, &news);
        r->dupacks = 0;
        if (r->state != RECOVERY_FAST) {
            struct congestion_ack grow = {
                .now = ack->now,
                .rtt = news.sample_sent != 0 ? ack->now - news.sample_sent : 0,
                .srtt = ack->srtt,
                .acked = news.acked,
                .una = q->una,
                .nxt = q->nxt,
                .limited = ack->limited,
            };
            congestion_acked(cc, &grow);
        }
        if (r->state == RECOVERY_CLEAR) {
            r->assumed = 0;
        } else if (seq_at_or_after(ack->ack, r->point)) {
            if (r->state == RECOVERY_FAST && !r->sack)
                leave_without_sack(cc, sendq_in_flight(q));
            r->state = RECOVERY_CLEAR;
            r->assumed = 0;
        } else {
            partial(r, q, news.acked, cc->mss);
        }
    } else if (q->head != NULL && (sacked || (!r->sack && ack->duplicate))) {
        r->dupacks++;
        if (!r->sack)
            assume(r, q, r->assumed + cc->mss);
    }

    judge(r, cc);
    if (r->state != RECOVERY_CLEAR || q->head == NULL || (q->head->flags & SENT_SACKED))
        return news;
    /* RFC 6582 §3.2 step 2: below the point of the last recovery, duplicates prove nothing. */
    bool echo = !r->sack && r->guarded;
    if (r->lost > r->retransmitted || (r->dupacks >= DUP_THRESH && !echo)) {
        enter_fast(r, q, cc, ack->now);
        news.entered = true;
    }
    return news;
}

void recovery_on_timeout(struct recovery *r, struct sendq *q, struct congestion *cc, nsec_t now,
                         bool again)
{
    uint32_t flight = sendq_in_flight(q) - r->sacked;
    /* A receiver that had SACKed the first segment in flight would acknowledge it: it has dropped
     * what it had reported (RFC 2018 §8). */
    bool reneged = q->head != NULL && (q->head->flags & SENT_SACKED);
    r->sacked = r->lost = r->retransmitted = r->assumed = r->dupacks = 0;
    r->top = r->cursor = NULL;
    for (struct sent *s = q->head; s != NULL; s = s->next) {
        if ((s->flags & SENT_SACKED) && !reneged) {
            r->sacked += sent_span(s);
            r->top = s;
            continue;
        }
        s->flags &= (uint8_t) ~(SENT_SACKED | SENT_RETRANSMITTED);
        s->flags |= SENT_LOST;
        r->lost += sent_span(s);
    }
    memset(r->seen, 0, sizeof(r->seen));
    r->judged = q->nxt;
    r->point = q->nxt;
    r->guarded = true;
    r->state = RECOVERY_TIMEOUT;
    r->urgent = true;
    congestion_timeout(cc, now, flight, again);
}

void recovery_on_too_big(struct recovery *r, struct sendq *q, uint32_t mss)
{
    for (struct sent *s = q->head; s != NULL; s = s->next) {
        if (sent_bytes(s) <= mss || (s->flags & SENT_SACKED))
            continue;
        if (s->flags & SENT_RETRANSMITTED) {
            s->flags &= (uint8_t)~SENT_RETRANSMITTED;
            r->retransmitted -= sent_span(s);
        }
        mark_lost(r, s);
        r->urgent = true;
        r->state = RECOVERY_TIMEOUT; /* repaired like one, at the pace of the window as it is */
        r->point = q->nxt;
    }
    r->cursor = NULL;
    assume(r, q, r->assumed);
}

struct sent *recovery_next_lost(struct recovery *r, struct sendq *q)
{
    if (r->lost == r->retransmitted)
        return NULL;
    struct sent *s = r->cursor != NULL ? r->cursor : q->head;
    while (s != NULL && (s->flags & (SENT_LOST | SENT_RETRANSMITTED)) != SENT_LOST)
        s = s->next;
    r->cursor = s;
    return s;
}

struct sent *recovery_next_hole(struct recovery *r, struct sendq *q)
{
    if (r->state != RECOVERY_FAST || r->top == NULL)
        return NULL;
    for (struct sent *s = q->head; s != r->top; s = s->next) {
        if ((s->flags & (SENT_SACKED | SENT_LOST)) == 0) {
            mark_lost(r, s);
            return s;
        }
    }
    return NULL;
}

void recovery_resent(struct recovery *r, struct sent *s)
{
    if (!(s->flags & SENT_RETRANSMITTED)) {
        s->flags |= SENT_RETRANSMITTED;
        r->retransmitted += sent_span(s);
    }
    r->urgent = false;
}

bool recovery_sane(const struct recovery *r, const struct sendq *q)
{
    uint32_t sacked = 0, lost = 0, retransmitted = 0;
    const struct sent *top = NULL;
    bool cursor = r->cursor == NULL;
    for (const struct sent *s = q->head; s != NULL; s = s->next) {
        sacked += s->flags & SENT_SACKED ? sent_span(s) : 0;
        lost += s->flags & SENT_LOST ? sent_span(s) : 0;
        retransmitted += s->flags & SENT_RETRANSMITTED ? sent_span(s) : 0;
        top = s->flags & SENT_SACKED ? s : top;
        cursor = cursor || s == r->cursor;
        if (!cursor && (s->flags & (SENT_LOST | SENT_RETRANSMITTED)) == SENT_LOST)
            return false;
    }
    return cursor && top == r->top && sacked == r->sacked && lost == r->lost &&
           retransmitted == r->retransmitted &&
           (uint64_t)sacked + lost + r->assumed <= sendq_in_flight(q);
}
