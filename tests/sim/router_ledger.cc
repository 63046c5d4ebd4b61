// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/router_ledger.h"

#include <algorithm>
#include <cstdlib>

namespace sim
{

namespace
{

// Behind our own line, which may be folded.
bool without_trace(const std::string &content, std::string *trace, std::string *rest)
{
    if (content.rfind("Received: from ", 0) != 0)
        return false;
    size_t at = 0;
    do {
        at = content.find("\r\n", at);
        if (at == std::string::npos)
            return false;
        at += 2;
    } while (at < content.size() && (content[at] == ' ' || content[at] == '\t'));
    *trace = content.substr(0, at);
    *rest = content.substr(at);
    return true;
}

std::string between(const std::string &text, const std::string &before, const std::string &ends)
{
    size_t at = text.find(before);
    if (at == std::string::npos)
        return "";
    at += before.size();
    return text.substr(at, text.find_first_of(ends, at) - at);
}

// Complaints about a destination that are no refusals of a message: the client must not hear them
// as such.
bool about_us(unsigned code)
{
    return (code >= 500 && code <= 504) || code == 530 || code == 535 || code == 538;
}

bool begins(const std::string &text, const std::string &with)
{
    return text.rfind(with, 0) == 0;
}

} // namespace

std::string unstuffed(const std::string &text)
{
    std::string out;
    for (size_t at = 0; at < text.size();) {
        size_t end = text.find("\r\n", at);
        end = end == std::string::npos ? text.size() : end + 2;
        if (text[at] == '.')
            at++;
        out.append(text, at, end - at);
        at = end;
    }
    return out;
}

std::string field(const std::string &line, const std::string &key)
{
    std::string value = between(line, " " + key + "=", " \n");
    if (!value.empty() && value[0] == '"')
        value = between(line, " " + key + "=\"", "\"");
    for (size_t at; (at = value.find("\\x")) != std::string::npos;)
        value.replace(at, 4, 1, char(strtoul(value.substr(at + 2, 2).c_str(), nullptr, 16)));
    return value;
}

Mail &Ledger::add(const Mail &mail)
{
    mails.push_back(mail);
    return mails.back();
}

Mail *Ledger::by_sender(const std::string &sender)
{
    for (Mail &m : mails)
        if (m.sender == sender)
            return &m;
    return nullptr;
}

std::string Ledger::refusal(char server, const std::string &sender, const std::string &recipient,
                            unsigned code)
{
    refusals_.push_back({server, code, sender, recipient});
    refusals++;
    return std::string("refusal ") + server + "#" + std::to_string(refusals_.size() - 1);
}

void Ledger::answered(const std::string &client, const std::string &sender,
                      const std::string &recipient, const std::string &reply)
{
    // What a client may not ask for now is no part of its transaction; and 421 may be no answer.
    if (!begins(reply, "421") && !begins(reply, "450 4.7.1") && !begins(reply, "452 4.3.1") &&
        !begins(reply, "451 4.3.2 Out"))
        answered_[{client, sender, recipient}]++;
}

void Ledger::taken(nsec_t now, char server, const std::string &sender,
                   const std::set<std::string> &recipients, const std::string &content)
{
    std::string where = std::string(" at ") + server + " from " + sender, trace, rest;
    deliveries++;
    const Mail *m = by_sender(sender);
    if (m == nullptr)
        return wrong("a message that nobody sent was delivered" + where);
    if (m->bare && !m->repair)
        return wrong("a message with a bare newline was delivered" + where);
    if (!without_trace(content, &trace, &rest))
        return wrong("a message was delivered without our Received line" + where);
    if (rest != m->meant)
        return wrong("a message was delivered altered: " + std::to_string(rest.size()) +
                     " bytes instead of " + std::to_string(m->meant.size()) + where);
    std::string only = between(trace, "for <", ">");
    if (!only.empty() && recipients != std::set<std::string>{only})
        return wrong("the Received line names " + only + ", and others got it, too" + where);
    for (const std::string &r : recipients) {
        auto to = std::find_if(m->to.begin(), m->to.end(),
                               [&](const Addressee &a) { return a.address == r; });
        if (to == m->to.end())
            return wrong(r + " was no recipient, and got it" + where);
        if (!at_home(server, to->owner))
            return wrong(r + " is not at home" + where);
        if (to->been)
            return wrong(r + " got a message that had come from there" + where);
    }
    taken_.push_back({now, server, m->id, between(trace, "id ", "\r\n;"), recipients, {}});
    if (on_taken)
        on_taken(*m, content, recipients);
}

Hearing &Ledger::hearing(const std::string &client, const Mail &mail)
{
    hearings_.push_back({client, mail.id, {}});
    return hearings_.back();
}

void Ledger::accept(Mail &mail, Hearing &hearing, const std::set<std::string> &recipients)
{
    hearing.accepted = recipients;
    for (Addressee &to : mail.to) {
        if (recipients.count(to.address) == 0)
            continue;
        to.fate = Fate::ACCEPTED;
        bool there = false;
        for (const Taken &t : taken_)
            there |=
                t.mail == mail.id && at_home(t.server, to.owner) && t.recipients.count(to.address);
        if (!there)
            wrong("a client was told that its message was accepted, and " + to.address +
                  " has not got it: " + mail.sender);
    }
}

bool Ledger::may_lack(const Addressee &to, const std::string &extension) const
{
    return std::any_of(lacking_.begin(), lacking_.end(), [&](const auto &l) {
        return at_home(l.first, to.owner) && (l.second == extension || l.second == "EHLO");
    });
}

// The router counts dots that are stuffed, and the destination our own line.
bool Ledger::may_be_too_big(const Mail &mail, const Addressee &to) const
{
    size_t size = mail.meant.size() + mail.meant.size() / 8 + 1000;
    return std::any_of(most_.begin(), most_.end(), [&](const auto &server) {
        return at_home(server.first, to.owner) && size > server.second;
    });
}

void Ledger::introduced(char server, const std::string &sender, const std::string &address)
{
    const Mail *m = by_sender(sender);
    bool good = sender.empty() ? address.empty() : m != nullptr && m->from.count(address) > 0;
    if (!good)
        wrong(std::string("a destination was told that <") + sender + "> is from \"" + address +
              "\": " + server);
}

void Ledger::bounce(Mail &mail, const std::string &recipient, const std::string &reply)
{
    auto to = std::find_if(mail.to.begin(), mail.to.end(),
                           [&](const Addressee &a) { return a.address == recipient; });
    to->fate = Fate::BOUNCED;
    std::string what = recipient + " of " + mail.sender + " bounced: " + reply;
    std::string number = between(reply, "refusal ", " \r\n");
    if (number.empty()) {
        // Our own refusals.
        bool ours = (to->owner == kNobody && begins(reply, "550 5.1.1")) ||
                    (to->owner == kNobody && begins(reply, "550 5.7.1")) ||
                    (mail.bare && (!mail.repair || mail.chunked) && begins(reply, "550 5.6.11")) ||
                    (mail.content.size() > max_size / 8 * 7 && begins(reply, "552 5.3.4")) ||
                    (may_be_too_big(mail, *to) && begins(reply, "550 5.3.4")) ||
                    (mail.eightbit && may_lack(*to, "8BITMIME") && begins(reply, "550 5.6.3")) ||
                    (to->been && begins(reply, "554 5.4.6")) ||
                    (mail.binary && may_lack(*to, "BINARYMIME") && begins(reply, "550 5.6.3")) ||
                    (mail.utf8 && may_lack(*to, "SMTPUTF8") && begins(reply, "550 5.6.7")) ||
                    (mail.notify.find("SUCCESS") != std::string::npos && may_lack(*to, "DSN") &&
                     begins(reply, "550 5.3.3"));
        if (!ours)
            wrong(what + ", which no destination said");
        return;
    }
    const Refusal &r = refusals_.at(strtoul(number.c_str() + 2, nullptr, 10));
    if (!at_home(r.server, to->owner))
        wrong(what + ", which was another destination's word");
    else if (r.sender != mail.sender || (!r.recipient.empty() && r.recipient != recipient))
        wrong(what + ", which was meant for " + r.sender + " to " + r.recipient);
    else if (r.code < 500 || about_us(r.code))
        wrong(what + ", but that destination said " + std::to_string(r.code));
}

void Ledger::log(const std::string &line)
{
    note(0, "log " + line);
    std::string txn = field(line, "txn"), to = field(line, "to");
    if (txn.empty())
        return;
    lines_[{field(line, "client"), field(line, "from"), to}]++;
    if (!log_.emplace(std::pair(txn, to),
                      Entry{field(line, "status"), field(line, "client"), field(line, "from")})
             .second)
        wrong("the log has " + to + " of " + txn + " twice");
}

// Can the destination have got it, by what the log says and the client knows?
Ledger::Outcome Ledger::judge_taken(const Taken &t, const std::string &recipient)
{
    std::string what = recipient + " of message " + std::to_string(t.mail) + " in " + t.transaction;
    auto entry = log_.find({t.transaction, recipient});
    if (entry == log_.end()) {
        if (killed_.count(t.transaction.substr(0, process_.size())) == 0)
            wrong(what + " was delivered, and is not in the log");
        lost_in_crash++;
        return Outcome::LOST;
    }
    if (entry->second.status == "in-doubt") {
        doubts++;
        return Outcome::DOUBT;
    }
    bool remembered = entry->second.status == "remembered"; // another destination was the trouble
    if (entry->second.status != "delivered" && !remembered) {
        wrong(what + " was delivered, and the log says " + entry->second.status);
        return Outcome::LOST;
    }
    bool asked = false, silence = false; // ports come again, so there may be several
    for (const Hearing &h : hearings_) {
        if (h.client != entry->second.client || h.mail != t.mail)
            continue;
        if (h.accepted.count(recipient) && !remembered) {
            if (++seen_[{t.mail, recipient}] > 1)
                wrong(what + " was delivered again, and its client knew that it had been");
            return Outcome::KNOWN;
        }
        asked |= h.accepted.count(recipient) == 0;
        silence |= !h.answered;
    }
    if (remembered)
        partial_.insert(t.transaction);
    else
        orphans++; // the client was not there any more
    if (!asked)
        wrong(what + " was delivered, and no client asked for it");
    else if (!silence && !remembered)
        wrong(what + " was delivered, and its client was told something else");
    return remembered ? Outcome::REMEMBERED : Outcome::ORPHAN;
}

// Can the router know nothing any more of what it had delivered?
bool Ledger::may_be_forgotten(const Taken &first, const Taken &again, const std::string &recipient)
{
    auto process = [&](const Taken &t) { return t.transaction.substr(0, process_.size() + 6); };
    if (process(first) != process(again) || again.when >= first.when + memo_ttl)
        return true;
    // Its client's TCP had the answer, and the client had left.
    return std::any_of(log_.begin(), log_.end(), [&](const auto &line) {
        const Entry &e = line.second;
        if (line.first.second != recipient || e.status != "suppressed")
            return false;
        const Mail *m = by_sender(e.sender);
        return m != nullptr && m->id == first.mail &&
               std::any_of(hearings_.begin(), hearings_.end(), [&](const Hearing &h) {
                   return h.client == e.client && h.mail == m->id && !h.answered;
               });
    });
}

// Does it have a recipient that the destination is not known to have the message for?
bool Ledger::is_changed(size_t again)
{
    const Taken &b = taken_[again];
    return std::any_of(b.recipients.begin(), b.recipients.end(), [&](const std::string &r) {
        Outcome last = Outcome::LOST;
        for (size_t k = 0; k < again; k++) {
            const Taken &a = taken_[k];
            auto outcome = a.outcome.find(r);
            if (a.server == b.server && a.mail == b.mail && outcome != a.outcome.end())
                last = may_be_forgotten(a, b, r) ? Outcome::LOST : outcome->second;
        }
        return last != Outcome::REMEMBERED;
    });
}

// A message that was remembered is delivered again: why?
void Ledger::judge_repeat(size_t first, size_t again, const std::string &recipient)
{
    const Taken &a = taken_[first], &b = taken_[again];
    const Mail &m = *std::find_if(mails.begin(), mails.end(),
                                  [&](const Mail &mail) { return mail.id == a.mail; });
    if (m.content.find("Message-ID:") == std::string::npos || may_be_forgotten(a, b, recipient))
        missed++;
    else if (is_changed(again))
        changed++;
    else
        wrong(recipient + " of message " + std::to_string(a.mail) + " was delivered in " +
              a.transaction + " and, though that was remembered, in " + b.transaction);
}

void Ledger::judge_repeats(const std::function<uint64_t(enum relay_counter)> &counter)
{
    if (counter(RELAY_MEMO_FULL) > 0)
        return;
    for (size_t k = 0; k < taken_.size(); k++)
        for (const auto &[recipient, outcome] : taken_[k].outcome)
            for (size_t again = k + 1; outcome == Outcome::REMEMBERED && again < taken_.size();
                 again++)
                if (taken_[again].server == taken_[k].server &&
                    taken_[again].mail == taken_[k].mail &&
                    taken_[again].recipients.count(recipient) > 0)
                    judge_repeat(k, again, recipient);
    if (changed > 0 && counter(RELAY_LEGS_REPEATED) == 0)
        wrong("a retry that had changed was delivered again, and nothing counts it");
}

// One line for each recipient and transaction.
void Ledger::judge_lines()
{
    for (const auto &[key, count] : lines_)
        if (count > asked_[key])
            wrong("the log has " + std::to_string(count) + " lines of " + key.sender + " to " +
                  key.recipient + " from " + key.client + ", who asked for it " +
                  std::to_string(asked_[key]) + " times");
    for (const auto &[key, count] : answered_)
        if (killed_.empty() && lines_[key] < count)
            wrong("the log has " + std::to_string(lines_[key]) + " lines of " + key.sender +
                  " to " + key.recipient + " from " + key.client + ", who heard of it " +
                  std::to_string(count) + " times");
}

void Ledger::judge_log()
{
    std::set<std::pair<std::string, std::string>> got;
    for (const Taken &t : taken_)
        for (const std::string &r : t.recipients)
            got.insert({t.transaction, r});
    for (const auto &[key, entry] : log_) {
        if (entry.status == "delivered" && got.count(key) == 0)
            wrong("the log says that " + key.second + " of " + key.first + " was delivered");
        if (entry.status != "suppressed")
            continue;
        suppressed++;
        const Mail *m = by_sender(entry.sender);
        bool there =
            std::any_of(taken_.begin(), taken_.end(), [&, to = key.second](const Taken &t) {
                return m != nullptr && t.mail == m->id && t.recipients.count(to) > 0;
            });
        if (!there)
            wrong(key.second + " of " + key.first + " was suppressed, and was never delivered");
    }
}

void Ledger::judge(const std::function<uint64_t(enum relay_counter)> &counter)
{
    uint64_t in_doubt = counter(RELAY_MESSAGES_IN_DOUBT), in_part = counter(RELAY_MESSAGES_PARTIAL);
    std::set<std::string> doubted;
    for (Taken &t : taken_)
        for (const std::string &r : t.recipients) {
            t.outcome[r] = judge_taken(t, r);
            if (t.outcome[r] == Outcome::DOUBT)
                doubted.insert(t.transaction);
        }
    judge_log();
    judge_lines();
    judge_repeats(counter);
    if (doubted.size() > in_doubt)
        wrong(std::to_string(doubted.size()) + " messages are in doubt, and " +
              std::to_string(in_doubt) + " were counted");
    // A message that is in part with its destinations and in part in doubt is counted as both.
    if (partial_.size() > in_part)
        wrong(std::to_string(partial_.size()) + " messages were accepted in part, and " +
              std::to_string(in_part) + " were counted");
    for (const Mail &m : mails)
        for (const Addressee &to : m.to)
            if (to.fate == Fate::PENDING)
                wrong(to.address + " of " + m.sender + " was never delivered, nor refused");
}

void Ledger::note(nsec_t now, const std::string &text)
{
    char when[32] = "";
    if (now > 0)
        snprintf(when, sizeof(when), "%12.6f ", double(now) / 1e9);
    story_.push_back(when + text);
    if (story_.size() > remembered_)
        story_.pop_front();
}

std::string Ledger::story() const
{
    std::string all;
    for (const std::string &line : story_)
        all += line + "\n";
    return all;
}

} // namespace sim
