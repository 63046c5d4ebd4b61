/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses as operators write them. */
#ifndef SPLITMX_ROUTE_PARSE_H
#define SPLITMX_ROUTE_PARSE_H

#include <stdbool.h>

#include "app/smtp/command.h"
#include "drivers/base/check.h"

/*
 * An address as an operator writes it (an argument of --route, verification_address), with or
 * without angle brackets: what RCPT would have made of it. Spans point into text. False if RCPT
 * would not take it.
 */
MUST_CHECK bool route_parse_address(const char *text, struct smtp_path *out);

#endif
