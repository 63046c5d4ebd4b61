// SPDX-License-Identifier: BSD-3-Clause
// A whole worker on a simulated wire and clock, and conversations with it that read as
// conversations:
//
//     C: MAIL FROM:<a@b>      the client says a line
//     S: 250 2.1.0 OK         ... and hears one that begins so (S* 250 a whole reply)
//     M: connect              the mailbox server (E: the external server) gets a connection
//     M< 220 ours             it says a line
//     M> RCPT TO:<c@d>        ... and hears one that is exactly so (M~ one that begins so,
//                             M= so far, without CRLF)
//     M: trace                it hears our Received lines
//     M: close | reset | gone it closes, resets, sees the connection go away
//     M: closed               ... or sees it closed, and not reset
//     M: stop reading         ... and reads no more until "read on"
//     M: mute                 nothing of its arrives here any more, until
//     M: sound                ... the last segment that was kept back does
//     M: silent               it hears nothing for a second (M: no connection: gets none)
//     M: refuse | listen      it refuses connections, accepts them again
//     C: connect [from ADDRESS] | close | reset | gone | silent
//     wait 240s               time passes
//
// D and T are a second client and what it hears. Lines end in CRLF on the wire; \r, \n, \0, \xHH
// are understood; "C+" and "M+" say text without adding CRLF.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/router.h"

namespace conversation
{

// One party of a conversation: a stream and what it has heard.
struct Party {
    struct stream *stream = nullptr;
    std::string heard;
    bool eof = false, down = false;
    bool reading = true;
};

class Fixture
{
  public:
    // `extra` is appended to the INI (or to its [memory], if it begins so), the others to their
    // sections; the default has example.com
    // split between M and E.
    explicit Fixture(const std::string &extra = "", const std::string &domain_extra = "",
                     const std::string &listener_extra = "");
    ~Fixture();

    // Run a script; on a mismatch returns the line and what happened instead, else "".
    std::string Run(const std::string &script);

    uint64_t Counter(enum relay_counter counter) const;
    std::vector<std::string> Log();  // lines since the last call
    void Keep(char letter, char as); // the party is called so from now on
    std::string Heard(char letter);  // what a party has got and no line has asked for
    void Pass(nsec_t time);          // let time pass
    // Everything has ended: no session, transaction, connection, record or buffer is left.
    std::string Leaks();
    // The first probe of the external server, answered; its connection has gone again afterwards.
    std::string Verify();

    // Somebody else has all packet memory but so many buffers, for a time.
    void Famine(uint32_t leave, nsec_t time);

    // What the worker does on worker_shutdown().
    void Shutdown();
    // ... and at the end of shutdown_timeout.
    void Abort();
    bool Finished() const; // nothing is left that a shutdown waits for
    // Mailboxes of the local side from now on, a local part a line.
    void Reload(const std::string &mailboxes);
    // The process dies without a word, and another one begins.
    void Crash(uint64_t seed);

    // For the callbacks of streams.
    void Accepted(char letter, struct stream *s);

  private:
    void Round();
    bool Settle(const std::function<bool()> &done);
    Party *Find(char letter);
    std::string Step(const std::string &line);
    std::string Act(char letter, const std::string &what);
    std::string Connect(char letter, const std::string &from);
    std::string Say(char letter, const std::string &text);
    void Mute(char letter);
    void Sound();
    std::string HearTrace(char letter);
    std::string HearReply(char letter, const std::string &code);
    std::string HearSoFar(char letter, const std::string &expected);
    std::string Hear(char letter, const std::string &expected, bool exactly);

    nsec_t now_ = NSEC_PER_SEC;
    sim::Files files_;
    std::unique_ptr<sim::Wire> wire_;
    std::unique_ptr<sim::Router> router_; // at one end of it
    std::unique_ptr<sim::Host> peer_;     // and at the other
    std::map<char, struct tcp_listener *> listener_;
    std::map<char, std::unique_ptr<Party>> party_;                // by letter: the current one
    std::map<char, std::deque<std::unique_ptr<Party>>> accepted_; // not yet taken by "connect"
    std::vector<std::unique_ptr<Party>> old_;
    sim::Bytes muted_; // the last frame of one that is mute
};

} // namespace conversation
