/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TIME-WAIT (RFC 9293 §3.6.1): what a connection leaves behind, in a table of small records with a
 * bound. When the table is full the oldest record goes early: then an old duplicate could reach a
 * new connection between the same ports, against which sequence numbers and PAWS still stand.
 *
 * All records wait equally long, so the order of arrival is the order of expiry: a list, no timers.
 */
#ifndef SPLITMX_TCP_TIMEWAIT_H
#define SPLITMX_TCP_TIMEWAIT_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "drivers/base/addr.h"
#include "drivers/base/timer.h"

struct timewait {
    TAILQ_ENTRY(timewait) order; /* oldest first, or free */
    struct timewait *chain;
    nsec_t expires;
    struct endpoint local, peer;
    uint32_t hash;
    uint32_t snd_nxt, rcv_nxt;
    uint32_t ts_recent, ts_offset;
    uint32_t ts_sent; /* our clock when we last said something */
    uint16_t window;  /* as last sent */
    bool ts_ok : 1;
    bool challenged : 1;   /* at ts_sent */
    bool syn_answered : 1; /* ... for a SYN that may not follow */
    uint8_t link;
};
static_assert(sizeof(struct timewait) == 96, "a line and a half: say so when it grows");
TAILQ_HEAD(timewait_list, timewait);

struct timewait_table {
    struct timewait *records, **buckets;
    struct timewait_list order, free;
    uint32_t mask;
    uint32_t count;
};

/* Chains that a table of so many records has. */
uint32_t timewait_buckets(uint32_t records);

MUST_CHECK bool timewait_create(struct timewait_table *t, uint32_t records);
void timewait_destroy(struct timewait_table *t);

/* Copies *record, hash and expiry included. Returns whether the oldest had to go for it. */
bool timewait_add(struct timewait_table *t, const struct timewait *record);
void timewait_remove(struct timewait_table *t, struct timewait *w);

/* Wait anew: its FIN came again (RFC 9293 §3.10.7.4, eighth step). */
void timewait_restart(struct timewait_table *t, struct timewait *w, nsec_t expires);

struct timewait *timewait_find(const struct timewait_table *t, uint32_t hash,
                               const struct endpoint *local, const struct endpoint *peer);

/* Remove what has expired; returns when the next one will, UINT64_MAX if there is none. */
nsec_t timewait_expire(struct timewait_table *t, nsec_t now);

#endif
