/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Record files of either kind, from "s" or "r" and the file. What is taken is written back as the
 * same bytes; what is not is an error with a name, on a line that is there.
 */
#include <string.h>

#include "bench/smtpgen/record_reader.h"
#include "fuzz.h"

#define RECIPIENTS_MAX 64

static unsigned hex(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* The address as it was before it was escaped. */
static struct span plain(struct span address, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < address.len; i++) {
        if (address.at[i] == '\\') {
            out[len++] = (char)(hex(address.at[i + 1]) << 4 | hex(address.at[i + 2]));
            i += 2;
        } else {
            out[len++] = address.at[i];
        }
    }
    return (struct span){out, len};
}

static void check_written(enum record_kind kind, const struct record *r, const char *line,
                          size_t len)
{
    struct record_recipient to[RECIPIENTS_MAX];
    struct span rest = r->recipients;
    static char addresses[4096], written[8192];
    unsigned count = 0;
    if (r->recipients.len > sizeof(addresses))
        return;
    for (char *at = addresses; record_next_recipient(&rest, &to[count]); count++) {
        FUZZ_CHECK(to[count].address.len > 0);
        to[count].address = plain(to[count].address, at);
        at += to[count].address.len;
        if (count + 1 == RECIPIENTS_MAX)
            return;
    }
    struct record_file *f = record_open(NULL, kind);
    FUZZ_CHECK(f != NULL);
    record_write(f, r, to, count);
    FILE *in = record_reread(f);
    FUZZ_CHECK(in != NULL);
    size_t heading = strlen(record_heading(kind)) + 1;
    size_t n = fread(written, 1, sizeof(written), in);
    FUZZ_CHECK(n == heading + len + 1 && memcmp(written + heading, line, len) == 0);
    fclose(in);
    FUZZ_CHECK(record_close(f));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum record_kind kind = data[0] == 's' ? RECORD_SENT : RECORD_RECEIVED;
    const char *text = (const char *)data + 1, *end = text + size - 1;
    FILE *in = fmemopen((void *)(uintptr_t)text, size - 1, "r");
    FUZZ_CHECK(in != NULL);
    struct record_reader *reader = record_reader_new(in, kind);
    FUZZ_CHECK(reader != NULL);
    struct record r;
    enum record_error error;
    const char *line = memchr(text, '\n', size - 1);
    while ((error = record_read(reader, &r)) == RECORD_OK) {
        FUZZ_CHECK(line != NULL);
        const char *start = line + 1;
        line = memchr(start, '\n', (size_t)(end - start));
        FUZZ_CHECK(line != NULL);
        size_t len = (size_t)(line - start);
        if (len < 4096)
            check_written(kind, &r, start, len);
    }
    FUZZ_CHECK(error < RECORD_ERROR_COUNT && record_error_text(error)[0] != '\0');
    FUZZ_CHECK(error == RECORD_END || record_reader_line(reader) > 0);
    FUZZ_CHECK(error != RECORD_END || record_reader_cut(reader) == (end[-1] != '\n'));
    record_reader_free(reader);
    return 0;
}
