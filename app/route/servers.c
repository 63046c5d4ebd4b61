/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of servers. */
#include "app/route/servers.h"

#include <stdio.h>
#include <string.h>

#define SMTP_PORT        25
#define PRIORITY_DEFAULT 10
#define WEIGHT_DEFAULT   1
#define WEIGHT_MAX       1000

static const char blanks[] = " \t";

/* The next word of an item that ends at `end`. Returns its length; 0: there is none. */
static size_t next_word(const char **at, const char *end)
{
    *at += strspn(*at, blanks);
    if (*at >= end)
        return 0;
    size_t len = strcspn(*at, " \t,");
    return len < (size_t)(end - *at) ? len : (size_t)(end - *at);
}

static bool is_word(const char *at, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(at, word, len) == 0;
}

static bool parse_number(const char *at, size_t len, unsigned least, unsigned most, uint16_t *out)
{
    unsigned value = 0;
    for (size_t i = 0; i < len; i++) {
        if (at[i] < '0' || at[i] > '9' || value > most)
            return false;
        value = 10 * value + (unsigned)(at[i] - '0');
    }
    *out = (uint16_t)value;
    return len > 0 && value >= least && value <= most;
}

/* One of the list, between two commas. NULL, or what is allowed where it is wrong. */
static const char *parse_one(const char *at, const char *end, struct server *out)
{
    *out = (struct server){.priority = PRIORITY_DEFAULT, .weight = WEIGHT_DEFAULT};
    size_t len = next_word(&at, end);
    if (!endpoint_parse(at, len, SMTP_PORT, &out->at))
        return "ADDRESS:PORT, or ADDRESS alone for port 25, such as 192.0.2.10:25 or "
               "[2001:db8::10]:25, with \"priority N\" or \"weight N\" behind it; names are not "
               "looked up";
    for (at += len; (len = next_word(&at, end)) > 0; at += len) {
        const char *word = at;
        size_t word_len = len;
        at += len;
        len = next_word(&at, end);
        bool good = is_word(word, word_len, "priority")
                        ? parse_number(at, len, 0, UINT16_MAX, &out->priority)
                        : is_word(word, word_len, "weight") &&
                              parse_number(at, len, 1, WEIGHT_MAX, &out->weight);
        if (!good)
            return "behind the address: priority 0 to 65535, weight 1 to 1000";
    }
    return NULL;
}

/* Behind those of its priority, and before those of greater ones. */
static void insert(struct servers *s, const struct server *new)
{
    uint32_t at = s->count++;
    for (; at > 0 && s->list[at - 1].priority > new->priority; at--)
        s->list[at] = s->list[at - 1];
    s->list[at] = *new;
}

bool servers_parse(const char *text, struct servers *out, const char **item, size_t *len,
                   const char **why)
{
    memset(out, 0, sizeof(*out));
    for (const char *at = text;; at += *len + 1) {
        struct server one;
        *item = at;
        *len = strcspn(at, ",");
        *why = out->count == SERVERS_MAX ? "at most 16 servers" : parse_one(at, at + *len, &one);
        if (*why == NULL && servers_have(out, &one.at))
            *why = "each server once";
        if (*why != NULL)
            return false;
        insert(out, &one);
        if (at[*len] == '\0')
            return true;
    }
}

bool servers_have(const struct servers *s, const struct endpoint *at)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (endpoint_equal(&s->list[i].at, at))
            return true;
    return false;
}

bool servers_equal(const struct servers *a, const struct servers *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        const struct server *x = &a->list[i], *y = &b->list[i];
        if (!endpoint_equal(&x->at, &y->at) || x->priority != y->priority || x->weight != y->weight)
            return false;
    }
    return true;
}

const char *servers_format(const struct servers *s, char *buf)
{
    char text[ADDR_TEXT_SIZE];
    int used = 0;
    buf[0] = '\0';
    for (uint32_t i = 0; i < s->count; i++)
        used += snprintf(buf + used, (size_t)(SERVERS_TEXT_SIZE - used), "%s%s", i > 0 ? ", " : "",
                         endpoint_format(&s->list[i].at, text));
    return buf;
}
