/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of errors: everything that is wrong, in the order found. */
#include "config/errors.h"

#include "config/memory.h"

/* A list that nobody will read to its end: the rest is only counted. */
#define ERRORS_KEPT 1000
#define ERROR_MAX   1024

struct config_errors {
    unsigned count;
    char **text; /* min(count, ERRORS_KEPT) of them */
};

struct config_errors *config_errors_new(void)
{
    return memory_new(1, sizeof(struct config_errors));
}

static unsigned kept(const struct config_errors *e)
{
    return e->count < ERRORS_KEPT ? e->count : ERRORS_KEPT;
}

void config_errors_free(struct config_errors *e)
{
    if (e == NULL)
        return;
    for (unsigned i = 0; i < kept(e); i++)
        free(e->text[i]);
    free(e->text);
    free(e);
}

unsigned config_errors_count(const struct config_errors *e)
{
    return e->count;
}

void config_errors_print(const struct config_errors *e, FILE *out)
{
    for (unsigned i = 0; i < kept(e); i++)
        fprintf(out, "%s\n", e->text[i]);
    if (e->count > ERRORS_KEPT)
        fprintf(out, "... and %u more\n", e->count - ERRORS_KEPT);
}

/* What comes out of a file may hold anything; a terminal should not have to obey it. */
static void disarm(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

void config_error_va(struct config_errors *e, const char *file, unsigned line, const char *place,
                     const char *format, va_list args)
{
    if (e->count++ >= ERRORS_KEPT)
        return;
    char number[16] = "", sentence[ERROR_MAX];
    if (line != 0)
        snprintf(number, sizeof(number), ":%u", line);
    vsnprintf(sentence, sizeof(sentence), format, args);
    char *text;
    if (asprintf(&text, "%s%s: %s%s", file, number, place, sentence) < 0)
        text = NULL;
    disarm(memory_must(text));
    e->text = memory_grow(e->text, e->count - 1, sizeof(*e->text));
    e->text[e->count - 1] = text;
}

void config_error_in(struct config_errors *e, const char *file, unsigned line, const char *format,
                     ...)
{
    va_list args;
    va_start(args, format);
    config_error_va(e, file, line, "", format, args);
    va_end(args);
}
