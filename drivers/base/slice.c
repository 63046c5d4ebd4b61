/* SPDX-License-Identifier: BSD-3-Clause */
/* Counted references to bytes in mbufs. */
#include "drivers/base/slice.h"

#include <rte_mbuf.h>

struct slice slice_sub(const struct slice *s, uint32_t from, uint32_t len)
{
    struct slice sub = {.buf = s->buf, .data = s->data + from, .len = len};
    if (from == 0 && len == s->len) {
        sub.sum = s->sum;
        sub.sum_known = s->sum_known;
    }
    rte_mbuf_refcnt_update(s->buf, 1);
    return sub;
}

void slice_release(struct slice *s)
{
    if (s->buf != NULL)
        rte_pktmbuf_free_seg(s->buf);
    *s = (struct slice){0};
}
