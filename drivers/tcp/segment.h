/* SPDX-License-Identifier: BSD-3-Clause */
/* The TCP header and its options, to and from bytes. Pure: no connection, no mbuf. */
#ifndef SPLITMX_TCP_SEGMENT_H
#define SPLITMX_TCP_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/check.h"

#define TCP_HEADER_MIN     20
#define TCP_HEADER_MAX     60
#define TCP_TIMESTAMP_SIZE 12 /* the option with its two NOPs, as everybody sends it */
#define TCP_MAX_SACK       4
#define TCP_MAX_WSCALE     14 /* RFC 7323 §2.3 */

enum tcp_flag {
    TCP_FIN = 0x01,
    TCP_SYN = 0x02,
    TCP_RST = 0x04,
    TCP_PSH = 0x08,
    TCP_ACK = 0x10,
    TCP_URG = 0x20,
    TCP_ECE = 0x40,
    TCP_CWR = 0x80,
};

struct sack_block {
    uint32_t start, end;
};

struct segment {
    uint16_t src_port, dst_port;
    uint32_t seq, ack;
    uint16_t window; /* as on the wire: not scaled */
    uint8_t flags;   /* enum tcp_flag */
    uint8_t header_len;
    uint32_t data_len; /* bytes of payload */

    uint16_t mss;   /* 0: no option */
    uint8_t wscale; /* where has_wscale */
    bool has_wscale;
    bool sack_permitted;
    bool has_timestamp;
    uint32_t tsval, tsecr;
    uint8_t sack_count;
    struct sack_block sack[TCP_MAX_SACK];
};

/* Sequence numbers that the segment takes: its data, SYN and FIN. */
static inline uint32_t segment_span(const struct segment *s)
{
    return s->data_len + ((s->flags & TCP_SYN) != 0) + ((s->flags & TCP_FIN) != 0);
}

/*
 * Read a segment of `len` bytes (header and data), of which the first `contiguous` are at p. False
 * if its lengths contradict each other. What stands behind a malformed option is ignored
 * (RFC 9293 §3.2 asks no more than not to crash on it), as is an unknown option (MUST-6).
 */
MUST_CHECK bool segment_parse(const uint8_t *p, uint32_t contiguous, uint32_t len,
                              struct segment *out);

/* Write the header with a checksum field of zero. p has TCP_HEADER_MAX bytes. Options that do not
 * fit are left out, SACK blocks first. Returns the header's length, a multiple of 4. */
unsigned segment_write(uint8_t *p, const struct segment *s);

/* The offset of the checksum field. */
#define TCP_CHECKSUM_OFFSET 16

#endif
