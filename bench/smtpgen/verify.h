/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Joins what was sent with what was received: every accepted recipient's message arrived once, at
 * the right sink, as it was sent. Takes all that was sent first (36 bytes a message and 8 a
 * recipient, half as much again while it grows), then what was received, which takes no memory: a
 * hundred million messages fit into a small server. Recipients of one message are told apart by 59
 * bits of a hash.
 */
#ifndef SPLITMX_SMTPGEN_VERIFY_H
#define SPLITMX_SMTPGEN_VERIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "drivers/base/check.h"

/* What there was. A message is accepted if its final reply was 2xx, refused if it was any other, in
 * doubt if none came. A client tries again what was in doubt or refused with 4xx, so the message
 * may be with some of its destinations: that is no fault. */
#define VERIFY_FACTS(X)                                                                            \
    X(accepted, "messages accepted")                                                               \
    X(refused, "messages refused")                                                                 \
    X(in_doubt, "messages in doubt (never answered)")                                              \
    X(recipients, "recipients of accepted messages")                                               \
    X(delivered, "  of these, delivered")                                                          \
    X(received, "messages received by the sinks")                                                  \
    X(perhaps, "recipients delivered, message in doubt or refused 4xx")                            \
    X(unrecorded, "messages received that no record says were sent")                               \
    X(foreign, "messages received that smtpgen did not make")                                      \
    X(cut, "record files whose last line was cut off")

/* What must not be. */
#define VERIFY_FAULTS(X)                                                                           \
    X(lost, "recipients of accepted messages, not delivered")                                      \
    X(duplicate, "recipients delivered again")                                                     \
    X(misdirected, "recipients delivered to a wrong destination")                                  \
    X(stray, "recipients delivered that were not accepted")                                        \
    X(bounced, "recipients delivered, message refused 5xx")                                        \
    X(altered, "messages whose digest differs")                                                    \
    X(resized, "messages whose size differs")                                                      \
    X(sent_twice, "messages recorded twice as sent")

#define VERIFY_FACT_ENUM(name, text)  VERIFY_FACT_##name,
#define VERIFY_FAULT_ENUM(name, text) VERIFY_FAULT_##name,
enum verify_fact { VERIFY_FACTS(VERIFY_FACT_ENUM) VERIFY_FACT_COUNT };
enum verify_fault { VERIFY_FAULTS(VERIFY_FAULT_ENUM) VERIFY_FAULT_COUNT };

#define VERIFY_EXAMPLES    8
#define VERIFY_EXPECTS_MAX 15

struct verify_result {
    uint64_t facts[VERIFY_FACT_COUNT];
    uint64_t faults[VERIFY_FAULT_COUNT];
    /* The first messages of each fault, run << 32 | number. */
    uint64_t examples[VERIFY_FAULT_COUNT][VERIFY_EXAMPLES];
};

struct verify;

/* NULL if there is no memory, as are all other failures here. */
struct verify *verify_new(void);
void verify_free(struct verify *v);

/*
 * Recipients of that label belong to that sink, ADDRESS:PORT, or to "none": any delivery is one to
 * a wrong destination. Labels that nobody named may go anywhere. Before the first file. False if
 * the label or the sink is malformed, the label was named before, or there are too many of them.
 */
MUST_CHECK bool verify_expect(struct verify *v, const char *label, const char *sink);

/* CLASS=SINK,...; cuts `text` up. */
MUST_CHECK bool verify_expect_all(struct verify *v, char *text);

/*
 * Reads a record file that `in` gives and `name` names, and closes it; all that was sent before all
 * that was received. False after a sentence to `complaints`: it is none, or there is no memory.
 */
MUST_CHECK bool verify_sent(struct verify *v, FILE *in, const char *name, FILE *complaints);
MUST_CHECK bool verify_received(struct verify *v, FILE *in, const char *name, FILE *complaints);

/* At the end: counts what is missing. */
void verify_finish(struct verify *v, struct verify_result *out);

/* True if there is no fault. */
bool verify_holds(const struct verify_result *r);

void verify_print(const struct verify_result *r, FILE *out);
json_t *verify_json(const struct verify_result *r);

#endif
