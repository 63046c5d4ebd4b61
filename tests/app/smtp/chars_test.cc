// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <string>

extern "C" {
#include "app/smtp/chars.h"
}

namespace
{

const std::string kAlnum = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

bool In(char c, const std::string &set)
{
    return set.find(c) != std::string::npos;
}

TEST(Chars, AreOfTheClassesThatTheRfcsPutThemIn)
{
    for (int i = 0; i < 256; i++) {
        char c = static_cast<char>(i);
        EXPECT_EQ(char_is_digit(c), In(c, kAlnum.substr(0, 10))) << i;
        EXPECT_EQ(char_is_alnum(c), In(c, kAlnum)) << i;
        EXPECT_EQ(char_is_print(c), i >= 32 && i <= 126) << i;
        EXPECT_EQ(char_is_graph(c), i >= 33 && i <= 126) << i;
        EXPECT_EQ(char_is_atext(c), In(c, kAlnum + "!#$%&'*+-/=?^_`{|}~")) << i;
        EXPECT_EQ(char_is_qtext(c),
                  i == 32 || i == 33 || (i >= 35 && i <= 91) || (i >= 93 && i <= 126))
            << i;
        EXPECT_EQ(char_is_dcontent(c), (i >= 33 && i <= 90) || (i >= 94 && i <= 126)) << i;
        EXPECT_EQ(char_is_ldh(c), In(c, kAlnum + "-_")) << i;
    }
}

} // namespace
