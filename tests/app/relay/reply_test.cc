// SPDX-License-Identifier: BSD-3-Clause
// The reply table, row by row.
#include <gtest/gtest.h>

#include <string>

extern "C" {
#include "app/relay/reply.h"
}

namespace
{

struct Judged {
    enum reply_meaning meaning;
    std::string text;
};

Judged Judge(enum reply_phase phase, const std::string &bytes, const char *expression = nullptr)
{
    struct smtp_reply reply = {};
    struct client_reply out = {};
    size_t used = 0;
    char *why = nullptr;
    EXPECT_EQ(smtp_reply_feed(&reply, reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(),
                              &used),
              SMTP_REPLY_COMPLETE)
        << bytes;
    struct reply_rules *rules = reply_rules_create(expression, &why);
    EXPECT_EQ(why, nullptr);
    struct ip_addr own;
    EXPECT_TRUE(ip_addr_parse("192.0.2.25", 10, &own));
    enum reply_meaning meaning = reply_judge(rules, phase, &reply, &own, &out);
    reply_rules_destroy(rules);
    return {meaning, std::string(out.text, out.len)};
}

TEST(ReplyTable, RepliesPassUnchanged)
{
    for (const char *text : {"250 2.1.5 fine\r\n", "250-one\r\n250 two\r\n"}) {
        EXPECT_EQ(Judge(REPLY_TO_RCPT, text).meaning, REPLY_GOOD);
        EXPECT_EQ(Judge(REPLY_TO_RCPT, text).text, text);
    }
    for (const char *text : {"550 5.1.1 unknown\r\n", "450 4.2.0 later\r\n", "552 5.2.2 full\r\n",
                             "452 4.5.3 too many\r\n", "551 go there\r\n"}) {
        EXPECT_EQ(Judge(REPLY_TO_RCPT, text).meaning, REPLY_REFUSAL);
        EXPECT_EQ(Judge(REPLY_TO_RCPT, text).text, text);
        EXPECT_EQ(Judge(REPLY_TO_END, text).text, text);
    }
}

TEST(ReplyTable, DataIsAnsweredBy354Only)
{
    EXPECT_EQ(Judge(REPLY_TO_DATA, "354 go\r\n").meaning, REPLY_GOOD);
    EXPECT_EQ(Judge(REPLY_TO_DATA, "250 go\r\n").meaning, REPLY_OUT_OF_PLACE);
    EXPECT_EQ(Judge(REPLY_TO_RCPT, "354 go\r\n").meaning, REPLY_OUT_OF_PLACE);
    EXPECT_EQ(Judge(REPLY_TO_END, "354 go\r\n").text.substr(0, 10), "451 4.3.5 ");
}

TEST(ReplyTable, ServiceClosingIsAskedAgainAndThenDeferred)
{
    EXPECT_EQ(Judge(REPLY_TO_RCPT, "421 4.3.0 bye\r\n").meaning, REPLY_UNAVAILABLE);
    EXPECT_EQ(Judge(REPLY_TO_END, "421 4.3.0 bye\r\n").text.substr(0, 10), "451 4.3.2 ");
}

TEST(ReplyTable, ASizeRefusalOfMailIsNotTakenForTooManyRecipients)
{
    EXPECT_EQ(Judge(REPLY_TO_MAIL, "552 5.3.4 too big\r\n").text, "550 5.3.4 too big\r\n");
    EXPECT_EQ(Judge(REPLY_TO_MAIL, "550 5.7.1 no\r\n").text, "550 5.7.1 no\r\n");
}

TEST(ReplyTable, OurFaultsAreTemporaryForTheClient)
{
    for (const char *code : {"500", "501", "502", "503", "504", "530", "535", "538"}) {
        Judged j = Judge(REPLY_TO_RCPT, std::string(code) + " what\r\n");
        EXPECT_EQ(j.meaning, REPLY_OUT_OF_PLACE) << code;
        EXPECT_EQ(j.text.substr(0, 10), "451 4.3.5 ");
    }
}

TEST(ReplyTable, ARefusalThatNamesOurAddressIsMeantForUs)
{
    EXPECT_EQ(Judge(REPLY_TO_RCPT, "554 5.7.1 [192.0.2.25] listed\r\n").meaning,
              REPLY_INFRASTRUCTURE);
    EXPECT_EQ(Judge(REPLY_TO_RCPT, "554 blocked 192.0.2.25.\r\n").meaning, REPLY_INFRASTRUCTURE);
    EXPECT_EQ(Judge(REPLY_TO_RCPT, "554 blocked 192.0.2.250\r\n").meaning, REPLY_REFUSAL);
    EXPECT_EQ(Judge(REPLY_TO_RCPT, "554 blocked 192.0.2.25.7\r\n").meaning, REPLY_REFUSAL);
    EXPECT_EQ(Judge(REPLY_TO_RCPT, "554 blocked 2192.0.2.25\r\n").meaning, REPLY_REFUSAL);
}

TEST(ReplyTable, AConfiguredExpressionFindsInfrastructureRefusals)
{
    EXPECT_EQ(
        Judge(REPLY_TO_RCPT, "554 5.7.1 Too Many Connections\r\n", "too many connections").meaning,
        REPLY_INFRASTRUCTURE);
    EXPECT_EQ(Judge(REPLY_TO_RCPT, "250 too many connections\r\n", "too many connections").meaning,
              REPLY_GOOD);
}

TEST(ReplyTable, ALongReplyIsCutAtALineAndEndsAsAReply)
{
    std::string text;
    for (int i = 0; i < 30; i++)
        text += "550-" + std::string(60, 'x') + "\r\n";
    text += "550 end\r\n";
    std::string told = Judge(REPLY_TO_RCPT, text).text;
    ASSERT_GT(told.size(), 900u);
    EXPECT_LE(told.size(), static_cast<size_t>(RELAY_REPLY_MAX));
    size_t last = told.rfind('\n', told.size() - 2) + 1;
    EXPECT_EQ(told.substr(last, 4), "550 ");
    EXPECT_EQ(told.substr(0, 4), "550-");
}

} // namespace
