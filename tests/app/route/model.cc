// SPDX-License-Identifier: BSD-3-Clause
#include "tests/app/route/model.h"

#include <algorithm>

// ------------------------------------------------------------------------------- expressions --

namespace
{

// Those that RandomNode() uses; none composes with a neighbour.
const std::vector<std::string> kAscii = {"a", "b", "e", "h", "o", "1",
                                         "0", "-", ".", "+", "_", "/"};
const std::vector<std::string> kBeyond = {"\u00f6", "\u1e96", "\u6f22", "\U0001f600", "\u0430"};

bool IsAscii(const std::string &s)
{
    return std::all_of(s.begin(), s.end(), [](char c) { return (unsigned char)c < 0x80; });
}

// An ASCII expression sees bytes, any other sees characters.
std::vector<std::string> Characters(const std::string &text, bool bytes)
{
    std::vector<std::string> list;
    for (char c : text) {
        if (!list.empty() && !bytes && ((unsigned char)c & 0xc0) == 0x80)
            list.back() += c;
        else
            list.push_back(std::string(1, c));
    }
    return list;
}

using Places = std::set<size_t>;

// Where one can be in the text after a node, from any of these places.
Places After(const Node &node, const std::vector<std::string> &text, const Places &from)
{
    Places to;
    switch (node.kind) {
    case Node::ONE_OF:
    case Node::NONE_OF:
        for (size_t at : from)
            if (at < text.size() &&
                (node.characters.count(text[at]) > 0) == (node.kind == Node::ONE_OF))
                to.insert(at + 1);
        return to;
    case Node::SEQUENCE:
        to = from;
        for (const Node &part : node.parts)
            to = After(part, text, to);
        return to;
    case Node::EITHER:
        for (const Node &part : node.parts)
            to.merge(After(part, text, from));
        return to;
    case Node::REPEAT: {
        Places now = from;
        for (size_t i = 0; !now.empty() && i <= std::min(node.most, node.least + text.size());
             i++) {
            if (i >= node.least)
                to.insert(now.begin(), now.end());
            now = After(node.parts[0], text, now);
        }
        return to;
    }
    }
    return to;
}

std::string WrittenCharacter(Random &random, const std::string &c, bool any_case)
{
    if (std::string(".+*?()[]{}|^$\\/-").find(c) != std::string::npos)
        return "\\" + c;
    return any_case ? AnyCase(random, c) : c;
}

} // namespace

Node RandomNode(Random &random, unsigned depth, bool ascii)
{
    auto character = [&] {
        return !ascii && random() % 3 == 0 ? OneOf(random, kBeyond) : OneOf(random, kAscii);
    };
    Node node = {Node::ONE_OF, {character()}, {}};
    unsigned kind = depth == 0 ? random() % 4 : random() % 10;
    if (kind == 0)
        node = {Node::NONE_OF, {}, {}}; // a dot
    else if (kind == 1)
        node = {random() % 2 ? Node::ONE_OF : Node::NONE_OF, {character(), character()}, {}};
    else if (kind >= 8)
        node = {Node::EITHER, {}, {}};
    else if (kind >= 6)
        node = {Node::SEQUENCE, {}, {}};
    else if (kind >= 4)
        node = {Node::REPEAT, {}, {RandomNode(random, depth - 1, ascii)}};
    if (kind >= 6)
        for (unsigned n = 2 + random() % 2; n > 0; n--)
            node.parts.push_back(RandomNode(random, depth - 1, ascii));
    static const size_t bounds[][2] = {{0, SIZE_MAX}, {1, SIZE_MAX}, {0, 1}, {2, 3}};
    if (node.kind == Node::REPEAT) {
        auto &bound = OneOf(random, bounds);
        node.least = bound[0];
        node.most = bound[1];
    }
    return node;
}

std::string Written(Random &random, const Node &node, bool any_case)
{
    std::string s;
    if (node.kind == Node::NONE_OF && node.characters.empty())
        return ".";
    if (node.kind == Node::ONE_OF && node.characters.size() == 1)
        return WrittenCharacter(random, *node.characters.begin(), any_case);
    if (node.kind == Node::ONE_OF || node.kind == Node::NONE_OF) {
        for (const std::string &c : node.characters)
            s += WrittenCharacter(random, c, any_case);
        return (node.kind == Node::ONE_OF ? "[" : "[^") + s + "]";
    }
    for (const Node &part : node.parts)
        s += (node.kind == Node::EITHER && !s.empty() ? "|" : "") + Written(random, part, any_case);
    if (node.kind != Node::REPEAT)
        return random() % 2 ? "(" + s + ")" : "(?:" + s + ")";
    return "(?:" + s + ")" +
           (node.least == 2   ? "{2,3}"
            : node.most == 1  ? "?"
            : node.least == 1 ? "+"
                              : "*");
}

Rule RandomRule(Random &random)
{
    Rule rule = {RandomNode(random, 3, random() % 2), "", random() % 3 == 0};
    rule.text = Written(random, rule.node, false);
    if (IsAscii(rule.text))
        rule.text = Written(random, rule.node, true);
    return rule;
}

bool Rule::Matches(const std::string &local) const
{
    std::vector<std::string> characters = Characters(local, IsAscii(text));
    return After(node, characters, {0}).count(characters.size()) > 0;
}

// -------------------------------------------------------------------------------------- files --

size_t Mailboxes::Count() const
{
    return exact.size() + rules.size() + everybody.has_value();
}

size_t Mailboxes::Lost(const Mailboxes &later) const
{
    size_t lost = everybody && !later.everybody;
    lost += rules.size() > later.rules.size() ? rules.size() - later.rules.size() : 0;
    for (auto &[local, entry] : exact)
        lost += later.exact.count(local) == 0;
    return lost;
}

std::string Mailboxes::Written(Random &random) const
{
    std::vector<std::string> lines;
    auto line = [&](const std::string &entry, bool external) {
        static const char *const before[] = {"", "", " ", "\t"};
        static const char *const after[] = {"", "", "", " ", " # x", "\r"};
        lines.push_back(OneOf(random, before) + std::string(external ? "!" : "") + entry +
                        OneOf(random, after) + "\n");
    };
    for (auto &[canonical, entry] : exact)
        for (unsigned n = random() % 8 == 0 ? 2 : 1; n > 0; n--)
            line(Spell(random, entry.first, true), entry.second);
    if (everybody)
        line("*", *everybody);
    for (unsigned n = random() % 3; n > 0; n--)
        lines.push_back(n % 2 ? "# a comment\n" : "\n");
    std::shuffle(lines.begin(), lines.end(), random);
    // Expressions stay in their order, for the rule that is named; they stand anywhere.
    size_t at = 0;
    for (const Rule &rule : rules) {
        line("/" + rule.text + "/", rule.external);
        std::string text = lines.back();
        lines.pop_back();
        at += random() % (lines.size() - at + 1);
        lines.insert(lines.begin() + (ptrdiff_t)at++, text);
    }
    std::string file = "# ours\n"; // U+FEFF in front of a file is not part of its first line
    for (const std::string &l : lines)
        file += l;
    return file;
}

// -------------------------------------------------------------------------------------- world --

std::string World::Ini(Random &random) const
{
    std::string ini;
    for (auto &[name, section] : sections) {
        ini += "[domain " + SpellDomain(random, *section.name, false) + "]\nmailboxes = " + name +
               "\nmailbox_server = 192.0.2.10\nexternal_mail_server = 198.51.100.7\n"
               "verification_address = carol@" +
               name + "\nsplit_domain_routing = " + (section.split ? "yes\n" : "no\n");
        if (section.delimiter != 0)
            ini += std::string("subaddress_delimiter = ") + section.delimiter + "\n";
        if (section.postmaster_external)
            ini += "postmaster = external\n";
        if (section.migration)
            ini += "migration = yes\n";
    }
    if (fallback)
        ini += "[domain *]\nexternal_mail_server = 198.51.100.7\n"
               "accept_from = 203.0.113.0/24 198.51.100.7\n";
    return ini;
}

namespace
{

bool IsRouted(const std::string &local)
{
    return local.find_first_of("@%!|\\") != std::string::npos || local[0] == '/' || local[0] == '.';
}

Answer SentTo(Side to, Side from, const std::string &rule)
{
    if (to == from)
        return {"same-side", rule};
    return {to == Side::kLocal ? "local" : "external", rule};
}

// What a file says of an address: on the first level that says something.
struct Found {
    std::optional<bool> external;
    bool by_name = false; // the whole address, in so many words
    std::string rule;
};

Found Find(const Section &section, const std::string &local)
{
    const Mailboxes &m = section.mailboxes;
    auto name = [](bool external, const std::string &rule) { return (external ? "!" : "") + rule; };
    auto entry = m.exact.find(local);
    if (entry != m.exact.end())
        return {entry->second.second, true, name(entry->second.second, local)};
    size_t cut = section.delimiter != 0 ? local.find(section.delimiter) : std::string::npos;
    if (cut != std::string::npos && cut > 0) {
        entry = m.exact.find(local.substr(0, cut));
        if (entry != m.exact.end())
            return {entry->second.second, false, name(entry->second.second, entry->first)};
    }
    for (bool external : {true, false})
        for (const Rule &rule : m.rules)
            if (rule.external == external && rule.Matches(local))
                return {external, false, name(external, "/" + rule.text + "/")};
    if (m.everybody)
        return {*m.everybody, false, name(*m.everybody, "*")};
    return {};
}

} // namespace

Answer World::Verdict(const std::string &local, const std::string &domain, Side from,
                      bool accepted_by_fallback) const
{
    auto it = sections.find(domain);
    if (local.size() > 64)
        return {"bad-address", "the local part has more than 64 bytes"};
    if (it == sections.end()) {
        if (!fallback || domain.find('.') == std::string::npos)
            return {"refused", "no such domain"};
        if (!accepted_by_fallback)
            return {"refused", "accept_from"};
        if (IsRouted(local))
            return {"routed-address", "routed address"};
        return SentTo(Side::kExternal, from == Side::kLocal ? Side::kOutside : from, "domain *");
    }
    const Section &section = it->second;
    Found found = Find(section, local);
    if (IsRouted(local) && !(found.by_name && found.external == false))
        return {"routed-address", "routed address"};
    if (found.external == false)
        return SentTo(Side::kLocal, from, found.rule);
    if (found.external == true && section.split)
        return SentTo(Side::kExternal, from, found.rule);
    if (local == "postmaster")
        return SentTo(section.postmaster_external ? Side::kExternal : Side::kLocal, from,
                      "postmaster");
    if (section.split)
        return SentTo(Side::kExternal, from, "split");
    return {"unknown", found.rule};
}

Side World::SideOf(const std::string &local, const std::string &domain) const
{
    std::string verdict = Verdict(local, domain, Side::kOutside, true).verdict;
    return verdict == "local"      ? Side::kLocal
           : verdict == "external" ? Side::kExternal
                                   : Side::kOutside;
}
