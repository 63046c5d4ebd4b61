// SPDX-License-Identifier: BSD-3-Clause
// A destination: an SMTP server that works as its whims let it.
#ifndef SPLITMX_TESTS_SIM_ROUTER_SERVER_H
#define SPLITMX_TESTS_SIM_ROUTER_SERVER_H

#include <list>
#include <memory>
#include <set>
#include <string>

#include "tests/sim/dice.h"
#include "tests/sim/host.h"
#include "tests/sim/router_ledger.h"
#include "tests/sim/talk.h"

namespace sim
{

enum class Stage { BANNER, HELLO, MAIL, RCPT, DATA, BODY, DOT, TAKEN, COUNT };

// What goes wrong there.
enum class Whim {
    NONE,
    REFUSE_NOW,  // 4xx
    REFUSE,      // 5xx
    UNAVAILABLE, // 421, and it closes
    TARPIT,      // the answer comes after 20 s to 9 min
    STALL,       // never
    CLOSE,
    RESET,
    CRASH,    // all its connections are reset, and none is accepted for a while
    DIE,      // its machine is gone without a word, and comes back
    NONSENSE, // it says something that cannot be said there
    COUNT
};

constexpr uint16_t kFirstPort = 24; // ServerPlan::first's

struct ServerPlan {
    char letter;
    std::string address;
    std::string name;                // it is configured by this; "": by its address
    std::string second;              // the address that it may change to, then
    std::set<std::string> mailboxes; // nobody else is known here
    std::set<std::string> late;      // of them: who moves, and may be known only a while later
    bool pipelining = true, eightbit = true, size = true, hello_only = false;
    bool utf8 = true, dsn = true, chunking = false, binary = false;
    unsigned most_recipients = 0, most_messages = 0; // by LIMITS; 0: any
    size_t limit = 10000000;                         // octets of a message
    // How it is told of the client.
    enum class Identity { NONE, XCLIENT, XFORWARD, PROXY } identity = Identity::NONE;
    // Another server of the same destination, to be asked before it. One that comes and goes has
    // the same mailboxes.
    enum class First { NONE, REFUSES, IS_AWAY, COMES_AND_GOES } first = First::NONE;
    unsigned hates = 0;     // it never takes one in so many messages; 0: none
    uint64_t whims = 0;     // one in so many steps is not as it should be; 0: none
    uint64_t favourite = 0; // of those, one in so many is `stage`; 0: none
    Stage stage = Stage::BANNER;
    nsec_t idle = 300 * NSEC_PER_SEC; // it closes a connection that says nothing for so long
    nsec_t pace = 0;                  // what an answer takes, at most
    nsec_t good_from = 0;             // from then on there are no whims
};

class Server
{
  public:
    // `vanish` takes a machine's connections off the wire until then.
    Server(const ServerPlan &plan, Host &host, Ledger &ledger, uint64_t seed,
           std::function<void(const struct stream *, nsec_t until)> vanish);
    ~Server();
    void tick(nsec_t now);
    nsec_t next() const; // when something of its own is due
    // The process (or the machine, without a word) ends, and another one begins later.
    void crash(nsec_t lasts, bool silently);
    // It is at its second address from now on, or back at its first.
    void change_address();
    size_t connections() const
    {
        return sessions_.size();
    }
    static void accept(struct stream *s, void *server);
    bool is_up() const
    {
        return listener_ != nullptr;
    }
    const ServerPlan &plan() const
    {
        return plan_;
    }
    uint64_t tarpits[size_t(Stage::COUNT)] = {};

  private:
    struct Session {
        Talk talk;
        bool content = false, mail = false, stalled = false, over = false;
        bool spoke = false;                 // during the content
        bool plain = false;                 // greeted by HELO
        bool header = false;                // a PROXY header is to come
        bool chunked = false, last = false; // the content comes by BDAT; this is its last chunk
        bool spoilt = false;                // a chunk was refused: so are all that follow
        size_t chunk = 0;                   // octets of it still to come
        unsigned messages = 0, asked = 0;   // MAIL in the session, RCPT in the transaction
        std::string identity;               // the client's address, as far as the router said it
        nsec_t busy = 0;                    // until then it thinks
        nsec_t active = 0;                  // last time that something was heard
        nsec_t deaf = 0;                    // until then it does not read
        std::string reply;                  // what it says then
        Whim after = Whim::NONE;            // and does
        bool takes_then = false;            // the message is its own only then
        std::string sender;
        std::set<std::string> to;
        std::string body;
        size_t speaks_at = SIZE_MAX; // bytes of content
    };
    struct tcp_listener *listen(uint16_t port);
    void come_or_go();
    void work(Session &s);
    void hear(Session &s, const std::string &line);
    void hear_mail(Session &s, const std::string &line);
    void hear_rcpt(Session &s, const std::string &line);
    void hear_data(Session &s);
    bool hear_header(Session &s);
    void hear_identity(Session &s, const std::string &line);
    bool hear_content(Session &s);
    void hear_bdat(Session &s, const std::string &line);
    bool hear_chunk(Session &s);
    void hear_end(Session &s);
    void take(Session &s);
    // A step that would be answered with `text`: what comes of it, with this whim or one of its
    // own.
    Whim whim(Stage stage);
    void answer(Session &s, Stage stage, const std::string &text,
                const std::string &recipient = "");
    void refuse(Session &s, Stage stage, const std::string &recipient);
    void act(Session &s, Whim w);
    void send(Session &s, const std::string &text);
    void forget(Session &s); // the transaction
    void note(const Session &s, const std::string &text);

    ServerPlan plan_;
    Host &host_;
    Ledger &ledger_;
    Dice dice_;
    std::function<void(const struct stream *, nsec_t until)> vanish_;
    struct tcp_listener *listener_ = nullptr, *first_ = nullptr;
    std::list<Session> sessions_;
    nsec_t now_ = 0, up_at_ = 0, turns_at_ = UINT64_MAX;
};

} // namespace sim

#endif
