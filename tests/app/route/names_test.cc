// SPDX-License-Identifier: BSD-3-Clause
// Names of servers. What the resolver takes for an address is the address, and needs no network.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

extern "C" {
#include "app/route/names.h"
}

namespace
{

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct ip_addr Address(const std::string &text)
{
    struct endpoint e = {};
    EXPECT_TRUE(endpoint_parse(text.data(), text.size(), 25, &e)) << text;
    return e.addr;
}

struct Names : ::testing::Test {
    std::vector<struct ip_addr> locals = {Address("192.0.2.25")};
    struct names *n = names_create(locals.data(), 1);
    uint32_t version = 0;
    ~Names() override
    {
        names_destroy(n);
    }
    std::vector<std::string> Read(const std::string &text)
    {
        struct addresses all = {};
        char buf[ADDR_TEXT_SIZE];
        std::vector<std::string> out;
        if (name_read(names_enter(n, {text.data(), text.size()}), &version, &all))
            for (unsigned i = 0; i < all.count; i++)
                out.push_back(ip_addr_format(&all.list[i], buf));
        return out;
    }
};

TEST_F(Names, AreReadOnceUntilTheyChange)
{
    EXPECT_FALSE(names_any(n));
    EXPECT_THAT(Read("192.0.2.1"), ElementsAre("192.0.2.1"));
    EXPECT_TRUE(names_any(n));
    EXPECT_THAT(Read("192.0.2.1"), IsEmpty());
    version = 0;
    EXPECT_THAT(Read("192.0.2.1"), ElementsAre("192.0.2.1"));
}

TEST_F(Names, AreTheSameInAnyCase)
{
    struct name *first = names_enter(n, {"LOCALHOST", 9});
    EXPECT_EQ(names_enter(n, {"localhost", 9}), first);
    EXPECT_STREQ(name_text(first), "LOCALHOST");
}

TEST_F(Names, HaveNoAddressThatIsOursOrNobodysOrOfAFamilyThatWeHaveNot)
{
    for (const char *text : {"192.0.2.25", "127.0.0.1", "localhost", "0.0.0.0", "2001:db8::1"}) {
        version = 0;
        EXPECT_THAT(Read(text), IsEmpty()) << text;
    }
}

TEST_F(Names, AreToldWhenTheyFailAndNotEachTimeAnew)
{
    ::testing::internal::CaptureStderr();
    names_enter(n, {"localhost", 9});
    EXPECT_THAT(::testing::internal::GetCapturedStderr(),
                HasSubstr("server localhost cannot be looked up: none of its addresses"));
    char *news = names_refresh(n);
    EXPECT_STREQ(news, "");
    free(news);
}

} // namespace
