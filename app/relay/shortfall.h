/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a destination lacks. EHLO is our own policy, the same for all that a client may send to; so
 * a message may need what one of its destinations has not got. That is known before the destination
 * is asked, and is answered at RCPT, for its own recipients only.
 */
#ifndef SPLITMX_RELAY_SHORTFALL_H
#define SPLITMX_RELAY_SHORTFALL_H

#include "app/relay/envelope.h"
#include "app/smtp/reply.h"

struct leg;
struct relay;

/*
 * The reply to a recipient that the leg's destination, which offers `there`, cannot be asked for;
 * counted. NULL: it can.
 *
 *   5.3.4  the message is declared bigger than SIZE there
 *   5.6.3  it is 8-bit, and there is no 8BITMIME (RFC 6152 §3), or binary, and there is no
 * BINARYMIME (RFC 3030 §3) 5.6.7  it is said to need SMTPUTF8, and there is none (RFC 6531 §3.2)
 *   5.3.3  its sender wants to hear of success, and there is no DSN: RFC 3461 §5.2.2 has the relay
 *          tell it, and we send no mail of our own
 *   4.5.3  one recipient, or one domain, more than a transaction may have there (RFC 9422)
 */
const char *shortfall(struct relay *r, const struct envelope *e, const struct leg *leg,
                      const struct recipient *rcpt, const struct smtp_extensions *there);

/* RCPT goes out: it counts against the limits there. */
void shortfall_note(const struct envelope *e, struct recipient *rcpt,
                    const struct smtp_extensions *there);

/* Of what MAIL and RCPT said, what the destination may hear (RFC 3461 §5.2.2 a). */
struct smtp_mail_parameters shortfall_mail(const struct envelope *e,
                                           const struct smtp_extensions *there);
struct smtp_rcpt_parameters shortfall_rcpt(const struct recipient *rcpt,
                                           const struct smtp_extensions *there);

/* Of what clients are offered, what needs the destination's help and is not there. SIZE is lacking
 * if it is less than `size_limit`. */
smtp_extension_set shortfall_lacking(smtp_extension_set offered, uint64_t size_limit,
                                     smtp_extension_set there, uint64_t size_there);

#endif
