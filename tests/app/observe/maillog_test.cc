// SPDX-License-Identifier: BSD-3-Clause
// One outcome is one line, whatever strangers put into it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

extern "C" {
#include "app/observe/maillog.h"
}

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

namespace
{

std::string Format(const struct mail_record &r)
{
    auto buf = std::make_unique<char[]>(MAIL_LINE_MAX);
    return std::string(buf.get(), mail_record_format(&r, buf.get()));
}

std::unique_ptr<struct mail_record> Record()
{
    auto r = std::make_unique<struct mail_record>();
    *r = {};
    return r;
}

TEST(MailRecord, IsOneLineOfKeysAndValues)
{
    auto r = Record();
    r->status = MAIL_DELIVERED;
    r->wall = UINT64_C(1700000000123456000);
    strcpy(r->transaction, "0A");
    strcpy(r->from, "a@example.org");
    strcpy(r->to, "alice@example.com");
    strcpy(r->reply, "250 2.0.0 Ok");
    r->bytes = 17;
    std::string line = Format(*r);
    EXPECT_THAT(line, StartsWith("time=2023-11-14T22:13:20.123456Z status=delivered txn=0A "));
    EXPECT_THAT(line, HasSubstr(" from=a@example.org to=alice@example.com "));
    EXPECT_THAT(line, HasSubstr(" reply=\"250 2.0.0 Ok\" bytes=17 "));
    EXPECT_THAT(line, HasSubstr(" next_hop=- "));
    EXPECT_THAT(line, EndsWith("\n"));
}

TEST(MailRecord, NoValueCanAddALineOrAKey)
{
    auto r = Record();
    strcpy(r->helo, "x to=evil \"quoted\" \\ \r\n\x01\xff status=delivered");
    std::string line = Format(*r);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    EXPECT_EQ(line.find('\r'), std::string::npos);
    EXPECT_THAT(line, HasSubstr(" helo=\"x to=evil \\\"quoted\\\" \\\\ \\r\\n\\x01\\xff "
                                "status=delivered\" side="));
}

TEST(MailRecord, TheLongestValuesFitIntoALine)
{
    auto r = Record();
    auto fill = [](char *at, size_t size) {
        memset(at, '\xff', size - 1);
        at[size - 1] = '\0';
    };
    fill(r->transaction, sizeof(r->transaction));
    fill(r->helo, sizeof(r->helo));
    fill(r->from, sizeof(r->from));
    fill(r->to, sizeof(r->to));
    fill(r->message_id, sizeof(r->message_id));
    fill(r->reply, sizeof(r->reply));
    fill(r->word, sizeof(r->word));
    fill(r->route.rule, sizeof(r->route.rule));
    std::string line = Format(*r);
    EXPECT_THAT(line, HasSubstr(" commit_us=0\n"));
    EXPECT_LT(line.size(), static_cast<size_t>(MAIL_LINE_MAX) - 1);
}

TEST(MailLog, WhatIsReservedIsLoggedInOrder)
{
    struct maillog *log = maillog_create("order", 4);
    ASSERT_NE(log, nullptr);
    struct mail_record *a = maillog_reserve(log), *b = maillog_reserve(log);
    strcpy(a->to, "a");
    strcpy(b->to, "b");
    maillog_submit(log, b);
    maillog_submit(log, a);
    char *text = nullptr;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    EXPECT_EQ(maillog_drain(log, out), 2u);
    fclose(out);
    std::string lines(text, size);
    free(text);
    EXPECT_LT(lines.find(" to=b "), lines.find(" to=a "));
    EXPECT_EQ(maillog_in_use(log), 0u);
    maillog_destroy(log);
}

TEST(MailLog, RefusesAReservationWhenEveryRecordIsTakenAndCountsLostNotices)
{
    struct maillog *log = maillog_create("full", 4);
    struct mail_record *taken[8] = {};
    unsigned n = 0;
    while (n < 8 && (taken[n] = maillog_reserve(log)) != nullptr)
        n++;
    EXPECT_EQ(n, 4u);
    maillog_notice(log, 0, "lost");
    EXPECT_EQ(maillog_notices_dropped(log), 1u);
    for (unsigned i = 0; i < n; i++)
        maillog_cancel(log, taken[i]);
    EXPECT_EQ(maillog_in_use(log), 0u);
    maillog_destroy(log);
}

} // namespace
