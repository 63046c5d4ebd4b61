// SPDX-License-Identifier: BSD-3-Clause
// Playing scenarios.
#include "tests/drivers/tcp/play.h"

#include <cinttypes>

extern "C" {
#include "drivers/tcp/stack.h"
}

namespace scenario
{

namespace
{

// The peer's timestamps at the scenario's start: they wrap about a second later.
constexpr uint32_t kTheirClock = UINT32_MAX - 1002;
constexpr size_t kTraceLines = 30;

// Byte `k` of a stream: 23 divides no segment size, so that a segment in the wrong place shows.
char our_byte(uint32_t k)
{
    return char('a' + k % 23);
}

char their_byte(uint32_t k)
{
    return char('A' + k % 23);
}

std::string flags_text(uint8_t flags)
{
    std::string text;
    for (unsigned k = 0; k < 8; k++)
        if (flags >> k & 1)
            text += "FSRP.UEC"[k];
    return text.empty() ? "-" : text;
}

const char *ecn_text(uint8_t ecn)
{
    static const char *const names[] = {"noect", "ect1", "ect0", "ce"};
    return names[ecn & 3];
}

} // namespace

void Play::TestBody()
{
    set_up();
    for (const Step &step : scenario_.steps) {
        run(step);
        if (failed_ || HasFailure())
            break;
    }
    if (!failed_)
        quiet("the end");
    if (HasFailure() && !failed_)
        fail("the fixture complains: see above");
}

void Play::set_up()
{
    const Given &g = scenario_.given;
    config.receive_window = g.receive_window.value_or(config.receive_window);
    config.max_half_open = g.half_open.value_or(config.max_half_open);
    config.keepalive = g.keepalive.value_or(config.keepalive);
    config.time_wait = g.time_wait.value_or(config.time_wait);
    config.ecn = g.ecn;
    config.ipv6 = g.ipv6;
    config.congestion = g.reno ? CONGESTION_NEWRENO : CONGESTION_CUBIC;
    nic.mtu = g.mtu.value_or(nic.mtu);
    begin();
    start_ = now;
    isn_ = g.isn;
    window = g.window;
}

void Play::run(const Step &step)
{
    step_ = &step;
    switch (step.verb) {
    case Verb::OUT:
        segment_out(step);
        return;
    case Verb::COUNT:
        reach(step);
        if (said.size() != step.number)
            return fail(std::to_string(said.size()) + " segments were sent, not " +
                        std::to_string(step.number));
        while (!said.empty())
            next();
        return;
    case Verb::SKIP:
        reach(step);
        while (!said.empty())
            next();
        return;
    case Verb::SILENCE:
        reach(step);
        quiet("the silence ends");
        return;
    case Verb::ECHO:
        reach(step);
        echo_ = step.span;
        if (echo_ == 0)
            echoes_.clear();
        return;
    case Verb::SEES:
    case Verb::SEES_NOT:
    case Verb::SEES_DOWN:
    case Verb::HAS:
    case Verb::UNACKED:
    case Verb::HOLDS:
    case Verb::FLIGHT:
    case Verb::COUNTED:
        reach(step);
        check(step);
        return;
    default:
        reach(step);
        if (quiet("this line"))
            act(step);
    }
}

void Play::act(const Step &step)
{
    switch (step.verb) {
    case Verb::IN:
        segment_in(step);
        break;
    case Verb::ICMP:
        icmp_in(step);
        break;
    case Verb::ACCEPTED:
    case Verb::CONNECTED:
        handshake(step);
        break;
    case Verb::AGAIN:
        again(uint32_t(step.number));
        break;
    default:
        application(step);
    }
    observe();
}

void Play::application(const Step &step)
{
    if (step.verb == Verb::LISTEN || step.verb == Verb::CONNECT) {
        if (step.verb == Verb::LISTEN)
            listen();
        else
            ASSERT_NE(connect(), nullptr);
        return;
    }
    if (step.verb == Verb::UNLISTEN) {
        tcp_listen_close(listener);
        listener = nullptr;
        return round();
    }
    if (app.stream == nullptr)
        return fail("the application has no stream");
    switch (step.verb) {
    case Verb::WRITES: {
        std::string text;
        uint32_t from = uint32_t(app.stream->written);
        for (uint32_t k = 0; k < step.number; k++)
            text += our_byte(from + k);
        app.say(text);
        break;
    }
    case Verb::READS:
        if (step.number == 0) {
            app.reads = true;
            app.read();
        }
        for (uint64_t left = step.number; left > 0;) {
            struct slice k;
            if (stream_peek(app.stream, 0, &k, 1) == 0)
                return fail("there is less to read");
            size_t n = std::min<uint64_t>(left, k.len);
            app.text.append(reinterpret_cast<const char *>(k.data), n);
            stream_consume(app.stream, n);
            left -= n;
        }
        break;
    case Verb::READS_NOT:
        app.reads = false;
        break;
    case Verb::CLOSES:
        stream_close(app.stream);
        app.stream = nullptr;
        break;
    case Verb::ABORTS:
        stream_abort(app.stream);
        app.stream = nullptr;
        break;
    default:
        break;
    }
    round();
}

void Play::check(const Step &step)
{
    bool sees = (app.events & step.number) != 0;
    switch (step.verb) {
    case Verb::SEES:
        if (!sees)
            fail("the application has not seen that");
        break;
    case Verb::SEES_NOT:
        if (sees)
            fail("the application has seen that");
        break;
    case Verb::SEES_DOWN:
        if (!app.down)
            fail("the stream is up");
        else if (app.error != step.number)
            fail(std::string("the stream is down: ") + stream_error_text(app.error));
        break;
    case Verb::HAS:
        if (app.text.size() != step.number)
            fail("the application has " + std::to_string(app.text.size()) + " bytes");
        for (uint32_t k = 0; k < app.text.size(); k++)
            if (app.text[k] != their_byte(k))
                return fail("byte " + std::to_string(k) + " is not what the peer sent");
        break;
    case Verb::UNACKED:
        if (app.stream == nullptr || stream_unacked(app.stream) != step.number)
            fail("not acknowledged are " +
                 (app.stream == nullptr ? "none: there is no stream"
                                        : std::to_string(stream_unacked(app.stream)) + " bytes"));
        break;
    case Verb::FLIGHT: {
        uint32_t n = heard_ - acked_;
        if (n < step.number || n > step.most)
            fail(std::to_string(n) + " bytes are in flight");
        break;
    }
    case Verb::HOLDS: {
        struct tcp_usage u = usage();
        uint32_t n = step.word == "connections" ? u.connections
                     : step.word == "half-open" ? u.half_open
                     : step.word == "time-wait" ? u.time_wait
                                                : u.orphans;
        if (n != step.number)
            fail("it holds " + std::to_string(n));
        break;
    }
    default: {
        unsigned k = 0;
        while (k < TCP_COUNTER_COUNT && tcp_counter_list.info[k].name != step.word)
            k++;
        if (k == TCP_COUNTER_COUNT)
            fail("there is no such counter");
        else if (counter(static_cast<enum tcp_counter>(k)) != step.number)
            fail("it stands at " + std::to_string(counter(static_cast<enum tcp_counter>(k))));
    }
    }
}

// Time goes on to when the step happens.
void Play::reach(const Step &step)
{
    nsec_t at = step.when.kind == When::SAME ? now
                : step.when.kind == When::AT ? start_ + step.when.time
                                             : now + step.when.time;
    if (at < now)
        return fail("it is later than that: " + clock(now));
    if (echo_ > 0)
        return echo_until(at);
    pass(at - now);
    observe();
}

// A peer that acknowledges by itself: what we say is consumed.
void Play::echo_until(nsec_t at)
{
    for (;;) {
        observe();
        while (!said.empty()) {
            Said x = next();
            nsec_t due = x.when + echo_;
            if (!echoes_.empty())
                due = std::max(due, echoes_.back().first); // in order
            if (segment_span(&x.s) > 0)
                echoes_.emplace_back(due, x.s.seq + segment_span(&x.s) - iss_);
        }
        if (!echoes_.empty() && echoes_.front().first <= now) {
            Pattern p;
            p.ack = std::max(acked_, echoes_.front().second);
            echoes_.pop_front();
            say(p);
            continue;
        }
        if (now >= at)
            return;
        nsec_t until = echoes_.empty() ? now + echo_ : echoes_.front().first;
        pass(std::min(until, at) - now);
    }
}

// Nothing is left that the script did not mention.
bool Play::quiet(const char *before)
{
    if (said.empty() || echo_ > 0 || failed_)
        return !failed_;
    fail("before " + std::string(before) + " there was, at " + clock(said.front().when) + ": > " +
         text_of(said.front()));
    return false;
}

Said Play::next()
{
    Said x = said.front();
    said.pop_front();
    observed_--;
    return x;
}

// Read what was sent since the last time.
void Play::observe()
{
    for (; observed_ < said.size(); observed_++) {
        learn(said[observed_]);
        note(said[observed_].when, "> " + text_of(said[observed_]));
    }
}

void Play::learn(const Said &x)
{
    if (x.s.dst_port != peer_port)
        return;
    if (x.s.has_timestamp) {
        heard_clock_ = x.s.tsval;
        if (!clock_known_)
            clock_ = x.s.tsval - elapsed_ms(x.when);
        clock_known_ = true;
    }
    if (!iss_known_ && (x.s.flags & S)) {
        if (iss_follows_ && !seq_after(x.s.seq, last_))
            fail("the initial sequence number is not behind the last connection's");
        iss_ = x.s.seq;
        iss_known_ = true;
        heard_ = 0;
    }
    if (!iss_known_ || (x.s.flags & R))
        return;
    uint32_t from = x.s.seq - iss_;
    if (seq_after(from + segment_span(&x.s), heard_))
        heard_ = from + segment_span(&x.s);
    for (uint32_t k = 0; k < x.data.size(); k++)
        if (x.data[k] != our_byte(from - 1 + k))
            return fail("byte " + std::to_string(k) +
                        " of this segment is not the application's: > " + text_of(x));
}

void Play::segment_in(const Step &step)
{
    Pattern p = step.segment;
    if (p.ack_by > 0)
        return acknowledge_by(p.ack_by);
    if (p.by == 0)
        return say(p);
    uint32_t from = p.seq.value_or(next_), end = from + p.len;
    p.data_next = false;
    while (from < end) {
        p.seq = from;
        p.len = std::min(p.by, end - from);
        say(p);
        from += p.len;
    }
}

void Play::acknowledge_by(uint32_t bytes)
{
    uint32_t all = heard_;
    Pattern p;
    while (seq_before(acked_, all)) {
        p.ack = seq_before(acked_ + bytes, all) ? acked_ + bytes : all;
        say(p);
    }
}

void Play::options(const Pattern &p, struct segment *s) const
{
    const Given &g = scenario_.given;
    bool bare = (s->flags & S) && p.has_options; /* a SYN with these options, and no others */
    if ((s->flags & S) && !p.has_options) {
        s->mss = g.mss;
        s->sack_permitted = g.sack;
        s->has_wscale = g.wscale.has_value();
        s->wscale = g.wscale.value_or(0);
    } else if (s->flags & S) {
        s->mss = p.mss.value_or(0);
        s->sack_permitted = p.sack_permitted;
        s->has_wscale = p.wscale.has_value();
        s->wscale = p.wscale.value_or(0);
    }
    s->has_timestamp = p.timestamp || (g.timestamps && !bare && !p.no_timestamp && !(s->flags & R));
    if (s->has_timestamp) {
        s->tsval = kTheirClock + p.tsval.value_or(elapsed_ms(now));
        s->tsecr = p.tsecr ? clock_ + *p.tsecr : s->flags & A ? heard_clock_ : 0;
    }
    for (const struct sack_block &b : p.sack)
        s->sack[s->sack_count++] = {iss_ + b.start, iss_ + b.end};
}

// One segment of the peer.
void Play::say(Pattern p)
{
    struct segment s = {};
    s.flags = p.flags.value_or(A);
    uint32_t from = p.seq.value_or(next_);
    s.seq = isn_ + from;
    uint32_t number = p.ack_all ? heard_ : p.ack.value_or(acked_);
    if ((s.flags & A) || p.ack)
        s.ack = iss_ + number;
    if (p.window)
        window = uint16_t(p.window->low);
    s.window = window;
    options(p, &s);
    std::string data;
    for (uint32_t k = 0; k < p.len; k++)
        data += their_byte(from - 1 + k);
    uint32_t span = p.len + ((s.flags & (S | F)) != 0);
    if (span > 0 && !p.port && !(s.flags & R) && (!(s.flags & S) || next_ == 0) &&
        seq_after(from + span, next_))
        next_ = from + span;
    if ((s.flags & A) && !p.port && seq_after(number, acked_) && !seq_after(number, heard_))
        acked_ = number;
    note(now, "< " + text_of(s, p.len, false) +
                  (p.ecn ? std::string(" [") + ecn_text(*p.ecn) + "]" : ""));
    uint16_t port = peer_port;
    peer_port = p.port.value_or(port);
    ecn = p.ecn.value_or(0);
    urgent = p.urgent.value_or(0);
    send(s, data, p.spoiled);
    peer_port = port;
    observe();
}

// An error of a router, or of the peer's host, that quotes the beginning of a segment of ours.
void Play::icmp_in(const Step &step)
{
    std::optional<unsigned> code = icmp_code(step.word, config.ipv6);
    if (!code)
        return fail("there is no such error over IPv6");
    uint32_t mtu = step.segment.mtu, number = iss_ + step.segment.seq.value_or(acked_);
    uint16_t to = step.segment.port.value_or(peer_port);
    Bytes f = ethernet(config.ipv6 ? 0x86dd : 0x0800);
    ecn = 0;
    add_ip(f, config.ipv6 ? 58 : 1, 8 + (config.ipv6 ? 40 : 20) + 8);
    f.insert(f.end(),
             {uint8_t(*code >> 8), uint8_t(*code), 0, 0, 0, 0, uint8_t(mtu >> 8), uint8_t(mtu)});
    add_ip(f, 6, 20, 64, true);
    f.insert(f.end(),
             {uint8_t(our_port >> 8), uint8_t(our_port), uint8_t(to >> 8), uint8_t(to),
              uint8_t(number >> 24), uint8_t(number >> 16), uint8_t(number >> 8), uint8_t(number)});
    put_icmp_checksum(f, transport());
    note(now, "< icmp " + step.word + " about seq " + std::to_string(number - iss_));
    wire->inject(0, f);
    round();
}

void Play::handshake(const Step &step)
{
    bool active = step.verb == Verb::CONNECTED;
    uint8_t echo = scenario_.given.ecn ? TCP_ECE : 0, asks = echo != 0 ? echo | TCP_CWR : 0;
    Pattern p;
    if (active) {
        ASSERT_NE(connect(), nullptr);
    } else {
        if (listener == nullptr)
            listen();
        p.flags = uint8_t(S | asks);
        say(p);
    }
    observe();
    if (said.size() != 1 || !(said.front().s.flags & S))
        return fail("the handshake fails");
    next();
    pass(step.span);
    p.flags = uint8_t(active ? S | A | echo : A);
    p.ack = 1;
    say(p);
    if (active) {
        if (said.size() != 1 || said.front().s.flags != A)
            return fail("the handshake fails");
        next();
    }
    if (app.stream == nullptr || (active && !(app.events & STREAM_OPEN)))
        fail("the handshake fails");
}

void Play::again(uint32_t ahead)
{
    last_ = iss_ + heard_ - 1;
    iss_follows_ = iss_known_;
    iss_known_ = false;
    isn_ += ahead;
    next_ = acked_ = heard_ = 0;
    app = App();
}

void Play::segment_out(const Step &step)
{
    reach(step);
    Pattern p = step.segment;
    nsec_t due = now;
    if (p.by == 0)
        return expect(p, due, step.when.ticks);
    uint32_t from = p.seq.value_or(heard_), end = from + p.len;
    while (from < end && !failed_) {
        p.seq = from;
        p.len = std::min(p.by, end - from);
        expect(p, due, step.when.ticks);
        from += p.len;
    }
}

void Play::expect(const Pattern &p, nsec_t due, unsigned ticks)
{
    for (unsigned k = 0; said.empty() && k < ticks; k++)
        pass(NSEC_PER_MSEC);
    observe();
    if (failed_)
        return;
    if (said.empty())
        return fail("nothing was sent");
    Said x = next();
    std::string wrong = mismatch(p, x);
    if (wrong.empty() && (x.when < due || x.when > due + ticks * NSEC_PER_MSEC))
        wrong = "it was sent at " + clock(x.when) + ", not at " + clock(due);
    if (!wrong.empty())
        fail(wrong + "\n  sent: > " + text_of(x));
}

std::string Play::mismatch(const Pattern &p, const Said &x) const
{
    uint8_t flags = p.flags.value_or(A), care = flags & P ? 0xff : uint8_t(~P);
    uint32_t from = x.s.seq - iss_;
    if ((x.s.flags & care) != flags)
        return "the flags are " + flags_text(x.s.flags) + ", not " + flags_text(flags);
    if (x.s.dst_port != p.port.value_or(peer_port))
        return "it goes to port " + std::to_string(x.s.dst_port);
    if (p.seq && !p.port && from != *p.seq)
        return "it begins at " + std::to_string(from) + ", not at " + std::to_string(*p.seq);
    if (x.data.size() != p.len)
        return "it has " + std::to_string(x.data.size()) + " bytes of data, not " +
               std::to_string(p.len);
    if (p.ack && x.s.ack - isn_ != *p.ack)
        return "it acknowledges " + std::to_string(x.s.ack - isn_) + ", not " +
               std::to_string(*p.ack);
    if (p.window && (x.s.window < p.window->low || x.s.window > p.window->high))
        return "its window is " + std::to_string(x.s.window);
    if (p.ecn && *p.ecn != x.ecn)
        return std::string("it is marked ") + ecn_text(x.ecn) + ", not " + ecn_text(*p.ecn);
    return mismatched_options(p, x);
}

std::string Play::mismatched_options(const Pattern &p, const Said &x) const
{
    const struct segment &s = x.s;
    if ((s.flags & S) && p.has_options) {
        if (s.mss != p.mss.value_or(0))
            return "its MSS is " + std::to_string(s.mss);
        if (s.has_wscale != p.wscale.has_value() || (p.wscale && *p.wscale != s.wscale))
            return s.has_wscale ? "its window scale is " + std::to_string(s.wscale)
                                : "it has no window scale";
        if (s.sack_permitted != p.sack_permitted)
            return s.sack_permitted ? "it permits SACK" : "it does not permit SACK";
    }
    if ((p.timestamp && !s.has_timestamp) || (p.no_timestamp && s.has_timestamp))
        return s.has_timestamp ? "it has a timestamp" : "it has no timestamp";
    if (p.tsval && s.tsval - clock_ != *p.tsval)
        return "its timestamp is " + std::to_string(s.tsval - clock_);
    if (p.tsecr && s.tsecr - kTheirClock != *p.tsecr)
        return "it echoes the timestamp " + std::to_string(s.tsecr - kTheirClock);
    if (s.sack_count != p.sack.size())
        return "it has " + std::to_string(s.sack_count) + " SACK blocks, not " +
               std::to_string(p.sack.size());
    for (unsigned k = 0; k < s.sack_count; k++)
        if (s.sack[k].start - isn_ != p.sack[k].start || s.sack[k].end - isn_ != p.sack[k].end)
            return "SACK block " + std::to_string(k + 1) + " differs";
    return "";
}

std::string Play::clock(nsec_t at) const
{
    char text[32];
    snprintf(text, sizeof(text), "%" PRIu64 ".%06" PRIu64, (at - start_) / NSEC_PER_SEC,
             (at - start_) % NSEC_PER_SEC / NSEC_PER_USEC);
    return text;
}

std::string Play::text_of(const Said &x) const
{
    return text_of(x.s, x.s.data_len, true) +
           (x.ecn != 0 ? std::string(" [") + ecn_text(x.ecn) + "]" : "");
}

std::string Play::text_of(const struct segment &s, uint32_t len, bool ours) const
{
    uint32_t base = ours ? iss_ : isn_, other = ours ? isn_ : iss_, from = s.seq - base;
    std::ostringstream out;
    out << flags_text(s.flags) << " " << from << ":" << from + len << "(" << len << ")";
    if (s.flags & A)
        out << " ack " << s.ack - other;
    out << " win " << s.window;
    std::string options;
    if (s.mss != 0)
        options += "mss " + std::to_string(s.mss) + ", ";
    if (s.has_wscale)
        options += "wscale " + std::to_string(s.wscale) + ", ";
    if (s.sack_permitted)
        options += "sackOK, ";
    if (s.has_timestamp)
        options += "ts val " + std::to_string(s.tsval - (ours ? clock_ : kTheirClock)) + " ecr " +
                   std::to_string(s.tsecr - (ours ? kTheirClock : clock_)) + ", ";
    for (unsigned k = 0; k < s.sack_count; k++)
        options += (k == 0 ? "sack " : "") + std::to_string(s.sack[k].start - other) + ":" +
                   std::to_string(s.sack[k].end - other) + (k + 1 < s.sack_count ? " " : ", ");
    if (!options.empty())
        out << " <" << options.substr(0, options.size() - 2) << ">";
    return out.str();
}

void Play::note(nsec_t at, const std::string &line)
{
    trace_.push_back(clock(at) + "  " + line);
    if (trace_.size() > kTraceLines)
        trace_.pop_front();
}

void Play::fail(const std::string &what)
{
    std::string story;
    for (const std::string &line : trace_)
        story += "\n    " + line;
    failed_ = true;
    ADD_FAILURE_AT(scenario_.file.c_str(), int(step_ != nullptr ? step_->line : scenario_.line))
        << what << "\n  so far:" << story;
}

} // namespace scenario
