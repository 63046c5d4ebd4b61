/* SPDX-License-Identifier: BSD-3-Clause */
/* Making RCPT lines. */
#include "bench/smtpgen/recipients.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/smtp/format.h"

#define NUMBERS_MAX 100000000 /* in one family */

static bool grow(void **array, uint64_t *room, uint64_t want, size_t each)
{
    if (want <= *room)
        return true;
    uint64_t next = *room == 0 ? 1024 : *room;
    while (next < want)
        next *= 2;
    void *more = realloc(*array, next * each);
    if (more == NULL)
        return false;
    *array = more;
    *room = next;
    return true;
}

static bool add_one(struct recipients *r, const char *address, size_t len, const char **why)
{
    char line[SMTP_LINE_MAX];
    uint64_t begin = r->count > 0 ? r->offset[r->count] : 0;
    size_t n = smtp_format_rcpt(line, sizeof(line), (struct span){address, len}, false, NULL);
    *why = "not an address";
    if (len == 0 || n == 0)
        return false;
    *why = "out of memory";
    if (!grow((void **)&r->offset, &r->room, r->count + 2, sizeof(*r->offset)) ||
        !grow((void **)&r->text, &r->text_room, begin + n, 1))
        return false;
    memcpy(r->text + begin, line, n);
    r->offset[r->count++] = begin;
    r->offset[r->count] = begin + n;
    return true;
}

/* `:FIRST-LAST` at the end of a family. */
static bool parse_range(const char *text, uint64_t *first, uint64_t *last)
{
    int used = 0;
    return sscanf(text, ":%" SCNu64 "-%" SCNu64 "%n", first, last, &used) == 2 &&
           text[used] == '\0' && *first <= *last && *last - *first < NUMBERS_MAX;
}

bool recipients_add(struct recipients *r, const char *text, const char **why)
{
    const char *sign = strchr(text, '%'), *colon = strrchr(text, ':');
    if (sign == NULL || colon == NULL || colon < sign)
        return add_one(r, text, strlen(text), why);
    uint64_t first, last;
    *why = "a family of addresses is like user%@example.com:1-1000";
    if (!parse_range(colon, &first, &last) || colon - text > SMTP_PATH_MAX)
        return false;
    for (uint64_t i = first; i <= last; i++) {
        char address[SMTP_PATH_MAX + 32];
        int n = snprintf(address, sizeof(address), "%.*s%" PRIu64 "%.*s", (int)(sign - text), text,
                         i, (int)(colon - sign - 1), sign + 1);
        if (!add_one(r, address, (size_t)n, why))
            return false;
    }
    return true;
}

bool recipients_load(struct recipients *r, const char *path, const char **why, unsigned *line)
{
    char *text = NULL;
    size_t size = 0;
    ssize_t len;
    bool good = true;
    *line = 0;
    *why = "cannot be read";
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    while (good && (len = getline(&text, &size, file)) >= 0) {
        (*line)++;
        while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
            len--;
        good = len == 0 || text[0] == '#' || add_one(r, text, (size_t)len, why);
    }
    free(text);
    if (good && ferror(file)) {
        good = false;
        *line = 0;
    }
    fclose(file);
    return good;
}

void recipients_free(struct recipients *r)
{
    free(r->text);
    free(r->offset);
    *r = (struct recipients){0};
}
