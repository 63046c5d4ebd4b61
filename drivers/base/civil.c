/* SPDX-License-Identifier: BSD-3-Clause */
/* The Gregorian calendar. */
#include "drivers/base/civil.h"

#include <stdbool.h>

static bool is_leap(unsigned year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const uint8_t length[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 1 && is_leap(year) ? 29 : length[month];
}

/* Days from 1970-01-01 to the first of January of a year. */
static unsigned days_before(unsigned year)
{
    unsigned y = year - 1;
    return y * 365 + y / 4 - y / 100 + y / 400 - 719162;
}

struct civil civil_from_time(int64_t time)
{
    const int64_t last = INT64_C(253402300799); /* 9999-12-31 23:59:59 */
    uint64_t t = (uint64_t)(time < 0 ? 0 : time > last ? last : time);
    unsigned days = (unsigned)(t / 86400), second = (unsigned)(t % 86400);
    struct civil c = {
        .weekday = (days + 3) % 7, /* 1970-01-01 was a Thursday */
        .hour = second / 3600,
        .minute = second / 60 % 60,
        .second = second % 60,
        .year = 1970 + days / 366, /* never too late, by 2999 two years too early */
    };
    while (days_before(c.year + 1) <= days)
        c.year++;
    c.day = days - days_before(c.year);
    while (c.day >= days_in_month(c.year, c.month))
        c.day -= days_in_month(c.year, c.month++);
    return c;
}
