/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which segments are lost, and when to send them again: SACK-based recovery (RFC 6675), NewReno for
 * peers without SACK (RFC 6582), timeouts (RFC 6298 §5). It judges the records of the send queue
 * and keeps the sum that everything is measured by:
 *
 *     pipe = in flight - sacked - assumed - lost + retransmitted        (RFC 6675 §4, SetPipe)
 *
 * Without SACK, `assumed` stands for what duplicate ACKs say has left the network: one full segment
 * each. Limited transmit (RFC 3042) needs no code of its own: what was SACKed makes room in the
 * pipe.
 *
 *              3 duplicate ACKs, or SACK says "lost"             timer
 *     CLEAR -------------------------------------------> FAST ----------> TIMEOUT
 *       ^  \___________________ timer ________________________________^      |
 *       `------------- everything up to `point` acknowledged ----------------'
 */
#ifndef SPLITMX_TCP_RECOVERY_H
#define SPLITMX_TCP_RECOVERY_H

#include "drivers/tcp/congestion.h"
#include "drivers/tcp/segment.h"
#include "drivers/tcp/sendq.h"

enum recovery_state {
    RECOVERY_CLEAR,   /* nothing is known to be lost */
    RECOVERY_FAST,    /* repairing losses while ACKs come in; the window is halved */
    RECOVERY_TIMEOUT, /* the timer expired: everything not SACKed counts as lost; slow start */
};

struct recovery {
    uint8_t state; /* enum recovery_state */
    bool sack;     /* the peer sends SACK */
    bool urgent;   /* the next retransmission goes out whatever the pipe says */
    bool guarded; /* without SACK: duplicates up to `point` are echoes of our own retransmissions */
    uint32_t dupacks;
    uint32_t point;         /* SND.NXT when recovery began (RecoveryPoint) */
    uint32_t sacked;        /* bytes of records with SENT_SACKED */
    uint32_t lost;          /* with SENT_LOST */
    uint32_t retransmitted; /* with SENT_RETRANSMITTED; they are LOST too */
    uint32_t assumed;
    uint32_t judged;     /* every record before this one has been judged by SACK */
    struct sent *top;    /* the highest record with SENT_SACKED */
    struct sent *cursor; /* no record before it is LOST and not RETRANSMITTED; NULL: unknown */
    struct sack_block seen[TCP_MAX_SACK]; /* of the last ACK: most blocks are repetitions */
};

/* An ACK that is acceptable: SND.UNA <= ack <= SND.NXT. */
struct recovery_ack {
    nsec_t now;
    nsec_t srtt; /* smoothed round trip; 0: no sample yet */
    uint32_t ack;
    const struct sack_block *sack;
    unsigned sack_count;
    bool duplicate; /* RFC 5681 §2: no data, no window change, nothing new acknowledged */
    bool limited;   /* the congestion window was in use */
};

/* What an ACK brought. */
struct recovery_news {
    uint32_t acked;     /* bytes newly acknowledged, without the FIN */
    bool entered;       /* fast recovery began */
    bool progress;      /* SND.UNA advanced */
    nsec_t sample_sent; /* when the latest once-only segment that it covers was sent; 0: none */
};

void recovery_init(struct recovery *r, bool sack, uint32_t una);

static inline uint32_t recovery_pipe(const struct recovery *r, const struct sendq *q)
{
    return sendq_in_flight(q) - r->sacked - r->assumed - r->lost + r->retransmitted;
}

/* Process an ACK: SACK blocks, cumulative acknowledgement (records and chunks are given back), loss
 * detection, the congestion window. */
struct recovery_news recovery_on_ack(struct recovery *r, struct sendq *q, struct congestion *cc,
                                     struct node_pool *nodes, const struct recovery_ack *ack);

/* The retransmission timer expired with data in flight. `again`: as for congestion_timeout(). */
void recovery_on_timeout(struct recovery *r, struct sendq *q, struct congestion *cc, nsec_t now,
                         bool again);

/* The path takes no more than `mss` bytes: larger records are lost, without blame on the
 * congestion window. */
void recovery_on_too_big(struct recovery *r, struct sendq *q, uint32_t mss);

/* The record to send again now (RFC 6675 §4 NextSeg rule 1), or NULL. */
struct sent *recovery_next_lost(struct recovery *r, struct sendq *q);

/* A hole below the highest SACKed byte that nobody called lost: the last resort in fast recovery,
 * when there is room in the pipe and nothing new to send (NextSeg rule 3), or NULL. */
struct sent *recovery_next_hole(struct recovery *r, struct sendq *q);

/* `s` was sent again. */
void recovery_resent(struct recovery *r, struct sent *s);

/* The sums agree with the records. For tests. */
bool recovery_sane(const struct recovery *r, const struct sendq *q);

#endif
