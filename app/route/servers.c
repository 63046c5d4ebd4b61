/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of servers. */
#include "app/route/servers.h"

#include <stdio.h>
#include <string.h>

#include "app/route/hash.h"
#include "app/smtp/path.h"

#define SMTP_PORT        25
#define PRIORITY_DEFAULT 10
#define WEIGHT_DEFAULT   1
#define WEIGHT_MAX       1000
#define TEXT_MAX         800

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

/* NAME or NAME:PORT. Its last label is no number: that would be an address gone wrong. */
static bool parse_name(const char *at, size_t len, struct names *names, struct server *out)
{
    struct span name = {at, len};
    const char *colon = memchr(at, ':', len);
    out->at = (struct endpoint){.port = SMTP_PORT};
    if (colon != NULL) {
        name.len = (size_t)(colon - at);
        if (!parse_number(colon + 1, len - name.len - 1, 1, UINT16_MAX, &out->at.port))
            return false;
    }
    if (names == NULL || !smtp_is_domain(name))
        return false;
    const char *label = at + name.len;
    while (label > at && label[-1] != '.')
        label--;
    if (*label >= '0' && *label <= '9')
        return false;
    out->name = names_enter(names, name);
    return true;
}

/* One of the list, between two commas. NULL, or what is allowed where it is wrong. */
static const char *parse_one(const char *at, const char *end, struct names *names,
                             struct server *out)
{
    *out = (struct server){.priority = PRIORITY_DEFAULT, .weight = WEIGHT_DEFAULT};
    size_t len = next_word(&at, end);
    if (!endpoint_parse(at, len, SMTP_PORT, &out->at) && !parse_name(at, len, names, out))
        return "ADDRESS:PORT, or ADDRESS alone for port 25, such as 192.0.2.10:25 or "
               "[2001:db8::10]:25, or a host name instead, with \"priority N\" or \"weight N\" "
               "behind it";
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

bool servers_parse(const char *text, struct names *names, struct servers *out, const char **item,
                   size_t *len, const char **why)
{
    char canonical[SERVERS_TEXT_SIZE];
    memset(out, 0, sizeof(*out));
    *item = text;
    *len = strlen(text);
    *why = "at most 800 characters";
    if (*len > TEXT_MAX)
        return false;
    for (const char *at = text;; at += *len + 1) {
        struct server one;
        *item = at;
        *len = strcspn(at, ",");
        *why = out->count == SERVERS_MAX ? "at most 16 servers"
                                         : parse_one(at, at + *len, names, &one);
        if (*why == NULL && servers_have(out, &one))
            *why = "each server once";
        if (*why != NULL)
            return false;
        insert(out, &one);
        if (at[*len] == '\0')
            break;
    }
    size_t used = strlen(servers_format(out, canonical));
    for (uint32_t i = 0; i < out->count; i++)
        used += (size_t)snprintf(canonical + used, sizeof(canonical) - used, "/%u/%u",
                                 out->list[i].priority, out->list[i].weight);
    out->id = hash_bytes(canonical, used);
    return true;
}

bool servers_have(const struct servers *s, const struct server *one)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (s->list[i].name == one->name && endpoint_equal(&s->list[i].at, &one->at))
            return true;
    return false;
}

const char *servers_format(const struct servers *s, char *buf)
{
    char text[ADDR_TEXT_SIZE];
    size_t used = 0;
    buf[0] = '\0';
    for (uint32_t i = 0; i < s->count; i++) {
        const struct server *one = &s->list[i];
        const char *comma = i > 0 ? ", " : "";
        if (one->name != NULL)
            used += (size_t)snprintf(buf + used, SERVERS_TEXT_SIZE - used, "%s%s:%u", comma,
                                     name_text(one->name), one->at.port);
        else
            used += (size_t)snprintf(buf + used, SERVERS_TEXT_SIZE - used, "%s%s", comma,
                                     endpoint_format(&one->at, text));
    }
    return buf;
}
