/* SPDX-License-Identifier: BSD-3-Clause */
/* Moves that outlive the process. */
#include "app/route/grace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/file.h"
#include "config/memory.h"

#define FILE_MAX_SIZE ((size_t)4 << 30)
#define FILE_MODE     0640

/* ----------------------------------------------------------------------------------- reading -- */

/* A line is "ENDS LOCAL@DOMAIN", as the key has it: without the newlines around it. */
static bool parse_line(const char *at, const char *end, uint64_t *ends, struct span *address)
{
    uint64_t value = 0;
    const char *digit = at;
    for (; digit < end && *digit >= '0' && *digit <= '9' && digit - at < 12; digit++)
        value = 10 * value + (uint64_t)(*digit - '0');
    if (digit == at || digit == end || *digit != ' ' || file_find_control(at, end) != NULL)
        return false;
    *ends = value;
    *address = (struct span){digit + 1, (size_t)(end - digit - 1)};
    return address->len > 0 && address->len <= ADDRESS_KEY_MAX - 2 &&
           memchr(address->at, '@', address->len) != NULL;
}

struct grace *grace_file_parse(const char *data, size_t len, uint64_t now)
{
    struct file_lines lines = file_lines(data, len);
    struct keymap_entry *entries = NULL;
    uint32_t count = 0;
    char *keys = memory_new(2 * len + 2, 1); /* a line gives two newlines for a time and a blank */
    size_t used = 0;
    const char *at, *end;
    while (file_next_line(&lines, &at, &end)) {
        uint64_t ends;
        struct span address;
        if (!parse_line(at, end, &ends, &address) || ends <= now)
            continue;
        char *key = keys + used;
        key[0] = '\n';
        memcpy(key + 1, address.at, address.len);
        key[1 + address.len] = '\n';
        used += address.len + 2;
        entries = memory_grow(entries, count, sizeof(*entries));
        entries[count++] = (struct keymap_entry){key, (uint16_t)(address.len + 2), ends};
    }
    struct grace *added = grace_add(NULL, entries, count);
    struct grace *g = grace_settle(added, now);
    grace_unref(added);
    free(entries);
    free(keys);
    return g;
}

struct grace *grace_file_load(const char *path, uint64_t now)
{
    size_t len;
    errno = 0;
    char *data = file_read(path, FILE_MAX_SIZE, &len);
    if (data == NULL)
        return NULL;
    struct grace *g = grace_file_parse(data, len, now);
    free(data);
    errno = 0;
    return g;
}

/* ----------------------------------------------------------------------------------- writing -- */

char *grace_file_format(const struct grace *grace, const struct grace *old, size_t *len)
{
    char *text = NULL;
    FILE *out = memory_must(open_memstream(&text, len));
    for (uint64_t i = 0; i < grace_count(grace); i++) {
        struct keymap_entry e = grace_at(grace, i);
        if (grace_end(old, e.key, e.len) < e.value)
            fprintf(out, "%lu %.*s\n", e.value, (int)e.len - 2, e.key + 1);
    }
    fclose(out);
    return memory_must(text);
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno != EINTR)
            return false;
        text += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool write_file(const char *path, int flags, const char *text, size_t len, bool sync)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, FILE_MODE);
    if (fd < 0)
        return false;
    bool ok = write_all(fd, text, len) && (!sync || fsync(fd) == 0);
    int why = errno;
    ok = close(fd) == 0 && ok;
    if (!ok && why != 0)
        errno = why;
    return ok;
}

bool grace_file_append(const char *path, const struct grace *grace, const struct grace *old)
{
    size_t len;
    char *text = grace_file_format(grace, old, &len);
    bool ok = write_file(path, O_APPEND, text, len, false);
    free(text);
    return ok;
}

static char *beside(const char *path)
{
    char *name;
    if (asprintf(&name, "%s.new", path) < 0)
        name = NULL;
    return memory_must(name);
}

bool grace_file_prepare(const char *path, const struct grace *grace)
{
    size_t len;
    char *name = beside(path), *text = grace_file_format(grace, NULL, &len);
    bool ok = write_file(name, O_TRUNC, text, len, true);
    free(text);
    free(name);
    return ok;
}

bool grace_file_commit(const char *path)
{
    char *name = beside(path);
    bool ok = rename(name, path) == 0;
    free(name);
    return ok;
}
