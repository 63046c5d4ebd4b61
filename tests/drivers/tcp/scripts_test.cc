// SPDX-License-Identifier: BSD-3-Clause
// Every scenario of scripts/*.script is a test case of its own.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/drivers/tcp/play.h"

namespace
{

// What stands for the scenarios of a file that cannot be read.
class Unreadable : public Script
{
  public:
    explicit Unreadable(std::string why) : why_(std::move(why))
    {
    }
    void TestBody() override
    {
        FAIL() << why_;
    }

  private:
    std::string why_;
};

void add_file(const std::filesystem::path &path)
{
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    std::string file = path.string(), suite = path.stem().string();
    try {
        for (const scenario::Scenario &s : scenario::parse(file, text.str()))
            ::testing::RegisterTest(suite.c_str(), s.name.c_str(), nullptr, s.title.c_str(),
                                    file.c_str(), int(s.line),
                                    [s]() -> Script * { return new scenario::Play(s); });
    } catch (const scenario::Error &e) {
        std::string why = e.what();
        ::testing::RegisterTest(suite.c_str(), "IsReadable", nullptr, nullptr, file.c_str(), 1,
                                [why]() -> Script * { return new Unreadable(why); });
    }
}

bool add_all()
{
    std::vector<std::filesystem::path> files;
    for (const auto &entry : std::filesystem::directory_iterator(SCRIPTS_DIR))
        if (entry.path().extension() == ".script")
            files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const auto &path : files)
        add_file(path);
    return !files.empty();
}

const bool added = add_all();

TEST(Scripts, AreThere)
{
    EXPECT_TRUE(added);
}

TEST(Scripts, AnErrorNamesItsFileAndLine)
{
    auto why = [](const std::string &text) -> std::string {
        try {
            scenario::parse("a.script", text);
        } catch (const scenario::Error &e) {
            return e.what();
        }
        return "";
    };
    const std::string title = "scenario RFC 9293 §3.5: a title\n";
    EXPECT_EQ(why(title + "< S\n> S. ack 1\n"), "");
    EXPECT_EQ(why(title + "\n> X. ack 1\n"), "a.script:3: 'X.' says nothing about a segment");
    EXPECT_EQ(why(title + "< 1:101(99)\n"), "a.script:2: '1:101(99)' holds 100 bytes");
    EXPECT_EQ(why(title + "+1 sleeps\n"), "a.script:2: 'sleeps' is not a word of this language");
    EXPECT_EQ(why(title + "+1x silence\n"), "a.script:2: '1x' is not a time");
    EXPECT_EQ(why(title + title), "a.script:2: a scenario of that title stands above");
    EXPECT_EQ(why("scenario of no RFC\n"),
              "a.script:1: a title is 'RFC number §section: what happens'");
    EXPECT_EQ(why("< S\n"), "a.script:1: a file begins with 'given' or 'scenario'");
    EXPECT_EQ(why(title + "repeat 2\n"), "a.script:2: 'repeat' without 'end'");
}

} // namespace
