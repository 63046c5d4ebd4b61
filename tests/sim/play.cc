// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/play.h"

namespace sim
{

namespace
{

// Nothing of a connection that side 0 has given up is left at side 1 (RFC 9293 §3.8.3: R2 of a
// SYN-ACK, here 63 s).
constexpr nsec_t kForgotten = 70 * NSEC_PER_SEC;

// A meeting under way: the conversation that is held, or comes next.
struct Pair {
    const Meeting *meeting;
    std::unique_ptr<Talker> talker[2];
    unsigned held = 0; // conversations before this one
    nsec_t begins;
    bool begun = false, accepted = false, done = false;
};

class Play
{
  public:
    explicit Play(uint64_t seed);
    std::string run(uint64_t *digest);

  private:
    static void accept(struct stream *s, void *pair);
    void listen();
    void prepare(Pair &p);
    void connect(Pair &p, nsec_t now);
    void work(unsigned side, nsec_t now);
    void meet_troubles(nsec_t now);
    void crash(const Trouble &t, nsec_t now);
    void end_of(Pair &p, nsec_t now);
    bool over();
    std::string judge(const Pair &p) const;
    std::string verdict(bool ended);

    uint64_t seed_;
    Scenario plan_;
    World world_;
    std::vector<Pair> pairs_;
    std::mt19937_64 random_;
    size_t changes_ = 1, troubles_ = 0; // that have come
    std::string wrong_;
};

Play::Play(uint64_t seed)
    : seed_(seed), plan_(scenario(seed)),
      world_(seed, plan_.weather[0].weather[0], plan_.weather[0].weather[1], plan_.nic,
             plan_.host[0], plan_.host[1], plan_.start),
      random_(seed + 1)
{
    for (const Meeting &m : plan_.meetings) {
        pairs_.push_back({&m, {}, 0, m.begins});
        prepare(pairs_.back());
    }
    listen();
    world_.a->work = [this](nsec_t now) {
        meet_troubles(now);
        work(0, now);
    };
    world_.b->work = [this](nsec_t now) { work(1, now); };
}

void Play::prepare(Pair &p)
{
    uint64_t id = seed_ * 1000 + uint64_t(&p - pairs_.data()) * 10 + p.held;
    for (unsigned side = 0; side < 2; side++)
        p.talker[side] = std::make_unique<Talker>(id, side, p.meeting->manner[side],
                                                  p.meeting->manner[1 - side], random_());
    p.begun = p.accepted = false;
}

void Play::accept(struct stream *s, void *pair)
{
    Pair *p = static_cast<Pair *>(pair);
    if (p->accepted || !p->begun) {
        stream_abort(s); // of a connection that its client has given up
        return;
    }
    p->accepted = true;
    p->talker[1]->attach(s, 0);
}

void Play::listen()
{
    for (size_t k = 0; k < pairs_.size(); k++) {
        struct endpoint local = world_.b->at(uint16_t(kPort + k));
        if (tcp_listen(world_.b->tcp, &local, accept, &pairs_[k]) == nullptr)
            wrong_ = "cannot listen";
    }
}

void Play::connect(Pair &p, nsec_t now)
{
    struct endpoint remote = world_.b->at(uint16_t(kPort + (&p - pairs_.data())));
    enum stream_error why;
    struct stream *s =
        tcp_connect(world_.a->tcp, nullptr, &remote, Talker::handle, p.talker[0].get(), &why);
    if (s != nullptr) {
        p.begun = true;
        p.talker[0]->attach(s, now);
    } else if (why != STREAM_NO_MEMORY) {
        wrong_ = std::string("cannot connect: ") + stream_error_text(why);
    } else if (now > p.begins + 600 * NSEC_PER_SEC) {
        wrong_ = "there is no port or memory for ten minutes";
    }
}

void Play::work(unsigned side, nsec_t now)
{
    for (Pair &p : pairs_) {
        if (side == 0 && !p.begun && !p.done && now >= p.begins)
            connect(p, now);
        p.talker[side]->tick(now);
        if (side == 0 && p.begun && !p.done && p.talker[0]->over &&
            (!p.accepted || p.talker[1]->over))
            end_of(p, now);
    }
}

void Play::end_of(Pair &p, nsec_t now)
{
    if (wrong_.empty())
        wrong_ = judge(p);
    p.held++;
    p.done = p.held >= p.meeting->times;
    if (p.done)
        return;
    bool forgotten = p.accepted && p.talker[0]->established;
    p.begins = now + (forgotten ? 0 : kForgotten) + random_() % (2 * NSEC_PER_SEC);
    prepare(p);
}

void Play::meet_troubles(nsec_t now)
{
    while (changes_ < plan_.weather.size() && plan_.weather[changes_].at <= now) {
        const Change &c = plan_.weather[changes_++];
        world_.wire.set_weather(c.weather[0], c.weather[1]);
    }
    for (; troubles_ < plan_.troubles.size() && plan_.troubles[troubles_].at <= now; troubles_++) {
        const Trouble &t = plan_.troubles[troubles_];
        Host &host = t.side == 0 ? *world_.a : *world_.b;
        if (t.kind == Trouble::LIE)
            world_.wire.slander(t.side);
        else if (t.kind == Trouble::FAMINE)
            host.take_buffers(t.left, now + t.lasts);
        else if (t.kind == Trouble::SHORTAGE)
            host.take_nodes(t.left, now + t.lasts);
        else
            crash(t, now);
    }
}

void Play::crash(const Trouble &t, nsec_t now)
{
    Host &host = t.side == 0 ? *world_.a : *world_.b;
    for (Pair &p : pairs_)
        if (t.side == 0 ? p.begun : p.accepted)
            p.talker[t.side]->perish();
    host.crash(t.kind == Trouble::RESTART ? host.seed : host.seed + 1000, now);
    world_.wire.forget();
    if (t.side == 1)
        listen();
}

std::string Play::judge(const Pair &p) const
{
    std::string which = " in conversation " + std::to_string(p.held) + " of meeting " +
                        std::to_string(&p - pairs_.data());
    // A client whose cookie has not arrived is nobody: what it says behind that is reset.
    bool stranger = world_.b->counter(TCP_COOKIES_SENT) > 0 && p.talker[0]->error == STREAM_RESET;
    bool strict = !plan_.hopeless && !stranger;
    for (unsigned side = 0; side < 2; side++) {
        const Talker &t = *p.talker[side];
        if (!t.fault.empty())
            return t.fault + which;
        if (strict && p.meeting->polite && p.talker[0]->established && p.accepted && !t.complete())
            return "side " + std::to_string(side) + " heard only " + std::to_string(t.heard) +
                   " bytes" + which + ": " + stream_error_text(t.error);
    }
    return "";
}

bool Play::over()
{
    if (!wrong_.empty())
        return true;
    for (const Pair &p : pairs_)
        if (!p.done)
            return false;
    struct tcp_usage a = tcp_usage(world_.a->tcp), b = tcp_usage(world_.b->tcp);
    return a.connections + b.connections + a.time_wait + b.time_wait == 0;
}

std::string Play::verdict(bool ended)
{
    if (!wrong_.empty())
        return wrong_;
    if (!world_.fault().empty())
        return world_.fault();
    if (!ended)
        return "some connection never ended";
    uint64_t bad = 0, impossible = 0;
    for (const Host *h : {world_.a.get(), world_.b.get()}) {
        bad += h->counter(TCP_RX_BAD_CHECKSUM);
        impossible += h->counter(TCP_IMPOSSIBLE);
    }
    if (bad > 0 && !plan_.corrupt)
        return "a segment was sent with a wrong checksum";
    return impossible > 0 ? "a connection was where none can be" : "";
}

std::string Play::run(uint64_t *digest)
{
    bool ended = world_.run(3 * 3600 * NSEC_PER_SEC, [this] { return over(); });
    std::string wrong = verdict(ended);
    if (digest != nullptr)
        *digest = world_.wire.digest;
    std::string story = wrong.empty() ? "" : world_.story();
    std::string left = world_.close();
    if (wrong.empty())
        wrong = left;
    return wrong.empty() ? "" : wrong + "\n" + story;
}

} // namespace

std::string play(uint64_t seed, uint64_t *digest)
{
    return Play(seed).run(digest);
}

} // namespace sim
