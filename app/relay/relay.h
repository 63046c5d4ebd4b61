/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One worker's relay: clients come in, each message goes to its destinations in-line, and the
 * client hears what they said. No queue: a message is the client's until its destination has it.
 *
 * Share nothing: sessions, transactions, destination connections, probes and counters are this
 * worker's.
 */
#ifndef SPLITMX_RELAY_RELAY_H
#define SPLITMX_RELAY_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "app/observe/maillog.h"
#include "app/relay/digest.h"
#include "app/relay/targets.h"
#include "app/route/snapshot.h"
#include "app/settings.h"
#include "drivers/base/check.h"
#include "drivers/base/counters.h"
#include "drivers/base/timer.h"

struct probe_list;
struct relay;
struct tcp;

struct relay_config {
    const struct settings *settings;
    const struct snapshot *snapshot;
    const struct probe_list *probes; /* for that snapshot; NULL: the relay makes its own */
    struct tcp *tcp;
    struct timer_wheel *wheel;
    struct maillog *log;
    unsigned worker;               /* index, 0.. */
    uint64_t seed;                 /* for jitter and the start of transaction ids */
    uint8_t secret[DIGEST_SECRET]; /* what retries are known by is keyed with it */
};

/* NULL, with a sentence in *why, if memory or the infrastructure_reject expression fails. Probes of
 * external servers start with the first round. */
struct relay *relay_create(const struct relay_config *config, nsec_t now, uint64_t wall,
                           const char **why);
void relay_destroy(struct relay *r);

/* Bytes of the objects that a relay preallocates, log records aside. */
uint64_t relay_memory(const struct settings *s);

/* Of these, bytes that a session takes while it says nothing. */
uint32_t relay_session_memory(void);

/*
 * Between rounds: route by this snapshot from now on, with these probes (NULL: those that there
 * are). Verdicts that were given stay as they are. The snapshot before is not referred to any more,
 * its list of probes as soon as relay_settle() is true.
 */
void relay_adopt(struct relay *r, const struct snapshot *s, const struct probe_list *probes);

/* Between rounds: start and stop a few of the probes that have changed. True when all are. */
bool relay_settle(struct relay *r);

/* Any thread: the oldest generation that an open transaction has a verdict of; without one, that of
 * the snapshot in use. */
uint64_t relay_oldest_generation(const struct relay *r);

/* Once per round: the monotonic clock, and nanoseconds since the epoch. */
void relay_set_now(struct relay *r, nsec_t now, uint64_t wall);

/* Once per round, after the streams' events were delivered: what they set off, and what has ended.
 */
void relay_run(struct relay *r);

/* Listen as settings say. False if an endpoint is taken or memory is out. */
MUST_CHECK bool relay_listen(struct relay *r);

/* Stop accepting; idle clients are told 421, the others when their transaction is over. */
void relay_shutdown(struct relay *r);

/* True when the last client and the last destination have gone. */
bool relay_finished(const struct relay *r);

/* The end of shutdown_timeout: RST to the clients that are left; messages whose destination has not
 * answered the end of data are logged as in doubt. */
void relay_abort(struct relay *r);

/* Live numbers, for status and for tests that nothing leaks. */
struct relay_usage {
    uint32_t sessions, transactions, recipients, connections, connections_idle;
};
struct relay_usage relay_usage(const struct relay *r);

/* What a destination offered in its last answer to EHLO. */
struct relay_offer {
    const char *server; /* "192.0.2.10:25" */
    const struct servers *servers;
    enum smtp_identity_kind identity;
    bool known;    /* it has answered */
    bool degraded; /* it has refused this relay itself, and accepted no recipient since */
    smtp_extension_set offers;
    uint64_t size_limit; /* of SIZE; 0: none given */
};

/* Any thread: of the destination of that index, from 0 on. False: there are not as many. */
bool relay_offer(const struct relay *r, unsigned index, struct relay_offer *out);

/* Any thread: where these servers are by now, with what this worker knows of each. */
void relay_targets(const struct relay *r, const struct servers *servers,
                   enum smtp_identity_kind identity, struct targets *out);

/* Of what clients are offered by any listener, what a destination that offers this lacks. */
smtp_extension_set relay_lacking(const struct settings *s, const struct relay_offer *offer);

#define RELAY_COUNTERS(X)                                                                          \
    X(RELAY_SESSIONS, "client sessions accepted")                                                  \
    X(RELAY_SESSIONS_SHED, "client sessions refused with 421: too many, or shutting down")         \
    X(RELAY_PROXY_HEADERS, "client sessions whose client a PROXY header named")                    \
    X(RELAY_PROXY_BAD, "connections closed for a PROXY header that was wrong or did not come")     \
    X(RELAY_PROXY_REFUSED, "connections closed for a PROXY header from outside proxy_from")        \
    X(RELAY_XCLIENT, "clients that XCLIENT named")                                                 \
    X(RELAY_XCLIENT_REFUSED, "clients closed for XCLIENT from outside xclient_from")               \
    X(RELAY_LIMIT_CONNECTIONS, "client sessions refused with 421: too many of their network")      \
    X(RELAY_LIMIT_MESSAGES, "messages deferred: message_rate of the client's network")             \
    X(RELAY_LIMIT_RECIPIENTS, "recipients deferred: recipient_rate of the client's network")       \
    X(RELAY_LIMIT_INVALID, "recipients deferred: invalid_rate of the client's network")            \
    X(RELAY_LIMIT_ERRORS, "clients closed for their network's error_rate")                         \
    X(RELAY_CLIENT_TOO_SLOW, "clients closed for sending less than min_data_rate")                 \
    X(RELAY_CLIENT_TIMEOUTS, "clients that were silent for too long")                              \
    X(RELAY_CLIENT_LOST, "clients that went away without QUIT")                                    \
    X(RELAY_CLIENT_ERRORS, "commands refused for their syntax or order")                           \
    X(RELAY_CLIENT_EARLY, "clients closed for speaking before it was their turn")                  \
    X(RELAY_CLIENT_TOO_MANY_ERRORS, "clients closed for too many errors")                          \
    X(RELAY_TRANSACTIONS, "transactions begun with MAIL")                                          \
    X(RELAY_RECIPIENTS, "recipients given with RCPT")                                              \
    X(RELAY_VERDICT_LOCAL, "recipients routed to a mailbox server")                                \
    X(RELAY_VERDICT_EXTERNAL, "recipients routed to an external server")                           \
    X(RELAY_VERDICT_UNKNOWN, "recipients without a mailbox")                                       \
    X(RELAY_VERDICT_REFUSED, "recipients in domains that are not ours")                            \
    X(RELAY_VERDICT_SAME_SIDE, "recipients that would have gone back to where they came from")     \
    X(RELAY_VERDICT_ROUTED, "recipients with a routed address")                                    \
    X(RELAY_VERDICT_BAD, "recipients whose address cannot be")                                     \
    X(RELAY_VERDICT_FAILED, "recipients that could not be looked up: out of memory")               \
    X(RELAY_RCPT_EXTERNAL_DOWN,                                                                    \
      "recipients deferred: the external server is not verified or down")                          \
    X(RELAY_RCPT_SECOND_LEG, "recipients deferred: of one destination too many in a transaction")  \
    X(RELAY_RCPT_SECOND_LEG_BUSY,                                                                  \
      "recipients deferred: no connection free to their destination, beside another's")            \
    X(RELAY_RCPT_HINTED, "recipients deferred: retried after a disagreement, another's turn")      \
    X(RELAY_SHORTFALL_SIZE, "recipients refused: the message is too big for their destination")    \
    X(RELAY_SHORTFALL_8BITMIME, "recipients refused: no 8BITMIME at their destination")            \
    X(RELAY_SHORTFALL_BINARYMIME, "recipients refused: no BINARYMIME at their destination")        \
    X(RELAY_SHORTFALL_SMTPUTF8, "recipients refused: no SMTPUTF8 at their destination")            \
    X(RELAY_SHORTFALL_DSN, "recipients refused: NOTIFY=SUCCESS, and no DSN at their destination")  \
    X(RELAY_SHORTFALL_LIMITS,                                                                      \
      "recipients deferred: too many in a transaction of their destination")                       \
    X(RELAY_FAILED_OVER, "connections that another server of the destination was asked for")       \
    X(RELAY_RCPT_PENDING,                                                                          \
      "recipients deferred: asked for too often before the first was answered")                    \
    X(RELAY_RCPT_LOOPED, "recipients deferred: an earlier try of their message had been there")    \
    X(RELAY_RCPT_TOO_MANY, "recipients deferred: too many in one transaction")                     \
    X(RELAY_RCPT_NO_MEMORY, "recipients deferred: out of log records or memory")                   \
    X(RELAY_RCPT_ACCEPTED, "recipients that a destination accepted")                               \
    X(RELAY_RCPT_REFUSED, "recipients that a destination refused")                                 \
    X(RELAY_RCPT_LAGGING, "of these, deferred instead: moved, and not known there yet")            \
    X(RELAY_MESSAGES, "messages that a destination accepted")                                      \
    X(RELAY_CHUNKED, "messages whose content a client began to send by BDAT")                      \
    X(RELAY_LEGS_CHUNKED, "deliveries of those begun by BDAT, as the destination takes it")        \
    X(RELAY_MESSAGES_FANNED_OUT, "of those, with several destinations, which all accepted them")   \
    X(RELAY_MESSAGES_PARTIAL, "messages that one destination accepted and another did not")        \
    X(RELAY_MESSAGES_PARTIAL_UNKNOWN,                                                              \
      "of those, without a Message-ID or out of memory: a retry will not be known")                \
    X(RELAY_HINTS, "messages whose destinations disagreed: the retry goes to each by itself")      \
    X(RELAY_MESSAGES_OVERTAKEN, "messages deferred: an earlier try of them was still under way")   \
    X(RELAY_LEGS_SUPPRESSED, "deliveries left out: the destination had them from an earlier try")  \
    X(RELAY_LEGS_REPEATED, "deliveries repeated after doubt: possible duplicates")                 \
    X(RELAY_UNHEARD, "messages whose client left before it could hear what came of them")          \
    X(RELAY_UNHEARD_UNKNOWN, "of these, that a retry will not be known by: long or without id")    \
    X(RELAY_MEMO_FORGOTTEN,                                                                        \
      "recipients delivered in part of a message that were forgotten before its retry came")       \
    X(RELAY_MEMO_FULL, "messages or recipients that a retry will not be known by: out of memory")  \
    X(RELAY_MESSAGES_REFUSED, "messages that a destination refused")                               \
    X(RELAY_MESSAGES_IN_DOUBT, "messages whose answer never came: a retry may deliver again")      \
    X(RELAY_MESSAGES_ABANDONED, "messages whose client went away or gave up")                      \
    X(RELAY_MESSAGES_MENDED, "messages in which bare CR or LF was repaired")                       \
    X(RELAY_MESSAGES_BARE_NEWLINE, "messages refused for a bare CR or LF")                         \
    X(RELAY_MESSAGES_NUL, "messages refused for a NUL")                                            \
    X(RELAY_MESSAGES_LOOPED, "messages refused or deferred: they had been where they were to go")  \
    X(RELAY_MESSAGES_TOO_FAR, "messages refused: more than hop_limit Received fields")             \
    X(RELAY_MESSAGES_TOO_BIG, "messages refused for their size")                                   \
    X(RELAY_MESSAGES_FAILED, "messages that failed before their end: destination lost or stalled") \
    X(RELAY_DELIVERED, "recipients delivered")                                                     \
    X(RELAY_CLIENT_BYTES, "octets of content received")                                            \
    X(RELAY_CONNECTS, "connections opened to destinations")                                        \
    X(RELAY_CONNECTS_FAILED, "connections to destinations that failed before they were usable")    \
    X(RELAY_CONNECTIONS_REUSED, "transactions on a connection that was kept")                      \
    X(RELAY_CONNECTIONS_LOST, "destination connections lost while in use")                         \
    X(RELAY_CONNECTIONS_RETRIED, "transactions moved to a fresh connection")                       \
    X(RELAY_IDENTITY_MISSED, "connections whose destination did not offer to learn of the client") \
    X(RELAY_REPLAYS, "deliveries begun again: the connection was lost before the message's end")   \
    X(RELAY_REPLAYED, "of those, that have caught up with what the client had sent")               \
    X(RELAY_REPLAY_FAILED, "of those, that ended before: refused, lost again or too slow")         \
    X(RELAY_REPLAY_TOO_BIG, "deliveries lost and not begun again: beyond replay_bytes")            \
    X(RELAY_REPLAY_NO_MEMORY, "deliveries lost and not begun again: memory was short")             \
    X(RELAY_REPLAY_LOST_AGAIN, "deliveries lost and not begun again: for the second time")         \
    X(RELAY_REPLAY_TOO_LATE, "deliveries lost and not begun again: no time left for it")           \
    X(RELAY_REPLAY_BUSY, "deliveries lost and not begun again: no connection free")                \
    X(RELAY_REPLAY_MENDED, "deliveries lost and not begun again: of content with many repairs")    \
    X(RELAY_REPLAY_BINARY, "deliveries lost and not begun again: of binary content")               \
    X(RELAY_REPLAY_NO_CLIENT, "deliveries lost and not begun again: the client had gone")          \
    X(RELAY_KEPT_NO_MEMORY, "messages not kept for a second connection: memory was short")         \
    X(RELAY_WAITED, "transactions that waited for a connection to their destination")              \
    X(RELAY_WAITED_SHARE, "of these, because their client's network or domain had its share")      \
    X(RELAY_TIMEOUT_RCPT, "recipients deferred: the destination did not answer in time")           \
    X(RELAY_TIMEOUT_DATA, "messages deferred: no 354 in time")                                     \
    X(RELAY_TIMEOUT_CONTENT, "messages deferred: the destination stopped taking content")          \
    X(RELAY_TIMEOUT_COMMIT, "messages in doubt: no answer to the end of data in time")             \
    X(RELAY_REPLY_CHANGED, "destination replies that were not passed on as they were")             \
    X(RELAY_REPLY_OUT_OF_PLACE,                                                                    \
      "destination replies that no command asked for, or of a wrong kind")                         \
    X(RELAY_REPLY_MALFORMED, "destination replies that are not SMTP")                              \
    X(RELAY_ALARMS, "alarms: our fault or the infrastructure's, see the log")                      \
    X(RELAY_PROBES, "probes of external servers begun")                                            \
    X(RELAY_PROBES_ACCEPTED, "probes whose address was accepted")                                  \
    X(RELAY_PROBES_REFUSED, "probes whose address was refused")                                    \
    X(RELAY_PROBES_FAILED, "probes that found no working server")                                  \
    X(RELAY_SHUTDOWN_ABORTED, "sessions cut off at the end of shutdown_timeout")                   \
    X(RELAY_IMPOSSIBLE, "connections given up in a state that cannot be")

enum relay_counter { RELAY_COUNTERS(COUNTER_ENUM) RELAY_COUNTER_COUNT };
extern const struct counter_list relay_counter_list;
const uint64_t *relay_counters(const struct relay *r);

#endif
