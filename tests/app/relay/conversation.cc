// SPDX-License-Identifier: BSD-3-Clause
#include "tests/app/relay/conversation.h"

#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
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

struct ip_addr Address(const char *text)
{
    struct ip_addr a;
    if (!ip_addr_parse(text, strlen(text), &a))
        throw std::runtime_error(text);
    return a;
}

struct endpoint Endpoint(const char *text, uint16_t port)
{
    struct endpoint e = {Address(text), port};
    return e;
}

uint16_t Receive(struct link *l, struct rte_mbuf **frames, uint16_t n)
{
    auto *end = reinterpret_cast<Wire::End *>(l);
    uint16_t count = 0;
    while (count < n && !end->arrived.empty()) {
        frames[count++] = end->arrived.front();
        end->arrived.pop_front();
    }
    return count;
}

void Transmit(struct link *l, struct rte_mbuf *frame)
{
    auto *from = reinterpret_cast<Wire::End *>(l);
    Wire::End *to = from->other;
    struct rte_mbuf *copy = to->cut ? nullptr : rte_pktmbuf_alloc(to->pools->data);
    if (copy != nullptr) {
        for (struct rte_mbuf *m = frame; m != nullptr; m = m->next) {
            void *at = rte_pktmbuf_append(copy, m->data_len);
            if (at == nullptr)
                throw std::runtime_error("a frame beyond a buffer");
            memcpy(at, rte_pktmbuf_mtod(m, void *), m->data_len);
        }
        to->arrived.push_back(copy);
    }
    rte_pktmbuf_free(frame);
}

void Flush(struct link *)
{
}

const struct link_ops kOps = {Receive, Transmit, Flush};

void InitEnd(Wire::End *end, Wire::End *other, struct pools *pools, uint8_t mac)
{
    end->link = {};
    end->link.ops = &kOps;
    end->link.mac.addr_bytes[0] = 2;
    end->link.mac.addr_bytes[5] = mac;
    end->link.mtu = 1500;
    end->link.caps.max_segments = 64;
    end->link.name = "wan";
    end->other = other;
    end->pools = pools;
}

struct pools_config PoolsConfig(const char *name)
{
    struct pools_config c = {};
    c.name = name;
    c.socket = SOCKET_ID_ANY;
    c.rings = 256;
    c.budget = 4096;
    c.reserve = 256;
    c.packets_out = 2048;
    return c;
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

Wire::Wire(struct pools *router_pools, struct pools *peer_pools)
{
    InitEnd(&router, &peer, router_pools, 1);
    InitEnd(&peer, &router, peer_pools, 2);
}

Wire::~Wire()
{
    for (End *end : {&router, &peer}) {
        for (struct rte_mbuf *m : end->arrived)
            rte_pktmbuf_free(m);
    }
}

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

Fixture::Fixture(const std::string &extra, const std::string &domain_extra)
{
    char path[] = "/tmp/splitmx-conversation-XXXXXX";
    if (mkdtemp(path) == nullptr)
        throw std::runtime_error("mkdtemp");
    directory_ = path;
    std::ofstream(directory_ + "/mailboxes") << "alice\nanna\ncarlos\n";
    std::ofstream(directory_ + "/splitmx.ini")
        << "[appliance]\nhostname = mx1.example.net\npostmaster = postmaster@example.com\n"
           "shutdown_timeout = 30s\n"
           "[memory]\nhugepages = no\nmax_sessions = 64\nmax_connections = 256\n"
           "max_recipients = 1024\n"
           "[port wan]\ndevice = net_tap0,iface=smx0\naddress = 10.0.0.2/24\n"
           "[listener smtp]\nport = wan\n"
           "[domain example.com]\nmailboxes = mailboxes\nmailbox_server = 10.0.0.10:25\n"
           "split_domain_routing = yes\nexternal_mail_server = 10.0.0.20:25\n"
           "verification_address = carol@example.com\nverify_interval = 24h\n"
        << domain_extra << "\n"
        << extra << "\n";
    errors_ = config_errors_new();
    config_ = config_load((directory_ + "/splitmx.ini").c_str(), errors_);
    if (config_ != nullptr) {
        settings_build(&settings_, config_, errors_);
        snapshot_ = snapshot_build(config_, settings_.ports[0].addresses, 1, 1, errors_);
    }
    if (config_errors_count(errors_) > 0) {
        config_errors_print(errors_, stderr);
        throw std::runtime_error("configuration");
    }
    struct pools_config router = PoolsConfig("router"), peer = PoolsConfig("peer");
    if (pools_create(&router_pools_, &router) != 0 || pools_create(&peer_pools_, &peer) != 0)
        throw std::runtime_error("pools");
    wire_ = std::make_unique<Wire>(&router_pools_, &peer_pools_);
    log_ = maillog_create("test", settings_.max_recipients);
    wall_offset_ = UINT64_C(1700000000) * NSEC_PER_SEC;
    struct worker_config config = {};
    config.settings = &settings_;
    config.snapshot = snapshot_;
    config.pools = &router_pools_;
    config.links[0] = &wire_->router.link;
    config.log = log_;
    config.wall_offset = &wall_offset_;
    memset(config.secret, 7, sizeof(config.secret));
    const char *why;
    StartPeer();
    worker_ = worker_create(&config, now_, &why);
    if (worker_ == nullptr)
        throw std::runtime_error(why);
}

void Fixture::StartPeer()
{
    peer_wheel_ = std::make_unique<struct timer_wheel>();
    timer_wheel_init(peer_wheel_.get(), now_);
    struct ip_link_config link = {};
    link.link = &wire_->peer.link;
    for (const char *text : {kClient, kMailbox, kExternal}) {
        link.addresses[link.address_count] = Address(text);
        if (!ip_prefix_parse("10.0.0.0/24", 11, true, &link.networks[link.address_count++]))
            throw std::runtime_error("prefix");
    }
    struct ip_config ip = {};
    ip.links = &link;
    ip.link_count = 1;
    ip.pools = &peer_pools_;
    ip.wheel = peer_wheel_.get();
    ip.neighbour_entries = 64;
    ip.reassembly_flows = 16;
    ip.seed = 3;
    peer_ip_ = ip_create(&ip, now_);
    struct tcp_config tcp = {};
    tcp.ip = peer_ip_;
    tcp.pools = &peer_pools_;
    tcp.wheel = peer_wheel_.get();
    tcp.max_connections = 256;
    tcp.max_half_open = 64;
    tcp.max_time_wait = 256;
    tcp.receive_window = 64 * 1024;
    tcp.send_limit = 64 * 1024;
    tcp.port_first = 20000;
    tcp.port_last = 30000;
    memset(tcp.secret, 9, sizeof(tcp.secret));
    peer_tcp_ = tcp_create(&tcp, now_);
    struct endpoint mailbox = Endpoint(kMailbox, 25), external = Endpoint(kExternal, 25);
    listener_['M'] = tcp_listen(peer_tcp_, &mailbox, OnAcceptMailbox, this);
    listener_['E'] = tcp_listen(peer_tcp_, &external, OnAcceptExternal, this);
}

Fixture::~Fixture()
{
    worker_destroy(worker_);
    tcp_destroy(peer_tcp_);
    ip_destroy(peer_ip_);
    wire_.reset();
    maillog_destroy(log_);
    pools_destroy(&router_pools_);
    pools_destroy(&peer_pools_);
    snapshot_free(snapshot_);
    config_free(config_);
    config_errors_free(errors_);
    unlink((directory_ + "/splitmx.ini").c_str());
    unlink((directory_ + "/mailboxes").c_str());
    rmdir(directory_.c_str());
}

void Fixture::Round()
{
    worker_round(worker_, now_);
    pools_poll(&peer_pools_);
    ip_set_now(peer_ip_, now_);
    tcp_set_now(peer_tcp_, now_);
    ip_receive(peer_ip_);
    timer_wheel_advance(peer_wheel_.get(), now_);
    tcp_dispatch(peer_tcp_);
    tcp_flush(peer_tcp_);
    ip_flush(peer_ip_);
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
    return relay_counters(worker_relay(worker_))[counter];
}

std::vector<std::string> Fixture::Log()
{
    char *text = nullptr;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    maillog_drain(log_, out);
    fclose(out);
    std::istringstream in(std::string(text, size));
    free(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

std::string Fixture::Leaks()
{
    struct relay_usage u = relay_usage(worker_relay(worker_));
    std::ostringstream out;
    if (u.sessions + u.transactions + u.recipients + u.connections > 0)
        out << "sessions " << u.sessions << " transactions " << u.transactions << " recipients "
            << u.recipients << " connections " << u.connections << "; ";
    Log();
    if (maillog_in_use(log_) > 0)
        out << "log records " << maillog_in_use(log_) << "; ";
    if (rte_mempool_in_use_count(router_pools_.data) +
            rte_mempool_in_use_count(router_pools_.header) +
            rte_mempool_in_use_count(router_pools_.indirect) >
        0)
        out << "buffers " << rte_mempool_in_use_count(router_pools_.data) << " headers "
            << rte_mempool_in_use_count(router_pools_.header) << " references "
            << rte_mempool_in_use_count(router_pools_.indirect) << "; ";
    return out.str();
}

void Fixture::Shutdown()
{
    relay_shutdown(const_cast<struct relay *>(worker_relay(worker_)));
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
    struct ip_addr source = Address(from.empty() ? kClient : from.c_str());
    struct endpoint router = Endpoint("10.0.0.2", 25);
    party->stream = tcp_connect(peer_tcp_, &source, &router, OnStream, party.get(), &why);
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
        listener_[letter] =
            tcp_listen(peer_tcp_, &local, letter == 'M' ? OnAcceptMailbox : OnAcceptExternal, this);
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
    } else if (what == "gone") {
        if (!Settle([&] { return p->eof || p->down; }))
            return "the connection is still there";
        if (!p->heard.empty())
            return "unheard: " + Visible(p->heard);
        stream_close(p->stream);
        party_.erase(letter);
    } else if (what == "stop reading") {
        p->reading = false;
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
                             "\tby mx1.example.net with ESMTP id ", "\tfor <"}) {
        std::string wrong = Hear(letter, line, false);
        if (!wrong.empty())
            return wrong;
    }
    return "";
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
    static const std::string actions[] = {"connect",       "close",  "reset",  "gone",
                                          "refuse",        "listen", "silent", "stop reading",
                                          "no connection", "trace"};
    if (op == ":") {
        for (const std::string &a : actions) {
            if (text == a || (a == "connect" && text.rfind("connect from ", 0) == 0))
                return Act(letter, text);
        }
    }
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
