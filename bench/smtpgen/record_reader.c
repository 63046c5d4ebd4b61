/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines out of a file, and records out of lines. */
#include "bench/smtpgen/record_reader.h"

#include <stdlib.h>
#include <string.h>

/*
 *     0          from                 to             RECORD_LINE_MAX + 1
 *     |-- read --|-- not looked at ---|---- room ----|
 */
struct record_reader {
    FILE *in;
    enum record_kind kind;
    uint64_t line;
    bool ended, cut;
    size_t from, to;
    char buf[RECORD_LINE_MAX + 1];
};

struct record_reader *record_reader_new(FILE *in, enum record_kind kind)
{
    struct record_reader *reader = malloc(sizeof(*reader));
    if (reader == NULL) {
        fclose(in);
        return NULL;
    }
    reader->in = in;
    reader->kind = kind;
    reader->line = 0;
    reader->ended = reader->cut = false;
    reader->from = reader->to = 0;
    return reader;
}

/* More bytes behind those that were not looked at. */
static enum record_error fill(struct record_reader *reader)
{
    size_t left = reader->to - reader->from;
    if (left == sizeof(reader->buf)) {
        reader->line++;
        return RECORD_LONG_LINE;
    }
    memmove(reader->buf, reader->buf + reader->from, left);
    size_t n = fread(reader->buf + left, 1, sizeof(reader->buf) - left, reader->in);
    reader->from = 0;
    reader->to = left + n;
    if (n == 0 && ferror(reader->in))
        return RECORD_UNREADABLE;
    if (n == 0) {
        reader->ended = true;
        reader->cut = left > 0 || reader->line == 0;
        return RECORD_END;
    }
    return RECORD_OK;
}

static enum record_error next_line(struct record_reader *reader, struct span *line)
{
    size_t looked = 0;
    while (!reader->ended) {
        const char *start = reader->buf + reader->from;
        size_t len = reader->to - reader->from;
        const char *end = memchr(start + looked, '\n', len - looked);
        if (end != NULL) {
            *line = (struct span){start, (size_t)(end - start)};
            reader->from += line->len + 1;
            reader->line++;
            return RECORD_OK;
        }
        looked = len;
        enum record_error error = fill(reader);
        if (error != RECORD_OK)
            return error;
    }
    return RECORD_END;
}

enum record_error record_read(struct record_reader *reader, struct record *out)
{
    struct span line;
    const char *heading = record_heading(reader->kind);
    enum record_error error = next_line(reader, &line);
    if (error == RECORD_OK && reader->line == 1) {
        if (line.len != strlen(heading) || memcmp(line.at, heading, line.len) != 0)
            return RECORD_BAD_HEADING;
        error = next_line(reader, &line);
    }
    return error == RECORD_OK ? record_parse(reader->kind, line, out) : error;
}

uint64_t record_reader_line(const struct record_reader *reader)
{
    return reader->line;
}

bool record_reader_cut(const struct record_reader *reader)
{
    return reader->cut;
}

void record_reader_free(struct record_reader *reader)
{
    if (reader == NULL)
        return;
    fclose(reader->in);
    free(reader);
}
