/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing lines into a bounded buffer. */
#include "app/smtp/writer.h"

#include "app/smtp/chars.h"

static void append(struct smtp_writer *w, const char *bytes, size_t len)
{
    if (w->failed || len > w->size - w->len) {
        w->failed = true;
        return;
    }
    if (len > 0) /* empty spans may point nowhere */
        memcpy(w->buf + w->len, bytes, len);
    w->len += len;
}

/* To the end in any case, so that the compiler may look at many bytes at once. */
static bool is_print(struct span text)
{
    unsigned char strange = 0;
    for (size_t i = 0; i < text.len; i++)
        strange |= (unsigned char)(text.at[i] - ' ') > '~' - ' ';
    return strange == 0;
}

void smtp_write(struct smtp_writer *w, struct span text)
{
    if (is_print(text))
        append(w, text.at, text.len);
    else
        w->failed = true;
}

void smtp_write_lines(struct smtp_writer *w, struct span text)
{
    append(w, text.at, text.len);
    for (size_t i = text.len; i > 0; i--) {
        if (text.at[i - 1] == '\n') {
            w->line = w->len - (text.len - i);
            break;
        }
    }
}

void smtp_write_word(struct smtp_writer *w, const char *word)
{
    smtp_write(w, (struct span){word, strlen(word)});
}

void smtp_write_number(struct smtp_writer *w, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    append(w, digits + at, sizeof(digits) - at);
}

void smtp_write_digits(struct smtp_writer *w, unsigned number, unsigned digits)
{
    char text[10];
    if (digits > sizeof(text)) {
        w->failed = true;
        return;
    }
    for (unsigned i = digits; i > 0; i--, number /= 10)
        text[i - 1] = (char)('0' + number % 10);
    append(w, text, digits);
}

void smtp_write_crlf(struct smtp_writer *w)
{
    append(w, "\r\n", 2);
    w->line = w->len;
}

void smtp_write_fold(struct smtp_writer *w)
{
    smtp_write_crlf(w);
    append(w, "\t", 1);
}
