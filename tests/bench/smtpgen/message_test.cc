// SPDX-License-Identifier: BSD-3-Clause
#include "tests/drivers/tcp/buffers.h"

extern "C" {
#include "bench/smtpgen/message.h"
}

namespace
{

constexpr uint32_t kRun = 0x0012d687;

std::string IdLine(uint64_t id)
{
    char line[MESSAGE_ID_LINE];
    message_id_line(kRun, id, line);
    return std::string(line, sizeof(line));
}

struct Message : Buffers {
    struct message m = {};
    // All that is sent behind DATA for message 7.
    std::string Sent(size_t size, const char *from = "a@example.org", const char *subject = "test")
    {
        EXPECT_TRUE(message_prepare(&m, pools, size, from, subject));
        std::string all = IdLine(7);
        for (unsigned i = 0; i < m.count; i++) {
            const struct slice &s = m.slices[i];
            EXPECT_TRUE(s.sum_known);
            EXPECT_EQ(s.sum, rte_raw_cksum(s.data, s.len));
            all.append(reinterpret_cast<const char *>(s.data), s.len);
        }
        return all;
    }
    void TearDown() override
    {
        message_release(&m);
        Buffers::TearDown();
    }
};

TEST_F(Message, BeginsWithItsId)
{
    EXPECT_EQ(IdLine(0x42), "X-Smtpgen: 0012d687-00000000000042\r\n");
    EXPECT_EQ(IdLine(0xffffffffu), "X-Smtpgen: 0012d687-000000ffffffff\r\n");
}

TEST_F(Message, IsAHeaderAndABody)
{
    std::string header = IdLine(7) + "From: <a@example.org>\r\nSubject: test\r\n\r\n";
    EXPECT_EQ(Sent(1024).substr(0, header.size()), header);
}

TEST_F(Message, HasTheSizeThatWasAskedForAndEndsOnce)
{
    for (size_t size = MESSAGE_SIZE_MIN; size < MESSAGE_SIZE_MIN + 200; size++) {
        std::string sent = Sent(size);
        ASSERT_EQ(sent.size(), size + strlen(".\r\n"));
        EXPECT_EQ(m.size, size);
        EXPECT_EQ(sent.find("\r\n.\r\n"), size - 2) << "there, and nowhere before";
        message_release(&m);
    }
}

TEST_F(Message, HasWholeLineEndsOnlyWhateverItsHeaderHolds)
{
    for (size_t len = 1; len <= 300; len++) {
        std::string sent = Sent(MESSAGE_SIZE_MIN, "a@example.org", std::string(len, 's').c_str());
        for (size_t i = 0; i < sent.size(); i++) {
            bool cr = sent[i] == '\r', lf = sent[i] == '\n';
            ASSERT_TRUE(!cr || sent[i + 1] == '\n') << "subject of " << len << ", byte " << i;
            ASSERT_TRUE(!lf || sent[i - 1] == '\r') << "subject of " << len << ", byte " << i;
        }
        message_release(&m);
    }
}

TEST_F(Message, TakesAsManyBuffersAsItNeeds)
{
    std::string sent = Sent(1 << 20);
    EXPECT_GE(m.count, (1u << 20) / 2048);
    EXPECT_EQ(sent.size(), (1u << 20) + strlen(".\r\n"));
}

TEST_F(Message, IsNotMadeWherePacketMemoryIsOut)
{
    EXPECT_FALSE(message_prepare(&m, pools, 64 << 20, "a@example.org", "test"));
    EXPECT_EQ(rte_mempool_in_use_count(pools->data), 0u) << "and takes none";
}

TEST_F(Message, HasADigestThatTheIdLineAddsTo)
{
    std::string sent = Sent(5000);
    std::string id = IdLine(7);
    uint32_t state = digest_bytes(DIGEST_START, id.data(), id.size());
    EXPECT_EQ(digest_end(digest_tail_add(&m.tail, state)),
              digest_end(digest_bytes(DIGEST_START, sent.data(), 5000)));
}

} // namespace
