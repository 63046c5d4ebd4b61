/* SPDX-License-Identifier: BSD-3-Clause */
/* What the errors list does beyond its contract in config.h, for config/ itself. */
#ifndef SPLITMX_CONFIG_ERRORS_H
#define SPLITMX_CONFIG_ERRORS_H

#include <stdarg.h>

#include "config/config.h"

void config_error_va(struct config_errors *e, const char *file, unsigned line, const char *place,
                     const char *format, va_list args);

#endif
