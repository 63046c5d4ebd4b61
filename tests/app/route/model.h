// SPDX-License-Identifier: BSD-3-Clause
// What an appliance's files mean, said a second time: maps, lists and a matcher of expressions
// that tries everything. It shares no line with the code under test.
#ifndef SPLITMX_TESTS_APP_ROUTE_MODEL_H
#define SPLITMX_TESTS_APP_ROUTE_MODEL_H

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/app/route/spelling.h"

// An expression as a tree.
struct Node {
    enum { ONE_OF, NONE_OF, SEQUENCE, EITHER, REPEAT } kind;
    std::set<std::string> characters; // ONE_OF, NONE_OF
    std::vector<Node> parts;
    size_t least = 0, most = 0; // REPEAT
};

Node RandomNode(Random &random, unsigned depth, bool ascii);
std::string Written(Random &random, const Node &node, bool any_case);

struct Rule {
    Node node;
    std::string text; // between the slashes
    bool external;
    bool Matches(const std::string &local) const; // the whole of it
};
Rule RandomRule(Random &random);

// One mailbox file: what it says, not how.
struct Mailboxes {
    std::map<std::string, std::pair<Local, bool>> exact; // by canonical local part: external?
    std::vector<Rule> rules;
    std::optional<bool> everybody;

    size_t Count() const;
    size_t Lost(const Mailboxes &later) const; // by what max_shrink counts
    std::string Written(Random &random) const; // in any order and spelling
};

struct Section {
    const DomainName *name;
    Mailboxes mailboxes;
    bool split = true, postmaster_external = false, migration = false;
    char delimiter = 0;
};

enum class Side { kOutside, kLocal, kExternal };

struct Answer {
    std::string verdict, rule;
    bool operator==(const Answer &o) const
    {
        return verdict == o.verdict && rule == o.rule;
    }
};

struct World {
    std::map<std::string, Section> sections; // by canonical name
    bool fallback = false;                   // [domain *]

    std::string Ini(Random &random) const;
    Answer Verdict(const std::string &local, const std::string &domain, Side from,
                   bool accepted_by_fallback) const;
    // Where a mailbox is: what must change for it to have moved.
    Side SideOf(const std::string &local, const std::string &domain) const;
};

#endif
