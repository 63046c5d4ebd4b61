// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <string>

extern "C" {
#include "app/smtp/stuffing.h"
}

namespace
{

// The content as it is given out, when it comes in pieces of `cut` bytes and is taken in runs of at
// most `most`.
std::string Stuffed(const std::string &content, size_t cut, size_t most)
{
    struct smtp_stuffing s = {};
    std::string out;
    for (size_t at = 0; at < content.size();) {
        size_t end = std::min(content.size(), at - at % cut + cut);
        size_t taken, len = std::min(end - at, most);
        const uint8_t *data = reinterpret_cast<const uint8_t *>(content.data()) + at;
        size_t run = smtp_stuffing_run(&s, data, len, &taken);
        EXPECT_TRUE(run >= 1 && run <= len && taken <= run && run - taken <= 1);
        out.append(content, at, run);
        at += taken;
    }
    bool at_line =
        content.empty() || (content.size() > 1 && content.substr(content.size() - 2) == "\r\n");
    EXPECT_EQ(smtp_stuffing_at_line(&s), at_line);
    return out;
}

void ExpectStuffed(const std::string &content, const std::string &expected)
{
    for (size_t cut = 1; cut <= content.size() + 1; cut++)
        for (size_t most = 1; most <= content.size() + 1; most++)
            ASSERT_EQ(Stuffed(content, cut, most), expected) << cut << " " << most;
}

TEST(Stuffing, DoublesDotsAtTheBeginningsOfLines)
{
    ExpectStuffed(".", "..");
    ExpectStuffed(".\r\n", "..\r\n");
    ExpectStuffed("a\r\n.\r\nb", "a\r\n..\r\nb");
    ExpectStuffed("..\r\n..x\r\n.", "...\r\n...x\r\n..");
    ExpectStuffed("\r\n.\r\n.\r\n", "\r\n..\r\n..\r\n");
}

TEST(Stuffing, LeavesOtherDotsAlone)
{
    ExpectStuffed("a.b\r\nc.\r\n", "a.b\r\nc.\r\n");
    ExpectStuffed("a\n.b", "a\n.b");
    ExpectStuffed("a\r.b", "a\r.b");
    ExpectStuffed("a\r\r.b", "a\r\r.b");
    ExpectStuffed("a\n\r.b", "a\n\r.b");
    ExpectStuffed("\n.", "\n.");
}

TEST(Stuffing, KnowsALineBehindAnyCrlf)
{
    ExpectStuffed("\r\r\n.", "\r\r\n..");
    ExpectStuffed("\n\r\n.", "\n\r\n..");
}

} // namespace
