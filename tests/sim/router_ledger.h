// SPDX-License-Identifier: BSD-3-Clause
// Somebody who sees everything: what clients sent and heard, what destinations took and refused,
// what the router's log says of it; and judges whether that can be.
#ifndef SPLITMX_TESTS_SIM_ROUTER_LEDGER_H
#define SPLITMX_TESTS_SIM_ROUTER_LEDGER_H

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

extern "C" {
#include "app/relay/relay.h"
#include "drivers/base/timer.h"
}

namespace sim
{

// A destination is known by a letter; this one is nobody's.
constexpr char kNobody = '-';
// A mailbox that moves between the two sides of its domain.
constexpr char kEither = '*';

enum class Fate {
    PENDING,  // its client keeps it
    ACCEPTED, // its client was told so
    BOUNCED,  // likewise
};

struct Addressee {
    std::string address;
    char owner; // the destination that has the mailbox
    Fate fate = Fate::PENDING;
    bool been = false; // the message comes from there: it must not get there again
};

struct Mail {
    unsigned id;
    std::string sender; // no two messages have the same
    std::vector<Addressee> to;
    std::set<std::string> from; // addresses that its client says to have
    std::string content;        // without dots stuffed
    std::string meant;          // what destinations get: with CRLF where a newline was bare
    bool eightbit = false;
    bool utf8 = false;      // needs SMTPUTF8
    std::string notify;     // NOTIFY= of each recipient, where the router takes it; "": none
    bool bare = false;      // there is a bare CR or LF in it
    bool raw = false;       // its client stuffs no dots: `content` is what it sends
    bool repair = false;    // what is bare is repaired, where it comes by DATA; else nobody gets it
    bool chunked = false;   // it came by BDAT, at least once
    bool binary = false;    // BODY=BINARYMIME: any octets
    bool forwarded = false; // a destination sends on what it has got, with all its trace
};

// What a client knows when a connection of its own is done with a message.
struct Hearing {
    std::string client; // its address and port
    unsigned mail;
    std::set<std::string> accepted; // told so, at the end of data
    bool answered = false;          // the end of data was answered
};

class Ledger
{
  public:
    explicit Ledger(size_t remembered) : remembered_(remembered)
    {
    }
    Mail &add(const Mail &mail);

    // A destination refuses: for good or not, the sender's message, or one recipient of it.
    // Returns the words that tell this refusal from all others.
    std::string refusal(char server, const std::string &sender, const std::string &recipient,
                        unsigned code);
    // A destination has taken a message: from now on it is its own.
    void taken(nsec_t now, char server, const std::string &sender,
               const std::set<std::string> &recipients, const std::string &content);
    // A client asks for a recipient in a transaction; it hears what comes of that.
    void asked(const std::string &client, const std::string &sender, const std::string &recipient)
    {
        asked_[{client, sender, recipient}]++;
    }
    void answered(const std::string &client, const std::string &sender,
                  const std::string &recipient, const std::string &reply);
    // A client begins to send it on a connection; what it hears goes into the result.
    Hearing &hearing(const std::string &client, const Mail &mail);
    // It hears a 2xx, or a 5xx, for these recipients.
    void accept(Mail &mail, Hearing &hearing, const std::set<std::string> &recipients);
    void bounce(Mail &mail, const std::string &recipient, const std::string &reply);
    // A line of the router's log.
    void log(const std::string &line);
    // A process of the router begins, so that any before is no more, and what it knew is lost. Its
    // transactions' ids begin so.
    void started(const std::string &prefix)
    {
        process_ = prefix;
    }
    // It was killed: what it had not written down, nobody knows.
    void killed()
    {
        killed_.insert(process_);
    }
    // A server offered less than this from now on: shortfalls are no wonder.
    void lacks(char server, const std::string &extension)
    {
        lacking_.insert({server, extension});
    }
    // A server takes no more octets than this.
    void takes_at_most(char server, size_t octets)
    {
        most_[server] = octets;
    }
    // What the sender's message asks of each recipient's system.
    std::string notify(const std::string &sender)
    {
        const Mail *m = by_sender(sender);
        return m == nullptr || !dsn ? "" : m->notify;
    }
    bool is_binary(const std::string &sender)
    {
        const Mail *m = by_sender(sender);
        return m != nullptr && m->binary;
    }
    // A destination was told of this client's address ("": of none) before the sender's MAIL.
    void introduced(char server, const std::string &sender, const std::string &address);

    // The first thing that cannot be.
    void wrong(const std::string &what)
    {
        if (fault_.empty())
            fault_ = what;
    }
    const std::string &fault() const
    {
        return fault_;
    }
    // All is over, and the router's counters stand at these.
    void judge(const std::function<uint64_t(enum relay_counter)> &counter);

    // For people.
    void note(nsec_t now, const std::string &text);
    std::string story() const;

    // A destination has taken this of it, for these.
    std::function<void(const Mail &mail, const std::string &content,
                       const std::set<std::string> &recipients)>
        on_taken;
    std::deque<Mail> mails;
    size_t max_size = SIZE_MAX;       // that the router takes
    bool dsn = false;                 // it offers DSN
    bool lagging = false;             // it knows that mailboxes have moved, their systems may not
    nsec_t memo_ttl = 0;              // of the router
    uint64_t changed = 0, missed = 0; // deliveries repeated: a changed retry, nothing remembered
    uint64_t suppressed = 0;          // left out, because the destination has it
    uint64_t deliveries = 0, doubts = 0, orphans = 0, lost_in_crash = 0, refusals = 0;

    uint64_t partial() const
    {
        return partial_.size();
    }

  private:
    struct Refusal {
        char server;
        unsigned code;
        std::string sender, recipient; // "": all of the message
    };
    // What the router made of it, and its client knows of it.
    enum class Outcome { LOST, DOUBT, REMEMBERED, ORPHAN, KNOWN };
    struct Taken {
        nsec_t when;
        char server;
        unsigned mail;
        std::string transaction;
        std::set<std::string> recipients;
        std::map<std::string, Outcome> outcome; // by recipient
    };
    struct Asked {
        std::string client, sender, recipient;
        bool operator<(const Asked &o) const
        {
            return std::tie(client, sender, recipient) < std::tie(o.client, o.sender, o.recipient);
        }
    };
    struct Entry {
        std::string status, client, sender;
    };
    Mail *by_sender(const std::string &sender);
    Outcome judge_taken(const Taken &t, const std::string &recipient);
    void judge_log();
    void judge_lines();
    void judge_repeats(const std::function<uint64_t(enum relay_counter)> &counter);
    bool may_be_forgotten(const Taken &first, const Taken &again, const std::string &recipient);
    bool is_changed(size_t again);
    void judge_repeat(size_t first, size_t again, const std::string &recipient);
    bool may_lack(const Addressee &to, const std::string &extension) const;
    bool may_be_too_big(const Mail &mail, const Addressee &to) const;

    size_t remembered_;
    std::deque<std::string> story_;
    std::string fault_;
    std::vector<Refusal> refusals_;
    std::vector<Taken> taken_;
    std::deque<Hearing> hearings_;
    std::map<std::pair<std::string, std::string>, Entry> log_;  // by transaction and recipient
    std::map<std::pair<unsigned, std::string>, unsigned> seen_; // deliveries that a client knows of
    std::map<Asked, unsigned> asked_, answered_, lines_;
    std::set<std::pair<char, std::string>> lacking_;
    std::map<char, size_t> most_;
    std::string process_;
    std::set<std::string> killed_;
    std::set<std::string> partial_; // transactions
};

// May the destination have something for this owner?
inline bool at_home(char server, char owner)
{
    return server == owner || (owner == kEither && (server == 'M' || server == 'E'));
}

// Without the dots that stood for transparency (RFC 5321 §4.5.2).
std::string unstuffed(const std::string &text);

// The value of a field of a logfmt line, "" if there is none.
std::string field(const std::string &line, const std::string &key);

} // namespace sim

#endif
