/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding the size that a path takes. */
#include "drivers/tcp/pmtu.h"

#include "drivers/tcp/seq.h"
#include "drivers/tcp/stack.h"

#define PROBES      3                    /* lost, until a size is too large (RFC 8899 §5.1.2) */
#define CLOSE       8                    /* bytes that are not worth another probe */
#define RAISE_AFTER (600 * NSEC_PER_SEC) /* RFC 1191 §6.3, RFC 8201 §4, RFC 8899 §5.1.1 */
#define FOLLOWERS   3                    /* segments behind a probe, to show that it is missing */

/* In a row, until a full segment is too large. More where that is not likely: one of that size has
 * arrived behind what is missing, or it is small enough for nearly every path. */
#define TIMEOUTS      2
#define TIMEOUTS_MANY 4

#define BASE_V4  (1024 + 40) /* RFC 4821 §7.2 */
#define FLOOR_V4 576
#define FLOOR_V6 1280 /* its base, too */

static bool is_v4(const struct tcp_connection *c)
{
    return ip_addr_is_v4(&c->stream.peer.addr);
}

static uint16_t floor_of(const struct tcp_connection *c)
{
    return is_v4(c) ? FLOOR_V4 : FLOOR_V6;
}

static uint16_t base_of(const struct tcp_connection *c)
{
    return is_v4(c) ? BASE_V4 : FLOOR_V6;
}

/* The largest packet that we send. */
static uint16_t size_now(const struct tcp_connection *c)
{
    return (uint16_t)(c->mss + connection_headers(c));
}

static uint32_t payload_of(const struct tcp_connection *c, uint16_t size)
{
    return connection_payload_max(c) + size - size_now(c);
}

static void resize(struct tcp_connection *c, uint16_t size)
{
    c->mtu = size;
    c->mss = (uint16_t)(size - connection_headers(c));
    if (c->state >= CONN_ESTABLISHED)
        congestion_set_mss(&c->congestion, connection_payload_max(c));
}

static void shrink(struct tcp_connection *c, uint16_t size)
{
    resize(c, size);
    if (c->state < CONN_ESTABLISHED)
        return;
    recovery_on_too_big(&c->recovery, &c->sendq, connection_payload_max(c));
    connection_dirty(c);
}

/* Nothing more is tried for now. */
static void settle(struct tcp_connection *c)
{
    struct pmtu *p = &c->pmtu;
    p->high = p->most;
    p->high_first = true;
    p->losses = 0;
    p->widest = size_now(c) >= p->most;
    p->next_at = pmtu_clock(c->tcp->now + RAISE_AFTER);
}

static void settle_if_close(struct tcp_connection *c)
{
    const struct pmtu *p = &c->pmtu;
    uint32_t now = size_now(c);
    if (p->high_first ? p->high <= now : p->high < now + CLOSE)
        settle(c);
}

void pmtu_init(struct tcp_connection *c, uint16_t mtu)
{
    c->mtu = mtu;
    c->mss = (uint16_t)(mtu - connection_headers(c));
    c->pmtu = (struct pmtu){.most = mtu};
    settle(c);
}

void pmtu_limit(struct tcp_connection *c, uint32_t mss)
{
    struct pmtu *p = &c->pmtu;
    if (mss < c->mss)
        c->mss = (uint16_t)mss;
    if (mss + connection_headers(c) < p->most)
        p->most = (uint16_t)(mss + connection_headers(c));
    settle(c);
}

/* The next smaller common MTU (RFC 1191 §7.1, table 7-1). */
static uint16_t plateau_below(uint16_t mtu)
{
    static const uint16_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006};
    for (unsigned i = 0; i < COUNT_OF(plateaus); i++)
        if (plateaus[i] < mtu)
            return plateaus[i];
    return 0;
}

/* The packet was a probe: it is that, and not what we send otherwise, which did not fit
 * (RFC 8899 §4.6.2). */
static void probe_too_big(struct tcp_connection *c, uint16_t mtu)
{
    struct pmtu *p = &c->pmtu;
    if (mtu >= p->size || mtu >= p->high)
        return;
    p->high = mtu;
    p->high_first = true;
    p->losses = 0;
    settle_if_close(c);
}

void pmtu_too_big(struct tcp_connection *c, uint32_t seq, uint16_t mtu)
{
    const struct pmtu *p = &c->pmtu;
    bool of_probe = p->size != 0 && seq_before(seq, c->recovery.mtu_probe_end) &&
                    seq_at_or_after(seq, c->recovery.mtu_probe_end - payload_of(c, p->size));
    if (mtu == 0)
        mtu = plateau_below(of_probe ? p->size : c->mtu);
    if (of_probe && mtu >= size_now(c)) {
        probe_too_big(c, mtu);
        return;
    }
    if (mtu < floor_of(c))
        mtu = floor_of(c);
    if (mtu >= c->mtu)
        return;
    if (mtu < size_now(c)) {
        shrink(c, mtu);
        settle(c);
    } else {
        c->mtu = mtu;
    }
}

void pmtu_timeout(struct tcp_connection *c)
{
    struct pmtu *p = &c->pmtu;
    uint16_t size = size_now(c), smaller = size > base_of(c) ? base_of(c) : floor_of(c);
    uint32_t fits = payload_of(c, smaller);
    const struct sent *arrived = c->recovery.top;
    bool unlikely = size <= base_of(c) || (arrived != NULL && sent_bytes(arrived) > fits);
    if (smaller >= size || sent_bytes(c->sendq.head) <= fits ||
        c->retries + 1 < (unlikely ? TIMEOUTS_MANY : TIMEOUTS))
        return;
    c->tcp->counters[TCP_MTU_BLACK_HOLES]++;
    shrink(c, smaller);
    /* It may have been an outage: one full segment more will tell. */
    p->size = 0;
    p->high = p->most;
    p->high_first = true;
    p->losses = PROBES - 1;
    p->widest = false;
    p->next_at = pmtu_clock(c->tcp->now);
}

uint32_t pmtu_probe(const struct tcp_connection *c, uint32_t window)
{
    const struct pmtu *p = &c->pmtu;
    const struct recovery *r = &c->recovery;
    if (p->size != 0 || !r->sack || r->state != RECOVERY_CLEAR || r->lost > 0)
        return 0;
    uint16_t now = size_now(c);
    uint16_t size = (uint16_t)(p->high_first ? p->high : now + (p->high - now + 1) / 2);
    uint32_t payload = payload_of(c, size), all = payload + FOLLOWERS * connection_payload_max(c);
    bool fits = c->sendq.unsent >= all && window >= all && c->congestion.cwnd >= all;
    return fits ? payload : 0;
}

void pmtu_probed(struct tcp_connection *c, const struct sent *s)
{
    struct pmtu *p = &c->pmtu;
    p->size = (uint16_t)(size_now(c) + sent_bytes(s) - connection_payload_max(c));
    c->tcp->counters[TCP_TX_MTU_PROBES]++;
}

/* A size is too large when as many probes of it were lost as one takes for chance. Those that were
 * lost along with others say nothing (RFC 4821 §7.6.2). */
static void probe_lost(struct tcp_connection *c, uint16_t size)
{
    struct pmtu *p = &c->pmtu;
    c->tcp->counters[TCP_TX_MTU_PROBES_LOST]++;
    if (recovery_reducing(&c->recovery) || size > p->high || ++p->losses < PROBES)
        return;
    p->losses = 0;
    p->high = size - 1;
    p->high_first = false;
}

void pmtu_acked(struct tcp_connection *c)
{
    struct pmtu *p = &c->pmtu;
    uint16_t size = p->size;
    if (size == 0 || seq_before(c->sendq.una, c->recovery.mtu_probe_end))
        return;
    p->size = 0;
    if (c->recovery.mtu_probe_lost) {
        probe_lost(c, size);
    } else {
        c->tcp->counters[TCP_TX_MTU_PROBES_ANSWERED]++;
        p->losses = 0;
        p->high_first = false;
        resize(c, size);
    }
    settle_if_close(c);
}
