// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/talk.h"

#include <algorithm>

namespace sim
{

void Talk::attach(struct stream *s)
{
    stream = s;
    stream_set_handler(s, handle, this);
}

void Talk::handle(struct stream *s, unsigned events, void *user)
{
    Talk *self = static_cast<Talk *>(user);
    if (events & STREAM_OPEN)
        self->open = true;
    struct slice slice;
    while (self->reading && stream_peek(s, 0, &slice, 1) > 0) {
        size_t n = slice.len;
        self->heard.append(reinterpret_cast<const char *>(slice.data), n);
        stream_consume(s, n);
    }
}

void Talk::push()
{
    if (stream == nullptr || stream_is_down(stream))
        return;
    size_t said = 0; // taking it off the front each time would cost its square
    while (said < unsaid.size()) {
        size_t n = std::min({unsaid.size() - said, stream_room(stream), size_t(4000)});
        if (n == 0 || !stream_write(stream, unsaid.data() + said, n))
            break;
        said += n;
    }
    unsaid.erase(0, said);
}

bool Talk::line(std::string *out)
{
    size_t end = heard.find("\r\n");
    if (end == std::string::npos)
        return false;
    *out = heard.substr(0, end);
    heard.erase(0, end + 2);
    return true;
}

void Talk::close()
{
    if (stream != nullptr)
        stream_close(stream);
    stream = nullptr;
}

void Talk::reset()
{
    if (stream != nullptr)
        stream_abort(stream);
    stream = nullptr;
}

} // namespace sim
