// SPDX-License-Identifier: BSD-3-Clause
// From the text of a *.script file to scenarios.
#include "tests/drivers/tcp/scenario.h"

#include <cctype>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>

extern "C" {
#include "drivers/stream.h"
}

namespace scenario
{

namespace
{

const std::map<std::string, uint8_t> kEcn = {{"noect", 0}, {"ect1", 1}, {"ect0", 2}, {"ce", 3}};

// Type and code over IPv4 (RFC 792) and IPv6 (RFC 4443); 0: not there.
const std::map<std::string, std::pair<unsigned, unsigned>> kIcmp = {
    {"net-unreachable", {0x300, 0x100}},   {"host-unreachable", {0x301, 0x103}},
    {"protocol-unreachable", {0x302, 0}},  {"port-unreachable", {0x303, 0x104}},
    {"too-big", {0x304, 0x200}},           {"admin-prohibited", {0x30d, 0x101}},
    {"source-quench", {0x400, 0}},         {"time-exceeded", {0xb00, 0x300}},
    {"parameter-problem", {0xc00, 0x400}},
};

const std::map<std::string, unsigned> kEvents = {
    {"open", STREAM_OPEN}, {"data", STREAM_DATA}, {"acked", STREAM_ACKED}, {"eof", STREAM_EOF}};

const std::map<std::string, unsigned> kErrors = {{"closed", STREAM_CLOSED},
                                                 {"refused", STREAM_REFUSED},
                                                 {"reset", STREAM_RESET},
                                                 {"timed-out", STREAM_TIMED_OUT},
                                                 {"unreachable", STREAM_UNREACHABLE}};

// The words of one line, or of a part of it.
class Words
{
  public:
    Words(std::string where, const std::string &text) : where_(std::move(where))
    {
        std::istringstream in(text);
        for (std::string w; in >> w;)
            words_.push_back(w);
    }
    [[noreturn]] void fail(const std::string &what) const
    {
        throw Error(where_ + ": " + what);
    }
    bool end() const
    {
        return next_ == words_.size();
    }
    const std::string &peek() const
    {
        static const std::string nothing;
        return end() ? nothing : words_[next_];
    }
    std::string take(const char *what)
    {
        if (end())
            fail(std::string("the line ends where there should be ") + what);
        return words_[next_++];
    }
    bool accept(const std::string &word)
    {
        if (peek() != word)
            return false;
        next_++;
        return true;
    }
    uint64_t number(const char *what, uint64_t most = UINT32_MAX)
    {
        return number_in(take(what), what, most);
    }
    uint64_t number_in(const std::string &w, const char *what, uint64_t most = UINT32_MAX) const
    {
        char *rest = nullptr;
        unsigned long long n = strtoull(w.c_str(), &rest, 10);
        if (w.empty() || !isdigit(uint8_t(w[0])) || *rest != 0 || n > most)
            fail("'" + w + "' is not " + what);
        return n;
    }
    // "1.5", "1.5s", "40ms"
    nsec_t time(const std::string &w) const
    {
        char *rest = nullptr;
        double t = strtod(w.c_str(), &rest);
        std::string unit = rest;
        if (w.empty() || !isdigit(uint8_t(w[0])) || t < 0 ||
            !(unit.empty() || unit == "s" || unit == "ms"))
            fail("'" + w + "' is not a time");
        return nsec_t(t * (unit == "ms" ? 1e6 : 1e9) + 0.5);
    }
    template <class Map> auto one_of(const Map &map, const char *what)
    {
        std::string w = take(what);
        auto found = map.find(w);
        if (found == map.end())
            fail("'" + w + "' is not " + what);
        return found->second;
    }

  private:
    std::string where_;
    std::vector<std::string> words_;
    size_t next_ = 0;
};

bool is_time(const std::string &w)
{
    return !w.empty() && (isdigit(uint8_t(w[0])) || (w[0] == '+' && w.size() > 1));
}

// "0.2", "+40ms", "+0.2~1"
When parse_when(Words &words)
{
    When when;
    if (!is_time(words.peek()))
        return when;
    std::string w = words.take("a time");
    size_t tilde = w.find('~');
    if (tilde != std::string::npos)
        when.ticks = unsigned(words.number_in(w.substr(tilde + 1), "a number of ticks", 100));
    w = w.substr(0, tilde);
    when.kind = w[0] == '+' ? When::AFTER : When::AT;
    when.time = words.time(w[0] == '+' ? w.substr(1) : w);
    return when;
}

// "4..9", "4..", "4"
Range parse_range(Words &words, const std::string &w, uint32_t most)
{
    size_t dots = w.find("..");
    if (dots != std::string::npos)
        return {uint32_t(words.number_in(w.substr(0, dots), "a number", most)),
                w.size() == dots + 2
                    ? most
                    : uint32_t(words.number_in(w.substr(dots + 2), "a number", most))};
    uint32_t n = uint32_t(words.number_in(w, "a number", most));
    return {n, n};
}

bool is_flags(const std::string &w)
{
    return !w.empty() && w.find_first_not_of("FSRPAUEC.") == std::string::npos;
}

uint8_t parse_flags(const std::string &w)
{
    const std::string letters = "FSRPAUEC";
    uint8_t flags = 0;
    for (char c : w)
        flags |= uint8_t(1 << letters.find(c == '.' ? 'A' : c));
    return flags;
}

// "101:201", with or without "(100)" behind it
bool parse_span(const Words &words, std::string w, Pattern *p)
{
    size_t colon = w.find(':');
    if (colon == std::string::npos || !isdigit(uint8_t(w[0])))
        return false;
    size_t open = w.find('(');
    uint32_t low = uint32_t(words.number_in(w.substr(0, colon), "a sequence number"));
    uint32_t high = uint32_t(words.number_in(
        open == std::string::npos ? w.substr(colon + 1) : w.substr(colon + 1, open - colon - 1),
        "a sequence number"));
    if (high < low)
        words.fail("'" + w + "' ends before it begins");
    p->seq = low;
    p->len = high - low;
    if (open != std::string::npos && w.substr(open) != "(" + std::to_string(p->len) + ")")
        words.fail("'" + w + "' holds " + std::to_string(p->len) + " bytes");
    return true;
}

struct sack_block parse_block(const Words &words, const std::string &w)
{
    Pattern p;
    if (!parse_span(words, w, &p) || p.len == 0)
        words.fail("'" + w + "' is not a SACK block");
    return {*p.seq, *p.seq + p.len};
}

void parse_options(Words words, Pattern *p)
{
    p->has_options = true;
    while (!words.end()) {
        std::string w = words.take("an option");
        if (w == "mss") {
            p->mss = uint16_t(words.number("an MSS", UINT16_MAX));
        } else if (w == "wscale") {
            p->wscale = uint8_t(words.number("a shift", UINT8_MAX));
        } else if (w == "sackOK") {
            p->sack_permitted = true;
        } else if (w == "no-ts") {
            p->no_timestamp = true;
        } else if (w == "ts") {
            p->timestamp = true;
            if (words.accept("val"))
                p->tsval = uint32_t(words.number("a timestamp"));
            if (words.accept("ecr"))
                p->tsecr = uint32_t(words.number("a timestamp"));
        } else if (w == "sack") {
            while (words.peek().find(':') != std::string::npos)
                p->sack.push_back(parse_block(words, words.take("a SACK block")));
            if (p->sack.empty() || p->sack.size() > TCP_MAX_SACK)
                words.fail("one to four blocks follow 'sack'");
        } else if (w != "none") {
            words.fail("there is no option '" + w + "'");
        }
    }
}

// Cut `open`...`close` out of the text; false if it is not there.
bool cut(std::string *text, char open, char close, std::string *inside)
{
    size_t from = text->find(open), to = text->find(close, from + 1);
    if (from == std::string::npos || to == std::string::npos)
        return false;
    *inside = text->substr(from + 1, to - from - 1);
    for (char &c : *inside)
        if (c == ',')
            c = ' ';
    text->erase(from, to - from + 1);
    return true;
}

Pattern parse_segment(const std::string &where, std::string text)
{
    Pattern p;
    std::string inside;
    if (cut(&text, '<', '>', &inside))
        parse_options(Words(where, inside), &p);
    if (cut(&text, '[', ']', &inside)) {
        Words bits(where, inside);
        p.ecn = bits.one_of(kEcn, "one of noect, ect0, ect1, ce");
    }
    Words words(where, text);
    if (is_flags(words.peek()))
        p.flags = parse_flags(words.take("flags"));
    while (!words.end()) {
        std::string w = words.take("a word");
        if (parse_span(words, w, &p))
            continue;
        if (w == "seq") {
            p.seq = uint32_t(words.number("a sequence number"));
        } else if (w == "data") {
            p.len = uint32_t(words.number("a number of bytes"));
            p.data_next = true;
        } else if (w == "by") {
            p.by = uint32_t(words.number("a number of bytes"));
        } else if (w == "ack") {
            if (words.accept("all"))
                p.ack_all = true;
            else if (words.accept("by"))
                p.ack_by = uint32_t(words.number("a number of bytes"));
            else
                p.ack = uint32_t(words.number("a sequence number"));
        } else if (w == "win") {
            p.window = parse_range(words, words.take("a window"), UINT16_MAX);
        } else if (w == "urg") {
            p.urgent = uint16_t(words.number("an urgent pointer", UINT16_MAX));
        } else if (w == "port") {
            p.port = uint16_t(words.number("a port", UINT16_MAX));
        } else if (w == "spoiled") {
            p.spoiled = true;
        } else {
            words.fail("'" + w + "' says nothing about a segment");
        }
    }
    if (p.by > 0 && p.len == 0)
        words.fail("there is nothing to cut by " + std::to_string(p.by));
    return p;
}

void parse_icmp(const std::string &where, const std::string &text, Step *step)
{
    Words words(where, text);
    words.take("icmp");
    step->verb = Verb::ICMP;
    step->word = words.peek();
    words.one_of(kIcmp, "an ICMP error");
    while (!words.end()) {
        if (words.accept("mtu"))
            step->segment.mtu = uint32_t(words.number("an MTU", UINT16_MAX));
        else if (words.accept("seq"))
            step->segment.seq = uint32_t(words.number("a sequence number"));
        else if (words.accept("port"))
            step->segment.port = uint16_t(words.number("a port", UINT16_MAX));
        else
            words.fail("'" + words.peek() + "' says nothing about an ICMP error");
    }
}

void parse_app(Words &words, Step *step)
{
    std::string w = words.take("what the application does");
    if (w == "listens") {
        step->verb = Verb::LISTEN;
    } else if (w == "connects") {
        step->verb = Verb::CONNECT;
    } else if (w == "writes") {
        step->verb = Verb::WRITES;
        step->number = words.number("a number of bytes");
    } else if (w == "reads") {
        step->verb = words.accept("nothing") ? Verb::READS_NOT : Verb::READS;
        if (!words.end() && !words.accept("all"))
            step->number = words.number("a number of bytes");
    } else if (w == "closes") {
        step->verb = words.accept("listener") ? Verb::UNLISTEN : Verb::CLOSES;
    } else if (w == "aborts") {
        step->verb = Verb::ABORTS;
    } else if (w == "sees" && words.accept("down")) {
        step->verb = Verb::SEES_DOWN;
        step->number = words.one_of(kErrors, "a reason");
    } else if (w == "sees") {
        step->verb = words.accept("no") ? Verb::SEES_NOT : Verb::SEES;
        if (words.accept("down"))
            step->number = STREAM_DOWN;
        else
            step->number = words.one_of(kEvents, "an event");
    } else if (w == "has") {
        step->verb = Verb::HAS;
        step->number = words.number("a number of bytes");
    } else if (w == "unacked") {
        step->verb = Verb::UNACKED;
        step->number = words.number("a number of bytes");
    } else {
        words.fail("an application does not know how to '" + w + "'");
    }
}

// Everything but segments and ICMP.
void parse_verb(Words &words, Step *step)
{
    std::string w = words.take("something to do");
    if (w == "app") {
        parse_app(words, step);
    } else if (w == "accepted" || w == "connected") {
        step->verb = w == "accepted" ? Verb::ACCEPTED : Verb::CONNECTED;
        if (words.accept("after"))
            step->span = words.time(words.take("a time"));
    } else if (w == "peer") {
        step->verb = Verb::ECHO;
        if (!words.accept("acks"))
            words.fail("a peer acks, or gets a line that begins with '<'");
        if (!words.accept("nothing") && words.accept("after"))
            step->span = words.time(words.take("a time"));
    } else if (w == "flight") {
        step->verb = Verb::FLIGHT;
        Range range = parse_range(words, words.take("a number of bytes"), UINT32_MAX);
        step->number = range.low;
        step->most = range.high;
    } else if (w == "again") {
        step->verb = Verb::AGAIN;
        if (words.accept("isn"))
            step->number = words.number("a number");
    } else if (w == "skip") {
        step->verb = Verb::SKIP;
    } else if (w == "silence") {
        step->verb = Verb::SILENCE;
    } else if (w == "holds") {
        step->verb = Verb::HOLDS;
        step->number = words.number("a number");
        step->word = words.take("what is held");
        static const std::set<std::string> known = {"connections", "half-open", "time-wait",
                                                    "orphans"};
        if (known.count(step->word) == 0)
            words.fail("'" + step->word + "' is nothing that a stack holds");
    } else if (w == "counted") {
        step->verb = Verb::COUNTED;
        step->word = words.take("a counter");
        step->number = words.number("a number");
    } else {
        words.fail("'" + w + "' is not a word of this language");
    }
    if (!words.end())
        words.fail("'" + words.peek() + "' is too much");
}

Step parse_step(const std::string &where, unsigned line, const std::string &text)
{
    Step step;
    step.line = line;
    size_t rest = 0;
    Words words(where, text);
    if (is_time(words.peek())) {
        rest = text.find_first_of(" \t", text.find_first_not_of(" \t"));
        if (rest == std::string::npos)
            words.fail("nothing happens at that time");
    }
    step.when = parse_when(words);
    if (words.peek() == "<" || words.peek() == ">") {
        bool in = words.take("a direction") == "<";
        std::string body = text.substr(text.find_first_of("<>", rest) + 1);
        Words after(where, body);
        step.verb = in ? Verb::IN : Verb::OUT;
        if (in && after.peek() == "icmp") {
            parse_icmp(where, body, &step);
        } else if (!in && after.peek() == "count") {
            step.verb = Verb::COUNT;
            after.take("count");
            step.number = after.number("a number of segments");
        } else {
            step.segment = parse_segment(where, body);
        }
        return step;
    }
    parse_verb(words, &step);
    return step;
}

void parse_given(Words &words, Given *given)
{
    while (!words.end()) {
        std::string w = words.take("a fact");
        if (w == "mss")
            given->mss = words.accept("none") ? 0 : uint16_t(words.number("an MSS", UINT16_MAX));
        else if (w == "sack")
            given->sack = !words.accept("none");
        else if (w == "ts")
            given->timestamps = !words.accept("none");
        else if (w == "ipv6")
            given->ipv6 = true;
        else if (w == "ecn")
            given->ecn = !words.accept("none");
        else if (w == "reno" || w == "cubic")
            given->reno = w == "reno";
        else if (w == "wscale")
            given->wscale = uint8_t(words.number("a shift", UINT8_MAX));
        else if (w == "win")
            given->window = uint16_t(words.number("a window", UINT16_MAX));
        else if (w == "isn")
            given->isn = uint32_t(words.number("a sequence number"));
        else if (w == "mtu")
            given->mtu = uint16_t(words.number("an MTU", UINT16_MAX));
        else if (w == "receive-window")
            given->receive_window = uint32_t(words.number("a number of bytes"));
        else if (w == "half-open")
            given->half_open = uint32_t(words.number("a number"));
        else if (w == "keepalive")
            given->keepalive = words.time(words.take("a time"));
        else if (w == "time-wait")
            given->time_wait = words.time(words.take("a time"));
        else
            words.fail("'" + w + "' is nothing that can be given");
    }
}

std::string name_of(const std::string &title)
{
    std::string name;
    for (char c : title) {
        if (isalnum(uint8_t(c)))
            name += c;
        else if (!name.empty() && name.back() != '_')
            name += '_';
    }
    return name;
}

// Reads a file line by line.
class Parser
{
  public:
    explicit Parser(std::string file) : file_(std::move(file))
    {
    }
    void line(std::string text)
    {
        number_++;
        text = text.substr(0, text.find('#'));
        Words words(where(), text);
        if (words.end())
            return;
        if (words.accept("scenario")) {
            begin(words, text);
        } else if (words.accept("given")) {
            for (char &c : text)
                if (c == ',')
                    c = ' ';
            Words facts(where(), text);
            facts.accept("given");
            parse_given(facts, scenarios_.empty() ? &common_ : &scenarios_.back().given);
        } else if (scenarios_.empty()) {
            words.fail("a file begins with 'given' or 'scenario'");
        } else if (words.accept("repeat")) {
            if (times_ != 0)
                words.fail("'repeat' within 'repeat'");
            times_ = words.number("how often", 10000);
            body_.clear();
        } else if (words.accept("end")) {
            if (times_ == 0)
                words.fail("'end' without 'repeat'");
            for (; times_ > 0; times_--)
                steps().insert(steps().end(), body_.begin(), body_.end());
        } else {
            Step step = parse_step(where(), number_, text);
            (times_ != 0 ? body_ : steps()).push_back(step);
        }
    }
    std::vector<Scenario> finish()
    {
        if (times_ != 0)
            throw Error(where() + ": 'repeat' without 'end'");
        return std::move(scenarios_);
    }

  private:
    std::string where() const
    {
        return file_ + ":" + std::to_string(number_);
    }
    std::vector<Step> &steps()
    {
        return scenarios_.back().steps;
    }
    void begin(Words &words, const std::string &text)
    {
        if (times_ != 0)
            words.fail("'repeat' without 'end'");
        Scenario s;
        s.file = file_;
        s.line = number_;
        s.given = common_;
        s.title = text.substr(text.find("scenario") + 8);
        s.title.erase(0, s.title.find_first_not_of(' '));
        s.name = name_of(s.title);
        if (s.name.compare(0, 4, "RFC_") != 0 || s.title.find("§") == std::string::npos ||
            s.title.find(": ") == std::string::npos)
            words.fail("a title is 'RFC number §section: what happens'");
        if (!names_.insert(s.name).second)
            words.fail("a scenario of that title stands above");
        scenarios_.push_back(s);
    }

    std::string file_;
    unsigned number_ = 0;
    Given common_;
    std::vector<Scenario> scenarios_;
    std::set<std::string> names_;
    std::vector<Step> body_; // of a 'repeat'
    uint64_t times_ = 0;
};

} // namespace

std::optional<unsigned> icmp_code(const std::string &name, bool ipv6)
{
    auto found = kIcmp.find(name);
    if (found == kIcmp.end())
        return {};
    unsigned code = ipv6 ? found->second.second : found->second.first;
    return code != 0 ? std::optional<unsigned>(code) : std::nullopt;
}

std::vector<Scenario> parse(const std::string &file, const std::string &text)
{
    Parser parser(file);
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        parser.line(line);
    return parser.finish();
}

} // namespace scenario
