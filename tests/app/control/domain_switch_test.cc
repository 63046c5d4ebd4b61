// SPDX-License-Identifier: BSD-3-Clause
// One key of one domain's section, rewritten: everything else in the file stays as it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

extern "C" {
#include "app/control/domain_switch.h"
}

namespace
{

using testing::HasSubstr;

class DomainSwitch : public ::testing::Test
{
  protected:
    void SetUp() override
    {
        char name[] = "/tmp/splitmx-switch-XXXXXX";
        ASSERT_NE(mkdtemp(name), nullptr);
        directory_ = name;
        path_ = directory_ + "/splitmx.ini";
    }

    void TearDown() override
    {
        EXPECT_NE(access((path_ + ".new").c_str(), F_OK), 0) << "something was left behind";
        unlink(path_.c_str());
        EXPECT_EQ(rmdir(directory_.c_str()), 0);
    }

    // What becomes of the file `text` when the key of `domain` is to be "no".
    std::string Switched(const std::string &text, const char *domain)
    {
        struct replacement r;
        char *why = nullptr;
        std::ofstream(path_) << text;
        if (!domain_switch_prepare(path_.c_str(), domain, "split_domain_routing", "no", &r, &why) ||
            !replacement_commit(&r, &why))
            why_ = why;
        free(why);
        std::stringstream now;
        now << std::ifstream(path_).rdbuf();
        return now.str();
    }

    std::string directory_, path_, why_;
};

TEST_F(DomainSwitch, TurnsTheValueAndNothingElse)
{
    EXPECT_EQ(Switched("; mail\n[domain a.example]\nsplit_domain_routing = yes   ; since May\n"
                       "mailboxes = a\n\n[domain b.example]\nsplit_domain_routing = yes\n",
                       "a.example"),
              "; mail\n[domain a.example]\nsplit_domain_routing = no   ; since May\n"
              "mailboxes = a\n\n[domain b.example]\nsplit_domain_routing = yes\n");
    EXPECT_EQ(why_, "");
}

TEST_F(DomainSwitch, FindsTheSectionInAnySpelling)
{
    EXPECT_EQ(Switched("  [ domain\tB\xc3\x9c"
                       "CHER.Example ]\r\n split_domain_routing:yes\r\n",
                       "xn--bcher-kva.example"),
              "  [ domain\tB\xc3\x9c"
              "CHER.Example ]\r\n split_domain_routing:no\r\n");
    EXPECT_EQ(why_, "");
}

TEST_F(DomainSwitch, AddsTheKeyWhereItIsMissing)
{
    EXPECT_EQ(Switched("[domain a.example]\nmailboxes = a\n[domain b.example]\nmailboxes = b\n",
                       "a.example"),
              "[domain a.example]\nmailboxes = a\nsplit_domain_routing = no\n"
              "[domain b.example]\nmailboxes = b\n");
    EXPECT_EQ(Switched("[domain a.example]\nmailboxes = a", "a.example"),
              "[domain a.example]\nmailboxes = a\nsplit_domain_routing = no\n");
    EXPECT_EQ(why_, "");
}

TEST_F(DomainSwitch, TakesNoOtherKeyForIt)
{
    EXPECT_EQ(
        Switched("[domain a.example]\nsplit_domain_routing_note = x\n;split_domain_routing = yes\n",
                 "a.example"),
        "[domain a.example]\nsplit_domain_routing_note = x\n;split_domain_routing = yes\n"
        "\nsplit_domain_routing = no\n");
}

TEST_F(DomainSwitch, SaysThatTheSectionIsGone)
{
    const std::string text = "[domain b.example]\nmailboxes = b\n";
    EXPECT_EQ(Switched(text, "a.example"), text);
    EXPECT_THAT(why_, HasSubstr("not in the file any more"));
}

} // namespace
