/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which segments are lost, and when to send them again: RACK-TLP (RFC 8985) where the peer sends
 * SACK, NewReno's duplicate ACKs where it does not (RFC 6582), timeouts (RFC 6298 §5). It judges
 * the records of the send queue and keeps the sum that everything is measured by:
 *
 *     pipe = in flight - sacked - lost - assumed                        (RFC 6675 §4, SetPipe)
 *
 * A record may be of several segments, where the port cuts packets itself: it is split where a SACK
 * tells its segments apart, or one of them has to be sent again.
 *
 * Without SACK, `assumed` stands for what duplicate ACKs say has left the network: one full segment
 * each. Limited transmit (RFC 3042) needs no code of its own: what was SACKed makes room in the
 * pipe.
 *
 *                 a segment is lost                       timer
 *     CLEAR -------------------------------> FAST ---------------------> TIMEOUT
 *      | ^  \                                 ^ |                       ^   |
 *      | |   `--- ECN, a lost tail ---> CWR --' |                      /    |
 *      | |                               |      |                     /     |
 *      | `-- `point` acknowledged, or undone ---+--------------------+------'
 *      `---------------------- timer -------------------------------'
 */
#ifndef SPLITMX_TCP_RECOVERY_H
#define SPLITMX_TCP_RECOVERY_H

#include "drivers/tcp/congestion.h"
#include "drivers/tcp/prr.h"
#include "drivers/tcp/rack.h"
#include "drivers/tcp/segment.h"
#include "drivers/tcp/sendq.h"
#include "drivers/tcp/undo.h"

enum recovery_state {
    RECOVERY_CLEAR,   /* nothing is known to be lost */
    RECOVERY_CWR,     /* the window is being reduced, though nothing is missing now */
    RECOVERY_FAST,    /* repairing losses while ACKs come in; the window is being reduced */
    RECOVERY_TIMEOUT, /* the timer expired; slow start */
};

struct recovery {
    uint8_t state; /* enum recovery_state */
    bool sack;     /* the peer sends SACK */
    bool urgent;   /* the next retransmission goes out whatever the pipe says */
    bool guarded; /* without SACK: duplicates up to `point` are echoes of our own retransmissions */
    bool probing; /* a tail loss probe is out and not accounted for (TLP.end_seq is set) */
    bool mtu_probe_lost;     /* that probe (pmtu.h), or part of it */
    bool probed_again;       /* it was a retransmission (TLP.is_retrans) */
    uint32_t probe_end;      /* TLP.end_seq */
    uint32_t dupacks;        /* without SACK */
    uint32_t point;          /* SND.NXT when this state began (RecoveryPoint) */
    uint32_t sacked;         /* bytes of records with SENT_SACKED */
    uint32_t sacked_records; /* how many */
    uint32_t lost;           /* bytes of records with SENT_LOST */
    uint32_t assumed;
    uint32_t mtu_probe_end; /* the number behind the latest probe of the path's MTU */
    struct sent *top;       /* the highest record with SENT_SACKED */
    struct sent *cursor;    /* no record before it is LOST; NULL: unknown */
    struct rack rack;
    struct prr prr;
    uint32_t limited_until; /* data before this was sent while the congestion window was full */
    struct undo undo;
    struct sack_block seen[TCP_MAX_SACK]; /* of the last ACK: most blocks are repetitions */
};

/* An ACK that is acceptable: SND.UNA <= ack <= SND.NXT. */
struct recovery_ack {
    struct rack_ack time;
    uint32_t ack;
    const struct sack_block *sack;
    unsigned sack_count;
    bool duplicate; /* RFC 5681 §2: no data, no window change, nothing new acknowledged */
    bool limited;   /* the congestion window was in use */
    bool ece;       /* the network is congested, says the peer (RFC 3168 §6.1) */
};

/* What an ACK brought. */
struct recovery_news {
    uint32_t acked;     /* bytes newly acknowledged, without the FIN */
    bool entered;       /* fast recovery began */
    bool reduced;       /* for ECN, or for a tail that was lost and repaired by its probe */
    bool undone;        /* it turned out that nothing had been lost */
    bool progress;      /* SND.UNA advanced */
    bool sacked;        /* something was SACKed */
    nsec_t sample_sent; /* when the latest once-only segment that it covers was sent; 0: none */
};

void recovery_init(struct recovery *r, bool sack, uint32_t una);

static inline uint32_t recovery_pipe(const struct recovery *r, const struct sendq *q)
{
    return sendq_in_flight(q) - r->sacked - r->lost - r->assumed;
}

/* The window comes down by what arrives (prr.h). */
static inline bool recovery_reducing(const struct recovery *r)
{
    return r->state == RECOVERY_FAST || r->state == RECOVERY_CWR;
}

/* Process an ACK: SACK blocks, cumulative acknowledgement (records and chunks are given back), loss
 * detection, the congestion window. */
struct recovery_news recovery_on_ack(struct recovery *r, struct sendq *q, struct congestion *cc,
                                     struct node_pool *nodes, const struct recovery_ack *ack);

/* When the oldest segment that is late will be taken for lost, UINT64_MAX: none is late
 * (RFC 8985 §6.2 step 5). recovery_on_reorder() is due then. */
nsec_t recovery_reorder_deadline(const struct recovery *r, const struct sendq *q,
                                 const struct congestion *cc, const struct rack_ack *time);

/* The time that we give to reordering is over. True: fast recovery began. */
bool recovery_on_reorder(struct recovery *r, struct sendq *q, struct congestion *cc,
                         const struct rack_ack *time);

/* The retransmission timer expired with data in flight. `again`: as for congestion_timeout(). */
void recovery_on_timeout(struct recovery *r, struct sendq *q, struct congestion *cc,
                         const struct rack_ack *time, bool again);

/* The path takes no more than `mss` bytes: larger records are lost, without blame on the
 * congestion window. */
void recovery_on_too_big(struct recovery *r, struct sendq *q, uint32_t mss);

/* The record to send again now, or NULL. */
struct sent *recovery_next_lost(struct recovery *r, struct sendq *q);

/* `s`, new or taken for lost, goes out now. */
void recovery_sent(struct recovery *r, struct sendq *q, struct sent *s, nsec_t now);

/* May the tail be probed (RFC 8985 §7.3)? One probe at a time, while nothing is being repaired. */
bool recovery_may_probe(const struct recovery *r, const struct sendq *q);

/* `s`, new or the last one once more, goes out to provoke an ACK; whatever the pipe says. */
void recovery_probed(struct recovery *r, struct sendq *q, struct sent *s, nsec_t now);

/* The sums agree with the records. For tests. */
bool recovery_sane(const struct recovery *r, const struct sendq *q);

#endif
