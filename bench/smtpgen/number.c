/* SPDX-License-Identifier: BSD-3-Clause */
/* Digits, and commas between them. */
#include "bench/smtpgen/number.h"

#include <math.h>
#include <stdio.h>

const char *number_whole(char *buf, uint64_t value)
{
    char digits[24];
    int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
    char *out = buf;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            *out++ = ',';
        *out++ = digits[i];
    }
    *out = '\0';
    return buf;
}

const char *number_figure(char *buf, double value)
{
    if (value == 0)
        return number_whole(buf, 0);
    if (value < 99.95) {
        snprintf(buf, NUMBER_SIZE, "%.*f", value < 9.995 ? 2 : 1, value);
        return buf;
    }
    double unit = pow(10, floor(log10(value)) - 2);
    return number_whole(buf, (uint64_t)(round(value / unit) * unit));
}
