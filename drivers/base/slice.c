/* SPDX-License-Identifier: BSD-3-Clause */
/* Counted references to bytes in mbufs. */
#include "drivers/base/slice.h"

#include <rte_mbuf.h>

#include "drivers/base/sum.h"

void slice_drop_front(struct slice *s, uint32_t n)
{
    s->sum_known = s->sum_known && n <= s->len / 2;
    if (s->sum_known && n > 0)
        s->sum = sum_at(sum_remove(s->sum, sum_bytes(s->data, n)), n);
    s->data += n;
    s->len -= n;
}

void slice_drop_end(struct slice *s, uint32_t n)
{
    s->sum_known = s->sum_known && n <= s->len / 2;
    s->len -= n;
    if (s->sum_known && n > 0)
        s->sum = sum_remove(s->sum, sum_at(sum_bytes(s->data + s->len, n), s->len));
}

struct slice slice_sub(const struct slice *s, uint32_t from, uint32_t len)
{
    struct slice sub = *s;
    slice_drop_end(&sub, s->len - from - len);
    slice_drop_front(&sub, from);
    rte_mbuf_refcnt_update(s->buf, 1);
    return sub;
}

void slice_release(struct slice *s)
{
    if (s->buf != NULL)
        rte_pktmbuf_free_seg(s->buf);
    *s = (struct slice){0};
}
