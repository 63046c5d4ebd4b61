/* SPDX-License-Identifier: BSD-3-Clause */
/* The other end of the control socket. */
#include "app/splitmxctl/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int client_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static int send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

json_t *client_ask(int fd, const json_t *request, int quiet)
{
    json_t *answer = NULL;
    char *text = json_dumps(request, JSON_COMPACT), *line = NULL;
    size_t room = 0;
    FILE *in = fdopen(dup(fd), "r");
    if (text == NULL || in == NULL || send_all(fd, text, strlen(text)) != 0 ||
        send_all(fd, "\n", 1) != 0)
        goto out;
    while (getline(&line, &room, in) > 0) {
        answer = json_loads(line, 0, NULL);
        const char *word = json_string_value(json_object_get(answer, "progress"));
        if (word == NULL)
            break;
        if (!quiet)
            fprintf(stderr, "%s\n", word);
        json_decref(answer);
        answer = NULL;
    }
out:
    if (in != NULL)
        fclose(in);
    free(text);
    free(line);
    return answer;
}
