// SPDX-License-Identifier: BSD-3-Clause
// Mail loops: known by the marks in our Received lines, and by their number (DESIGN §5).
#include "tests/app/relay/relay_fixture.h"

#include <gmock/gmock.h>

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

namespace
{

struct Loop : Relay {
    explicit Loop(const std::string &extra = "") : Relay(extra)
    {
    }

    // A message with this header to alice, accepted. Returns what the mailbox server got of it.
    std::string Deliver(const std::string &header)
    {
        EXPECT_EQ(f.Run(kHello), "");
        EXPECT_EQ(f.Run(kToData), "");
        EXPECT_EQ(f.Run("C+ " + header + "\\r\\n\nC: x\nC: .\nwait 100ms"), "");
        std::string heard = f.Heard('M');
        EXPECT_EQ(heard.substr(heard.size() - 5), "\r\n.\r\n");
        Hear('M');
        EXPECT_EQ(f.Run("M< 250 ok\nS: 250 ok\nC: QUIT\nS: 221\nC: gone"), "");
        return heard.substr(0, heard.size() - 3);
    }

    // Nobody asks for what has been heard.
    void Hear(char letter)
    {
        std::string heard = f.Heard(letter);
        for (size_t at = 0, end; (end = heard.find("\r\n", at)) != std::string::npos; at = end + 2)
            EXPECT_EQ(f.Run(std::string(1, letter) + "~ "), "");
    }

    static std::string Escaped(const std::string &text)
    {
        std::string out;
        for (char c : text)
            out += c == '\r' ? "\\r" : c == '\n' ? "\\n" : std::string(1, c);
        return out;
    }

    // The same client again, on the connection that is kept.
    void Envelope(const std::string &recipient)
    {
        Say(kHello);
        Say("C: MAIL FROM:<sender@example.org>\nS: 250\nC: RCPT TO:<" + recipient + ">");
        Say("M> MAIL FROM:<sender@example.org>\nM> RCPT TO:<" + recipient +
            ">\nM< 250 ok\nM< 250 ok\nS: 250 ok");
    }

    void Data()
    {
        Say("C: DATA\nM> DATA\nM< 354 go\nS: 354");
    }
};

TEST_F(Loop, AMessageThatComesBackForTheSameRecipientIsRefused)
{
    std::string back = Deliver("Subject: round and round\\r\\n");
    EXPECT_THAT(back, HasSubstr("\r\n\t(splitmx "));
    Envelope("ALICE@example.com");
    Data();
    Say("C+ " + Escaped(back) + ".\\r\\n");
    Say("S: 554 5.4.6 Mail loop: <ALICE@example.com> has been at 10.0.0.10:25 and came back from "
        "[10.0.0.1]");
    Say("M: gone");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_LOOPED), 1u);
    EXPECT_EQ(f.Counter(RELAY_MESSAGES), 1u);
    EXPECT_THAT(f.Log(), AllOf(Contains(HasSubstr("mail loop: ALICE@example.com has been at")),
                               Contains(AllOf(HasSubstr("status=refused"), HasSubstr("5.4.6")))));
}

TEST_F(Loop, AnAliasThatLeadsToAnotherMailboxIsNone)
{
    std::string back = Deliver("Subject: forwarded\\r\\n");
    Envelope("anna@example.com");
    Data();
    Say("C+ " + Escaped(back) + ".\\r\\n\nwait 100ms");
    Hear('M');
    Say("M< 250 ok\nS: 250 ok");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_LOOPED), 0u);
}

TEST_F(Loop, TheSameRecipientAtTheOtherSideIsNone)
{
    // As bob it goes to the external side; a mark of the mailbox server's says nothing of that.
    std::string back = Deliver("Subject: forwarded\\r\\n");
    Say(kHello);
    Say("C: MAIL FROM:<sender@example.org>\nS: 250\nC: RCPT TO:<bob@example.com>");
    Say(kExternalGreets);
    Say("E> MAIL FROM:<sender@example.org>\nE> RCPT TO:<bob@example.com>\nE< 250 ok\nE< 250 ok\n"
        "S: 250 ok\nC: DATA\nE> DATA\nE< 354 go\nS: 354");
    Say("C+ " + Escaped(back) + ".\\r\\n\nwait 100ms");
    Hear('E');
    Say("E< 250 ok\nS: 250 ok");
}

TEST_F(Loop, WhereOnlySomeHaveBeenThereTheOthersAreTakenNextTime)
{
    std::string back = Deliver("Subject: round\\r\\n");
    Envelope("anna@example.com");
    Say("C: RCPT TO:<alice@example.com>\nM> RCPT TO:<alice@example.com>\nM< 250 ok\nS: 250 ok");
    Data();
    Say("C+ " + Escaped(back) + ".\\r\\n");
    Say("S: 451 4.4.6 Mail loop: <alice@example.com>\nM: gone");
    // The retry: alice bounces, anna has it.
    Say("C: MAIL FROM:<sender@example.org>\nS: 250\nC: RCPT TO:<anna@example.com>");
    Say(kMailboxGreets);
    Say("M> MAIL FROM:<sender@example.org>\nM> RCPT TO:<anna@example.com>\nM< 250 ok\nM< 250 ok\n"
        "S: 250 ok\nC: RCPT TO:<alice@example.com>\nS: 554 5.4.6 Mail loop: a message to "
        "<alice@example.com> that comes from [10.0.0.1] has been at 10.0.0.10:25");
    Data();
    Say("C+ " + Escaped(back) + ".\\r\\n\nwait 100ms");
    Hear('M');
    Say("M< 250 ok\nS: 250 ok");
    EXPECT_EQ(f.Counter(RELAY_RCPT_LOOPED), 1u);
    // It was for that retry only.
    Say("C: MAIL FROM:<sender@example.org>\nS: 250\nC: RCPT TO:<alice@example.com>\n"
        "M> MAIL FROM:<sender@example.org>\nM> RCPT TO:<alice@example.com>\nM< 250 ok\nM< 250 ok\n"
        "S: 250 ok");
}

struct LittleWay : Loop {
    LittleWay() : Loop("[message]\nhop_limit = 3\n")
    {
    }
};

TEST_F(LittleWay, AMessageWithTooManyHopsIsRefused)
{
    Deliver("Received: 1\\r\\nReceived: 2\\r\\nReceived: 3\\r\\nSubject: just so far\\r\\n");
    Envelope("alice@example.com");
    Data();
    Say("C: Received: 1\nC: Received: 2\nC: Received: 3\nC: Received: 4\nC:\nC: x\nC: .\n"
        "S: 554 5.4.14 Too many hops: 4; allowed: 3");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_TOO_FAR), 1u);
}

} // namespace
