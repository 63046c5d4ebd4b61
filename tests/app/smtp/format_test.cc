// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <functional>

#include "smtp_test.h"

extern "C" {
#include "app/smtp/format.h"
#include "app/smtp/reply.h"
}

namespace
{

// What is written into a buffer that fits exactly; every smaller one must be refused.
std::string Written(const std::function<size_t(char *, size_t)> &format)
{
    char buf[2048];
    size_t len = format(buf, sizeof(buf));
    if (len == 0)
        return "refused";
    std::string s(buf, len);
    for (size_t size = 0; size <= len; size++) {
        std::string exact(size, '\0');
        EXPECT_EQ(format(exact.data(), size), size == len ? len : 0);
        if (size == len) {
            EXPECT_EQ(exact, s);
        }
    }
    return s;
}

std::string Ehlo(const std::string &name)
{
    return Written([&](char *buf, size_t size) { return smtp_format_ehlo(buf, size, Span(name)); });
}

std::string Mail(const std::string &address, uint64_t message_size = 0,
                 enum smtp_body body = SMTP_BODY_UNSPECIFIED)
{
    return Written([&](char *buf, size_t size) {
        struct smtp_mail_parameters p = {};
        p.size = message_size;
        p.body = body;
        return smtp_format_mail(buf, size, Span(address), &p);
    });
}

std::string Rcpt(const std::string &address)
{
    return Written([&](char *buf, size_t size) {
        return smtp_format_rcpt(buf, size, Span(address), false, nullptr);
    });
}

std::string Verb(enum smtp_verb verb)
{
    return Written([&](char *buf, size_t size) { return smtp_format_verb(buf, size, verb); });
}

std::string Reply(const std::string &line)
{
    return Written(
        [&](char *buf, size_t size) { return smtp_format_reply(buf, size, Span(line)); });
}

TEST(Format, WritesTheCommandsOfATransaction)
{
    EXPECT_EQ(Ehlo("mx1.example.net"), "EHLO mx1.example.net\r\n");
    EXPECT_EQ(Ehlo("[192.0.2.25]"), "EHLO [192.0.2.25]\r\n");
    EXPECT_EQ(Written([](char *b, size_t n) { return smtp_format_helo(b, n, Span("mx1")); }),
              "HELO mx1\r\n");
    EXPECT_EQ(Mail("alice@example.com"), "MAIL FROM:<alice@example.com>\r\n");
    EXPECT_EQ(Mail("alice@example.com", 1024, SMTP_BODY_8BITMIME),
              "MAIL FROM:<alice@example.com> SIZE=1024 BODY=8BITMIME\r\n");
    EXPECT_EQ(Mail("", UINT64_MAX, SMTP_BODY_7BIT),
              "MAIL FROM:<> SIZE=18446744073709551615 BODY=7BIT\r\n");
    EXPECT_EQ(Rcpt("bob@example.com"), "RCPT TO:<bob@example.com>\r\n");
    EXPECT_EQ(Rcpt("\"b > o\\\"b\"@example.com"), "RCPT TO:<\"b > o\\\"b\"@example.com>\r\n");
    EXPECT_EQ(Rcpt("Postmaster"), "RCPT TO:<Postmaster>\r\n");
    EXPECT_EQ(Verb(SMTP_DATA), "DATA\r\n");
    EXPECT_EQ(Verb(SMTP_RSET), "RSET\r\n");
    EXPECT_EQ(Verb(SMTP_NOOP), "NOOP\r\n");
    EXPECT_EQ(Verb(SMTP_QUIT), "QUIT\r\n");
}

TEST(Format, RefusesVerbsThatAreNoCommandByThemselves)
{
    for (enum smtp_verb verb :
         {SMTP_HELO, SMTP_EHLO, SMTP_MAIL, SMTP_RCPT, SMTP_VRFY, SMTP_UNKNOWN})
        EXPECT_EQ(Verb(verb), "refused");
}

TEST(Format, LetsNoValueAddALineOrAParameter)
{
    for (const char *name :
         {"", "mx1\r\nQUIT", "mx1\n", "mx 1", "mx1\t", "m\xc3\xbcx", "[1.2.3]", "a..b"})
        EXPECT_EQ(Ehlo(name), "refused") << name;
    for (const char *address : {"a@b\r\nRSET", "a@b\n", "a@b\r", "a@b> SIZE=1 X=<", "<a@b>", "a@b>",
                                "a@b ", "a", "\"a\r\nb\"@c", "\xc3\xa9@b", "@x:a@b", "\"a@b"}) {
        EXPECT_EQ(Mail(address), "refused") << address;
        EXPECT_EQ(Rcpt(address), "refused") << address;
    }
    EXPECT_EQ(Rcpt(""), "refused");
    EXPECT_EQ(Rcpt(std::string("a\0@b", 4)), "refused");
}

TEST(Format, WritesWhatTheParserReadsBack)
{
    for (const char *address :
         {"", "a@b", "\"a b\"@c.example", "a@[IPv6:2001:db8::1]", ".a..@b_c"}) {
        std::string line = Mail(address, 77, SMTP_BODY_8BITMIME);
        struct smtp_command c;
        ASSERT_EQ(smtp_command_parse(line.data(), line.size() - 2, SMTP_EXTENSIONS_ALL, &c),
                  SMTP_COMMAND_OK)
            << line;
        EXPECT_EQ(Text(c.path.address), address);
        EXPECT_EQ(c.mail.size, 77u);
        EXPECT_EQ(c.mail.body, SMTP_BODY_8BITMIME);
    }
}

TEST(Format, WritesTheParametersOfDsnAndOfSmtputf8)
{
    struct smtp_mail_parameters mail = {};
    mail.ret = SMTP_RET_HDRS;
    mail.envid = Span("QQ+3D1");
    EXPECT_EQ(
        Written([&](char *b, size_t n) { return smtp_format_mail(b, n, Span("a@b"), &mail); }),
        "MAIL FROM:<a@b> RET=HDRS ENVID=QQ+3D1\r\n");
    mail.envid = Span("two words");
    EXPECT_EQ(
        Written([&](char *b, size_t n) { return smtp_format_mail(b, n, Span("a@b"), &mail); }),
        "refused");
    mail = {};
    mail.utf8 = true;
    const char *address = "\xc3\xa9@b\xc3\xbc.example";
    EXPECT_EQ(
        Written([&](char *b, size_t n) { return smtp_format_mail(b, n, Span(address), &mail); }),
        "MAIL FROM:<\xc3\xa9@b\xc3\xbc.example> SMTPUTF8\r\n");
    struct smtp_rcpt_parameters rcpt = {};
    rcpt.notify = SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY;
    rcpt.orcpt = Span("utf-8;\xc3\xa9@b");
    EXPECT_EQ(
        Written(
            [&](char *b, size_t n) { return smtp_format_rcpt(b, n, Span(address), true, &rcpt); }),
        "RCPT TO:<\xc3\xa9@b\xc3\xbc.example> NOTIFY=SUCCESS,DELAY ORCPT=utf-8;\xc3\xa9@b\r\n");
    EXPECT_EQ(Written([&](char *b, size_t n) {
                  return smtp_format_rcpt(b, n, Span("a@b"), false, &rcpt);
              }),
              "refused");
    rcpt.notify = SMTP_NOTIFY_NEVER;
    rcpt.orcpt = {};
    EXPECT_EQ(Written([&](char *b, size_t n) {
                  return smtp_format_rcpt(b, n, Span("a@b"), false, &rcpt);
              }),
              "RCPT TO:<a@b> NOTIFY=NEVER\r\n");
    for (const char *bad :
         {"\xc3@b", "\xa9@b", "a@b\xc3", "\xed\xa0\x80@b", "\xc0\xaf@b", "a\xc3\xa9 b@c"})
        EXPECT_EQ(
            Written([&](char *b, size_t n) { return smtp_format_mail(b, n, Span(bad), &mail); }),
            "refused")
            << bad;
}

std::string EhloReply(const struct smtp_policy &policy)
{
    return Written(
        [&](char *buf, size_t size) { return smtp_format_ehlo_reply(buf, size, &policy); });
}

TEST(Format, AnswersEhloWithThePolicy)
{
    struct smtp_policy policy = {};
    policy.hostname = Span("mx1.example.net");
    EXPECT_EQ(EhloReply(policy), "250 mx1.example.net\r\n");
    policy.offers = smtp_set(SMTP_SIZE);
    EXPECT_EQ(EhloReply(policy), "250-mx1.example.net\r\n250 SIZE\r\n");
    policy.size_limit = 52428800;
    policy.offers |=
        smtp_set(SMTP_PIPELINING) | smtp_set(SMTP_8BITMIME) | smtp_set(SMTP_ENHANCED_CODES);
    EXPECT_EQ(EhloReply(policy), "250-mx1.example.net\r\n"
                                 "250-PIPELINING\r\n"
                                 "250-SIZE 52428800\r\n"
                                 "250-8BITMIME\r\n"
                                 "250 ENHANCEDSTATUSCODES\r\n");
    policy.hostname = Span("mx1\r\n250");
    EXPECT_EQ(EhloReply(policy), "refused");
}

TEST(Format, AnswersEhloSoThatOurOwnClientUnderstandsIt)
{
    struct smtp_policy policy = {};
    policy.hostname = Span("mx1.example.net");
    policy.offers = SMTP_EXTENSIONS_ALL;
    policy.size_limit = 1000;
    policy.recipient_max = 250;
    std::string bytes = EhloReply(policy);
    struct smtp_reply reply = {};
    size_t used;
    ASSERT_EQ(smtp_reply_feed(&reply, reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(),
                              &used),
              SMTP_REPLY_COMPLETE);
    struct smtp_extensions e = smtp_extensions_parse(&reply);
    EXPECT_EQ(smtp_extensions_offered(&e), SMTP_EXTENSIONS_ALL);
    EXPECT_FALSE(e.starttls);
    EXPECT_EQ(e.size_limit, 1000u);
    EXPECT_EQ(e.rcpt_max, 250u);
    EXPECT_EQ(e.mail_max + e.rcpt_domain_max, 0u);
}

TEST(Format, GreetsAndAnswersHelo)
{
    EXPECT_EQ(Written([](char *b, size_t n) {
                  return smtp_format_greeting(b, n, Span("mx1.example.net"));
              }),
              "220 mx1.example.net ESMTP SplitMX\r\n");
    EXPECT_EQ(Written([](char *b, size_t n) {
                  return smtp_format_helo_reply(b, n, Span("mx1.example.net"));
              }),
              "250 mx1.example.net\r\n");
}

TEST(Format, WritesOneLineReplies)
{
    EXPECT_EQ(Reply("451 4.4.1 External server not ready"),
              "451 4.4.1 External server not ready\r\n");
    EXPECT_EQ(Reply(smtp_command_error_reply(SMTP_BAD_SENDER)),
              "501 5.1.7 Bad sender address syntax\r\n");
    EXPECT_EQ(Reply("250 " + std::string(506, 'x')), "250 " + std::string(506, 'x') + "\r\n");
    EXPECT_EQ(Reply("250 " + std::string(507, 'x')), "refused");
    for (const char *bad :
         {"", "250", "25 x", "2500 x", "250-x", "ok", "250 a\r\n250 b", "250 \x01", "250 \xc3\xa9"})
        EXPECT_EQ(Reply(bad), "refused") << bad;
}

} // namespace
