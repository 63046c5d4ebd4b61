// SPDX-License-Identifier: BSD-3-Clause
// Files as operators, editors and enemies write them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/config/loaded.h"

namespace
{
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// Line 8 is the first free one.
std::vector<std::string> ErrorsOf(const std::string &more)
{
    return Loaded(kLeast + kDomain + more).Errors();
}

TEST(Load, AValueKnowsItsTextAndItsLine)
{
    Loaded l(kLeast + kDomain);
    EXPECT_THAT(l.Errors(), IsEmpty());
    struct config_value v = config_get(l.Section("appliance"), "hostname");
    EXPECT_STREQ(v.text, "mx.example.net");
    EXPECT_EQ(v.line, 2u);
    EXPECT_STREQ(config_section_name(l.Section("port")), "wan");
    EXPECT_EQ(config_section_line(l.Section("port")), 3u);
}

TEST(Load, AKeyThatIsNotThereHasItsDefaultAndNoLine)
{
    Loaded l(kLeast + kDomain);
    struct config_value v = config_get(l.Section("listener"), "tcp_port");
    EXPECT_STREQ(v.text, "25");
    EXPECT_EQ(v.line, 0u);
    EXPECT_EQ(config_number(l.Section("listener"), "tcp_port"), 25u);
    EXPECT_EQ(config_text(l.Section("port"), "gateway"), nullptr);
}

TEST(Load, ASectionThatIsNotThereHasItsDefaults)
{
    Loaded l(kLeast + kDomain);
    ASSERT_NE(l.Section("timeouts"), nullptr);
    EXPECT_EQ(config_duration(l.Section("timeouts"), "rcpt"), 240000000000u);
    EXPECT_EQ(config_size(l.Section("message"), "max_size"), 50u << 20);
    EXPECT_TRUE(config_bool(l.Section("memory"), "hugepages"));
    EXPECT_EQ(config_section_line(l.Section("memory")), 0u);
}

TEST(Load, SectionsComeInTheOrderOfTheFile)
{
    Loaded l(kLeast + "[domain b.example]\n[port lan]\ndevice=x\naddress=y\n[domain a.example]\n");
    EXPECT_STREQ(config_section_name(l.Section("domain", 0)), "b.example");
    EXPECT_STREQ(config_section_name(l.Section("domain", 1)), "a.example");
    EXPECT_EQ(l.Section("domain", 2), nullptr);
}

TEST(Load, ReadsWhatEditorsMakeOfIt)
{
    std::string crlf;
    for (char c : kLeast + kDomain)
        crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
    EXPECT_THAT(Loaded(crlf).Errors(), IsEmpty()) << "CRLF";
    EXPECT_THAT(Loaded("\xef\xbb\xbf" + kLeast + kDomain).Errors(), IsEmpty()) << "BOM";
    EXPECT_THAT(ErrorsOf("fall = 5"), IsEmpty()) << "no newline at the end";
    EXPECT_THAT(ErrorsOf("\tfall\t=\t5\t; five"), IsEmpty()) << "tabs";
    EXPECT_THAT(ErrorsOf("\n; one\n # two\n   \n"), IsEmpty()) << "comments";
    EXPECT_THAT(Loaded(kLeast + "  [ domain   example.com ]  ; it\n").Errors(), IsEmpty());
}

TEST(Load, ACommentBeginsBehindABlank)
{
    Loaded l(kLeast + kDomain + "mailboxes = a;b ; c\nverify_sender = a#b\n");
    EXPECT_STREQ(config_text(l.Section("domain"), "mailboxes"), "a;b");
    EXPECT_STREQ(config_text(l.Section("domain"), "verify_sender"), "a#b");
}

TEST(Load, AnUnknownSectionIsNamedOnceWithTheNearest)
{
    EXPECT_THAT(
        ErrorsOf("[listner smtp2]\nport = wan\nfoo = bar\n"),
        ElementsAre(
            "x.ini:9: unknown section 'listner': did you mean [listener]?; "
            "sections are [appliance], [memory], [port NAME], [listener NAME], "
            "[domain NAME], [message], [timeouts], [destinations], [limits], [tcp], [log]"));
}

TEST(Load, AnUnknownKeyIsNamedWithTheNearestOrWithAll)
{
    EXPECT_THAT(ErrorsOf("mailbox_sever = 192.0.2.1\n"),
                ElementsAre("x.ini:9: [domain] has no key 'mailbox_sever': "
                            "did you mean mailbox_server?"));
    EXPECT_THAT(ErrorsOf("Mailbox-Server = 192.0.2.1\n"),
                ElementsAre(HasSubstr("did you mean mailbox_server?")));
    EXPECT_THAT(ErrorsOf("max_size = 10M\n"),
                ElementsAre("x.ini:9: [domain] has no key 'max_size': it belongs to [message]"));
    EXPECT_THAT(ErrorsOf("[log]\nxyzzy = 1\n"),
                ElementsAre("x.ini:10: [log] has no key 'xyzzy'; its keys are file"));
}

TEST(Load, ASecondTimeIsNotTheLastWord)
{
    Loaded l(kLeast + kDomain + "fall = 1\nfall = 2\n");
    EXPECT_THAT(l.Errors(), ElementsAre("x.ini:10: [domain example.com] fall: is there a second "
                                        "time; first in line 9"));
    EXPECT_EQ(config_number(l.Section("domain"), "fall"), 1u);

    EXPECT_THAT(ErrorsOf("[domain EXAMPLE.com]\nfall = many\n"),
                ElementsAre("x.ini:9: [domain EXAMPLE.com]: is there a second time; first in line "
                            "8",
                            StartsWith("x.ini:10: [domain EXAMPLE.com] fall: 'many'")));
    EXPECT_THAT(ErrorsOf("[appliance]\n"),
                ElementsAre("x.ini:9: [appliance]: is there a second time; first in line 1"));
}

TEST(Load, ABadValueSaysWhatIsAllowedAndLeavesTheDefault)
{
    Loaded l(kLeast + kDomain + "fall = 0\nverify_interval = 300\nsplit_domain_routing = true\n" +
             "[message]\nmax_size = 5T\n");
    EXPECT_THAT(
        l.Errors(),
        ElementsAre("x.ini:9: [domain example.com] fall: '0' is not allowed; allowed: a number "
                    "from 1 to 100",
                    "x.ini:10: [domain example.com] verify_interval: '300' is not allowed; "
                    "allowed: a duration from 1s to 1d, with its unit: ms, s, m, h, d",
                    "x.ini:11: [domain example.com] split_domain_routing: 'true' is not allowed; "
                    "allowed: no or yes",
                    "x.ini:13: [message] max_size: '5T' is not allowed; allowed: a size from 64K "
                    "to 4294967295, in bytes or with K, M, G"));
    EXPECT_EQ(config_number(l.Section("domain"), "fall"), 3u);
    EXPECT_EQ(config_size(l.Section("message"), "max_size"), 50u << 20);
}

TEST(Load, AKeyWithoutAValueIsAnError)
{
    EXPECT_THAT(ErrorsOf("mailboxes =\n"), ElementsAre(HasSubstr("mailboxes: has no value")));
    EXPECT_THAT(ErrorsOf("mailboxes = ; none\n"), ElementsAre(HasSubstr("has no value")));
}

TEST(Load, EveryLineThatIsNothingIsNamed)
{
    EXPECT_THAT(ErrorsOf("one\nfall = 1\ntwo\n[domain\nthree"),
                ElementsAre("x.ini:9: neither a [section] nor a key = value",
                            "x.ini:11: neither a [section] nor a key = value",
                            "x.ini:12: a section's heading has no ']'",
                            "x.ini:13: neither a [section] nor a key = value"));
    EXPECT_THAT(ErrorsOf("[log] file = x\n"), ElementsAre(HasSubstr("after a section's heading")));
    EXPECT_THAT(ErrorsOf("[port]\n"), ElementsAre("x.ini:9: [port] needs a name: [port NAME]"));
    EXPECT_THAT(ErrorsOf("[log x]\n"), ElementsAre(HasSubstr("[log] takes no name")));
    EXPECT_THAT(Loaded("workers = 1\n" + kLeast + kDomain).Errors(),
                ElementsAre("x.ini:1: 'workers' stands before the first [section]"));
}

TEST(Load, WhatIsMissingIsNamed)
{
    EXPECT_THAT(Loaded("[port wan]\n").Errors(),
                ElementsAre("x.ini: [appliance] hostname: is missing",
                            "x.ini:1: [port wan] device: is missing",
                            "x.ini:1: [port wan] address: is missing",
                            "x.ini: there is no [listener NAME]: it needs one",
                            "x.ini: there is no [domain NAME]: it needs one"));
}

TEST(Load, AControlCharacterIsAnErrorOfItsLineOnly)
{
    EXPECT_THAT(ErrorsOf(std::string("mailboxes = a\0b\nfall = 2\n", 25)),
                ElementsAre("x.ini:9: control character 0x00; allowed: text"));
    EXPECT_THAT(ErrorsOf("mailboxes = a\rb\n"), ElementsAre(HasSubstr("0x0d")));
    EXPECT_THAT(ErrorsOf("[domain a\x1b[31m]\n"), ElementsAre(HasSubstr("0x1b")));
}

TEST(Load, ALongLineIsReadWholeOrRefusedButNeverCut)
{
    std::string networks;
    while (networks.size() < 8000)
        networks += "192.0.2.1/32, ";
    Loaded fits(kLeast + kDomain + "local_clients = " + networks + "x\nfall = 7\n");
    EXPECT_THAT(fits.Errors(), IsEmpty());
    EXPECT_EQ(config_text(fits.Section("domain"), "local_clients"), networks + "x");
    EXPECT_EQ(config_number(fits.Section("domain"), "fall"), 7u);

    EXPECT_THAT(ErrorsOf("local_clients = " + networks + networks + "\nfall = 7\n"),
                ElementsAre(AllOf(StartsWith("x.ini:9: the line has "), HasSubstr("8190"))));
    // A comment may be as long as it likes, and so may a domain (libinih keeps 50 bytes).
    std::string label(60, 'a');
    std::string domain = label + "." + label + "." + label + ".example";
    Loaded l(kLeast + "[domain " + domain + "]\n;" + std::string(100000, 'x') + "\nfall = 7\n");
    EXPECT_THAT(l.Errors(), IsEmpty());
    EXPECT_EQ(config_section_name(l.Section("domain")), domain);
}

TEST(Load, AFileThatCannotBeReadSaysWhy)
{
    struct config_errors *errors = config_errors_new();
    EXPECT_EQ(config_load("/nonexistent/x.ini", errors), nullptr);
    EXPECT_EQ(config_load("/", errors), nullptr);
    EXPECT_THAT(Lines(errors),
                ElementsAre("/nonexistent/x.ini: cannot be read: No such file or directory",
                            "/: cannot be read: Is a directory"));
    config_errors_free(errors);
}

TEST(Load, AThousandErrorsAreEnough)
{
    std::string junk;
    for (int i = 0; i < 1500; i++)
        junk += "junk\n";
    Loaded l(kLeast + kDomain + junk);
    EXPECT_EQ(config_errors_count(l.errors), 1500u);
    ASSERT_EQ(l.Errors().size(), 1001u);
    EXPECT_EQ(l.Errors().back(), "... and 500 more");
}

TEST(Load, PathsAreRelativeToTheFile)
{
    Loaded here("", "x.ini"), there("", "/etc/splitmx/x.ini");
    char *a = config_path(here.config, "m"), *b = config_path(there.config, "m"),
         *c = config_path(there.config, "/m");
    EXPECT_STREQ(a, "m");
    EXPECT_STREQ(b, "/etc/splitmx/m");
    EXPECT_STREQ(c, "/m");
    free(a);
    free(b);
    free(c);
}

TEST(List, IsCutAtCommasAndBlanks)
{
    const char *cursor = " a, b\tc ,,d,";
    std::vector<std::string> items;
    size_t len;
    for (const char *item; (item = config_list_next(&cursor, &len)) != nullptr;)
        items.emplace_back(item, len);
    EXPECT_THAT(items, ElementsAre("a", "b", "c", "d"));
}

} // namespace
