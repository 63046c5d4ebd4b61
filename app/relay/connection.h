/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection to a destination: SMTP's client side over a stream (RFC 5321 §4.1, §4.3).
 *
 * It greets by itself, then serves one user at a time (a leg or a probe). Commands are pipelined:
 * each one sent adds to the FIFO of replies expected, each reply takes one off. The events of the
 * stream become calls to the user:
 *
 *     CONNECTING -> GREETING -> IDLE <-> IN_USE -> CLEANING -> IDLE
 *          `-----------`----------`---------`----------`-> QUITTING -> gone
 */
#ifndef SPLITMX_RELAY_CONNECTION_H
#define SPLITMX_RELAY_CONNECTION_H

#include <sys/queue.h>

#include "app/relay/turns.h"
#include "app/smtp/identity.h"
#include "app/smtp/reply.h"
#include "drivers/base/check.h"
#include "drivers/base/timer.h"
#include "drivers/stream.h"

struct connection;
struct recipient;
struct relay;

enum connection_state {
    CONNECTION_CONNECTING, /* TCP handshake under way; may have a user that waits for it */
    CONNECTION_GREETING,   /* banner, EHLO or HELO, XCLIENT under way; likewise */
    CONNECTION_IDLE,       /* in the pool: nothing outstanding, no user */
    CONNECTION_IN_USE,     /* a user sends commands and hears the replies */
    CONNECTION_CLEANING,   /* given back mid-transaction: RSET sent, replies are not for anybody */
    CONNECTION_QUITTING,   /* QUIT sent */
    CONNECTION_GONE,       /* its stream is closed; the object is reaped in the next round */
};

enum exchange {
    EXCHANGE_BANNER,
    EXCHANGE_EHLO,
    EXCHANGE_HELO,
    EXCHANGE_XCLIENT,
    EXCHANGE_XFORWARD,
    EXCHANGE_MAIL,
    EXCHANGE_RCPT,
    EXCHANGE_DATA,
    EXCHANGE_CHUNK, /* BDAT, but for the last */
    EXCHANGE_END,   /* the end of data */
    EXCHANGE_RSET,
    EXCHANGE_QUIT,
};

/* Why a connection was lost. The sentence goes to the log and, with 451 in front, to the client. */
#define CONNECTION_LOSSES(X)                                                                       \
    X(CONNECTION_NOT_FOUND, "4.4.3", "has no address: its name cannot be looked up")               \
    X(CONNECTION_NOT_OPENED, "4.4.1", "could not be reached")                                      \
    X(CONNECTION_NOT_GREETED, "4.4.2", "did not greet us properly")                                \
    X(CONNECTION_NOT_IDENTIFIED, "4.3.5", "did not take who the client is")                        \
    X(CONNECTION_CLOSED, "4.4.2", "closed the connection")                                         \
    X(CONNECTION_UNAVAILABLE, "4.3.2", "is closing its service")                                   \
    X(CONNECTION_SPOKE, "4.3.5", "spoke out of turn")                                              \
    X(CONNECTION_MALFORMED, "4.3.5", "does not speak SMTP")                                        \
    X(CONNECTION_NO_MEMORY, "4.3.2", "could not be served: out of memory")
#define CONNECTION_LOSS_ENUM(name, code, text) name,
enum connection_loss { CONNECTION_LOSSES(CONNECTION_LOSS_ENUM) CONNECTION_LOSS_COUNT };
const char *connection_loss_code(enum connection_loss loss); /* enhanced status code, class 4 */
const char *connection_loss_text(enum connection_loss loss);

/* What a user is told. Each may give the connection back or abort it. */
struct connection_user_ops {
    /* Greeted, and the user's. */
    void (*ready)(void *user, struct connection *c);
    void (*reply)(void *user, struct connection *c, enum exchange what, struct recipient *rcpt,
                  const struct smtp_reply *reply);
    /* The destination said something that no command asked for. The connection will be lost unless
     * it is aborted here. */
    void (*spoke)(void *user, struct connection *c, const struct smtp_reply *reply);
    /* The peer acknowledged bytes: there may be room for more. */
    void (*acked)(void *user, struct connection *c);
    /* The connection is gone already. */
    void (*lost)(void *user, enum connection_loss why);
};

/* What the keeper of connections to one server is told: it pools those that are idle. */
struct connection_keeper {
    void (*idle)(struct connection *c); /* in the pool from now on; may give it to a user at once */
    void (*busy)(struct connection *c); /* was idle, leaves the pool */
    void (*greeted)(struct connection *c); /* has said what it offers */
    void (*failed)(struct connection *c);  /* could not be made usable: the server's fault */
    void (*gone)(struct connection *c);    /* exists no more; its object is still readable */
};

#define CONNECTION_EXPECT_MAX 128 /* replies outstanding; a power of two */

struct connection {
    enum connection_state state;
    struct relay *relay;
    const struct connection_keeper *keeper;
    void *keeper_data;
    struct stream *stream;
    const struct connection_user_ops *ops; /* NULL: no user */
    void *user;
    /* The keeper's; while it is unclaimed or cleaned, and after its end, the relay's. */
    TAILQ_ENTRY(connection) entry;
    TAILQ_ENTRY(connection) pool_entry; /* while idle: the relay's */
    struct timer timer;
    struct holders holders; /* the keeper's: for whom it is not idle */
    bool reused;            /* has served a transaction: it may have gone stale unnoticed */
    bool unclaimed;         /* its user left before it was greeted */
    bool retired;           /* not to be used again: it said 421, or erred */
    struct smtp_extensions extensions;
    enum smtp_identity_kind identity_kind;
    unsigned mails;   /* transactions begun */
    unsigned refused; /* recipients */
    bool carries;     /* `identity` is a client's; else it is for ourselves */
    bool identified;  /* XCLIENT has said so */
    struct smtp_identity identity;
    unsigned expect_head, expect_count;
    struct {
        enum exchange what;
        struct recipient *rcpt;
        uint64_t sent; /* stream offset behind the command: no reply counts before that is
                          acknowledged */
    } expect[CONNECTION_EXPECT_MAX];
    struct smtp_reply reply; /* the one that is arriving */
};

/* Open a connection to a server, in the name of a client (NULL: our own), which it has to learn in
 * this way. NULL, with *why, if that fails at once: CONNECTION_NO_MEMORY is
 * our fault, CONNECTION_NOT_OPENED the network's. */
MUST_CHECK struct connection *connection_open(struct relay *r, const struct endpoint *server,
                                              enum smtp_identity_kind kind,
                                              const struct smtp_identity *identity,
                                              const struct connection_keeper *keeper,
                                              void *keeper_data, enum connection_loss *why);

/* May it be given to somebody with this identity (NULL: to ourselves)? */
bool connection_carries(const struct connection *c, const struct smtp_identity *identity);

/* Give it a user: to a connection that is idle, or that is not yet greeted. ready() follows, at
 * once or later. */
void connection_use(struct connection *c, const struct connection_user_ops *ops, void *user);

/* Send one command (a line with its CRLF) and expect its reply. False if there is no memory, no
 * room in the FIFO, or no line (len 0: it could not be formatted): the caller aborts. */
MUST_CHECK bool connection_command(struct connection *c, enum exchange what, struct recipient *rcpt,
                                   const char *line, size_t len);

/* Bytes of content that end in the end of data: only expects the reply (EXCHANGE_END). */
void connection_expect_end(struct connection *c);

/* How many more commands may be sent ahead of their replies. */
unsigned connection_command_room(const struct connection *c);

/* The user is done. `clean`: no transaction is open there (the last thing was a final reply); else
 * RSET cleans it. It goes back to its keeper, or away if it is retired, or is not greeted yet and
 * the relay is shutting down. */
void connection_release(struct connection *c, bool clean);

/* RST, now. The user, if there is one, is not told. */
void connection_abort(struct connection *c);

/* Say QUIT and go. The user, if there is one, is not told. */
void connection_quit(struct connection *c);

/* The relay is shutting down: nobody will want those that are not greeted yet, and those that are
 * cleaned have no longer for it than those that are told QUIT. */
void connections_shutdown(struct relay *r);

/* Return the objects of connections that have ended: between rounds, when no frame can refer to
 * one. */
void connections_reap(struct relay *r);

#endif
