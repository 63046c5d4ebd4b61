/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Replies. The first byte says how the rest is cut into chunks: the outcome must be that of the
 * whole, and a reply that is complete must itself be a well-formed reply.
 */
#include <string.h>

#include "app/smtp/reply.h"
#include "fuzz.h"

struct outcome {
    enum smtp_reply_state state;
    size_t used;
    struct smtp_reply reply;
};

/* Each chunk is copied into an allocation of its size, so that ASan sees a read past it. */
static enum smtp_reply_state feed_copy(struct smtp_reply *r, const uint8_t *data, size_t len,
                                       size_t *used)
{
    uint8_t *copy = malloc(len);
    FUZZ_CHECK(copy != NULL);
    memcpy(copy, data, len);
    enum smtp_reply_state state = smtp_reply_feed(r, copy, len, used);
    free(copy);
    return state;
}

static void run(struct outcome *o, const uint8_t *data, size_t size, size_t chunk)
{
    memset(o, 0, sizeof(*o));
    while (o->state == SMTP_REPLY_MORE && o->used < size) {
        size_t n = size - o->used < chunk ? size - o->used : chunk, used;
        o->state = feed_copy(&o->reply, data + o->used, n, &used);
        FUZZ_CHECK(used <= n && (o->state != SMTP_REPLY_MORE || used == n));
        o->used += used;
    }
    /* What lies behind the part of a line that has arrived is nobody's. */
    memset(o->reply.line + o->reply.line_len, 0, sizeof(o->reply.line) - o->reply.line_len);
}

static void check_complete(const struct smtp_reply *r)
{
    FUZZ_CHECK(r->code >= 200 && r->code <= 599);
    FUZZ_CHECK(r->lines > 0 && r->lines <= SMTP_REPLY_LINES_MAX && r->len <= sizeof(r->text));
    FUZZ_CHECK(r->enhanced.klass == 0 || r->enhanced.klass == r->code / 100);
    struct span message = smtp_reply_message(r);
    FUZZ_CHECK(message.at >= r->text && message.at + message.len < r->text + r->len);

    struct smtp_extensions e = smtp_extensions_parse(r);
    FUZZ_CHECK(e.size || e.size_limit == 0);

    /* What was kept is a reply too, and keeping it again changes nothing. */
    struct outcome again;
    run(&again, (const uint8_t *)r->text, r->len, SIZE_MAX);
    FUZZ_CHECK(again.state == SMTP_REPLY_COMPLETE && again.used == r->len);
    FUZZ_CHECK(again.reply.code == r->code && again.reply.len == r->len);
    FUZZ_CHECK(memcmp(again.reply.text, r->text, r->len) == 0);
    FUZZ_CHECK(again.reply.enhanced.klass == r->enhanced.klass && !again.reply.truncated);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct outcome whole, cut;
    run(&whole, data + 1, size - 1, SIZE_MAX);
    run(&cut, data + 1, size - 1, data[0] > 0 ? data[0] : 1);
    FUZZ_CHECK(whole.state == cut.state);
    if (whole.state == SMTP_REPLY_MALFORMED)
        return 0;
    FUZZ_CHECK(whole.used == cut.used);
    FUZZ_CHECK(memcmp(&whole.reply, &cut.reply, sizeof(whole.reply)) == 0);
    if (whole.state == SMTP_REPLY_COMPLETE)
        check_complete(&whole.reply);
    return 0;
}
