/* SPDX-License-Identifier: BSD-3-Clause */
/* The client of a transaction, as far as the transaction knows it. Embedded in its session. */
#ifndef SPLITMX_RELAY_CLIENT_H
#define SPLITMX_RELAY_CLIENT_H

#include <stdbool.h>

#include "app/smtp/command.h"
#include "app/smtp/identity.h"
#include "app/smtp/proxy.h"
#include "app/smtp/received.h"
#include "drivers/base/addr.h"
#include "drivers/stream.h"

struct client {
    struct stream *stream;
    struct endpoint address;
    struct endpoint server; /* where it connected to: at us, or at the load balancer */
    bool extended;          /* said EHLO */
    bool helo_told;         /* `helo` is what XCLIENT said of it: EHLO does not change that */
    bool mended;            /* bare newlines in its messages are repaired, not refused */
    uint16_t trace_len;
    /* There is news: the session looks at its transaction later in this round, not inside the call.
     */
    void (*wake)(struct client *client);
    char helo[SMTP_DOMAIN_MAX + 1];      /* the name it said */
    char name[SMTP_DOMAIN_MAX + 1];      /* its name in DNS; empty: not known */
    char trace[SMTP_RECEIVED_BEGIN_MAX]; /* how our Received lines begin */
};

/* NULL (the client is gone) is allowed. */
static inline void client_wake(struct client *client)
{
    if (client != NULL)
        client->wake(client);
}

/* The first line that has arrived, in one piece: borrowed from the stream, or copied to buf where
 * it spans slices. Returns its length with LF, 0 if it is not complete; *bare as of
 * smtp_line_length(). */
size_t client_line(const struct client *client, char buf[SMTP_LINE_MAX], const char **line,
                   bool *bare);

/*
 * Read the PROXY header that a load balancer's connection begins with. Once it is complete it is
 * consumed, and the client is whom it names; PROXY_BAD: the connection must be closed.
 */
MUST_CHECK enum proxy_state client_take_proxy(struct client *client);

/* Take over what XCLIENT says; false, and nothing has changed, if it says nothing that can be
 * understood. An address that is unavailable becomes 0.0.0.0, which is on nobody's side. */
MUST_CHECK bool client_take_xclient(struct client *client, struct span argument);

/* Who it is, as destinations are told. */
void client_identity(const struct client *client, struct smtp_identity *out);

/* HELO or EHLO said `name`. */
void client_greet(struct client *client, struct span name, bool extended, const char *hostname);

/* Does what is unread begin like a PROXY header? */
bool client_says_proxy(const struct client *client);

#endif
