/* SPDX-License-Identifier: BSD-3-Clause */
/* Which recipients a message gets: those of several classes, each with its share. */
#ifndef SPLITMX_SMTPGEN_TARGETS_H
#define SPLITMX_SMTPGEN_TARGETS_H

#include "bench/smtpgen/recipients.h"

/* The class's name is the recipients' label in records. */
#define TARGET_CLASSES_LIST(X)                                                                     \
    X(TARGET_ANY, "any")                                                                           \
    X(TARGET_LOCAL, "local")                                                                       \
    X(TARGET_EXTERNAL, "external")                                                                 \
    X(TARGET_UNKNOWN, "unknown")
#define TARGET_CLASS_ENUM(name, text) name,
enum target_class { TARGET_CLASSES_LIST(TARGET_CLASS_ENUM) TARGET_CLASSES };

const char *target_class_name(enum target_class kind);

struct targets {
    struct recipients classes[TARGET_CLASSES];
    unsigned shares[TARGET_CLASSES]; /* of messages, or of recipients if mixed */
    unsigned total;                  /* of the shares; like `only`, worked out at the end */
    enum target_class only;          /* the one class that has a share; TARGET_CLASSES: several */
    bool mixed;                      /* recipients of several classes in one message */
    uint64_t next[TARGET_CLASSES];   /* each class is gone through in turn */
    uint64_t random;                 /* not zero */
};

struct target {
    enum target_class kind;
    uint64_t index; /* in its class */
};

/* `text` is CLASS=SHARE,... False if malformed. */
MUST_CHECK bool targets_parse_shares(struct targets *t, const char *text);

/* Classes that have recipients share alike, unless shares were given. False if a class has a share
 * and no recipients, or none has any. */
MUST_CHECK bool targets_settle(struct targets *t);

/* The recipients of the next message. */
void targets_choose(struct targets *t, struct target *out, unsigned count);

/* The RCPT line, with its CRLF; and the address in it. */
struct span targets_line(const struct targets *t, const struct target *target);
struct span targets_address(const struct targets *t, const struct target *target);

void targets_free(struct targets *t);

#endif
