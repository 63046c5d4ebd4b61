/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Watches the header section of a message: for its Message-ID, and for the hops of its way so far,
 * which are its Received fields (RFC 5321 §6.3) and the marks that routers of ours left there
 * (received.h). Part of the content scanner.
 */
#ifndef SPLITMX_SMTP_HEADER_H
#define SPLITMX_SMTP_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct smtp_content;

/*
 * The next bytes of the content. Any LF ends a line here, bare ones too: what is refused is logged
 * as well. A Message-ID that begins with `<` ends with `>`, any other with its field, blanks
 * trimmed.
 */
void smtp_header_scan(struct smtp_content *c, const uint8_t *data, size_t len);

/* The header section is over. */
bool smtp_header_done(const struct smtp_content *c);

#endif
