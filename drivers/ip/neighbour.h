/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who is reached by which MAC address. The states are those of RFC 4861 §7.3.2 (DELAY left out:
 * nobody above tells us that a neighbour answered), for IPv4 with ARP as for IPv6 with ND.
 *
 *   FREE --output--> INCOMPLETE --answer--> REACHABLE --30 s--> STALE --output--> PROBE
 *                      |   ^                    ^                 ^                | |
 *                      |   |                    `----- answer ----|----------------' |
 *                      |   `------------------ no answer to 3 ----|------------------'
 *                      `--no answer to 3--> FREE                  `-- any other word of that host
 */
#ifndef SPLITMX_IP_NEIGHBOUR_H
#define SPLITMX_IP_NEIGHBOUR_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include "drivers/base/addr.h"
#include "drivers/base/check.h"
#include "drivers/base/timer.h"

#define NEIGHBOUR_QUEUE                                                                            \
    32 /* packets that wait for one answer; the oldest goes first (RFC 1122                        \
          §2.3.2.2) */

struct ip_stack;
struct ip_interface;
struct rte_mbuf;

enum neighbour_state {
    NEIGHBOUR_FREE,       /* not in the table */
    NEIGHBOUR_INCOMPLETE, /* asked everybody; packets wait */
    NEIGHBOUR_REACHABLE,  /* answered a question of ours a short time ago */
    NEIGHBOUR_STALE,      /* its address is used, but the next use asks whether it still holds */
    NEIGHBOUR_PROBE,      /* asked the neighbour itself; its address is used meanwhile */
};

struct neighbour {
    struct neighbour *next; /* in its bucket, or on the free list */
    struct ip_stack *ip;
    struct ip_addr addr;
    struct timer timer;
    struct rte_ether_addr mac;
    uint8_t link;
    uint8_t state; /* enum neighbour_state */
    uint8_t asked; /* questions sent in this state */
    bool used;     /* since the hand of the clock last came by */
    uint8_t first, queued;
    struct rte_mbuf *queue[NEIGHBOUR_QUEUE]; /* a ring: `queued` packets from `first` on */
};

/* Asks who has `addr`: all who might, or (`whom` not NULL) only the one whom we believe to have it.
 */
typedef void neighbour_solicit(struct ip_stack *ip, struct ip_interface *i,
                               const struct ip_addr *addr, const struct rte_ether_addr *whom);

/* At most `size` neighbours. False if out of memory. */
MUST_CHECK bool neighbours_init(struct ip_stack *ip, uint32_t size, neighbour_solicit *solicit);
void neighbours_free(struct ip_stack *ip);

/* Send an IP packet to a neighbour of link i, now or as soon as its MAC address is known. Takes
 * ownership. */
void neighbour_output(struct ip_stack *ip, struct ip_interface *i, const struct ip_addr *addr,
                      struct rte_mbuf *m, uint16_t ether_type);

/* How a MAC address came to be known. */
enum neighbour_word {
    NEIGHBOUR_ANSWER,   /* an answer that is addressed to us; counts only if we asked */
    NEIGHBOUR_QUESTION, /* a question that the neighbour asked us */
    NEIGHBOUR_HEARSAY,  /* anything else: updates an entry that exists, makes none */
};
/* `mac` NULL: the one that is known. Without `override` a MAC address fills in what is unknown and
 * replaces none, but makes doubtful what is known (RFC 4861 §7.2.5). */
void neighbour_learn(struct ip_stack *ip, struct ip_interface *i, const struct ip_addr *addr,
                     const struct rte_ether_addr *mac, enum neighbour_word word, bool override);

/* The state of an entry, for tests. */
enum neighbour_state neighbour_state_of(const struct ip_stack *ip, uint8_t link,
                                        const struct ip_addr *addr);

/* Every entry is in one place only and the counts agree. */
bool neighbours_sane(const struct ip_stack *ip);

#endif
