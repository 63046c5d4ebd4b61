// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <unistd.h>

extern "C" {
#include "bench/smtpgen/recipients.h"
}

namespace
{

struct Recipients : ::testing::Test {
    struct recipients r = {};
    const char *why = nullptr;
    ~Recipients() override
    {
        recipients_free(&r);
    }
    std::string Line(uint64_t i)
    {
        return std::string(r.text + r.offset[i], r.offset[i + 1] - r.offset[i]);
    }
};

TEST_F(Recipients, BecomeRcptLines)
{
    ASSERT_TRUE(recipients_add(&r, "alice@example.com", &why));
    ASSERT_TRUE(recipients_add(&r, "\"b c\"@example.com", &why));
    ASSERT_EQ(r.count, 2u);
    EXPECT_EQ(Line(0), "RCPT TO:<alice@example.com>\r\n");
    EXPECT_EQ(Line(1), "RCPT TO:<\"b c\"@example.com>\r\n");
}

TEST_F(Recipients, MayBeAFamily)
{
    ASSERT_TRUE(recipients_add(&r, "user%@example.com:8-11", &why));
    ASSERT_EQ(r.count, 4u);
    EXPECT_EQ(Line(0), "RCPT TO:<user8@example.com>\r\n");
    EXPECT_EQ(Line(3), "RCPT TO:<user11@example.com>\r\n");
    EXPECT_FALSE(recipients_add(&r, "user%@example.com:9-8", &why));
    EXPECT_THAT(why, ::testing::HasSubstr("user%@example.com:1-1000"));
    EXPECT_EQ(r.count, 4u);
}

TEST_F(Recipients, AreAddresses)
{
    for (const char *bad : {"", "a b@example.com", "alice@example.com>\r\nDATA", "alice@"}) {
        EXPECT_FALSE(recipients_add(&r, bad, &why)) << bad;
        EXPECT_STREQ(why, "not an address");
    }
}

TEST_F(Recipients, ComeFromAFileWhoseBadLineIsNamed)
{
    char path[] = "/tmp/smtpgen-recipients-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    unsigned line;
    fputs("# ours\nalice@example.com\r\n\nbob@example.com", file);
    fflush(file);
    EXPECT_TRUE(recipients_load(&r, path, &why, &line));
    ASSERT_EQ(r.count, 2u);
    EXPECT_EQ(Line(1), "RCPT TO:<bob@example.com>\r\n");
    fputs("\nnot an address\n", file);
    fclose(file);
    EXPECT_FALSE(recipients_load(&r, path, &why, &line));
    EXPECT_EQ(line, 5u);
    unlink(path);
    EXPECT_FALSE(recipients_load(&r, path, &why, &line));
    EXPECT_EQ(line, 0u);
}

} // namespace
