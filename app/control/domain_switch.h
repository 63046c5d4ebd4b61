/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Split domain routing, switched on and off by command: the key in the configuration file is
 * written, everything else in it stays as it is, and the file is read again. If that is refused,
 * the file is put back.
 *
 *     domain-split  {domain, on, dry_run?}
 */
#ifndef SPLITMX_CONTROL_DOMAIN_SWITCH_H
#define SPLITMX_CONTROL_DOMAIN_SWITCH_H

#include "app/control/protocol.h"
#include "app/control/replacement.h"

protocol_command_fn domain_switch; /* user: the struct control */

/*
 * Write the successor of a configuration file, still to be committed or discarded, in which `key`
 * of [domain DOMAIN] (canonical) is `value`. False, with a sentence in *why (to be freed): there is
 * none.
 */
MUST_CHECK bool domain_switch_prepare(const char *path, const char *domain, const char *key,
                                      const char *value, struct replacement *r, char **why);

#endif
