/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding the X-Smtpgen field, and digesting what follows. */
#include "bench/smtpgen/inspection.h"

#include <stdlib.h>
#include <string.h>

static const char field[] = "X-Smtpgen: ";

void inspection_reset(struct inspection *i)
{
    i->len = i->recipients = 0;
    i->header_len = 0;
    i->found = i->given_up = false;
    i->digest = (struct digest){.state = DIGEST_START, .line_start = true};
}

void inspection_free(struct inspection *i)
{
    free(i->addresses);
    free(i->header);
}

bool inspection_recipient(struct inspection *i, const char *line, size_t len)
{
    const char *from = memchr(line, '<', len), *to = memrchr(line, '>', len);
    size_t n = from != NULL && to != NULL && to > from ? (size_t)(to - from - 1) : 0;
    if (i->len + n + 1 > i->room) {
        size_t room = 2 * (i->room + n + 256);
        char *more = realloc(i->addresses, room);
        if (more == NULL)
            return false;
        i->addresses = more;
        i->room = room;
    }
    if (n > 0)
        memcpy(i->addresses + i->len, from + 1, n);
    i->addresses[i->len + n] = '\0';
    i->len += n + 1;
    i->recipients++;
    return true;
}

/* The field at the start of a line of what came first, all of it; NULL if it is not there. */
static const char *find_field(const struct inspection *i)
{
    const char *end = i->header + i->header_len;
    for (const char *line = i->header; line != NULL && line < end;) {
        size_t left = (size_t)(end - line);
        if (left >= strlen(field) + RECORD_ID_SIZE + 2 && memcmp(line, field, strlen(field)) == 0)
            return line;
        line = memchr(line, '\n', left);
        line = line != NULL ? line + 1 : NULL;
    }
    return NULL;
}

void inspection_content(struct inspection *i, const uint8_t *data, size_t len)
{
    if (i->found) {
        digest_wire(&i->digest, data, len);
        return;
    }
    if (i->given_up)
        return;
    if (i->header == NULL)
        i->header = malloc(INSPECTION_HEADER_MAX);
    size_t room = i->header != NULL ? INSPECTION_HEADER_MAX - i->header_len : 0;
    size_t part = len < room ? len : room;
    if (part > 0)
        memcpy(i->header + i->header_len, data, part);
    i->header_len += part;
    const char *at = find_field(i);
    if (at != NULL) {
        struct span id = {at + strlen(field), RECORD_ID_SIZE};
        i->found = record_id_parse(id, &i->run, &i->number);
        i->given_up = !i->found;
        if (i->found) {
            digest_wire(&i->digest, (const uint8_t *)at, (size_t)(i->header + i->header_len - at));
            digest_wire(&i->digest, data + part, len - part);
        }
    } else {
        i->given_up = part < len;
    }
}

void inspection_record(struct inspection *i, struct record_file *f, const char *listener)
{
    struct record_recipient *all = calloc(i->recipients + 1u, sizeof(*all));
    unsigned n = 0;
    struct record r = {
        .foreign = !i->found,
        .run = i->run,
        .number = i->number,
        .crc = digest_end(i->digest.state),
        .size = (uint32_t)i->digest.size,
        .listener = {listener, strlen(listener)},
    };
    for (const char *at = i->addresses; all != NULL && n < i->recipients; at += strlen(at) + 1)
        all[n++] = (struct record_recipient){.address = {at, strlen(at)}};
    record_write(f, &r, all, n);
    free(all);
}
