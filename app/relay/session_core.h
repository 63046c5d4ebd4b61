/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The object of a session, and what each of its parts does with it: speak, watch the client's
 * silence, end. Private to session*.c.
 *
 * Whoever writes to the client or ends the session must look at what the function says: a session
 * that is gone may be touched no more than to see that.
 */
#ifndef SPLITMX_RELAY_SESSION_CORE_H
#define SPLITMX_RELAY_SESSION_CORE_H

#include <sys/queue.h>

#include "app/relay/client.h"
#include "app/relay/session.h"
#include "app/smtp/content.h"
#include "drivers/base/timer.h"

struct entrance;
struct quota_network;
struct relay;
struct transaction;

/* Bytes of replies that a client may leave unread before we take its next command. */
#define SESSION_MAX_UNREAD 16384

struct session {
    enum session_state state;
    struct relay *relay;
    const struct entrance *entrance;
    struct transaction *transaction; /* NULL: none */
    TAILQ_ENTRY(session) entry;      /* in relay->sessions */
    TAILQ_ENTRY(session) woken_entry;
    struct timer timer; /* the client's silence */
    bool woken;
    bool may_xclient; /* it came from a network that may say for whom it speaks */
    bool exempt;      /* ... that is exempt from limits */
    bool greeted;     /* HELO or EHLO was said */
    bool mail_untold; /* MAIL was good, and its reply waits for that of the next command */
    bool skip_line;   /* the line is too long: its rest is dropped up to LF */
    bool held; /* in this window of min_data_rate we did not read: the destination was slower */
    const char *behind_mail; /* MAIL was refused by us: what was sent behind it hears this, and is
                                no error of the client's. NULL: it was not */
    unsigned errors;
    uint64_t turn_at;            /* it may speak when it has acknowledged so many bytes of ours */
    uint64_t swallow;            /* in SESSION_SWALLOW: octets that are still to come... */
    uint64_t swallowed;          /* ... and have come */
    const char *refusal;         /* ... then this is said; NULL: the transaction's answer */
    bool is_error;               /* ... as to a command that was wrong */
    struct transaction *unheard; /* is over, its answer not acknowledged up to told_at; or NULL */
    uint64_t remembered;         /* what the memo may forget when the client has acknowledged... */
    uint64_t told_at;            /* ... so many bytes of ours; remembered 0: nothing */
    uint64_t window;             /* bytes of content when that window began */
    struct quota_network *network;
    struct client client;      /* long texts at its end */
    struct smtp_content drain; /* in SESSION_DRAIN: goes on from the transaction's scanner */
};

/* Give up the transaction that is open, if one is. */
void session_abandon(struct session *s);

/* End it: what was said is still delivered, or nothing is (RST). */
void session_close(struct session *s);
void session_abort(struct session *s);

/* Say whole lines with CRLF. False: the session is gone. */
MUST_CHECK bool session_say_bytes(struct session *s, const char *text, size_t len);

/* Say one line, given without CRLF. False: the session is gone. */
MUST_CHECK bool session_say(struct session *s, const char *line);

/* Say that MAIL was good, which waited. A client that has sent more than MAIL waits for no reply
 * to it: that goes with the next one, in one segment (RFC 2920 §3.2). False: the session is gone.
 */
MUST_CHECK bool session_say_mail(struct session *s);

/* A last word, and the end of the session. */
void session_dismiss(struct session *s, const char *line);

/* It may speak again when it has heard the next thing that we say: after EHLO, after DATA (RFC 2920
 * §3.1). Without PIPELINING that is so after every command, and need not be said here. */
void session_synchronize(struct session *s);

/* Has it spoken before that, before the greeting for one? Who acknowledges a reply with what it
 * says, as all do who wait, is not early, however segments travel. */
bool session_is_early(const struct session *s);

/* Is it between two chunks of one message? */
bool session_is_between_chunks(const struct session *s);

/* The client has until client_command from now to send something. Between chunks min_data_rate goes
 * on, where there is one. */
void session_watch(struct session *s);

/* From here on the client counts in its network. False: it is one too many, and the session is
 * gone. */
MUST_CHECK bool session_enter_network(struct session *s);

/* Greet it, and take commands. False: the session is gone. */
MUST_CHECK bool session_welcome(struct session *s);

/* Is there a recipient whose reply is to come? Then nothing else may be said before it. */
bool session_awaits_reply(const struct session *s);

#endif
