/* SPDX-License-Identifier: BSD-3-Clause */
/* CRC32C, its algebra, and content without its dots. */
#include "bench/smtpgen/digest.h"

#include <string.h>

#include <rte_hash_crc.h>

#define PIECE 65536

/* As rte_hash_crc(), which reads words where they are not aligned. */
uint32_t digest_bytes(uint32_t state, const void *data, size_t len)
{
    const uint8_t *at = data;
    for (; len >= sizeof(uint64_t); at += sizeof(uint64_t), len -= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        state = rte_hash_crc_8byte(word, state);
    }
    for (; len > 0; at++, len--)
        state = rte_hash_crc_1byte(*at, state);
    return state;
}

/* A CRC is linear: the state after some bytes is what those bytes make of zero, combined with what
 * as many zeroes make of the state before; and that by each of its bits. */
void digest_tail_make(struct digest_tail *tail, uint32_t own, size_t len)
{
    static const uint8_t zeroes[PIECE];
    tail->own = own;
    for (unsigned bit = 0; bit < 32; bit++) {
        uint32_t state = UINT32_C(1) << bit;
        for (size_t left = len; left > 0;) {
            size_t part = left < PIECE ? left : PIECE;
            state = digest_bytes(state, zeroes, part);
            left -= part;
        }
        for (unsigned i = 0; i < 256; i++) {
            if (i >> bit % 8 & 1)
                tail->table[bit / 8][i] ^= state;
        }
    }
}

static void take(struct digest *d, const uint8_t *data, size_t len)
{
    d->state = digest_bytes(d->state, data, len);
    d->size += len;
}

void digest_wire(struct digest *d, const uint8_t *data, size_t len)
{
    const uint8_t *from = data, *end = data + len;
    while (from < end) {
        if (d->line_start && *from == '.') {
            d->line_start = false;
            from++;
            continue;
        }
        const uint8_t *newline = memchr(from, '\n', (size_t)(end - from));
        const uint8_t *next = newline != NULL ? newline + 1 : end;
        take(d, from, (size_t)(next - from));
        d->line_start = newline != NULL;
        from = next;
    }
}
