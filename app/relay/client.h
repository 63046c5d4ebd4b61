/* SPDX-License-Identifier: BSD-3-Clause */
/* The client of a transaction, as far as the transaction knows it. Embedded in its session. */
#ifndef SPLITMX_RELAY_CLIENT_H
#define SPLITMX_RELAY_CLIENT_H

#include <stdbool.h>

#include "app/smtp/command.h"
#include "app/smtp/proxy.h"
#include "app/smtp/received.h"
#include "drivers/base/addr.h"
#include "drivers/stream.h"

struct client {
    struct stream *stream;
    struct endpoint address;
    bool extended; /* said EHLO */
    uint16_t trace_len;
    /* There is news: the session looks at its transaction later in this round, not inside the call.
     */
    void (*wake)(struct client *client);
    char helo[SMTP_DOMAIN_MAX + 1];      /* the name it said */
    char trace[SMTP_RECEIVED_BEGIN_MAX]; /* how our Received lines begin */
};

/* NULL (the client is gone) is allowed. */
static inline void client_wake(struct client *client)
{
    if (client != NULL)
        client->wake(client);
}

/*
 * Read the PROXY header that a load balancer's connection begins with. Once it is complete it is
 * consumed, and the client is whom it names; PROXY_BAD: the connection must be closed.
 */
MUST_CHECK enum proxy_state client_take_proxy(struct client *client);

/* Does what is unread begin like a PROXY header? */
bool client_says_proxy(const struct client *client);

#endif
