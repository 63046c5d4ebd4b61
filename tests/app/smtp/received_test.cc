// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include "smtp_test.h"

extern "C" {
#include "app/smtp/path.h"
#include "app/smtp/received.h"
}

namespace
{

// Friday the 13th of February 2009, 23:31:30 UTC.
const int64_t kTime = 1234567890;

struct Received : smtp_received_from {
    struct span id, recipient;
    bool extended, utf8;
    int64_t time;
    std::vector<uint64_t> marks;
};

Received Ordinary()
{
    Received r = {};
    r.helo = Span("client.example");
    r.ptr = Span("ptr.example");
    EXPECT_TRUE(ip_addr_parse("192.0.2.1", 9, &r.client));
    r.hostname = Span("mx1.example.net");
    r.extended = true;
    r.id = Span("4ZQ1k0");
    r.recipient = Span("alice@example.com");
    r.time = kTime;
    return r;
}

std::string Format(const Received &from)
{
    char begin[SMTP_RECEIVED_BEGIN_MAX], buf[SMTP_RECEIVED_MAX], date[SMTP_DATE_SIZE];
    size_t len = smtp_received_begin(begin, sizeof(begin), &from);
    if (len == 0)
        return "refused";
    EXPECT_EQ(smtp_received_begin(buf, len, &from), len);
    EXPECT_EQ(smtp_received_begin(buf, len - 1, &from), 0u);
    struct smtp_received r = {};
    r.begin = {begin, len};
    r.extended = from.extended;
    r.utf8 = from.utf8;
    r.id = from.id;
    r.marks = from.marks.data();
    r.mark_count = static_cast<unsigned>(from.marks.size());
    r.recipient = from.recipient;
    r.date = Span(smtp_date_format(from.time, date));
    len = smtp_received_format(buf, sizeof(buf), &r);
    if (len == 0)
        return "refused";
    std::string s(buf, len);
    std::string exact(len, '\0');
    EXPECT_EQ(smtp_received_format(exact.data(), len, &r), len);
    EXPECT_EQ(exact, s);
    EXPECT_EQ(smtp_received_format(exact.data(), len - 1, &r), 0u);
    return s;
}

// The lengths of the lines without CRLF. Each CRLF must end the field or be followed by a blank.
size_t LongestLine(const std::string &field)
{
    size_t longest = 0;
    for (size_t at = 0, end; at < field.size(); at = end + 2) {
        end = field.find("\r\n", at);
        EXPECT_NE(end, std::string::npos);
        if (at > 0) {
            EXPECT_EQ(field[at], '\t');
        }
        longest = std::max(longest, end - at);
    }
    return longest;
}

TEST(Received, SaysWhoGaveUsTheMessageAndForWhom)
{
    EXPECT_EQ(Format(Ordinary()), "Received: from client.example (ptr.example [192.0.2.1])\r\n"
                                  "\tby mx1.example.net with ESMTP id 4ZQ1k0\r\n"
                                  "\tfor <alice@example.com>; Fri, 13 Feb 2009 23:31:30 +0000\r\n");
}

TEST(Received, HasMarksOnALineOfTheirOwn)
{
    Received r = Ordinary();
    r.marks = {0x0123456789abcdef};
    EXPECT_EQ(Format(r), "Received: from client.example (ptr.example [192.0.2.1])\r\n"
                         "\tby mx1.example.net with ESMTP id 4ZQ1k0\r\n"
                         "\t(splitmx 0123456789ABCDEF)\r\n"
                         "\tfor <alice@example.com>; Fri, 13 Feb 2009 23:31:30 +0000\r\n");
    r.marks.assign(SMTP_RECEIVED_MARKS, UINT64_MAX);
    EXPECT_LE(LongestLine(Format(r)), 78u);
    r.marks.push_back(0);
    EXPECT_EQ(Format(r), "refused");
}

TEST(Received, TellsNoRecipientOfTheOthers)
{
    Received r = Ordinary();
    r.recipient = {nullptr, 0};
    EXPECT_EQ(Format(r), "Received: from client.example (ptr.example [192.0.2.1])\r\n"
                         "\tby mx1.example.net with ESMTP id 4ZQ1k0; "
                         "Fri, 13 Feb 2009 23:31:30 +0000\r\n");
}

TEST(Received, TagsIpv6AndNamesUnknownClients)
{
    Received r = Ordinary();
    ASSERT_TRUE(ip_addr_parse("2001:db8::1", 11, &r.client));
    r.ptr = {nullptr, 0};
    r.extended = false;
    EXPECT_EQ(Format(r), "Received: from client.example (unknown [IPv6:2001:db8::1])\r\n"
                         "\tby mx1.example.net with SMTP id 4ZQ1k0\r\n"
                         "\tfor <alice@example.com>; Fri, 13 Feb 2009 23:31:30 +0000\r\n");
}

TEST(Received, KeepsAnAddressLiteralAsHelo)
{
    Received r = Ordinary();
    r.helo = Span("[IPv6:2001:db8::2]");
    EXPECT_EQ(Format(r).substr(0, 34), "Received: from [IPv6:2001:db8::2] ");
    r.helo = Span("[192.0.2.9");
    EXPECT_EQ(Format(r).substr(0, 26), "Received: from ?192.0.2.9 ");
}

TEST(Received, LetsNoNameFromOutsideBreakItsSyntax)
{
    Received r = Ordinary();
    r.helo = Span("x) by evil (\"a\\b\";\r\n\tX-Spam: no <a@b> caf\xc3\xa9\x7f");
    r.ptr = Span("p [10.0.0.1]) (q\n");
    EXPECT_EQ(Format(r), "Received: from x??by?evil???a?b?????X-Spam??no??a?b??caf???\r\n"
                         "\t(p??10.0.0.1????q? [192.0.2.1])\r\n"
                         "\tby mx1.example.net with ESMTP id 4ZQ1k0\r\n"
                         "\tfor <alice@example.com>; Fri, 13 Feb 2009 23:31:30 +0000\r\n");
}

TEST(Received, StandsAnyByteInAHelo)
{
    Received r = Ordinary();
    for (int c = 0; c < 256; c++) {
        std::string helo = std::string("a") + static_cast<char>(c) + "b";
        r.helo = Span(helo);
        std::string field = Format(r);
        EXPECT_EQ(field.size(), Format(Ordinary()).size() - strlen("client.example") + 3) << c;
        for (char out : field.substr(15, 3))
            EXPECT_TRUE(isalnum(static_cast<unsigned char>(out)) || strchr(".-_?", out)) << c;
    }
}

TEST(Received, RefusesWhatOnlyWeCouldHaveBroken)
{
    Received r = Ordinary();
    r.hostname = Span("mx1\r\n");
    EXPECT_EQ(Format(r), "refused");
    r.hostname = {nullptr, 0};
    EXPECT_EQ(Format(r), "refused");
    r = Ordinary();
    r.id = Span("a;b");
    EXPECT_EQ(Format(r), "refused");
    r.id = {nullptr, 0};
    EXPECT_EQ(Format(r), "refused");
    r = Ordinary();
    r.recipient = Span("a@b>; x <c@d");
    EXPECT_EQ(Format(r), "refused");
}

TEST(Received, FoldsWhatIsLongAndNeverPassesTheLimits)
{
    Received r = Ordinary();
    std::string label(63, 'x'),
        name = label + "." + label + "." + label + "." + label; // 255 octets
    std::string id(SMTP_TRANSACTION_ID_MAX, 'i'),
        recipient = "\"" + std::string(62, 'a') + "\"@" + name.substr(0, 189);
    ASSERT_EQ(recipient.size(), 254u);
    r.helo = r.ptr = r.hostname = Span(name);
    r.id = Span(id);
    r.recipient = Span(recipient);
    ASSERT_TRUE(ip_addr_parse("2001:db8:1111:2222:3333:4444:5555:6666", 38, &r.client));
    std::string field = Format(r);
    EXPECT_LE(LongestLine(field), 998u);
    EXPECT_LE(LongestLine(field),
              15 + 255 + sizeof(" [IPv6:2001:db8:1111:2222:3333:4444:5555:6666])"));
    EXPECT_NE(field.find("for <" + recipient + ">;\r\n\tFri, "), std::string::npos);

    // Words of ordinary length never make a line of more than 78.
    for (size_t n = 1; n < 60; n++) {
        std::string word(n, 'w'), address = word.substr(0, n < 50 ? n : 50) + "@example.com";
        r = Ordinary();
        r.helo = r.ptr = r.hostname = Span(word);
        r.recipient = Span(address);
        EXPECT_LE(LongestLine(Format(r)), 78u) << n;
    }
}

TEST(Received, CountsNoMoreOfANameThanADomainMayHave)
{
    Received r = Ordinary();
    std::string name(10000, 'x');
    r.helo = r.ptr = Span(name);
    std::string field = Format(r);
    EXPECT_EQ(std::count(field.begin(), field.end(), 'x'),
              2 * 255 + 3); // with those of our own name
}

std::string Date(int64_t time)
{
    char buf[SMTP_DATE_SIZE];
    return smtp_date_format(time, buf);
}

TEST(Date, IsThatOfRfc5322)
{
    EXPECT_EQ(Date(0), "Thu, 01 Jan 1970 00:00:00 +0000");
    EXPECT_EQ(Date(951782400), "Tue, 29 Feb 2000 00:00:00 +0000");
    EXPECT_EQ(Date(951868799), "Tue, 29 Feb 2000 23:59:59 +0000");
    EXPECT_EQ(Date(951868800), "Wed, 01 Mar 2000 00:00:00 +0000");
    EXPECT_EQ(Date(INT64_C(4107542400)), "Mon, 01 Mar 2100 00:00:00 +0000");
    EXPECT_EQ(Date(-1), "Thu, 01 Jan 1970 00:00:00 +0000");
    EXPECT_EQ(Date(INT64_MAX), "Fri, 31 Dec 9999 23:59:59 +0000");
}

TEST(Date, AgreesWithTheLibraryOnEveryDayOfFiveHundredYears)
{
    for (int64_t day = 0; day <= 500 * 366; day++) {
        time_t t = static_cast<time_t>(day * 86400 + day % 86400);
        struct tm tm;
        char expected[SMTP_DATE_SIZE], buf[SMTP_DATE_SIZE];
        gmtime_r(&t, &tm);
        strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S +0000", &tm);
        ASSERT_STREQ(smtp_date_format(t, buf), expected);
    }
}

TEST(Received, NamesAnAddressBeyondAsciiOnlyInInternationalizedMail)
{
    // RFC 6531 §3.7.3, §4.3
    Received r = Ordinary();
    r.recipient = Span("\xc3\xa9@caf\xc3\xa9.example");
    EXPECT_EQ(Format(r), "refused");
    r.utf8 = true;
    EXPECT_EQ(Format(r),
              "Received: from client.example (ptr.example [192.0.2.1])\r\n"
              "\tby mx1.example.net with UTF8SMTP id 4ZQ1k0\r\n"
              "\tfor <\xc3\xa9@caf\xc3\xa9.example>; Fri, 13 Feb 2009 23:31:30 +0000\r\n");
    r.recipient = Span("\xc3@caf\xc3\xa9.example");
    EXPECT_EQ(Format(r), "refused");
}

} // namespace
