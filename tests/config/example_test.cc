// SPDX-License-Identifier: BSD-3-Clause
// The annotated example is the reference of all keys: it must load, and it must be complete.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "tests/config/loaded.h"

extern "C" {
#include "config/schema.h"
}

namespace
{

std::string Text()
{
    std::stringstream all;
    all << std::ifstream(EXAMPLE).rdbuf();
    return all.str();
}

TEST(Example, HasNoErrors)
{
    EXPECT_THAT(Loaded(Text()).Errors(), ::testing::IsEmpty());
}

// Also with every commented key switched on.
std::string SwitchedOn()
{
    return std::regex_replace(Text(), std::regex("\n; (\\[[a-z]+ \\*\\]|[a-z0-9_]+ = )"), "\n$1");
}

TEST(Example, HasNoErrorsEitherWithAllThatIsCommentedOut)
{
    EXPECT_THAT(Loaded(SwitchedOn()).Errors(), ::testing::IsEmpty());
}

TEST(Example, ShowsEveryKeyWithItsDefault)
{
    std::map<std::string, std::set<std::string>> shown; // section → keys
    std::map<std::string, std::string> commented;       // section.key → value
    std::string section, line;
    std::regex heading("(; )?\\[([a-z]+).*\\]"), key("(; )?([a-z0-9_]+) = (.*)");
    for (std::istringstream in(Text()); std::getline(in, line);) {
        std::smatch m;
        if (std::regex_match(line, m, heading)) {
            section = m[2];
        } else if (std::regex_match(line, m, key)) {
            shown[section].insert(m[2]);
            if (m[1].matched)
                commented[section + "." + m[2].str()] = m[3];
        }
    }
    unsigned count;
    const struct schema_section *s = schema_sections(&count);
    for (unsigned i = 0; i < count; i++)
        for (unsigned k = 0; k < s[i].key_count; k++) {
            const struct schema_key &known = s[i].keys[k];
            std::string name = std::string(s[i].type) + "." + known.name;
            EXPECT_TRUE(shown[s[i].type].count(known.name)) << name;
            if (known.fallback != nullptr && commented.count(name)) {
                EXPECT_EQ(commented[name], known.fallback) << name;
            }
        }
}

} // namespace
