/* SPDX-License-Identifier: BSD-3-Clause */
/* SMTP's client side over a stream. */
#include "app/relay/connection.h"

#include "app/relay/state.h"
#include "app/smtp/format.h"
#include "app/smtp/proxy.h"
#include "app/smtp/xclient.h"

#define QUIT_TIMEOUT (5 * NSEC_PER_SEC)

const char *connection_loss_code(enum connection_loss loss)
{
#define LOSS_CODE(name, code, text) [name] = code,
    static const char *const codes[] = {CONNECTION_LOSSES(LOSS_CODE)};
    return codes[loss];
}

const char *connection_loss_text(enum connection_loss loss)
{
#define LOSS_TEXT(name, code, text) [name] = text,
    static const char *const texts[] = {CONNECTION_LOSSES(LOSS_TEXT)};
    return texts[loss];
}

/* Only ahead of MAIL, hence where commands are pipelined. */
static bool takes_xforward(const struct connection *c)
{
    return c->extensions.pipelining && c->extensions.xforward != 0;
}

/* In the pool is who is idle. */
static void leave_pool(struct connection *c)
{
    if (c->state != CONNECTION_IDLE)
        return;
    c->relay->usage.connections_idle--;
    TAILQ_REMOVE(&c->relay->idle, c, pool_entry);
    c->keeper->busy(c);
}

/* On its way up, for nobody. */
static void leave_unclaimed(struct connection *c)
{
    if (c->unclaimed)
        TAILQ_REMOVE(&c->relay->unclaimed, c, entry);
    c->unclaimed = false;
}

static void be_unclaimed(struct connection *c)
{
    c->unclaimed = true;
    TAILQ_INSERT_TAIL(&c->relay->unclaimed, c, entry);
}

static void leave_cleaning(struct connection *c)
{
    if (c->state == CONNECTION_CLEANING)
        TAILQ_REMOVE(&c->relay->cleaning, c, entry);
}

/* Nobody waits for what is under way there; a shutdown does as long as for an answer to QUIT. */
static void be_patient(struct connection *c)
{
    struct relay *r = c->relay;
    timer_arm(r->wheel, &c->timer, r->now + (r->shutting_down ? QUIT_TIMEOUT : r->settings->rcpt));
}

/* Every change of state goes through here, but for the last one: that is discard(). */
static void become(struct connection *c, enum connection_state state)
{
    struct relay *r = c->relay;
    leave_pool(c);
    leave_cleaning(c);
    leave_unclaimed(c);
    c->state = state;
    switch (state) {
    case CONNECTION_CONNECTING:
        timer_arm(r->wheel, &c->timer, r->now + r->settings->connect);
        break;
    case CONNECTION_GREETING:
        timer_arm(r->wheel, &c->timer, r->now + r->settings->rcpt);
        if (c->ops == NULL)
            be_unclaimed(c);
        break;
    case CONNECTION_CLEANING:
        TAILQ_INSERT_TAIL(&r->cleaning, c, entry);
        be_patient(c);
        break;
    case CONNECTION_IDLE:
        r->usage.connections_idle++;
        TAILQ_INSERT_TAIL(&r->idle, c, pool_entry);
        timer_arm(r->wheel, &c->timer, r->now + r->settings->pool_idle);
        c->keeper->idle(c);
        break;
    case CONNECTION_IN_USE: /* the user's budgets apply */
        timer_disarm(r->wheel, &c->timer);
        break;
    case CONNECTION_QUITTING:
        r->connections_quitting++;
        timer_arm(r->wheel, &c->timer, r->now + QUIT_TIMEOUT);
        break;
    case CONNECTION_GONE: /* discard() */
        break;
    }
}

/* Forget the connection. Its stream has been closed or aborted. */
static void discard(struct connection *c)
{
    struct relay *r = c->relay;
    leave_pool(c);
    leave_cleaning(c);
    leave_unclaimed(c);
    timer_disarm(r->wheel, &c->timer);
    r->usage.connections--;
    r->connections_quitting -= c->state == CONNECTION_QUITTING;
    c->state = CONNECTION_GONE;
    c->ops = NULL;
    TAILQ_INSERT_TAIL(&r->gone, c, entry);
    c->keeper->gone(c);
}

static void lose(struct connection *c, enum connection_loss why)
{
    struct relay *r = c->relay;
    const struct connection_user_ops *ops = c->ops;
    void *user = c->user;
    bool greeted = c->state > CONNECTION_GREETING;
    if (!greeted) {
        relay_count(r, RELAY_CONNECTS_FAILED);
        /* What a server does with one client's connection says nothing about the server. */
        if (!c->carries || c->state == CONNECTION_CONNECTING)
            c->keeper->failed(c);
    } else if (c->state == CONNECTION_IN_USE) {
        relay_count(r, RELAY_CONNECTIONS_LOST);
    }
    stream_abort(c->stream);
    discard(c);
    if (ops != NULL)
        ops->lost(user, why);
}

unsigned connection_command_room(const struct connection *c)
{
    return CONNECTION_EXPECT_MAX - c->expect_count;
}

static void expect(struct connection *c, enum exchange what, struct recipient *rcpt)
{
    unsigned at = (c->expect_head + c->expect_count++) % CONNECTION_EXPECT_MAX;
    c->expect[at].what = what;
    c->expect[at].rcpt = rcpt;
    c->expect[at].sent = c->stream->written;
}

bool connection_command(struct connection *c, enum exchange what, struct recipient *rcpt,
                        const char *line, size_t len)
{
    if (len == 0 || connection_command_room(c) == 0 || !stream_write(c->stream, line, len))
        return false;
    expect(c, what, rcpt);
    c->mails += what == EXCHANGE_MAIL;
    return true;
}

static bool send_verb(struct connection *c, enum exchange what, enum smtp_verb verb)
{
    char line[SMTP_COMMAND_LINE_MAX];
    return connection_command(c, what, NULL, line, smtp_format_verb(line, sizeof(line), verb));
}

void connection_abort(struct connection *c)
{
    stream_abort(c->stream);
    discard(c);
}

void connection_quit(struct connection *c)
{
    c->ops = NULL;
    become(c, CONNECTION_QUITTING);
    if (!send_verb(c, EXCHANGE_QUIT, SMTP_QUIT))
        connection_abort(c);
}

void connection_expect_end(struct connection *c)
{
    expect(c, EXCHANGE_END, NULL);
}

/* XFORWARD names the client of one transaction, so each begins with it; it goes ahead of MAIL in
 * the same segment. */
static bool say_xforward(struct connection *c)
{
    char line[SMTP_COMMAND_LINE_MAX];
    if (c->identity_kind != IDENTITY_XFORWARD || !c->carries || !takes_xforward(c))
        return true;
    return connection_command(c, EXCHANGE_XFORWARD, NULL, line,
                              smtp_format_identity(line, sizeof(line), c->identity_kind,
                                                   c->extensions.xforward, &c->identity));
}

static void hand_to_user(struct connection *c)
{
    become(c, CONNECTION_IN_USE);
    if (say_xforward(c))
        c->ops->ready(c->user, c);
    else
        lose(c, stream_is_down(c->stream) ? CONNECTION_CLOSED : CONNECTION_NO_MEMORY);
}

/* Greeted and without a transaction: to whoever waits, or into the pool. */
static void make_available(struct connection *c)
{
    if (c->ops != NULL) {
        hand_to_user(c);
        return;
    }
    become(c, CONNECTION_IDLE);
    if (c->state == CONNECTION_IDLE && c->relay->shutting_down)
        connection_quit(c);
}

void connection_use(struct connection *c, const struct connection_user_ops *ops, void *user)
{
    c->ops = ops;
    c->user = user;
    leave_unclaimed(c);
    if (c->state == CONNECTION_IDLE)
        hand_to_user(c);
}

bool connection_carries(const struct connection *c, const struct smtp_identity *identity)
{
    if (c->identity_kind == IDENTITY_NONE || identity == NULL)
        return !c->carries;
    return c->carries && smtp_identity_equal(&c->identity, identity);
}

/* May a command go out though others are not answered (RFC 2920)? */
static bool may_speak(const struct connection *c)
{
    return c->expect_count == 0 || c->extensions.pipelining;
}

void connection_release(struct connection *c, bool clean)
{
    c->ops = NULL;
    c->user = NULL;
    if (c->state != CONNECTION_IN_USE) { /* not greeted yet: it goes on, for the next one */
        if (c->relay->shutting_down)
            connection_abort(c);
        else
            be_unclaimed(c);
        return;
    }
    c->reused = true;
    c->retired |= c->extensions.mail_max > 0 && c->mails >= c->extensions.mail_max;
    c->retired |= c->refused >= c->relay->settings->max_leg_errors;
    if (c->retired && may_speak(c)) {
        connection_quit(c);
    } else if (clean && c->expect_count == 0) {
        make_available(c);
    } else {
        become(c, CONNECTION_CLEANING);
        if (may_speak(c) && !send_verb(c, EXCHANGE_RSET, SMTP_RSET))
            connection_abort(c);
    }
}

/* Behind XCLIENT we are the client, and call ourselves what it does, where that is a name. */
static struct span greeting_name(const struct connection *c)
{
    struct span helo = {c->identity.helo, strlen(c->identity.helo)};
    struct span hostname = {c->relay->settings->hostname, strlen(c->relay->settings->hostname)};
    return c->identified && (smtp_is_domain(helo) || smtp_is_address_literal(helo)) ? helo
                                                                                    : hostname;
}

static bool greet(struct connection *c, enum exchange what)
{
    char line[SMTP_COMMAND_LINE_MAX];
    struct span name = greeting_name(c);
    size_t len = what == EXCHANGE_EHLO ? smtp_format_ehlo(line, sizeof(line), name)
                                       : smtp_format_helo(line, sizeof(line), name);
    return connection_command(c, what, NULL, line, len);
}

/* A destination that should learn of the client and does not offer to: mail goes there without, as
 * from ourselves, and an operator has to know. */
static void miss_identity(struct connection *c, const char *command)
{
    char server[ADDR_TEXT_SIZE];
    relay_count(c->relay, RELAY_IDENTITY_MISSED);
    relay_alarm(c->relay, "%s does not offer %s to us, and learns nothing of the client",
                endpoint_format(&c->stream->peer, server), command);
}

/* EHLO was answered. False: the connection cannot go on. */
static bool greeted(struct connection *c)
{
    char line[SMTP_COMMAND_LINE_MAX];
    c->extensions = smtp_extensions_parse(&c->reply);
    c->keeper->greeted(c);
    bool wanted = c->carries && !c->identified;
    if (wanted && c->identity_kind == IDENTITY_XCLIENT) {
        if (c->extensions.xclient & 1u << SMTP_ATTRIBUTE_ADDR)
            return connection_command(c, EXCHANGE_XCLIENT, NULL, line,
                                      smtp_format_identity(line, sizeof(line), c->identity_kind,
                                                           c->extensions.xclient, &c->identity));
        miss_identity(c, "XCLIENT");
    } else if (wanted && c->identity_kind == IDENTITY_XFORWARD && !takes_xforward(c)) {
        miss_identity(c, "XFORWARD and PIPELINING");
    }
    make_available(c);
    return true;
}

/* A reply while the connection greets. */
static void greeting_reply(struct connection *c, enum exchange what)
{
    const struct smtp_reply *reply = &c->reply;
    bool good = reply->code / 100 == 2;
    switch (what) {
    case EXCHANGE_BANNER:
        if (reply->code == 220 && greet(c, EXCHANGE_EHLO))
            return;
        break;
    case EXCHANGE_EHLO:
        if (good && greeted(c))
            return;
        /* RFC 5321 §3.2: a server that does not know EHLO gets HELO. */
        if (reply->code / 100 == 5 && greet(c, EXCHANGE_HELO))
            return;
        break;
    case EXCHANGE_XCLIENT: /* the session begins anew, as the client's */
        c->identified = true;
        if (reply->code == 220 && greet(c, EXCHANGE_EHLO))
            return;
        lose(c, reply->code == 421 ? CONNECTION_UNAVAILABLE : CONNECTION_NOT_IDENTIFIED);
        return;
    case EXCHANGE_HELO:
        c->extensions = (struct smtp_extensions){0}; /* what it offered before XCLIENT */
        if (good) {
            make_available(c);
            return;
        }
        break;
    default:
        break;
    }
    lose(c, reply->code == 421 ? CONNECTION_UNAVAILABLE : CONNECTION_NOT_GREETED);
}

static void cleaning_reply(struct connection *c, enum exchange what)
{
    if (c->expect_count > 0)
        return; /* what was under way when the user left */
    bool reset = what == EXCHANGE_RSET;
    if (c->retired && c->reply.code != 421)
        connection_quit(c);
    else if (reset && c->reply.code / 100 == 2)
        make_available(c);
    else if (reset || c->retired || !send_verb(c, EXCHANGE_RSET, SMTP_RSET))
        connection_abort(c);
}

/* A reply that no command asked for: 421 to an idle connection, as a rule. */
static void unexpected_reply(struct connection *c)
{
    if (c->state == CONNECTION_GREETING) {
        lose(c, CONNECTION_SPOKE);
        return;
    }
    if (c->state != CONNECTION_IN_USE) {
        connection_abort(c);
        return;
    }
    c->retired = true;
    c->ops->spoke(c->user, c, &c->reply);
    if (c->state == CONNECTION_IN_USE)
        lose(c, CONNECTION_SPOKE);
}

/* MAIL is under way already: a transaction without its client's name must not go on. */
static void xforward_reply(struct connection *c)
{
    if (c->reply.code / 100 == 2)
        return;
    lose(c, c->reply.code == 421 ? CONNECTION_UNAVAILABLE : CONNECTION_NOT_IDENTIFIED);
}

static void handle_reply(struct connection *c)
{
    if (c->expect_count == 0 || c->stream->acked < c->expect[c->expect_head].sent) {
        unexpected_reply(c);
        return;
    }
    enum exchange what = c->expect[c->expect_head].what;
    struct recipient *rcpt = c->expect[c->expect_head].rcpt;
    c->expect_head = (c->expect_head + 1) % CONNECTION_EXPECT_MAX;
    c->expect_count--;
    if (c->reply.code == 421)
        c->retired = true;
    c->refused += what == EXCHANGE_RCPT && c->reply.code >= 400;
    switch (c->state) {
    case CONNECTION_GREETING:
        greeting_reply(c, what);
        break;
    case CONNECTION_IN_USE:
        if (what == EXCHANGE_XFORWARD) {
            xforward_reply(c);
            break;
        }
        c->ops->reply(c->user, c, what, rcpt, &c->reply);
        break;
    case CONNECTION_CLEANING:
        cleaning_reply(c, what);
        break;
    case CONNECTION_QUITTING:
        stream_close(c->stream);
        discard(c);
        break;
    case CONNECTION_CONNECTING:
    case CONNECTION_IDLE:
    case CONNECTION_GONE:
        if (IMPOSSIBLE(true, &c->relay->counters[RELAY_IMPOSSIBLE]))
            connection_abort(c);
        break;
    }
}

static void reply_reset(struct smtp_reply *reply)
{
    memset(reply, 0, offsetof(struct smtp_reply, line));
}

static void read_replies(struct connection *c)
{
    while (c->state != CONNECTION_GONE && c->stream->readable > 0) {
        struct slice slice;
        size_t used = 0;
        if (stream_peek(c->stream, 0, &slice, 1) == 0)
            return;
        enum smtp_reply_state state = smtp_reply_feed(&c->reply, slice.data, slice.len, &used);
        stream_consume(c->stream, used);
        switch (state) {
        case SMTP_REPLY_MORE:
            break;
        case SMTP_REPLY_COMPLETE:
            handle_reply(c);
            reply_reset(&c->reply);
            break;
        case SMTP_REPLY_MALFORMED:
            relay_count(c->relay, RELAY_REPLY_MALFORMED);
            lose(c, CONNECTION_MALFORMED);
            break;
        }
    }
}

/* The first bytes, where the server expects a PROXY header: a relayed client's, or LOCAL. */
static bool say_proxy(struct connection *c)
{
    uint8_t buf[PROXY_WRITTEN_MAX];
    if (c->identity_kind != IDENTITY_PROXY)
        return true;
    size_t len = proxy_format(buf, sizeof(buf), c->carries ? &c->identity.client : NULL,
                              &c->identity.server);
    return stream_write(c->stream, buf, len);
}

static void on_stream(struct stream *s, unsigned events, void *user)
{
    struct connection *c = user;
    (void)s;
    if ((events & STREAM_OPEN) && c->state == CONNECTION_CONNECTING) {
        become(c, CONNECTION_GREETING);
        if (!say_proxy(c)) {
            lose(c, CONNECTION_NO_MEMORY);
            return;
        }
        expect(c, EXCHANGE_BANNER, NULL);
    }
    if (events & (STREAM_DATA | STREAM_EOF | STREAM_DOWN))
        read_replies(c);
    if (c->state == CONNECTION_GONE)
        return;
    if (events & (STREAM_EOF | STREAM_DOWN)) {
        lose(c, c->state == CONNECTION_CONNECTING ? CONNECTION_NOT_OPENED : CONNECTION_CLOSED);
        return;
    }
    if ((events & STREAM_ACKED) && c->state == CONNECTION_IN_USE)
        c->ops->acked(c->user, c);
}

static void on_timer(struct timer *t, nsec_t now)
{
    struct connection *c = CONTAINER_OF(t, struct connection, timer);
    (void)now;
    switch (c->state) {
    case CONNECTION_CONNECTING:
        lose(c, CONNECTION_NOT_OPENED);
        break;
    case CONNECTION_GREETING:
        lose(c, CONNECTION_NOT_GREETED);
        break;
    case CONNECTION_IDLE:
        connection_quit(c);
        break;
    default:
        connection_abort(c);
        break;
    }
}

static void put_object(struct relay *r, struct connection *c)
{
    relay_object_put(r->connection_pool, c);
    r->connections_left++;
}

struct connection *connection_open(struct relay *r, const struct endpoint *server,
                                   enum smtp_identity_kind kind,
                                   const struct smtp_identity *identity,
                                   const struct connection_keeper *keeper, void *keeper_data,
                                   enum connection_loss *why)
{
    enum stream_error error;
    struct connection *c = relay_object_get(r->connection_pool, sizeof(*c));
    *why = CONNECTION_NO_MEMORY;
    if (c == NULL)
        return NULL;
    r->connections_left--;
    relay_count(r, RELAY_CONNECTS);
    c->relay = r;
    c->keeper = keeper;
    c->keeper_data = keeper_data;
    c->identity_kind = kind;
    c->carries = identity != NULL && kind != IDENTITY_NONE;
    if (c->carries)
        c->identity = *identity;
    timer_init(&c->timer, on_timer);
    c->stream = tcp_connect(r->tcp, NULL, server, on_stream, c, &error);
    if (c->stream == NULL) {
        relay_count(r, RELAY_CONNECTS_FAILED);
        put_object(r, c);
        if (error != STREAM_NO_MEMORY)
            *why = CONNECTION_NOT_OPENED;
        return NULL;
    }
    r->usage.connections++;
    become(c, CONNECTION_CONNECTING);
    return c;
}

void connections_shutdown(struct relay *r)
{
    struct connection *c;
    TAILQ_FOREACH (c, &r->cleaning, entry)
        be_patient(c);
    while ((c = TAILQ_FIRST(&r->unclaimed)) != NULL)
        connection_abort(c);
}

void connections_reap(struct relay *r)
{
    struct connection *c;
    while ((c = TAILQ_FIRST(&r->gone)) != NULL) {
        TAILQ_REMOVE(&r->gone, c, entry);
        put_object(r, c);
    }
}
