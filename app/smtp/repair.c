/* SPDX-License-Identifier: BSD-3-Clause */
/* Bare newlines, made whole. */
#include "app/smtp/repair.h"

#include <stdbool.h>

struct view {
    const uint8_t *data;
    size_t len;
    const int *ahead;
};

static int at(const struct view *v, size_t i)
{
    if (i < v->len)
        return v->data[i];
    return i - v->len < SMTP_REPAIR_AHEAD ? v->ahead[i - v->len] : -1;
}

/* Does a bare CR or LF stand there? What comes before it is no CR. */
static bool is_bare(const struct view *v, size_t i)
{
    return at(v, i) == '\n' || (at(v, i) == '\r' && at(v, i + 1) != '\n');
}

/* The next byte as it is. */
static enum smtp_repair_place pass(enum smtp_repair_place place, uint8_t c)
{
    if (c == '\r')
        return REPAIR_BEHIND_CR;
    if (c != '\n')
        return REPAIR_INSIDE;
    return place == REPAIR_BEHIND_CR ? REPAIR_AT_LINE : REPAIR_AT_NEW;
}

/* The byte at i, which is not to be taken as it is. False: it is. */
static bool mend(struct smtp_repair *r, const struct view *v, size_t i, struct smtp_repair_run *run)
{
    bool behind_cr = r->place == REPAIR_BEHIND_CR || r->place == REPAIR_BEHIND_OURS;
    uint8_t c = v->data[i];
    if (c == '.' && r->place == REPAIR_AT_LINE && is_bare(v, i + 1)) {
        *run = (struct smtp_repair_run){i, i + 1, NULL};
    } else if (c == '.' && r->place == REPAIR_AT_NEW) {
        r->place = REPAIR_INSIDE;
        *run = (struct smtp_repair_run){i + 1, i + 1, "."};
    } else if (c == '\n' && !behind_cr) {
        r->place = REPAIR_BEHIND_OURS;
        *run = (struct smtp_repair_run){i, i, "\r"};
    } else if (c == '\r' && at(v, i + 1) != '\n') {
        r->place = REPAIR_AT_NEW;
        *run = (struct smtp_repair_run){i + 1, i + 1, "\n"};
    } else {
        return false;
    }
    return true;
}

struct smtp_repair_run smtp_repair(struct smtp_repair *r, const uint8_t *data, size_t len,
                                   const int ahead[SMTP_REPAIR_AHEAD])
{
    const struct view v = {data, len, ahead};
    struct smtp_repair_run run;
    for (size_t i = 0; i < len; i++) {
        if ((data[i] == '.' || data[i] == '\r' || data[i] == '\n') && mend(r, &v, i, &run))
            return run;
        r->place = pass(r->place, data[i]);
    }
    return (struct smtp_repair_run){len, len, NULL};
}
