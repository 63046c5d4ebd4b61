/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Use after free of an mbuf, caught. The memory of a mempool is never free for AddressSanitizer,
 * and a per-lcore cache hands out at once what was just given back: nothing would be noticed. In
 * builds with AddressSanitizer packet memory therefore comes from mempools without a cache, whose
 * objects are poisoned while they are free. In other builds there is none of this.
 *
 * Only code that is instrumented is checked: ours, and DPDK's inline functions, not its libraries.
 */
#ifndef SPLITMX_BASE_POISON_H
#define SPLITMX_BASE_POISON_H

struct rte_mempool;

#if defined(__SANITIZE_ADDRESS__)
#define POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISON 1
#endif
#endif
#ifndef POISON
#define POISON 0
#endif

/* The name of the mempool handler that poisons, for rte_pktmbuf_pool_create_by_ops(); NULL for
 * DPDK's own choice. */
const char *poison_mempool_ops(void);

/* The pool is complete, nothing is taken from it yet: from now on what is free is poisoned. */
void poison_start(struct rte_mempool *mp);

/* The pool's memory is about to become somebody else's. */
void poison_end(struct rte_mempool *mp);

#endif
