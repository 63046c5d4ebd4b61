// SPDX-License-Identifier: BSD-3-Clause
// One end of an SMTP connection, as its program sees it: text out, lines in.
#ifndef SPLITMX_TESTS_SIM_TALK_H
#define SPLITMX_TESTS_SIM_TALK_H

#include <string>

extern "C" {
#include "drivers/stream.h"
}

namespace sim
{

class Talk
{
  public:
    Talk() = default;
    Talk(const Talk &) = delete;
    ~Talk()
    {
        reset();
    }
    void attach(struct stream *s);
    static void handle(struct stream *s, unsigned events, void *self);
    // Text goes out as there is room: see push().
    void say(const std::string &text)
    {
        unsaid += text;
        push();
    }
    void push();
    // The next line without its CRLF; false if none is complete.
    bool line(std::string *out);
    // What was said is still sent.
    void close();
    void reset();
    bool gone() const // nothing more will be heard
    {
        return stream == nullptr || stream->eof || stream_is_down(stream);
    }
    uint64_t acked() const
    {
        return stream == nullptr ? 0 : stream->acked;
    }
    bool all_acked() const
    {
        return unsaid.empty() && stream != nullptr && stream_unacked(stream) == 0;
    }

    struct stream *stream = nullptr;
    bool open = false;
    bool reading = true; // else it stays in the receive window
    std::string heard, unsaid;
};

} // namespace sim

#endif
