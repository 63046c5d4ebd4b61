// SPDX-License-Identifier: BSD-3-Clause
// Addresses as people and programs spell them. What two spellings mean is known here by how they
// were made, not by asking the code under test.
#ifndef SPLITMX_TESTS_APP_ROUTE_SPELLING_H
#define SPLITMX_TESTS_APP_ROUTE_SPELLING_H

#include <random>
#include <string>
#include <vector>

using Random = std::mt19937_64;

template <typename List> auto &OneOf(Random &random, List &list)
{
    return list[random() % std::size(list)];
}

// A character of a local part, in its canonical form and as it may be written beside that.
struct Letter {
    std::string canonical;
    std::vector<std::string> spellings; // canonically equivalent ones (Unicode), without ASCII case
    bool needs_quotes = false;          // as it stands in `canonical`
};

// Neighbours never compose: each begins with a character that does not combine.
inline const std::vector<Letter> &Letters()
{
    static const std::vector<Letter> letters = [] {
        std::vector<Letter> list;
        for (char c : std::string("abcdefghijklmnopqrstuvwxyz0123456789.!#$%&'*+-/=?^_`{|}~"))
            list.push_back({std::string(1, c), {}, false});
        for (char c : std::string(" \"\\@,:;<>()[]"))
            list.push_back({std::string(1, c), {}, true});
        for (Letter &l : list) {
            if (l.canonical == "k")
                l.spellings = {"\u212a"}; // Kelvin sign
            if (l.canonical == ";")
                l.spellings = {"\u037e"}; // Greek question mark
            if (l.canonical == "`")
                l.spellings = {"\u1fef"}; // Greek varia
        }
        for (const Letter &l : std::vector<Letter>{
                 {"\u00f6", {"o\u0308"}},                       // ö
                 {"\u00d6", {"O\u0308"}},                       // Ö: only ASCII is without case
                 {"\u1e96", {"h\u0331", "H\u0331"}},            // h with a line: there is no such H
                 {"\u01f0", {"j\u030c", "J\u030c"}},            // j with a caron: likewise
                 {"\u1ee9", {"u\u031b\u0301", "\u01b0\u0301"}}, // two marks
                 {"\u1e69", {"s\u0307\u0323", "s\u0323\u0307", "\u1e61\u0323"}}, // in either order
                 {"\u00c5", {"\u212b", "A\u030a"}},                              // Angstrom sign
                 {"\u03a9", {"\u2126"}},                                         // Ohm sign
                 {"\u2260", {"=\u0338"}},                                        // not equal
                 {"\ud55c", {"\u1112\u1161\u11ab", "\ud558\u11ab"}},             // Hangul
                 {"\u0915\u093c", {"\u0958"}},             // excluded from composing
                 {"\U0001d157\U0001d165", {"\U0001d15e"}}, // a half note: likewise
                 {"\u6f22", {}},
                 {"\U0001f600", {}},
             })
            list.push_back(l);
        // Lookalikes of others, and what nobody sees.
        for (const char *c : {"\u0430", "\u0131", "\u017f", "\u00df", "\u1e9e", "\uff41", "\uff20",
                              "\uff05", "\u200b", "\u200d", "\u00ad", "\ufeff", "\u202e", "\u03c3",
                              "\u03c2", "\ufb01", "\u2024", "\u0391", "\u0130"})
            list.push_back({c, {}, false});
        return list;
    }();
    return letters;
}

// A local part: indices of Letters().
using Local = std::vector<size_t>;

inline std::string Canonical(const Local &local)
{
    std::string s;
    for (size_t i : local)
        s += Letters()[i].canonical;
    return s;
}

inline std::string AnyCase(Random &random, std::string s)
{
    for (char &c : s)
        if (c >= 'a' && c <= 'z' && random() % 3 == 0)
            c = (char)(c - 32);
    return s;
}

// One of the spellings of a local part. In a mailbox file some mean something else without quotes.
inline std::string Spell(Random &random, const Local &local, bool in_file = false)
{
    bool quote = random() % 3 == 0;
    if (in_file)
        quote = quote || std::string("!/#").find(Canonical(local)[0]) != std::string::npos ||
                Canonical(local).find('*') != std::string::npos;
    std::vector<std::string> written;
    for (size_t i : local) {
        const Letter &l = Letters()[i];
        bool plain = l.spellings.empty() || random() % 2;
        // Only the letters of ASCII that stand alone: o and a mark are one character, and no O.
        written.push_back(!plain                    ? OneOf(random, l.spellings)
                          : l.canonical.size() == 1 ? AnyCase(random, l.canonical)
                                                    : l.canonical);
        quote = quote || (plain && l.needs_quotes);
    }
    std::string out;
    for (const std::string &w : written)
        for (char c : w)
            out +=
                quote && (c == '"' || c == '\\' || ((unsigned char)c < 0x80 && random() % 4 == 0))
                    ? std::string("\\") + c
                    : std::string(1, c);
    return quote ? '"' + out + '"' : out;
}

// A domain's canonical form, and some of its spellings, in which ASCII is without case.
struct DomainName {
    std::string canonical;
    std::vector<std::string> spellings;
};

inline const std::vector<DomainName> &DomainNames()
{
    static const std::vector<DomainName> names = {
        {"example.com", {"example.com"}},
        {"xn--bcher-kva.example",
         {"xn--bcher-kva.example", "b\u00fccher.example", "bu\u0308cher.example",
          "b\u00dccher.example", "BU\u0308CHER.example"}},
        {"xn--strae-oqa.xn--bcher-kva.example",
         {"xn--strae-oqa.xn--bcher-kva.example", "stra\u00dfe.b\u00fccher.example",
          "stra\u00dfe.xn--bcher-kva.example", "xn--strae-oqa.b\u00dccher.example",
          "STRA\u1e9eE.b\u00fccher.example"}},
        {"a_b.xn--p9d9g.example", {"a_b.xn--p9d9g.example", "a_b.\u13e3\u13b3.example"}},
    };
    return names;
}

inline std::string SpellDomain(Random &random, const DomainName &name, bool trailing_dot = true)
{
    return AnyCase(random, OneOf(random, name.spellings)) +
           (trailing_dot && random() % 5 == 0 ? "." : "");
}

#endif
