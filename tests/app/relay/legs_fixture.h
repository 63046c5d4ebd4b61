// SPDX-License-Identifier: BSD-3-Clause
// What conversations about messages to both sides begin with.
#pragma once

#include "tests/app/relay/relay_fixture.h"

struct Legs : Relay {
    explicit Legs(const std::string &extra = "", const std::string &listener_extra = "")
        : Relay(extra, "", listener_extra)
    {
    }

    // Nobody is named in the trace lines of a message to several.
    static std::string Trace(const std::string &side)
    {
        return side + "~ Received: from client.example.org\n" + side +
               "~ \\x09by mx1.example.net with ESMTP id \n" + side + "~ \\x09(splitmx \n";
    }
    // MAIL and RCPTs of both sides, accepted.
    void Envelope()
    {
        Say(kHello);
        Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>");
        Say(kMailboxGreets);
        Say(R"(
            M> MAIL FROM:<a@b.example>
            M> RCPT TO:<alice@example.com>
            M< 250 ok
            M< 250 alice
            S: 250 alice
            C: RCPT TO:<bob@example.com>
        )");
        Say(kExternalGreets);
        Say(R"(
            E> MAIL FROM:<a@b.example>
            E> RCPT TO:<bob@example.com>
            E< 250 ok
            E< 250 bob
            S: 250 bob
        )");
    }
    // ... to the 354.
    void Data()
    {
        Envelope();
        Say(R"(
            C: DATA
            M> DATA
            E> DATA
            M< 354 go
            C: silent
            E< 354 go
            S: 354
        )");
    }
    // ... and content, up to its end, which nobody has yet.
    void Content()
    {
        Data();
        Say("C: Subject: both\nC:\nC: x\nC: .");
        for (const char *side : {"M", "E"}) {
            std::string s = side;
            Say(Trace(side) + s + "> Subject: both\n" + s + ">");
        }
    }
};
