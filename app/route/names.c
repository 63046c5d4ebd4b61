/* SPDX-License-Identifier: BSD-3-Clause */
/* Host names, looked up beside the mail. */
#include "app/route/names.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "config/memory.h"

struct name {
    struct name *next;
    char *text;
    bool failed; /* the last time; the thread's that looks up */
    /* Odd while it is written to; workers that read then, or over a change, read again later. */
    uint32_t version;
    struct addresses addresses;
};

struct names {
    pthread_mutex_t lock; /* of the list, and of looking up: one at a time */
    struct name *first;
    const struct ip_addr *locals;
    unsigned local_count;
};

struct names *names_create(const struct ip_addr *locals, unsigned local_count)
{
    struct names *n = memory_new(1, sizeof(*n));
    pthread_mutex_init(&n->lock, NULL);
    n->locals = locals;
    n->local_count = local_count;
    return n;
}

void names_destroy(struct names *n)
{
    if (n == NULL)
        return;
    while (n->first != NULL) {
        struct name *name = n->first;
        n->first = name->next;
        free(name->text);
        free(name);
    }
    pthread_mutex_destroy(&n->lock);
    free(n);
}

/* ----------------------------------------------------------------------------------- look up -- */

/* Can a server be reached there, and is it not us? */
static bool is_of_use(const struct names *n, const struct ip_addr *a)
{
    bool family = false;
    for (unsigned i = 0; i < n->local_count; i++) {
        if (ip_addr_equal(&n->locals[i], a))
            return false;
        family |= ip_addr_is_v4(&n->locals[i]) == ip_addr_is_v4(a);
    }
    return family && ip_addr_no_host(a) == NULL && !ip_addr_is_link_local(a);
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct ip_addr));
}

static void add(struct addresses *all, const struct ip_addr *a)
{
    for (uint32_t i = 0; i < all->count; i++)
        if (ip_addr_equal(&all->list[i], a))
            return;
    if (all->count < NAME_ADDRESSES)
        all->list[all->count++] = *a;
}

/* NULL, or why it cannot be looked up. */
static const char *look_up(const struct names *n, const char *text, struct addresses *out)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *answer, *at;
    memset(out, 0, sizeof(*out));
    int error = getaddrinfo(text, NULL, &hints, &answer);
    if (error != 0)
        return gai_strerror(error);
    for (at = answer; at != NULL; at = at->ai_next) {
        struct ip_addr a;
        if (at->ai_family == AF_INET)
            a = ip_addr_from_v4(((const struct sockaddr_in *)at->ai_addr)->sin_addr.s_addr);
        else if (at->ai_family == AF_INET6)
            memcpy(a.b, &((const struct sockaddr_in6 *)at->ai_addr)->sin6_addr, sizeof(a.b));
        else
            continue;
        if (is_of_use(n, &a))
            add(out, &a);
    }
    freeaddrinfo(answer);
    qsort(out->list, out->count, sizeof(*out->list), by_bytes);
    return out->count > 0 ? NULL : "none of its addresses can be used";
}

/* ----------------------------------------------------------------------------------- publish -- */

static void publish(struct name *name, const struct addresses *fresh)
{
    __atomic_store_n(&name->version, name->version + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    name->addresses = *fresh;
    __atomic_store_n(&name->version, name->version + 1, __ATOMIC_RELEASE);
}

bool name_read(const struct name *name, uint32_t *version, struct addresses *out)
{
    uint32_t before = __atomic_load_n(&name->version, __ATOMIC_ACQUIRE);
    if (before == *version || before % 2 != 0)
        return false;
    struct addresses copy = name->addresses;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (__atomic_load_n(&name->version, __ATOMIC_RELAXED) != before)
        return false;
    *version = before;
    *out = copy;
    return true;
}

static bool same(const struct addresses *a, const struct addresses *b)
{
    return a->count == b->count && memcmp(a->list, b->list, a->count * sizeof(*a->list)) == 0;
}

static void write_addresses(FILE *out, const struct addresses *all)
{
    char text[ADDR_TEXT_SIZE];
    for (uint32_t i = 0; i < all->count; i++)
        fprintf(out, "%s%s", i > 0 ? ", " : "", ip_addr_format(&all->list[i], text));
}

static void say_failure(FILE *out, const struct name *name, const char *why)
{
    fprintf(out, "server %s cannot be looked up: %s; ", name->text, why);
    fputs(name->addresses.count > 0 ? "the addresses that it had stay: " : "it has no address",
          out);
    write_addresses(out, &name->addresses);
    fputc('\n', out);
}

/* Look it up. NULL, or why that is not possible. */
static const char *renew(const struct names *n, struct name *name, bool *changed)
{
    struct addresses fresh;
    const char *why = look_up(n, name->text, &fresh);
    *changed = why == NULL && !same(&fresh, &name->addresses);
    if (*changed)
        publish(name, &fresh);
    return why;
}

/* ------------------------------------------------------------------------------------- names -- */

struct name *names_enter(struct names *n, struct span text)
{
    struct name *name;
    bool changed;
    pthread_mutex_lock(&n->lock);
    for (name = n->first; name != NULL; name = name->next)
        if (strlen(name->text) == text.len && strncasecmp(name->text, text.at, text.len) == 0)
            break;
    if (name == NULL) {
        name = memory_new(1, sizeof(*name));
        name->text = memory_copy_text(text.at, text.len);
        name->next = n->first;
        __atomic_store_n(&n->first, name, __ATOMIC_RELAXED);
        const char *why = renew(n, name, &changed);
        name->failed = why != NULL;
        if (why != NULL) {
            fputs("splitmx: ", stderr);
            say_failure(stderr, name, why);
        }
    }
    pthread_mutex_unlock(&n->lock);
    return name;
}

const char *name_text(const struct name *name)
{
    return name->text;
}

char *names_refresh(struct names *n)
{
    char *text = NULL;
    size_t size;
    FILE *out = memory_must(open_memstream(&text, &size));
    pthread_mutex_lock(&n->lock);
    for (struct name *name = n->first; name != NULL; name = name->next) {
        bool changed;
        const char *why = renew(n, name, &changed);
        if (why != NULL && !name->failed)
            say_failure(out, name, why);
        if (changed || (why == NULL && name->failed)) {
            fprintf(out, "server %s is at ", name->text);
            write_addresses(out, &name->addresses);
            fputc('\n', out);
        }
        name->failed = why != NULL;
    }
    pthread_mutex_unlock(&n->lock);
    fclose(out);
    return text;
}

bool names_any(const struct names *n)
{
    return __atomic_load_n(&n->first, __ATOMIC_RELAXED) != NULL;
}
