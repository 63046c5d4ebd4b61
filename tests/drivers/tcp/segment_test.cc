// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

extern "C" {
#include "drivers/tcp/segment.h"
}

namespace
{

std::vector<uint8_t> with_options(uint8_t flags, std::vector<uint8_t> options)
{
    while (options.size() % 4 != 0)
        options.push_back(0);
    std::vector<uint8_t> b = {0x13, 0x88, 0, 25,    0, 0, 0, 1, 0, 0,
                              0,    2,    0, flags, 1, 0, 0, 0, 0, 0};
    b.insert(b.end(), options.begin(), options.end());
    b[12] = uint8_t(b.size() / 4 << 4);
    return b;
}

struct segment parse(const std::vector<uint8_t> &b)
{
    struct segment s;
    EXPECT_TRUE(segment_parse(b.data(), uint32_t(b.size()), uint32_t(b.size()), &s));
    return s;
}

TEST(Segment, ReadsWhatItWrote)
{
    struct segment s = {};
    s.src_port = 40000;
    s.dst_port = 25;
    s.seq = 0xfffffff0;
    s.ack = 17;
    s.window = 4711;
    s.flags = TCP_SYN | TCP_ACK;
    s.mss = 1460;
    s.has_wscale = true;
    s.wscale = 7;
    s.sack_permitted = true;
    s.has_timestamp = true;
    s.tsval = 1;
    s.tsecr = 0xffffffff;
    uint8_t header[TCP_HEADER_MAX];
    unsigned len = segment_write(header, &s);
    EXPECT_EQ(len, 20u + 4 + 4 + 12 + 4);
    struct segment r = parse(std::vector<uint8_t>(header, header + len));
    EXPECT_EQ(r.src_port, 40000);
    EXPECT_EQ(r.dst_port, 25);
    EXPECT_EQ(r.seq, 0xfffffff0);
    EXPECT_EQ(r.ack, 17u);
    EXPECT_EQ(r.window, 4711);
    EXPECT_EQ(r.flags, TCP_SYN | TCP_ACK);
    EXPECT_EQ(r.mss, 1460);
    EXPECT_TRUE(r.has_wscale && r.sack_permitted && r.has_timestamp);
    EXPECT_EQ(r.wscale, 7);
    EXPECT_EQ(r.tsval, 1u);
    EXPECT_EQ(r.tsecr, 0xffffffff);
    EXPECT_EQ(segment_span(&r), 1u);
}

TEST(Segment, FourSackBlocksFitAloneAndThreeBesideTimestamps)
{
    struct segment s = {};
    s.flags = TCP_ACK;
    s.sack_count = 4;
    for (uint32_t k = 0; k < 4; k++)
        s.sack[k] = {k * 100, k * 100 + 50};
    uint8_t header[TCP_HEADER_MAX];
    unsigned len = segment_write(header, &s);
    EXPECT_EQ(parse(std::vector<uint8_t>(header, header + len)).sack_count, 4);
    s.has_timestamp = true;
    len = segment_write(header, &s);
    EXPECT_EQ(len, 60u);
    struct segment r = parse(std::vector<uint8_t>(header, header + len));
    EXPECT_EQ(r.sack_count, 3);
    EXPECT_EQ(r.sack[2].start, 200u);
}

TEST(Segment, RefusesLengthsThatContradictEachOther)
{
    struct segment s;
    auto b = with_options(TCP_ACK, {});
    EXPECT_FALSE(segment_parse(b.data(), 19, 19, &s));
    b[12] = 4 << 4;
    EXPECT_FALSE(segment_parse(b.data(), 20, 20, &s)) << "a header of 16 bytes";
    b[12] = 6 << 4;
    EXPECT_FALSE(segment_parse(b.data(), 20, 20, &s)) << "longer than the segment";
    b.resize(24);
    EXPECT_FALSE(segment_parse(b.data(), 20, 24, &s)) << "longer than what is contiguous";
    EXPECT_TRUE(segment_parse(b.data(), 24, 24, &s));
}

TEST(Segment, StopsAtAMalformedOptionAndKeepsWhatCameBefore)
{
    for (std::vector<uint8_t> bad : {std::vector<uint8_t>{8, 0}, {8, 1}, {8, 40}, {8}, {5, 3, 1}}) {
        std::vector<uint8_t> options = {2, 4, 5, 0xb4};
        options.insert(options.end(), bad.begin(), bad.end());
        struct segment s = parse(with_options(TCP_SYN, options));
        EXPECT_EQ(s.mss, 1460);
        EXPECT_FALSE(s.has_timestamp);
        EXPECT_EQ(s.sack_count, 0);
    }
}

TEST(Segment, SkipsOptionsThatItDoesNotKnow)
{
    struct segment s = parse(with_options(TCP_SYN, {254, 4, 1, 2, 1, 2, 4, 5, 0xb4}));
    EXPECT_EQ(s.mss, 1460);
}

TEST(Segment, OptionsOfTheHandshakeCountOnlyThere)
{
    struct segment s = parse(with_options(TCP_ACK, {2, 4, 5, 0xb4, 3, 3, 7, 4, 2}));
    EXPECT_EQ(s.mss, 0);
    EXPECT_FALSE(s.has_wscale || s.sack_permitted);
}

TEST(Segment, AScaleBeyondFourteenCountsAsFourteen)
{
    EXPECT_EQ(parse(with_options(TCP_SYN, {3, 3, 200})).wscale, 14);
}

} // namespace
