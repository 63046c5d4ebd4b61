// SPDX-License-Identifier: BSD-3-Clause
// Sums of bytes, and what becomes of them when slices are cut.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include <rte_ip.h>
#include <rte_mbuf.h>

extern "C" {
#include "drivers/base/slice.h"
#include "drivers/base/sum.h"
}

namespace
{

std::vector<uint8_t> random_bytes(std::mt19937 &random, size_t n)
{
    std::vector<uint8_t> bytes(n);
    for (uint8_t &b : bytes)
        b = static_cast<uint8_t>(random());
    return bytes;
}

// Zero has two forms in one's complement.
uint16_t canonical(uint16_t sum)
{
    return sum == 0xffff ? 0 : sum;
}

TEST(Sum, AgreesWithDpdksForEveryLengthAndAlignment)
{
    std::mt19937 random(1);
    std::vector<uint8_t> bytes = random_bytes(random, 3000);
    for (size_t from = 0; from < 9; from++) {
        for (size_t len = 0; len + from <= 400; len++) {
            ASSERT_EQ(canonical(sum_bytes(&bytes[from], len)),
                      canonical(rte_raw_cksum(&bytes[from], len)))
                << from << " " << len;
        }
    }
    EXPECT_EQ(canonical(sum_bytes(bytes.data(), bytes.size())),
              canonical(rte_raw_cksum(bytes.data(), bytes.size())));
}

TEST(Sum, OfTheLargestWordsDoesNotOverflow)
{
    std::vector<uint8_t> bytes(65536, 0xff);
    EXPECT_EQ(canonical(sum_bytes(bytes.data(), bytes.size())), 0);
}

TEST(Slice, KeepsItsSumThroughEveryCutOfLessThanHalf)
{
    std::mt19937 random(2);
    unsigned known = 0;
    for (unsigned round = 0; round < 20000; round++) {
        std::vector<uint8_t> bytes = random_bytes(random, 1 + random() % 200);
        auto len = static_cast<uint32_t>(bytes.size());
        rte_mbuf buffer = {};
        rte_mbuf_refcnt_set(&buffer, 1);
        slice whole = {&buffer, bytes.data(), len, sum_bytes(bytes.data(), len), true};
        uint32_t from = static_cast<uint32_t>(random()) % len;
        uint32_t n = 1 + static_cast<uint32_t>(random()) % (len - from);
        slice part = slice_sub(&whole, from, n);
        EXPECT_EQ(part.data, bytes.data() + from);
        EXPECT_EQ(part.len, n);
        EXPECT_EQ(rte_mbuf_refcnt_read(&buffer), 2);
        if (part.sum_known) {
            known++;
            ASSERT_EQ(canonical(part.sum), canonical(rte_raw_cksum(part.data, part.len)))
                << from << " " << n << " of " << len;
        }
        EXPECT_TRUE(part.sum_known || from + n < len - len / 4 || from > len / 4);
    }
    EXPECT_GT(known, 3000u);
}

TEST(Slice, DoesNotInventASumThatWasNotKnown)
{
    uint8_t bytes[8] = {};
    slice s = {nullptr, bytes, sizeof(bytes), 0, false};
    slice_drop_front(&s, 1);
    slice_drop_end(&s, 1);
    EXPECT_FALSE(s.sum_known);
    EXPECT_EQ(s.len, 6u);
    EXPECT_EQ(s.data, bytes + 1);
}

} // namespace
