// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/router_server.h"

#include <algorithm>

#include "tests/sim/router_names.h"

extern "C" {
#include "app/smtp/proxy.h"
}

namespace sim
{

namespace
{

constexpr nsec_t kTarpitLeast = 20 * NSEC_PER_SEC, kTarpitMost = 540 * NSEC_PER_SEC;

std::string path_of(const std::string &line)
{
    size_t from = line.find('<'), to = line.find('>');
    return from == std::string::npos || to == std::string::npos
               ? ""
               : line.substr(from + 1, to - from - 1);
}

bool has_bare_newline(const std::string &text)
{
    for (size_t k = 0; k < text.size(); k++) {
        if (text[k] == '\n' && (k == 0 || text[k - 1] != '\r'))
            return true;
        if (text[k] == '\r' && (k + 1 == text.size() || text[k + 1] != '\n'))
            return true;
    }
    return false;
}

} // namespace

Server::Server(const ServerPlan &plan, Host &host, Ledger &ledger, uint64_t seed,
               std::function<void(const struct stream *, nsec_t until)> vanish)
    : plan_(plan), host_(host), ledger_(ledger), dice_{std::mt19937_64(seed)},
      vanish_(std::move(vanish))
{
    for (auto [has, extension] : {std::pair(!plan.hello_only, "EHLO"),
                                  {plan.eightbit, "8BITMIME"},
                                  {plan.utf8, "SMTPUTF8"},
                                  {plan.dsn, "DSN"},
                                  {plan.binary, "BINARYMIME"}})
        if (!has)
            ledger.lacks(plan.letter, extension);
    ledger.takes_at_most(plan.letter, plan.limit);
    listener_ = listen(25);
    if (plan.first == ServerPlan::First::COMES_AND_GOES)
        turns_at_ = 0;
}

namespace
{
void stop_listening(struct tcp_listener *&listener)
{
    if (listener != nullptr)
        tcp_listen_close(listener);
    listener = nullptr;
}
} // namespace

Server::~Server()
{
    stop_listening(listener_);
    stop_listening(first_);
}

struct tcp_listener *Server::listen(uint16_t port)
{
    struct endpoint local = {Host::parse(plan_.address), port};
    struct tcp_listener *listener = tcp_listen(host_.tcp, &local, accept, this);
    if (listener == nullptr)
        ledger_.wrong("a destination cannot listen");
    return listener;
}

// The one that is asked first, beside this one: it ends with its connections, or only takes no new
// ones, until it is there again.
void Server::come_or_go()
{
    bool comes = first_ == nullptr;
    ledger_.note(now_, std::string(1, plan_.letter) + (comes ? "'s first comes" : "'s first goes"));
    turns_at_ =
        comes && now_ >= plan_.good_from ? UINT64_MAX : now_ + dice_.between(1, 300) * NSEC_PER_SEC;
    if (comes) {
        first_ = listen(kFirstPort);
        return;
    }
    stop_listening(first_);
    if (dice_.one_in(2))
        return;
    for (Session &s : sessions_) {
        if (s.talk.stream == nullptr || s.talk.stream->local.port != kFirstPort)
            continue;
        s.talk.reset();
        s.over = true;
    }
}

void Server::accept(struct stream *stream, void *user)
{
    Server *self = static_cast<Server *>(user);
    self->sessions_.emplace_back();
    Session &s = self->sessions_.back();
    s.talk.attach(stream);
    s.active = self->now_;
    s.header = self->plan_.identity == ServerPlan::Identity::PROXY;
    if (!s.header)
        self->answer(s, Stage::BANNER, "220 ready");
}

// True: it has come.
bool Server::hear_header(Session &s)
{
    struct proxy_header header;
    const uint8_t *data = reinterpret_cast<const uint8_t *>(s.talk.heard.data());
    switch (proxy_parse(data, s.talk.heard.size(), &header)) {
    case PROXY_MORE:
        return false;
    case PROXY_BAD:
        ledger_.wrong("a destination heard something else than a PROXY header");
        return false;
    case PROXY_COMPLETE:
        break;
    }
    char text[ADDR_TEXT_SIZE];
    if (header.relayed)
        s.identity = ip_addr_format(&header.client.addr, text);
    s.talk.heard.erase(0, header.len);
    s.header = false;
    note(s, "is told of " + s.identity);
    answer(s, Stage::BANNER, "220 ready");
    return true;
}

// XCLIENT and XFORWARD
void Server::hear_identity(Session &s, const std::string &line)
{
    size_t at = line.find(" ADDR=");
    s.identity =
        at == std::string::npos ? "" : line.substr(at + 6, line.find(' ', at + 6) - at - 6);
    if (s.identity.rfind("IPV6:", 0) == 0)
        s.identity.erase(0, 5);
    if (s.identity.empty())
        ledger_.wrong("a destination is told of nobody: " + line);
    answer(s, Stage::COUNT, line[1] == 'C' ? "220 ready" : "250 2.0.0 fine");
}

void Server::note(const Session &s, const std::string &text)
{
    unsigned port = s.talk.stream == nullptr ? 0 : s.talk.stream->peer.port;
    ledger_.note(now_, std::string(1, plan_.letter) + " " + std::to_string(port) + " " + text);
}

void Server::crash(nsec_t lasts, bool silently)
{
    ledger_.note(now_, std::string(1, plan_.letter) + (silently ? " dies" : " crashes"));
    for (Session &s : sessions_) {
        if (silently && s.talk.stream != nullptr)
            vanish_(s.talk.stream, now_ + lasts);
        s.talk.reset();
        s.over = true;
    }
    if (silently)
        vanish_(nullptr, now_ + lasts);
    else {
        stop_listening(listener_);
        stop_listening(first_);
    }
    up_at_ = now_ + lasts;
    if (plan_.first == ServerPlan::First::COMES_AND_GOES)
        turns_at_ = std::max(turns_at_ == UINT64_MAX ? 0 : turns_at_, up_at_);
}

void Server::change_address()
{
    std::swap(plan_.address, plan_.second);
    ledger_.note(now_, std::string(1, plan_.letter) + " changes to " + plan_.address);
    if (listener_ != nullptr) {
        stop_listening(listener_);
        listener_ = listen(25);
    }
    if (first_ != nullptr) {
        stop_listening(first_);
        first_ = listen(kFirstPort);
    }
    for (Session &s : sessions_) { // of the old one
        if (dice_.one_in(2))
            continue;
        s.talk.reset();
        s.over = true;
    }
    name_is_at(plan_.name, plan_.address);
}

void Server::tick(nsec_t now)
{
    now_ = now;
    if (listener_ == nullptr && now >= up_at_)
        listener_ = listen(25);
    if (now >= turns_at_)
        come_or_go();
    for (Session &s : sessions_)
        if (!s.over)
            work(s);
    sessions_.remove_if([](const Session &s) { return s.over; });
}

nsec_t Server::next() const
{
    nsec_t when = std::min(listener_ == nullptr ? up_at_ : UINT64_MAX, turns_at_);
    for (const Session &s : sessions_) {
        if (s.deaf > now_ || s.busy > now_)
            when = std::min(when, std::max(s.deaf, s.busy));
        else if (!s.stalled)
            when = std::min(when, s.active + plan_.idle);
    }
    return when;
}

// Say what was thought of, hear what has come meanwhile.
void Server::work(Session &s)
{
    if (s.deaf > now_)
        return;
    if (s.talk.stream != nullptr && !s.talk.reading) {
        s.talk.reading = true;
        Talk::handle(s.talk.stream, 0, &s.talk);
    }
    if (!s.talk.heard.empty())
        s.active = now_;
    while (!s.over && s.busy <= now_ && !s.stalled && s.deaf <= now_) {
        if (!s.reply.empty() || s.after != Whim::NONE) {
            Whim then = s.after;
            std::string text = std::move(s.reply);
            s.reply.clear();
            s.after = Whim::NONE;
            if (s.takes_then && !s.talk.gone())
                take(s);
            if (!text.empty())
                send(s, text);
            act(s, then);
            continue;
        }
        if (s.header) {
            if (!hear_header(s))
                break;
            continue;
        }
        std::string line;
        bool ours = s.chunk > 0 || s.last ? hear_chunk(s)
                    : s.content           ? hear_content(s)
                                          : s.talk.line(&line);
        if (!ours)
            break;
        if (!line.empty() || !s.content)
            hear(s, line);
    }
    s.talk.push();
    if (s.over)
        return;
    bool idle = now_ >= s.active + plan_.idle && s.busy <= now_ && !s.stalled;
    if (s.talk.stream == nullptr || stream_is_down(s.talk.stream) ||
        (s.talk.stream->eof && (s.busy <= now_ || s.stalled))) {
        s.talk.close();
        s.over = true;
    } else if (idle) {
        note(s, "is tired of waiting");
        act(s, dice_.one_in(3) ? Whim::RESET : dice_.one_in(2) ? Whim::CLOSE : Whim::UNAVAILABLE);
    }
}

void Server::hear(Session &s, const std::string &line)
{
    if (s.over || s.content || line.empty())
        return;
    note(s, "< " + line);
    std::string verb = line.substr(0, 4);
    if (!plan_.pipelining && !s.talk.heard.empty() && verb != "BDAT")
        ledger_.wrong("a command was pipelined to a destination that does not offer it: " + line);
    if (verb == "EHLO" && plan_.hello_only) {
        answer(s, Stage::COUNT, "502 5.5.1 what");
    } else if (verb == "EHLO" || verb == "HELO") {
        forget(s);
        s.plain = verb == "HELO";
        std::string text;
        if (verb == "EHLO") {
            text = "250-" + std::string(1, plan_.letter) + "\r\n";
            text += plan_.pipelining ? "250-PIPELINING\r\n" : "";
            text += plan_.eightbit ? "250-8BITMIME\r\n" : "";
            text += plan_.size ? "250-SIZE " + std::to_string(plan_.limit) + "\r\n" : "";
            text += plan_.utf8 ? "250-SMTPUTF8\r\n" : "";
            text += plan_.dsn ? "250-DSN\r\n" : "";
            text += plan_.chunking ? "250-CHUNKING\r\n" : "";
            text += plan_.binary ? "250-BINARYMIME\r\n" : "";
            if (plan_.most_recipients > 0)
                text += "250-LIMITS RCPTMAX=" + std::to_string(plan_.most_recipients) +
                        " MAILMAX=" + std::to_string(plan_.most_messages) + "\r\n";
            bool known = !s.identity.empty();
            if (plan_.identity == ServerPlan::Identity::XCLIENT && !known)
                text += "250-XCLIENT NAME ADDR PROTO HELO PORT\r\n";
            if (plan_.identity == ServerPlan::Identity::XFORWARD)
                text += "250-XFORWARD NAME ADDR PORT PROTO HELO\r\n";
        }
        answer(s, Stage::HELLO, text + "250 HELP");
    } else if ((verb == "XCLI" && plan_.identity == ServerPlan::Identity::XCLIENT) ||
               (verb == "XFOR" && plan_.identity == ServerPlan::Identity::XFORWARD)) {
        hear_identity(s, line);
    } else if (verb == "MAIL") {
        hear_mail(s, line);
    } else if (verb == "RCPT") {
        hear_rcpt(s, line);
    } else if (verb == "DATA") {
        hear_data(s);
    } else if (verb == "BDAT" && plan_.chunking && !s.plain) {
        hear_bdat(s, line);
    } else if (verb == "RSET") {
        forget(s);
        answer(s, Stage::COUNT, "250 2.0.0 forgotten");
    } else if (verb == "QUIT") {
        send(s, "221 2.0.0 bye");
        s.talk.close();
        s.over = true;
    } else {
        ledger_.wrong("a destination heard: " + line);
    }
}

void Server::hear_mail(Session &s, const std::string &line)
{
    if (s.mail)
        ledger_.wrong("MAIL within a transaction");
    for (auto [parameter, known] : {std::pair(" SIZE=", plan_.size),
                                    {" BODY=8BITMIME", plan_.eightbit},
                                    {" BODY=BINARYMIME", plan_.binary},
                                    {" SMTPUTF8", plan_.utf8},
                                    {" RET=", plan_.dsn},
                                    {" ENVID=", plan_.dsn}})
        if (line.find(parameter) != std::string::npos && (s.plain || !known))
            ledger_.wrong("a parameter that the destination does not know: " + line);
    bool ascii = std::all_of(line.begin(), line.end(), [](char ch) { return (ch & 0x80) == 0; });
    if (!ascii && line.find(" SMTPUTF8") == std::string::npos)
        ledger_.wrong("an address beyond ASCII without SMTPUTF8: " + line);
    s.asked = 0;
    if (++s.messages > plan_.most_messages && plan_.most_messages > 0 && !s.plain)
        ledger_.wrong("one message more than MAILMAX: " + line);
    size_t size = line.find(" SIZE=");
    if (size != std::string::npos && strtoul(&line[size + 6], nullptr, 10) > plan_.limit)
        ledger_.wrong("a message that is too big for it was offered to a destination: " + line);
    forget(s);
    s.sender = path_of(line);
    bool deaf = s.plain || plan_.hello_only ||
                (plan_.identity == ServerPlan::Identity::XFORWARD && !plan_.pipelining);
    if (plan_.identity != ServerPlan::Identity::NONE && !deaf)
        ledger_.introduced(plan_.letter, s.sender, s.identity);
    if (plan_.identity == ServerPlan::Identity::XFORWARD)
        s.identity.clear(); // it holds for one message
    s.mail = true;
    answer(s, Stage::MAIL, "250 2.1.0 fine");
}

void Server::hear_rcpt(Session &s, const std::string &line)
{
    std::string to = path_of(line);
    if (!s.mail) {
        answer(s, Stage::COUNT, "503 5.5.1 MAIL first");
        return;
    }
    if (++s.asked > plan_.most_recipients && plan_.most_recipients > 0 && !s.plain)
        ledger_.wrong("one recipient more than RCPTMAX: " + line);
    size_t at = line.find(" NOTIFY=");
    std::string notify =
        at == std::string::npos ? "" : line.substr(at + 8, line.find(' ', at + 8) - at - 8);
    if (s.plain || !plan_.dsn ? !notify.empty() : notify != ledger_.notify(s.sender))
        ledger_.wrong("NOTIFY was not passed on as it came: " + line);
    if (plan_.mailboxes.count(to) == 0) {
        ledger_.wrong(to + " is not at home at " + plan_.letter);
        return;
    }
    if (ledger_.lagging && plan_.late.count(to) > 0 && now_ < plan_.good_from && dice_.one_in(3)) {
        answer(s, Stage::COUNT, "550 5.1.1 never heard of"); // nobody may bounce for that
        return;
    }
    s.to.insert(to);
    answer(s, Stage::RCPT, "250 2.1.5 fine", to);
}

void Server::hear_data(Session &s)
{
    if (!s.mail || s.to.empty()) {
        answer(s, Stage::COUNT, s.mail ? "554 5.5.1 no recipients" : "503 5.5.1 MAIL first");
        return;
    }
    if (ledger_.is_binary(s.sender))
        ledger_.wrong("binary content goes by DATA");
    s.body.clear();
    s.speaks_at = SIZE_MAX;
    s.content = true;
    answer(s, Stage::DATA, "354 go ahead");
    if (s.content && plan_.whims > 0 && now_ < plan_.good_from && dice_.one_in(plan_.whims))
        s.speaks_at = dice_.upto(dice_.one_in(2) ? 500 : 20000);
}

// True: the end was among it.
bool Server::hear_content(Session &s)
{
    if (s.talk.heard.empty())
        return false;
    size_t before = s.body.size();
    s.body += s.talk.heard;
    s.talk.heard.clear();
    size_t end =
        s.body.rfind(".\r\n", 0) == 0 ? 0 : s.body.find("\r\n.\r\n", before < 4 ? 0 : before - 4);
    bool ended = end != std::string::npos;
    if (!ended && s.body.size() >= s.speaks_at && !s.spoke) {
        s.speaks_at = SIZE_MAX;
        if (dice_.one_in(4)) {
            s.talk.reading = false;
            s.deaf = now_ + dice_.between(1, 200) * NSEC_PER_SEC;
            note(s, "stops reading");
        } else {
            answer(s, Stage::BODY, "");
        }
        return false;
    }
    if (!ended)
        return false;
    size_t content = s.body.rfind(".\r\n", 0) == 0 ? 0 : end + 2;
    s.talk.heard = s.body.substr(content + 3);
    s.body.erase(content);
    hear_end(s);
    return true;
}

// RFC 3030: what is refused is swallowed.
void Server::hear_bdat(Session &s, const std::string &line)
{
    char *end;
    s.chunk = strtoul(line.c_str() + 5, &end, 10);
    s.last = std::string(end) == " LAST";
    s.chunked = true;
    s.spoilt |= !s.mail || s.to.empty();
    if (s.chunk == 0 && !s.last)
        ledger_.wrong("a chunk of nothing, and not the last: " + line);
    bool moody = plan_.whims > 0 && now_ < plan_.good_from && dice_.one_in(plan_.whims);
    if (s.chunk > 0 && !s.spoilt && moody)
        answer(s, Stage::BODY, ""); // before it is there
}

// True: it is over.
bool Server::hear_chunk(Session &s)
{
    size_t n = std::min(s.chunk, s.talk.heard.size());
    s.body.append(s.talk.heard, 0, n);
    s.talk.heard.erase(0, n);
    s.chunk -= n;
    if (s.chunk > 0)
        return false;
    if (!plan_.pipelining && !s.talk.heard.empty() && !s.spoke)
        ledger_.wrong("something was pipelined behind a chunk");
    bool last = s.last;
    s.last = false;
    if (s.spoke) {
        s.spoilt = true;
        s.spoke = false;
    } else if (s.spoilt) {
        answer(s, Stage::COUNT, "503 5.5.1 not after that");
        if (last)
            forget(s);
    } else if (last) {
        hear_end(s);
    } else {
        answer(s, Stage::DATA, "250 2.0.0 so far");
    }
    return true;
}

void Server::hear_end(Session &s)
{
    s.content = false;
    note(s, "< (" + std::to_string(s.body.size()) + " bytes and " +
                (s.chunked ? "the last chunk)" : "a dot)"));
    if ((!s.chunked || !ledger_.is_binary(s.sender)) && has_bare_newline(s.body))
        ledger_.wrong("a bare newline was passed on");
    if (s.spoke) { // that was the answer
        forget(s);
        return;
    }
    bool hated = plan_.hates > 0 && strtoul(s.sender.c_str() + 1, nullptr, 10) % plan_.hates == 1;
    if (hated) {
        s.reply = "554 5.7.1 " + ledger_.refusal(plan_.letter, s.sender, "", 554) + "\r\n";
        forget(s);
        return;
    }
    if (s.body.size() > plan_.limit) {
        s.reply = "552 5.3.4 " + ledger_.refusal(plan_.letter, s.sender, "", 552) + "\r\n";
        forget(s);
        return;
    }
    Whim w = whim(Stage::DOT);
    if (w != Whim::NONE && w != Whim::TARPIT) {
        answer(s, Stage::DOT, "");
        return;
    }
    // It is taken at once, or when it has been thought over; and then the answer may get lost.
    s.takes_then = w == Whim::TARPIT && dice_.one_in(2);
    if (!s.takes_then)
        take(s);
    answer(s, Stage::TAKEN, "250 2.0.0 taken");
    if (w == Whim::TARPIT) {
        s.busy = now_ + dice_.between(kTarpitLeast, kTarpitMost);
        note(s, "is a tarpit");
        tarpits[size_t(Stage::DOT)]++;
    }
}

void Server::take(Session &s)
{
    s.takes_then = false;
    note(s, "takes it");
    ledger_.taken(now_, plan_.letter, s.sender, s.to, s.chunked ? s.body : unstuffed(s.body));
    forget(s);
}

void Server::forget(Session &s)
{
    s.mail = s.takes_then = s.spoke = s.chunked = s.spoilt = false;
    s.to.clear();
    s.body.clear();
}

Whim Server::whim(Stage stage)
{
    bool moody = plan_.whims > 0 && now_ < plan_.good_from && stage != Stage::COUNT;
    if (!moody)
        return Whim::NONE;
    bool favourite = plan_.favourite > 0 && stage == plan_.stage && dice_.one_in(plan_.favourite);
    if (!favourite && !dice_.one_in(plan_.whims))
        return Whim::NONE;
    for (;;) {
        Whim w = Whim(1 + dice_.upto(uint64_t(Whim::COUNT) - 1));
        bool rare = w == Whim::CRASH || w == Whim::DIE || w == Whim::STALL;
        bool refuses = w == Whim::REFUSE || w == Whim::REFUSE_NOW || w == Whim::UNAVAILABLE;
        if (stage == Stage::TAKEN && refuses)
            continue; // no honest server
        if (!rare || dice_.one_in(3))
            return w;
    }
}

// What comes of a step that should be answered with `text`.
void Server::answer(Session &s, Stage stage, const std::string &text, const std::string &recipient)
{
    static const unsigned later[] = {450, 451, 452, 421}, never[] = {550, 551, 552, 553, 554, 556};
    static const unsigned ours[] = {500, 501, 502, 503, 504, 530, 535, 538};
    Whim w = whim(stage);
    s.reply = text.empty() ? "" : text + "\r\n";
    s.busy = now_ + (plan_.pace > 0 ? dice_.upto(plan_.pace) : 0);
    bool during = stage == Stage::BODY || stage == Stage::DOT;
    while (during && (w == Whim::NONE || w == Whim::TARPIT || w == Whim::STALL))
        w = Whim(1 + dice_.upto(uint64_t(Whim::COUNT) - 1));
    unsigned code = 0;
    switch (w) {
    case Whim::NONE:
        return;
    case Whim::REFUSE_NOW:
        code = later[dice_.upto(3)];
        break;
    case Whim::REFUSE:
        code = dice_.one_in(8) ? ours[dice_.upto(8)] : never[dice_.upto(6)];
        break;
    case Whim::TARPIT:
        s.busy = now_ + dice_.between(kTarpitLeast, kTarpitMost);
        note(s, "is a tarpit");
        tarpits[size_t(stage)]++;
        return;
    case Whim::NONSENSE:
        if (stage == Stage::TAKEN) {
            s.reply = dice_.one_in(2) ? "what?\r\n" : "354 go ahead\r\n";
        } else {
            static const char *const words[] = {"bla", "99 x", "250-more\r\n220 less", "222 ok",
                                                "354 go"};
            s.reply = words[dice_.upto(stage == Stage::DATA ? 4 : 5)] + std::string("\r\n");
        }
        refuse(s, stage, recipient);
        note(s, "talks nonsense");
        return;
    case Whim::UNAVAILABLE:
        s.reply.clear();
        s.after = w;
        return;
    default:
        s.reply.clear();
        s.after = w;
        return;
    }
    s.reply = std::to_string(code) + (code < 500 ? " 4.0.0 " : " 5.0.0 ") +
              ledger_.refusal(plan_.letter, s.sender, recipient, code) + "\r\n";
    if (stage == Stage::BANNER)
        s.reply = "554 not now\r\n";
    refuse(s, stage, recipient);
}

// What follows from a step that was not answered as it should be.
void Server::refuse(Session &s, Stage stage, const std::string &recipient)
{
    if (stage == Stage::HELLO) {
        s.plain = true; // what the router tries then is HELO, if anything
        ledger_.lacks(plan_.letter, "EHLO");
    }
    if (stage == Stage::MAIL)
        s.mail = false;
    if (stage == Stage::RCPT)
        s.to.erase(recipient);
    if (stage == Stage::DATA) {
        s.content = false;
        s.spoilt = s.chunked;
    }
    if (stage == Stage::DOT)
        forget(s);
    s.spoke = stage == Stage::BODY;
}

void Server::act(Session &s, Whim w)
{
    switch (w) {
    case Whim::UNAVAILABLE:
        send(s, "421 4.3.2 closing\r\n");
        s.talk.close();
        s.over = true;
        break;
    case Whim::CLOSE:
        note(s, "closes");
        s.talk.close();
        s.over = true;
        break;
    case Whim::RESET:
        note(s, "resets");
        s.talk.reset();
        s.over = true;
        break;
    case Whim::STALL:
        note(s, "stalls");
        s.stalled = true;
        break;
    case Whim::CRASH:
    case Whim::DIE:
        crash(dice_.between(1, dice_.one_in(3) ? 900 : 30) * NSEC_PER_SEC, w == Whim::DIE);
        break;
    default:
        break;
    }
}

void Server::send(Session &s, const std::string &text)
{
    std::string all = text;
    s.active = now_;
    if (all.size() < 2 || all.compare(all.size() - 2, 2, "\r\n") != 0)
        all += "\r\n";
    note(s, "> " + all.substr(0, all.size() - 2));
    s.talk.say(all);
}

} // namespace sim
