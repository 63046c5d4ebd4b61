// SPDX-License-Identifier: BSD-3-Clause
// The canonical form: idempotent, the same for two spellings of one address, different for two
// addresses.
#include <gtest/gtest.h>

#include <idn2.h>
#include <unistr.h>

#include <random>
#include <set>
#include <string>

#include "tests/app/route/spelling.h"

extern "C" {
#include "app/route/address.h"
}

namespace
{

struct span Span(const std::string &s)
{
    return {s.data(), s.size()};
}

// "local@domain" in canonical form, without quotes; or the error's sentence.
std::string Canonical(const std::string &local, const std::string &domain = "example.com")
{
    struct address a;
    bool quoted = !local.empty() && local[0] == '"';
    enum address_error error = address_canonical(Span(local), quoted, Span(domain), &a);
    if (error != ADDRESS_OK)
        return address_error_text(error);
    std::string key(a.key, address_key_len(&a));
    EXPECT_EQ(key.front(), '\n');
    EXPECT_EQ(key.back(), '\n');
    EXPECT_EQ(key.find('\n', 1), key.size() - 1);
    return key.substr(1, key.size() - 2);
}

std::string Domain(const std::string &domain)
{
    char out[ADDRESS_DOMAIN_MAX + 1];
    uint16_t len;
    enum address_error error = address_domain_canonical(Span(domain), out, &len);
    return error == ADDRESS_OK ? std::string(out, len) : address_error_text(error);
}

TEST(LocalPart, IsWithoutAsciiCaseAndWithoutItsQuotes)
{
    EXPECT_EQ(Canonical("Alice"), "alice@example.com");
    EXPECT_EQ(Canonical("\"Alice\""), "alice@example.com");
    EXPECT_EQ(Canonical("\"\\A\\lice\""), "alice@example.com");
    EXPECT_EQ(Canonical("\"john doe\""), "john doe@example.com");
    EXPECT_EQ(Canonical("\"a\\\"b\\\\c\""), "a\"b\\c@example.com");
    EXPECT_EQ(Canonical("a..b."), "a..b.@example.com");
    EXPECT_EQ(Canonical("\"a@b\""), "a@b@example.com");
}

TEST(LocalPart, IsComposed)
{
    EXPECT_EQ(Canonical("jo\xcc\x88rg"), "j\xc3\xb6rg@example.com");
    EXPECT_EQ(Canonical("j\xc3\xb6rg"), "j\xc3\xb6rg@example.com");
    EXPECT_NE(Canonical("J\xc3\x96RG"), Canonical("j\xc3\xb6rg")) << "ASCII case only";
    EXPECT_EQ(Canonical("H\xcc\xb1"), "\xe1\xba\x96@example.com")
        << "composes only once it is lower";
    EXPECT_EQ(Canonical("\xe2\x84\xaa"), "k@example.com") << "the Kelvin sign is canonically a K";
}

TEST(LocalPart, NeverEqualsALookalike)
{
    for (const char *alike :
         {"\xd0\xb0lice",
          "al\xc4\xb1"
          "ce",
          "\xef\xbd\x81lice", "alice\xe2\x80\x8b", "\xc3\xa0lice", "a1ice", "alice."})
        EXPECT_NE(Canonical(alike), Canonical("alice")) << alike;
    EXPECT_NE(Canonical("\xc5\xbf"
                        "ales"),
              Canonical("sales"))
        << "long s";
    EXPECT_NE(Canonical("stra\xc3\x9f"
                        "e"),
              Canonical("strasse"));
}

TEST(LocalPart, SaysWhatIsWrong)
{
    auto says = [](enum address_error e) { return std::string(address_error_text(e)); };
    EXPECT_EQ(Canonical(""), says(ADDRESS_NO_LOCAL_PART));
    EXPECT_EQ(Canonical("\"\""), says(ADDRESS_NO_LOCAL_PART));
    EXPECT_EQ(Canonical(std::string(64, 'a')), std::string(64, 'a') + "@example.com");
    EXPECT_EQ(Canonical(std::string(65, 'a')), says(ADDRESS_LOCAL_TOO_LONG));
    EXPECT_EQ(Canonical(std::string(100000, 'a')), says(ADDRESS_LOCAL_TOO_LONG));
    EXPECT_EQ(Canonical("\"" + std::string(64, 'a') + "\""), std::string(64, 'a') + "@example.com");
    for (const char *bad : {"a b", "a@b", "a\"b", "a(b)", "a,b", "a\\b", "a\tb", "a\nb"})
        EXPECT_EQ(Canonical(bad), says(ADDRESS_LOCAL_SYNTAX)) << bad;
    for (const char *bad : {"\"", "\"a", "\"a\\\"", "\"a\"b\"", "\"a\"\"", "\"\\\xc3\xb6\""})
        EXPECT_EQ(Canonical(bad), says(ADDRESS_QUOTES)) << bad;
    EXPECT_EQ(Canonical("\"a\nb\""), says(ADDRESS_CONTROL)) << "would forge a key";
    EXPECT_EQ(Canonical("\"a\\\nb\""), says(ADDRESS_CONTROL));
    EXPECT_EQ(Canonical("a\xc2\x85"), says(ADDRESS_CONTROL)) << "next line, U+0085";
    for (const char *bad : {"\xff", "a\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80"})
        EXPECT_EQ(Canonical(bad), says(ADDRESS_NOT_UTF8)) << bad;
}

TEST(LocalPart, ThatGrowsByComposingIsStillBounded)
{
    std::string grows; // U+1D160 becomes three characters, twelve bytes for four
    for (int i = 0; i < 100; i++)
        grows += "\xf0\x9d\x85\xa0";
    EXPECT_EQ(Canonical(grows), address_error_text(ADDRESS_LOCAL_TOO_LONG));
}

TEST(Domain, IsWithoutCaseAndTrailingDot)
{
    EXPECT_EQ(Domain("Example.COM"), "example.com");
    EXPECT_EQ(Domain("example.com."), "example.com");
    EXPECT_EQ(Domain("a_b.example"), "a_b.example");
    EXPECT_EQ(Domain("localhost"), "localhost");
    for (const char *bad : {"a..b", ".a", "a..", "-a.b", "a-.b", "a.b-", "a b", "a@b", "[1.2.3.4]",
                            "a,b", "*", "a.-"})
        EXPECT_EQ(Domain(bad), address_error_text(ADDRESS_DOMAIN_SYNTAX)) << bad;
    EXPECT_EQ(Domain(""), address_error_text(ADDRESS_NO_DOMAIN));
    EXPECT_EQ(Domain("."), address_error_text(ADDRESS_NO_DOMAIN));
    std::string label(63, 'a');
    std::string longest = label + "." + label + "." + label + "." + std::string(61, 'b');
    EXPECT_EQ(Domain(longest), longest);
    EXPECT_EQ(Domain(longest + "."), longest);
    EXPECT_EQ(Domain(longest + "b"), address_error_text(ADDRESS_DOMAIN_TOO_LONG));
    EXPECT_EQ(Domain(label + "a.b"), address_error_text(ADDRESS_DOMAIN_SYNTAX));
}

TEST(Domain, IsInALabels)
{
    EXPECT_EQ(Domain("b\xc3\xbc"
                     "cher.example"),
              "xn--bcher-kva.example");
    EXPECT_EQ(Domain("B\xc3\x9c"
                     "CHER.EXAMPLE."),
              "xn--bcher-kva.example");
    EXPECT_EQ(Domain("bu\xcc\x88"
                     "cher.example"),
              "xn--bcher-kva.example");
    EXPECT_EQ(Domain("XN--BCHER-KVA.example"), "xn--bcher-kva.example");
    EXPECT_EQ(Domain("stra\xc3\x9f"
                     "e.example"),
              "xn--strae-oqa.example")
        << "IDNA2008, not 2003";
    // Greek: capital sigma at the end of a label is the final one, whatever follows the dot.
    EXPECT_EQ(Domain("\xce\x9f\xce\x94\xce\x9f\xce\xa3.example"),
              Domain("\xce\xbf\xce\xb4\xce\xbf\xcf\x82.example"));
    EXPECT_EQ(Domain("a_b.b\xc3\xbc"
                     "cher.example"),
              "a_b.xn--bcher-kva.example");
}

TEST(Domain, KeepsTheCapitalsThatIdna2008Knows)
{
    EXPECT_EQ(Domain("\u13e3\u13b3\u13a9.example"), "xn--f9dt7l.example") << "Cherokee";
    EXPECT_EQ(Domain("b\u00dc\u0441her.\u13e3\u13b3\u13a9"),
              Domain("b\u00fc\u0441her.xn--f9dt7l"));
}

TEST(Domain, TakesAnALabelAmongOthersAsItTakesItAlone)
{
    for (const char *odd : {"xn--i-7iq.example", "xn--zzzzzzz.example", "XN--a-b.example"}) {
        std::string alone = Domain(odd);
        EXPECT_EQ(Domain(std::string("b\u00fccher.") + odd), "xn--bcher-kva." + alone);
    }
}

TEST(Domain, MayBeLongerAsItIsWrittenThanAsItIsCompared)
{
    std::string label; // 120 bytes of one label
    for (int i = 0; i < 40; i++)
        label += "\u10d0";
    std::string canonical = Domain(label + ".example");
    EXPECT_EQ(canonical.rfind("xn--", 0), 0u) << canonical;
    EXPECT_LE(canonical.size(), 63u + strlen(".example"));
    for (int i = 0; i < 40; i++)
        label += "\u10d0";
    EXPECT_EQ(Domain(label + ".example"), address_error_text(ADDRESS_DOMAIN_IDNA));
    std::string many;
    for (int i = 0; i < 60; i++)
        many += "\u00fc.";
    EXPECT_EQ(Domain(many), address_error_text(ADDRESS_DOMAIN_TOO_LONG));
    for (int i = 0; i < 40; i++)
        many += "\u00fc.";
    EXPECT_EQ(Domain(many), address_error_text(ADDRESS_DOMAIN_TOO_LONG));
}

TEST(Domain, NeverEqualsALookalike)
{
    EXPECT_EQ(Domain("\xef\xbd\x85xample.com"), address_error_text(ADDRESS_DOMAIN_IDNA));
    EXPECT_EQ(Domain("example\xe3\x80\x82"
                     "com"),
              address_error_text(ADDRESS_DOMAIN_IDNA));
    EXPECT_NE(Domain("ex\xd0\xb0mple.com"), "example.com");
    EXPECT_NE(Domain("\xc4\xb0stanbul.example"), "istanbul.example");
    EXPECT_EQ(Domain("ex\xff"
                     "mple.com"),
              address_error_text(ADDRESS_NOT_UTF8));
    EXPECT_EQ(Domain("\xc3\xbc"
                     "\n.com"),
              address_error_text(ADDRESS_CONTROL));
}

TEST(Base, IsAllBeforeTheFirstDelimiter)
{
    auto base = [](const std::string &local) -> std::string {
        struct address a, out;
        if (address_canonical(Span(local), local[0] == '"', Span("example.com"), &a) != ADDRESS_OK)
            return "error";
        if (!address_base(&a, '+', &out))
            return "none";
        return std::string(out.key + 1, address_key_len(&out) - 2);
    };
    EXPECT_EQ(base("alice+tag"), "alice@example.com");
    EXPECT_EQ(base("alice+a+b"), "alice@example.com");
    EXPECT_EQ(base("alice+"), "alice@example.com");
    EXPECT_EQ(base("\"a b+c\""), "a b@example.com");
    EXPECT_EQ(base("alice"), "none");
    EXPECT_EQ(base("+tag"), "none");
}

TEST(Property, SpellingsOfOneAddressAgreeAndTwoAddressesDiffer)
{
    Random random(11);
    std::set<std::string> written, canonical;
    for (int i = 0; i < 100000; i++) {
        Local local;
        for (unsigned n = 1 + random() % 5; n > 0; n--)
            local.push_back(random() % Letters().size());
        const DomainName &domain = OneOf(random, DomainNames());
        std::string content = ::Canonical(local), a = Spell(random, local),
                    b = Spell(random, local), want = content + "@" + domain.canonical;
        ASSERT_EQ(Canonical(a, SpellDomain(random, domain)), want) << a;
        ASSERT_EQ(Canonical(b, SpellDomain(random, domain)), want) << b;
        written.insert(want);
        canonical.insert(Canonical(a, SpellDomain(random, domain)));
    }
    EXPECT_EQ(canonical.size(), written.size());
    EXPECT_GT(written.size(), 50000u);
}

TEST(Property, TheCanonicalFormIsItsOwn)
{
    static const char *const pieces[] = {"a",        "H",        "k",
                                         ".",        "\xcc\xb1", "\xcc\x88",
                                         "\"",       "+",        "\xe2\x84\xaa",
                                         "\xc3\x96", "\xce\xa3", "\xef\xac\x81",
                                         "\\",       "@",        "\xe1\xba\x9e",
                                         "\xcd\x85", "\xcd\xbe", "\xed\x95\x9c"};
    std::mt19937 random(12);
    int good = 0;
    for (int i = 0; i < 50000; i++) {
        std::string content, domain;
        for (unsigned n = 1 + random() % 5; n > 0; n--)
            content += pieces[random() % 18];
        for (unsigned n = random() % 3; n > 0; n--)
            domain += pieces[random() % 18];
        domain += ".example";
        std::string quoted = "\"";
        for (char c : content)
            quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
        quoted += '"';
        struct address a, b;
        char text[ADDRESS_FORMAT_SIZE];
        if (address_canonical(Span(quoted), true, Span(domain), &a) != ADDRESS_OK)
            continue;
        good++;
        std::string again = address_format(&a, text);
        size_t at = again.rfind('@');
        ASSERT_EQ(address_canonical(Span(again.substr(0, at)), again[0] == '"',
                                    Span(again.substr(at + 1)), &b),
                  ADDRESS_OK)
            << again;
        ASSERT_EQ(std::string(a.key, address_key_len(&a)), std::string(b.key, address_key_len(&b)))
            << again;
    }
    EXPECT_GT(good, 5000);
}

// One character after the other that IDNA2008 knows, and some neighbours.
TEST(Property, ADomainIsTheSameInEitherForm)
{
    Random random(13);
    unsigned taken = 0, same_alone = 0;
    for (uint32_t c = 0x80; c < 0x32000; c++) {
        if (c >= 0xd800 && c < 0xe000)
            continue;
        if (c > 0x3400 && c < 0xd000 && c % 17 != 0)
            continue; // Han and Hangul: some will do
        uint8_t utf8[8];
        std::string one((char *)utf8, (size_t)u8_uctomb(utf8, c, sizeof(utf8)));
        std::string label = random() % 2 ? one : "a" + one + "b";
        std::string a_label = Domain(label + ".example");
        if (a_label.rfind("xn--", 0) != 0)
            continue; // it is not one, or is ASCII: the Kelvin sign
        taken++;
        ASSERT_EQ(Domain(a_label), a_label) << label;
        char *back = nullptr;
        ASSERT_EQ(idn2_to_unicode_8z8z(a_label.c_str(), &back, 0), IDN2_OK) << label;
        ASSERT_EQ(Domain(back), a_label) << label << " by way of " << back;
        ASSERT_EQ(Domain("xn--bcher-kva." + std::string(back) + "."), "xn--bcher-kva." + a_label);
        same_alone += label + ".example" == back;
        idn2_free(back);
    }
    EXPECT_GT(taken, 15000u);
    EXPECT_GT(same_alone, 10000u);
}

} // namespace
