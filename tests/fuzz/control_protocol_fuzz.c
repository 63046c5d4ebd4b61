/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bytes from a client of the control socket, cut as the first byte says: every line has one answer,
 * a JSON object with "ok" or "error" in it, whatever was in the line.
 */
#include <jansson.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/control/protocol.h"
#include "app/control/socket.h"
#include "fuzz.h"

static struct protocol protocol;
static struct control_socket *control;
static char path[64];

static void echo(void *user, struct call *call)
{
    const char *text = "";
    bool flag = false;
    json_t *list;
    (void)user;
    if (call_text(call, "text", true, &text) && call_flag(call, "flag", &flag) &&
        call_texts(call, "list", &list))
        call_answer(call,
                    json_pack("{s:s, s:b, s:O}", "text", text, "flag", (int)flag, "list", list));
}

static void forget(void)
{
    socket_close(control);
}

static void begin(void)
{
    static const struct protocol_command commands[] = {{"echo", echo, {"text", "flag", "list"}}};
    const char *why;
    protocol = (struct protocol){.commands = commands, .command_count = 1};
    snprintf(path, sizeof(path), "/tmp/splitmx-fuzz-%d", (int)getpid());
    struct socket_config config = {path, 0600, protocol_line, &protocol};
    control = socket_open(&config, &why);
    FUZZ_CHECK(control != NULL);
    atexit(forget);
}

static int connect_client(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    FUZZ_CHECK(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    socket_serve(control, 0);
    return fd;
}

/* Takes the answers that are complete; returns how many. */
static size_t take_answers(int fd, char *buf, size_t size, size_t *have)
{
    size_t count = 0;
    ssize_t n;
    while ((n = recv(fd, buf + *have, size - *have, 0)) > 0) {
        *have += (size_t)n;
        char *lf, *from = buf;
        while ((lf = memchr(from, '\n', (size_t)(buf + *have - from))) != NULL) {
            json_t *answer = json_loadb(from, (size_t)(lf - from), 0, NULL);
            FUZZ_CHECK((json_object_get(answer, "ok") != NULL) !=
                       (json_object_get(answer, "error") != NULL));
            json_decref(answer);
            count++;
            from = lf + 1;
        }
        *have -= (size_t)(from - buf);
        memmove(buf, from, *have);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char answers[1 << 20];
    size_t have = 0, lines = 0, answered = 0;
    if (size == 0 || size > 65536)
        return 0;
    if (control == NULL)
        begin();
    int fd = connect_client();
    size_t chunk = data[0] > 0 ? data[0] : 65536;
    for (size_t at = 1; at < size; at += chunk) {
        size_t n = size - at < chunk ? size - at : chunk;
        FUZZ_CHECK(send(fd, data + at, n, MSG_NOSIGNAL) == (ssize_t)n);
        for (size_t i = 0; i < n; i++)
            lines += data[at + i] == '\n';
        socket_serve(control, 0);
        answered += take_answers(fd, answers, sizeof(answers), &have);
    }
    socket_serve(control, 0);
    answered += take_answers(fd, answers, sizeof(answers), &have);
    FUZZ_CHECK(answered == lines && have == 0);
    close(fd);
    socket_serve(control, 0);
    return 0;
}
