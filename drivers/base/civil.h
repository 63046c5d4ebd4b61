/* SPDX-License-Identifier: BSD-3-Clause */
/* Calendar date and time of day, in UTC, of a moment: without locks, locale or time zone files. */
#ifndef SPLITMX_BASE_CIVIL_H
#define SPLITMX_BASE_CIVIL_H

#include <stdint.h>

struct civil {
    unsigned year;    /* 1970..9999 */
    unsigned month;   /* 0..11 */
    unsigned day;     /* 0..30, of the month */
    unsigned weekday; /* 0..6, Monday is 0 */
    unsigned hour, minute, second;
};

/* `time`: seconds since 1970, clamped to the years 1970 to 9999. */
struct civil civil_from_time(int64_t time);

#endif
