/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parent's side, which asks, and the child's, which compiles, with one socket between them.
 *
 *     asked       struct question, { struct text, bytes } for each expression
 *     answered    { struct answer, words } for each that is refused, struct answer, database
 *
 * What the child dies of tells which limit it met: SIGXCPU for time; memory shows as an allocation
 * that failed, which Hyperscan reports, or does not survive.
 */
#include "app/route/compiler.h"

#include <errno.h>
#include <fcntl.h>
#include <hs/hs.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/memory.h"

#define ARGUMENT     "--compile-expressions"
#define DATABASE_MAX ((size_t)1 << 30)

struct question {
    struct compiler_limits limits;
    uint32_t count;
};

struct text {
    uint32_t flags, len;
};

enum answer_kind { ANSWER_DATABASE, ANSWER_REFUSED, ANSWER_TOO_LARGE };

/* REFUSED: the words about an expression; after the last of them, one about none (len 0). */
struct answer {
    uint32_t kind, index;
    uint64_t len;
};

static bool send_all(int fd, const void *data, size_t len)
{
    for (const char *at = data; len > 0;) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static bool receive_all(int fd, void *out, size_t len)
{
    for (char *at = out; len > 0;) {
        ssize_t n = recv(fd, at, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* --------------------------------------------------------------------------------- the child ---
 */

static _Noreturn void end_child(void)
{
    _exit(0);
}

static void answer(uint32_t kind, uint32_t index, const void *data, size_t len)
{
    struct answer a = {kind, index, len};
    if (!send_all(STDIN_FILENO, &a, sizeof(a)) || !send_all(STDIN_FILENO, data, len))
        end_child();
}

/* Address space, as that is what can be limited. Under AddressSanitizer it is no measure. */
static void limit_memory(unsigned mebibytes)
{
#ifndef __SANITIZE_ADDRESS__
    static unsigned long pages;
    FILE *file;
    if (pages == 0 && (file = fopen("/proc/self/statm", "re")) != NULL) {
        if (fscanf(file, "%lu", &pages) != 1)
            pages = 0;
        fclose(file);
    }
    rlim_t size = pages * (rlim_t)sysconf(_SC_PAGESIZE) + ((rlim_t)mebibytes << 20);
    setrlimit(RLIMIT_AS, &(struct rlimit){size, RLIM_INFINITY});
#else
    (void)mebibytes;
#endif
}

/* From now on; what was used before is not counted. */
static void limit_time(unsigned seconds)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    rlim_t before = (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 1;
    setrlimit(RLIMIT_CPU, &(struct rlimit){before + seconds, RLIM_INFINITY});
}

static bool ran_out(const hs_compile_error_t *why)
{
    return strstr(why->message, "allocate memory") != NULL;
}

/* Each by itself, before it is wrapped: `a)(b` is nothing, and must not become something inside the
 * parentheses. */
static bool check_texts(char **texts, const unsigned *flags, unsigned count)
{
    bool ok = true;
    for (unsigned i = 0; i < count; i++) {
        hs_expr_info_t *info = NULL;
        hs_compile_error_t *why = NULL;
        if (hs_expression_info(texts[i], flags[i], &info, &why) != HS_SUCCESS) {
            answer(ran_out(why) ? ANSWER_TOO_LARGE : ANSWER_REFUSED, i, why->message,
                   strlen(why->message));
            hs_free_compile_error(why);
            ok = false;
        }
        free(info);
    }
    return ok;
}

static void answer_with(hs_database_t *database)
{
    char *bytes = NULL;
    size_t len = 0;
    if (hs_serialize_database(database, &bytes, &len) != HS_SUCCESS)
        answer(ANSWER_TOO_LARGE, 0, NULL, 0);
    else
        answer(ANSWER_DATABASE, 0, bytes, len);
    free(bytes);
    hs_free_database(database);
}

static void compile(char **texts, const unsigned *flags, unsigned count)
{
    unsigned *ids = memory_new(count, sizeof(*ids));
    char **whole = memory_new(count, sizeof(*whole));
    hs_database_t *database = NULL;
    hs_compile_error_t *why = NULL;
    for (unsigned i = 0; i < count; i++) {
        ids[i] = i;
        if (asprintf(&whole[i], "\\A(?:%s)\\z", texts[i]) < 0)
            end_child();
    }
    if (hs_compile_multi((const char *const *)whole, flags, ids, count, HS_MODE_BLOCK, NULL,
                         &database, &why) == HS_SUCCESS) {
        answer_with(database);
    } else {
        unsigned index = why->expression >= 0 ? (unsigned)why->expression : count;
        if (ran_out(why))
            answer(ANSWER_TOO_LARGE, index, NULL, 0);
        answer(ANSWER_REFUSED, index, why->message, strlen(why->message));
        answer(ANSWER_REFUSED, count, NULL, 0);
        hs_free_compile_error(why);
    }
    for (unsigned i = 0; i < count; i++)
        free(whole[i]);
    free(whole);
    free(ids);
}

static void serve(const struct question *q)
{
    char **texts = memory_new(q->count, sizeof(*texts));
    unsigned *flags = memory_new(q->count, sizeof(*flags));
    for (uint32_t i = 0; i < q->count; i++) {
        struct text t;
        if (!receive_all(STDIN_FILENO, &t, sizeof(t)))
            end_child();
        texts[i] = memory_new((size_t)t.len + 1, 1);
        flags[i] = t.flags;
        if (!receive_all(STDIN_FILENO, texts[i], t.len))
            end_child();
    }
    limit_memory(q->limits.mebibytes);
    limit_time(q->limits.seconds);
    if (check_texts(texts, flags, q->count))
        compile(texts, flags, q->count);
    else
        answer(ANSWER_REFUSED, q->count, NULL, 0);
    for (uint32_t i = 0; i < q->count; i++)
        free(texts[i]);
    free(texts);
    free(flags);
}

/* Before main(), so that any program with this file in it can be its own child. */
__attribute__((constructor)) static void be_the_child(int argc, char **argv)
{
    if (argc != 2 || strcmp(argv[1], ARGUMENT) != 0)
        return;
    struct question q;
    close_range(STDERR_FILENO + 1, ~0u, 0);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    while (receive_all(STDIN_FILENO, &q, sizeof(q)))
        serve(&q);
    end_child();
}

/* -------------------------------------------------------------------------------- the parent ---
 */

static struct {
    pthread_mutex_t lock;
    pid_t pid; /* 0: there is none */
    int fd;
} child = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool spawn(int theirs)
{
    char *argv[] = {"splitmx-expressions", ARGUMENT, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGXCPU);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, theirs, STDIN_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    errno = posix_spawn(&child.pid, "/proc/self/exe", &actions, &attributes, argv, environ);
    if (errno != 0)
        child.pid = 0;
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return child.pid != 0;
}

static bool start_child(void)
{
    int ends[2];
    if (child.pid != 0)
        return true;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    child.fd = ends[0];
    if (!spawn(ends[1]))
        close(ends[0]);
    close(ends[1]);
    return child.pid != 0;
}

/* How it ended, which is soon: its socket is closed. */
static int end_of_child(void)
{
    int status = 0;
    close(child.fd);
    while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR)
        ;
    child.pid = 0;
    return status;
}

void compiler_rest(void)
{
    pthread_mutex_lock(&child.lock);
    if (child.pid != 0)
        end_of_child();
    pthread_mutex_unlock(&child.lock);
}

static bool ask(const struct compiler_job *job)
{
    struct question q = {job->limits, job->count};
    bool ok = send_all(child.fd, &q, sizeof(q));
    for (unsigned i = 0; i < job->count && ok; i++) {
        struct text t = {job->flags[i], (uint32_t)strlen(job->texts[i])};
        ok = send_all(child.fd, &t, sizeof(t)) && send_all(child.fd, job->texts[i], t.len);
    }
    return ok;
}

static enum compiler_verdict verdict_of_death(void)
{
    int status = end_of_child();
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        return COMPILER_TOO_LONG;
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGABRT || WTERMSIG(status) == SIGSEGV))
        return COMPILER_TOO_LARGE; /* an allocation failed where nobody looks */
    return COMPILER_DIED;
}

/* The child is in a state that nobody knows: better a new one. */
static enum compiler_verdict give_up(enum compiler_verdict verdict)
{
    kill(child.pid, SIGKILL);
    end_of_child();
    return verdict;
}

static enum compiler_verdict hear(const struct compiler_job *job, struct hs_database **out)
{
    for (;;) {
        struct answer a;
        if (!receive_all(child.fd, &a, sizeof(a)))
            return verdict_of_death();
        if (a.kind == ANSWER_TOO_LARGE)
            return give_up(COMPILER_TOO_LARGE);
        if (a.len > DATABASE_MAX)
            return give_up(COMPILER_TOO_LARGE);
        if (a.kind == ANSWER_REFUSED && a.len == 0)
            return COMPILER_REFUSED;
        char *bytes = memory_new(a.len + 1, 1);
        bool whole = receive_all(child.fd, bytes, a.len), known = true;
        if (whole && a.kind == ANSWER_REFUSED)
            job->refused(job->context, a.index, bytes);
        else if (whole)
            known = hs_deserialize_database(bytes, a.len, out) == HS_SUCCESS;
        free(bytes);
        if (!whole)
            return verdict_of_death();
        if (!known)
            return give_up(COMPILER_DIED);
        if (a.kind == ANSWER_DATABASE)
            return COMPILER_DONE;
    }
}

enum compiler_verdict compiler_run(const struct compiler_job *job, struct hs_database **out)
{
    enum compiler_verdict verdict = COMPILER_UNAVAILABLE;
    *out = NULL;
    pthread_mutex_lock(&child.lock);
    if (start_child())
        verdict = ask(job) ? hear(job, out) : verdict_of_death();
    pthread_mutex_unlock(&child.lock);
    return verdict;
}
