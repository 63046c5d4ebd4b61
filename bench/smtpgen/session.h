/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One SMTP client of the source, and what all of them share: private to session.c, which says what
 * a session does when something arrives, and source.c, which says when one begins.
 */
#ifndef SPLITMX_SMTPGEN_SESSION_H
#define SPLITMX_SMTPGEN_SESSION_H

#include <sys/queue.h>

#include "app/smtp/format.h"
#include "bench/smtpgen/engine.h"
#include "bench/smtpgen/report.h"
#include "bench/smtpgen/schedule.h"
#include "bench/smtpgen/source_config.h"

#define SESSION_RETRY (100 * NSEC_PER_MSEC) /* after a connection that could not be established */

enum session_state {
    SESSION_CLOSED,   /* has no connection: opened at the next step, if there is anything to send */
    SESSION_OPENING,  /* the connection, then the banner, are awaited */
    SESSION_GREETING, /* EHLO was sent */
    SESSION_RESTING,  /* has no connection, until the timer says that it may be opened again */
    SESSION_IDLE,     /* an open loop has nothing for it, it pauses, or it is of the idle crowd */
    SESSION_ENVELOPE, /* MAIL was sent; replies up to that of DATA are awaited */
    SESSION_SENDING,  /* the content is being sent, slowly */
    SESSION_CONTENT,  /* the content was sent, its answer is awaited */
    SESSION_CLEANING, /* RSET was sent after a refusal */
    SESSION_LEAVING,  /* QUIT was sent */
};

struct session {
    struct source *source;
    struct stream *stream;
    TAILQ_ENTRY(session) entry; /* in source->closed, or ->idle */
    enum session_state state;
    bool crowd; /* one that never sends */
    bool pipelining;
    bool claim;        /* opened for one of the messages that are left */
    uint32_t answered; /* of the envelope's commands: MAIL, each RCPT, DATA (not BDAT) */
    uint32_t sent;     /* likewise */
    uint32_t accepted; /* recipients */
    unsigned refusal;  /* the first refusal's code; 0: none */
    uint64_t id;       /* of the message under way */
    struct target *to; /* its recipients */
    bool *took;        /* which of them were accepted; only where records are kept */
    const struct message *message;
    size_t done;        /* bytes of its shared part that were sent (slowly) */
    struct timer timer; /* of patience, of a pause, of the next piece: one at a time */
    nsec_t opened, phase;
    nsec_t begun; /* the message; in an open loop, when it was due */
};

TAILQ_HEAD(session_list, session);

struct source {
    const struct source_config *config;
    struct engine *engine;
    struct report *report;
    struct session *sessions;
    struct session_list closed, idle;
    uint32_t open;
    uint32_t opening; /* connections without a banner yet */
    uint32_t crowd;   /* sessions of the idle crowd that are not standing there */
    struct schedule schedule;
    uint64_t begun;  /* messages */
    uint64_t claims; /* messages that connections are being opened for */
    unsigned next_address;
    nsec_t started, not_before; /* connections are opened */
    nsec_t stop_at;             /* 0: not stopping */
    bool counting;              /* the warm-up is over */
    char mail[SMTP_LINE_MAX], ehlo[SMTP_COMMAND_LINE_MAX];
    size_t mail_len, ehlo_len;
    struct target *to; /* of all sessions */
    bool *took;
    struct record_recipient *recorded; /* of the record that is being written */
    char *names;                       /* likewise, where recipients are numbered */
    const char *complaint;             /* about the server; NULL: none */
    uint64_t random;
    unsigned weights; /* of all sizes */
    struct message messages[MESSAGE_SIZES_MAX];
};

/* May another message begin? */
static inline bool source_may_begin(const struct source *s)
{
    return s->stop_at == 0 && s->complaint == NULL &&
           (s->config->messages == 0 || s->begun + s->claims < s->config->messages);
}

/* Zeroed before. */
void session_init(struct session *s, struct source *source, bool crowd);

/* Of a closed session: connects. `due`: when its first message was. False: at once in vain. */
MUST_CHECK bool session_open(struct session *s, nsec_t due);

/* Of a session that stands idle. */
void session_begin_message(struct session *s, nsec_t due);

/* Says QUIT. */
void session_leave(struct session *s);

/* The connection has ended, or must: what was under way has failed. */
void session_lose(struct session *s);

#endif
