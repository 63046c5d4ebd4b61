// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

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

} // namespace
