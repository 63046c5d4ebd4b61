/* SPDX-License-Identifier: BSD-3-Clause */
/* What a destination lacks. */
#include "app/relay/shortfall.h"

#include "app/relay/state.h"

static struct span domain_of(const struct recipient *rcpt)
{
    const char *to = rcpt->record->to, *at = strrchr(to, '@');
    return at != NULL ? (struct span){at + 1, strlen(at + 1)} : (struct span){"", 0};
}

static bool same_domain(const struct recipient *a, const struct recipient *b)
{
    struct span x = domain_of(a);
    return span_is(x, domain_of(b).at);
}

/* Is `rcpt` the first of its domain that the destination is asked for in this transaction? */
static bool is_first_of_domain(const struct envelope *e, const struct recipient *rcpt)
{
    const struct recipient *other;
    TAILQ_FOREACH (other, &e->recipients, entry) {
        if (other->leg == rcpt->leg && other != rcpt && other->known_there &&
            other->record != NULL && same_domain(other, rcpt))
            return false;
    }
    return true;
}

/* Would one more recipient be one too many (RFC 9422 §4)? */
static bool beyond_limits(const struct envelope *e, const struct leg *leg,
                          const struct recipient *rcpt, const struct smtp_extensions *there)
{
    const struct recipient *other;
    unsigned recipients = 0, domains = 0;
    if (there->rcpt_max == 0 && there->rcpt_domain_max == 0)
        return false;
    TAILQ_FOREACH (other, &e->recipients, entry) {
        if (other->leg != leg || !other->known_there)
            continue;
        recipients++;
        domains += other->first_of_domain;
    }
    if (there->rcpt_max > 0 && recipients >= there->rcpt_max)
        return true;
    return there->rcpt_domain_max > 0 && domains >= there->rcpt_domain_max &&
           is_first_of_domain(e, rcpt);
}

void shortfall_note(const struct envelope *e, struct recipient *rcpt,
                    const struct smtp_extensions *there)
{
    if (there->rcpt_domain_max > 0)
        rcpt->first_of_domain = is_first_of_domain(e, rcpt);
    rcpt->known_there = true;
}

const char *shortfall(struct relay *r, const struct envelope *e, const struct leg *leg,
                      const struct recipient *rcpt, const struct smtp_extensions *there)
{
    if (e->mail.size > 0 && there->size_limit > 0 && e->mail.size > there->size_limit) {
        relay_count(r, RELAY_SHORTFALL_SIZE);
        return "550 5.3.4 The message is too big for the recipient's server";
    }
    if (e->mail.body == SMTP_BODY_8BITMIME && !there->eightbitmime) {
        relay_count(r, RELAY_SHORTFALL_8BITMIME);
        return "550 5.6.3 The recipient's server does not take 8-bit content";
    }
    if (e->mail.body == SMTP_BODY_BINARYMIME && !(there->binarymime && there->chunking)) {
        relay_count(r, RELAY_SHORTFALL_BINARYMIME);
        return "550 5.6.3 The recipient's server does not take binary content";
    }
    if (e->mail.utf8 && !there->smtputf8) {
        relay_count(r, RELAY_SHORTFALL_SMTPUTF8);
        return "550 5.6.7 The recipient's server does not take internationalized mail";
    }
    if ((rcpt->notify & SMTP_NOTIFY_SUCCESS) != 0 && !there->dsn) {
        relay_count(r, RELAY_SHORTFALL_DSN);
        return "550 5.3.3 The recipient's server cannot notify of success: ask for none";
    }
    if (beyond_limits(e, leg, rcpt, there)) {
        relay_count(r, RELAY_SHORTFALL_LIMITS);
        return "452 4.5.3 Too many recipients for the recipient's server; send it next";
    }
    return NULL;
}

struct smtp_mail_parameters shortfall_mail(const struct envelope *e,
                                           const struct smtp_extensions *there)
{
    struct smtp_mail_parameters p = {.utf8 = e->mail.utf8};
    if (there->size)
        p.size = e->mail.size;
    if (there->eightbitmime || e->mail.body == SMTP_BODY_BINARYMIME)
        p.body = e->mail.body;
    if (there->dsn) {
        p.ret = e->mail.ret;
        p.envid = (struct span){e->envid, strlen(e->envid)};
    }
    return p;
}

struct smtp_rcpt_parameters shortfall_rcpt(const struct recipient *rcpt,
                                           const struct smtp_extensions *there)
{
    struct smtp_rcpt_parameters p = {0};
    if (there->dsn) {
        p.notify = rcpt->notify;
        p.orcpt = (struct span){rcpt->orcpt, strlen(rcpt->orcpt)};
    }
    return p;
}

smtp_extension_set shortfall_lacking(smtp_extension_set offered, uint64_t size_limit,
                                     smtp_extension_set there, uint64_t size_there)
{
    const smtp_extension_set ours = /* done here, whatever the destination can */
        smtp_set(SMTP_PIPELINING) | smtp_set(SMTP_ENHANCED_CODES) | smtp_set(SMTP_LIMITS) |
        smtp_set(SMTP_CHUNKING) | smtp_set(SMTP_SIZE);
    smtp_extension_set lacking = offered & ~there & ~ours;
    if ((offered & smtp_set(SMTP_BINARYMIME)) != 0 && (there & smtp_set(SMTP_CHUNKING)) == 0)
        lacking |= smtp_set(SMTP_BINARYMIME);
    if (size_there > 0 && size_there < size_limit)
        lacking |= smtp_set(SMTP_SIZE);
    return lacking;
}
