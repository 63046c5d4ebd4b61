/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A slice is a counted reference to bytes that never change: the currency between a stream and what
 * reads or forwards it. Behind it stands an mbuf; nobody above drivers/ needs to know.
 *
 * Ownership: whoever holds a slice holds one reference and gives it back with slice_release().
 * slice_sub() makes a second, independent reference. One worker's slices stay on that worker: the
 * reference count is not atomic.
 */
#ifndef SPLITMX_BASE_SLICE_H
#define SPLITMX_BASE_SLICE_H

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;

struct slice {
    struct rte_mbuf *buf; /* one segment; holds one reference */
    const uint8_t *data;  /* inside buf */
    uint32_t len;         /* bytes; never 0 in a queue */
    uint16_t sum; /* one's complement sum of [data, data + len), where sum_known (RFC 1071) */
    bool sum_known;
};

/* A second reference to bytes [from, from + len) of s. */
struct slice slice_sub(const struct slice *s, uint32_t from, uint32_t len);

/* Drop n < s->len bytes from the front or from the end. The sum is kept where that costs less than
 * to compute it anew: where more stays than goes. */
void slice_drop_front(struct slice *s, uint32_t n);
void slice_drop_end(struct slice *s, uint32_t n);

/* Gives the reference back and clears *s. */
void slice_release(struct slice *s);

#endif
