/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding out that a retransmission was spurious. */
#include "drivers/tcp/undo.h"

#include "drivers/tcp/seq.h"

void undo_begin(struct undo *u, uint32_t una)
{
    *u = (struct undo){.from = una, .to = una, .armed = true};
}

void undo_forget(struct undo *u)
{
    *u = (struct undo){0};
}

void undo_resent(struct undo *u, uint32_t seq, uint32_t end, uint64_t millisecond)
{
    if (!u->armed)
        return;
    if (u->first == 0)
        u->first = millisecond;
    u->pending += end - seq;
    u->to = seq_later(u->to, end);
}

bool undo_dsack(struct undo *u, const struct sack_block *block)
{
    if (!u->armed || u->pending == 0 || seq_before(block->start, u->from) ||
        seq_after(block->end, u->to))
        return false;
    uint32_t bytes = block->end - block->start;
    u->pending -= bytes < u->pending ? bytes : u->pending;
    return u->pending == 0;
}

bool undo_echo(const struct undo *u, uint64_t echoed)
{
    return u->armed && u->first != 0 && echoed != 0 && echoed < u->first;
}
