/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one byte stream that app/ sees. TCP provides it today, TLS over TCP will; so nothing here
 * promises more than TLS can keep.
 *
 * Events. A provider notes events while packets are processed and delivers them afterwards, with
 * none of its own frames on the stack: inside a handler every call below is allowed, on any stream,
 * closing the very stream included. Events that arrive together are delivered as one mask.
 *
 * Life. A stream belongs to the application from tcp_connect() or the accept callback until the
 * application calls stream_close() or stream_abort(): then the handle is dead and delivers nothing
 * more. STREAM_DOWN does not free it.
 *
 *     OPENING --STREAM_OPEN--> open --STREAM_EOF--> half-closed --STREAM_DOWN--> down
 *        `-----------------------`------STREAM_DOWN------'
 *
 * Order of bytes out: everything given to stream_write() and stream_forward() is sent in that
 * order. Output is not sent at once, but when the worker flushes at the end of its round: calls
 * made in one handler leave together.
 */
#ifndef SPLITMX_STREAM_H
#define SPLITMX_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/base/addr.h"
#include "drivers/base/check.h"
#include "drivers/base/slice.h"

enum stream_event {
    STREAM_OPEN = 1 << 0,  /* the connection (later: the handshake) is established */
    STREAM_DATA = 1 << 1,  /* there is more to read than at the last event */
    STREAM_ACKED = 1 << 2, /* the peer acknowledged more: stream_acked() grew, room may have too */
    STREAM_EOF = 1 << 3,   /* the peer will send nothing after what is readable now */
    STREAM_DOWN = 1 << 4,  /* the connection is gone, stream_error() says why */
};

/* Why a stream is down. */
#define STREAM_ERRORS(X)                                                                           \
    X(STREAM_OK, "not down")                                                                       \
    X(STREAM_CLOSED, "both sides closed")                                                          \
    X(STREAM_REFUSED, "connection refused")                                                        \
    X(STREAM_RESET, "connection reset by peer")                                                    \
    X(STREAM_TIMED_OUT, "connection timed out")                                                    \
    X(STREAM_UNREACHABLE, "host or network unreachable")                                           \
    X(STREAM_NO_MEMORY, "out of memory")
#define STREAM_ERROR_ENUM(name, text) name,
enum stream_error { STREAM_ERRORS(STREAM_ERROR_ENUM) STREAM_ERROR_COUNT };

/* The sentence above. */
const char *stream_error_text(enum stream_error error);

struct stream;
typedef void stream_handler(struct stream *s, unsigned events, void *user);

struct stream_ops {
    unsigned (*peek)(struct stream *s, size_t skip, struct slice *out, unsigned n);
    void (*consume)(struct stream *s, size_t bytes);
    bool (*write)(struct stream *s, const void *data, size_t len);
    bool (*forward)(struct stream *s, const struct slice *slice);
    void (*close)(struct stream *s);
    void (*abort)(struct stream *s);
};

/* Embedded first in a provider's connection. The fields are the provider's; use the calls below. */
struct stream {
    const struct stream_ops *ops;
    stream_handler *handler;
    void *user;
    struct endpoint local, peer;
    uint64_t written;  /* bytes taken by write and forward since the start */
    uint64_t acked;    /* of those, acknowledged by the peer */
    size_t readable;   /* bytes received in order and not consumed */
    size_t send_limit; /* written - acked at which stream_room() is 0 */
    enum stream_error error;
    bool eof; /* the peer closed its half; `readable` is all there will be */
};

static inline void stream_set_handler(struct stream *s, stream_handler *handler, void *user)
{
    s->handler = handler;
    s->user = user;
}

/*
 * Look at received bytes without consuming them: fills at most n slices, from `skip` bytes after
 * the first unread byte on, and returns how many. The slices are *borrowed*: valid until bytes of
 * theirs are consumed or the handler returns; slice_sub() makes a reference that lasts.
 */
static inline unsigned stream_peek(struct stream *s, size_t skip, struct slice *out, unsigned n)
{
    return s->ops->peek(s, skip, out, n);
}

/* Give back the first `bytes` (<= s->readable) received bytes; the receive window opens by them. */
static inline void stream_consume(struct stream *s, size_t bytes)
{
    s->ops->consume(s, bytes);
}

/* Copy len bytes into the send queue: all or, if memory is short or the stream is down, none
 * (false). Not bounded by stream_room(): replies and commands always fit. */
MUST_CHECK static inline bool stream_write(struct stream *s, const void *data, size_t len)
{
    return s->ops->write(s, data, len);
}

/* Queue the slice's bytes without a copy; takes a reference of its own, the caller keeps its one.
 * False as for stream_write(). */
MUST_CHECK static inline bool stream_forward(struct stream *s, const struct slice *slice)
{
    return s->ops->forward(s, slice);
}

/* How many bytes may be queued before the sender should wait for STREAM_ACKED. */
static inline size_t stream_room(const struct stream *s)
{
    uint64_t queued = s->written - s->acked;
    return queued < s->send_limit ? s->send_limit - (size_t)queued : 0;
}

/* Bytes queued or in flight, not acknowledged by the peer's TCP. */
static inline uint64_t stream_unacked(const struct stream *s)
{
    return s->written - s->acked;
}

static inline bool stream_is_down(const struct stream *s)
{
    return s->error != STREAM_OK;
}

/* Everything queued is still sent, then our half is closed; what the peer sends is discarded. The
 * handle is dead. */
static inline void stream_close(struct stream *s)
{
    s->ops->close(s);
}

/* RST now; queued bytes are dropped. The handle is dead. */
static inline void stream_abort(struct stream *s)
{
    s->ops->abort(s);
}

#endif
