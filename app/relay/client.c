/* SPDX-License-Identifier: BSD-3-Clause */
/* Who a client is: what it says itself, and what load balancers and proxies say of it. */
#include "app/relay/client.h"

#include "app/smtp/xclient.h"

/* Copy what is unread, up to `size` bytes; returns how many. */
static size_t copy_unread(const struct client *client, uint8_t *buf, size_t size)
{
    struct slice slice;
    size_t copied = 0;
    while (copied < size && stream_peek(client->stream, copied, &slice, 1) > 0) {
        size_t part = slice.len < size - copied ? slice.len : size - copied;
        memcpy(buf + copied, slice.data, part);
        copied += part;
    }
    return copied;
}

size_t client_line(const struct client *client, char buf[SMTP_LINE_MAX], const char **line,
                   bool *bare)
{
    struct slice slice;
    if (stream_peek(client->stream, 0, &slice, 1) == 0)
        return 0;
    *line = (const char *)slice.data;
    size_t len = smtp_line_length(*line, slice.len, bare);
    if (len > 0)
        return len;
    *line = buf;
    return smtp_line_length(buf, copy_unread(client, (uint8_t *)buf, SMTP_LINE_MAX), bare);
}

enum proxy_state client_take_proxy(struct client *client)
{
    uint8_t buf[PROXY_HEADER_MAX];
    struct proxy_header header;
    enum proxy_state state = proxy_parse(buf, copy_unread(client, buf, sizeof(buf)), &header);
    if (state != PROXY_COMPLETE)
        return state;
    stream_consume(client->stream, header.len);
    if (header.relayed) {
        client->address = header.client;
        client->server = header.server;
    }
    return state;
}

bool client_says_proxy(const struct client *client)
{
    uint8_t buf[16];
    return proxy_begins(buf, copy_unread(client, buf, sizeof(buf)));
}

static bool is_given(const struct smtp_xclient *x, enum smtp_attribute attribute)
{
    return (x->given & 1u << attribute) != 0;
}

bool client_take_xclient(struct client *client, struct span argument)
{
    struct smtp_xclient x;
    if (!smtp_xclient_parse(argument, &x))
        return false;
    if (is_given(&x, SMTP_ATTRIBUTE_ADDR))
        client->address.addr = x.client.addr;
    if (is_given(&x, SMTP_ATTRIBUTE_PORT))
        client->address.port = x.client.port;
    if (is_given(&x, SMTP_ATTRIBUTE_DESTADDR))
        client->server.addr = x.server.addr;
    if (is_given(&x, SMTP_ATTRIBUTE_DESTPORT))
        client->server.port = x.server.port;
    if (is_given(&x, SMTP_ATTRIBUTE_NAME))
        strcpy(client->name, x.name);
    if (is_given(&x, SMTP_ATTRIBUTE_HELO)) {
        strcpy(client->helo, x.helo);
        client->helo_told = x.helo[0] != '\0';
    }
    return true;
}

void client_identity(const struct client *client, struct smtp_identity *out)
{
    out->client = client->address;
    out->server = client->server;
    out->extended = client->extended;
    strcpy(out->name, client->name);
    strcpy(out->helo, client->helo);
}

void client_greet(struct client *client, struct span name, bool extended, const char *hostname)
{
    client->extended = extended;
    if (!client->helo_told) {
        memcpy(client->helo, name.at, name.len);
        client->helo[name.len] = '\0';
    }
    struct smtp_received_from from = {
        .helo = {client->helo, strlen(client->helo)},
        .ptr = {client->name, strlen(client->name)},
        .client = client->address.addr,
        .hostname = {hostname, strlen(hostname)},
    };
    client->trace_len = (uint16_t)smtp_received_begin(client->trace, sizeof(client->trace), &from);
}
