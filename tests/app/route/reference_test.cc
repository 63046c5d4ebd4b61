// SPDX-License-Identifier: BSD-3-Clause
// Verdicts against a reference that is as plain as DESIGN's words: lists, searched from the front,
// and std::regex. Mailbox files, addresses and their spellings are random.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <regex>

#include "tests/app/route/fixture.h"

namespace
{

using Random = std::mt19937;

const std::string kAtext = "abcdefghijklmnopqrstuvwxyz0123456789.!#$%&'*+-/=?^_`{|}~";

// One of the spellings of a local part with this content.
std::string Spell(Random &random, const std::string &content, bool in_file)
{
    bool quote = content.find_first_not_of(kAtext) != std::string::npos || random() % 3 == 0;
    // In a file these mean something unless they are quoted.
    if (in_file && (std::string("!/#").find(content[0]) != std::string::npos ||
                    content.find('*') != std::string::npos))
        quote = true;
    std::string out = quote ? "\"" : "";
    for (char c : content) {
        if (c >= 'a' && c <= 'z' && random() % 3 == 0)
            c = (char)(c - 32);
        if (quote && (c == '"' || c == '\\' || random() % 4 == 0))
            out += '\\';
        out += c;
    }
    return quote ? out + "\"" : out;
}

std::string SpellDomain(Random &random)
{
    static const char *const spellings[] = {"example.com", "Example.COM", "EXAMPLE.com"};
    return spellings[random() % 3];
}

std::string Content(Random &random)
{
    static const std::string common = "ab", rare = "ab1+.-%@\\ !/|\"*";
    std::string s;
    for (unsigned n = 1 + random() % 4; n > 0; n--)
        s += random() % 3 ? common[random() % common.size()] : rare[random() % rare.size()];
    return s;
}

struct Entry {
    enum { EXACT, EXPRESSION, EVERYBODY } kind;
    std::string text; // canonical content, or the expression
    bool external;
};

struct Model {
    std::vector<Entry> entries;
    bool split, delimiter, postmaster_external;

    // -1: nothing; else the entry's side.
    int Exact(const std::string &content) const
    {
        for (const Entry &e : entries)
            if (e.kind == Entry::EXACT && e.text == content)
                return e.external;
        return -1;
    }
    int Expressions(const std::string &content) const
    {
        int found = -1;
        for (const Entry &e : entries)
            if (e.kind == Entry::EXPRESSION && std::regex_match(content, std::regex(e.text)))
                found = std::max(found, (int)e.external);
        return found;
    }
    int Everybody() const
    {
        for (const Entry &e : entries)
            if (e.kind == Entry::EVERYBODY)
                return e.external;
        return -1;
    }
    static bool IsRouted(const std::string &content)
    {
        return content.find_first_of("@%!|\\") != std::string::npos || content[0] == '/' ||
               content[0] == '.';
    }

    std::string Verdict(const std::string &content, enum side from) const
    {
        int level1 = Exact(content);
        int found = level1;
        size_t plus = content.find('+');
        if (found < 0 && delimiter && plus != std::string::npos && plus > 0)
            found = Exact(content.substr(0, plus));
        if (found < 0)
            found = Expressions(content);
        if (found < 0)
            found = Everybody();

        enum side to;
        if (IsRouted(content) && level1 != 0)
            return "routed-address";
        if (found == 0)
            to = SIDE_LOCAL;
        else if (found == 1 && split)
            to = SIDE_EXTERNAL;
        else if (content == "postmaster")
            to = postmaster_external ? SIDE_EXTERNAL : SIDE_LOCAL;
        else if (split)
            to = SIDE_EXTERNAL;
        else
            return "unknown";
        if (from == to)
            return "same-side";
        return to == SIDE_LOCAL ? "local" : "external";
    }
};

Model RandomModel(Random &random)
{
    static const char *const expressions[] = {"a+",    "b.*", "[ab]1?", ".*-.*", "(a|b)\\+.*",
                                              "[^a]*", "a.b", "post.*", ".{3}",  "b"};
    Model m = {{}, random() % 2 == 0, random() % 2 == 0, false};
    m.postmaster_external = m.split && random() % 2 == 0;
    for (unsigned n = 1 + random() % 20; n > 0; n--) {
        Entry e = {Entry::EXACT, Content(random), random() % 3 == 0};
        if (random() % 20 == 0)
            e.text = "postmaster";
        if (random() % 6 == 0)
            e = {Entry::EXPRESSION, expressions[random() % 10], random() % 3 == 0};
        else if (random() % 30 == 0)
            e = {Entry::EVERYBODY, "*", random() % 2 == 0};
        bool contradicts = false;
        for (const Entry &other : m.entries)
            contradicts = contradicts || (other.kind == e.kind && other.text == e.text &&
                                          other.external != e.external);
        if (!contradicts)
            m.entries.push_back(e);
    }
    return m;
}

std::string AsFile(Random &random, const Model &m)
{
    std::string text;
    for (const Entry &e : m.entries) {
        text += e.external ? "!" : "";
        if (e.kind == Entry::EXPRESSION)
            text += "/" + e.text + "/";
        else
            text += e.kind == Entry::EVERYBODY ? "*" : Spell(random, e.text, true);
        if (e.kind != Entry::EXPRESSION && random() % 3 == 0)
            text += "@" + SpellDomain(random);
        text += random() % 5 == 0 ? " # comment\r\n" : "\n";
    }
    return text;
}

std::string AsIni(const Model &m)
{
    std::string ini = kSplit;
    if (!m.split)
        ini.replace(ini.find("routing = yes"), 13, "routing = no");
    if (m.delimiter)
        ini += "subaddress_delimiter = +\n";
    if (m.postmaster_external)
        ini += "postmaster = external\n";
    return ini;
}

TEST(Reference, AgreesOnRandomMailboxesAndAddresses)
{
    const struct {
        const char *address;
        enum side side;
    } clients[] = {{"203.0.113.9", SIDE_OUTSIDE},
                   {"192.0.2.10", SIDE_LOCAL},
                   {"198.51.100.7", SIDE_EXTERNAL},
                   {"", SIDE_OUTSIDE}};
    Random random(20);
    std::map<std::string, int> seen;
    for (int round = 0; round < 150; round++) {
        Model m = RandomModel(random);
        std::string file = AsFile(random, m);
        Routed r(AsIni(m), {{"m", file}});
        ASSERT_THAT(r.Errors(), testing::IsEmpty()) << file;
        for (int i = 0; i < 200; i++) {
            std::string content = Content(random);
            if (random() % 3 == 0)
                content = m.entries[random() % m.entries.size()].text;
            if (random() % 4 == 0)
                content += "+a";
            if (random() % 30 == 0)
                content = "postmaster";
            std::string address = Spell(random, content, false) + "@" + SpellDomain(random);
            auto &client = clients[random() % 4];
            std::string want = m.Verdict(content, client.side);
            ASSERT_EQ(r.Verdict(address, client.address), want)
                << address << " from " << client.address << " with\n"
                << AsIni(m) << file;
            seen[want]++;
        }
    }
    for (const char *verdict : {"local", "external", "unknown", "same-side", "routed-address"})
        EXPECT_GT(seen[verdict], 500) << verdict << " was hardly tested";
}

} // namespace
