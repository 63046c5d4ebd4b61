/* SPDX-License-Identifier: BSD-3-Clause */
/* --route: addresses and verdicts as text. */
#ifndef SPLITMX_ROUTE_EXPLAIN_H
#define SPLITMX_ROUTE_EXPLAIN_H

#include <stdio.h>

struct snapshot;

/*
 * Print `ADDRESS<TAB>VERDICT<TAB>NEXT-HOP` for an address as an operator writes it, as a client on
 * neither side would have it; the next hop is `-` where there is none. What RCPT would not take as
 * an address is a `bad-address`.
 */
void route_explain(const struct snapshot *s, const char *address, FILE *out);

#endif
