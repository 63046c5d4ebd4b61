/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the control socket's clients can ask for: see README, "The control socket".
 *
 *     status        {}                           what there is, how it is
 *     counters      {}                           everything that is counted
 *     route         {addresses, client?}         who gets mail for each address, and why
 *     domain-list   {}
 *     domain-show   {domain}
 *     reload        {force?}                     as SIGHUP, with an answer
 *
 * and what batch.h and domain_switch.h say.
 */
#ifndef SPLITMX_CONTROL_COMMANDS_H
#define SPLITMX_CONTROL_COMMANDS_H

#include "app/control/protocol.h"

struct control;

/* The protocol with these commands; `control` outlives it. */
void commands_init(struct protocol *p, struct control *control);

#endif
