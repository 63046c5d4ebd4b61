/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Was that necessary? Two ways to find out that nothing had been lost, only late: the ACK of the
 * first retransmission echoes a timestamp from before it (Eifel, RFC 3522), or the peer reports
 * every retransmission as a duplicate (D-SACK, RFC 3708).
 */
#ifndef SPLITMX_TCP_UNDO_H
#define SPLITMX_TCP_UNDO_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/tcp/segment.h"

struct undo {
    uint64_t first;   /* millisecond of the first retransmission; 0: none yet */
    uint32_t from;    /* SND.UNA when the repair began */
    uint32_t to;      /* end of the last segment that was sent again */
    uint32_t pending; /* bytes sent again that were not reported as duplicates */
    bool armed;       /* there is a reduction to undo */
};

/* The window is about to be reduced for a loss. */
void undo_begin(struct undo *u, uint32_t una);

/* Nothing can be undone: a congestion signal that cannot err, or it was undone. */
void undo_forget(struct undo *u);

/* [seq, end) was sent again, at this millisecond. */
void undo_resent(struct undo *u, uint32_t seq, uint32_t end, uint64_t millisecond);

/* A D-SACK came. True: now all that was sent again has arrived twice, and the reduction was
 * spurious. */
bool undo_dsack(struct undo *u, const struct sack_block *block);

/* SND.UNA advanced, by an ACK that echoes `echoed` (0: no timestamp). True: spurious. */
bool undo_echo(const struct undo *u, uint64_t echoed);

#endif
