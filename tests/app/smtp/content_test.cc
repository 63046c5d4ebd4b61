// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "smtp_test.h"

extern "C" {
#include "app/smtp/content_kernel.h"
#include "content_reference.h"
}

namespace
{

const uint8_t *Bytes(const std::string &s)
{
    return reinterpret_cast<const uint8_t *>(s.data());
}

// Scan [0, data.size()) in pieces that end at the given cuts.
struct smtp_content Scan(const std::string &data, std::vector<size_t> cuts = {},
                         unsigned kernel = 0)
{
    struct smtp_content c;
    smtp_content_start(&c);
    cuts.push_back(data.size());
    size_t from = 0;
    for (size_t to : cuts) {
        // A copy of its own, so that ASan sees a read past the piece.
        auto piece = std::make_unique<uint8_t[]>(to - from);
        std::copy(data.begin() + static_cast<long>(from), data.begin() + static_cast<long>(to),
                  piece.get());
        size_t taken = smtp_content_scan_with(kernel, &c, piece.get(), to - from);
        EXPECT_TRUE(taken == to - from || c.ended);
        from += taken;
        if (c.ended)
            break;
    }
    EXPECT_EQ(c.scanned, from);
    return c;
}

// What was said, in words.
std::string Describe(const struct smtp_content &c)
{
    std::string s = "scanned " + std::to_string(c.scanned) + " safe " + std::to_string(c.safe);
    s += c.ended ? " ended" : "";
    s += c.bare ? " bare" : "";
    s += c.nul ? " nul" : "";
    s += c.eightbit ? " 8bit" : "";
    return s;
}

std::string Say(const std::string &data)
{
    return Describe(Scan(data));
}

std::vector<unsigned> Kernels()
{
    std::vector<unsigned> usable;
    for (unsigned k = 0; smtp_content_kernel_name(k) != nullptr; k++)
        if (smtp_content_kernel_usable(k))
            usable.push_back(k);
    return usable;
}

std::string Full(const struct smtp_content &c)
{
    return Describe(c) + " line " + std::to_string(c.line) + " longest " +
           std::to_string(c.longest) + " id '" + std::string(c.message_id, c.message_id_len) + "'";
}

// Every kernel must say what the reference says, with the content in one piece and cut as given.
void ExpectReference(const std::string &data, const std::vector<std::vector<size_t>> &ways)
{
    struct smtp_content expected = content_reference(Bytes(data), data.size());
    for (unsigned kernel : Kernels())
        for (const auto &cuts : ways) {
            struct smtp_content c = Scan(data, cuts, kernel);
            ASSERT_TRUE(content_equal(&c, &expected))
                << smtp_content_kernel_name(kernel) << "\n"
                << Full(c) << "\n"
                << Full(expected) << "\n"
                << testing::PrintToString(data) << "\ncut at " << testing::PrintToString(cuts);
        }
}

// In one piece, byte by byte, and in two pieces at every border.
std::vector<std::vector<size_t>> EveryBorder(size_t len)
{
    std::vector<std::vector<size_t>> ways = {{}, {}};
    for (size_t i = 0; i <= len; i++) {
        ways[1].push_back(i);
        ways.push_back({i});
    }
    return ways;
}

TEST(Content, EndsWithADotOnALineOfItsOwn)
{
    EXPECT_EQ(Say("hello\r\n.\r\n"), "scanned 10 safe 5 ended");
    EXPECT_EQ(Say("hello\r\n.\r\nQUIT\r\n"), "scanned 10 safe 5 ended");
    EXPECT_EQ(Say("a\r\n\r\n.\r\n"), "scanned 8 safe 3 ended");
    EXPECT_EQ(Say("\r\n.\r\n"), "scanned 5 safe 0 ended"); // one empty line
}

TEST(Content, MayBeEmpty)
{
    struct smtp_content c = Scan(".\r\nQUIT\r\n");
    EXPECT_EQ(Describe(c), "scanned 3 safe 0 ended");
    EXPECT_TRUE(smtp_content_empty(&c));
    c = Scan("\r\n.\r\n");
    EXPECT_FALSE(smtp_content_empty(&c));
    c = Scan(".\r\r");
    EXPECT_FALSE(smtp_content_empty(&c));
    c = Scan("");
    EXPECT_FALSE(smtp_content_empty(&c));
}

TEST(Content, TakesNothingAfterItsEnd)
{
    struct smtp_content c = Scan("a\r\n.\r\n");
    EXPECT_EQ(smtp_content_scan(&c, Bytes("b\r\n"), 3), 0u);
    EXPECT_EQ(Describe(c), "scanned 6 safe 1 ended");
}

TEST(Content, TakesNothingFromNothing)
{
    struct smtp_content c = Scan("a\r");
    EXPECT_EQ(smtp_content_scan(&c, nullptr, 0), 0u);
    EXPECT_EQ(Describe(c), "scanned 2 safe 1");
}

TEST(Content, WithholdsWhatCouldBecomeItsEnd)
{
    EXPECT_EQ(Say(""), "scanned 0 safe 0");
    EXPECT_EQ(Say("."), "scanned 1 safe 0");
    EXPECT_EQ(Say(".\r"), "scanned 2 safe 0");
    EXPECT_EQ(Say(".."), "scanned 2 safe 2");
    EXPECT_EQ(Say("a"), "scanned 1 safe 1");
    EXPECT_EQ(Say("a\r"), "scanned 2 safe 1");
    EXPECT_EQ(Say("a\r\n"), "scanned 3 safe 1");
    EXPECT_EQ(Say("a\r\n."), "scanned 4 safe 1");
    EXPECT_EQ(Say("a\r\n.\r"), "scanned 5 safe 1");
    EXPECT_EQ(Say("a\r\n.b"), "scanned 5 safe 5");
    EXPECT_EQ(Say("a\r\n.."), "scanned 5 safe 5");
    EXPECT_EQ(Say("a\r\nb"), "scanned 4 safe 4");
    EXPECT_EQ(Say("a\r\n\r"), "scanned 4 safe 3");
    EXPECT_EQ(Say("a\r\n..\r\n"), "scanned 7 safe 5");
}

// Smuggling: what other software has taken for the end of data, and we never do. Each stands behind
// a line and in front of what would be the next command.
struct Smuggling {
    const char *name;
    std::string end;
};

const std::vector<Smuggling> kSmuggling = {
    {"LF . LF", "\n.\n"},
    {"LF . CRLF", "\n.\r\n"},
    {"LF . CR", "\n.\r"},
    {"CR . CR", "\r.\r"},
    {"CR . LF", "\r.\n"},
    {"CR . CRLF", "\r.\r\n"},
    {"CRLF . LF", "\r\n.\n"},
    {"CRLF . CR", "\r\n.\r"},
    {"CRCRLF . CRCRLF", "\r\r\n.\r\r\n"},
    {"CRLF . CRCRLF", "\r\n.\r\r\n"},
    {"LFCR . LFCR", "\n\r.\n\r"},
    {"LFCRLF . CRLF with its CR eaten", "\n\n.\r\n"},
    {"NUL before the dot", std::string("\r\n\0.\r\n", 6)},
    {"NUL behind the dot", std::string("\r\n.\0\r\n", 6)},
    {"NUL in the first CRLF", std::string("\r\0\n.\r\n", 6)},
    {"NUL in the last CRLF", std::string("\r\n.\r\0\n", 6)},
    {"a space behind the dot", "\r\n. \r\n"},
    {"two dots", "\r\n..\r\n"},
    {"CR with its high bit", "\x8d\n.\x8d\n"},
    {"LF with its high bit", "\r\x8a.\r\x8a"},
    {"NEL", "\xc2\x85.\xc2\x85"},
    {"vertical tab", "\v.\v"},
    {"form feed", "\f.\f"},
};

TEST(Smuggling, EndsNothingWhereverItIsCut)
{
    for (const auto &smuggling : kSmuggling) {
        SCOPED_TRACE(smuggling.name);
        std::string data =
            "Subject: x\r\n\r\nbody" + smuggling.end + "MAIL FROM:<evil@example.com>\r\n";
        for (const auto &cuts : EveryBorder(data.size()))
            EXPECT_FALSE(Scan(data, cuts).ended);
        ExpectReference(data, EveryBorder(data.size()));
        // And at the very beginning, where a CRLF has gone before.
        data = smuggling.end + "MAIL FROM:<evil@example.com>\r\n";
        for (const auto &cuts : EveryBorder(data.size()))
            EXPECT_FALSE(Scan(data, cuts).ended);
    }
}

TEST(Smuggling, IsNeverPassedOn)
{
    for (const auto &smuggling : kSmuggling) {
        struct smtp_content c = Scan("body" + smuggling.end + "x\r\n");
        if (c.bare) { // up to the first bare one
            std::string passed = ("body" + smuggling.end).substr(0, c.safe);
            EXPECT_FALSE(content_reference(Bytes(passed), passed.size()).bare) << smuggling.name;
        }
    }
    EXPECT_EQ(Say("ab\nc"), "scanned 4 safe 2 bare");
    EXPECT_EQ(Say("ab\rc"), "scanned 4 safe 2 bare");
    EXPECT_EQ(Say("ab\r\n.\rc"), "scanned 7 safe 5 bare");
    EXPECT_EQ(Say("\n"), "scanned 1 safe 0 bare");
    EXPECT_EQ(Say("ab\ncd\r\nef\r"), "scanned 10 safe 2 bare");
    EXPECT_EQ(Say("ab\r"), "scanned 3 safe 2"); // not bare yet
}

TEST(Smuggling, DoesNotHideTheTrueEnd)
{
    EXPECT_EQ(Say("a\n.\n\r\n.\r\nRSET\r\n"), "scanned 9 safe 1 ended bare");
    EXPECT_EQ(Say("a\r\r\n.\r\nRSET\r\n"), "scanned 7 safe 1 ended bare");
    EXPECT_EQ(Say("a\r\n.\r\r\n.\r\nRSET\r\n"), "scanned 10 safe 4 ended bare");
}

TEST(Content, AgreesWithItsReferenceOnEveryShortString)
{
    // All strings of up to 7 over the bytes that matter.
    const std::string alphabet("\r\n.x", 4);
    for (size_t len = 0, count = 1; len <= 7; len++, count *= alphabet.size()) {
        for (size_t n = 0; n < count; n++) {
            std::string data;
            for (size_t i = 0, rest = n; i < len; i++, rest /= alphabet.size())
                data += alphabet[rest % alphabet.size()];
            struct smtp_content expected = content_reference(Bytes(data), data.size());
            std::vector<size_t> bytes(len);
            for (size_t i = 0; i < len; i++)
                bytes[i] = i;
            struct smtp_content whole = Scan(data), single = Scan(data, bytes);
            ASSERT_TRUE(content_equal(&whole, &expected)) << testing::PrintToString(data);
            ASSERT_TRUE(content_equal(&single, &expected)) << testing::PrintToString(data);
        }
    }
}

TEST(Content, EndsAtEveryPositionOfABlock)
{
    for (size_t before = 0; before < 200; before++)
        for (const char *line : {"", "\r\n", "..\r\n"}) {
            std::string data = line + std::string(before, 'x') + "\r\n.\r\nrest\r\n.\r\n";
            ExpectReference(data, {{}, {1}, {before / 2}, {before + 3}});
            ASSERT_TRUE(Scan(data).ended);
        }
}

// Random content out of pieces that meet in interesting ways, cut at random.
std::string RandomContent(std::mt19937 &random)
{
    static const std::vector<std::string> pieces = {"\r\n",
                                                    "\r\n",
                                                    "\r\n",
                                                    "\r",
                                                    "\n",
                                                    ".",
                                                    "\r\n.",
                                                    "\r\n..",
                                                    "x",
                                                    std::string("\0", 1),
                                                    "\x80",
                                                    "\xff",
                                                    " ",
                                                    "\t",
                                                    "Message-ID: <a@b>\r\n",
                                                    "message-id:",
                                                    "MESSAGE-ID",
                                                    "<",
                                                    ">",
                                                    ":",
                                                    "Subject: x\r\n",
                                                    "\r\n\r\n"};
    std::string data;
    size_t count = random() % 40;
    for (size_t i = 0; i < count; i++) {
        if (random() % 4 == 0)
            data += std::string(random() % 90, 'a');
        data += pieces[random() % pieces.size()];
    }
    return data + (random() % 2 ? "\r\n.\r\nQUIT\r\n" : "");
}

TEST(Content, AgreesWithItsReferenceHoweverItIsCut)
{
    std::mt19937 random(25);
    for (int i = 0; i < 3000; i++) {
        std::string data = RandomContent(random);
        std::vector<std::vector<size_t>> ways = {{}};
        for (int way = 0; way < 4; way++) {
            std::vector<size_t> cuts;
            for (size_t at = 0; (at += random() % (way < 2 ? 5 : 130)) < data.size();)
                cuts.push_back(at);
            ways.push_back(cuts);
        }
        ASSERT_NO_FATAL_FAILURE(ExpectReference(data, ways)) << "content " << i;
    }
}

TEST(Content, IsTheSameAtEveryStep)
{
    std::mt19937 random(26);
    for (int i = 0; i < 100; i++) {
        std::string data = RandomContent(random);
        struct smtp_content c;
        smtp_content_start(&c);
        for (size_t n = 0; n < data.size() && !c.ended; n++) {
            uint64_t safe = c.safe;
            ASSERT_EQ(smtp_content_scan(&c, Bytes(data) + n, 1), 1u);
            struct smtp_content expected = content_reference(Bytes(data), n + 1);
            ASSERT_TRUE(content_equal(&c, &expected))
                << testing::PrintToString(data.substr(0, n + 1));
            ASSERT_GE(c.safe, safe); // what was passed on is not taken back
        }
    }
}

TEST(Content, KnowsItsLongestLine)
{
    EXPECT_EQ(Scan("abc\r\n").longest, 5u);
    EXPECT_EQ(Scan("abc\r\nabcd\r\na\r\n").longest, 6u);
    EXPECT_EQ(Scan("abc").longest, 0u);
    EXPECT_EQ(Scan("abc").line, 3u);
    EXPECT_EQ(Scan("a\r\nabc").line, 3u);
    EXPECT_EQ(Scan("a\nb\rc\r\n").longest, 7u); // lines end in CRLF only
    EXPECT_EQ(Scan(std::string(998, 'x') + "\r\n").longest, 1000u);
    EXPECT_EQ(Scan("a\r\n" + std::string(100000, 'x') + "\r\nb\r\n").longest, 100002u);
}

TEST(Content, DoesNotCountTheDotOfTransparency)
{
    EXPECT_EQ(Scan("." + std::string(998, 'x') + "\r\n").longest, 1000u);
    EXPECT_EQ(Scan("..\r\n").longest, 3u);
    EXPECT_EQ(Scan(".").line, 0u);
    EXPECT_EQ(Scan("..").line, 1u);
    EXPECT_EQ(Scan("a\r\n.\r\n").longest, 3u); // the final dot is no line
    EXPECT_EQ(Scan(".\r\n").longest, 0u);
}

TEST(Content, SeesBytesThatAreNotText)
{
    for (size_t at = 0; at < 150; at++) {
        std::string data(150, 'x');
        data[at] = '\x80';
        EXPECT_EQ(Say(data), "scanned 150 safe 150 8bit");
        data[at] = '\0';
        EXPECT_EQ(Say(data), "scanned 150 safe 150 nul");
        data[at] = '\x7f';
        EXPECT_EQ(Say(data), "scanned 150 safe 150");
    }
    EXPECT_EQ(Say("a\r\n.\r\n\xff"), "scanned 6 safe 1 ended"); // that is not ours any more
    EXPECT_EQ(Say(std::string("a\r\n.\r\n\0\n\r", 9)), "scanned 6 safe 1 ended");
}

TEST(Content, HasAtLeastTwoKernelsToCompare)
{
    EXPECT_GE(Kernels().size(), 2u);
}

} // namespace
