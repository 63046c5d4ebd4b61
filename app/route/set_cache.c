/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sets to files and back.
 *
 *     struct preface | struct piece, text, database | ... | struct piece of END_ROW | SHA-256 |
 *
 * Numbers are as this machine has them: the file is for nobody else.
 */
#include "app/route/set_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <hs/hs.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/route/set_compare.h"
#include "app/route/set_rows.h"
#include "config/memory.h"

#define MAGIC       "SplitMX set 1\n"
#define END_ROW     UINT32_MAX
#define SUM_SIZE    32
#define BUFFER_SIZE ((size_t)1 << 20)
#define ENTRY_LEAST 32 /* bytes of a database for each entry, and more */

/* Compiling that many rows takes a quarter of a second. */
#define NOTICEABLE 1000

struct preface {
    char magic[16];
    char version[64]; /* of Hyperscan */
    uint64_t features;
    uint32_t tune;
    uint32_t row_count, count;
    uint32_t zero;
};

struct piece {
    uint32_t row;
    uint32_t count, text_size, database_size;
};

/* False with a sentence in *why, which is printf's. */
__attribute__((format(printf, 2, 3))) static bool fail(char **why, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(why, format, arguments) < 0)
        *why = NULL;
    va_end(arguments);
    memory_must(*why);
    return false;
}

static void make_preface(struct preface *p, const struct set *s)
{
    hs_platform_info_t platform;
    memset(p, 0, sizeof(*p));
    if (hs_populate_platform(&platform) != HS_SUCCESS)
        abort();
    strcpy(p->magic, MAGIC);
    snprintf(p->version, sizeof(p->version), "%s", hs_version());
    p->features = platform.cpu_features;
    p->tune = platform.tune;
    if (s != NULL) {
        p->row_count = s->row_count;
        p->count = s->count;
    }
}

/* ------------------------------------------------------------------------------------- reading --
 */

struct reader {
    FILE *file;
    uint64_t size;
    EVP_MD_CTX *sum;
    char **why;
};

/* What was read is part of the sum. */
static bool get(struct reader *r, void *out, size_t size)
{
    if (fread(out, 1, size, r->file) != size)
        return fail(r->why, "it ends early");
    if (EVP_DigestUpdate(r->sum, out, size) != 1)
        memory_must(NULL);
    return true;
}

static bool get_preface(struct reader *r, struct preface *p)
{
    struct preface ours;
    make_preface(&ours, NULL);
    if (!get(r, p, sizeof(*p)))
        return false;
    if (memcmp(p->magic, ours.magic, sizeof(p->magic)) != 0)
        return fail(r->why, "it is of another kind");
    if (memcmp(p->version, ours.version, sizeof(p->version)) != 0)
        return fail(r->why, "another version of Hyperscan made it");
    if (p->features != ours.features || p->tune != ours.tune)
        return fail(r->why, "it was made for another CPU");
    /* Not more rows than so many entries have, nor more entries than a file of its size. */
    if (p->row_count == 0 || p->row_count - 1 > p->count / SET_ROW_LEAST ||
        p->count > r->size / ENTRY_LEAST)
        return fail(r->why, "it is damaged");
    return true;
}

/* The database, once, is in memory of its own, so that no length from the file is believed. */
static bool get_shard(struct reader *r, struct set *s, const struct piece *p, char *room)
{
    if (p->row >= s->row_count || s->rows[p->row].shard != NULL || p->count == 0 ||
        (uint64_t)p->text_size + p->database_size > ARENA_PIECE_MAX / 2)
        return fail(r->why, "it is damaged");
    if (!get(r, room, p->text_size + p->database_size))
        return false;
    struct shard *shard = shard_restore(s->arena, p->count, room, p->text_size, room + p->text_size,
                                        p->database_size);
    if (shard == NULL)
        return fail(r->why, "it is damaged");
    s->rows[p->row].shard = shard;
    s->count += p->count;
    return true;
}

static bool get_shards(struct reader *r, struct set *s)
{
    char *room = memory_new(ARENA_PIECE_MAX, 1);
    struct piece p;
    bool ok;
    while ((ok = get(r, &p, sizeof(p))) && p.row != END_ROW && (ok = get_shard(r, s, &p, room)))
        ;
    free(room);
    return ok;
}

static bool check_sum(struct reader *r)
{
    unsigned char ours[EVP_MAX_MD_SIZE], theirs[SUM_SIZE];
    if (EVP_DigestFinal_ex(r->sum, ours, NULL) != 1)
        memory_must(NULL);
    if (fread(theirs, 1, sizeof(theirs), r->file) != sizeof(theirs) || fgetc(r->file) != EOF)
        return fail(r->why, "it does not end with its SHA-256");
    if (memcmp(ours, theirs, sizeof(theirs)) != 0)
        return fail(r->why, "its SHA-256 is another");
    return true;
}

static EVP_MD_CTX *new_sum(void)
{
    EVP_MD_CTX *sum = memory_must(EVP_MD_CTX_new());
    if (EVP_DigestInit_ex(sum, EVP_sha256(), NULL) != 1)
        memory_must(NULL);
    return sum;
}

static uint64_t file_size(FILE *file)
{
    off_t size = fseeko(file, 0, SEEK_END) == 0 ? ftello(file) : 0;
    rewind(file);
    return size > 0 ? (uint64_t)size : 0;
}

/* Nothing that was read is used by Hyperscan before the sum is known to be right. */
struct set *set_cache_read(FILE *file, char **why)
{
    struct reader r = {file, file_size(file), new_sum(), why};
    struct preface p;
    struct set *s = NULL;
    *why = NULL;
    if (get_preface(&r, &p)) {
        s = set_new(p.row_count);
        bool ok = get_shards(&r, s) && check_sum(&r);
        if (ok && (s->count != p.count || !set_fill_rows(s)))
            ok = fail(why, "it is damaged");
        if (!ok) {
            set_free(s);
            s = NULL;
        }
    }
    EVP_MD_CTX_free(r.sum);
    return s;
}

/* Whether what a file says may be taken for our own word. */
static bool is_trusted(int fd, char **why)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail(why, "%s", strerror(errno));
    if (!S_ISREG(st.st_mode))
        return fail(why, "it is not a file");
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return fail(why, "it belongs to user %u", st.st_uid);
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return fail(why, "others may write to it (mode %04o)", st.st_mode & 07777);
    return true;
}

struct set *set_cache_load(const char *path, char **why)
{
    *why = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        if (errno != ENOENT)
            (void)fail(why, "%s", strerror(errno));
        return NULL;
    }
    if (!is_trusted(fd, why)) {
        close(fd);
        return NULL;
    }
    FILE *file = memory_must(fdopen(fd, "r"));
    char *buffer = memory_must(malloc(BUFFER_SIZE));
    setvbuf(file, buffer, _IOFBF, BUFFER_SIZE);
    struct set *s = set_cache_read(file, why);
    fclose(file);
    free(buffer);
    return s;
}

/* ------------------------------------------------------------------------------------- writing --
 */

struct writer {
    FILE *file;
    EVP_MD_CTX *sum;
};

static void put(struct writer *w, const void *data, size_t size)
{
    fwrite(data, 1, size, w->file); /* whether it failed is asked in the end */
    if (EVP_DigestUpdate(w->sum, data, size) != 1)
        memory_must(NULL);
}

static void put_shard(struct writer *w, uint32_t row, const struct shard *s)
{
    char *database = NULL;
    size_t size = 0, text_size;
    const char *text = shard_text(s, &text_size);
    if (hs_serialize_database(shard_database(s), &database, &size) != HS_SUCCESS)
        memory_must(NULL);
    struct piece p = {row, shard_count(s), (uint32_t)text_size, (uint32_t)size};
    put(w, &p, sizeof(p));
    put(w, text, text_size);
    put(w, database, size);
    free(database);
}

static void put_set(FILE *file, const struct set *s)
{
    struct writer w = {file, new_sum()};
    struct preface p;
    unsigned char sum[EVP_MAX_MD_SIZE];
    make_preface(&p, s);
    put(&w, &p, sizeof(p));
    for (uint32_t i = 0; i < s->row_count; i++)
        if (s->rows[i].shard != NULL)
            put_shard(&w, i, s->rows[i].shard);
    put(&w, &(struct piece){END_ROW, 0, 0, 0}, sizeof(struct piece));
    if (EVP_DigestFinal_ex(w.sum, sum, NULL) != 1)
        memory_must(NULL);
    fwrite(sum, 1, SUM_SIZE, file);
    EVP_MD_CTX_free(w.sum);
}

/* Not synced: what a crash leaves of it has another sum. */
static bool write_file(int fd, const struct set *s, char **why)
{
    FILE *file = memory_must(fdopen(fd, "w"));
    char *buffer = memory_must(malloc(BUFFER_SIZE));
    setvbuf(file, buffer, _IOFBF, BUFFER_SIZE);
    put_set(file, s);
    bool failed = ferror(file) != 0;
    failed = fclose(file) != 0 || failed;
    free(buffer);
    return !failed || fail(why, "%s", strerror(errno));
}

bool set_cache_save(const char *path, struct set *s, char **why)
{
    char *beside;
    if (asprintf(&beside, "%s.XXXXXX", path) < 0)
        memory_must(NULL);
    int fd = mkostemp(beside, O_CLOEXEC); /* mode 0600 */
    bool ok = fd >= 0 || fail(why, "%s", strerror(errno));
    ok = ok && write_file(fd, s, why);
    if (ok && rename(beside, path) != 0)
        ok = fail(why, "%s", strerror(errno));
    if (fd >= 0 && !ok)
        unlink(beside);
    if (ok)
        atomic_store(&s->unsaved, 0);
    free(beside);
    return ok;
}

/* ----------------------------------------------------------------------------------------- use --
 */

char *set_cache_path(const char *directory, const char *hostname)
{
    char *path;
    if (asprintf(&path, "%s/%s.set", directory, hostname) < 0)
        memory_must(NULL);
    for (char *c = path + strlen(directory) + 1; *c != '\0'; c++)
        if (*c == '/')
            *c = '_';
    return path;
}

static void say(const char *path, const char *what, char *why)
{
    if (why != NULL)
        fprintf(stderr, "splitmx: %s: %s: %s\n", path, what, why);
    free(why);
}

void set_cache_keep(struct set *s)
{
    static atomic_bool said;
    uint32_t unsaved = atomic_load(&s->unsaved);
    char *why = NULL;
    if (s->cache == NULL || unsaved < NOTICEABLE || unsaved < s->row_count / 16)
        return;
    if (!set_cache_save(s->cache, s, &why) && atomic_exchange(&said, true)) {
        free(why); /* it was said before */
        why = NULL;
    }
    say(s->cache, "compiled mailboxes are not kept for the next start", why);
}

static struct set *build(struct set *cached, const struct set_entry *entries, uint32_t count,
                         char **why)
{
    if (cached == NULL)
        return set_build(entries, count, why);
    struct set_difference d;
    struct set *s;
    set_compare(cached, entries, count, &d);
    if (d.put_count + d.gone_count == 0)
        s = set_ref(cached);
    else
        s = set_fold(cached, d.put, d.put_count, d.gone, d.gone_count, why);
    set_difference_free(&d);
    return s;
}

struct set *set_cache_build(const char *path, const struct set_entry *entries, uint32_t count,
                            char **why)
{
    if (path == NULL)
        return set_build(entries, count, why);
    char *complaint;
    struct set *cached = set_cache_load(path, &complaint);
    say(path, "ignored, and the mailboxes are compiled anew", complaint);
    struct set *s = build(cached, entries, count, why);
    set_free(cached);
    if (s == NULL)
        return NULL;
    s->cache = memory_copy_text(path, strlen(path));
    set_cache_keep(s);
    return s;
}
