// SPDX-License-Identifier: BSD-3-Clause
#include "tests/app/relay/conversation.h"

#include <functional>
#include <sstream>
#include <stdexcept>

namespace conversation
{

namespace
{

constexpr char kClient[] = "10.0.0.1", kMailbox[] = "10.0.0.10", kExternal[] = "10.0.0.20";
constexpr nsec_t kStep = NSEC_PER_MSEC;
constexpr nsec_t kPatience = 5 * NSEC_PER_SEC; // how long an expected line may take

struct endpoint Endpoint(const char *text, uint16_t port)
{
    return {sim::Host::parse(text), port};
}

std::string Unescape(const std::string &text)
{
    std::string out;
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            out += text[i];
            continue;
        }
        switch (text[++i]) {
        case 'r':
            out += '\r';
            break;
        case 'n':
            out += '\n';
            break;
        case '0':
            out += '\0';
            break;
        case 'x':
            out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
            i += 2;
            break;
        default:
            out += text[i];
        }
    }
    return out;
}

std::string Visible(const std::string &text)
{
    std::string out;
    for (char c : text) {
        if (c == '\r')
            out += "\\r";
        else if (c == '\n')
            out += "\\n";
        else
            out += c;
    }
    return out;
}

nsec_t Duration(const std::string &text)
{
    size_t used;
    uint64_t n = std::stoull(text, &used);
    std::string unit = text.substr(used);
    if (unit == "ms")
        return n * NSEC_PER_MSEC;
    if (unit == "s")
        return n * NSEC_PER_SEC;
    if (unit == "m")
        return n * 60 * NSEC_PER_SEC;
    throw std::runtime_error("duration: " + text);
}

} // namespace

void OnStream(struct stream *s, unsigned events, void *user)
{
    auto *p = static_cast<Party *>(user);
    struct slice slice;
    while (p->reading && stream_peek(s, 0, &slice, 1) > 0) {
        p->heard.append(reinterpret_cast<const char *>(slice.data), slice.len);
        stream_consume(s, slice.len);
    }
    if (events & STREAM_EOF)
        p->eof = true;
    if (events & STREAM_DOWN)
        p->down = true;
}

// A connection that waits to be taken by a script's "connect" is heard by a party of its own
// already.
void OnAcceptMailbox(struct stream *s, void *user)
{
    auto *f = static_cast<Fixture *>(user);
    f->Accepted('M', s);
}

void OnAcceptExternal(struct stream *s, void *user)
{
    auto *f = static_cast<Fixture *>(user);
    f->Accepted('E', s);
}

void Fixture::Accepted(char letter, struct stream *s)
{
    auto party = std::make_unique<Party>();
    party->stream = s;
    stream_set_handler(s, OnStream, party.get());
    accepted_[letter].push_back(std::move(party));
}

Fixture::Fixture(const std::string &extra, const std::string &domain_extra,
                 const std::string &listener_extra)
{
    sim::Files &files = files_;
    static const std::string kMemory = "[memory]\n";
    bool memory = extra.rfind(kMemory, 0) == 0; // goes on with the section that there is
    files["mailboxes"] = "alice\nanna\ncarlos\n";
    files["splitmx.ini"] =
        "[appliance]\nhostname = mx1.example.net\npostmaster = postmaster@example.com\n"
        "shutdown_timeout = 30s\n"
        "[memory]\nhugepages = no\nmax_sessions = 64\nmax_connections = 256\n"
        "max_recipients = 1024\n" +
        (memory ? extra.substr(kMemory.size()) : "") +
        "[port wan]\ndevice = net_tap0,iface=smx0\naddress = 10.0.0.2/24\n"
        "[listener smtp]\nport = wan\n" +
        listener_extra +
        "\n"
        "[domain example.com]\nmailboxes = mailboxes\nmailbox_server = 10.0.0.10:25\n"
        "split_domain_routing = yes\nexternal_mail_server = 10.0.0.20:25\n"
        "verification_address = carol@example.com\nverify_interval = 24h\n" +
        domain_extra + "\n" + (memory ? "" : extra) + "\n";
    sim::Weather still;
    still.delay = 0;
    sim::Nic nic;
    nic.hold = 1;
    sim::HostConfig peer;
    peer.at = {kClient, kMailbox, kExternal};
    peer.max_connections = peer.max_time_wait = 256;
    peer.max_half_open = 64;
    peer.receive_window = peer.send_limit = 64 * 1024;
    peer.port_first = 20000;
    peer.port_last = 30000;
    wire_ = std::make_unique<sim::Wire>(3, still, still, nic);
    peer_ = std::make_unique<sim::Host>(*wire_, 1, 9, peer, now_);
    struct endpoint mailbox = Endpoint(kMailbox, 25), external = Endpoint(kExternal, 25);
    listener_['M'] = tcp_listen(peer_->tcp, &mailbox, OnAcceptMailbox, this);
    listener_['E'] = tcp_listen(peer_->tcp, &external, OnAcceptExternal, this);
    router_ = std::make_unique<sim::Router>(*wire_, 0, 7, files, now_);
}

Fixture::~Fixture()
{
    router_.reset();
    peer_.reset();
}

void Fixture::Round()
{
    wire_->advance(now_);
    router_->round(now_);
    wire_->advance(now_);
    peer_->round(now_);
    now_ += kStep;
}

bool Fixture::Settle(const std::function<bool()> &done)
{
    for (nsec_t end = now_ + kPatience; now_ < end;) {
        if (done())
            return true;
        Round();
    }
    return done();
}

void Fixture::Pass(nsec_t time)
{
    for (nsec_t end = now_ + time; now_ < end;)
        Round();
}

uint64_t Fixture::Counter(enum relay_counter counter) const
{
    return router_->counter(counter);
}

std::vector<std::string> Fixture::Log()
{
    return router_->log();
}

std::string Fixture::Leaks()
{
    wire_->settle();
    return router_->leaks();
}

void Fixture::Shutdown()
{
    router_->retire();
}

void Fixture::Famine(uint32_t leave, nsec_t time)
{
    router_->take_buffers(leave, now_ + time);
}

void Fixture::Abort()
{
    router_->abort();
}

bool Fixture::Finished() const
{
    return relay_finished(router_->relay());
}

void Fixture::Reload(const std::string &mailboxes)
{
    files_["mailboxes"] = mailboxes;
    router_->reload(files_);
    Round();
}

void Fixture::Crash(uint64_t seed)
{
    router_->crash(seed, files_, now_);
}

std::string Fixture::Verify()
{
    return Run(R"(
        E: connect
        E< 220 external
        E> EHLO mx1.example.net
        E< 250 external
        E> MAIL FROM:<>
        E< 250 OK
        E> RCPT TO:<carol@example.com>
        E< 250 OK
        E> RSET
        E< 250 OK
        wait 15s
        E> QUIT
        E< 221 Bye
        E: gone
    )");
}

void Fixture::Keep(char letter, char as)
{
    party_[as] = std::move(party_[letter]);
    party_.erase(letter);
}

std::string Fixture::Heard(char letter)
{
    const Party *p = Find(letter);
    return p != nullptr ? p->heard : "";
}

Party *Fixture::Find(char letter)
{
    auto found = party_.find(letter);
    return found == party_.end() ? nullptr : found->second.get();
}

// "connect": for C and D open a connection; for M and E wait for one.
std::string Fixture::Connect(char letter, const std::string &from)
{
    if (Find(letter) != nullptr)
        old_.push_back(std::move(party_[letter]));
    if (letter == 'M' || letter == 'E') {
        if (!Settle([&] { return !accepted_[letter].empty(); }))
            return "no connection came";
        party_[letter] = std::move(accepted_[letter].front());
        accepted_[letter].pop_front();
        return "";
    }
    auto party = std::make_unique<Party>();
    enum stream_error why;
    struct ip_addr source = sim::Host::parse(from.empty() ? kClient : from);
    struct endpoint router = Endpoint("10.0.0.2", 25);
    party->stream = tcp_connect(peer_->tcp, &source, &router, OnStream, party.get(), &why);
    if (party->stream == nullptr)
        return "cannot connect";
    party_[letter] = std::move(party);
    return "";
}

std::string Fixture::Act(char letter, const std::string &what)
{
    if (what.rfind("connect", 0) == 0)
        return Connect(letter, what.size() > 13 ? what.substr(13) : ""); // "connect from ADDRESS"
    if (what == "refuse") {
        tcp_listen_close(listener_[letter]);
        return "";
    }
    if (what == "listen") {
        struct endpoint local = Endpoint(letter == 'M' ? kMailbox : kExternal, 25);
        listener_[letter] = tcp_listen(peer_->tcp, &local,
                                       letter == 'M' ? OnAcceptMailbox : OnAcceptExternal, this);
        return "";
    }
    if (what == "no connection") {
        Pass(NSEC_PER_SEC);
        return accepted_[letter].empty() ? "" : "a connection came";
    }
    Party *p = Find(letter);
    if (p == nullptr)
        return "not connected";
    if (what == "close") {
        stream_close(p->stream);
        party_.erase(letter);
    } else if (what == "reset") {
        stream_abort(p->stream);
        party_.erase(letter);
    } else if (what == "gone" || what == "closed") {
        if (!Settle([&] { return p->eof || p->down; }))
            return "the connection is still there";
        if (what == "closed" && p->down)
            return "it was reset";
        if (!p->heard.empty())
            return "unheard: " + Visible(p->heard);
        stream_close(p->stream);
        party_.erase(letter);
    } else if (what == "stop reading") {
        p->reading = false;
    } else if (what == "read on") {
        p->reading = true;
        OnStream(p->stream, 0, p);
    } else if (what == "mute") {
        Mute(letter);
    } else if (what == "sound") {
        Sound();
    } else if (what == "trace") {
        return HearTrace(letter);
    } else if (what == "silent") {
        Pass(NSEC_PER_SEC);
        return p->heard.empty() ? "" : "heard: " + Visible(p->heard);
    } else {
        throw std::runtime_error("step: " + what);
    }
    return "";
}

void Fixture::Mute(char letter)
{
    constexpr unsigned kPeer = 1, kSourceEnd = 29; // the last octet of an IPv4 frame's source
    const uint8_t source = letter == 'M' ? 10 : 20;
    wire_->filter = [this, source](unsigned side, const sim::Bytes &frame) {
        if (side != kPeer || frame[kSourceEnd] != source)
            return true;
        muted_ = frame;
        return false;
    };
}

void Fixture::Sound()
{
    wire_->filter = nullptr;
    wire_->inject(0, muted_);
}

std::string Fixture::Say(char letter, const std::string &text)
{
    Party *p = Find(letter);
    if (p == nullptr)
        return "not connected";
    return stream_write(p->stream, text.data(), text.size()) ? "" : "cannot be said";
}

std::string Fixture::Hear(char letter, const std::string &expected, bool exactly)
{
    Party *p = Find(letter);
    if (p == nullptr)
        return "not connected";
    if (!Settle([&] { return p->heard.find("\r\n") != std::string::npos; }))
        return "heard only: " + Visible(p->heard) + (p->eof || p->down ? " (closed)" : "");
    size_t end = p->heard.find("\r\n");
    std::string line = p->heard.substr(0, end);
    p->heard.erase(0, end + 2);
    bool fits = exactly ? line == expected : line.rfind(expected, 0) == 0;
    return fits ? "" : "heard: " + Visible(line);
}

// The trace lines have an id and a date in them: each is known by what it begins with.
std::string Fixture::HearTrace(char letter)
{
    for (const char *line : {"Received: from client.example.org (unknown [10.0.0.1])",
                             "\tby mx1.example.net with ESMTP id ", "\t(splitmx ", "\tfor <"}) {
        std::string wrong = Hear(letter, line, false);
        if (!wrong.empty())
            return wrong;
    }
    return "";
}

std::string Fixture::HearReply(char letter, const std::string &code)
{
    std::string wrong;
    while ((wrong = Hear(letter, code + " ", false)).rfind("heard: " + code + "-", 0) == 0)
        ;
    return wrong;
}

std::string Fixture::HearSoFar(char letter, const std::string &expected)
{
    Party *p = Find(letter);
    if (p == nullptr)
        return "not connected";
    Pass(100 * NSEC_PER_MSEC);
    if (p->heard != expected)
        return "heard: " + Visible(p->heard);
    p->heard.clear();
    return "";
}

std::string Fixture::Step(const std::string &line)
{
    if (line.rfind("wait ", 0) == 0) {
        Pass(Duration(line.substr(5)));
        return "";
    }
    char letter = line[0];
    std::string op = line.substr(1, line.find(' ') - 1);
    size_t at = line.find(' ');
    std::string text = at == std::string::npos ? "" : Unescape(line.substr(at + 1));
    static const std::string actions[] = {
        "connect", "close",        "reset",   "gone",          "closed", "refuse", "listen",
        "silent",  "stop reading", "read on", "no connection", "trace",  "mute",   "sound"};
    if (op == ":") {
        for (const std::string &a : actions) {
            if (text == a || (a == "connect" && text.rfind("connect from ", 0) == 0))
                return Act(letter, text);
        }
    }
    if (op == "*")
        return HearReply(letter == 'S' ? 'C' : 'D', text);
    if (letter == 'S' || letter == 'T')
        return Hear(letter == 'S' ? 'C' : 'D', text, false);
    if (op == ">" || op == "~")
        return Hear(letter, text, op == ">");
    if (op == "=")
        return HearSoFar(letter, text);
    if (op == "+")
        return Say(letter, text);
    return Say(letter, text + "\r\n"); // "C:" and "M<"
}

std::string Fixture::Run(const std::string &script)
{
    std::istringstream in(script);
    unsigned number = 0;
    for (std::string line; std::getline(in, line);) {
        number++;
        size_t start = line.find_first_not_of(' ');
        if (start == std::string::npos || line[start] == '#')
            continue;
        line.erase(0, start);
        std::string problem = Step(line);
        if (!problem.empty())
            return "line " + std::to_string(number) + ": " + line + "\n    " + problem;
    }
    return "";
}

} // namespace conversation
