/* SPDX-License-Identifier: BSD-3-Clause */
/* Content that comes by BDAT. */
#include "app/relay/chunks.h"

#include <string.h>

#include "app/smtp/header.h"

void chunks_begin(struct chunks *c, uint64_t size, bool last)
{
    c->on = true;
    c->last = last;
    c->size = c->left = size;
    c->ahead = 0;
    c->announced = false;
}

bool chunks_is_complete(const struct chunks *c)
{
    return c->ahead == c->left;
}

static size_t min(uint64_t a, uint64_t b)
{
    return (size_t)(a < b ? a : b);
}

static void scan_run(const struct chunks *c, struct smtp_content *content, const uint8_t *data,
                     size_t len)
{
    if (!c->binary) {
        smtp_content_scan(content, data, len);
        return;
    }
    if (!smtp_header_done(content))
        smtp_header_scan(content, data, len);
    content->scanned += len;
    content->safe = content->scanned;
}

static void scan_slice(struct chunks *c, const struct slice *slice, struct smtp_content *content)
{
    size_t len = min(slice->len, c->left - c->ahead), taken;
    for (size_t at = 0; at < len; at += taken) {
        size_t run = smtp_stuffing_run(&c->scan, slice->data + at, len - at, &taken);
        scan_run(c, content, slice->data + at, run);
    }
    c->ahead += len;
}

/* A last line without CRLF gets one: by DATA there is no other end. */
static void scan_end(struct chunks *c, struct smtp_content *content)
{
    static const char end[] = "\r\n.\r\n";
    if (c->binary) {
        content->ended = true;
        return;
    }
    const char *from = smtp_stuffing_at_line(&c->scan) ? end + strlen("\r\n") : end;
    smtp_content_scan(content, (const uint8_t *)from, strlen(from));
}

void chunks_scan(struct chunks *c, struct stream *client, struct smtp_content *content)
{
    struct slice slice;
    while (c->ahead < c->left && stream_peek(client, (size_t)c->ahead, &slice, 1) > 0)
        scan_slice(c, &slice, content);
    if (c->last && chunks_is_complete(c) && !content->ended)
        scan_end(c, content);
}

/* The first of what is held. */
static struct slice take_held(struct chunks *c, uint32_t most)
{
    struct slice *first = &c->held[0];
    if (first->len > most) {
        struct slice part = slice_sub(first, 0, most);
        slice_drop_front(first, most);
        return part;
    }
    struct slice part = *first;
    c->held_count--;
    memmove(first, first + 1, c->held_count * sizeof(*first));
    return part;
}

/* The next run of what is in the stream. */
static bool take_run(struct chunks *c, struct stream *client, uint32_t most, struct slice *part,
                     uint32_t *octets)
{
    struct slice slice;
    size_t taken;
    if (c->ahead == 0 || stream_peek(client, 0, &slice, 1) == 0)
        return false;
    size_t run =
        smtp_stuffing_run(&c->pass, slice.data, min(min(slice.len, c->ahead), most), &taken);
    *part = slice_sub(&slice, 0, (uint32_t)run);
    stream_consume(client, taken);
    *octets = (uint32_t)taken;
    c->left -= taken;
    c->ahead -= taken;
    return true;
}

bool chunks_take(struct chunks *c, struct stream *client, uint32_t most, struct slice *part,
                 uint32_t *octets)
{
    if (c->held_count == 0)
        return take_run(c, client, most, part, octets);
    *part = take_held(c, most);
    *octets = 0;
    return true;
}

bool chunks_hold(struct chunks *c, struct stream *client, struct slice *part)
{
    uint32_t octets;
    if (c->held_count == CHUNKS_HELD ||
        !take_run(c, client, UINT32_MAX, &c->held[c->held_count], &octets))
        return false;
    *part = c->held[c->held_count++];
    return true;
}

void chunks_drop(struct chunks *c)
{
    while (c->held_count > 0)
        slice_release(&c->held[--c->held_count]);
}
