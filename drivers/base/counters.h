/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One X-macro list per module makes an error's code, its counter and its sentence.
 *
 *     tcp.h:  #define TCP_COUNTERS(X) \
 *                 X(TCP_RX_BAD_CHECKSUM, "segments whose checksum is wrong") \
 *                 X(TCP_RX_NO_LISTENER, "segments to a port where nobody listens")
 *             enum tcp_counter { TCP_COUNTERS(COUNTER_ENUM) TCP_COUNTER_COUNT };
 *             extern const struct counter_list tcp_counter_list;
 *     tcp.c:  COUNTER_LIST_DEFINE(tcp_counter_list, "tcp", TCP_COUNTERS)
 *
 * A worker keeps `uint64_t counters[TCP_COUNTER_COUNT]`, which only it writes; other threads read
 * them without a lock (64-bit loads do not tear on x86-64).
 */
#ifndef SPLITMX_BASE_COUNTERS_H
#define SPLITMX_BASE_COUNTERS_H

#include <stdint.h>

struct counter_info {
    const char *name; /* the enumerator, e.g. "TCP_RX_BAD_CHECKSUM" */
    const char *help; /* one sentence for operators */
};

struct counter_list {
    const char *module; /* e.g. "tcp" */
    const struct counter_info *info;
    unsigned count;
};

#define COUNTER_ENUM(name, help)  name,
#define COUNTER_INFO_(name, help) {#name, help},

#define COUNTER_LIST_DEFINE(list, module_name, LIST)                                               \
    static const struct counter_info list##_info_[] = {LIST(COUNTER_INFO_)};                       \
    const struct counter_list list = {module_name, list##_info_,                                   \
                                      sizeof(list##_info_) / sizeof(list##_info_[0])};

#endif
