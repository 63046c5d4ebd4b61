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

static void forget(struct replacement *r)
{
    free(r->path);
    free(r->fresh_path);
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
    *r = (struct replacement){.path = realpath(path, NULL)};
    if (r->path == NULL)
        r->path = memory_copy_text(path, strlen(path));
    if (asprintf(&r->fresh_path, "%s.new", r->path) < 0)
        r->fresh_path = memory_must(NULL);
    r->old = fopen(r->path, "re");
    if (r->old == NULL || fstat(fileno(r->old), &r->origin) != 0)
        *why = say("read", r->path, errno);
    else if ((r->fresh = create(r->fresh_path, &r->origin)) == NULL)
        *why = say("write", r->fresh_path, errno);
    if (r->fresh != NULL)
        return true;
    if (r->old != NULL)
        fclose(r->old);
    forget(r);
    return false;
}

bool replacement_end(struct replacement *r, char **why)
{
    errno = 0;
    bool good = !ferror(r->old) && !ferror(r->fresh) && fflush(r->fresh) == 0 &&
                fsync(fileno(r->fresh)) == 0;
    if (!good)
        *why = say("write", r->fresh_path, errno != 0 ? errno : EIO);
    fclose(r->old);
    fclose(r->fresh);
    if (!good)
        replacement_discard(r);
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

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Is the file still the one that was read? */
static bool is_unchanged(const struct replacement *r)
{
    struct stat now;
    return stat(r->path, &now) == 0 && now.st_dev == r->origin.st_dev &&
           now.st_ino == r->origin.st_ino && now.st_size == r->origin.st_size &&
           same_time(&now.st_mtim, &r->origin.st_mtim) &&
           same_time(&now.st_ctim, &r->origin.st_ctim);
}

bool replacement_commit(struct replacement *r, char **why)
{
    if (!is_unchanged(r)) {
        if (asprintf(why, "%s was changed by somebody else meanwhile; try again", r->path) < 0)
            *why = memory_must(NULL);
        replacement_discard(r);
        return false;
    }
    if (rename(r->fresh_path, r->path) != 0) {
        *why = say("replace", r->path, errno);
        replacement_discard(r);
        return false;
    }
    sync_directory(r->path);
    forget(r);
    return true;
}

void replacement_discard(struct replacement *r)
{
    unlink(r->fresh_path);
    forget(r);
}
