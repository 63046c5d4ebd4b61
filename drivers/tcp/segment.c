/* SPDX-License-Identifier: BSD-3-Clause */
/* The TCP header (RFC 9293 §3.1) and its options (§3.2, RFC 7323, RFC 2018). */
#include "drivers/tcp/segment.h"

#include <string.h>

enum {
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_MSS = 2,
    OPTION_WSCALE = 3,
    OPTION_SACK_PERMITTED = 4,
    OPTION_SACK = 5,
    OPTION_TIMESTAMP = 8,
};

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, (uint16_t)(v >> 16));
    put16(p + 2, (uint16_t)v);
}

static void parse_option(uint8_t kind, const uint8_t *p, unsigned len, struct segment *out)
{
    bool syn = (out->flags & TCP_SYN) != 0; /* RFC 9293 §3.2, RFC 7323 §2.2: only there */
    switch (kind) {
    case OPTION_MSS:
        if (len == 2 && syn)
            out->mss = get16(p);
        break;
    case OPTION_WSCALE:
        if (len == 1 && syn) {
            out->has_wscale = true;
            out->wscale = p[0] < TCP_MAX_WSCALE ? p[0] : TCP_MAX_WSCALE;
        }
        break;
    case OPTION_SACK_PERMITTED:
        if (len == 0 && syn)
            out->sack_permitted = true;
        break;
    case OPTION_SACK:
        if (len % 8 != 0)
            break;
        for (out->sack_count = 0; out->sack_count < TCP_MAX_SACK && len >= 8; p += 8, len -= 8)
            out->sack[out->sack_count++] = (struct sack_block){get32(p), get32(p + 4)};
        break;
    case OPTION_TIMESTAMP:
        if (len == 8) {
            out->has_timestamp = true;
            out->tsval = get32(p);
            out->tsecr = get32(p + 4);
        }
        break;
    default:
        break;
    }
}

bool segment_parse(const uint8_t *p, uint32_t contiguous, uint32_t len, struct segment *out)
{
    if (contiguous < TCP_HEADER_MIN || len < TCP_HEADER_MIN)
        return false;
    unsigned header = (unsigned)(p[12] >> 4) * 4;
    if (header < TCP_HEADER_MIN || header > len || header > contiguous)
        return false;
    *out = (struct segment){
        .src_port = get16(p),
        .dst_port = get16(p + 2),
        .seq = get32(p + 4),
        .ack = get32(p + 8),
        .flags = p[13],
        .window = get16(p + 14),
        .header_len = (uint8_t)header,
        .data_len = len - header,
    };
    for (unsigned i = TCP_HEADER_MIN; i < header;) {
        uint8_t kind = p[i];
        if (kind == OPTION_END)
            break;
        if (kind == OPTION_NOP) {
            i++;
            continue;
        }
        if (i + 1 >= header || p[i + 1] < 2 || i + p[i + 1] > header)
            break;
        parse_option(kind, p + i + 2, p[i + 1] - 2u, out);
        i += p[i + 1];
    }
    return true;
}

unsigned segment_write(uint8_t *p, const struct segment *s)
{
    uint8_t *o = p + TCP_HEADER_MIN;
    if (s->mss != 0) {
        o[0] = OPTION_MSS;
        o[1] = 4;
        put16(o + 2, s->mss);
        o += 4;
    }
    if (s->sack_permitted) {
        memcpy(o, (uint8_t[]){OPTION_NOP, OPTION_NOP, OPTION_SACK_PERMITTED, 2}, 4);
        o += 4;
    }
    if (s->has_timestamp) {
        memcpy(o, (uint8_t[]){OPTION_NOP, OPTION_NOP, OPTION_TIMESTAMP, 10}, 4);
        put32(o + 4, s->tsval);
        put32(o + 8, s->tsecr);
        o += TCP_TIMESTAMP_SIZE;
    }
    if (s->has_wscale) {
        memcpy(o, (uint8_t[]){OPTION_NOP, OPTION_WSCALE, 3, s->wscale}, 4);
        o += 4;
    }
    unsigned room = (unsigned)(p + TCP_HEADER_MAX - o);
    unsigned sacks = room < 4 ? 0 : (room - 4) / 8;
    if (sacks > s->sack_count)
        sacks = s->sack_count;
    if (sacks > 0) {
        memcpy(o, (uint8_t[]){OPTION_NOP, OPTION_NOP, OPTION_SACK, (uint8_t)(2 + 8 * sacks)}, 4);
        o += 4;
        for (unsigned i = 0; i < sacks; i++, o += 8) {
            put32(o, s->sack[i].start);
            put32(o + 4, s->sack[i].end);
        }
    }
    unsigned header = (unsigned)(o - p);
    put16(p, s->src_port);
    put16(p + 2, s->dst_port);
    put32(p + 4, s->seq);
    put32(p + 8, s->ack);
    p[12] = (uint8_t)(header / 4 << 4);
    p[13] = s->flags;
    put16(p + 14, s->window);
    put16(p + TCP_CHECKSUM_OFFSET, 0);
    put16(p + 18, 0);
    return header;
}
