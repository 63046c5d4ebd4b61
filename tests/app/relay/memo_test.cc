// SPDX-License-Identifier: BSD-3-Clause
// Retries after a partial commit: nobody gets a message twice that can be known again.
#include "tests/app/relay/legs_fixture.h"

#include <gmock/gmock.h>

extern "C" {
#include "app/relay/fingerprint.h"
#include "app/relay/memo.h"
}

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

namespace
{

struct Memo : Legs {
    using Legs::Legs;
    // The external side has it, ours has refused; the connections are kept.
    void CommitInPart()
    {
        Identified();
        Say("E> .\nE< 250 external has it\nM>\nM> .\nM< 452 4.3.1 disk full\nS: 451 4.3.0");
    }
    // To both sides, up to the end of data; each has everything but that.
    void Identified()
    {
        Data();
        Say("C: Received: by a.example\nC: \\x09one\nC: Message-ID: <1@a>\nC:\nC: ..x\nC: .");
        for (const char *side : {"M", "E"}) {
            std::string s = side;
            Say(Trace(s) + s + "> Received: by a.example\n" + s + "~ \\x09one\n" + s +
                "> Message-ID: <1@a>\n" + s + ">");
        }
        Say("M= ..x\nE> ..x");
    }
    // A retry that the hint gives to the external side: bob alone, on the kept connection.
    void RetryForBob(const std::string &received = "by b.example", const std::string &x = "..x",
                     const std::string &recipient = "bob")
    {
        Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<" + recipient + "@example.com>");
        Say("E> MAIL FROM:<a@b.example>\nE> RCPT TO:<" + recipient +
            "@example.com>\nE< 250 ok\nE< 250 bob\nS: 250 bob\nC: DATA\nE> DATA\nE< 354 go\nS: "
            "354");
        Say("C: Received: " + received + "\nC: Message-ID: <1@a>\nC:\nC: " + x + "\nC: .");
    }
};

TEST_F(Memo, ARetryLeavesOutWhatTheDestinationHas)
{
    CommitInPart();
    f.Log();
    // Another trace line does not make it another message.
    RetryForBob();
    Say("S: 250 2.0.0\nE: gone");
    EXPECT_EQ(f.Counter(RELAY_LEGS_SUPPRESSED), 1u);
    EXPECT_THAT(f.Log(), Contains(AllOf(HasSubstr("to=bob"), HasSubstr("status=suppressed"))));
}

TEST_F(Memo, AnEntryServesOnce)
{
    CommitInPart();
    RetryForBob();
    Say("S: 250 2.0.0\nE: gone\nC: NOOP\nS: 250");
    // The client knows: the same again is another message.
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<bob@example.com>");
    Say(kExternalGreets);
    Say("E> MAIL FROM:<a@b.example>\nE> RCPT TO:<bob@example.com>\nE< 250 ok\nE< 250 bob\n"
        "S: 250 bob\nC: DATA\nE> DATA\nE< 354 go\nS: 354\nC: Message-ID: <1@a>\nC:\nC: ..x\nC: .\n"
        "E: trace\nE> Message-ID: <1@a>\nE>\nE> ..x\nE> .\nE< 250 again\nS: 250 again");
}

TEST_F(Memo, OtherContentIsAnotherMessage)
{
    CommitInPart();
    RetryForBob("by b.example", "..y");
    Say("E: trace\nE> Received: by b.example\nE> Message-ID: <1@a>\nE>\nE> ..y\nE> .\nE< 250 "
        "another\nS: 250 another");
    EXPECT_EQ(f.Counter(RELAY_LEGS_SUPPRESSED), 0u);
}

TEST_F(Memo, ALegWithOneMoreRecipientIsDeliveredAgain)
{
    CommitInPart();
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<bob@example.com>\n"
        "E> MAIL FROM:<a@b.example>\nE> RCPT TO:<bob@example.com>\nE< 250 ok\nE< 250 bob\n"
        "S: 250 bob\nC: RCPT TO:<carol@example.com>\nE> RCPT TO:<carol@example.com>\nE< 250 carol\n"
        "S: 250 carol\nC: DATA\nE> DATA\nE< 354 go\nS: 354\nC: Message-ID: <1@a>\nC:\nC: ..x\nC: "
        ".");
    Say(Trace("E") + "E> Message-ID: <1@a>\nE>\nE> ..x\nE> .\nE< 250 more\nS: 250 more");
    EXPECT_EQ(f.Counter(RELAY_LEGS_REPEATED), 1u);
}

TEST_F(Memo, WithoutAMessageIdNothingIsSuppressed)
{
    Data();
    Say("C: x\nC: .");
    Say(Trace("E") + "E> x\nE> .\nE< 250 external has it\n" + Trace("M") +
        "M> x\nM> .\nM< 452 full\nS: 451");
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<bob@example.com>\n"
        "E> MAIL FROM:<a@b.example>\nE> RCPT TO:<bob@example.com>\nE< 250 ok\nE< 250 bob\n"
        "S: 250 bob\nC: DATA\nE> DATA\nE< 354 go\nS: 354\nC: x\nC: .\n"
        "E: trace\nE> x\nE> .\nE< 250 again\nS: 250 again");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_PARTIAL_UNKNOWN), 1u);
}

TEST_F(Memo, ARetryThatComesTooLateIsDeliveredAgainAndCounted)
{
    CommitInPart();
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_PARTIAL_UNKNOWN), 0u);
    Say("C: QUIT\nS: 221\nC: gone\nwait 20s");
    f.Pass(4 * 3600 * NSEC_PER_SEC); // memo_ttl
    f.Keep('M', 'N');
    f.Keep('E', 'F');
    Data();
    Say("C: Message-ID: <1@a>\nC:\nC: ..x\nC: .\nwait 100ms");
    EXPECT_EQ(f.Counter(RELAY_MEMO_FORGOTTEN), 1u);
    EXPECT_EQ(f.Counter(RELAY_LEGS_SUPPRESSED), 0u);
}

TEST_F(Memo, WhatIsInDoubtIsDeliveredAgainAndCounted)
{
    Identified();
    Say("E> .\nE: reset\nS: 451 4.4.2\nM: gone");
    // Ours has the first turn, and bob is not asked for: his is the next.
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<bob@example.com>\nS: 452\nC: RSET\nS: "
        "250");
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<bob@example.com>");
    Say(kExternalGreets);
    Say("E> MAIL FROM:<a@b.example>\nE> RCPT TO:<bob@example.com>\nE< 250 ok\nE< 250 bob\n"
        "S: 250 bob\nC: DATA\nE> DATA\nE< 354 go\nS: 354\nC: Message-ID: <1@a>\nC:\nC: ..x\nC: .\n"
        "E: trace\nE> Message-ID: <1@a>\nE>\nE> ..x\nE> .\nE< 250 again\nS: 250 again");
    EXPECT_EQ(f.Counter(RELAY_LEGS_REPEATED), 1u);
}

TEST_F(Memo, ARetryThatOvertakesTheAnswerIsDeferred)
{
    Identified();
    Say("E> .\nC: reset\nwait 1s");
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<bob@example.com>");
    // A second connection to the external side: the first still waits for its answer there.
    f.Keep('E', 'F');
    Say(kExternalGreets);
    Say("E> MAIL FROM:<a@b.example>\nE> RCPT TO:<bob@example.com>\nE< 250 ok\nE< 250 bob\n"
        "S: 250 bob\nC: DATA\nE> DATA\nE< 354 go\nS: 354\nC: Message-ID: <1@a>\nC:\nC: ..x\nC: .\n"
        "S: 451 4.3.0\nE: gone");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_OVERTAKEN), 1u);
    // What the client never heard is remembered.
    Say("F< 250 external has it\nM>\nM> .\nM< 250 ours has it\nwait 100ms");
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<bob@example.com>\n"
        "F> MAIL FROM:<a@b.example>\nF> RCPT TO:<bob@example.com>\nF< 250 ok\nF< 250 bob\n"
        "S: 250 bob\nC: DATA\nF> DATA\nF< 354 go\nS: 354\nC: Message-ID: <1@a>\nC:\nC: ..x\nC: .\n"
        "S: 250 2.0.0");
    EXPECT_EQ(f.Counter(RELAY_LEGS_SUPPRESSED), 1u);
}

// ------------------------------------------------------------- one destination, nobody there --

// A message to alice alone: its end is out, its client has gone.
struct Unheard : Memo {
    using Memo::Memo;
    void Leave(const std::string &id = "C: Message-ID: <1@a>\n")
    {
        Say(kHello);
        Say(kToData);
        Say(id + "C:\nC: x\nC: .\nwait 10ms");
        EXPECT_NE(f.Heard('M').find("\r\n.\r\n"), std::string::npos);
        Say("C: reset\nwait 10ms");
        f.Keep('M', 'N');
    }
    // On the connection `m`, to the 354.
    void Again(const std::string &m)
    {
        Say("C: MAIL FROM:<sender@example.org>\nS: 250\nC: RCPT TO:<alice@example.com>");
        if (m == "M")
            Say(kMailboxGreets);
        Say(m + "> MAIL FROM:<sender@example.org>\n" + m + "> RCPT TO:<alice@example.com>\n" + m +
            "< 250 ok\n" + m + "< 250 alice\nS: 250 alice\nC: DATA\n" + m + "> DATA\n" + m +
            "< 354 go\nS: 354");
        Say("C: Message-ID: <1@a>\nC:\nC: x\nC: .");
    }
    void Delivered(const std::string &m)
    {
        Say(m + ": trace\n" + m + "> Message-ID: <1@a>\n" + m + ">\n" + m + "> x\n" + m + "> .\n" +
            m + "< 250 again\nS: 250 again");
    }
    // What the destination got the first time.
    void Skip()
    {
        Say("N: trace\nN> Message-ID: <1@a>\nN>\nN> x\nN> .");
    }
};

TEST_F(Unheard, TheRetryIsNotDeliveredAgain)
{
    Leave();
    Skip();
    f.Log();
    Say("N< 250 ours has it\nwait 100ms");
    EXPECT_THAT(f.Log(), Contains(AllOf(HasSubstr("to=alice"), HasSubstr("status=delivered"),
                                        HasSubstr("heard=no"))));
    EXPECT_EQ(f.Counter(RELAY_UNHEARD), 1u);
    Say(kHello);
    Again("N");
    Say("S: 250 2.0.0\nN: gone");
    EXPECT_EQ(f.Counter(RELAY_LEGS_SUPPRESSED), 1u);
    EXPECT_THAT(f.Log(), Contains(AllOf(HasSubstr("to=alice"), HasSubstr("status=suppressed"))));
    // The client knows: the same again is another message.
    Say("C: NOOP\nS: 250");
    Again("M");
    Delivered("M");
}

TEST_F(Unheard, ARetryThatOvertakesTheAnswerIsDeferred)
{
    Leave();
    Say(kHello);
    Again("M");
    Say("S: 451 4.3.0\nM: gone");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_OVERTAKEN), 1u);
}

TEST_F(Unheard, WhatWasRefusedIsAskedForAgain)
{
    Leave();
    Skip();
    Say("N< 554 5.7.1 no\nwait 100ms");
    Say(kHello);
    Again("N");
    Delivered("N");
}

TEST_F(Unheard, WhatIsInDoubtIsDeliveredAgainAndCounted)
{
    Leave();
    Say("N: reset\nwait 100ms");
    Say(kHello);
    Again("M");
    Delivered("M");
    EXPECT_EQ(f.Counter(RELAY_LEGS_REPEATED), 1u);
}

TEST_F(Unheard, WithoutAMessageIdItIsCounted)
{
    Leave("");
    Say("N: trace\nN>\nN> x\nN> .\nN< 250 ok\nwait 100ms");
    EXPECT_EQ(f.Counter(RELAY_UNHEARD_UNKNOWN), 1u);
    Say(kHello);
    Again("N");
    Delivered("N");
}

// The answer has gone out.
struct Unacknowledged : Unheard {
    using Unheard::Unheard;
    void Committed()
    {
        Say(kHello);
        Say(kToData);
        Say("C: Message-ID: <1@a>\nC:\nC: x\nC: .\nM: trace\nM> Message-ID: <1@a>\nM>\nM> x\nM> .\n"
            "M< 250 ours has it");
    }
};

struct UnacknowledgedForOne : Unacknowledged, ::testing::WithParamInterface<const char *> {
};

// The answer of the destination comes with the client's reset, or a moment before it.
INSTANTIATE_TEST_SUITE_P(Passing, UnacknowledgedForOne, ::testing::Values("1ms", "2ms"));

TEST_P(UnacknowledgedForOne, AnAnswerThatWasLostIsRemembered)
{
    Committed();
    Say(std::string("wait ") + GetParam() + "\nC: reset\nwait 100ms");
    EXPECT_THAT(f.Log(), Contains(AllOf(HasSubstr("to=alice"), HasSubstr("status=delivered"))));
    EXPECT_EQ(f.Counter(RELAY_UNHEARD), 1u);
    EXPECT_EQ(f.Counter(RELAY_UNHEARD_UNKNOWN), 0u);
    f.Keep('M', 'N');
    Say(kHello);
    Again("N");
    Say("S: 250 2.0.0\nN: gone");
    EXPECT_EQ(f.Counter(RELAY_LEGS_SUPPRESSED), 1u);
}

TEST_F(Unacknowledged, WhoAcknowledgesHasHeardThoughItIsLostThen)
{
    Committed();
    Say("S: 250\nwait 1s\nC: reset\nwait 100ms");
    EXPECT_EQ(f.Counter(RELAY_UNHEARD), 0u);
    f.Keep('M', 'N');
    Say(kHello);
    Again("N");
    Delivered("N");
}

TEST_F(Unacknowledged, WhoSaysQuitHasHeard)
{
    for (int i = 0; i < 2; i++) {
        Say(kHello);
        Say("C: MAIL FROM:<sender@example.org>\nS: 250\nC: RCPT TO:<alice@example.com>");
        if (i == 0)
            Say(kMailboxGreets);
        Say("M> MAIL FROM:<sender@example.org>\nM> RCPT TO:<alice@example.com>\nM< 250 ok\n"
            "M< 250 ok\nS: 250\nC: DATA\nM> DATA\nM< 354 go\nS: 354\n"
            "C+ Message-ID: <1@a>\\r\\n\\r\\nx\\r\\n.\\r\\nQUIT\\r\\n\nM: trace\n"
            "M> Message-ID: <1@a>\nM>\nM> x\nM> .\nM< 250 ok\nS: 250\nS: 221\nC: gone");
    }
    EXPECT_EQ(f.Counter(RELAY_UNHEARD), 0u);
    EXPECT_EQ(f.Counter(RELAY_MESSAGES), 2u);
}

// There is room for one message.
struct LittleRoom : Unacknowledged {
    LittleRoom() : Unacknowledged("[memory]\nmax_transactions = 1\n")
    {
    }
};

TEST_F(LittleRoom, ANewMessageNeedsItMoreThanAnAnswerOnItsWay)
{
    Say("D: connect\nT: 220\nD: HELO d\nT: 250");
    Committed();
    Say("S: 250 ours has it\nD: MAIL FROM:<c@d.example>\nT: 250\nC: reset\nwait 100ms");
    EXPECT_EQ(f.Counter(RELAY_UNHEARD), 0u);
}

struct Overtaken : Memo {
    // Ours does not acknowledge all of the first try (D with F and N), so that nobody gets the end
    // of it; the second (C with E and M) has given it to the external side.
    void SetUp() override
    {
        Memo::SetUp();
        std::string line(900, 'a'), body = "C: Message-ID: <1@a>\nC:\n";
        for (int i = 0; i < 75; i++)
            body += "C: " + line + "\n";
        Data();
        Say("M: stop reading");
        Say(body + "C: .\nwait 1s");
        f.Keep('C', 'D');
        f.Keep('M', 'N');
        f.Keep('E', 'F');
        Data();
        Say(body + "C: .\nwait 1s");
        EXPECT_NE(f.Heard('E').find("\r\n.\r\n"), std::string::npos);
    }
};

TEST_F(Overtaken, WhileTheOtherWaitsForItsAnswerIsDeferred)
{
    Say("N: read on\nwait 1s\nT: 451 4.4.2 An earlier try");
    EXPECT_EQ(f.Heard('F').find("\r\n.\r\n"), std::string::npos);
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_OVERTAKEN), 1u);
    Say("E< 250 external has it\nwait 1s\nM< 250 ours has it\nS: 250 2.0.0");
}

TEST_F(Overtaken, LeavesOutWhatTheOtherHasDelivered)
{
    Say("E< 250 external has it\nwait 1s\nM< 452 full\nS: 451\nN: read on\nwait 1s");
    EXPECT_EQ(f.Heard('F').find("\r\n.\r\n"), std::string::npos);
    EXPECT_NE(f.Heard('N').find("\r\n.\r\n"), std::string::npos);
    Say("N< 250 ours has it\nT: 250 2.0.0");
    EXPECT_EQ(f.Counter(RELAY_LEGS_SUPPRESSED), 1u);
}

// ----------------------------------------------------------------------------- the table --

struct MemoTable : ::testing::Test {
    struct memo *m = memo_create(4, 1000);
    ~MemoTable() override
    {
        memo_destroy(m);
    }
    static struct digest D(uint64_t n) {
        return {{n, ~n}};
    } bool Note(uint64_t parties, enum memo_state state, uint64_t owner = 1, nsec_t now = 0)
    {
        struct digest p = D(parties), c = D(77);
        return memo_note(m, &p, &c, state, owner, now);
    }
    enum memo_state Look(uint64_t parties, nsec_t now = 0, uint64_t content = 77)
    {
        struct digest p = D(parties), c = D(content);
        return memo_look(m, &p, &c, now);
    }
};

TEST_F(MemoTable, TellsOneContentFromAnother)
{
    ASSERT_TRUE(Note(1, MEMO_COMMITTED));
    EXPECT_EQ(Look(1), MEMO_COMMITTED);
    EXPECT_EQ(Look(1, 0, 78), MEMO_NONE);
    struct digest p = D(1), q = D(2);
    EXPECT_TRUE(memo_knows(m, &p));
    EXPECT_FALSE(memo_knows(m, &q));
}

TEST_F(MemoTable, ARefusalIsForgotten)
{
    ASSERT_TRUE(Note(1, MEMO_PENDING));
    EXPECT_EQ(Look(1), MEMO_PENDING);
    ASSERT_TRUE(Note(1, MEMO_NONE));
    EXPECT_EQ(Look(1), MEMO_NONE);
    EXPECT_TRUE(memo_empty(m));
}

TEST_F(MemoTable, WhatADestinationHasItKeepsWhateverComesOfARepetition)
{
    for (enum memo_state later : {MEMO_NONE, MEMO_IN_DOUBT, MEMO_COMMITTED}) {
        ASSERT_TRUE(Note(1, MEMO_COMMITTED, 1) && Note(1, MEMO_PENDING, 2));
        EXPECT_EQ(Look(1), MEMO_PENDING);
        ASSERT_TRUE(Note(1, MEMO_NONE, 1)); // it is another's now
        EXPECT_EQ(Look(1), MEMO_PENDING);
        ASSERT_TRUE(Note(1, later, 2));
        EXPECT_EQ(Look(1), MEMO_COMMITTED);
    }
    memo_end(m, 2);
    ASSERT_TRUE(Note(1, MEMO_PENDING, 3) && Note(1, MEMO_NONE, 3));
    EXPECT_TRUE(memo_empty(m));
}

TEST_F(MemoTable, AnothersEntryIsNotForgotten)
{
    ASSERT_TRUE(Note(1, MEMO_PENDING, 1));
    ASSERT_TRUE(Note(1, MEMO_NONE, 2));
    EXPECT_EQ(Look(1), MEMO_PENDING);
}

TEST_F(MemoTable, EntriesEndWithTheirTimeButNotWhilePending)
{
    ASSERT_TRUE(Note(1, MEMO_COMMITTED) && Note(2, MEMO_PENDING));
    EXPECT_EQ(Look(1, 999), MEMO_COMMITTED);
    EXPECT_EQ(Look(1, 1000), MEMO_NONE);
    EXPECT_EQ(Look(2, 5000), MEMO_PENDING);
    ASSERT_TRUE(Note(2, MEMO_COMMITTED, 1, 5000));
    EXPECT_EQ(Look(2, 5999), MEMO_COMMITTED);
    EXPECT_EQ(Look(2, 6000), MEMO_NONE);
}

TEST_F(MemoTable, TheOldestThatIsNotPendingMakesRoom)
{
    ASSERT_TRUE(Note(1, MEMO_PENDING) && Note(2, MEMO_COMMITTED) && Note(3, MEMO_COMMITTED) &&
                Note(4, MEMO_PENDING) && Note(5, MEMO_PENDING));
    EXPECT_EQ(Look(1), MEMO_PENDING);
    EXPECT_EQ(Look(2), MEMO_NONE);
    EXPECT_EQ(Look(3), MEMO_COMMITTED);
    ASSERT_TRUE(Note(6, MEMO_PENDING));
    EXPECT_FALSE(Note(7, MEMO_PENDING)) << "all are pending";
}

TEST_F(MemoTable, AnOwnersEntriesEndTogether)
{
    ASSERT_TRUE(Note(1, MEMO_COMMITTED, 9) && Note(2, MEMO_COMMITTED, 9) &&
                Note(3, MEMO_COMMITTED, 13));
    memo_end(m, 9);
    EXPECT_EQ(Look(1), MEMO_NONE);
    EXPECT_EQ(Look(2), MEMO_NONE);
    EXPECT_EQ(Look(3), MEMO_COMMITTED);
}

// ---------------------------------------------------------------------------- the parties --

struct Parties : ::testing::Test {
    struct digester digester = {};
    Parties()
    {
        uint8_t secret[DIGEST_SECRET] = {1, 2, 3};
        EXPECT_TRUE(digester_create(&digester, "test", secret, sizeof(secret)));
    }
    ~Parties() override
    {
        digester_destroy(&digester);
    }
    uint64_t Of(const char *client, const char *sender = "a@b", const char *recipient = "c@d",
                uint64_t destination = 1)
    {
        struct ip_addr address = sim::Host::parse(client);
        struct digest d;
        EXPECT_TRUE(digest_of_parties(&digester, &address, sender, recipient, &destination, &d));
        return d.words[0];
    }
};

TEST_F(Parties, AnMtasOtherHostIsTheSameClient)
{
    EXPECT_EQ(Of("192.0.2.1"), Of("192.0.2.254"));
    EXPECT_NE(Of("192.0.2.1"), Of("192.0.3.1"));
    EXPECT_EQ(Of("2001:db8::1"), Of("2001:db8::ffff:1"));
    EXPECT_NE(Of("2001:db8::1"), Of("2001:db8:0:1::1"));
}

TEST_F(Parties, EverybodyElseIsWhoHeIs)
{
    const uint64_t parties = Of("192.0.2.1");
    EXPECT_NE(Of("192.0.2.1", "A@b"), parties);
    EXPECT_NE(Of("192.0.2.1", "a@b", "C@d"), parties);
    EXPECT_NE(Of("192.0.2.1", "a@bc@", "d"), parties);
    EXPECT_NE(Of("192.0.2.1", "a@b", "c@d", 2), parties);
}

// ------------------------------------------------------------------------ the fingerprint --

struct Fingerprint : ::testing::Test {
    struct fingerprint f = {};
    Fingerprint()
    {
        uint8_t secret[DIGEST_SECRET] = {1, 2, 3};
        EXPECT_TRUE(digester_create(&f.digester, "test", secret, sizeof(secret)));
    }
    ~Fingerprint() override
    {
        digester_destroy(&f.digester);
    }
    std::pair<uint64_t, uint64_t> Of(const std::string &content, size_t cut = SIZE_MAX)
    {
        struct digest d;
        fingerprint_start(&f);
        for (size_t at = 0; at < content.size(); at += cut) {
            size_t n = std::min(cut, content.size() - at);
            fingerprint_add(&f, reinterpret_cast<const uint8_t *>(content.data()) + at, n);
            if (cut == SIZE_MAX)
                break;
        }
        EXPECT_TRUE(fingerprint_finish(&f, &d));
        return {d.words[0], d.words[1]};
    }
};

TEST_F(Fingerprint, LeavesOutTheLeadingTraceBlockOnly)
{
    auto plain = Of("Subject: x\r\n\r\nbody");
    EXPECT_EQ(Of("Received: a\r\n\tb\r\nReturn-Path: <c>\r\nRECEIVED: d\r\nSubject: x\r\n\r\nbody"),
              plain);
    EXPECT_NE(Of("Subject: x\r\nReceived: a\r\n\r\nbody"), plain);
    EXPECT_NE(Of("Received-SPF: a\r\nSubject: x\r\n\r\nbody"), plain);
    EXPECT_NE(Of(" Subject: x\r\n\r\nbody"), plain);
    EXPECT_NE(Of("\r\nReceived: a\r\n"), Of("\r\n"));
}

TEST_F(Fingerprint, IsOfWhatIsMeant)
{
    EXPECT_EQ(Of("a\r\n..b\r\n.c\r\n"), Of("a\r\n..b\r\nc\r\n"));
    EXPECT_NE(Of("a\r\n..b"), Of("a\r\n...b"));
    EXPECT_NE(Of("a"), Of("b"));
}

TEST_F(Fingerprint, ADotBehindABareNewlineIsContent)
{
    EXPECT_NE(Of("a\n.b\r\n"), Of("a\nb\r\n"));
    EXPECT_NE(Of("a\r\n\n.b\r\n"), Of("a\r\n\nb\r\n"));
    EXPECT_EQ(Of("a\n\r\n.b\r\n"), Of("a\n\r\nb\r\n"));
}

TEST_F(Fingerprint, HowItIsCutMakesNoDifference)
{
    for (const char *text :
         {"Received: a\r\n\tb\r\nReturn-Path: c\r\nRece: d\r\n\r\n..x\r\n.y\r\nReceived: z\r\n",
          "Return-Pathe: x\r\n", "Received", "Received: only\r\n", "..\r\n", "",
          ".Received: a\r\nb", "a\n.b\r\n.c\n\r\n.d\r\r\n.\n."}) {
        auto whole = Of(text);
        for (size_t cut = 1; cut < 12; cut++)
            EXPECT_EQ(Of(text, cut), whole) << text << " by " << cut;
    }
}

} // namespace
