// SPDX-License-Identifier: BSD-3-Clause
// The corpus: conversations in files, a rule each, with its RFC and section in the file's name.
// Beside the lines of conversation.h a file has:
//
//     # ...                    what the rule says
//     config KEY = VALUE       in the INI (a line of [appliance] and what follows it), before the
//                              first other line; config domain KEY = ... in [domain example.com],
//                              config listener ... in [listener smtp]
//     unverified               the external server has not been probed; else it has been verified
//     use NAME                 an opening of relay_fixture.h: hello, mailbox, external, data
//     times N LINE             the line so many times
//     count NAME N             that counter of the relay's is N
//     logged TEXT              a line of the mail log since the last `logged` has that in it
//     ends clean               QUIT, and nothing is left in the router
#include "tests/app/relay/relay_fixture.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

namespace
{

struct Line {
    unsigned number;
    std::string text;
};

std::string After(const std::string &text, const std::string &word)
{
    return text.rfind(word + " ", 0) == 0 ? text.substr(word.size() + 1) : "";
}

class Script : public ::testing::Test
{
  public:
    explicit Script(std::string path) : path_(std::move(path))
    {
    }

    void TestBody() override
    {
        Read();
        fixture_ = std::make_unique<Fixture>(config_, domain_, listener_);
        ASSERT_TRUE(unverified_ || fixture_->Verify().empty());
        for (const Line &line : lines_)
            ASSERT_EQ(Step(line.text), "") << path_ << ":" << line.number << ": " << line.text;
    }

  private:
    void Read()
    {
        std::ifstream in(path_);
        unsigned number = 0;
        for (std::string text; std::getline(in, text);) {
            number++;
            if (text.empty() || text[0] == '#')
                continue;
            if (text == "unverified")
                unverified_ = true;
            else if (std::string mine = After(text, "config listener"); !mine.empty())
                listener_ += mine + "\n";
            else if (mine = After(text, "config domain"); !mine.empty())
                domain_ += mine + "\n";
            else if (mine = After(text, "config"); !mine.empty())
                config_ += mine + "\n";
            else
                lines_.push_back({number, text});
        }
    }

    std::string Count(const std::string &what)
    {
        std::istringstream in(what);
        std::string name;
        uint64_t expected;
        in >> name >> expected;
        for (unsigned i = 0; i < relay_counter_list.count; i++)
            if (name == relay_counter_list.info[i].name) {
                uint64_t is = fixture_->Counter(static_cast<relay_counter>(i));
                return is == expected ? "" : "it is " + std::to_string(is);
            }
        return "there is no such counter";
    }

    std::string Logged(const std::string &what)
    {
        std::string all;
        for (const std::string &line : fixture_->Log()) {
            if (line.find(what) != std::string::npos)
                return "";
            all += line;
        }
        return "the log has: " + all;
    }

    std::string Times(const std::string &what)
    {
        size_t used;
        unsigned long n = std::stoul(what, &used);
        std::string problem;
        while (n-- > 0 && problem.empty())
            problem = Step(what.substr(used + 1));
        return problem;
    }

    std::string End()
    {
        std::string problem = fixture_->Run("C: QUIT\nS: 221 2.0.0\nC: gone");
        fixture_->Pass(100 * NSEC_PER_SEC); // connections that were kept are left
        return problem.empty() ? fixture_->Leaks() : problem;
    }

    std::string Step(const std::string &text)
    {
        static const std::map<std::string, const char *> openings = {{"hello", kHello},
                                                                     {"mailbox", kMailboxGreets},
                                                                     {"external", kExternalGreets},
                                                                     {"data", kToData}};
        if (text == "ends clean")
            return End();
        if (std::string mine = After(text, "use"); !mine.empty())
            return fixture_->Run(openings.at(mine));
        if (std::string mine = After(text, "times"); !mine.empty())
            return Times(mine);
        if (std::string mine = After(text, "count"); !mine.empty())
            return Count(mine);
        if (std::string mine = After(text, "logged"); !mine.empty())
            return Logged(mine);
        return fixture_->Run(text);
    }

    const std::string path_;
    std::string config_, domain_, listener_;
    bool unverified_ = false;
    std::vector<Line> lines_;
    std::unique_ptr<Fixture> fixture_;
};

// A test for each file, in the order of their names.
const bool registered = [] {
    std::vector<std::filesystem::path> files;
    for (const auto &entry : std::filesystem::directory_iterator(CORPUS))
        files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const auto &file : files) {
        std::string path = file.string();
        ::testing::RegisterTest("Corpus", file.stem().c_str(), nullptr, nullptr, path.c_str(), 1,
                                [path]() -> ::testing::Test * { return new Script(path); });
    }
    return true;
}();

} // namespace
