// SPDX-License-Identifier: BSD-3-Clause
// Who gets one of a destination's connections, and who waits.
#include "tests/app/relay/relay_fixture.h"

extern "C" {
#include "app/relay/turns.h"
}

namespace
{

struct Turns : ::testing::Test {
    struct shares *shares = shares_create(4, 8);
    struct turns t;
    struct turn who[8] = {};
    struct holders held[4] = {};
    Turns()
    {
        turns_start(&t, shares, 4, 50);
    }
    ~Turns() override
    {
        shares_destroy(shares);
    }
    static struct parties Of(const char *client, const char *domain = "one.example",
                             bool exempt = false)
    {
        struct ip_addr a;
        EXPECT_TRUE(ip_addr_parse(client, strlen(client), &a));
        return turns_parties(&a, exempt, (std::string("a@") + domain).c_str());
    }
    void Wait(unsigned i, const struct parties &p)
    {
        turns_meet(&t, &p);
        who[i].parties = p;
        ASSERT_TRUE(turns_wait(&t, &who[i]));
    }
    void Take(unsigned i, const struct parties &p)
    {
        turns_meet(&t, &p);
        turns_take(&t, &p, &held[i]);
    }
    int Next()
    {
        struct turn *next = turns_next(&t);
        return next == nullptr ? -1 : static_cast<int>(next - who);
    }
};

TEST_F(Turns, LinesOfNetworksAreServedInTurnAndEachInItsOrder)
{
    Wait(0, Of("192.0.2.1"));
    Wait(1, Of("192.0.2.2"));
    Wait(2, Of("192.0.2.1"));
    Wait(3, Of("198.51.100.1"));
    Wait(4, Of("2001:db8:0:1::1"));
    Wait(5, Of("2001:db8:0:2::1"));
    for (int expected : {0, 3, 4, 1, 5, 2, -1})
        EXPECT_EQ(Next(), expected);
}

TEST_F(Turns, ANetworkThatHoldsItsShareIsPassedOver)
{
    Take(0, Of("192.0.2.1"));
    Take(1, Of("192.0.2.9", "two.example"));
    Wait(0, Of("192.0.2.1", "three.example"));
    EXPECT_EQ(Next(), 0) << "it is alone";
    Wait(0, Of("192.0.2.1", "three.example"));
    Wait(1, Of("198.51.100.1", "three.example"));
    EXPECT_FALSE(turns_allow(&t, &who[0].parties));
    EXPECT_TRUE(turns_allow(&t, &who[1].parties));
    EXPECT_EQ(Next(), 1);
    EXPECT_EQ(Next(), -1);
    EXPECT_FALSE(turns_wanted(&t));
    turns_give_back(&t, &held[1]);
    EXPECT_EQ(Next(), 0);
}

TEST_F(Turns, SoIsTheMailForADomain)
{
    Take(0, Of("192.0.2.1"));
    Take(1, Of("198.51.100.1", "ONE.example"));
    Wait(0, Of("203.0.113.1"));
    Wait(1, Of("203.0.113.1", "two.example"));
    EXPECT_EQ(Next(), 1);
    EXPECT_EQ(Next(), -1);
    turns_give_back(&t, &held[0]);
    EXPECT_EQ(Next(), 0);
}

TEST_F(Turns, ExemptNetworksAndOurOwnProbesHaveNoBound)
{
    Take(0, Of("192.0.2.1", "one.example", true));
    Take(1, Of("192.0.2.1", "two.example", true));
    Wait(0, Of("192.0.2.1", "three.example", false));
    EXPECT_EQ(Next(), 0) << "its neighbours are another party";
    Wait(0, Of("192.0.2.1", "three.example", true));
    EXPECT_EQ(Next(), 0);
    Take(2, {});
    Take(3, {});
    Wait(0, {});
    EXPECT_EQ(Next(), 0);
}

TEST_F(Turns, WhoLeavesGivesItsTurnUp)
{
    Wait(0, Of("192.0.2.1"));
    Wait(1, Of("198.51.100.1"));
    Wait(2, Of("192.0.2.1"));
    turns_leave(&t, &who[0]);
    EXPECT_EQ(Next(), 2);
    turns_leave(&t, &who[1]);
    EXPECT_EQ(Next(), -1);
}

TEST_F(Turns, SharesAreThereAgainWhenNobodyUsesThem)
{
    for (unsigned round = 0; round < 100; round++) {
        std::string domain = std::to_string(round) + ".example";
        for (unsigned i = 0; i < 8; i++)
            Wait(i, Of(("10.0." + std::to_string(i) + ".1").c_str(), (domain + domain).c_str()));
        for (unsigned i = 0; i < 4; i++)
            Take(i, Of(("10.1." + std::to_string(i) + ".1").c_str(), domain.c_str()));
        for (unsigned i = 0; i < 4; i++)
            turns_give_back(&t, &held[i]);
        for (unsigned i = 0; i < 8; i++)
            turns_leave(&t, &who[i]);
    }
}

// Clients of many networks, as a load balancer names them; the mailbox server may have so many
// connections. Clients are digits.
struct Crowd : Relay {
    explicit Crowd(unsigned connections)
        : Relay("[destinations]\nconnections = " + std::to_string(connections) +
                    "\n[domain two.example]\nmailboxes = mailboxes\nmailbox_server = 10.0.0.10\n",
                "", "proxy_from = 10.0.0.20\n")
    {
    }
    void Come(char client, const std::string &from)
    {
        Say("D: connect from 10.0.0.20\nD: PROXY TCP4 " + from +
            " 10.0.0.2 4711 25\nT: 220\nD: HELO there\nT: 250");
        f.Keep('D', client);
    }
    void Ask(char client, const std::string &domain = "example.com")
    {
        std::string c(1, client);
        Say(c + ": MAIL FROM:<" + c + "@b.example>\n" + c + "~ 250 2.1.0\n" + c +
            ": RCPT TO:<alice@" + domain + ">");
    }
    void Waits(char client)
    {
        Say(std::string(1, client) + ": silent\nM: no connection");
    }
    // It has a fresh connection, a letter from now on.
    void Connected(char client, char letter, const std::string &domain = "example.com")
    {
        Say("M: connect\nM< 220 ours\nM> EHLO mx1.example.net\nM< 250 ours");
        f.Keep('M', letter);
        Served(client, letter, domain);
    }
    void Served(char client, char letter, const std::string &domain = "example.com")
    {
        std::string c(1, client), l(1, letter);
        Say(l + "> MAIL FROM:<" + c + "@b.example>\n" + l + "< 250 ok\n" + l + "> RCPT TO:<alice@" +
            domain + ">\n" + l + "< 250 ok\n" + c + "~ 250 ok");
    }
    void Done(char client, char letter)
    {
        std::string c(1, client), l(1, letter);
        Say(c + ": RSET\n" + c + "~ 250\n" + l + "> RSET\n" + l + "< 250 ok");
    }
};

struct CrowdOfFour : Crowd {
    CrowdOfFour() : Crowd(4)
    {
    }
};

TEST_F(CrowdOfFour, AClientOfManySessionsDoesNotStarveAnother)
{
    Come('9', "203.0.113.9");
    Ask('9');
    Connected('9', 'U');
    Done('9', 'U');
    for (char c : {'1', '2', '3', '4'})
        Come(c, std::string("192.0.2.") + c);
    Ask('1');
    Served('1', 'U');
    Ask('2');
    Connected('2', 'V');
    Ask('3');
    Ask('4');
    Waits('3');
    Waits('4');
    Ask('9');
    Connected('9', 'W'); // at once
    Waits('3');
    EXPECT_EQ(f.Counter(RELAY_WAITED_SHARE), 2u);
    Done('9', 'W'); // the share of the others is what it was
    Waits('3');
    Done('2', 'V');
    Served('3', 'V');
    Waits('4');
}

TEST_F(CrowdOfFour, TheOnlyClientMayHaveAllConnections)
{
    for (char c : {'1', '2', '3', '4', '5'})
        Come(c, std::string("192.0.2.") + c);
    Ask('1');
    Connected('1', 'U');
    Ask('2');
    Connected('2', 'V');
    Ask('3');
    Connected('3', 'W');
    Ask('4');
    Connected('4', 'X');
    Ask('5');
    Waits('5');
    EXPECT_EQ(f.Counter(RELAY_WAITED), 1u);
    EXPECT_EQ(f.Counter(RELAY_WAITED_SHARE), 0u);
}

TEST_F(CrowdOfFour, OneDomainLeavesConnectionsToTheOthers)
{
    for (char c : {'1', '2', '3', '4', '5'})
        Come(c, std::string("192.0.") + c + ".1");
    Ask('1', "two.example");
    Connected('1', 'U', "two.example");
    Ask('2');
    Connected('2', 'V');
    Ask('3');
    Connected('3', 'W');
    Ask('4');
    Waits('4');
    Ask('5', "two.example");
    Connected('5', 'X', "two.example");
    Done('1', 'U');
    Waits('4');
    Done('2', 'V');
    Say("U: silent");
    Served('4', 'V');
}

struct CrowdOfOne : Crowd {
    CrowdOfOne() : Crowd(1)
    {
    }
    void SetUp() override
    {
        Relay::SetUp();
        for (char c : {'1', '2', '3'})
            Come(c, std::string("192.0.2.") + c);
        Come('4', "203.0.113.4");
        Ask('1');
        Connected('1', 'U');
        for (char c : {'2', '3', '4'}) {
            Ask(c);
            Waits(c);
        }
    }
};

TEST_F(CrowdOfOne, NetworksHaveTheirTurnsOneByOne)
{
    Done('1', 'U');
    Served('2', 'U');
    Done('2', 'U');
    Served('4', 'U'); // ahead of 3, whose network has just had its turn
    Waits('3');
    Done('4', 'U');
    Served('3', 'U');
}

TEST_F(CrowdOfOne, AClientThatLeavesGivesItsTurnUp)
{
    Say("2: reset\nwait 1s");
    Done('1', 'U');
    Served('3', 'U');
    Done('3', 'U');
    Served('4', 'U');
}

TEST_F(CrowdOfOne, NobodyWaitsBeyondItsBudget)
{
    Say("wait 230s\n2: silent\nwait 10s\n2~ 451 4.4.2\n3~ 451 4.4.2\n4~ 451 4.4.2");
    Done('1', 'U');
    Say("U: silent"); // their turns have gone with them
    Say("4: RSET\n4~ 250");
    Ask('4');
    Served('4', 'U');
}

TEST_F(CrowdOfOne, AConnectionThatIsLostIsTheNextOnes)
{
    Say("1: reset\nU> RSET\nU: reset");
    Connected('2', 'V');
}

} // namespace
