// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/router_client.h"

#include <algorithm>

extern "C" {
#include "app/smtp/proxy.h"
}

namespace sim
{

namespace
{

constexpr char kRouter[] = "10.0.0.2", kRouter6[] = "2001:db8::2";
constexpr nsec_t kBlock = 180 * NSEC_PER_SEC; // RFC 5321 §4.5.3.2.5
constexpr unsigned kEnough = 60;              // attempts

std::string stuffed(const std::string &content)
{
    std::string out;
    for (size_t at = 0; at < content.size();) {
        size_t end = content.find("\r\n", at);
        end = end == std::string::npos ? content.size() : end + 2;
        if (content[at] == '.')
            out += '.';
        out.append(content, at, end - at);
        at = end;
    }
    return out + ".\r\n";
}

} // namespace

Visit::Visit(Client &client, Errand *first) : client_(client), errand_(first), now_(client.now_)
{
    errand_->under_way = true;
    client.visits++;
    connect();
}

Visit::~Visit()
{
    if (errand_ != nullptr)
        errand_->under_way = false;
}

void Visit::note(const std::string &text)
{
    client_.ledger_.note(now_,
                         client_.plan_.name + " " + me_.substr(me_.rfind(':') + 1) + " " + text);
}

void Visit::connect()
{
    Dice &d = client_.dice_;
    const std::string &from = client_.plan_.addresses[d.upto(client_.plan_.addresses.size())];
    static const uint16_t ports[] = {25, 26, 26, 27};
    struct ip_addr source = Host::parse(from);
    struct endpoint router = {Host::parse(ip_addr_is_v4(&source) ? kRouter : kRouter6),
                              ports[int(client_.plan_.entrance)]};
    enum stream_error why;
    struct stream *s = tcp_connect(client_.host_.tcp, &source, &router, Talk::handle, &talk_, &why);
    since_ = progress_ = now_;
    if (s == nullptr) {
        end("cannot connect");
        return;
    }
    talk_.attach(s);
    claim_ = s->local;
    if (client_.plan_.entrance != ClientPlan::Entrance::PLAIN)
        introduce(router);
    char text[ADDR_TEXT_SIZE];
    me_ = endpoint_format(&claim_, text);
    expected_.push_back({BANNER, ""});
    note("connects");
    plan_departure();
}

// It comes through somebody else, who says where it is from.
void Visit::introduce(struct endpoint router)
{
    const std::vector<std::string> &claims = client_.plan_.claims;
    claim_.addr = Host::parse(claims[client_.dice_.upto(claims.size())]);
    bool v4 = ip_addr_is_v4(&claim_.addr);
    router.addr = Host::parse(v4 ? kRouter : kRouter6);
    char a[ADDR_TEXT_SIZE], b[ADDR_TEXT_SIZE];
    uint8_t binary[PROXY_WRITTEN_MAX];
    if (client_.plan_.entrance == ClientPlan::Entrance::PROXY1)
        header_ = std::string("PROXY TCP") + (v4 ? "4 " : "6 ") + ip_addr_format(&claim_.addr, a) +
                  " " + ip_addr_format(&router.addr, b) + " " + std::to_string(claim_.port) + " " +
                  std::to_string(router.port) + "\r\n";
    if (client_.plan_.entrance == ClientPlan::Entrance::PROXY2)
        header_.assign(reinterpret_cast<char *>(binary),
                       proxy_format(binary, sizeof(binary), &claim_, &router));
}

void Visit::greet()
{
    send({HELLO, (client_.plan_.hello_only ? "HELO " : "EHLO ") + client_.plan_.name, ""});
}

// When, and how, the next transaction is left, if it is.
void Visit::plan_departure()
{
    Dice &d = client_.dice_;
    leave_how_ = STAY;
    leave_when_ = UINT64_MAX;
    if (client_.plan_.impatient == 0 || now_ >= client_.plan_.good_from ||
        !d.one_in(client_.plan_.impatient))
        return;
    leave_at_ = d.one_in(3) ? DOT : Kind(d.upto(DOT + 1));
    leave_how_ = How(1 + d.upto(HOW_COUNT - 1));
    leave_after_ = d.one_in(3)   ? 0
                   : d.one_in(2) ? d.upto(2 * NSEC_PER_SEC)
                                 : d.upto(600 * NSEC_PER_SEC);
}

void Visit::at(Kind step)
{
    if (leave_how_ != STAY && leave_at_ == step && leave_when_ == UINT64_MAX)
        leave_when_ = now_ + leave_after_;
}

void Visit::begin(Errand *errand)
{
    Dice &d = client_.dice_;
    errand_ = errand;
    errand->under_way = true;
    served_++;
    plan_departure();
    std::vector<std::string> to;
    for (const Addressee &a : errand->mail->to)
        if (a.fate == Fate::PENDING)
            to.push_back(a.address);
    std::shuffle(to.begin(), to.end(), d.random);
    if (to.size() > 1 && d.one_in(6))
        to.resize(1 + d.upto(to.size() - 1));
    hearing_ = &client_.ledger_.hearing(me_, *errand->mail);
    accepted_.clear();
    const Mail &m = *errand->mail;
    std::string mail = "MAIL FROM:<" + sender() + ">", rcpt;
    if (offers("SIZE") && d.one_in(3))
        mail += " SIZE=" + std::to_string(m.content.size());
    mail += m.binary                           ? " BODY=BINARYMIME"
            : m.eightbit && offers("8BITMIME") ? " BODY=8BITMIME"
                                               : "";
    mail += m.utf8 ? " SMTPUTF8" : "";
    if (offers("DSN") && !m.notify.empty()) {
        mail += d.one_in(2) ? " RET=HDRS ENVID=e" + std::to_string(m.id) : "";
        rcpt = " NOTIFY=" + m.notify + (d.one_in(2) ? " ORCPT=rfc822;somebody@else.example" : "");
    }
    commands_.push_back({MAIL, mail, ""});
    for (const std::string &r : to)
        commands_.push_back({RCPT, "RCPT TO:<" + r + ">" + rcpt, r});
    bool chunked = m.binary || (offers("CHUNKING") && d.one_in(3));
    errand->mail->chunked |= chunked;
    commands_.push_back({chunked ? CHUNK : DATA, "DATA", ""});
    content_ = m.content;
    said_ = 0;
    group_ = offers("PIPELINING") ? unsigned(d.upto(3)) : 0;
    bool slow =
        client_.plan_.slow > 0 && now_ < client_.plan_.good_from && d.one_in(client_.plan_.slow);
    chunk_ = d.one_in(3) ? 1 << 20 : 1 + d.upto(9000);
    pause_ = slow ? d.upto(d.one_in(3) ? 280 : 20) * NSEC_PER_SEC : 0;
    if (slow)
        chunk_ = std::max(chunk_, errand->mail->content.size() / 6);
}

void Visit::send(const Command &c)
{
    note("> " + c.text);
    if (expected_.empty())
        since_ = now_;
    expected_.push_back({c.kind, c.recipient});
    if (c.kind == RCPT)
        client_.ledger_.asked(me_, sender(), c.recipient);
    talk_.say(c.text + "\r\n");
    at(c.kind);
    if (pause_ > 0)
        wait_until_ = now_ + client_.dice_.upto(pause_);
}

void Visit::go_on()
{
    while (!over && !commands_.empty() && now_ >= wait_until_) {
        const Command c = commands_.front();
        bool ahead = (group_ == 2 && c.kind != CHUNK) || (group_ == 1 && c.kind == RCPT);
        if (!expected_.empty() && !ahead)
            return;
        commands_.pop_front();
        if (c.kind == CHUNK)
            send_chunk();
        else
            send(c);
    }
}

// BDAT: what is left of the content, or some of it (RFC 3030).
void Visit::send_chunk()
{
    size_t left = content_.size() - said_, n = std::min(chunk_, left);
    bool last = n == left && !client_.dice_.one_in(4);
    std::string line = "BDAT " + std::to_string(n) + (last ? " LAST" : "");
    note("> " + line);
    talk_.say(line + "\r\n" + content_.substr(said_, n));
    said_ += n;
    expected_.push_back({last ? DOT : CHUNK, ""});
    if (!last)
        commands_.push_back({CHUNK, "", ""});
    since_ = progress_ = now_;
    acked_ = talk_.acked();
    at(last ? DOT : BODY);
    if (pause_ > 0)
        wait_until_ = now_ + client_.dice_.upto(pause_);
}

void Visit::begin_content()
{
    if (accepted_.empty())
        client_.ledger_.wrong("354 without a recipient for " + sender());
    const Mail &m = *errand_->mail;
    content_ = m.raw ? m.content + ".\r\n" : stuffed(m.content);
    said_ = 0;
    sending_content_ = true;
    progress_ = now_;
    acked_ = talk_.acked();
}

void Visit::go_on_with_content()
{
    while (sending_content_ && now_ >= wait_until_ && talk_.unsaid.empty()) {
        size_t left = content_.size() - said_, n = std::min(chunk_, left);
        if (leave_how_ != STAY && leave_at_ == BODY && left > 8 && n >= left)
            n = left - 1 - client_.dice_.upto(8); // at any byte of the end
        talk_.say(content_.substr(said_, n));
        said_ += n;
        bool more = said_ < content_.size();
        progress_ = now_;
        if (more && leave_at_ == BODY && leave_how_ != STAY) {
            at(BODY);
            wait_until_ = now_ + NSEC_PER_MSEC;
        }
        if (pause_ > 0)
            wait_until_ = now_ + client_.dice_.upto(pause_);
        if (more)
            continue;
        note("> (its end)");
        sending_content_ = false;
        expected_.push_back({DOT, ""});
        since_ = now_;
        at(DOT);
    }
}

// One whole reply.
bool Visit::take_reply()
{
    std::string line;
    while (talk_.line(&line)) {
        reply_ += line + "\r\n";
        if (line.size() > 3 && line[3] == '-')
            continue;
        std::string reply = std::move(reply_);
        reply_.clear();
        note("< " + line);
        since_ = now_;
        if (expected_.empty()) {
            if (line.rfind("421", 0) != 0)
                client_.ledger_.wrong("a reply that no command asked for: " + line);
            end("dismissed");
            return false;
        }
        Expected e = expected_.front();
        expected_.pop_front();
        hear(e, reply);
        return !over;
    }
    return false;
}

void Visit::hear(const Expected &e, const std::string &reply)
{
    bool good = reply[0] == '2';
    if (leave_when_ != UINT64_MAX && client_.dice_.one_in(2))
        leave_when_ = UINT64_MAX; // it was worth the wait
    switch (e.kind) {
    case BANNER:
        at(BANNER);
        if (!good)
            return end("not welcome");
        greet();
        break;
    case INTRODUCTION:
        if (!good)
            return end("not believed");
        greet();
        break;
    case HELLO:
        if (!good)
            return end("not greeted");
        offered_ = client_.plan_.hello_only ? "" : reply;
        if (client_.plan_.entrance == ClientPlan::Entrance::XCLIENT && !introduced_) {
            introduced_ = true;
            char text[ADDR_TEXT_SIZE];
            bool v4 = ip_addr_is_v4(&claim_.addr);
            return send({INTRODUCTION,
                         std::string("XCLIENT NAME=[UNAVAILABLE] ADDR=") + (v4 ? "" : "IPV6:") +
                             ip_addr_format(&claim_.addr, text) +
                             " PORT=" + std::to_string(claim_.port),
                         ""});
        }
        begin(errand_);
        break;
    case MAIL:
        mail_refused_ = !good;
        if (!good)
            commands_.clear();
        if (reply[0] == '5')
            refuse_mail(reply);
        break;
    case RCPT:
        hear_recipient(e.recipient, reply);
        break;
    case DATA:
        if (reply[0] == '3')
            return begin_content();
        if (reply[0] == '5')
            refuse_all(reply);
        finish_transaction(false);
        return;
    case CHUNK:
        if (good)
            break;
        if (reply[0] == '5')
            refuse_all(reply);
        return finish_transaction(false);
    case DOT:
        hear_end(reply);
        return;
    case RSET:
        if (!good)
            return end("no RSET");
        if (errand_ != nullptr && served_ > 0 && hearing_ != nullptr) // it was given up
            return finish_transaction(true);
        begin(errand_);
        return;
    case QUIT:
        return end("done");
    case BODY:
        break;
    }
    if (errand_ != nullptr && hearing_ != nullptr && expected_.empty() && commands_.empty())
        finish_transaction(false);
}

void Visit::hear_recipient(const std::string &recipient, const std::string &reply)
{
    if (!mail_refused_)
        client_.ledger_.answered(me_, sender(), recipient, reply);
    if (reply[0] == '2')
        accepted_.insert(recipient);
    else if (reply[0] == '5' && !mail_refused_) // or it is about what was pipelined behind that
        client_.ledger_.bounce(*errand_->mail, recipient, reply);
    bool last = true;
    for (const Expected &e : expected_)
        last = last && e.kind != RCPT;
    for (const Command &c : commands_)
        last = last && c.kind != RCPT;
    if (last && accepted_.empty())
        commands_.clear(); // no DATA then
}

void Visit::refuse_all(const std::string &reply)
{
    // "No valid recipients" is no news.
    for (const std::string &r : accepted_)
        client_.ledger_.bounce(*errand_->mail, r, reply);
}

void Visit::refuse_mail(const std::string &reply)
{
    for (const Addressee &to : errand_->mail->to)
        if (to.fate == Fate::PENDING)
            client_.ledger_.bounce(*errand_->mail, to.address, reply);
}

void Visit::hear_end(const std::string &reply)
{
    hearing_->answered = true;
    if (reply[0] == '2')
        client_.ledger_.accept(*errand_->mail, *hearing_, accepted_);
    else if (reply[0] == '5')
        refuse_all(reply);
    finish_transaction(true);
}

void Visit::finish_transaction(bool clean)
{
    Errand *e = errand_;
    errand_ = nullptr;
    hearing_ = nullptr;
    e->under_way = false;
    client_.retry_later(*e);
    commands_.clear();
    next_errand(clean);
}

void Visit::next_errand(bool clean)
{
    Errand *e = served_ < 4 && !client_.dice_.one_in(3) ? client_.due_errand() : nullptr;
    if (e == nullptr) {
        send({QUIT, "QUIT", ""});
        return;
    }
    if (clean && client_.dice_.one_in(2))
        return begin(e);
    errand_ = e;
    e->under_way = true;
    send({RSET, "RSET", ""});
}

void Visit::leave()
{
    leave_when_ = UINT64_MAX;
    bool content = sending_content_;
    for (const Expected &e : expected_)
        content |= e.kind == DATA || e.kind == CHUNK || e.kind == DOT;
    switch (leave_how_) {
    case ABANDON:
        if (!content && hearing_ != nullptr) {
            commands_.clear();
            send({RSET, "RSET", ""});
            return;
        }
        talk_.close();
        break;
    case VANISH:
        client_.vanish_(talk_.stream);
        talk_.reset();
        break;
    case RESET:
        talk_.reset();
        break;
    default:
        talk_.close();
        break;
    }
    end(leave_how_ == VANISH ? "vanishes" : leave_how_ == RESET ? "resets" : "closes");
}

void Visit::end(const char *why)
{
    note(why);
    over = true;
    talk_.close();
    if (errand_ != nullptr) {
        errand_->under_way = false;
        client_.retry_later(*errand_);
    }
    errand_ = nullptr;
}

// RFC 5321 §4.5.3.2
nsec_t Visit::patience() const
{
    switch (expected_.front().kind) {
    case DATA:
        return 120 * NSEC_PER_SEC;
    case DOT:
        return 600 * NSEC_PER_SEC;
    default:
        return 300 * NSEC_PER_SEC;
    }
}

void Visit::expire()
{
    static const char *const names[] = {"the banner", "XCLIENT", "a greeting", "MAIL",
                                        "RCPT",       "DATA",    "content",    "a chunk",
                                        "its end",    "RSET",    "QUIT"};
    bool block = !talk_.all_acked() && talk_.stream != nullptr && now_ > progress_ + kBlock;
    bool late = !expected_.empty() && talk_.unsaid.empty() && now_ > since_ + patience();
    if (!block && !late)
        return;
    std::string what = late ? std::string("the answer to ") + names[expected_.front().kind]
                            : std::string("its content to be taken");
    note("waits in vain for " + what);
    if (!hanging && now_ > client_.excused_until_ && talk_.open) {
        client_.outwaited++;
        client_.ledger_.wrong("a client waited too long for " + what + ": " + me_);
    }
    end("gives up");
}

void Visit::tick(nsec_t now)
{
    now_ = now;
    if (talk_.open && !header_.empty()) {
        talk_.say(header_);
        header_.clear();
    }
    bool blocked = !talk_.unsaid.empty();
    talk_.push();
    if (blocked && talk_.unsaid.empty())
        since_ = now; // what it waits for an answer to has only now been sent
    if (talk_.acked() != acked_ || talk_.all_acked()) {
        acked_ = talk_.acked();
        progress_ = now;
    }
    while (!over && take_reply())
        ;
    if (!over && now >= leave_when_)
        leave();
    if (!over && talk_.gone())
        end("lost");
    if (over)
        return;
    go_on();
    go_on_with_content();
    expire();
}

nsec_t Visit::next() const
{
    nsec_t when = leave_when_;
    if ((!commands_.empty() || sending_content_) && wait_until_ > now_)
        when = std::min(when, wait_until_);
    if (!expected_.empty())
        when = std::min(when, since_ + patience() + NSEC_PER_SEC);
    if (!talk_.all_acked())
        when = std::min(when, progress_ + kBlock + NSEC_PER_SEC);
    return when;
}

Client::Client(const ClientPlan &plan, Host &host, Ledger &ledger, uint64_t seed,
               std::function<void(const struct stream *)> vanish)
    : plan_(plan), host_(host), ledger_(ledger), dice_{std::mt19937_64(seed)},
      vanish_(std::move(vanish))
{
}

void Client::add(Mail &mail, nsec_t due)
{
    errands_.push_back({&mail, due});
}

bool Client::pending(const Errand &e) const
{
    return std::any_of(e.mail->to.begin(), e.mail->to.end(),
                       [](const Addressee &a) { return a.fate == Fate::PENDING; });
}

Errand *Client::due_errand()
{
    for (Errand &e : errands_)
        if (!e.under_way && e.due <= now_ && pending(e))
            return &e;
    return nullptr;
}

void Client::retry_later(Errand &e)
{
    nsec_t wait = plan_.retry << std::min(e.tries, 4u);
    if (now_ >= plan_.good_from)
        wait = 30 * NSEC_PER_SEC;
    e.due = now_ + wait + dice_.upto(wait);
    if (++e.tries > kEnough && pending(e))
        ledger_.wrong("a message does not get through: " + e.mail->sender);
}

void Client::tick(nsec_t now)
{
    now_ = now;
    for (Visit &v : visits_)
        v.tick(now);
    visits_.remove_if([](const Visit &v) { return v.over; });
    while (visits_.size() < plan_.sessions) {
        Errand *e = due_errand();
        if (e == nullptr)
            break;
        visits_.emplace_back(*this, e);
    }
}

nsec_t Client::next() const
{
    nsec_t when = UINT64_MAX;
    for (const Visit &v : visits_)
        when = std::min(when, v.next());
    if (visits_.size() < plan_.sessions)
        for (const Errand &e : errands_)
            if (!e.under_way && pending(e))
                when = std::min(when, e.due);
    return when;
}

bool Client::done() const
{
    return visits_.empty() && std::none_of(errands_.begin(), errands_.end(),
                                           [this](const Errand &e) { return pending(e); });
}

void Client::router_crashed()
{
    for (Visit &v : visits_)
        v.hanging = true;
}

} // namespace sim
