// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/router_plan.h"

#include <algorithm>

namespace sim
{

namespace
{

// Who lives where. The local parts of the mailbox server's are in the set; nobody is at kNobody.
struct Home {
    char server;
    const char *domain;
    std::vector<const char *> people;
};

const std::vector<Home> &homes()
{
    static const std::vector<Home> all = {
        {'M', "example.com", {"alice", "anna", "amy", "arno"}},
        {'E', "example.com", {"bob", "ben", "bea", "carol"}},
        {kEither, "example.com", {"mona", "mike"}},
        {'N', "example.org", {"olga", "otto", "oda"}},
        {kNobody, "example.org", {"nobody", "nix"}},
        {kNobody, "elsewhere.example", {"someone"}},
    };
    return all;
}

// Text for the sections of the configuration.
struct Choices {
    std::string appliance, listener, memory, message, timeouts, destinations, limits, us, them,
        others;
};

template <size_t N> const char *pick(Dice &d, const char *const (&all)[N])
{
    return all[d.upto(N)];
}

// Limits that are seldom in the way, and some that often are.
std::string limits(Dice &d)
{
    static const char *const keys[] = {"connections",    "connection_rate", "message_rate",
                                       "recipient_rate", "invalid_rate",    "error_rate"};
    std::string text;
    if (!d.one_in(5))
        return text;
    for (const char *key : keys)
        if (d.one_in(3))
            text += std::string(key) + " = " + std::to_string(d.between(1, 12)) + "\n";
    if (d.one_in(3))
        text += "min_data_rate = " + std::to_string(d.between(1, 200)) + "\n";
    if (d.one_in(4))
        text += "exempt = 10.0.1.0/24\n";
    return text;
}

Choices choices(Dice &d)
{
    static const char *const ends[] = {"1s", "30s", "30s", "300s", "15m"};
    static const char *const offers[] = {
        "", "", "", "pipelining = no\n", "size = no\n", "limits = no\nenhancedstatuscodes = no\n"};
    static const char *const sessions[] = {"24", "24", "24", "3"};
    static const char *const messages[] = {"",
                                           "",
                                           "",
                                           "max_legs = 1\n",
                                           "max_legs = 3\n",
                                           "multi_route = serialize\n",
                                           "commit_order = local\n",
                                           "max_legs = 3\ncommit_order = local\n"};
    static const char *const sizes[] = {"", "", "", "max_size = 64K\n", "max_size = 100K\n"};
    static const char *const replays[] = {
        "", "", "", "replay_bytes = 0\n", "replay_bytes = 4K\n", "replay_bytes = 16M\n"};
    static const char *const memories[] = {"", "", "", "memo_ttl = 60s\n", "hint_ttl = 60s\n"};
    static const char *const pools[] = {"", "", "pool_idle = 0s\n", "pool_idle = 5m\n"};
    static const char *const connections[] = {"100", "100", "1", "2", "3"};
    static const char *const shares[] = {"", "", "fair_share = 1\n", "fair_share = 100\n"};
    Choices c;
    c.appliance = std::string("shutdown_timeout = ") + pick(d, ends) + "\n" +
                  (d.one_in(2) ? "fleet_key = of-all-processes\n" : "");
    c.listener = std::string(pick(d, offers)) + (d.one_in(2) ? "dsn = yes\n" : "") +
                 (d.one_in(3) ? "bare_newline = repair\n" : "") +
                 (d.one_in(3) ? "binarymime = yes\n" : "");
    c.memory = std::string("max_sessions = ") + pick(d, sessions) +
               "\nmemo_entries = " + (d.one_in(6) ? "100" : "1000") + "\n";
    c.message = std::string(pick(d, messages)) + pick(d, sizes) + pick(d, replays);
    c.timeouts = std::string(pick(d, memories)) + pick(d, pools);
    c.destinations = std::string("connections = ") + pick(d, connections) + "\n" + pick(d, shares);
    c.limits = limits(d);
    return c;
}

// A destination of a domain, as it is configured there.
std::string destination(const std::string &key, const std::string &identity, const ServerPlan &s)
{
    static const char *const identities[] = {"none", "xclient", "xforward", "proxy-v2"};
    std::string host = !s.name.empty()                            ? s.name
                       : s.address.find(':') == std::string::npos ? s.address
                                                                  : "[" + s.address + "]";
    std::string first;
    if (s.first == ServerPlan::First::REFUSES || s.first == ServerPlan::First::COMES_AND_GOES)
        first = host + ":" + std::to_string(kFirstPort) + " priority 5, ";
    else if (s.first == ServerPlan::First::IS_AWAY)
        first = "10.0.0." + std::to_string(128 + s.letter) + " priority 5, ";
    return key + " = " + first + host + ":25\n" + identity + " = " + identities[int(s.identity)] +
           "\n";
}

// After a move, who is at kEither lives at the external server's.
Files files(const Choices &c, const std::vector<ServerPlan> &servers, bool moved)
{
    Files f;
    for (const Home &home : homes())
        for (const char *who : home.people) {
            if (home.server == 'M' || (home.server == kEither && !moved))
                f["mailboxes"] += std::string(who) + "\n";
            if (home.server == 'N')
                f["others"] += std::string(who) + "\n";
        }
    const std::string trusted = "10.0.0.0/16, 2001:db8::/32\n";
    f["splitmx.ini"] =
        "[appliance]\nhostname = mx1.example.net\npostmaster = postmaster@example.com\n" +
        c.appliance + "[memory]\nhugepages = no\nmax_connections = 256\nmax_recipients = 128\n" +
        c.memory +
        "[port wan]\ndevice = net_tap0,iface=smx0\naddress = 10.0.0.2/16, 2001:db8::2/32\n"
        "[listener smtp]\nport = wan\n" +
        c.listener + "[listener balanced]\nport = wan\ntcp_port = 26\n" + c.listener +
        "proxy_from = " + trusted + "[listener trusted]\nport = wan\ntcp_port = 27\n" + c.listener +
        "xclient_from = " + trusted + "[message]\nrecipients = 100\n" + c.message + "[timeouts]\n" +
        c.timeouts + "[destinations]\n" + c.destinations + "[limits]\n" + c.limits +
        "[domain example.com]\nmailboxes = mailboxes\n" +
        destination("mailbox_server", "local_identity", servers[0]) +
        "split_domain_routing = yes\nverification_address = carol@example.com\n" +
        destination("external_mail_server", "external_identity", servers[1]) +
        "[domain example.org]\nmailboxes = others\n" +
        destination("mailbox_server", "local_identity", servers[2]);
    return f;
}

Weather weather(Dice &d)
{
    Weather w;
    w.delay = d.one_in(3) ? 50 * NSEC_PER_USEC : d.between(1, 80) * NSEC_PER_MSEC;
    w.jitter = d.one_in(2) ? 0 : d.upto(5 * NSEC_PER_MSEC);
    w.loss = d.one_in(2) ? 0 : d.chance(d.one_in(3) ? 0.08 : 0.02);
    w.reorder = d.one_in(2) ? 0 : d.chance(0.05);
    w.duplicate = d.one_in(2) ? 0 : d.chance(0.05);
    w.corrupt = d.one_in(6) ? d.chance(0.02) : 0;
    return w;
}

std::string content(Dice &d, unsigned id, bool eightbit, bool bare)
{
    std::string text = "Message-ID: <" + std::to_string(id) + "@sim.example>\r\n";
    if (d.one_in(4))
        text = "Received: from somewhere.example by else.example;\r\n\tsome time\r\n" + text;
    if (d.one_in(8))
        text.clear();
    size_t size = d.one_in(12) ? d.upto(300000) : d.one_in(3) ? d.upto(20000) : d.upto(1500);
    if (!text.empty())
        text += "\r\n";
    while (text.size() < size) {
        std::string line;
        if (d.one_in(8))
            line = std::string(d.between(1, 3), '.');
        uint64_t letters = 0; // eight of a throw
        for (uint64_t n = d.one_in(5) ? 0 : d.upto(90); n > 0; n--, letters >>= 8) {
            if (n % 8 == 0 || letters == 0)
                letters = d.random();
            uint64_t letter = letters & 0xff;
            line += eightbit && letter < 12 ? char(0xe4) : char(' ' + letter % 95);
        }
        if (text.empty() && line[0] == ' ')
            line = "x" + line; // or it would belong to our own line
        text += line + "\r\n";
    }
    size_t body = text.find("\r\n\r\n"); // in front of it there is what is looked for
    for (uint64_t n = bare ? d.between(1, d.one_in(3) ? 40 : 3) : 0; n > 0; n--) {
        static const char *const ends[] = {"\n",    "\r",      "\n.\n",  "\n.\r\n", "\r\n.\n",
                                           "\r.\r", "\r.\r\n", "\n\r\n", "\r\r\n",  "\n\r",
                                           "\n..",  "\r.",     "\r\n\r", "\r\n\n"};
        size_t from = body == std::string::npos ? 0 : body + 4, at = from;
        if (!d.one_in(4))
            at += d.upto(text.size() - from + 1);
        text.insert(at, "a" + std::string(ends[d.upto(14)]) + (d.one_in(2) ? "b\r\n" : "b"));
    }
    if (bare && (text.size() < 2 || text.compare(text.size() - 2, 2, "\r\n") != 0))
        text += "c\r\n";
    return text;
}

std::string repaired(const std::string &content)
{
    std::string out;
    for (size_t k = 0; k < content.size(); k++) {
        bool whole = content.compare(k, 2, "\r\n") == 0;
        if (whole || content[k] == '\r' || content[k] == '\n')
            out += "\r\n";
        else
            out += content[k];
        k += whole;
    }
    return out;
}

// As a client sends it that knows nothing of transparency: and yet it does not end too soon.
bool is_sent_raw(const std::string &content)
{
    return content.find("\r\n.\r\n") == std::string::npos && content.rfind(".\r\n", 0) != 0;
}

// Any octets, behind what a header should have: the memo looks for it.
void make_binary(Dice &d, Mail &m)
{
    size_t body = m.content.find("\r\n\r\n");
    if (body == std::string::npos) {
        m.content = "X-Nothing: here\r\n\r\n";
        body = m.content.size() - 4;
    }
    for (size_t k = body + 4; k < m.content.size(); k += 1 + d.upto(40))
        m.content[k] = char(d.upto(256));
    m.binary = true;
    m.bare = m.raw = m.eightbit = false;
    m.meant = m.content;
}

Mail mail(Dice &d, unsigned id, bool repair)
{
    Mail m;
    m.id = id;
    m.sender = "m" + std::to_string(id) + "@client.example";
    static const char *const notify[] = {"NEVER", "FAILURE", "SUCCESS", "SUCCESS,FAILURE", "DELAY"};
    m.eightbit = d.one_in(6);
    m.notify = d.one_in(4) ? pick(d, notify) : "";
    m.bare = d.one_in(repair ? 4 : 25);
    m.repair = repair;
    m.content = content(d, id, m.eightbit, m.bare);
    m.raw = m.bare && d.one_in(3) && is_sent_raw(m.content);
    m.meant = repaired(m.raw ? unstuffed(m.content) : m.content);
    std::vector<Addressee> all;
    for (const Home &home : homes())
        for (const char *who : home.people)
            all.push_back({std::string(who) + "@" + home.domain, home.server});
    std::shuffle(all.begin(), all.end(), d.random);
    size_t count = d.one_in(3) ? 1 : d.between(1, d.one_in(4) ? all.size() : 4);
    m.to.assign(all.begin(), all.begin() + long(count));
    return m;
}

ServerPlan server(Dice &d, char letter, const char *number, nsec_t good_from)
{
    ServerPlan s;
    s.letter = letter;
    s.address = std::string(d.one_in(3) ? "2001:db8::" : "10.0.0.") + number;
    s.identity = d.one_in(3) ? ServerPlan::Identity(1 + d.upto(3)) : ServerPlan::Identity::NONE;
    for (const Home &home : homes())
        if (home.server == letter || (home.server == kEither && letter != 'N'))
            for (const char *who : home.people) {
                s.mailboxes.insert(std::string(who) + "@" + home.domain);
                if (home.server == kEither)
                    s.late.insert(std::string(who) + "@" + home.domain);
            }
    s.pipelining = !d.one_in(4);
    s.eightbit = !d.one_in(4);
    s.size = !d.one_in(4);
    s.utf8 = d.one_in(2);
    s.dsn = d.one_in(2);
    s.chunking = d.one_in(2);
    s.binary = s.chunking && d.one_in(2);
    if (d.one_in(5)) {
        s.most_recipients = unsigned(d.between(2, 5));
        s.most_messages = unsigned(d.between(1, 3));
    }
    s.hates = d.one_in(5) ? unsigned(d.between(2, 5)) : 0;
    s.limit = d.one_in(5) ? 20000 : 10000000;
    s.hello_only = d.one_in(10);
    s.whims = d.one_in(4) ? 0 : d.between(3, 40);
    s.favourite = d.one_in(2) ? 0 : d.between(1, 4);
    s.stage = Stage(d.upto(uint64_t(Stage::COUNT)));
    s.idle = d.between(2, 400) * NSEC_PER_SEC;
    if (d.one_in(4))
        s.first = ServerPlan::First(d.between(1, 3));
    s.pace = d.one_in(2) ? 0 : d.upto(d.one_in(3) ? 5 * NSEC_PER_SEC : 200 * NSEC_PER_MSEC);
    s.good_from = good_from;
    return s;
}

ClientPlan client(Dice &d, unsigned number, nsec_t good_from)
{
    ClientPlan c;
    std::string n = std::to_string(number + 1);
    std::string network = d.one_in(3) ? "2001:db8:" + n + "00::" : "10.0." + n + ".";
    c.name = "c" + std::to_string(number) + ".example";
    c.addresses = c.claims = {network + "1", network + "2"};
    if (d.one_in(3)) {
        c.entrance = ClientPlan::Entrance(1 + d.upto(3));
        network = d.one_in(3) ? "2001:db8:f" + n + "00::" : "192.0." + n + ".";
        c.claims = {network + "8", network + "9"};
    }
    c.sessions = unsigned(d.between(1, 3));
    c.impatient = d.one_in(3) ? 0 : d.between(1, 8);
    c.slow = d.one_in(2) ? 0 : d.between(2, 8);
    c.hello_only = d.one_in(10);
    c.retry = d.between(20, 300) * NSEC_PER_SEC;
    c.good_from = good_from;
    return c;
}

void add_troubles(Dice &d, RouterPlan &p)
{
    nsec_t within = p.good_from - p.start;
    auto add = [&](RouterTrouble::Kind kind, nsec_t lasts) {
        RouterTrouble t = {kind, p.start + d.upto(within), uint32_t(d.upto(4)), lasts};
        p.troubles.push_back(t);
    };
    if (d.one_in(3))
        for (uint64_t k = d.between(1, 4); k > 0; k--)
            add(d.one_in(3) ? RouterTrouble::SHUTDOWN : RouterTrouble::CRASH, 0);
    if (d.one_in(5))
        for (unsigned k = 0; k < 3; k++)
            add(RouterTrouble::FAMINE, d.upto(20 * NSEC_PER_SEC));
    if (d.one_in(8))
        add(RouterTrouble::OUTAGE, d.upto(200 * NSEC_PER_SEC));
    if (d.one_in(4))
        for (uint64_t k = d.between(1, 4); k > 0; k--)
            add(RouterTrouble::MOVE, 0);
    if (d.one_in(4))
        for (unsigned k = 0; k < 2; k++)
            add(RouterTrouble::REBOOT, d.between(1, 600) * NSEC_PER_SEC);
    if (std::any_of(p.servers.begin(), p.servers.end(),
                    [](const ServerPlan &s) { return !s.name.empty(); }))
        for (uint64_t k = d.between(1, 3); k > 0; k--) {
            add(RouterTrouble::RENUMBER, 0);
            RouterTrouble heard = p.troubles.back();
            heard.kind = RouterTrouble::RESOLVE;
            heard.at += d.upto(600 * NSEC_PER_SEC);
            p.troubles.push_back(heard);
        }
    std::sort(p.troubles.begin(), p.troubles.end(),
              [](const RouterTrouble &a, const RouterTrouble &b) { return a.at < b.at; });
}

} // namespace

RouterPlan router_plan(uint64_t seed)
{
    Dice d{std::mt19937_64(seed)};
    RouterPlan p;
    Choices c = choices(d);
    p.max_size = c.message.find("64K") != std::string::npos    ? 64 << 10
                 : c.message.find("100K") != std::string::npos ? 100 << 10
                                                               : 50 << 20;
    p.memo_ttl = (c.timeouts.find("memo_ttl") != std::string::npos ? 60 : 4 * 3600) * NSEC_PER_SEC;
    p.budget = d.one_in(5) ? 256 : 2048;
    p.nic.hold = d.upto(5 * NSEC_PER_MSEC) + 1;
    p.nic.scatter = d.one_in(4);
    p.nic.caps.tx_tcp_checksum = d.one_in(3);
    p.nic.caps.rx_tcp_checksum = d.one_in(3);
    p.nic.caps.tso = p.nic.caps.tx_tcp_checksum && d.one_in(2);
    p.weather[0] = weather(d);
    p.weather[1] = weather(d);
    p.start = 1000 * NSEC_PER_SEC;
    p.good_from = p.start + d.between(600, 3600) * NSEC_PER_SEC;
    p.servers = {server(d, 'M', "10", p.good_from), server(d, 'E', "20", p.good_from),
                 server(d, 'N', "30", p.good_from)};
    bool crowd = d.one_in(8), named = !crowd && d.one_in(4);
    if (named) {
        ServerPlan &s = p.servers[d.upto(3)];
        s.name = "mail." + std::string(1, char(s.letter | 0x20)) + ".example";
        s.second = d.one_in(2) ? "2001:db8::40" : "10.0.0.40";
    }
    for (bool moved : {false, true})
        p.files[moved] = files(c, p.servers, moved);
    // Many, that come at about the same time, have to wait for each other.
    for (unsigned k = 0; k < (crowd ? 5 : 2); k++) {
        p.clients.push_back(client(d, k, p.good_from));
        p.clients.back().addresses.resize(crowd || named ? 1 : 2); // an interface has only so many
    }
    // Without the key a process knows only its own marks.
    p.forwards = !crowd && c.appliance.find("fleet_key") != std::string::npos;
    if (p.forwards) {
        p.clients.push_back(client(d, 8, p.good_from));
        p.clients.back().addresses.resize(1);
    }
    p.dsn = c.listener.find("dsn = yes") != std::string::npos;
    bool repair = c.listener.find("repair") != std::string::npos;
    bool binary = c.listener.find("binarymime") != std::string::npos;
    unsigned id = 0;
    for (uint64_t count = crowd ? d.between(15, 30) : d.between(1, 10); count > 0; count--) {
        p.posts.push_back({unsigned(d.upto(p.clients.size() - p.forwards)),
                           p.start + d.upto((p.good_from - p.start) / (crowd ? 20 : 2)),
                           mail(d, ++id, repair)});
        const std::vector<std::string> &from = p.clients[p.posts.back().client].claims;
        Mail &m = p.posts.back().mail;
        m.from = {from.begin(), from.end()};
        bool plain = p.clients[p.posts.back().client].hello_only;
        m.notify = plain ? "" : m.notify;
        m.utf8 = !plain && d.one_in(8);
        if (binary && !plain && d.one_in(4))
            make_binary(d, m);
        if (m.utf8 && d.one_in(2))
            m.sender = "m" + std::to_string(id) + "-\u00e4@client.example";
    }
    add_troubles(d, p);
    bool moves = std::any_of(p.troubles.begin(), p.troubles.end(),
                             [](const RouterTrouble &t) { return t.kind == RouterTrouble::MOVE; });
    for (Posted &post : p.posts)
        for (Addressee &to : post.mail.to)
            if (to.owner == kEither && !moves)
                to.owner = 'M';
    return p;
}

} // namespace sim
