/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers of the control socket, for people. */
#ifndef SPLITMX_SPLITMXCTL_PRINT_H
#define SPLITMX_SPLITMXCTL_PRINT_H

#include <jansson.h>
#include <stdio.h>

void print_status(const json_t *answer, FILE *out);
void print_routes(const json_t *answer, FILE *out);
void print_domains(const json_t *answer, FILE *out); /* "domains": a list */
void print_domain(const json_t *answer, FILE *out);  /* one */

/* Members line by line, nested ones as a path. */
void print_members(const json_t *answer, FILE *out);

#endif
