// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cstdio>
#include <vector>

#include "smtp_test.h"

extern "C" {
#include "app/smtp/content.h"
#include "app/smtp/header.h"
}

namespace
{

// The Message-ID that is found, the same for every size of chunk.
std::string Id(const std::string &data)
{
    std::string first;
    for (size_t chunk = data.size(); chunk > 0; chunk--) {
        struct smtp_content c;
        smtp_content_start(&c);
        for (size_t at = 0; at < data.size() && !c.ended; at += chunk)
            smtp_content_scan(&c, reinterpret_cast<const uint8_t *>(data.data()) + at,
                              std::min(chunk, data.size() - at));
        std::string id(c.message_id, c.message_id_len);
        if (chunk == data.size())
            first = id;
        EXPECT_EQ(id, first) << "in chunks of " << chunk;
    }
    return first;
}

TEST(MessageId, IsFoundAmongTheFields)
{
    EXPECT_EQ(Id("Message-ID: <a@b>\r\n\r\nbody\r\n"), "<a@b>");
    EXPECT_EQ(Id("Received: x\r\n\ty\r\nSubject: z\r\nMessage-ID: <a@b>\r\nTo: c\r\n\r\n"),
              "<a@b>");
    EXPECT_EQ(Id("mEsSaGe-iD:<a@b>\r\n"), "<a@b>");
    EXPECT_EQ(Id("Message-ID \t: <a@b>\r\n"), "<a@b>");
}

TEST(MessageId, IsFoundWhereverItIsFolded)
{
    EXPECT_EQ(Id("Message-ID:\r\n <a@b>\r\n"), "<a@b>");
    EXPECT_EQ(Id("Message-ID:  \t \r\n\t \r\n\t<a@b>\r\n"), "<a@b>");
    EXPECT_EQ(Id("Message-ID: <a\r\n @b>\r\n"), "<a @b>");
    EXPECT_EQ(Id("Message-ID:\r\nTo: <a@b>\r\n"), "");
}

TEST(MessageId, EndsWithItsBracket)
{
    EXPECT_EQ(Id("Message-ID: <a@b> (comment)\r\n"), "<a@b>");
    EXPECT_EQ(Id("Message-ID: <a@b><c@d>\r\n"), "<a@b>");
    EXPECT_EQ(Id("Message-ID: a@b  \t \r\nTo: c\r\n"), "a@b");
    EXPECT_EQ(Id("Message-ID: (x) <a@b> y\r\nTo: c\r\n"), "(x) <a@b> y");
    EXPECT_EQ(Id("Message-ID: <a@b\r\nTo: c\r\n"), "<a@b");
}

TEST(MessageId, IsTheFirstOne)
{
    EXPECT_EQ(Id("Message-ID: <a@b>\r\nMessage-ID: <c@d>\r\n"), "<a@b>");
    EXPECT_EQ(Id("Message-ID:\r\nMessage-ID: <c@d>\r\n"), "");
}

TEST(MessageId, IsNoOtherField)
{
    for (const char *other :
         {"X-Message-ID", "Message-IDs", "Message-I", "Message ID", "Message_ID", "Messages-ID",
          "Content-ID", " Message-ID", "Resent-Message-ID", "message\rid"})
        EXPECT_EQ(Id(std::string(other) + ": <a@b>\r\n"), "") << other;
    EXPECT_EQ(Id("Subject: x\r\n Message-ID: <a@b>\r\n"), "");
    EXPECT_EQ(Id("Subject: Message-ID: <a@b>\r\n"), "");
    EXPECT_EQ(Id("Message-ID\r\n: <a@b>\r\n"), "");
}

TEST(MessageId, IsNotSoughtInTheBody)
{
    EXPECT_EQ(Id("Subject: x\r\n\r\nMessage-ID: <a@b>\r\n"), "");
    EXPECT_EQ(Id("\r\nMessage-ID: <a@b>\r\n"), "");
    EXPECT_EQ(Id("Subject: x\n\nMessage-ID: <a@b>\r\n"), "");
    EXPECT_EQ(Id("Subject: x\r\n.\r\nMessage-ID: <a@b>\r\n"), ""); // of the next message
    EXPECT_EQ(Id("Message-ID: <a\r\n.\r\nb>\r\n"), "<a");
}

TEST(MessageId, IsBounded)
{
    std::string id = "<" + std::string(248, 'x') + ">";
    EXPECT_EQ(Id("Message-ID: " + id + "\r\n"), id);
    EXPECT_EQ(Id("Message-ID: <" + std::string(1000, 'x') + ">\r\n"), "<" + std::string(249, 'x'));
    EXPECT_EQ(Id("Message-ID: " + std::string(248, 'x') + std::string(9, ' ') + "y\r\nTo: c\r\n"),
              std::string(248, 'x'));
}

TEST(MessageId, IsPrintable)
{
    EXPECT_EQ(Id("Message-ID: <a\x1b[31m\x07\xc3\xa9\x7f@b>\r\n"), "<a?[31m????@b>");
    EXPECT_EQ(Id(std::string("Message-ID: <a\0b>\r\n", 19)), "<a?b>");
    EXPECT_EQ(Id("Message-ID: a\tb\r\nTo: c\r\n"), "a b");
}

TEST(MessageId, IsDoneWithTheHeaderSection)
{
    struct smtp_content c;
    smtp_content_start(&c);
    smtp_content_scan(&c, reinterpret_cast<const uint8_t *>("To: a\r\n\r"), 8);
    EXPECT_FALSE(smtp_header_done(&c));
    smtp_content_scan(&c, reinterpret_cast<const uint8_t *>("\n"), 1);
    EXPECT_TRUE(smtp_header_done(&c));
}

// What is found of its way, the same for every size of chunk.
struct Way {
    unsigned hops;
    std::vector<uint64_t> marks;
    bool operator==(const Way &other) const
    {
        return hops == other.hops && marks == other.marks;
    }
};

Way WayOf(const std::string &data)
{
    Way first{};
    for (size_t chunk = data.size(); chunk > 0; chunk--) {
        struct smtp_content c;
        smtp_content_start(&c);
        for (size_t at = 0; at < data.size() && !c.ended; at += chunk)
            smtp_content_scan(&c, reinterpret_cast<const uint8_t *>(data.data()) + at,
                              std::min(chunk, data.size() - at));
        Way way{c.hops, {c.marks, c.marks + c.mark_count}};
        if (chunk == data.size())
            first = way;
        EXPECT_EQ(way, first) << "in chunks of " << chunk;
    }
    return first;
}

using Marks = std::vector<uint64_t>;

TEST(Way, CountsReceivedFields)
{
    EXPECT_EQ(WayOf("Received: a\r\n\tReceived: b\r\nrEcEiVeD : c\r\nMessage-ID: <a@b>\r\n"
                    "Received:\r\nReceived-SPF: d\r\nX-Received: e\r\n\r\nReceived: f\r\n")
                  .hops,
              3u);
    EXPECT_EQ(WayOf("Message-ID:\r\nReceived: a\r\n").hops, 1u);
    EXPECT_EQ(WayOf("\r\nReceived: a\r\n").hops, 0u);
}

TEST(Way, HasTheMarksOfReceivedFields)
{
    EXPECT_EQ(
        WayOf("Received: from a (b [192.0.2.1])\r\n\tby c with ESMTP id d\r\n"
              "\t(splitmx 0123456789ABCDEF); Tue\r\n"
              "Received: (splitmx FFFFFFFFFFFFFFFF\r\n\t00000000000000aa\r\n 1111111111111111)\r\n")
            .marks,
        (Marks{0x0123456789abcdef, UINT64_MAX, 0xaa, 0x1111111111111111}));
    EXPECT_EQ(WayOf("Received: ((splitmx 0123456789ABCDEF)\r\n").marks, Marks{0x0123456789abcdef});
    EXPECT_EQ(WayOf("Received: (splitmx\r\n\t0123456789ABCDEF)\r\n").marks,
              Marks{0x0123456789abcdef});
}

TEST(Way, TakesNothingElseForAMark)
{
    for (const char *text :
         {"Received: splitmx 0123456789ABCDEF", "Received: (splitmx 0123456789ABCDE)",
          "Received: (splitmx 0123456789ABCDEF0)", "Received: (splitmx g123456789ABCDEF)",
          "Received: (splitmx\r\n0123456789ABCDEF)", "Received: (split mx 0123456789ABCDEF)",
          "Received: (splitmx 01234567\r\n 89ABCDEF)", "Subject: (splitmx 0123456789ABCDEF)"})
        EXPECT_EQ(WayOf(std::string(text) + "\r\n").marks, Marks{}) << text;
}

TEST(Way, KeepsTheNewestMarks)
{
    std::string data;
    for (int i = 0; i < SMTP_CONTENT_MARKS + 3; i++) {
        char line[64];
        snprintf(line, sizeof(line), "Received: (splitmx %016X)\r\n", i);
        data += line;
    }
    Way way = WayOf(data);
    EXPECT_EQ(way.hops, SMTP_CONTENT_MARKS + 3u);
    ASSERT_EQ(way.marks.size(), size_t{SMTP_CONTENT_MARKS});
    EXPECT_EQ(way.marks.back(), SMTP_CONTENT_MARKS - 1u);
}

} // namespace
