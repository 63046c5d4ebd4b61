/* SPDX-License-Identifier: BSD-3-Clause */
/* Marks: made, and looked for. */
#include "app/relay/loop.h"

#include <stdlib.h>

#include "app/relay/destination.h"
#include "app/relay/state.h"
#include "app/relay/transaction.h"
#include "app/smtp/header.h"

#define KNOWN 1024 /* recipients */

/* One that is to come by itself. */
struct known {
    struct digest who;
    nsec_t until;
};

struct loops {
    struct digester marks;
    nsec_t until; /* the last of `known` is forgotten then */
    struct known known[KNOWN];
};

bool loop_create(struct relay *r, const uint8_t secret[DIGEST_SECRET])
{
    static const char purpose[] = "where a message has been";
    const char *key = r->settings->fleet_key;
    r->loops = calloc(1, sizeof(*r->loops));
    return r->loops != NULL &&
           (key != NULL ? digester_create(&r->loops->marks, purpose, key, strlen(key))
                        : digester_create(&r->loops->marks, purpose, secret, DIGEST_SECRET));
}

void loop_destroy(struct relay *r)
{
    if (r->loops != NULL)
        digester_destroy(&r->loops->marks);
    free(r->loops);
}

/* ----------------------------------------------------------------------------------- marks -- */

static bool takes_part(const struct recipient *rcpt)
{
    return rcpt->leg != NULL && rcpt->record != NULL && rcpt->leg->state != LEG_CANCELLED;
}

/* Local parts do not differ in case here. False if the library fails: then there is no mark. */
static bool mark_of(const struct recipient *rcpt, uint64_t *mark)
{
    struct digester *d = &rcpt->leg->relay->loops->marks;
    const uint64_t *there = destination_id(rcpt->leg->destination);
    const char *to = rcpt->record->to;
    char lower[SMTP_PATH_MAX + 1];
    struct digest digest;
    size_t len = 0;
    for (; to[len] != '\0'; len++)
        lower[len] = char_lower(to[len]);
    if (!digest_start(d) || !digest_add(d, there, sizeof(*there)) || !digest_add(d, lower, len) ||
        !digest_finish(d, &digest))
        return false;
    *mark = digest.words[0];
    return true;
}

unsigned loop_marks(const struct transaction *t, const struct leg *leg,
                    uint64_t marks[SMTP_RECEIVED_MARKS])
{
    const struct recipient *rcpt;
    unsigned count = 0;
    TAILQ_FOREACH (rcpt, &t->envelope.recipients, entry) {
        if (count == SMTP_RECEIVED_MARKS)
            break;
        if (rcpt->leg == leg && takes_part(rcpt) && mark_of(rcpt, &marks[count]))
            count++;
    }
    return count;
}

/* ----------------------------------------------------------------------------------- known -- */

static bool name(const struct transaction *t, const struct mail_record *record,
                 const struct destination *d, struct digest *who)
{
    return digest_of_parties(&t->relay->digester, &record->client.addr, t->envelope.sender,
                             record->to, destination_id(d), who);
}

static struct known *place_of(struct loops *loops, const struct digest *who)
{
    return &loops->known[who->words[0] % KNOWN];
}

static void remember(struct transaction *t, const struct recipient *rcpt)
{
    struct loops *loops = t->relay->loops;
    struct digest who;
    if (!name(t, rcpt->record, rcpt->leg->destination, &who))
        return;
    loops->until = t->relay->now + t->relay->settings->hint_ttl;
    *place_of(loops, &who) = (struct known){who, loops->until};
}

bool loop_defers(struct transaction *t, const struct mail_record *record,
                 const struct destination *d)
{
    struct loops *loops = t->relay->loops;
    nsec_t now = t->relay->now;
    struct digest who;
    if (loops->until <= now || !name(t, record, d, &who))
        return false;
    struct known *k = place_of(loops, &who);
    if (k->until <= now || !digest_equal(&k->who, &who))
        return false;
    k->until = 0;
    return true;
}

/* ----------------------------------------------------------------------------------- found -- */

static bool has_been(const struct transaction *t, const struct recipient *rcpt)
{
    uint64_t mark;
    if (!mark_of(rcpt, &mark))
        return false;
    for (unsigned i = 0; i < t->content.mark_count; i++) {
        if (t->content.marks[i] == mark)
            return true;
    }
    return false;
}

static void remember_all(struct transaction *t)
{
    const struct recipient *rcpt;
    TAILQ_FOREACH (rcpt, &t->envelope.recipients, entry) {
        if (takes_part(rcpt) && has_been(t, rcpt))
            remember(t, rcpt);
    }
}

/* Both systems are named: where it has been, and where it came back from. */
static void tell(struct transaction *t, const struct recipient *rcpt, bool all,
                 struct client_reply *reply)
{
    const char *there = destination_name(rcpt->leg->destination);
    char from[ADDR_TEXT_SIZE];
    ip_addr_format(&t->client->address.addr, from);
    relay_alarm(t->relay, "mail loop: %s has been at %s and came back from %s [%s]",
                rcpt->record->to, there, t->client->helo, from);
    client_reply_set(reply, "%s Mail loop: <%s> has been at %s and came back from [%s]%s",
                     all ? "554 5.4.6" : "451 4.4.6", rcpt->record->to, there, from,
                     all ? "" : "; the others are taken next time");
}

static bool circles(struct transaction *t, struct client_reply *reply)
{
    const struct recipient *rcpt, *first = NULL;
    unsigned there = 0, all = 0;
    TAILQ_FOREACH (rcpt, &t->envelope.recipients, entry) {
        if (!takes_part(rcpt))
            continue;
        all++;
        if (!has_been(t, rcpt))
            continue;
        there++;
        if (first == NULL)
            first = rcpt;
    }
    if (there == 0)
        return false;
    tell(t, first, there == all, reply);
    if (there < all)
        remember_all(t);
    return true;
}

bool loop_found(struct transaction *t, struct client_reply *reply, enum relay_counter *why)
{
    unsigned limit = t->relay->settings->hop_limit;
    if (t->way_known || !(smtp_header_done(&t->content) || t->content.ended))
        return false;
    t->way_known = true;
    if (t->content.hops > limit) {
        *why = RELAY_MESSAGES_TOO_FAR;
        client_reply_set(reply, "554 5.4.14 Too many hops: %u; allowed: %u (a mail loop?)",
                         t->content.hops, limit);
        return true;
    }
    *why = RELAY_MESSAGES_LOOPED;
    return t->content.mark_count > 0 && circles(t, reply);
}
