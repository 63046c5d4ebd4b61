/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP headers: whatever parses can be written, and what is written parses to the same. */
#include "drivers/tcp/segment.h"
#include "fuzz.h"

static void check_options(const struct segment *a, const struct segment *b)
{
    FUZZ_CHECK(a->mss == b->mss);
    FUZZ_CHECK(a->has_wscale == b->has_wscale && a->wscale == b->wscale);
    FUZZ_CHECK(a->sack_permitted == b->sack_permitted);
    FUZZ_CHECK(a->has_timestamp == b->has_timestamp);
    FUZZ_CHECK(a->tsval == b->tsval && a->tsecr == b->tsecr);
    FUZZ_CHECK(b->sack_count <= a->sack_count); /* the last ones may not fit beside the others */
    for (unsigned i = 0; i < b->sack_count; i++)
        FUZZ_CHECK(a->sack[i].start == b->sack[i].start && a->sack[i].end == b->sack[i].end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct segment a, b;
    if (size > UINT16_MAX || !segment_parse(data, (uint32_t)size, (uint32_t)size, &a))
        return 0;
    FUZZ_CHECK(a.header_len >= TCP_HEADER_MIN && a.header_len + a.data_len == size);
    FUZZ_CHECK(a.sack_count <= TCP_MAX_SACK && a.wscale <= TCP_MAX_WSCALE);
    uint8_t header[TCP_HEADER_MAX];
    unsigned len = segment_write(header, &a);
    FUZZ_CHECK(len % 4 == 0 && len <= TCP_HEADER_MAX);
    FUZZ_CHECK(segment_parse(header, len, len, &b));
    FUZZ_CHECK(a.src_port == b.src_port && a.dst_port == b.dst_port && a.flags == b.flags);
    FUZZ_CHECK(a.seq == b.seq && a.ack == b.ack && a.window == b.window);
    check_options(&a, &b);
    return 0;
}
