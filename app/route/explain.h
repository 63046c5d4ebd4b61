/* SPDX-License-Identifier: BSD-3-Clause */
/* What becomes of an address, and why: for operators. */
#ifndef SPLITMX_ROUTE_EXPLAIN_H
#define SPLITMX_ROUTE_EXPLAIN_H

#include <stdio.h>

#include "app/route/address.h"
#include "app/route/route.h"

struct explanation {
    struct route route;
    char canonical[ADDRESS_FORMAT_SIZE]; /* "": it is no address */
    char domain[ADDRESS_DOMAIN_MAX + 1]; /* its section's name; "": there is none */
    const char *file;                    /* where the entry that decided stands, the snapshot's;
                                            NULL: no entry did */
    unsigned line;                       /* 0: it was entered since the file was read */
    const struct probe_target *probe; /* what gates the next hop, the snapshot's; NULL: nothing */
};

/* `scratch`: as the worker of route_recipient(). */
void route_explain(const struct snapshot *s, unsigned scratch, const char *address,
                   const struct ip_addr *client, struct explanation *out);

/* `ADDRESS<TAB>VERDICT<TAB>NEXT-HOP` and a newline. */
void explanation_print(const struct explanation *e, const char *address, FILE *out);

/* Several lines: all that is known. */
void explanation_print_long(const struct explanation *e, const char *address, FILE *out);

#endif
