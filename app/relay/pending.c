/* SPDX-License-Identifier: BSD-3-Clause */
/* Counts of RCPTs that are alike and wait. */
#include "app/relay/pending.h"

#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_jhash.h>

#include "app/smtp/path.h"

#define SPARSE        4  /* counts for each that may wait */
#define PREFIX4_BYTES 15 /* of a mapped address: a /24 */
#define PREFIX6_BYTES 8

struct pending {
    uint32_t key, mask;
    uint16_t counts[];
};

static uint32_t count_of(unsigned recipients)
{
    return rte_align32pow2(SPARSE * recipients);
}

size_t pending_size(unsigned recipients)
{
    return sizeof(struct pending) + count_of(recipients) * sizeof(uint16_t);
}

struct pending *pending_create(unsigned recipients, uint32_t key)
{
    struct pending *p = calloc(1, pending_size(recipients));
    if (p == NULL)
        return NULL;
    p->key = key;
    p->mask = count_of(recipients) - 1;
    return p;
}

void pending_destroy(struct pending *p)
{
    free(p);
}

/* The RCPT's tuple in one piece, for rte_jhash() reads words. */
struct tuple {
    uint32_t words[(sizeof(struct ip_addr) + 2 * (SMTP_PATH_MAX + 1)) / sizeof(uint32_t) + 1];
    uint32_t len;
};

static void add(struct tuple *t, const void *data, size_t len)
{
    memcpy((char *)t->words + t->len, data, len);
    t->len += (uint32_t)len;
}

uint32_t pending_enter(struct pending *p, const struct ip_addr *client, const char *sender,
                       const char *recipient)
{
    struct tuple t;
    t.len = 0;
    add(&t, client->b, ip_addr_is_v4(client) ? PREFIX4_BYTES : PREFIX6_BYTES);
    add(&t, sender, strlen(sender) + 1);
    add(&t, recipient, strlen(recipient) + 1);
    uint32_t at = rte_jhash(t.words, t.len, p->key) & p->mask;
    if (p->counts[at] == PENDING_MAX)
        return 0;
    p->counts[at]++;
    return at + 1;
}

void pending_leave(struct pending *p, uint32_t *ticket)
{
    if (*ticket != 0)
        p->counts[*ticket - 1]--;
    *ticket = 0;
}
