// SPDX-License-Identifier: BSD-3-Clause
// An MTA that has mail for us: it tries, and tries again, until each recipient has it or has
// refused it. Its manners are its own, and change from one attempt to the next.
#ifndef SPLITMX_TESTS_SIM_ROUTER_CLIENT_H
#define SPLITMX_TESTS_SIM_ROUTER_CLIENT_H

#include <algorithm>
#include <deque>
#include <list>
#include <string>
#include <vector>

#include "tests/sim/dice.h"
#include "tests/sim/host.h"
#include "tests/sim/router_ledger.h"
#include "tests/sim/talk.h"

namespace sim
{

struct ClientPlan {
    std::string name;
    std::vector<std::string> addresses; // all in one network
    // By which listener it comes: through a load balancer, or a relay that says for whom it speaks;
    // and then it is from one of these addresses, all in one network, too.
    enum class Entrance { PLAIN, PROXY1, PROXY2, XCLIENT } entrance = Entrance::PLAIN;
    std::vector<std::string> claims;
    unsigned sessions = 1;  // at a time
    uint64_t impatient = 0; // one transaction in so many is left before its end
    uint64_t slow = 0;      // one in so many takes its time
    bool hello_only = false;
    nsec_t retry = 60 * NSEC_PER_SEC; // after the first attempt; then longer and longer
    nsec_t good_from = 0;             // from then on it is patient
};

// Mail with its client's plans for it.
struct Errand {
    Mail *mail;
    nsec_t due;
    unsigned tries = 0;
    bool under_way = false;
};

class Client;

// One connection of a client, and what it does there.
class Visit
{
  public:
    Visit(Client &client, Errand *first);
    ~Visit();
    void tick(nsec_t now);
    nsec_t next() const;
    bool over = false;
    bool hanging = false; // the router it talks to is no more: it will wait in vain

  private:
    enum Kind { BANNER, INTRODUCTION, HELLO, MAIL, RCPT, DATA, BODY, CHUNK, DOT, RSET, QUIT };
    enum How { STAY, CLOSE, RESET, VANISH, ABANDON, HOW_COUNT };
    struct Expected {
        Kind kind;
        std::string recipient;
    };
    struct Command {
        Kind kind;
        std::string text, recipient;
    };
    void connect();
    void introduce(struct endpoint router);
    void greet();
    void begin(Errand *errand); // a transaction
    void plan_departure();
    void go_on(); // say what may be said now
    void go_on_with_content();
    void send(const Command &c);
    bool take_reply();
    void hear(const Expected &e, const std::string &reply);
    void hear_recipient(const std::string &recipient, const std::string &reply);
    void hear_end(const std::string &reply);
    void begin_content();
    void send_chunk();
    void refuse_all(const std::string &reply);
    void refuse_mail(const std::string &reply);
    void finish_transaction(bool clean);
    void next_errand(bool clean);
    void at(Kind step); // it may be the one to leave at
    void leave();
    void end(const char *why);
    void expire();
    nsec_t patience() const;
    void note(const std::string &text);
    bool offers(const char *extension) const
    {
        return offered_.find(extension) != std::string::npos;
    }
    const std::string &sender() const
    {
        return errand_->mail->sender;
    }

    Client &client_;
    Talk talk_;
    std::string me_; // address and port, as the router knows it
    struct endpoint claim_ = {};
    bool introduced_ = false; // by XCLIENT
    std::string header_;      // for the router's proxy_from listener, before all else
    Errand *errand_ = nullptr;
    Hearing *hearing_ = nullptr;
    std::deque<Command> commands_; // of the transaction, not said yet
    std::deque<Expected> expected_;
    std::set<std::string> accepted_; // recipients, at RCPT
    std::string reply_;              // so far, when it has several lines
    std::string offered_;            // the reply to EHLO
    std::string content_;            // with its dot
    size_t said_ = 0;                // of it
    bool sending_content_ = false, mail_refused_ = false;
    unsigned group_ = 0;     // how much goes out at once: a command, an envelope, all
    size_t chunk_ = 1 << 20; // bytes of content at a time
    nsec_t pause_ = 0;       // at most, between two of these
    Kind leave_at_ = QUIT;
    How leave_how_ = STAY;
    nsec_t leave_after_ = 0, leave_when_ = UINT64_MAX;
    nsec_t now_, wait_until_ = 0, since_, progress_;
    uint64_t acked_ = 0;
    unsigned served_ = 0; // transactions
};

class Client
{
  public:
    Client(const ClientPlan &plan, Host &host, Ledger &ledger, uint64_t seed,
           std::function<void(const struct stream *)> vanish);
    void add(Mail &mail, nsec_t due);
    void tick(nsec_t now);
    nsec_t next() const;
    bool done() const; // nothing is left to do, and all connections are closed
    // The router's process was killed: its connections may never say anything again.
    void router_crashed();
    // ... or is cut off for a while: nobody can be blamed for silence.
    void excuse_until(nsec_t until)
    {
        excused_until_ = std::max(excused_until_, until);
    }

    uint64_t visits = 0, outwaited = 0;

  private:
    friend class Visit;
    Errand *due_errand();
    void retry_later(Errand &e);
    bool pending(const Errand &e) const;

    ClientPlan plan_;
    Host &host_;
    Ledger &ledger_;
    Dice dice_;
    std::function<void(const struct stream *)> vanish_;
    std::deque<Errand> errands_;
    std::list<Visit> visits_;
    nsec_t now_ = 0, excused_until_ = 0;
};

} // namespace sim

#endif
