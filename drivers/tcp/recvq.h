/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The receive queue: bytes in order, blocks out of order, and what SACK says of them.
 *
 *                        nxt
 *     |--- in order -------|     |-- block --|   |-- block --|
 *     | chunk | chunk | ...      |chunk|chunk|   |chunk|
 *     unread: the application's   waiting for what is missing before them
 *
 * Blocks are sorted, disjoint and never touch one another or `nxt`.
 *
 * Pinned memory is what counts: a segment of at least half a buffer is kept where it was received;
 * a smaller one is copied into the room behind the chunk before it, as far as it goes, so that
 * neighbouring buffers together hold at least one buffer's worth of bytes (less their headers).
 */
#ifndef SPLITMX_TCP_RECVQ_H
#define SPLITMX_TCP_RECVQ_H

#include "drivers/tcp/chunk.h"
#include "drivers/tcp/segment.h"

/* A peer that leaves more holes than this is not losing packets; what else it sends beyond a hole
 * is dropped, and it will send it again. */
#define RECVQ_MAX_BLOCKS 64

struct reorder_block {
    struct reorder_block *next;
    struct chunk_list data;
    uint32_t seq, end;
    uint32_t stamp; /* of its latest change: SACK reports the newest first (RFC 2018 §4) */
};
static_assert(sizeof(struct reorder_block) <= NODE_SIZE, "a block is a node");

struct recvq {
    struct chunk_list data;
    struct reorder_block *blocks;
    uint32_t nxt; /* RCV.NXT, without a FIN */
    uint32_t block_count;
    uint32_t stamp;
    uint32_t small; /* segments below this many bytes are copied: half a data buffer */
};

enum recvq_result {
    RECVQ_IN_ORDER,     /* nxt advanced */
    RECVQ_OUT_OF_ORDER, /* queued as, or in, a block */
    RECVQ_DUPLICATE,    /* all of it had arrived before */
    RECVQ_FULL,         /* dropped: too many blocks, or out of nodes */
};

void recvq_init(struct recvq *q, uint32_t nxt, uint32_t small);
void recvq_release(struct recvq *q, struct node_pool *nodes);

/* Add `len` bytes at `seq`; takes over and empties `payload`, whatever happens. The caller has
 * trimmed what lies outside the window. */
enum recvq_result recvq_insert(struct recvq *q, struct node_pool *nodes, uint32_t seq, uint32_t len,
                               struct chunk_list *payload);

/* Forget all blocks. The peer may have been told about them: SACK allows that (RFC 2018 §8), memory
 * sometimes demands it. */
void recvq_renege(struct recvq *q, struct node_pool *nodes);

/* The first part of the `len` bytes at `seq` that has arrived before: what a D-SACK reports (RFC
 * 2883 §4). False if there is none. */
bool recvq_repeated(const struct recvq *q, uint32_t seq, uint32_t len, struct sack_block *out);

/* At most n SACK blocks, the most recently changed first. Returns how many. */
unsigned recvq_sack(const struct recvq *q, struct sack_block *out, unsigned n);

/* Sorted, disjoint, lengths add up. For tests. */
bool recvq_sane(const struct recvq *q, size_t readable);

#endif
