/* SPDX-License-Identifier: BSD-3-Clause */
/* RFC 6298, in nanoseconds. */
#include "drivers/tcp/rto.h"

void rto_init(struct rto *r)
{
    *r = (struct rto){.base = RTO_INITIAL, .min_rtt = UINT64_MAX};
}

void rto_sample(struct rto *r, nsec_t rtt)
{
    if (r->srtt == 0) { /* §2.2 */
        r->srtt = rtt > 0 ? rtt : 1;
        r->rttvar = rtt / 2;
    } else { /* §2.3: alpha = 1/8, beta = 1/4 */
        nsec_t deviation = r->srtt > rtt ? r->srtt - rtt : rtt - r->srtt;
        r->rttvar = r->rttvar - r->rttvar / 4 + deviation / 4;
        r->srtt = r->srtt - r->srtt / 8 + rtt / 8;
    }
    if (rtt < r->min_rtt)
        r->min_rtt = rtt;
    nsec_t margin = 4 * r->rttvar > RTO_GRANULE ? 4 * r->rttvar : RTO_GRANULE;
    nsec_t base = r->srtt + margin;
    r->base = base < RTO_MIN ? RTO_MIN : base > RTO_MAX ? RTO_MAX : base;
    r->backoff = 0;
}

void rto_back_off(struct rto *r)
{
    if (rto_get(r) < RTO_MAX)
        r->backoff++;
}

nsec_t rto_get(const struct rto *r)
{
    nsec_t rto = r->base << r->backoff;
    return rto < RTO_MAX ? rto : RTO_MAX;
}
