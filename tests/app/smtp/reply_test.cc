// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <memory>

#include "smtp_test.h"

extern "C" {
#include "app/smtp/reply.h"
}

namespace
{

struct Fed {
    struct smtp_reply reply = {};
    enum smtp_reply_state state = SMTP_REPLY_MORE;
    size_t used = 0;
};

// Feed in chunks of the given size until the reply is over.
std::unique_ptr<Fed> Feed(const std::string &bytes, size_t chunk = SIZE_MAX)
{
    auto fed = std::make_unique<Fed>();
    while (fed->used < bytes.size() && fed->state == SMTP_REPLY_MORE) {
        // A copy of its own, so that ASan sees a read past the chunk.
        std::string part = bytes.substr(fed->used, chunk);
        size_t used = 0;
        fed->state = smtp_reply_feed(&fed->reply, reinterpret_cast<const uint8_t *>(part.data()),
                                     part.size(), &used);
        if (fed->state == SMTP_REPLY_MORE) {
            EXPECT_EQ(used, part.size());
        }
        fed->used += used;
    }
    return fed;
}

// The reply in one line, the same for every way to cut the bytes.
std::string Describe(const Fed &f)
{
    if (f.state == SMTP_REPLY_MALFORMED)
        return "malformed";
    std::string s = f.state == SMTP_REPLY_MORE ? "more " : "";
    s += std::to_string(f.reply.code);
    if (f.reply.enhanced.klass != 0)
        s += " (" + std::to_string(f.reply.enhanced.klass) + "." +
             std::to_string(f.reply.enhanced.subject) + "." +
             std::to_string(f.reply.enhanced.detail) + ")";
    s += " '" + Text(smtp_reply_message(&f.reply)) + "' lines " + std::to_string(f.reply.lines);
    if (f.reply.truncated)
        s += " truncated";
    return s;
}

std::string Parse(const std::string &bytes)
{
    auto whole = Feed(bytes);
    std::string s = Describe(*whole);
    for (size_t chunk = 1; chunk < bytes.size(); chunk++) {
        auto cut = Feed(bytes, chunk);
        EXPECT_EQ(Describe(*cut), s) << "in chunks of " << chunk;
        if (cut->state != SMTP_REPLY_MALFORMED) {
            EXPECT_EQ(cut->used, whole->used) << "in chunks of " << chunk;
            EXPECT_EQ(std::string(cut->reply.text, cut->reply.len),
                      std::string(whole->reply.text, whole->reply.len));
        }
    }
    return s;
}

std::string Kept(const std::string &bytes)
{
    auto fed = Feed(bytes);
    return std::string(fed->reply.text, fed->reply.len);
}

TEST(Reply, IsACodeAndAText)
{
    EXPECT_EQ(Parse("220 mx.example ESMTP\r\n"), "220 'mx.example ESMTP' lines 1");
    EXPECT_EQ(Parse("354 go ahead\r\n"), "354 'go ahead' lines 1");
    EXPECT_EQ(Parse("250 \r\n"), "250 '' lines 1");
    EXPECT_EQ(Parse("250 caf\xc3\xa9\r\n"), "250 'caf\xc3\xa9' lines 1");
    EXPECT_EQ(Parse("299 and 599 are codes too\r\n"), "299 'and 599 are codes too' lines 1");
}

TEST(Reply, MayBeACodeAlone)
{
    EXPECT_EQ(Parse("250\r\n"), "250 '' lines 1");
    EXPECT_EQ(Kept("250\r\n"), "250 \r\n");
    EXPECT_EQ(Kept("250-a\r\n250\r\n"), "250-a\r\n250 \r\n");
}

TEST(Reply, SpansLines)
{
    EXPECT_EQ(Parse("550-5.1.1 no\r\n550-5.1.1 such\r\n550 5.1.1 user\r\n"),
              "550 (5.1.1) 'no' lines 3");
    EXPECT_EQ(Parse("250-\r\n250 x\r\n"), "250 '' lines 2");
    EXPECT_EQ(Kept("250-a\r\n250 b\r\n"), "250-a\r\n250 b\r\n");
}

TEST(Reply, IsNotOverBeforeItsLastLine)
{
    EXPECT_EQ(Parse("250-a\r\n"), "more 250 'a' lines 1");
    EXPECT_EQ(Parse("250-a\r\n250 b\r"), "more 250 'a' lines 1");
    EXPECT_EQ(Parse("25"), "more 0 '' lines 0");
    EXPECT_EQ(Parse(""), "more 0 '' lines 0");
}

TEST(Reply, LeavesTheNextReplyAlone)
{
    auto fed = Feed("250 ok\r\n354 go\r\n");
    EXPECT_EQ(fed->state, SMTP_REPLY_COMPLETE);
    EXPECT_EQ(fed->used, 8u);
    Parse("250-a\r\n250 ok\r\n354 go\r\n");
}

TEST(Reply, ForgivesStrangeLineEnds)
{
    EXPECT_EQ(Parse("250 ok\n"), "250 'ok' lines 1");
    EXPECT_EQ(Parse("250-a\n250 b\r\n"), "250 'a' lines 2");
    EXPECT_EQ(Parse("250 ok\r\r\n"), "250 'ok' lines 1");
    EXPECT_EQ(Kept("250-a\n250 b\r\r\n"), "250-a\r\n250 b\r\n");
}

TEST(Reply, IsMalformedWithoutAProperCode)
{
    for (const char *bad : {"\r\n", "x\r\n", "25\r\n", "2500 x\r\n", "100 x\r\n", "199 x\r\n",
                            "600 x\r\n", "2x0 x\r\n", "25x x\r\n", " 250 x\r\n", "250_x\r\n",
                            "250\tx\r\n", "HTTP/1.1 400 Bad Request\r\n", "\n"})
        EXPECT_EQ(Parse(bad), "malformed") << bad;
}

TEST(Reply, IsMalformedWhenCodesDiffer)
{
    EXPECT_EQ(Parse("250-a\r\n251 b\r\n"), "malformed");
    EXPECT_EQ(Parse("250-a\r\n550-b\r\n250 c\r\n"), "malformed");
}

TEST(Reply, CannotHideASecondReplyInALine)
{
    EXPECT_EQ(Parse("250 ok\r550 no\r\n"), "malformed");
    EXPECT_EQ(Parse("250 ok\rx\r\n"), "malformed");
    EXPECT_EQ(Parse(std::string("250 o\0k\r\n", 9)), "malformed");
    EXPECT_EQ(Parse(std::string("250 ok\0", 7)), "malformed");
}

TEST(Reply, HasLinesOfAtMost512Octets)
{
    std::string longest = "250 " + std::string(506, 'x'); // 510
    EXPECT_EQ(Parse(longest + "\r\n"), "250 '" + std::string(506, 'x') + "' lines 1");
    EXPECT_EQ(Parse(longest + "\n"), "250 '" + std::string(506, 'x') + "' lines 1");
    EXPECT_EQ(Parse(longest + "x\r\n"), "malformed");
    EXPECT_EQ(Parse(longest + "x\n"), "malformed");
    EXPECT_EQ(Parse(longest + "xx"), "malformed");
    EXPECT_EQ(Parse(longest + "x"), "more 0 '' lines 0");
}

TEST(Reply, KeepsItsFirstLinesAndEndsThemWell)
{
    std::string line = "-" + std::string(500, 'x') + "\r\n", bytes;
    for (int i = 0; i < 6; i++)
        bytes += "550" + line;
    bytes += "550 end\r\n";
    auto fed = Feed(bytes);
    EXPECT_EQ(Parse(bytes), "550 '" + std::string(500, 'x') + "' lines 7 truncated");
    std::string expected;
    for (int i = 0; i < 3; i++)
        expected += "550" + line;
    expected += "550 " + line.substr(1);
    EXPECT_EQ(std::string(fed->reply.text, fed->reply.len), expected);
}

TEST(Reply, KeepsNothingBehindAGap)
{
    std::string bytes;
    for (int i = 0; i < 5; i++) // the fifth does not fit, a short last line would
        bytes += "250-" + std::string(500, 'x') + "\r\n";
    bytes += "250 y\r\n";
    std::string kept = Kept(bytes);
    EXPECT_EQ(kept.find('y'), std::string::npos);
    EXPECT_EQ(kept.substr(kept.size() - 506, 4), "250 ");
}

TEST(Reply, HasAnEnd)
{
    std::string bytes;
    for (int i = 0; i < SMTP_REPLY_LINES_MAX; i++)
        bytes += "250-x\r\n";
    auto fed = Feed(bytes);
    EXPECT_EQ(fed->state, SMTP_REPLY_MORE);
    fed = Feed(bytes + "250 x\r\n");
    EXPECT_EQ(fed->state, SMTP_REPLY_MALFORMED);
}

TEST(Enhanced, IsReadFromTheFirstLine)
{
    EXPECT_EQ(Parse("250 2.1.0 ok\r\n"), "250 (2.1.0) 'ok' lines 1");
    EXPECT_EQ(Parse("421 4.999.123 x\r\n"), "421 (4.999.123) 'x' lines 1");
    EXPECT_EQ(Parse("550 5.7.1\r\n"), "550 (5.7.1) '' lines 1");
    EXPECT_EQ(Parse("550-no code\r\n550 5.1.1 here\r\n"), "550 'no code' lines 2");
}

TEST(Enhanced, IsTextWhenItIsNotOne)
{
    for (const char *text :
         {"5.1.1 class differs", "2.1 ok", "2.1.", "2..1 x", "2.1.0.1 x", "2.1.0x", "2.1000.0 x",
          "2.1.1000 x", "x2.1.0", "2 .1.0", "2.-1.0 x", " 2.1.0 x"})
        EXPECT_EQ(Parse("250 " + std::string(text) + "\r\n"),
                  "250 '" + std::string(text) + "' lines 1");
    EXPECT_EQ(Parse("354 3.0.0 go\r\n"), "354 '3.0.0 go' lines 1");
}

// The extensions in an EHLO reply, e.g. "PIPELINING SIZE=100".
std::string Offers(const std::string &bytes)
{
    auto fed = Feed(bytes);
    EXPECT_EQ(fed->state, SMTP_REPLY_COMPLETE);
    struct smtp_extensions e = smtp_extensions_parse(&fed->reply);
    std::string s;
    auto add = [&s](bool offered, const std::string &name) {
        if (offered)
            s += (s.empty() ? "" : " ") + name;
    };
    add(e.pipelining, "PIPELINING");
    add(e.eightbitmime, "8BITMIME");
    add(e.enhanced_codes, "ENHANCEDSTATUSCODES");
    add(e.size, "SIZE=" + std::to_string(e.size_limit));
    add(e.smtputf8, "SMTPUTF8");
    add(e.chunking, "CHUNKING");
    add(e.dsn, "DSN");
    add(e.starttls, "STARTTLS");
    add(e.binarymime, "BINARYMIME");
    add(e.limits, "LIMITS " + std::to_string(e.mail_max) + " " + std::to_string(e.rcpt_max) + " " +
                      std::to_string(e.rcpt_domain_max));
    return s;
}

TEST(Extensions, AreReadFromWhatPostfixSays)
{
    EXPECT_EQ(
        Offers(
            "250-mx.example\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-VRFY\r\n250-ETRN\r\n"
            "250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n"
            "250 CHUNKING\r\n"),
        "PIPELINING 8BITMIME ENHANCEDSTATUSCODES SIZE=10240000 SMTPUTF8 CHUNKING DSN STARTTLS");
}

TEST(Extensions, AreReadFromWhatExchangeSays)
{
    EXPECT_EQ(Offers("250-EX01.corp.example Hello [192.0.2.1]\r\n250-SIZE "
                     "37748736\r\n250-PIPELINING\r\n250-DSN\r\n"
                     "250-ENHANCEDSTATUSCODES\r\n250-X-ANONYMOUSTLS\r\n250-AUTH NTLM\r\n250-X-EXPS "
                     "GSSAPI NTLM\r\n"
                     "250-8BITMIME\r\n250-BINARYMIME\r\n250-CHUNKING\r\n250 XRDST\r\n"),
              "PIPELINING 8BITMIME ENHANCEDSTATUSCODES SIZE=37748736 CHUNKING DSN BINARYMIME");
}

TEST(Extensions, SayHowManyRecipientsThereMayBe)
{
    // RFC 9422 §3
    EXPECT_EQ(Offers("250-x\r\n250 LIMITS MAILMAX=5 RCPTMAX=100 RCPTDOMAINMAX=1\r\n"),
              "LIMITS 5 100 1");
    EXPECT_EQ(Offers("250-x\r\n250 limits rcptmax=999999\r\n"), "LIMITS 0 999999 0");
    EXPECT_EQ(Offers("250-x\r\n250 LIMITS  RCPTMAX=7  OTHER=3\r\n"), "LIMITS 0 7 0");
    for (const char *nothing :
         {"LIMITS", "LIMITS RCPTMAX", "LIMITS RCPTMAX=", "LIMITS RCPTMAX=1000000",
          "LIMITS RCPTMAX=x", "LIMITS RCPTMAX=1x", "LIMITS RCPTMAX=-1", "LIMITS XRCPTMAX=1"})
        EXPECT_EQ(Offers("250-x\r\n250 " + std::string(nothing) + "\r\n"), "LIMITS 0 0 0")
            << nothing;
}

TEST(Extensions, AreNotReadFromTheGreeting)
{
    EXPECT_EQ(Offers("250 PIPELINING\r\n"), "");
    EXPECT_EQ(Offers("250-SIZE 5\r\n250 DSN\r\n"), "DSN");
}

TEST(Extensions, IgnoreCaseAndWhatTheyDoNotKnow)
{
    EXPECT_EQ(Offers("250-x\r\n250-pipelining\r\n250-\r\n250- DSN\r\n250-DSNX\r\n250-XDSN\r\n250 "
                     "8BitMime x\r\n"),
              "PIPELINING 8BITMIME");
    EXPECT_EQ(Offers("550-x\r\n550 DSN\r\n"), "");
}

TEST(Extensions, KnowNoLimitFromASizeThatIsNoNumber)
{
    for (const char *size : {"SIZE", "SIZE ", "SIZE 0", "SIZE x", "SIZE 12 13", "SIZE -1",
                             "SIZE 99999999999999999999999"})
        EXPECT_EQ(Offers("250-x\r\n250 " + std::string(size) + "\r\n"), "SIZE=0") << size;
    EXPECT_EQ(Offers("250-x\r\n250 SIZE 18446744073709551615\r\n"), "SIZE=18446744073709551615");
}

} // namespace
