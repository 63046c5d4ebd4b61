/* SPDX-License-Identifier: BSD-3-Clause */
/* Time-based loss detection. */
#include "drivers/tcp/rack.h"

#include "drivers/tcp/seq.h"

#define PATIENCE 16 /* recoveries without a D-SACK, RFC 8985 §6.2 step 4 */

void rack_init(struct rack *k, uint32_t una)
{
    *k = (struct rack){.end = una, .highest = una, .arrived = una, .quarters = 1};
}

static bool sent_after(nsec_t a, uint32_t a_end, nsec_t b, uint32_t b_end)
{
    return a > b || (a == b && seq_after(a_end, b_end));
}

void rack_arrived(struct rack *k, const struct sent *s, const struct rack_ack *ack)
{
    bool again = s->transmissions > 1;
    k->arrived = seq_later(k->arrived, s->end);
    /* What one ACK reports, perhaps after others got lost, has no order. */
    if (seq_before(s->end, k->highest) && !again)
        k->reordering = true;
    nsec_t rtt = ack->now - s->when;
    /* Was it the first transmission that has arrived? Then the last one says nothing yet. */
    if (again && ((ack->echoed != 0 && ack->echoed < s->when / NSEC_PER_MSEC) ||
                  (ack->min_rtt != UINT64_MAX && rtt < ack->min_rtt)))
        return;
    if (k->any && !sent_after(s->when, s->end, k->sent, k->end))
        return;
    k->sent = s->when;
    k->end = s->end;
    k->rtt = rtt;
    k->any = true;
}

void rack_adapt(struct rack *k, uint32_t una, uint32_t nxt, bool dsack)
{
    k->highest = k->arrived;
    if (k->in_dsack_round && seq_at_or_after(una, k->dsack_round))
        k->in_dsack_round = false;
    if (!dsack || k->in_dsack_round)
        return;
    k->in_dsack_round = true;
    k->dsack_round = nxt;
    k->patience = PATIENCE;
    if (k->quarters < UINT8_MAX)
        k->quarters++;
}

void rack_recovered(struct rack *k)
{
    if (k->patience > 0 && --k->patience == 0)
        k->quarters = 1;
}

nsec_t rack_window(const struct rack *k, const struct rack_ack *ack, bool hurry)
{
    if (!k->reordering && hurry)
        return 0;
    nsec_t window = ack->min_rtt / 4 * k->quarters;
    return window < ack->srtt ? window : ack->srtt;
}

nsec_t rack_deadline(const struct rack *k, const struct sent *s, nsec_t window)
{
    if (!k->any || !sent_after(k->sent, k->end, s->when, s->end))
        return UINT64_MAX;
    return s->when + k->rtt + window;
}
