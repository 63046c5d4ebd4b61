/* SPDX-License-Identifier: BSD-3-Clause */
/* Sequence numbers: a circle of 2^32, compared by half of it (RFC 9293 §3.4). */
#ifndef SPLITMX_TCP_SEQ_H
#define SPLITMX_TCP_SEQ_H

#include <stdbool.h>
#include <stdint.h>

static inline bool seq_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

static inline bool seq_after(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

static inline bool seq_at_or_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) <= 0;
}

static inline bool seq_at_or_after(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) >= 0;
}

static inline uint32_t seq_later(uint32_t a, uint32_t b)
{
    return seq_after(a, b) ? a : b;
}

#endif
