// SPDX-License-Identifier: BSD-3-Clause
// What a destination lacks of what clients are offered. At RCPT: corpus/.
#include <gtest/gtest.h>

extern "C" {
#include "app/relay/shortfall.h"
}

namespace
{

smtp_extension_set Set(std::initializer_list<enum smtp_extension> list)
{
    smtp_extension_set set = 0;
    for (enum smtp_extension e : list)
        set |= smtp_set(e);
    return set;
}

TEST(Shortfall, IsWhatIsOfferedAndNeedsTheDestination)
{
    EXPECT_EQ(shortfall_lacking(SMTP_EXTENSIONS_ALL, 1000, SMTP_EXTENSIONS_ALL, 1000), 0u);
    EXPECT_EQ(shortfall_lacking(SMTP_EXTENSIONS_ALL, 1000, 0, 0),
              Set({SMTP_8BITMIME, SMTP_SMTPUTF8, SMTP_DSN, SMTP_BINARYMIME}));
    EXPECT_EQ(shortfall_lacking(Set({SMTP_8BITMIME}), 1000, Set({SMTP_DSN}), 0),
              Set({SMTP_8BITMIME}));
    EXPECT_EQ(shortfall_lacking(0, 1000, 0, 0), 0u);
}

TEST(Shortfall, OfSizeIsALimitBelowOurOwn)
{
    EXPECT_EQ(shortfall_lacking(0, 1000, Set({SMTP_SIZE}), 999), Set({SMTP_SIZE}));
    EXPECT_EQ(shortfall_lacking(0, 1000, Set({SMTP_SIZE}), 1000), 0u);
    EXPECT_EQ(shortfall_lacking(0, 1000, Set({SMTP_SIZE}), 0), 0u) << "none is given";
}

TEST(Shortfall, BinaryContentNeedsChunkingToo)
{
    EXPECT_EQ(shortfall_lacking(Set({SMTP_BINARYMIME}), 0, Set({SMTP_BINARYMIME}), 0),
              Set({SMTP_BINARYMIME}));
    EXPECT_EQ(
        shortfall_lacking(Set({SMTP_BINARYMIME}), 0, Set({SMTP_BINARYMIME, SMTP_CHUNKING}), 0), 0u);
}

} // namespace
