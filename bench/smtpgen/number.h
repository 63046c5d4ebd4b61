/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers for people to read. Each function writes text into buf (NUMBER_SIZE bytes) and returns
 * it. */
#ifndef SPLITMX_SMTPGEN_NUMBER_H
#define SPLITMX_SMTPGEN_NUMBER_H

#include <stdint.h>

#define NUMBER_SIZE 40

/* All digits: 1,234,567. */
const char *number_whole(char *buf, uint64_t value);

/* The three digits that a measurement has, at most: 0, 0.12, 1.23, 12.3, 123, 12,300. Not negative,
 * below 2^63. */
const char *number_figure(char *buf, double value);

#endif
