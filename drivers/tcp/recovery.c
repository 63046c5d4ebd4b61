/* SPDX-License-Identifier: BSD-3-Clause */
/* Loss detection and repair. */
#include "drivers/tcp/recovery.h"

#include <string.h>

#include "drivers/tcp/seq.h"

#define DUP_THRESH 3 /* RFC 5681 §3.2, RFC 8985 §6.2 step 4 */

void recovery_init(struct recovery *r, bool sack, uint32_t una)
{
    *r = (struct recovery){.sack = sack, .point = una, .limited_until = una};
    rack_init(&r->rack, una);
}

static void mark_lost(struct recovery *r, struct sendq *q, struct sent *s)
{
    if (s->flags & (SENT_LOST | SENT_SACKED))
        return;
    sendq_came_in(q, s);
    s->flags |= SENT_LOST;
    r->lost += sent_span(s);
    r->mtu_probe_lost |= (s->flags & SENT_MTU_PROBE) != 0;
    if (r->cursor != NULL && seq_before(s->seq, r->cursor->seq))
        r->cursor = s;
}

/* All that was taken for lost counts as being in the network again. */
static void unmark_lost(struct recovery *r, struct sendq *q)
{
    for (struct sent *s = q->head; s != NULL && r->lost > 0; s = s->next) {
        if (!(s->flags & SENT_LOST))
            continue;
        s->flags &= (uint8_t)~SENT_LOST;
        r->lost -= sent_span(s);
        sendq_found(q, s);
    }
    r->cursor = NULL;
}

static void mark_sacked(struct recovery *r, struct sendq *q, struct sent *s)
{
    if (s->flags & SENT_LOST)
        r->lost -= sent_span(s);
    sendq_came_in(q, s);
    s->flags &= (uint8_t)~SENT_LOST;
    s->flags |= SENT_SACKED;
    r->sacked += sent_span(s);
    r->sacked_records++;
    if (r->top == NULL || seq_after(s->seq, r->top->seq))
        r->top = s;
}

/* Make the part of `s` that the block covers a record of its own, if `s` is of several segments: at
 * their borders, as no honest receiver reports less. Returns that part, NULL if there is none. */
static struct sent *covered(struct sendq *q, struct node_pool *nodes, struct sent *s,
                            const struct sack_block *b, uint32_t mss)
{
    if (sent_bytes(s) <= mss)
        return seq_before(s->seq, b->start) || seq_after(s->end, b->end) ? NULL : s;
    if (seq_before(s->seq, b->start)) {
        uint32_t skip = (b->start - s->seq + mss - 1) / mss * mss;
        if (skip >= sent_bytes(s) || !sendq_split(q, nodes, s, skip))
            return NULL;
        s = s->next;
    }
    if (seq_after(s->end, b->end)) {
        uint32_t keep = seq_after(b->end, s->seq) ? (b->end - s->seq) / mss * mss : 0;
        if (keep == 0 || !sendq_split(q, nodes, s, keep))
            return NULL;
    }
    return s;
}

/* Mark what lies inside the block. A segment that it covers in part stays unsacked: we may send it
 * once more than needed, never too little. Returns whether anything was new. */
static bool apply_block(struct recovery *r, struct sendq *q, struct node_pool *nodes,
                        const struct sack_block *b, const struct rack_ack *time, uint32_t mss)
{
    /* Not of this window, or a duplicate report (RFC 2883), which tells nothing about loss. */
    if (!seq_before(b->start, b->end) || seq_before(b->start, q->una) || seq_after(b->end, q->nxt))
        return false;
    bool news = false;
    /* Nearly always it extends what is highest already. */
    struct sent *s = r->top != NULL && seq_at_or_after(b->start, r->top->seq) ? r->top : q->head;
    for (; s != NULL && seq_before(s->seq, b->end); s = s->next) {
        if ((s->flags & SENT_SACKED) || seq_at_or_before(s->end, b->start))
            continue;
        struct sent *part = covered(q, nodes, s, b, mss);
        if (part == NULL)
            continue;
        s = part;
        rack_arrived(&r->rack, s, time);
        mark_sacked(r, q, s);
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

static bool apply_sack(struct recovery *r, struct sendq *q, struct node_pool *nodes,
                       const struct recovery_ack *ack, uint32_t mss)
{
    bool news = false;
    for (unsigned i = 0; i < ack->sack_count; i++)
        if (!seen_before(r, &ack->sack[i]))
            news |= apply_block(r, q, nodes, &ack->sack[i], &ack->time, mss);
    memset(r->seen, 0, sizeof(r->seen));
    memcpy(r->seen, ack->sack, ack->sack_count * sizeof(r->seen[0]));
    return news;
}

/* The first block reports a duplicate if it lies below the ACK, or within the second (RFC 2883 §4).
 */
static bool is_dsack(const struct recovery_ack *ack)
{
    const struct sack_block *b = ack->sack;
    if (ack->sack_count == 0 || !seq_before(b[0].start, b[0].end))
        return false;
    return seq_at_or_before(b[0].end, ack->ack) ||
           (ack->sack_count > 1 && seq_at_or_after(b[0].start, b[1].start) &&
            seq_at_or_before(b[0].end, b[1].end));
}

/* `n` numbers at the beginning of s are acknowledged. */
static void forget(struct recovery *r, struct sent *s, uint32_t n)
{
    bool whole = n == sent_span(s);
    if (s->flags & SENT_SACKED) {
        r->sacked -= n;
        r->sacked_records -= whole;
    }
    if (s->flags & SENT_LOST)
        r->lost -= n;
    if (!whole)
        return;
    if (r->top == s)
        r->top = NULL; /* it was the highest: no SACKed record is left */
    if (r->cursor == s)
        r->cursor = NULL;
}

static void acknowledge(struct recovery *r, struct sendq *q, struct node_pool *nodes,
                        const struct recovery_ack *ack, struct recovery_news *news)
{
    for (struct sent *s = q->head; s != NULL && seq_before(s->seq, ack->ack); s = s->next) {
        struct sent part = *s;
        if (seq_after(s->end, ack->ack))
            part.end = ack->ack;
        /* What was SACKed before says when it arrived there, not how long this ACK took. */
        bool fresh = !(s->flags & SENT_SACKED);
        if (fresh && s->transmissions == 1 && s->when > news->sample_sent)
            news->sample_sent = s->when;
        if (fresh)
            rack_arrived(&r->rack, &part, &ack->time);
        forget(r, s, sent_span(&part));
    }
    news->progress = true;
    news->acked = sendq_acked(q, nodes, ack->ack);
    r->guarded = r->guarded && !seq_after(ack->ack, r->point);
}

/* The window comes down to `ssthresh` from here on; `flight` bytes were outstanding. */
static void begin_reduction(struct recovery *r, struct congestion *cc, nsec_t now, uint32_t flight,
                            enum congestion_signal why)
{
    congestion_reduce(cc, now, flight, why);
    prr_begin(&r->prr, flight);
}

static void enter_fast(struct recovery *r, struct sendq *q, struct congestion *cc, nsec_t now,
                       uint32_t flight)
{
    if (r->state == RECOVERY_CLEAR) { /* else the window is on its way down already */
        undo_begin(&r->undo, q->una);
        begin_reduction(r, cc, now, flight, CONGESTION_LOSS);
    }
    r->state = RECOVERY_FAST;
    r->point = q->nxt;
    r->guarded = true;
    r->probing = false;
}

/* Everything up to `point` is acknowledged. */
static void leave(struct recovery *r, struct sendq *q, struct congestion *cc)
{
    if (recovery_reducing(r))
        cc->cwnd = cc->ssthresh;
    if (!r->sack && r->state == RECOVERY_FAST) {
        /* What was assumed to be under way has just gone, and a burst must not follow (RFC 6582
         * §3.2 step 3, full acknowledgement (1)). */
        uint32_t flight = sendq_in_flight(q);
        uint32_t most = (flight > cc->mss ? flight : cc->mss) + cc->mss;
        cc->cwnd = cc->ssthresh < most ? cc->ssthresh : most;
    }
    if (r->state != RECOVERY_CWR)
        rack_recovered(&r->rack);
    r->state = RECOVERY_CLEAR;
    r->assumed = 0;
}

/* Congestion without a hole to repair (RFC 3168 §6.1.2, RFC 8985 §7.4.2): once a round trip. */
static void enter_cwr(struct recovery *r, struct sendq *q, struct congestion *cc, nsec_t now,
                      uint32_t flight, enum congestion_signal why)
{
    undo_forget(&r->undo);
    begin_reduction(r, cc, now, flight, why);
    r->state = RECOVERY_CWR;
    r->point = q->nxt;
    if (q->head == NULL)
        leave(r, q, cc);
}

/* Nothing was lost, only late (RFC 4015 §3.2): what was not sent again yet need not be. */
static void undo(struct recovery *r, struct sendq *q, struct congestion *cc)
{
    unmark_lost(r, q);
    congestion_undo(cc);
    undo_forget(&r->undo);
    r->state = RECOVERY_CLEAR;
    r->assumed = 0;
    r->urgent = false;
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

/* Without SACK only the first segment in flight is known to be missing. */
static void first_is_lost(struct recovery *r, struct sendq *q, struct node_pool *nodes,
                          uint32_t mss)
{
    if (sent_bytes(q->head) <= mss || sendq_split(q, nodes, q->head, mss))
        mark_lost(r, q, q->head);
}

/* SND.UNA advanced within recovery, short of its point (RFC 6582 §3.2, partial acknowledgement). */
static void partial(struct recovery *r, struct sendq *q, struct node_pool *nodes, uint32_t acked,
                    uint32_t mss)
{
    if (r->sack)
        return;
    /* The retransmission filled one hole; what is acknowledged beyond it had been assumed. */
    uint32_t beyond = acked > mss ? acked - mss : 0;
    first_is_lost(r, q, nodes, mss);
    assume(r, q, r->assumed > beyond ? r->assumed - beyond : 0);
    r->urgent = true;
}

/* Without SACK: three duplicate ACKs (RFC 5681 §3.2), unless they are below the point of the last
 * recovery, where they prove nothing (RFC 6582 §3.2 step 2). */
static void count_duplicate(struct recovery *r, struct sendq *q, struct node_pool *nodes,
                            uint32_t mss)
{
    r->dupacks++;
    assume(r, q, r->assumed + mss);
    if (r->state <= RECOVERY_CWR && r->dupacks >= DUP_THRESH && !r->guarded) {
        first_is_lost(r, q, nodes, mss);
        assume(r, q, r->assumed);
        r->urgent = true;
    }
}

static nsec_t reorder_window(const struct recovery *r, const struct congestion *cc,
                             const struct rack_ack *time)
{
    bool repairing = r->state == RECOVERY_FAST || r->state == RECOVERY_TIMEOUT;
    bool three = r->sacked_records >= DUP_THRESH || r->sacked > (DUP_THRESH - 1) * cc->mss;
    return rack_window(&r->rack, time, repairing || three);
}

/* RFC 8985 §6.2 step 5, oldest first: the first that is not due yet ends the search. */
static void detect_losses(struct recovery *r, struct sendq *q, const struct congestion *cc,
                          const struct rack_ack *time)
{
    nsec_t window = reorder_window(r, cc, time);
    while (q->oldest != NULL && rack_deadline(&r->rack, q->oldest, window) <= time->now)
        mark_lost(r, q, q->oldest);
}

/* RFC 8985 §7.4.2. True: the tail was lost, and its probe repaired that unseen. */
static bool probe_answered(struct recovery *r, const struct recovery_ack *ack, bool dsack)
{
    if (!r->probing || seq_before(ack->ack, r->probe_end))
        return false;
    bool beyond = seq_after(ack->ack, r->probe_end);
    bool twice = dsack || (ack->duplicate && ack->sack_count == 0);
    if (!r->probed_again || beyond || twice)
        r->probing = false;
    return r->probed_again && beyond && !dsack;
}

static void grow(const struct recovery_ack *ack, const struct sendq *q,
                 const struct recovery_news *news, struct congestion *cc)
{
    struct congestion_ack a = {
        .now = ack->time.now,
        .rtt = news->sample_sent != 0 ? ack->time.now - news->sample_sent : 0,
        .srtt = ack->time.srtt,
        .acked = news->acked,
        .una = q->una,
        .nxt = q->nxt,
        .limited = ack->limited,
    };
    congestion_acked(cc, &a);
}

/* Is anything lost but a probe of the path's MTU, which says nothing about congestion (RFC 4821
 * §7.5)? */
static bool congested(const struct recovery *r, const struct sendq *q)
{
    uint32_t left = r->lost;
    for (const struct sent *s = q->head; s != NULL && left > 0; s = s->next) {
        if (!(s->flags & SENT_LOST))
            continue;
        if (!(s->flags & SENT_MTU_PROBE))
            return true;
        left -= sent_span(s);
    }
    return false;
}

struct recovery_news recovery_on_ack(struct recovery *r, struct sendq *q, struct congestion *cc,
                                     struct node_pool *nodes, const struct recovery_ack *ack)
{
    struct recovery_news news = {0};
    uint32_t gone = q->una + r->sacked + r->assumed, lost = r->lost, flight = sendq_in_flight(q);
    bool dsack = r->sack && is_dsack(ack), reducing = recovery_reducing(r);
    bool needless = dsack && undo_dsack(&r->undo, &ack->sack[0]);
    /* Up to the point of the last reduction the peer cannot have heard of that: its ECE is of the
     * same window (RFC 3168 §6.1.2). */
    bool marked = ack->ece && seq_after(ack->ack, r->point);

    if (seq_after(ack->ack, q->una)) {
        acknowledge(r, q, nodes, ack, &news);
        r->dupacks = 0;
        needless |= r->state >= RECOVERY_FAST && undo_echo(&r->undo, ack->time.echoed);
        if (r->state != RECOVERY_FAST)
            r->assumed = 0;
        else if (seq_before(ack->ack, r->point))
            partial(r, q, nodes, news.acked, cc->mss);
    } else if (!r->sack && ack->duplicate && q->head != NULL) {
        count_duplicate(r, q, nodes, cc->mss);
    }
    /* After the cumulative part: what arrived together is not reordered. */
    news.sacked = r->sack && ack->sack_count > 0 && apply_sack(r, q, nodes, ack, cc->mss);
    if (needless) {
        undo(r, q, cc);
        news.undone = true;
    } else if (r->state != RECOVERY_CLEAR && seq_at_or_after(ack->ack, r->point)) {
        leave(r, q, cc);
    }
    rack_adapt(&r->rack, q->una, q->nxt, dsack);
    bool tail_lost = probe_answered(r, ack, dsack);
    if (r->sack)
        detect_losses(r, q, cc, &ack->time);

    if (r->state <= RECOVERY_CWR && congested(r, q)) {
        enter_fast(r, q, cc, ack->time.now, flight);
        news.entered = true;
    } else if (r->state == RECOVERY_CLEAR && flight > 0 && (marked || tail_lost)) {
        enter_cwr(r, q, cc, ack->time.now, flight, marked ? CONGESTION_ECN : CONGESTION_LOSS);
        news.reduced = true;
    }
    if (recovery_reducing(r)) {
        uint32_t delivered = q->una + r->sacked + r->assumed - gone;
        bool safe = news.progress && r->lost <= lost;
        cc->cwnd = prr_window(&r->prr, delivered < INT32_MAX ? delivered : 0, recovery_pipe(r, q),
                              cc->ssthresh, cc->mss, safe);
    } else if (news.progress && !reducing && !news.undone && !news.reduced) {
        grow(ack, q, &news, cc);
    }
    if (r->state == RECOVERY_CLEAR && seq_after(q->una, r->point))
        r->point = q->una; /* it must not lie half a sequence space behind */
    return news;
}

nsec_t recovery_reorder_deadline(const struct recovery *r, const struct sendq *q,
                                 const struct congestion *cc, const struct rack_ack *time)
{
    if (!r->sack || q->oldest == NULL)
        return UINT64_MAX;
    return rack_deadline(&r->rack, q->oldest, reorder_window(r, cc, time));
}

bool recovery_on_reorder(struct recovery *r, struct sendq *q, struct congestion *cc,
                         const struct rack_ack *time)
{
    detect_losses(r, q, cc, time);
    bool enters = r->state <= RECOVERY_CWR && congested(r, q);
    if (enters)
        enter_fast(r, q, cc, time->now, sendq_in_flight(q));
    if (recovery_reducing(r))
        cc->cwnd = prr_window(&r->prr, 0, recovery_pipe(r, q), cc->ssthresh, cc->mss, false);
    return enters;
}

/* A receiver that had SACKed the first segment in flight would acknowledge it: it has dropped what
 * it had reported (RFC 2018 §8). */
static void renege(struct recovery *r, struct sendq *q)
{
    for (struct sent *s = q->head; s != NULL; s = s->next)
        s->flags &= (uint8_t)~SENT_SACKED;
    r->sacked = r->sacked_records = 0;
    r->top = NULL;
    for (struct sent *s = q->head; s != NULL; s = s->next)
        mark_lost(r, q, s);
}

void recovery_on_timeout(struct recovery *r, struct sendq *q, struct congestion *cc,
                         const struct rack_ack *time, bool again)
{
    uint32_t flight = sendq_in_flight(q) - r->sacked;
    bool reducing = recovery_reducing(r);
    if (r->state == RECOVERY_CLEAR)
        undo_begin(&r->undo, q->una);
    r->assumed = r->dupacks = 0;
    r->cursor = NULL;
    r->state = RECOVERY_TIMEOUT;
    if (q->head->flags & SENT_SACKED)
        renege(r, q);
    /* RFC 8985 §6.3: the first, and whatever was sent longer ago than it takes to hear of it; the
     * rest may still arrive. Without SACK we would not hear. */
    mark_lost(r, q, q->head);
    nsec_t limit = r->rack.rtt + rack_window(&r->rack, time, true);
    while (q->oldest != NULL && (!r->sack || q->oldest->when + limit <= time->now))
        mark_lost(r, q, q->oldest);
    memset(r->seen, 0, sizeof(r->seen));
    r->point = q->nxt;
    r->guarded = true;
    r->probing = false;
    r->urgent = true;
    congestion_timeout(cc, time->now, flight, again || reducing);
}

void recovery_on_too_big(struct recovery *r, struct sendq *q, uint32_t mss)
{
    for (struct sent *s = q->head; s != NULL; s = s->next) {
        if (sent_bytes(s) <= mss || (s->flags & SENT_SACKED))
            continue;
        mark_lost(r, q, s);
        r->urgent = true;
        r->state = RECOVERY_TIMEOUT; /* repaired like one, at the pace of the window as it is */
        r->point = q->nxt;
    }
    undo_forget(&r->undo);
    r->cursor = NULL;
    assume(r, q, r->assumed);
}

struct sent *recovery_next_lost(struct recovery *r, struct sendq *q)
{
    if (r->lost == 0)
        return NULL;
    struct sent *s = r->cursor != NULL ? r->cursor : q->head;
    while (s != NULL && !(s->flags & SENT_LOST))
        s = s->next;
    r->cursor = s;
    return s;
}

void recovery_sent(struct recovery *r, struct sendq *q, struct sent *s, nsec_t now)
{
    if (s->flags & SENT_LOST) {
        s->flags &= (uint8_t) ~(SENT_LOST | SENT_MTU_PROBE);
        r->lost -= sent_span(s);
        r->urgent = false;
        undo_resent(&r->undo, s->seq, s->end, now / NSEC_PER_MSEC);
    }
    if (s->flags & SENT_MTU_PROBE) {
        r->mtu_probe_end = s->end;
        r->mtu_probe_lost = false;
    }
    if (recovery_reducing(r))
        prr_sent(&r->prr, sent_span(s));
    sendq_went_out(q, s, now);
}

bool recovery_may_probe(const struct recovery *r, const struct sendq *q)
{
    return r->sack && r->state == RECOVERY_CLEAR && !r->probing && r->sacked == 0 &&
           q->head != NULL;
}

void recovery_probed(struct recovery *r, struct sendq *q, struct sent *s, nsec_t now)
{
    r->probed_again = s->transmissions > 0;
    s->flags &= (uint8_t)~SENT_MTU_PROBE; /* cut, if it is sent again */
    sendq_went_out(q, s, now);
    r->probing = true;
    r->probe_end = q->nxt;
}

bool recovery_sane(const struct recovery *r, const struct sendq *q)
{
    uint32_t sacked = 0, segments = 0, lost = 0;
    const struct sent *top = NULL;
    bool cursor = r->cursor == NULL;
    for (const struct sent *s = q->head; s != NULL; s = s->next) {
        sacked += s->flags & SENT_SACKED ? sent_span(s) : 0;
        segments += (s->flags & SENT_SACKED) != 0;
        lost += s->flags & SENT_LOST ? sent_span(s) : 0;
        top = s->flags & SENT_SACKED ? s : top;
        cursor = cursor || s == r->cursor;
        if ((s->flags & (SENT_AWAY | SENT_SACKED | SENT_LOST)) == 0)
            return false;
        if (!cursor && (s->flags & SENT_LOST))
            return false;
    }
    return cursor && top == r->top && sacked == r->sacked && segments == r->sacked_records &&
           lost == r->lost && (uint64_t)sacked + lost + r->assumed <= sendq_in_flight(q);
}
