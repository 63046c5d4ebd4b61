/* SPDX-License-Identifier: BSD-3-Clause */
/* Content, without its trace block and its transparency, into a digest. */
#include "app/relay/fingerprint.h"

#include <assert.h>
#include <string.h>

static const char *const trace_fields[] = {"received", "return-path"};
static_assert(sizeof("return-path") - 1 == FINGERPRINT_NAME, "the longest");

void fingerprint_start(struct fingerprint *f)
{
    f->failed = !digest_start(&f->digester);
    f->line_start = f->crlf = f->in_trace = true;
    f->deciding = f->skipping = f->cr = false;
    f->name_len = 0;
}

static void add(struct fingerprint *f, const void *data, size_t len)
{
    f->failed = f->failed || !digest_add(&f->digester, data, len);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* The name so far with one more character: may it become, or is it (with the colon), that of a
 * trace field? */
static bool fits(const struct fingerprint *f, char c)
{
    for (unsigned i = 0; i < sizeof(trace_fields) / sizeof(trace_fields[0]); i++) {
        const char *field = trace_fields[i];
        unsigned at = 0;
        while (at < f->name_len && lower(f->name[at]) == field[at])
            at++;
        if (at < f->name_len)
            continue;
        if (c == ':' ? field[at] == '\0' : lower(c) == field[at] && c != '\0')
            return true;
    }
    return false;
}

/* The first field that is none of the trace's ends the trace block. */
static void end_trace(struct fingerprint *f)
{
    f->deciding = f->in_trace = f->skipping = false;
    add(f, f->name, f->name_len);
}

/* One character of what may be a trace field's name. False: it is to be taken as content. */
static bool decide(struct fingerprint *f, char c)
{
    if (f->name_len == 0 && f->skipping && (c == ' ' || c == '\t')) {
        f->deciding = false; /* the field before goes on */
        return false;
    }
    if (!fits(f, c)) {
        end_trace(f);
        return false;
    }
    if (c == ':') {
        f->deciding = false;
        f->skipping = true;
    } else {
        f->name[f->name_len++] = c;
    }
    return true;
}

/* The first character of a line. True if it only stands for transparency. Binary content has bare
 * newlines, and dots behind those are its own. */
static bool begin_line(struct fingerprint *f, uint8_t c)
{
    f->line_start = false;
    f->deciding = f->in_trace;
    f->name_len = 0;
    f->cr = false;
    return c == '.' && f->crlf;
}

/* All up to the end of a line, or of what there is. */
static void take(struct fingerprint *f, const uint8_t *data, const uint8_t *newline, size_t len)
{
    if (!f->skipping)
        add(f, data, len);
    f->line_start = newline != NULL;
    f->crlf = newline != NULL && (newline > data ? newline[-1] == '\r' : f->cr);
    f->cr = data[len - 1] == '\r';
}

void fingerprint_add(struct fingerprint *f, const uint8_t *data, size_t len)
{
    const uint8_t *end = data + len;
    while (data < end) {
        if (f->line_start && begin_line(f, *data)) {
            data++;
            continue;
        }
        if (f->deciding && decide(f, (char)*data)) {
            data++;
            continue;
        }
        const uint8_t *newline = memchr(data, '\n', (size_t)(end - data));
        const uint8_t *stop = newline != NULL ? newline + 1 : end;
        take(f, data, newline, (size_t)(stop - data));
        data = stop;
    }
}

bool fingerprint_finish(struct fingerprint *f, struct digest *out)
{
    if (f->deciding)
        end_trace(f);
    return !f->failed && digest_finish(&f->digester, out);
}
