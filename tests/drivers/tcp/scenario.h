// SPDX-License-Identifier: BSD-3-Clause
// A scenario of a *.script file, read: what tests/README.md calls the script language, as values.
#ifndef SPLITMX_TESTS_TCP_SCENARIO_H
#define SPLITMX_TESTS_TCP_SCENARIO_H

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

extern "C" {
#include "drivers/base/timer.h"
#include "drivers/tcp/segment.h"
}

namespace scenario
{

// A line that cannot be understood: "file:line: what is wrong".
struct Error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// When a step happens.
struct When {
    enum { SAME, AT, AFTER } kind = SAME; // with the step before, on the scenario's clock, later
    nsec_t time = 0;
    unsigned ticks = 0; // as many timer ticks later will do
};

struct Range {
    uint32_t low, high;
};

// A segment as a line describes it; what it leaves out is default (in) or not looked at (out).
// Numbers are relative: a SYN is 0, the first byte of either side 1, a timestamp is milliseconds.
struct Pattern {
    std::optional<uint8_t> flags;
    std::optional<uint32_t> seq;
    uint32_t len = 0;
    uint32_t by = 0;        // the range is cut into segments of so many bytes
    uint32_t mtu = 0;       // of an ICMP error
    bool data_next = false; // the next `len` bytes, wherever they stand
    std::optional<uint32_t> ack;
    bool ack_all = false; // whatever was heard
    uint32_t ack_by = 0;  // an ACK for every so many bytes that were heard
    std::optional<Range> window;
    std::optional<uint16_t> urgent;
    std::optional<uint8_t> ecn; // of the IP header
    std::optional<uint16_t> port;
    bool spoiled = false; // its checksum is wrong

    bool has_options = false;
    std::optional<uint16_t> mss;
    std::optional<uint8_t> wscale;
    bool sack_permitted = false;
    bool timestamp = false, no_timestamp = false;
    std::optional<uint32_t> tsval, tsecr;
    std::vector<struct sack_block> sack;
};

enum class Verb {
    IN,        // a segment of the peer
    OUT,       // a segment of ours: the next one
    ICMP,      // an error, `word`, that quotes a segment of ours
    COUNT,     // `number` segments of ours, whatever is in them
    SKIP,      // whatever we said so far does not matter
    SILENCE,   // nothing was said up to now
    LISTEN,    // the application listens
    UNLISTEN,  // ... listens no longer
    ACCEPTED,  // ... listens, and the peer's handshake is through; `span`: how long that took
    CONNECT,   // ... connects
    CONNECTED, // ... and the handshake is through
    ECHO,      // from now on the peer acknowledges each segment `span` after it was sent; 0: none
    FLIGHT,    // between `number` and `most` bytes are sent and not acknowledged
    AGAIN,     // a new connection, whose peer begins `number` behind the old one's beginning
    WRITES,    // the application writes `number` bytes
    READS,     // ... reads `number` bytes; 0: all, and from now on whatever comes
    READS_NOT, // ... leaves unread what comes
    CLOSES,    // ... closes
    ABORTS,    // ... aborts
    SEES,      // ... has seen an event (`number`)
    SEES_NOT,  // ... has not
    SEES_DOWN, // ... has seen the stream go down, for a reason (`number`)
    HAS,       // ... has received `number` bytes in all
    UNACKED,   // `number` bytes of it are not acknowledged
    HOLDS,     // the stack holds `number` of `word` (tcp_usage())
    COUNTED,   // the counter `word` stands at `number`
};

struct Step {
    unsigned line;
    When when;
    Verb verb;
    Pattern segment = {};
    uint64_t number = 0, most = 0;
    nsec_t span = 0;
    std::string word;
};

// What `given` says: the peer's SYN, and our own configuration.
struct Given {
    uint16_t mss = 1460; // 0: no option
    bool sack = false, timestamps = false, ecn = false;
    bool reno = false, ipv6 = false;
    std::optional<uint8_t> wscale;
    uint16_t window = 65535;
    uint32_t isn = 1000000;
    std::optional<uint16_t> mtu;
    std::optional<uint32_t> receive_window, half_open, budget;
    std::optional<nsec_t> keepalive, time_wait;
};

struct Scenario {
    std::string file, title, name; // `name`: the title as GoogleTest takes it
    unsigned line;
    Given given;
    std::vector<Step> steps;
};

// Type and code of an ICMP error by its name; nothing if there is no such.
std::optional<unsigned> icmp_code(const std::string &name, bool ipv6);

// All scenarios of a file. Throws an Error.
std::vector<Scenario> parse(const std::string &file, const std::string &text);

} // namespace scenario

#endif
