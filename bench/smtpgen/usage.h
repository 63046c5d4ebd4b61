/* SPDX-License-Identifier: BSD-3-Clause */
/* What --help says. */
#ifndef SPLITMX_SMTPGEN_USAGE_H
#define SPLITMX_SMTPGEN_USAGE_H

#include <stdio.h>

#include "bench/smtpgen/options.h"

void usage_print(enum role role, FILE *out);

#endif
