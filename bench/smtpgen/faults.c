/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading faults, and casting dice. */
#include "bench/smtpgen/faults.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MILLION   1000000
#define TEXT_MAX  512
#define DELAY_MAX 1e6 /* seconds */

static bool find_point(const char *name, enum fault_point *out)
{
#define FAULT_POINT_NAME(NAME, text) text,
    static const char *const names[] = {FAULT_POINTS(FAULT_POINT_NAME)};
    for (unsigned i = 0; i < FAULT_POINT_COUNT; i++) {
        if (strcasecmp(name, names[i]) == 0) {
            *out = (enum fault_point)i;
            return true;
        }
    }
    return false;
}

/* least < value <= most. */
static bool number(const char *text, double least, double most, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && *out > least && *out <= most;
}

static bool add(struct faults *f, enum fault fault, char *text)
{
    enum fault_point point;
    double percent = 100;
    char *rest = text;
    strsep(&rest, ":");
    if (!find_point(text, &point) || (rest != NULL && !number(rest, 0, 100, &percent)))
        return false;
    f->odds[point][fault] = (uint32_t)(percent * MILLION / 100 + 0.5);
    f->points |= 1u << point;
    return true;
}

bool faults_add(struct faults *f, enum fault fault, const char *text)
{
    char copy[TEXT_MAX];
    size_t len = strlen(text);
    if (len >= sizeof(copy))
        return false;
    memcpy(copy, text, len + 1);
    bool any = false;
    char *rest = copy, *each;
    while ((each = strsep(&rest, ", \t")) != NULL) {
        if (*each != '\0' && !add(f, fault, each))
            return false;
        any = any || *each != '\0';
    }
    return any;
}

bool faults_add_delay(struct faults *f, const char *text)
{
    char copy[TEXT_MAX];
    size_t len = strlen(text);
    if (len >= sizeof(copy))
        return false;
    memcpy(copy, text, len + 1);
    char *rest = copy;
    const char *name = strsep(&rest, ":"), *delay = strsep(&rest, ":");
    enum fault_point point;
    double value, odds = 0;
    if (!find_point(name, &point) || delay == NULL || !number(delay, 0, DELAY_MAX, &value) ||
        (rest != NULL && !number(rest, 0, 99, &odds)))
        return false;
    f->delay[point] = (nsec_t)(value * (double)NSEC_PER_SEC);
    f->multiple[point] = (uint8_t)odds;
    f->points |= 1u << point;
    return true;
}

/* Below `sides`: xorshift64*. */
static uint32_t cast_die(uint64_t *random, uint32_t sides)
{
    *random ^= *random >> 12;
    *random ^= *random << 25;
    *random ^= *random >> 27;
    uint64_t value = *random * UINT64_C(0x2545f4914f6cdd1d) >> 32;
    return (uint32_t)(value * sides >> 32);
}

enum fault faults_draw(const struct faults *f, enum fault_point point, uint64_t *random)
{
    unsigned fault = 0;
    while (fault < FAULT_NONE) {
        uint32_t odds = f->odds[point][fault];
        if (odds > 0 && cast_die(random, MILLION) < odds)
            break;
        fault++;
    }
    return (enum fault)fault;
}

nsec_t faults_draw_delay(const struct faults *f, enum fault_point point, uint64_t *random)
{
    nsec_t delay = f->delay[point];
    if (delay == 0 || f->multiple[point] == 0)
        return delay;
    while (cast_die(random, 100) < f->multiple[point])
        delay += f->delay[point];
    return delay;
}
