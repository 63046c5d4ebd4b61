/* SPDX-License-Identifier: BSD-3-Clause */
/* The reply table: from a destination's words to the client's. */
#include "app/relay/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hs.h>

struct reply_rules {
    hs_database_t *database; /* NULL: no expression */
    hs_scratch_t *scratch;
};

struct reply_rules *reply_rules_create(const char *infrastructure_reject, char **why)
{
    struct reply_rules *rules = calloc(1, sizeof(*rules));
    *why = NULL;
    if (rules == NULL || infrastructure_reject == NULL)
        return rules;
    hs_compile_error_t *error = NULL;
    if (hs_compile(infrastructure_reject, HS_FLAG_CASELESS | HS_FLAG_SINGLEMATCH, HS_MODE_BLOCK,
                   NULL, &rules->database, &error) != HS_SUCCESS) {
        *why = strdup(error->message);
        hs_free_compile_error(error);
    } else if (hs_alloc_scratch(rules->database, &rules->scratch) == HS_SUCCESS) {
        return rules;
    }
    reply_rules_destroy(rules);
    return NULL;
}

void reply_rules_destroy(struct reply_rules *rules)
{
    if (rules == NULL)
        return;
    hs_free_scratch(rules->scratch);
    hs_free_database(rules->database);
    free(rules);
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *matched)
{
    (void)id, (void)from, (void)to, (void)flags;
    *(bool *)matched = true;
    return 1;
}

/* Does `text` hold the address as a whole word, so that 10.0.0.1 is not found in 10.0.0.12? */
static bool names_address(const char *text, size_t len, const char *address)
{
    size_t n = strlen(address);
    const char *end = text + len, *at = text;
    while (n > 0 && (at = memmem(at, (size_t)(end - at), address, n)) != NULL) {
        bool starts = at == text || strchr("0123456789abcdefABCDEF.:", at[-1]) == NULL;
        const char *after = at + n;
        /* A full stop ends a sentence as well as it continues an address. */
        bool ends = after == end || strchr("0123456789abcdefABCDEF:", *after) == NULL;
        bool dotted = after + 1 < end && *after == '.' && after[1] >= '0' && after[1] <= '9';
        if (starts && ends && !dotted)
            return true;
        at++;
    }
    return false;
}

static bool refuses_us(const struct reply_rules *rules, const struct smtp_reply *reply,
                       const struct ip_addr *own_address)
{
    bool matched = false;
    char text[ADDR_TEXT_SIZE];
    if (names_address(reply->text, reply->len, ip_addr_format(own_address, text)))
        return true;
    if (rules->database != NULL)
        hs_scan(rules->database, reply->text, reply->len, 0, rules->scratch, on_match, &matched);
    return matched;
}

void client_reply_set(struct client_reply *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(out->text, sizeof(out->text) - 2, format, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n;
    if (len > SMTP_REPLY_LINE_MAX - 2)
        len = SMTP_REPLY_LINE_MAX - 2;
    memcpy(out->text + len, "\r\n", 2);
    out->len = len + 2;
    out->changed = true;
}

/* As many whole lines as fit; the last one ends the reply. */
static void pass_on(const struct smtp_reply *reply, struct client_reply *out)
{
    size_t len = 0, last = 0;
    while (len < reply->len) {
        const char *newline = memchr(reply->text + len, '\n', reply->len - len);
        size_t end = newline == NULL ? reply->len : (size_t)(newline + 1 - reply->text);
        if (end > sizeof(out->text))
            break;
        last = len;
        len = end;
    }
    memcpy(out->text, reply->text, len);
    if (len >= last + 4 && out->text[last + 3] == '-')
        out->text[last + 3] = ' ';
    out->len = len;
    out->changed = false;
}

/* Codes that complain about what *we* said to the destination, not about the sender's message. */
static bool our_fault(unsigned code)
{
    return (code >= 500 && code <= 504) || code == 530 || code == 535 || code == 538;
}

static bool good(enum reply_phase phase, unsigned code)
{
    return phase == REPLY_TO_DATA ? code == 354 : code / 10 == 25;
}

bool reply_denies_mailbox(const struct smtp_reply *reply)
{
    unsigned code = reply->code;
    const struct smtp_enhanced *e = &reply->enhanced;
    if (e->klass != 0)
        return e->klass == 5 && (e->subject == 1 || (e->subject == 4 && e->detail == 1));
    return code == 550 || code == 551 || code == 553;
}

enum reply_meaning reply_judge(const struct reply_rules *rules, enum reply_phase phase,
                               const struct smtp_reply *reply, const struct ip_addr *own_address,
                               struct client_reply *out)
{
    unsigned code = reply->code;
    if (code == 421) {
        client_reply_set(out, "451 4.3.2 The destination is closing its service; try again later");
        return REPLY_UNAVAILABLE;
    }
    if (good(phase, code)) {
        pass_on(reply, out);
        return REPLY_GOOD;
    }
    if (code < 400 || our_fault(code)) {
        client_reply_set(out, "451 4.3.5 The destination answered out of place; try again later");
        return REPLY_OUT_OF_PLACE;
    }
    if (refuses_us(rules, reply, own_address)) {
        client_reply_set(out, "451 4.3.5 The destination refuses this relay; try again later");
        return REPLY_INFRASTRUCTURE;
    }
    if (phase == REPLY_TO_MAIL && code == 552) {
        /* At RCPT 552 would mean "too many recipients" (RFC 5321 §4.5.3.1.10). */
        struct span message = smtp_reply_message(reply);
        client_reply_set(out, "550 5.3.4 %.*s", (int)message.len, message.at);
        return REPLY_REFUSAL;
    }
    pass_on(reply, out);
    return REPLY_REFUSAL;
}
