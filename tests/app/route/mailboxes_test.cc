// SPDX-License-Identifier: BSD-3-Clause
// Mailbox files: what an entry may be, and every way to get one wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/route/fixture.h"

extern "C" {
#include "app/route/mailboxes.h"
}

namespace
{
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class File
{
  public:
    explicit File(const std::string &text, const char *domain = "example.com")
    {
        ok_ = mailboxes_parse(&m_, "m", text.data(), text.size(), domain, errors_);
    }
    ~File()
    {
        mailboxes_free(&m_);
        config_errors_free(errors_);
    }
    // Keys in their order, `!` in front of those of the other side; then expressions; then *.
    std::vector<std::string> Entries() const
    {
        std::vector<std::string> all;
        for (uint32_t i = 0; i < m_.entry_count; i++) {
            const struct mailbox_entry &e = m_.entries[i];
            all.push_back((e.external ? "!" : "") + std::string(m_.keys + e.key + 1, e.len - 2u));
        }
        for (unsigned i = 0; i < m_.expression_count; i++)
            all.push_back(std::string(m_.expressions[i].external ? "!/" : "/") +
                          m_.expressions[i].text + "/" + std::to_string(m_.expressions[i].line));
        if (m_.catch_all != CATCH_ALL_NONE)
            all.push_back(m_.catch_all == CATCH_ALL_LOCAL ? "*" : "!*");
        return all;
    }
    std::vector<std::string> Errors() const
    {
        std::vector<std::string> lines = Lines(errors_);
        EXPECT_EQ(ok_, lines.empty());
        return lines;
    }

  private:
    struct mailboxes m_ = {};
    struct config_errors *errors_ = config_errors_new();
    bool ok_;
};

TEST(Mailboxes, AreOneEntryALine)
{
    File f("# our side\n"
           "alice\n"
           "  Bob  # moved on Monday\n"
           "carol@EXAMPLE.com\n"
           "\"john doe\"\n"
           "\"jane # doe\"@example.com.\n"
           "!dave\n"
           "!\"erin o\"@example.com\n"
           "/sales-[a-z]+/ # all of them\n"
           "!/a\\/b/\n"
           "a#b\n"
           "\"!x\"\n"
           "\"/y\"\n"
           "\"*\"\n"
           "*\n");
    EXPECT_THAT(f.Errors(), IsEmpty());
    EXPECT_THAT(f.Entries(),
                ElementsAre("!x@example.com", "*@example.com", "/y@example.com", "a#b@example.com",
                            "alice@example.com", "bob@example.com", "carol@example.com",
                            "!dave@example.com", "!erin o@example.com", "jane # doe@example.com",
                            "john doe@example.com", "/sales-[a-z]+/9", "!/a\\/b/10", "*"));
}

TEST(Mailboxes, AreReadAsAnyEditorWritesThem)
{
    EXPECT_THAT(File("\xef\xbb\xbf"
                     "alice\r\n\r\n\tbob\t\r\ncarol")
                    .Entries(),
                ElementsAre("alice@example.com", "bob@example.com", "carol@example.com"));
}

TEST(Mailboxes, MayRepeatThemselvesButNotContradict)
{
    File twice("alice\nALICE\n\"alice\"@example.com\n");
    EXPECT_THAT(twice.Errors(), IsEmpty());
    EXPECT_THAT(twice.Entries(), ElementsAre("alice@example.com"));
    EXPECT_THAT(File("alice\nbob\n!Alice\n").Errors(),
                ElementsAre("m:3: contradicts line 1: alice@example.com is on one side only"));
    EXPECT_THAT(File("/a+/\n!/a+/\n").Errors(),
                ElementsAre("m:2: contradicts line 1: the same expression for both sides"));
    EXPECT_THAT(File("*\nalice\n!*\n").Errors(),
                ElementsAre("m:3: contradicts line 1: * is on one side only"));
    EXPECT_THAT(File("*\n*@example.com\n").Errors(), IsEmpty());
}

TEST(Mailboxes, MustNotBeEmpty)
{
    EXPECT_THAT(File("").Errors(), ElementsAre(HasSubstr("m: holds no entry")));
    EXPECT_THAT(File("# nothing\n\n   \n").Errors(), ElementsAre(HasSubstr("m: holds no entry")));
    struct mailboxes m = {};
    struct config_errors *errors = config_errors_new();
    EXPECT_FALSE(mailboxes_load(&m, "/nonexistent", "example.com", errors));
    EXPECT_THAT(Lines(errors),
                ElementsAre("/nonexistent: cannot be read: No such file or directory"));
    config_errors_free(errors);
}

// A literal with the NULs in it.
template <size_t N> std::string Bytes(const char (&text)[N])
{
    return std::string(text, N - 1);
}

TEST(Mailboxes, NameEveryWrongLine)
{
    EXPECT_THAT(
        File(Bytes("alice\n"
                   "alice@example.org\n"
                   "john doe\n"
                   "@example.com\n"
                   "!\n"
                   "sales-*\n"
                   "\"open\n"
                   "/open\n"
                   "/a/b/\n"
                   "\"a\"b\n"
                   "a@b@example.com\n"
                   "a,b\n"
                   "alice;bob\n"
                   "nul\0\n"
                   "M\xfcller\n"
                   "alice@\n"
                   "alice@exa mple.com\n"
                   "\"\"\n"
                   "!!bob\n"
                   "/m\xc3\xbcu\xcc\x88/\n"))
            .Errors(),
        ElementsAre(
            "m:2: example.org is another domain; allowed: addresses of example.com",
            "m:3: 'doe' after the entry; allowed: a # behind a blank",
            "m:4: there is no local part; everybody is *",
            "m:5: there is no local part; everybody is *",
            "m:6: 'sales-*': * stands for everybody, and only alone; write an expression, or "
            "quote it",
            "m:7: the local part has no quote at its end",
            "m:8: the expression has no / at its end",
            "m:9: 'b/' after the entry; allowed: a # behind a blank",
            "m:10: 'b' after the local part; allowed: @example.com",
            "m:11: 'b@example.com': its labels are not letters, digits and inner hyphens",
            "m:12: 'a,b': it needs quotes", "m:13: 'alice;bob': it needs quotes",
            "m:14: control character 0x00; allowed: text", "m:15: not valid UTF-8",
            "m:16: '': there is no domain",
            "m:17: 'mple.com' after the entry; allowed: a # behind "
            "a blank",
            "m:18: there is no local part; everybody is *",
            "m:19: two ! in front; quote the local part if the second one belongs to it",
            "m:20: the expression is not in Unicode form NFC, as what it is matched with is"));
}

TEST(Mailboxes, OfAnInternationalDomainMayBeSpelledEitherWay)
{
    File f("alice@b\xc3\xbc"
           "cher.example\nbob@XN--bcher-kva.example\n",
           "xn--bcher-kva.example");
    EXPECT_THAT(f.Errors(), IsEmpty());
    EXPECT_THAT(f.Entries(),
                ElementsAre("alice@xn--bcher-kva.example", "bob@xn--bcher-kva.example"));
}

// Expressions, in a domain of their own.
std::vector<std::string> ErrorsOf(const std::string &mailboxes)
{
    return Routed(kSplit, {{"m", mailboxes}}).Errors();
}

TEST(Expressions, ThatDoNotCompileAreNamedInHyperscansWords)
{
    EXPECT_THAT(ErrorsOf("alice\n/a(b/\n/ok/\n/*/\n"),
                ElementsAre(AllOf(HasSubstr("m:2: the expression does not compile: "),
                                  HasSubstr("Missing close parenthesis")),
                            HasSubstr("m:4: the expression does not compile: ")));
    EXPECT_THAT(ErrorsOf("/(?=a)b/\n"), ElementsAre(HasSubstr("not supported")));
}

TEST(Expressions, CannotEscapeTheirAnchors)
{
    for (const char *bad : {"/a)(b/\n", "/a)|(b/\n", "/a)\\z|.*(?:/\n", "/(?x)a#/\n", "/\\Qa/\n",
                            "/a\\/\n", "/(*UTF8)a/\n", "/[a/\n"})
        EXPECT_THAT(ErrorsOf(bad), testing::Not(IsEmpty())) << bad;
    Routed r(kSplit, {{"m", "/a|b/\n/^c/\n/d$/\n/(?i)e/\n/f?/\n"}});
    ASSERT_THAT(r.Errors(), IsEmpty());
    for (const char *in : {"a", "b", "c", "d", "E", "f"})
        EXPECT_EQ(r.Verdict(std::string(in) + "@example.com"), "local") << in;
    for (const char *out : {"ab", "xa", "bx", "cx", "xd", "ee", "ff"})
        EXPECT_EQ(r.Verdict(std::string(out) + "@example.com"), "external") << out;
}

TEST(Expressions, AreWithoutAsciiCaseAndMatchNoLookalike)
{
    Routed r(kSplit, {{"m", "/SALES/\n/m\xc3\xbcller.*/\n"}});
    ASSERT_THAT(r.Errors(), IsEmpty());
    EXPECT_EQ(r.Verdict("sales@example.com"), "local");
    EXPECT_EQ(r.Verdict("\xc5\xbf"
                        "ales@example.com"),
              "external")
        << "long s";
    EXPECT_EQ(r.Verdict("m\xc3\xbcller-x@example.com"), "local");
    EXPECT_EQ(r.Verdict("M\xc3\xbcller@example.com"), "local");
    EXPECT_EQ(r.Verdict("mu\xcc\x88ller@example.com"), "local");
    EXPECT_THAT(ErrorsOf("/M\xc3\xbcller/\n"), ElementsAre(HasSubstr("must be in lower case")));
}

} // namespace
