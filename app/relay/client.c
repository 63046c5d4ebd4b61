/* SPDX-License-Identifier: BSD-3-Clause */
/* Who a client is: what load balancers say of it. */
#include "app/relay/client.h"

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

enum proxy_state client_take_proxy(struct client *client)
{
    uint8_t buf[PROXY_HEADER_MAX];
    struct proxy_header header;
    enum proxy_state state = proxy_parse(buf, copy_unread(client, buf, sizeof(buf)), &header);
    if (state != PROXY_COMPLETE)
        return state;
    stream_consume(client->stream, header.len);
    if (header.relayed)
        client->address = header.client;
    return state;
}

bool client_says_proxy(const struct client *client)
{
    uint8_t buf[16];
    return proxy_begins(buf, copy_unread(client, buf, sizeof(buf)));
}
