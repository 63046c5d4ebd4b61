// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/router_play.h"

#include <algorithm>

#include "tests/sim/router_names.h"
#include "tests/sim/router_plan.h"

namespace sim
{

namespace
{

constexpr nsec_t kPatience = 12 * 3600 * NSEC_PER_SEC; // for all mail
constexpr nsec_t kAfter = 1200 * NSEC_PER_SEC;         // and then for what is left in the router
constexpr nsec_t kRound = 20 * NSEC_PER_USEC;          // no round is free
// What waits for nothing (output without memory) gets its round at least so often; where nothing
// happens, by and by more rarely.
constexpr nsec_t kShort = 20 * NSEC_PER_MSEC, kFirst = NSEC_PER_SEC / 2,
                 kLongest = 16 * NSEC_PER_SEC;

size_t remembered()
{
    const char *text = getenv("SPLITMX_SIM_TRACE");
    return text != nullptr ? strtoul(text, nullptr, 0) : 200;
}

HostConfig peers(const RouterPlan &plan)
{
    HostConfig c;
    for (const ServerPlan &s : plan.servers)
        for (const std::string &at : {s.address, s.second})
            if (!at.empty())
                c.at.push_back(at);
    for (const ClientPlan &p : plan.clients)
        c.at.insert(c.at.end(), p.addresses.begin(), p.addresses.end());
    c.network = 112;
    c.budget = 4096;
    c.max_connections = c.max_time_wait = 512;
    c.max_half_open = 128;
    c.receive_window = c.send_limit = 64 * 1024;
    c.port_first = 20000;
    c.port_last = 50000;
    return c;
}

class RouterPlay
{
  public:
    explicit RouterPlay(uint64_t seed);
    ~RouterPlay();
    std::string run(uint64_t *digest, RouterTally *tally);

  private:
    bool pass(unsigned side, const Bytes &frame);
    void vanish(const struct stream *s, nsec_t until);
    bool run_until(nsec_t end, const std::function<bool()> &done);
    nsec_t next();
    void forward(const Mail &mail, const std::string &content,
                 const std::set<std::string> &recipients);
    void meet_troubles();
    void meet(const RouterTrouble &t);
    void restart(bool killed);
    void started();
    void read_log();
    bool idle();
    std::string end();
    std::string shut_down();

    RouterPlan plan_;
    uint64_t seed_;
    Dice dice_;
    nsec_t now_;
    Ledger ledger_;
    Wire wire_;
    std::unique_ptr<Host> peer_;
    std::unique_ptr<Router> router_;
    std::deque<Server> servers_;
    std::deque<Client> clients_;
    size_t troubles_ = 0;
    uint64_t rounds_ = 0, sent_ = 0;
    nsec_t longest_ = 0; // to the next round
    bool moved_ = false;
    bool ending_ = false; // it was told to
    nsec_t famine_until_ = 0, outage_until_ = 0;
    std::set<std::pair<unsigned, std::string>> forwarded_; // message and recipient
    std::map<std::string, nsec_t> gone_; // addresses and ports of peers that are off the wire
};

RouterPlay::RouterPlay(uint64_t seed)
    : plan_(router_plan(seed)), seed_(seed), dice_{std::mt19937_64(seed + 7)}, now_(plan_.start),
      ledger_(remembered()), wire_(seed * 3 + 1, plan_.weather[0], plan_.weather[1], plan_.nic)
{
    ledger_.max_size = plan_.max_size;
    ledger_.memo_ttl = plan_.memo_ttl;
    ledger_.dsn = plan_.dsn;
    for (const ServerPlan &s : plan_.servers)
        name_is_at(s.name, s.address);
    look_up_again();
    wire_.advance(now_);
    wire_.filter = [this](unsigned side, const Bytes &frame) { return pass(side, frame); };
    peer_ = std::make_unique<Host>(wire_, 1, seed * 3 + 2, peers(plan_), now_);
    router_ = std::make_unique<Router>(wire_, 0, seed * 3 + 3, plan_.files[0], now_, plan_.budget);
    started();
    for (const ServerPlan &s : plan_.servers)
        servers_.emplace_back(s, *peer_, ledger_, seed * 31 + uint64_t(s.letter),
                              [this, s](const struct stream *stream, nsec_t until) {
                                  if (stream != nullptr)
                                      vanish(stream, until);
                                  struct ip_addr a = Host::parse(s.address);
                                  gone_[std::string(reinterpret_cast<char *>(a.b), 16)] = until;
                              });
    for (const ClientPlan &c : plan_.clients)
        clients_.emplace_back(c, *peer_, ledger_, seed * 37 + clients_.size(),
                              [this](const struct stream *s) { vanish(s, UINT64_MAX); });
    for (const Posted &p : plan_.posts)
        clients_[p.client].add(ledger_.add(p.mail), p.due);
    if (plan_.forwards)
        ledger_.on_taken = [this](const Mail &m, const std::string &content,
                                  const std::set<std::string> &to) { forward(m, content, to); };
    peer_->work = [this](nsec_t now) {
        for (Server &s : servers_)
            s.tick(now);
        for (Client &c : clients_)
            c.tick(now);
    };
}

RouterPlay::~RouterPlay()
{
    clients_.clear();
    servers_.clear();
    router_.reset();
    peer_.reset();
}

// Some mailboxes are aliases: what they get goes on through the router, to somebody else, back to
// where it came from, or both.
void RouterPlay::forward(const Mail &mail, const std::string &content,
                         const std::set<std::string> &recipients)
{
    static const Addressee others[] = {
        {"alice@example.com", 'M'}, {"bob@example.com", 'E'}, {"olga@example.org", 'N'}};
    if (mail.forwarded || mail.binary || mail.utf8)
        return;
    for (const Addressee &to : mail.to) {
        bool moves = to.owner == kEither; // where it is now, it may not have been
        if (moves || recipients.count(to.address) == 0 || !dice_.one_in(3) ||
            !forwarded_.insert({mail.id, to.address}).second)
            continue;
        Mail f;
        f.id = unsigned(ledger_.mails.size() + 1);
        f.sender = "m" + std::to_string(f.id) + "@client.example";
        f.content = f.meant = content;
        f.eightbit = mail.eightbit;
        f.forwarded = true;
        const std::vector<std::string> &from = plan_.clients.back().claims;
        f.from = {from.begin(), from.end()};
        if (dice_.one_in(2))
            f.to.push_back({to.address, to.owner, Fate::PENDING, true});
        const Addressee &other = others[dice_.upto(3)];
        bool known = std::any_of(mail.to.begin(), mail.to.end(),
                                 [&](const Addressee &a) { return a.address == other.address; });
        if (!known && (f.to.empty() || dice_.one_in(2)))
            f.to.push_back(other);
        if (!f.to.empty())
            clients_.back().add(ledger_.add(f), now_ + dice_.upto(60 * NSEC_PER_SEC));
    }
}

// A connection by the peer's address and port, and the router's port: nothing of it arrives until
// then, and nothing is heard of it.
void RouterPlay::vanish(const struct stream *s, nsec_t until)
{
    std::string k(reinterpret_cast<const char *>(s->local.addr.b), 16);
    for (uint16_t port : {s->local.port, s->peer.port}) {
        k += char(port >> 8);
        k += char(port);
    }
    gone_[k] = until;
}

bool RouterPlay::pass(unsigned side, const Bytes &f)
{
    if (now_ < outage_until_)
        return false;
    Packet p;
    if (gone_.empty() || !p.read(f))
        return true;
    bool ours = side == 0;
    size_t size = p.v6 ? 16 : 4, source = p.tcp - 2 * size, port = p.tcp;
    struct ip_addr peer = {};
    const uint8_t *at = &f[source + (ours ? size : 0)];
    if (p.v6) {
        memcpy(peer.b, at, size);
    } else {
        uint32_t be;
        memcpy(&be, at, size);
        peer = ip_addr_from_v4(be);
    }
    std::string k(reinterpret_cast<const char *>(peer.b), 16);
    auto machine = gone_.find(k);
    k.append(reinterpret_cast<const char *>(&f[port + (ours ? 2 : 0)]), 2);
    k.append(reinterpret_cast<const char *>(&f[port + (ours ? 0 : 2)]), 2);
    auto connection = gone_.find(k);
    return (machine == gone_.end() || machine->second <= now_) &&
           (connection == gone_.end() || connection->second <= now_);
}

void RouterPlay::read_log()
{
    for (const std::string &line : router_->log())
        ledger_.log(line);
}

void RouterPlay::started()
{
    read_log();
    char prefix[16];
    snprintf(prefix, sizeof(prefix), "%08X", unsigned((Router::kWall + now_) / NSEC_PER_SEC));
    ledger_.started(prefix);
}

void RouterPlay::restart(bool killed)
{
    if (killed)
        ledger_.killed();
    ledger_.note(now_, "-- the router starts again");
    for (Client &c : clients_)
        c.router_crashed();
    router_->crash(seed_ * 3 + 100 + router_->starts, plan_.files[moved_], now_);
    started();
    wire_.forget();
    ending_ = false;
    ledger_.lagging = false; // it would be, with a state_directory
}

void RouterPlay::meet(const RouterTrouble &t)
{
    switch (t.kind) {
    case RouterTrouble::CRASH:
        restart(true);
        break;
    case RouterTrouble::SHUTDOWN:
        ledger_.note(now_, "-- the router is told to end");
        router_->shutdown();
        ending_ = true;
        break;
    case RouterTrouble::FAMINE:
        ledger_.note(now_, "-- memory is short");
        famine_until_ = now_ + t.lasts;
        router_->take_buffers(t.left, famine_until_);
        for (Client &c : clients_)
            c.excuse_until(famine_until_ + 60 * NSEC_PER_SEC);
        break;
    case RouterTrouble::OUTAGE:
        ledger_.note(now_, "-- the wire is cut");
        outage_until_ = now_ + t.lasts;
        for (Client &c : clients_)
            c.excuse_until(outage_until_ + 600 * NSEC_PER_SEC);
        break;
    case RouterTrouble::MOVE:
        moved_ = !moved_;
        ledger_.note(now_, moved_ ? "-- mailboxes move to E" : "-- mailboxes move to M");
        router_->reload(plan_.files[moved_]);
        ledger_.lagging = true;
        break;
    case RouterTrouble::RENUMBER:
        for (Server &s : servers_)
            if (!s.plan().name.empty())
                s.change_address();
        break;
    case RouterTrouble::RESOLVE:
        ledger_.note(now_, "-- names are looked up again");
        look_up_again();
        break;
    case RouterTrouble::REBOOT:
        servers_[t.left % servers_.size()].crash(t.lasts, true);
        break;
    }
}

void RouterPlay::meet_troubles()
{
    for (; troubles_ < plan_.troubles.size() && plan_.troubles[troubles_].at <= now_; troubles_++)
        meet(plan_.troubles[troubles_]);
    if (ending_ && router_->over(now_))
        restart(false);
}

nsec_t RouterPlay::next()
{
    if (!wire_.end(0).in.empty())
        return now_; // it takes a burst a round
    bool busy = now_ < famine_until_ + NSEC_PER_SEC || ending_;
    longest_ = busy ? kShort : wire_.sent != sent_ ? kFirst : std::min(2 * longest_, kLongest);
    sent_ = wire_.sent;
    nsec_t when = std::min({wire_.next(), router_->next(), peer_->next(), now_ + longest_});
    for (const Server &s : servers_)
        when = std::min(when, s.next());
    for (const Client &c : clients_)
        when = std::min(when, c.next());
    if (troubles_ < plan_.troubles.size())
        when = std::min(when, plan_.troubles[troubles_].at);
    return when;
}

bool RouterPlay::run_until(nsec_t end, const std::function<bool()> &done)
{
    while (!done()) {
        if (!ledger_.fault().empty() || !wire_.fault().empty() || now_ >= end)
            return false;
        meet_troubles();
        router_->round(now_);
        if (++rounds_ % 64 == 0)
            read_log();
        peer_->round(now_);
        for (const struct tcp *tcp : {router_->tcp(), static_cast<const struct tcp *>(peer_->tcp)})
            if (const char *wrong = tcp_fault(tcp))
                ledger_.wrong(wrong);
        now_ = std::max(next(), now_ + kRound);
        wire_.advance(now_);
    }
    return true;
}

bool RouterPlay::idle()
{
    struct relay_usage u = relay_usage(router_->relay());
    return u.sessions + u.transactions + u.recipients == 0;
}

std::string RouterPlay::shut_down()
{
    ledger_.note(now_, "-- the end");
    router_->retire();
    nsec_t end = now_ + 400 * NSEC_PER_SEC; // a banner that does not come
    if (!run_until(end, [this] { return relay_finished(router_->relay()); }))
        return "the router does not end, even with nobody there: " + router_->leaks();
    end = now_ + 1800 * NSEC_PER_SEC; // to peers that have vanished
    if (!run_until(end, [this] { return tcp_usage(router_->tcp()).connections == 0; }))
        return "some connection never ends";
    // What was sent has left, or has waited in vain for its neighbour's address.
    run_until(now_ + 10 * NSEC_PER_SEC, [] { return false; });
    wire_.settle();
    return router_->leaks();
}

std::string RouterPlay::end()
{
    auto done = [this] {
        for (const Client &c : clients_)
            if (!c.done())
                return false;
        return !ending_ && now_ >= std::max({plan_.good_from, famine_until_, outage_until_});
    };
    bool all = run_until(plan_.start + kPatience, done);
    if (!ledger_.fault().empty() || !wire_.fault().empty())
        return ledger_.fault() + wire_.fault();
    if (!all)
        return "mail is still under way after hours";
    if (!run_until(now_ + kAfter, [this] { return idle(); }))
        return "something is left in the router: " + router_->leaks();
    std::string wrong = shut_down();
    if (wrong.empty() && router_->counter(RELAY_IMPOSSIBLE) > 0)
        wrong = "something was where nothing can be";
    if (!wrong.empty())
        return wrong;
    read_log();
    ledger_.judge([this](enum relay_counter which) { return router_->counter(which); });
    return ledger_.fault();
}

std::string RouterPlay::run(uint64_t *digest, RouterTally *tally)
{
    std::string wrong = end();
    if (digest != nullptr)
        *digest = wire_.digest;
    if (tally != nullptr) {
        tally->plays++;
        tally->messages += ledger_.mails.size();
        for (const Client &c : clients_)
            tally->visits += c.visits;
        tally->deliveries += ledger_.deliveries;
        tally->refusals += ledger_.refusals;
        tally->doubts += ledger_.doubts;
        tally->changed += ledger_.changed;
        tally->missed += ledger_.missed;
        tally->suppressed += ledger_.suppressed;
        tally->partial += ledger_.partial();
        tally->fanned_out += router_->counter(RELAY_MESSAGES_FANNED_OUT);
        tally->orphans += ledger_.orphans;
        tally->lost_in_crash += ledger_.lost_in_crash;
        tally->starts += router_->starts;
        tally->frames += wire_.sent;
        for (unsigned k = 0; k < RELAY_COUNTER_COUNT; k++)
            tally->counters[k] += router_->counter(relay_counter(k));
        for (const Server &s : servers_)
            for (size_t k = 0; k < size_t(Stage::COUNT); k++)
                tally->tarpits[k] += s.tarpits[k];
    }
    if (wrong.empty())
        return "";
    std::string story = "seed " + std::to_string(seed_) + "\n" + ledger_.story();
    if (getenv("SPLITMX_SIM_FRAMES") != nullptr)
        story += wire_.trace();
    return wrong + "\n" + story + wrong;
}

} // namespace

std::string play_router(uint64_t seed, uint64_t *digest, RouterTally *tally)
{
    return RouterPlay(seed).run(digest, tally);
}

} // namespace sim
