/* SPDX-License-Identifier: BSD-3-Clause */
/* Content from the client to the legs: references, no copies. */
#include "app/relay/fanout.h"

#include "app/relay/fingerprint.h"
#include "app/relay/loop.h"
#include "app/relay/state.h"
#include "app/smtp/received.h"

#define PEEK_SLICES 16

void fanout_scan(struct transaction *t)
{
    struct stream *client = t->client->stream;
    struct slice slices[PEEK_SLICES];
    uint64_t before = t->content.scanned;
    if (t->chunks.on)
        chunks_scan(&t->chunks, client, &t->content);
    while (!t->chunks.on) {
        unsigned n =
            stream_peek(client, (size_t)(t->content.scanned - t->forwarded), slices, PEEK_SLICES);
        for (unsigned i = 0; i < n; i++) {
            smtp_content_scan(&t->content, slices[i].data, slices[i].len);
            if (t->content.ended)
                n = 0;
        }
        if (n < PEEK_SLICES)
            break;
    }
    t->relay->counters[RELAY_CLIENT_BYTES] += t->content.scanned - before;
}

/* RFC 5321 §4.4; `for` only with a single recipient. */
bool fanout_trace(struct transaction *t, struct leg *leg)
{
    const struct recipient *rcpt, *only = NULL;
    TAILQ_FOREACH (rcpt, &t->envelope.recipients, entry) {
        if (rcpt->record == NULL)
            continue;
        if (only != NULL) {
            only = NULL;
            break;
        }
        only = rcpt;
    }
    const char *to = only != NULL ? only->record->to : "";
    char text[SMTP_RECEIVED_MAX];
    uint64_t marks[SMTP_RECEIVED_MARKS];
    struct smtp_received received = {
        .begin = {t->client->trace, t->client->trace_len},
        .extended = t->client->extended,
        .utf8 = t->envelope.mail.utf8,
        .id = {t->id, strlen(t->id)},
        .marks = marks,
        .mark_count = loop_marks(t, leg, marks),
        .recipient = {to, strlen(to)},
        .date = relay_date(t->relay, t->begun_at),
    };
    size_t len = smtp_received_format(text, sizeof(text), &received);
    leg->traced = true;
    if (!leg->chunked)
        return leg_write(leg, text, len);
    if (!leg_chunk(leg, len + t->chunks.size))
        return false;
    leg->chunk -= len;
    return leg_write(leg, text, len);
}

/* Our own line goes out with the first of the content, in one segment. False: a leg ran out of
 * memory. */
static bool begin(struct transaction *t)
{
    t->begun = true;
    t->begun_at = t->relay->wall;
    for (unsigned i = 0; i < t->leg_count; i++) {
        if (t->legs[i].state == LEG_OPEN && !fanout_trace(t, &t->legs[i]))
            return false;
    }
    return true;
}

/* The open leg that has the least room. */
static struct leg *slowest(struct transaction *t)
{
    struct leg *chosen = NULL;
    for (unsigned i = 0; i < t->leg_count; i++) {
        struct leg *leg = &t->legs[i];
        if (leg->state == LEG_OPEN && (chosen == NULL || leg_room(leg) < leg_room(chosen)))
            chosen = leg;
    }
    return chosen;
}

bool fanout_is_uneven(const struct transaction *t)
{
    unsigned full = 0, ready = 0;
    for (unsigned i = 0; i < t->leg_count; i++) {
        if (t->legs[i].state != LEG_OPEN)
            continue;
        if (leg_room(&t->legs[i]) == 0)
            full++;
        else
            ready++;
    }
    return full > 0 && ready > 0;
}

/* The first leg that may get no further chunk before it has answered one; NULL: none. */
static struct leg *keeps_chunks_waiting(struct transaction *t)
{
    for (unsigned i = 0; i < t->leg_count; i++) {
        struct leg *leg = &t->legs[i];
        if (leg->state == LEG_OPEN && leg->chunked && !leg_may_chunk(leg))
            return leg;
    }
    return NULL;
}

struct leg *fanout_awaited(struct transaction *t)
{
    struct leg *leg = t->chunks.on && !t->chunks.announced ? keeps_chunks_waiting(t) : NULL;
    return leg != NULL ? leg : slowest(t);
}

bool fanout_announce(struct transaction *t)
{
    if (!t->chunks.on || t->chunks.announced)
        return true;
    if (keeps_chunks_waiting(t) != NULL)
        return false;
    t->chunks.announced = true;
    if (!t->begun)
        return begin(t);
    for (unsigned i = 0; i < t->leg_count; i++) {
        struct leg *leg = &t->legs[i];
        if (leg->state == LEG_OPEN && leg->chunked && t->chunks.size > 0 &&
            !leg_chunk(leg, t->chunks.size))
            return false;
    }
    return true;
}

/* The octets of a chunk that a part begins with, to a leg that gets chunks. */
static bool forward_octets(struct leg *leg, const struct slice *part, uint32_t octets)
{
    if (octets == 0)
        return true;
    struct slice some = slice_sub(part, 0, octets);
    leg->chunk -= octets;
    bool good = leg_forward(leg, &some);
    slice_release(&some);
    return good;
}

/* The same reference to every open leg. */
static bool forward(struct transaction *t, const struct slice *part, uint32_t octets)
{
    for (unsigned i = 0; i < t->leg_count; i++) {
        struct leg *leg = &t->legs[i];
        if (leg->state != LEG_OPEN)
            continue;
        if (!(leg->chunked ? forward_octets(leg, part, octets) : leg_forward(leg, part)))
            return false;
    }
    return true;
}

/* Pass on a part, whose reference is given away, and keep it: a leg may have to begin again, or the
 * client may leave before it hears what came of it. False: a leg has ended. */
static bool pass_on(struct transaction *t, struct slice *part, uint32_t octets)
{
    if (t->fingerprint != NULL)
        fingerprint_add(t->fingerprint, part->data, part->len);
    bool good = forward(t, part, octets);
    kept_add(t->relay, &t->kept, part);
    return good;
}

/* Pass on the next bytes of what comes by BDAT, at most `limit`. Returns how many, and they are
 * consumed; stops when a leg ends. */
static size_t forward_chunk(struct transaction *t, size_t limit)
{
    size_t done = 0;
    while (done < limit) {
        struct slice part;
        uint32_t octets;
        size_t most = limit - done < UINT32_MAX ? limit - done : UINT32_MAX;
        if (!chunks_take(&t->chunks, t->client->stream, (uint32_t)most, &part, &octets))
            return done;
        size_t len = part.len;
        if (!pass_on(t, &part, octets))
            return done;
        done += len;
    }
    return done;
}

/* Pass on the next bytes of what comes by DATA, likewise; consumed are those that were passed on.
 */
static size_t forward_bytes(struct transaction *t, size_t limit)
{
    struct stream *client = t->client->stream;
    struct slice slices[PEEK_SLICES];
    size_t done = 0;
    while (done < limit) {
        unsigned n = stream_peek(client, done, slices, PEEK_SLICES);
        if (n == 0)
            return done;
        for (unsigned i = 0; i < n && done < limit; i++) {
            size_t len = slices[i].len < limit - done ? slices[i].len : limit - done;
            struct slice part = slice_sub(&slices[i], 0, (uint32_t)len);
            if (!pass_on(t, &part, 0))
                return done;
            done += len;
        }
    }
    return done;
}

/* Give legs what stands in none of the client's bytes, and keep it. False: a leg has ended. */
static bool insert(struct transaction *t, const char *text)
{
    bool good = true;
    if (t->fingerprint != NULL)
        fingerprint_add(t->fingerprint, (const uint8_t *)text, strlen(text));
    for (unsigned i = 0; good && i < t->leg_count; i++)
        good = t->legs[i].state != LEG_OPEN || leg_write(&t->legs[i], text, strlen(text));
    kept_add_text(t->relay, &t->kept, text);
    return good;
}

/* Of the client's stream, what stands from `at` on; -1 where nothing has come. */
static void look_ahead(struct stream *client, size_t at, int ahead[SMTP_REPAIR_AHEAD])
{
    for (unsigned i = 0; i < SMTP_REPAIR_AHEAD; i++) {
        struct slice slice;
        ahead[i] = stream_peek(client, at + i, &slice, 1) > 0 ? slice.data[0] : -1;
    }
}

/* The next bytes of what comes by DATA, with bare newlines repaired: as forward_bytes(), but
 * `space` bounds what is given out, which may be one byte more. */
static size_t forward_mended(struct transaction *t, size_t ready, size_t space)
{
    struct stream *client = t->client->stream;
    struct slice slice;
    size_t done = 0, out = 0;
    if (t->content.bare && !t->mended) {
        t->mended = true;
        relay_count(t->relay, RELAY_MESSAGES_MENDED);
    }
    while (done < ready && out < space && stream_peek(client, done, &slice, 1) > 0) {
        size_t most = ready - done < space - out ? ready - done : space - out;
        size_t len = slice.len < most ? slice.len : most;
        int ahead[SMTP_REPAIR_AHEAD];
        look_ahead(client, done + len, ahead);
        struct smtp_repair_run run = smtp_repair(&t->repair, slice.data, len, ahead);
        if (run.given > 0) {
            struct slice part = slice_sub(&slice, 0, (uint32_t)run.given);
            if (!pass_on(t, &part, 0))
                return done;
        }
        if (run.text != NULL && !insert(t, run.text))
            return done;
        done += run.taken;
        out += run.given + (run.text != NULL);
    }
    return done;
}

/* As many bytes as are ready, and as the legs have room for: returns how many of the client's. */
static size_t forward_some(struct transaction *t, size_t ready, size_t space)
{
    size_t limit = ready < space ? ready : space;
    if (t->chunks.on)
        return forward_chunk(t, limit);
    if (t->content.mended)
        return forward_mended(t, ready, space);
    return forward_bytes(t, limit);
}

bool fanout_pass(struct transaction *t)
{
    size_t ready = (size_t)(t->content.safe - t->forwarded);
    if (!t->begun && (ready > 0 || t->content.ended) && !begin(t))
        return false;
    const struct leg *fullest = slowest(t);
    size_t space = fullest != NULL ? leg_room(fullest) : 0;
    size_t sent = forward_some(t, ready, space);
    if (t->state != TRANSACTION_CONTENT)
        return false; /* a leg ran out of memory */
    if (!t->chunks.on)
        stream_consume(t->client->stream, sent);
    t->forwarded += sent;
    return sent > 0;
}

/* Legs that get chunks get all of them. */
static bool skip_chunk(struct transaction *t)
{
    struct slice part;
    while (chunks_hold(&t->chunks, t->client->stream, &part)) {
        for (unsigned i = 0; i < t->leg_count; i++) {
            struct leg *leg = &t->legs[i];
            if (leg->state == LEG_OPEN && leg->chunked && !forward_octets(leg, &part, part.len))
                return false;
        }
    }
    return true;
}

bool fanout_skip(struct transaction *t)
{
    if (t->chunks.on)
        return skip_chunk(t);
    stream_consume(t->client->stream, (size_t)(t->content.scanned - t->forwarded));
    return true;
}
