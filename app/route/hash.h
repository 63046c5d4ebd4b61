/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hash of short texts for tables in memory: eight bytes a step, folded by a 64 × 64 → 128 bit
 * multiplication (the step of wyhash). Not for secrets, and not against an adversary: what is
 * stored under it was written by the operator, and what is looked up costs the same wherever it
 * lands.
 */
#ifndef SPLITMX_ROUTE_HASH_H
#define SPLITMX_ROUTE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_bytes(const char *data, size_t len)
{
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15), salt = UINT64_C(0xe7037ed1a0b428db);
    uint64_t h = hash_fold(odd ^ len, salt), word;
    for (; len >= sizeof(word); data += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, data, sizeof(word));
        h = hash_fold(h ^ word, salt);
    }
    word = 0;
    memcpy(&word, data, len);
    h = hash_fold(h ^ word, odd);
    return hash_fold(h ^ odd, salt);
}

#endif
