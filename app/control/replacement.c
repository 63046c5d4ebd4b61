/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that take the place of others. */
#include "app/control/replacement.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/memory.h"

/* Where the file itself is, and its name while it is written. A name that leads there stays one. */
struct names {
    char *real, *fresh;
};

static struct names resolve(const char *path)
{
    struct names n = {.real = realpath(path, NULL)};
    if (n.real == NULL)
        n.real = memory_copy_text(path, strlen(path));
    if (asprintf(&n.fresh, "%s.new", n.real) < 0)
        n.fresh = memory_must(NULL);
    return n;
}

static void forget(struct names *n)
{
    free(n->real);
    free(n->fresh);
}

static char *say(const char *what, const char *path, int error)
{
    char *text;
    if (asprintf(&text, "cannot %s %s: %s", what, path, strerror(error)) < 0)
        text = memory_must(NULL);
    return text;
}

static FILE *create(const char *fresh, const struct stat *like)
{
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return NULL;
    if (fchown(fd, like->st_uid, like->st_gid) != 0 || fchmod(fd, like->st_mode & 07777) != 0) {
        int error = errno;
        close(fd);
        unlink(fresh);
        errno = error;
        return NULL;
    }
    return fdopen(fd, "w");
}

bool replacement_begin(struct replacement *r, const char *path, char **why)
{
    struct names n = resolve(path);
    struct stat like;
    *r = (struct replacement){.old = fopen(n.real, "re")};
    if (r->old == NULL || fstat(fileno(r->old), &like) != 0)
        *why = say("read", n.real, errno);
    else if ((r->fresh = create(n.fresh, &like)) == NULL)
        *why = say("write", n.fresh, errno);
    if (r->fresh == NULL && r->old != NULL)
        fclose(r->old);
    forget(&n);
    return r->fresh != NULL;
}

bool replacement_end(struct replacement *r, const char *path, char **why)
{
    struct names n = resolve(path);
    errno = 0;
    bool good = !ferror(r->old) && !ferror(r->fresh) && fflush(r->fresh) == 0 &&
                fsync(fileno(r->fresh)) == 0;
    if (!good) {
        *why = say("write", n.fresh, errno != 0 ? errno : EIO);
        unlink(n.fresh);
    }
    fclose(r->old);
    fclose(r->fresh);
    forget(&n);
    return good;
}

/* The name, too, is on the disk then. */
static void sync_directory(const char *real)
{
    char *copy = memory_copy_text(real, strlen(real));
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!fsync(fd);
        close(fd);
    }
    free(copy);
}

bool replacement_commit(const char *path, char **why)
{
    struct names n = resolve(path);
    bool good = rename(n.fresh, n.real) == 0;
    if (good)
        sync_directory(n.real);
    else
        *why = say("replace", n.real, errno);
    forget(&n);
    return good;
}

void replacement_discard(const char *path)
{
    struct names n = resolve(path);
    unlink(n.fresh);
    forget(&n);
}
