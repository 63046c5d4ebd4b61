/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines become calls, calls become lines. */
#include "app/control/protocol.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/memory.h"

static const char *const codes[] = {
#define CODE(name, code, sentence) [name] = code,
    PROTOCOL_ERRORS(CODE)
#undef CODE
};

static void send_line(struct peer *peer, json_t *id, const char *what, json_t *value)
{
    json_t *line = json_object();
    if (id != NULL)
        json_object_set(line, "id", id);
    json_object_set_new(line, what, value);
    char *text = memory_must(json_dumps(line, JSON_COMPACT));
    peer_send(peer, text, strlen(text));
    free(text);
    json_decref(line);
}

static json_t *error_value(enum protocol_error error, const char *format, va_list arguments)
{
    char *text;
    if (vasprintf(&text, format, arguments) < 0)
        text = memory_must(NULL);
    /* What it quotes may not be UTF-8. */
    json_t *said = json_string(text);
    if (said == NULL)
        said = json_string("the text of this error is not UTF-8");
    json_t *value = json_pack("{s:s, s:o}", "code", codes[error], "text", said);
    free(text);
    return value;
}

static void end(struct call *call)
{
    json_decref(call->request);
    peer_unref(call->peer);
    free(call);
}

void call_answer(struct call *call, json_t *result)
{
    call->protocol->answered++;
    send_line(call->peer, json_object_get(call->request, "id"), "ok", result);
    end(call);
}

void call_fail(struct call *call, enum protocol_error error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    json_t *value = error_value(error, format, arguments);
    va_end(arguments);
    call->protocol->errors[error]++;
    send_line(call->peer, json_object_get(call->request, "id"), "error", value);
    end(call);
}

void call_progress(struct call *call, const char *format, ...)
{
    va_list arguments;
    char text[256];
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    json_t *said = json_string(text); /* what it names may be no UTF-8, or cut inside a character */
    send_line(call->peer, json_object_get(call->request, "id"), "progress",
              said != NULL ? said : json_string("..."));
}

bool call_text(struct call *call, const char *name, bool required, const char **out)
{
    const json_t *value = json_object_get(call->request, name);
    if (value == NULL && !required)
        return true;
    if (!json_is_string(value)) {
        call_fail(call, PROTOCOL_BAD_REQUEST, "\"%s\" is %s; allowed: a text", name,
                  value == NULL ? "missing" : "of a wrong type");
        return false;
    }
    *out = json_string_value(value);
    return true;
}

bool call_flag(struct call *call, const char *name, bool *out)
{
    const json_t *value = json_object_get(call->request, name);
    if (value != NULL && !json_is_boolean(value)) {
        call_fail(call, PROTOCOL_BAD_REQUEST, "\"%s\" is of a wrong type; allowed: true, false",
                  name);
        return false;
    }
    if (value != NULL)
        *out = json_is_true(value);
    return true;
}

bool call_texts(struct call *call, const char *name, json_t **out)
{
    json_t *list = json_object_get(call->request, name), *item;
    size_t i, texts = 0;
    json_array_foreach (list, i, item)
        texts += json_is_string(item);
    if (!json_is_array(list) || texts != json_array_size(list)) {
        call_fail(call, PROTOCOL_BAD_REQUEST, "\"%s\" is %s; allowed: a list of texts", name,
                  list == NULL ? "missing" : "of a wrong type");
        return false;
    }
    *out = list;
    return true;
}

static const struct protocol_command *find(const struct protocol *p, const char *name)
{
    for (unsigned i = 0; name != NULL && i < p->command_count; i++)
        if (strcmp(p->commands[i].name, name) == 0)
            return &p->commands[i];
    return NULL;
}

/* All commands' names, for those who got one wrong. */
static const char *names(const struct protocol *p, char *buf, size_t size)
{
    size_t at = 0;
    for (unsigned i = 0; i < p->command_count && at < size; i++)
        at += (size_t)snprintf(buf + at, size - at, "%s%s", i > 0 ? ", " : "", p->commands[i].name);
    return buf;
}

static bool knows(const struct protocol_command *c, const char *member)
{
    for (unsigned i = 0; i < PROTOCOL_MEMBERS && c->members[i] != NULL; i++)
        if (strcmp(c->members[i], member) == 0)
            return true;
    return strcmp(member, "do") == 0 || strcmp(member, "id") == 0;
}

static const char *strange_member(const struct protocol_command *c, json_t *request)
{
    const char *member;
    json_t *value;
    json_object_foreach (request, member, value)
        if (!knows(c, member))
            return member;
    return NULL;
}

void protocol_line(void *user, struct peer *peer, char *line, size_t len)
{
    struct protocol *p = user;
    json_error_t why;
    char text[512];
    struct call *call = memory_new(1, sizeof(*call));
    *call = (struct call){.protocol = p, .peer = peer_ref(peer)};
    call->request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(call->request)) {
        call_fail(call, PROTOCOL_BAD_JSON, "%s; allowed: one JSON object a line",
                  call->request == NULL ? why.text : "it is no object");
        return;
    }
    const char *name = json_string_value(json_object_get(call->request, "do"));
    const struct protocol_command *command = find(p, name);
    if (command == NULL) {
        call_fail(call, PROTOCOL_UNKNOWN, "\"do\" is %.40s; allowed: %s",
                  name != NULL ? name : "missing", names(p, text, sizeof(text)));
        return;
    }
    const char *strange = strange_member(command, call->request);
    if (strange != NULL)
        call_fail(call, PROTOCOL_BAD_REQUEST, "%s does not know \"%.40s\"", name, strange);
    else
        command->run(p->user, call);
}
