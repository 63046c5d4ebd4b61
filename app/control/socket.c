/* SPDX-License-Identifier: BSD-3-Clause */
/* A Unix socket, its clients, and their lines. */
#include "app/control/socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/memory.h"

#define READ_SIZE 65536
#define BACKLOG   16

COUNTER_LIST_DEFINE(socket_counter_list, "socket", SOCKET_COUNTERS)

/* A growing run of bytes; what was used up at its front goes when it is written to again. */
struct bytes {
    char *data;
    size_t used, len, room;
};

struct peer {
    struct control_socket *socket;
    TAILQ_ENTRY(peer) entry;
    int fd; /* -1: gone */
    struct ucred who;
    unsigned references; /* the socket's own, and one for each answer that is owed */
    uint64_t heard;      /* when it last said something */
    struct bytes in, out;
    size_t searched; /* of `in`: no LF before that */
    bool writing;    /* waits for room in the kernel's buffer */
    bool ended;      /* it will say no more, but may still listen */
};

struct control_socket {
    struct socket_config config;
    int listener, epoll;
    uint64_t now;
    unsigned count;
    TAILQ_HEAD(, peer) peers;
    uint64_t counters[SOCKET_COUNTER_COUNT];
};

/* ------------------------------------------------------------------------------------- bytes -- */

static char *bytes_room(struct bytes *b, size_t more)
{
    if (b->used > 0) {
        b->len -= b->used;
        memmove(b->data, b->data + b->used, b->len);
        b->used = 0;
    }
    if (b->room - b->len < more) {
        b->room = 2 * (b->len + more);
        b->data = memory_must(realloc(b->data, b->room));
    }
    return b->data + b->len;
}

/* ------------------------------------------------------------------------------------- peers -- */

static bool watch(struct control_socket *s, int operation, int fd, uint32_t events, void *who)
{
    struct epoll_event e = {.events = events, .data = {.ptr = who}};
    return epoll_ctl(s->epoll, operation, fd, &e) == 0;
}

struct peer *peer_ref(struct peer *p)
{
    p->references++;
    return p;
}

void peer_unref(struct peer *p)
{
    if (--p->references > 0)
        return;
    free(p->in.data);
    free(p->out.data);
    free(p);
}

const struct ucred *peer_credentials(const struct peer *p)
{
    return &p->who;
}

static void hang_up(struct peer *p)
{
    struct control_socket *s = p->socket;
    if (p->fd < 0)
        return;
    close(p->fd); /* epoll forgets it with that */
    p->fd = -1;
    s->count--;
    TAILQ_REMOVE(&s->peers, p, entry);
    peer_unref(p);
}

static void drop(struct peer *p, enum socket_counter why)
{
    p->socket->counters[why]++;
    hang_up(p);
}

static void watch_again(struct peer *p)
{
    uint32_t events = (p->ended ? 0 : EPOLLIN) | (p->writing ? EPOLLOUT : 0);
    (void)!watch(p->socket, EPOLL_CTL_MOD, p->fd, events, p);
}

/* Write what the kernel takes. */
static void push(struct peer *p)
{
    struct bytes *b = &p->out;
    while (b->used < b->len) {
        ssize_t n = send(p->fd, b->data + b->used, b->len - b->used, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (n < 0) {
            hang_up(p);
            return;
        }
        b->used += (size_t)n;
    }
    bool wait = b->used < b->len;
    if (wait != p->writing) {
        p->writing = wait;
        watch_again(p);
    }
}

void peer_send(struct peer *p, const char *text, size_t len)
{
    if (p->fd < 0)
        return;
    if (p->out.len - p->out.used + len > SOCKET_UNREAD) {
        drop(p, SOCKET_SLOW);
        return;
    }
    char *to = bytes_room(&p->out, len + 1);
    memcpy(to, text, len);
    to[len] = '\n';
    p->out.len += len + 1;
    p->heard = p->socket->now; /* from here on it is its turn again */
    push(p);
}

/* Hand over all lines that are complete. */
static void take_lines(struct peer *p)
{
    struct control_socket *s = p->socket;
    struct bytes *b = &p->in;
    while (p->fd >= 0) {
        char *from = b->data + b->used,
             *lf = memchr(b->data + p->searched, '\n', b->len - p->searched);
        if (lf == NULL)
            break;
        b->used = p->searched = (size_t)(lf + 1 - b->data);
        s->counters[SOCKET_LINES]++;
        s->config.line(s->config.user, p, from, (size_t)(lf - from));
    }
    p->searched = b->len - b->used; /* where it will be when the used part is gone */
    if (p->fd >= 0 && p->searched > SOCKET_LINE_MAX) {
        static const char text[] =
            "{\"error\":{\"code\":\"too-long\",\"text\":\"a line has more than 33554432 bytes\"}}";
        peer_send(p, text, sizeof(text) - 1);
        drop(p, SOCKET_TOO_LONG);
    }
}

static void pull(struct peer *p)
{
    char *to = bytes_room(&p->in, READ_SIZE);
    ssize_t n = recv(p->fd, to, READ_SIZE, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n == 0) {
        p->ended = true;
        watch_again(p);
        return;
    }
    if (n < 0) {
        hang_up(p);
        return;
    }
    p->in.len += (size_t)n;
    p->heard = p->socket->now;
    take_lines(p);
}

static void serve_peer(struct peer *p, uint32_t events)
{
    if (p->fd >= 0 && events & EPOLLOUT)
        push(p);
    if (p->fd >= 0 && events & EPOLLIN)
        pull(p);
    else if (p->fd >= 0 && events & (EPOLLHUP | EPOLLERR))
        hang_up(p);
}

static void welcome(struct control_socket *s)
{
    int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (s->count == SOCKET_CLIENTS) {
        static const char text[] =
            "{\"error\":{\"code\":\"busy\",\"text\":\"too many clients\"}}\n";
        (void)!send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        close(fd);
        s->counters[SOCKET_REFUSED]++;
        return;
    }
    struct peer *p = memory_new(1, sizeof(*p));
    *p = (struct peer){.socket = s, .fd = fd, .references = 1, .heard = s->now};
    socklen_t len = sizeof(p->who);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &p->who, &len) != 0 ||
        !watch(s, EPOLL_CTL_ADD, fd, EPOLLIN, p)) {
        close(fd);
        free(p);
        return;
    }
    s->count++;
    s->counters[SOCKET_ACCEPTED]++;
    TAILQ_INSERT_TAIL(&s->peers, p, entry);
}

/* Who is owed nothing, and has nothing more to say or has long said nothing. */
static void drop_silent(struct control_socket *s)
{
    struct peer *p, *next;
    for (p = TAILQ_FIRST(&s->peers); p != NULL; p = next) {
        next = TAILQ_NEXT(p, entry);
        if (p->references > 1 || p->out.used < p->out.len)
            continue;
        if (p->ended)
            hang_up(p);
        else if (s->now - p->heard > SOCKET_SILENCE)
            drop(p, SOCKET_SILENT);
    }
}

void socket_serve(struct control_socket *s, uint64_t now)
{
    struct epoll_event events[SOCKET_CLIENTS + 1];
    s->now = now;
    int n = epoll_wait(s->epoll, events, SOCKET_CLIENTS + 1, 0);
    for (int i = 0; i < n; i++) /* what one of them sets off may be the end of another */
        if (events[i].data.ptr != s)
            peer_ref(events[i].data.ptr);
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr == s) {
            welcome(s);
        } else {
            serve_peer(events[i].data.ptr, events[i].events);
            peer_unref(events[i].data.ptr);
        }
    }
    drop_silent(s);
}

/* -------------------------------------------------------------------------------------- life -- */

/* The directories that lead to the file. */
static void make_directories(const char *path)
{
    char *copy = memory_copy_text(path, strlen(path));
    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)!mkdir(copy, 0755);
        *slash = '/';
    }
    free(copy);
}

/* A socket file that its program left behind when it was killed. */
static bool is_abandoned(const struct sockaddr_un *address)
{
    struct stat file;
    if (lstat(address->sun_path, &file) != 0 || !S_ISSOCK(file.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool refused = connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
                   errno == ECONNREFUSED;
    close(fd);
    return refused;
}

/* A socket that listens at the path; nobody may connect before its mode is set. */
static int listen_at(const struct socket_config *config, const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    mode_t mask = umask(0777);
    int bound = bind(fd, (const struct sockaddr *)address, sizeof(*address));
    umask(mask);
    if (bound == 0 && chmod(config->path, config->mode) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

struct control_socket *socket_open(const struct socket_config *config, const char **why)
{
    static char text[256];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *why = text;
    if (strlen(config->path) >= sizeof(address.sun_path)) {
        snprintf(text, sizeof(text), "its path is longer than %zu bytes",
                 sizeof(address.sun_path) - 1);
        return NULL;
    }
    strcpy(address.sun_path, config->path);
    make_directories(config->path);
    if (is_abandoned(&address))
        unlink(config->path);
    struct control_socket *s = memory_new(1, sizeof(*s));
    s->config = *config;
    TAILQ_INIT(&s->peers);
    s->listener = listen_at(config, &address);
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (s->listener >= 0 && s->epoll >= 0 && watch(s, EPOLL_CTL_ADD, s->listener, EPOLLIN, s))
        return s;
    snprintf(text, sizeof(text), "%s",
             errno == EADDRINUSE ? "another program listens there" : strerror(errno));
    if (s->listener >= 0) {
        close(s->listener);
        unlink(config->path);
    }
    if (s->epoll >= 0)
        close(s->epoll);
    free(s);
    return NULL;
}

void socket_close(struct control_socket *s)
{
    if (s == NULL)
        return;
    while (!TAILQ_EMPTY(&s->peers))
        hang_up(TAILQ_FIRST(&s->peers));
    close(s->listener);
    close(s->epoll);
    unlink(s->config.path);
    free(s);
}

int socket_descriptor(const struct control_socket *s)
{
    return s->epoll;
}

const uint64_t *socket_counters(const struct control_socket *s)
{
    return s->counters;
}
