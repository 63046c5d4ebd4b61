/* SPDX-License-Identifier: BSD-3-Clause */
/* The subcommand `smtpgen verify`. */
#ifndef SPLITMX_SMTPGEN_VERIFY_COMMAND_H
#define SPLITMX_SMTPGEN_VERIFY_COMMAND_H

/* argv[0] is "verify". Returns the exit code; --help says which there are. */
int verify_command(int argc, char **argv);

#endif
