// SPDX-License-Identifier: BSD-3-Clause
// A destination with several servers: who is asked, and who when that one fails.
#include "tests/app/relay/relay_fixture.h"

namespace
{

std::string Listed(const std::string &servers)
{
    return "[domain two.example]\nmailboxes = mailboxes\nmailbox_server = " + servers + "\n";
}

// The mailbox server of two.example is M, or E where M fails.
struct Failover : Relay {
    explicit Failover(const std::string &servers = "10.0.0.20 priority 20, 10.0.0.10")
        : Relay(Listed(servers))
    {
    }
    void Ask()
    {
        Say("C: MAIL FROM:<a@b.example>\nS: 250 2.1.0 OK\nC: RCPT TO:<alice@two.example>");
    }
    // `letter` gets the RCPT on a connection that it has greeted, and its words are told.
    void Take(char letter)
    {
        std::string l(1, letter);
        Say(l + "> MAIL FROM:<a@b.example>\n" + l + "< 250 sender fine\n" + l +
            "> RCPT TO:<alice@two.example>\n" + l + "< 250 from " + l + "\nS: 250 from " + l);
    }
    void Greet(char letter)
    {
        std::string l(1, letter);
        Say(l + ": connect\n" + l + "< 220 here\n" + l + "> EHLO mx1.example.net\n" + l +
            "< 250 here");
    }
    void Leave(char letter)
    {
        std::string l(1, letter);
        Say("C: RSET\nS: 250\n" + l + "> RSET\n" + l + "< 250 forgotten\nwait 10s\n" + l +
            "> QUIT\n" + l + "< 221 bye\n" + l + ": gone");
    }
};

TEST_F(Failover, TheLowestPriorityIsAskedWhateverTheOrder)
{
    Say(kHello);
    Ask();
    Greet('M');
    Take('M');
    Say("E: no connection");
    EXPECT_EQ(f.Counter(RELAY_FAILED_OVER), 0u);
}

TEST_F(Failover, AServerThatRefusesConnectionsIsNoMatterToTheClient)
{
    Say("M: refuse");
    Say(kHello);
    Ask();
    Greet('E');
    Take('E');
    EXPECT_EQ(f.Counter(RELAY_FAILED_OVER), 1u);
}

TEST_F(Failover, NorIsOneThatDoesNotGreetAsAServerDoes)
{
    Say(kHello);
    Ask();
    Say("M: connect\nM< 421 too busy\nM: gone");
    Greet('E');
    Take('E');
    Say("C: RSET\nS: 250\nE> RSET\nE< 250 forgotten");
    Ask();
    Take('E'); // the other one is passed over for a while
    Say("M: no connection");
}

TEST_F(Failover, NorIsOneThatHangsUp)
{
    Say(kHello);
    Ask();
    Say("M: connect\nM: close");
    Greet('E');
    Take('E');
}

TEST_F(Failover, WhereAllFailTheClientHearsItAndNoneIsAskedTwice)
{
    Say("M: refuse\nE: refuse");
    Say(kHello);
    Ask();
    Say("S: 451 4.4.1");
    EXPECT_EQ(f.Counter(RELAY_CONNECTS), 1u + 2u); // with the probe of the other domain's server
    Say("M: listen\nE: listen\nC: RSET\nS: 250");
    Ask();
    Say("E: no connection"); // the one that failed first is tried first
    Greet('M');
    Take('M');
}

TEST_F(Failover, OneConnectionTriesItAgainAndMailGoesBackToIt)
{
    Say("M: refuse");
    Say(kHello);
    Ask();
    Greet('E');
    Take('E');
    Leave('E');
    Say("M: listen");
    Ask();
    Say("M: connect\nD: connect\nT: 220\nD: EHLO two\nT* 250\nD: MAIL FROM:<a@b.example>\nT: 250\n"
        "D: RCPT TO:<anna@two.example>");
    Greet('E'); // for the second, while nobody knows
    Say("E> MAIL FROM:<a@b.example>\nE< 250 sender fine\nE> RCPT TO:<anna@two.example>\n"
        "E< 250 from E\nT: 250 from E");
    Say("M< 220 here\nM> EHLO mx1.example.net\nM< 250 here");
    Take('M');
    Say("D: RSET\nT: 250\nE> RSET\nE< 250 forgotten\nE> QUIT\nE< 221 bye\nE: gone"); // at once
}

TEST_F(Failover, TheLogHasTheServerThatTookIt)
{
    Say("M: refuse");
    Say(kHello);
    Ask();
    Greet('E');
    Take('E');
    Say("C: DATA\nE> DATA\nE< 354 go\nS: 354\nC: .\nE: trace\nE> .\nE< 250 ok\nS: 250 ok");
    EXPECT_NE(f.Log().back().find(" next_hop=10.0.0.20:25 "), std::string::npos);
}

struct NobodyThere : Failover {
    NobodyThere() : Failover("10.0.0.9, 10.0.0.10 priority 11")
    {
    }
};

TEST_F(NobodyThere, SilenceCostsAConnectsTimeAndNoMore)
{
    Say(kHello);
    Ask();
    Say("wait 31s");
    Greet('M');
    Take('M');
}

struct Weighted : Failover {
    Weighted() : Failover("10.0.0.10 weight 3, 10.0.0.20 weight 1")
    {
    }
};

TEST_F(Weighted, EachGetsItsShare)
{
    unsigned at[2] = {0, 0};
    Say(kHello);
    for (unsigned i = 0; i < 64; i++) {
        Ask();
        char which = f.Run("M: no connection").empty() ? 'E' : 'M';
        at[which == 'E']++;
        Greet(which);
        Take(which);
        Leave(which);
    }
    EXPECT_GT(at[0], 2 * at[1]);
    EXPECT_GT(at[1], 4u);
}

} // namespace
