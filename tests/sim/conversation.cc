// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/conversation.h"

#include <algorithm>

namespace sim
{

Talker::Talker(uint64_t id, unsigned side, const Manner &mine, const Manner &theirs, uint64_t seed)
    : id_(id), side_(side), speaker_(theirs.echo ? side : 1 - side), manner_(mine),
      expect_(theirs.echo ? mine.say : theirs.say), random_(seed)
{
}

void Talker::attach(struct stream *s, nsec_t now)
{
    stream_ = s;
    now_ = read_at_ = now;
    stream_set_handler(s, handle, this);
    speak();
}

void Talker::handle(struct stream *s, unsigned events, void *user)
{
    Talker *self = static_cast<Talker *>(user);
    if (self->stream_ != s || self->over) {
        self->fault = "an event for a dead handle";
        return;
    }
    if (events == 0)
        self->fault = "an event without reason";
    if (events & STREAM_OPEN)
        self->established = true;
    if (events & STREAM_EOF)
        self->eof_ = true;
    if (events & STREAM_DOWN) {
        // What came before is still readable.
        self->read_at_ = 0;
        self->manner_.read_most = SIZE_MAX;
        self->manner_.stop_at = self->manner_.abort_after = UINT64_MAX;
        self->manner_.echo = false; // nobody to say it to
        self->listen(self->now_);
        self->error = s->error;
        self->over = true;
        stream_close(s);
        return;
    }
    if (events & STREAM_DATA)
        self->listen(self->now_);
    if (!self->over)
        self->speak();
    if (!self->over)
        self->maybe_leave();
}

void Talker::tick(nsec_t now)
{
    now_ = now;
    if (stream_ == nullptr || over || stream_is_down(stream_))
        return;
    listen(now);
    if (!over)
        speak();
    if (!over)
        maybe_leave();
}

void Talker::speak()
{
    while (!manner_.echo && said < manner_.say && stream_room(stream_) > 0) {
        size_t n =
            size_t(std::min<uint64_t>(manner_.say - said, 1 + random_() % manner_.write_most));
        Bytes words(n);
        for (size_t k = 0; k < n; k++)
            words[k] = byte_at(id_, side_, said + k);
        if (!stream_write(stream_, words.data(), n))
            return; // no memory: again at the next tick
        said += n;
    }
}

void Talker::listen(nsec_t now)
{
    if (now < read_at_)
        return;
    read_at_ = now + manner_.read_pause;
    if (heard >= manner_.stop_at) {
        read_at_ = now + manner_.stop_for;
        manner_.stop_at = UINT64_MAX;
        return;
    }
    size_t left = manner_.read_most;
    while (left > 0 && stream_->readable > 0) {
        struct slice slices[4];
        size_t done = 0;
        unsigned n = stream_peek(stream_, 0, slices, 4);
        if (n == 0 && fault.empty())
            fault = "readable, but nothing to see";
        for (unsigned k = 0; k < n && left > 0; k++) {
            struct slice s = slices[k];
            if (s.len > left)
                s = {s.buf, s.data, uint32_t(left), 0, false};
            for (uint32_t i = 0; i < s.len && fault.empty(); i++)
                if (s.data[i] != byte_at(id_, speaker_, heard + i))
                    fault = "wrong byte at " + std::to_string(heard + i);
            if (manner_.echo) {
                if (stream_room(stream_) == 0 || !stream_forward(stream_, &s)) {
                    left = 0;
                    break;
                }
                said += s.len;
            }
            heard += s.len;
            done += s.len;
            left -= s.len;
        }
        if (done == 0)
            return;
        stream_consume(stream_, done);
        if (heard >= manner_.abort_after) {
            over = true;
            stream_abort(stream_);
            return;
        }
    }
}

void Talker::maybe_leave()
{
    if (heard > expect_ && fault.empty())
        fault = "more than was said";
    bool said_all = manner_.echo ? heard == expect_ : said == manner_.say;
    if (!said_all || (!complete() && !manner_.close_when_said))
        return;
    if (manner_.patient && stream_->acked != stream_->written)
        return;
    if (eof_ || manner_.leaves_first || manner_.close_when_said) {
        over = true;
        stream_close(stream_);
    }
}

} // namespace sim
