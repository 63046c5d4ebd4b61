// SPDX-License-Identifier: BSD-3-Clause
// What the relay's conversations begin with.
#pragma once

#include "tests/app/relay/conversation.h"

#include <gtest/gtest.h>

using conversation::Fixture;

// Scripts that recur.
inline const char kHello[] = R"(
    C: connect
    S: 220 mx1.example.net ESMTP
    C: EHLO client.example.org
    S* 250
)";

inline const char kMailboxGreets[] = R"(
    M: connect
    M< 220 ours
    M> EHLO mx1.example.net
    M< 250-ours
    M< 250-PIPELINING
    M< 250-8BITMIME
    M< 250 SIZE 1000000
)";

inline const char kExternalGreets[] = R"(
    E: connect
    E< 220 external
    E> EHLO mx1.example.net
    E< 250-external
    E< 250 PIPELINING
)";

// From MAIL to the 354 for alice, on a fresh connection.
inline const char kToData[] = R"(
    C: MAIL FROM:<sender@example.org>
    S: 250 2.1.0 OK
    C: RCPT TO:<alice@example.com>
    M: connect
    M< 220 ours
    M> EHLO mx1.example.net
    M< 250-ours
    M< 250 PIPELINING
    M> MAIL FROM:<sender@example.org>
    M> RCPT TO:<alice@example.com>
    M< 250 2.1.0 sender fine
    M< 250 2.1.5 recipient fine
    S: 250 2.1.5 recipient fine
    C: DATA
    M> DATA
    M< 354 go ahead
    S: 354 
)";

struct Unverified : ::testing::Test {
    Fixture f;
    explicit Unverified(const std::string &extra = "", const std::string &domain_extra = "",
                        const std::string &listener_extra = "")
        : f(extra, domain_extra, listener_extra)
    {
    }
    // The mailbox server reads no more while the client goes on: so many lines of 1,000 octets.
    void StopsUnderMuch(int lines)
    {
        const std::string line(998, 'x');
        Say("M: stop reading");
        for (int i = 0; i < lines; i++)
            f.Run("C: " + line);
    }
    void Say(const std::string &script)
    {
        ASSERT_EQ(f.Run(script), "");
    }
    void EndsClean()
    {
        ASSERT_EQ(f.Run("C: QUIT\nS: 221 2.0.0\nC: gone"), "");
        f.Pass(8 * NSEC_PER_SEC);
        EXPECT_EQ(f.Run("M> QUIT\nM< 221 bye\nM: gone"), "");
        f.Pass(90 * NSEC_PER_SEC);
        EXPECT_EQ(f.Leaks(), "");
    }
};

// The external server has been verified.
struct Relay : Unverified {
    using Unverified::Unverified;
    void SetUp() override
    {
        ASSERT_EQ(f.Verify(), "");
    }
};
