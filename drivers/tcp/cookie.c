/* SPDX-License-Identifier: BSD-3-Clause */
/* Putting a SYN into the numbers of our SYN-ACK, and taking it out again. */
#include "drivers/tcp/cookie.h"

#define TICK_BITS 2
#define MSS_BITS  3
#define MAC_SHIFT (TICK_BITS + MSS_BITS)

#define TICK_MASK    ((1u << TICK_BITS) - 1)
#define MSS_MASK     ((1u << MSS_BITS) - 1)
#define OPTION_SCALE 0x0fu
#define OPTION_SACK  0x10u
#define OPTION_ECN   0x20u
#define OPTION_MASK  0x3fu
#define OPTION_TIMES 0x40u /* in the MAC alone: there are timestamps */
#define NO_SCALE     15u

/* The largest that is not above what was offered: none at all, the least that a connection works
 * with, the default, IPv6's minimum, tunnels, and Ethernet under IPv6 and IPv4. */
static const uint16_t mss_table[1 << MSS_BITS] = {0, 88, 536, 1220, 1300, 1380, 1440, 1460};

static uint32_t mss_index(uint16_t offered)
{
    uint32_t i = offered > 0;
    while (i > 0 && i < MSS_MASK && mss_table[i + 1] <= offered)
        i++;
    return i;
}

static uint32_t options_of(const struct segment *syn)
{
    if (!syn->has_timestamp)
        return 0;
    bool ecn = (syn->flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR);
    return OPTION_TIMES | (ecn ? OPTION_ECN : 0) | (syn->sack_permitted ? OPTION_SACK : 0) |
           (syn->has_wscale ? syn->wscale : NO_SCALE);
}

static uint32_t sequence(struct isn *isn, const struct endpoint *local, const struct endpoint *peer,
                         uint32_t irs, uint32_t tick, uint32_t mss, uint32_t options)
{
    uint32_t words[ISN_COOKIE_WORDS] = {irs, tick, options << MSS_BITS | mss};
    return isn_cookie(isn, local, peer, words) << MAC_SHIFT | mss << TICK_BITS | (tick & TICK_MASK);
}

struct cookie cookie_make(struct isn *isn, const struct endpoint *local,
                          const struct endpoint *peer, const struct segment *syn, uint32_t clock,
                          nsec_t now)
{
    uint32_t options = options_of(syn), tick = (uint32_t)(now / COOKIE_TICK);
    uint32_t tsval = (clock & ~OPTION_MASK) | (options & OPTION_MASK);
    /* Never ahead of the clock: what follows must not look older (RFC 7323 §5). */
    if ((int32_t)(tsval - clock) > 0)
        tsval -= OPTION_MASK + 1;
    return (struct cookie){
        .sequence = sequence(isn, local, peer, syn->seq, tick, mss_index(syn->mss), options),
        .tsval = tsval,
    };
}

bool cookie_read(struct isn *isn, const struct endpoint *local, const struct endpoint *peer,
                 const struct segment *ack, nsec_t now, struct segment *syn)
{
    if ((ack->flags & (TCP_SYN | TCP_RST | TCP_ACK)) != TCP_ACK)
        return false;
    uint32_t cookie = ack->ack - 1, irs = ack->seq - 1;
    uint32_t mss = cookie >> TICK_BITS & MSS_MASK;
    uint32_t options = ack->has_timestamp ? OPTION_TIMES | (ack->tsecr & OPTION_MASK) : 0;
    uint32_t tick = (uint32_t)(now / COOKIE_TICK);
    tick -= (tick - cookie) & TICK_MASK;
    if (cookie != sequence(isn, local, peer, irs, tick, mss, options))
        return false;
    bool scaled = ack->has_timestamp && (options & OPTION_SCALE) != NO_SCALE;
    *syn = (struct segment){
        .src_port = ack->src_port,
        .dst_port = ack->dst_port,
        .seq = irs,
        .window = ack->window,
        .flags = (uint8_t)(TCP_SYN | (options & OPTION_ECN ? TCP_ECE | TCP_CWR : 0)),
        .mss = mss_table[mss],
        .has_wscale = scaled,
        .wscale = (uint8_t)(scaled ? options & OPTION_SCALE : 0),
        .sack_permitted = (options & OPTION_SACK) != 0,
        .has_timestamp = ack->has_timestamp,
        .tsval = ack->tsval,
    };
    return true;
}
