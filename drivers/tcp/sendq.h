/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The send queue: bytes given by the application, and a record of every segment that carries some
 * of them and is not acknowledged.
 *
 *     una                           nxt                         end
 *      |-------- in flight ----------|--------- unsent ----------|
 *      | record | record |  record   |
 *   | chunk |  chunk  | chunk |  chunk   |  chunk | chunk (grows) |
 *   ^-------- a chunk is given back when its last byte is acknowledged
 *
 * A record is what left as one packet up to the port: a segment, or several of one size that the
 * port cuts apart. A record says where its bytes begin (chunk and offset): a retransmission finds
 * them without a walk, and they are the very bytes that were sent before. Records are in the order
 * of sequence numbers and without gaps. A FIN is the last number of the last record.
 *
 * Each record that was sent is in the network, or SACKed, or lost. Those in the network are in a
 * second list, in the order of their latest transmission: loss detection looks at the oldest only
 * (RFC 8985 §6.2 step 5).
 */
#ifndef SPLITMX_TCP_SENDQ_H
#define SPLITMX_TCP_SENDQ_H

#include "drivers/base/timer.h"
#include "drivers/tcp/chunk.h"

struct pools;

enum sent_flag {
    SENT_AWAY = 1 << 0,      /* in the network, as far as we know, and in the list by time */
    SENT_SACKED = 1 << 1,    /* the peer has it, out of order (RFC 2018) */
    SENT_LOST = 1 << 2,      /* recovery thinks that the network dropped it: to be sent again */
    SENT_FIN = 1 << 3,       /* ends with our FIN */
    SENT_MTU_PROBE = 1 << 4, /* one segment, larger than the path is known to take (pmtu.h) */
};

struct sent {
    struct sent *next, *prev;     /* by sequence number */
    struct sent *later, *earlier; /* by time of transmission, while AWAY */
    struct chunk *chunk;          /* of the first byte; NULL where there is none (a FIN alone) */
    nsec_t when;                  /* of the latest transmission */
    uint32_t offset;              /* of the first byte in its chunk */
    uint32_t seq, end;            /* [seq, end), a FIN included */
    uint8_t flags;                /* enum sent_flag */
    uint8_t transmissions;
};
static_assert(sizeof(struct sent) <= NODE_SIZE, "a record is a node");

static inline uint32_t sent_span(const struct sent *s)
{
    return s->end - s->seq;
}

static inline uint32_t sent_bytes(const struct sent *s)
{
    return sent_span(s) - ((s->flags & SENT_FIN) != 0);
}

struct sendq {
    struct chunk_list data;
    uint32_t head_acked; /* bytes of the first chunk that are acknowledged */
    uint32_t cursor_off; /* next byte to send: in chunk `cursor` (NULL: no chunks) */
    struct chunk *cursor;
    struct sent *head, *tail;     /* by sequence number */
    struct sent *oldest, *newest; /* by time of transmission */
    uint32_t una, nxt;            /* SND.UNA and SND.NXT, without the SYN */
    uint32_t unsent;              /* bytes */
    bool fin;                     /* the application has closed: a FIN follows the last byte */
    bool fin_sent;                /* and it has a record (acknowledged or not) */
};

void sendq_init(struct sendq *q, uint32_t first_seq);
void sendq_release(struct sendq *q, struct node_pool *nodes);

static inline uint32_t sendq_in_flight(const struct sendq *q)
{
    return q->nxt - q->una;
}

/* Copy into data buffers: all or, where memory is short, nothing. */
MUST_CHECK bool sendq_write(struct sendq *q, struct node_pool *nodes, struct pools *pools,
                            const void *data, size_t len);

/* Queue a reference to the slice's bytes. */
MUST_CHECK bool sendq_forward(struct sendq *q, struct node_pool *nodes, const struct slice *slice);

/*
 * Make the record of the next new segment: at most `most` bytes (> 0) in at most `pieces` chunks;
 * the FIN goes with the last byte. It ends early where the next chunk would go whole into a segment
 * of its own, its checksum known: so a relayed body keeps the segments it came in, and their sums.
 * NULL: nothing to send, or out of nodes.
 */
struct sent *sendq_cut(struct sendq *q, struct node_pool *nodes, uint32_t most, unsigned pieces);

/* Make the record of a new segment of `len` bytes, wherever chunks end. NULL: there are fewer, they
 * lie in more than `pieces` chunks, or out of nodes. */
struct sent *sendq_cut_exactly(struct sendq *q, struct node_pool *nodes, uint32_t len,
                               unsigned pieces);

/* What sendq_cut() would put into a segment, without doing so. */
uint32_t sendq_next_len(const struct sendq *q, uint32_t most, unsigned pieces);

/* Cut `s` after its first `len` bytes (0 < len < its bytes): the rest becomes a record of its own
 * with the same flags. False if out of nodes. */
MUST_CHECK bool sendq_split(struct sendq *q, struct node_pool *nodes, struct sent *s, uint32_t len);

/* `s` went out, for the first time or again: it is AWAY, and the latest to be so. */
void sendq_went_out(struct sendq *q, struct sent *s, nsec_t now);

/* `s` is not in the network any more, if it was: it arrived, or is lost. */
void sendq_came_in(struct sendq *q, struct sent *s);

/* `s`, taken for lost, is in the network after all, at its place in time. */
void sendq_found(struct sendq *q, struct sent *s);

/* Take the last record's bytes back to the unsent ones: it could not be sent after all. */
void sendq_uncut(struct sendq *q, struct node_pool *nodes, struct sent *s);

/* Everything before `una` is acknowledged: give back its records and chunks. Recovery has seen the
 * records before. Returns how many bytes that were (without the FIN). */
uint32_t sendq_acked(struct sendq *q, struct node_pool *nodes, uint32_t una);

/* The pieces of a record's bytes, one after the other: start with piece.chunk == NULL. */
struct sendq_piece {
    const struct chunk *chunk;
    const uint8_t *data;
    uint32_t len;
    uint32_t left; /* bytes after this piece */
};
bool sendq_piece(const struct sent *s, struct sendq_piece *p);

/* Records without gaps, counts that add up. For tests. */
bool sendq_sane(const struct sendq *q);

#endif
