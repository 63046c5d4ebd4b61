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
    // The retry: anna has it, and alice has to come by herself.
    Say("C: MAIL FROM:<sender@example.org>\nS: 250\nC: RCPT TO:<anna@example.com>");
    Say(kMailboxGreets);
    Say("M> MAIL FROM:<sender@example.org>\nM> RCPT TO:<anna@example.com>\nM< 250 ok\nM< 250 ok\n"
        "S: 250 ok\nC: RCPT TO:<alice@example.com>\nS: 452 4.5.3 A message to "
        "<alice@example.com> has been at its server");
    Data();
    Say("C+ " + Escaped(back) + ".\\r\\n\nwait 100ms");
    Hear('M');
    Say("M< 250 ok\nS: 250 ok");
    EXPECT_EQ(f.Counter(RELAY_RCPT_LOOPED), 1u);
    Say("C: MAIL FROM:<sender@example.org>\nS: 250\nC: RCPT TO:<alice@example.com>\n"
        "M> MAIL FROM:<sender@example.org>\nM> RCPT TO:<alice@example.com>\nM< 250 ok\nM< 250 ok\n"
        "S: 250 ok");
    Data();
    Say("C+ " + Escaped(back) + ".\\r\\n\nS: 554 5.4.6 Mail loop: <alice@example.com>");
}

TEST_F(Loop, AnotherMessageOfTheSameSendersIsNotRefusedForIt)
{
    std::string back = Deliver("Subject: round\\r\\n");
    Envelope("anna@example.com");
    Say("C: RCPT TO:<alice@example.com>\nM> RCPT TO:<alice@example.com>\nM< 250 ok\nS: 250 ok");
    Data();
    Say("C+ " + Escaped(back) + ".\\r\\n\nS: 451 4.4.6 Mail loop: <alice@example.com>\nM: gone");
    // It does not come by that way, and the sender has more to say to alice: later, at worst.
    Say("C: MAIL FROM:<sender@example.org>\nS: 250\nC: RCPT TO:<alice@example.com>\nS: 452 4.5.3\n"
        "C: RSET\nS: 250\nC: MAIL FROM:<sender@example.org>\nS: 250\n"
        "C: RCPT TO:<alice@example.com>");
    Say(kMailboxGreets);
    Say("M> MAIL FROM:<sender@example.org>\nM> RCPT TO:<alice@example.com>\nM< 250 ok\nM< 250 ok\n"
        "S: 250 ok");
    Data();
    Say("C: x\nC: .\nM: trace\nM> x\nM> .\nM< 250 ok\nS: 250 ok");
}

// A line has marks for 32.
struct LoopOfMany : Loop {
    static constexpr int kMany = 40, kMarked = 32;

    // The external server accepts those from `first` on, behind what it hears of MAIL.
    void Recipients(int first, int end)
    {
        for (int i = first; i < end; i++) {
            std::string rcpt = "RCPT TO:<u" + std::to_string(i) + "@example.com>";
            Say("C: " + rcpt + "\n" + (i == first ? "E> MAIL FROM:<s@example.org>\n" : "") + "E> " +
                rcpt + (i == first ? "\nE< 250 ok" : "") + "\nE< 250 ok\nS: 250 ok");
        }
    }
};

TEST_F(LoopOfMany, ThoseWithoutAMarkGoRoundOnceMore)
{
    const std::string mail = "C: MAIL FROM:<s@example.org>\nS: 250",
                      data = "C: DATA\nE> DATA\nE< 354 go\nS: 354";
    Say(kHello);
    Say(mail + "\nC: RCPT TO:<u0@example.com>");
    Say(kExternalGreets);
    Say("E> MAIL FROM:<s@example.org>\nE> RCPT TO:<u0@example.com>\nE< 250 ok\nE< 250 ok\nS: 250 "
        "ok");
    for (int i = 1; i < kMany; i++) {
        std::string rcpt = "RCPT TO:<u" + std::to_string(i) + "@example.com>";
        Say("C: " + rcpt + "\nE> " + rcpt + "\nE< 250 ok\nS: 250 ok");
    }
    Say(data + "\nC+ \\r\\n.\\r\\n\nwait 100ms");
    std::string back = f.Heard('E');
    Hear('E');
    Say("E< 250 ok\nS: 250 ok");

    Say(mail);
    Recipients(0, kMany);
    Say(data + "\nC+ " + Escaped(back) + "\nS: 451 4.4.6\nE: gone");

    // Tried again: the others are taken.
    Say(mail);
    for (int i = 0; i < kMarked; i++)
        Say("C: RCPT TO:<u" + std::to_string(i) + "@example.com>\nS: 452 4.5.3");
    Say("C: RCPT TO:<u" + std::to_string(kMarked) + "@example.com>");
    Say(kExternalGreets);
    Say("E> MAIL FROM:<s@example.org>\nE~ RCPT\nE< 250 ok\nE< 250 ok\nS: 250 ok");
    for (int i = kMarked + 1; i < kMany; i++)
        Say("C: RCPT TO:<u" + std::to_string(i) + "@example.com>\nE~ RCPT\nE< 250 ok\nS: 250 ok");
    Say(data + "\nC+ " + Escaped(back) + "\nwait 100ms");
    std::string again = f.Heard('E');
    Hear('E');
    Say("E< 250 ok\nS: 250 ok");

    // These by themselves have all been there, and so have those when they come back.
    Say(mail);
    Recipients(0, kMarked);
    Say(data + "\nC+ " + Escaped(back) + "\nS: 554 5.4.6\nE: gone\n" + mail +
        "\nC: RCPT TO:<u39@example.com>");
    Say(kExternalGreets);
    Say("E> MAIL FROM:<s@example.org>\nE~ RCPT\nE< 250 ok\nE< 250 ok\nS: 250 ok");
    Say(data + "\nC+ " + Escaped(again) + "\nS: 554 5.4.6");
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
