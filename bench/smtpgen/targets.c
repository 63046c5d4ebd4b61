/* SPDX-License-Identifier: BSD-3-Clause */
/* Choosing recipients. */
#include "bench/smtpgen/targets.h"

#include <stdlib.h>
#include <string.h>

const char *target_class_name(enum target_class kind)
{
#define TARGET_CLASS_TEXT(name, text) [name] = text,
    static const char *const names[] = {TARGET_CLASSES_LIST(TARGET_CLASS_TEXT)};
    return names[kind];
}

/* One CLASS=SHARE. */
static bool parse_share(struct targets *t, const char *text, size_t len)
{
    for (unsigned i = 0; i < TARGET_CLASSES; i++) {
        const char *name = target_class_name(i);
        size_t n = strlen(name);
        char *end;
        if (len <= n + 1 || strncmp(text, name, n) != 0 || text[n] != '=' || text[n + 1] < '0' ||
            text[n + 1] > '9')
            continue;
        unsigned long share = strtoul(text + n + 1, &end, 10);
        t->shares[i] = (unsigned)share;
        return end == text + len && share <= 1000000;
    }
    return false;
}

bool targets_parse_shares(struct targets *t, const char *text)
{
    size_t len;
    memset(t->shares, 0, sizeof(t->shares));
    for (;; text += len + 1) {
        len = strcspn(text, ",");
        if (!parse_share(t, text, len))
            return false;
        if (text[len] == '\0')
            return true;
    }
}

static unsigned sum(const struct targets *t)
{
    unsigned all = 0;
    for (unsigned i = 0; i < TARGET_CLASSES; i++)
        all += t->shares[i];
    return all;
}

bool targets_settle(struct targets *t)
{
    bool given = sum(t) > 0;
    t->only = TARGET_CLASSES;
    for (unsigned i = 0; i < TARGET_CLASSES; i++) {
        if (!given)
            t->shares[i] = t->classes[i].count > 0;
        if (t->shares[i] > 0 && t->classes[i].count == 0)
            return false;
    }
    t->total = sum(t);
    for (unsigned i = 0; i < TARGET_CLASSES; i++) {
        if (t->shares[i] > 0 && t->shares[i] == t->total)
            t->only = i;
    }
    return t->total > 0;
}

static enum target_class choose_class(struct targets *t)
{
    if (t->only != TARGET_CLASSES)
        return t->only;
    /* xorshift64 */
    t->random ^= t->random << 13;
    t->random ^= t->random >> 7;
    t->random ^= t->random << 17;
    unsigned at = (unsigned)(t->random % t->total), class = 0;
    while (at >= t->shares[class])
        at -= t->shares[class ++];
    return class;
}

void targets_choose(struct targets *t, struct target *out, unsigned count)
{
    enum target_class class = choose_class(t);
    for (unsigned i = 0; i < count; i++) {
        if (t->mixed && i > 0)
            class = choose_class(t);
        out[i] = (struct target){class, t->next[class]};
        if (++t->next[class] == t->classes[class].count)
            t->next[class] = 0;
    }
}

struct span targets_line(const struct targets *t, const struct target *target)
{
    const struct recipients *r = &t->classes[target->kind];
    uint64_t from = r->offset[target->index];
    return (struct span){r->text + from, (size_t)(r->offset[target->index + 1] - from)};
}

struct span targets_address(const struct targets *t, const struct target *target)
{
    struct span line = targets_line(t, target);
    const size_t before = strlen("RCPT TO:<"), behind = strlen(">\r\n");
    return (struct span){line.at + before, line.len - before - behind};
}

void targets_free(struct targets *t)
{
    for (unsigned i = 0; i < TARGET_CLASSES; i++)
        recipients_free(&t->classes[i]);
}
