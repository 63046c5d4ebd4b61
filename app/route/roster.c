/* SPDX-License-Identifier: BSD-3-Clause */
/* A mailbox file, read when it has changed. */
#include "app/route/roster.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/route/references.h"
#include "config/memory.h"

#define NSEC_PER_SEC UINT64_C(1000000000)

/* File systems keep time in ticks of some ms: what was written just now may be written to again
 * without showing it. */
#define SETTLED (100 * UINT64_C(1000000))

static uint64_t nanoseconds(struct timespec t)
{
    return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

static struct file_identity identify(const char *path, uint64_t wall)
{
    struct stat s;
    if (stat(path, &s) != 0 || nanoseconds(s.st_ctim) + SETTLED > wall)
        return (struct file_identity){0};
    return (struct file_identity){s.st_dev, s.st_ino, (uint64_t)s.st_size, nanoseconds(s.st_mtim),
                                  nanoseconds(s.st_ctim)};
}

static bool is_known(const struct file_identity *a)
{
    return a->inode != 0;
}

static bool same_file(const struct file_identity *a, const struct file_identity *b)
{
    return memcmp(a, b, sizeof(*a)) == 0 && is_known(a);
}

static struct roster *new_roster(const char *path)
{
    struct roster *r = memory_new(1, sizeof(*r));
    r->references = 1;
    r->path = memory_copy_text(path, strlen(path));
    return r;
}

static struct roster *read_roster(const char *path, const char *domain,
                                  struct config_errors *errors)
{
    struct mailboxes m = {0};
    struct roster *r = NULL;
    unsigned before = config_errors_count(errors);
    if (mailboxes_load(&m, path, domain, errors)) {
        r = new_roster(path);
        r->expressions = expressions_build(m.expressions, m.expression_count, path, errors);
        r->catch_all = m.catch_all;
        r->catch_all_line = m.catch_all_line;
        r->book = book_build(&m);
    }
    mailboxes_free(&m);
    if (config_errors_count(errors) == before)
        return r;
    roster_unref(r);
    return NULL;
}

struct roster *roster_load(const char *path, const char *domain, struct roster *known,
                           uint64_t wall, struct config_errors *errors)
{
    struct file_identity first = identify(path, wall);
    if (known != NULL && strcmp(known->path, path) == 0 && same_file(&known->identity, &first))
        return roster_ref(known);
    struct roster *r = read_roster(path, domain, errors);
    struct file_identity last = identify(path, wall);
    if (r != NULL && same_file(&first, &last))
        r->identity = first;
    return r;
}

struct roster *roster_edit(const struct roster *r, struct book *book)
{
    struct roster *edited = new_roster(r->path);
    edited->identity = r->identity;
    edited->book = book;
    edited->expressions = expressions_ref(r->expressions);
    edited->catch_all = r->catch_all;
    edited->catch_all_line = r->catch_all_line;
    return edited;
}

struct roster *roster_ref(struct roster *r)
{
    reference_take(&r->references);
    return r;
}

void roster_unref(struct roster *r)
{
    if (r == NULL || !reference_drop(&r->references))
        return;
    book_unref(r->book);
    expressions_free(r->expressions);
    free(r->path);
    free(r);
}

uint64_t roster_count(const struct roster *r)
{
    return book_count(r->book) + expressions_count(r->expressions) +
           (r->catch_all != CATCH_ALL_NONE);
}
