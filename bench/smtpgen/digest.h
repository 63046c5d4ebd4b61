/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CRC32C (RFC 3720 §12.1) of content. A state begins as DIGEST_START and is turned into the digest
 * by digest_end().
 */
#ifndef SPLITMX_SMTPGEN_DIGEST_H
#define SPLITMX_SMTPGEN_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_START UINT32_MAX

uint32_t digest_bytes(uint32_t state, const void *data, size_t len);

static inline uint32_t digest_end(uint32_t state)
{
    return ~state;
}

/* Bytes that end many messages: what they do to any state, worked out once. */
struct digest_tail {
    uint32_t own; /* the state after them, from a state of zero */
    uint32_t table[4][256];
};

/* `own`: of digest_bytes() from zero over `len` bytes. */
void digest_tail_make(struct digest_tail *tail, uint32_t own, size_t len);

/* The state after those bytes. */
static inline uint32_t digest_tail_add(const struct digest_tail *tail, uint32_t state)
{
    return tail->own ^ tail->table[0][state & 255] ^ tail->table[1][state >> 8 & 255] ^
           tail->table[2][state >> 16 & 255] ^ tail->table[3][state >> 24];
}

/* Content as it was on the wire, in pieces; the dots of transparency do not count (RFC 5321
 * §4.5.2). Begin with {.state = DIGEST_START, .line_start = true}. */
struct digest {
    uint32_t state;
    uint64_t size; /* bytes so far */
    bool line_start;
};
void digest_wire(struct digest *d, const uint8_t *data, size_t len);

#endif
