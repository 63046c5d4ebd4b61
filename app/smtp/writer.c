/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing lines into a bounded buffer. */
#include "app/smtp/writer.h"

#include "app/smtp/chars.h"

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
        smtp_append(w, text.at, text.len);
    else
        w->failed = true;
}

void smtp_write_lines(struct smtp_writer *w, struct span text)
{
    smtp_append(w, text.at, text.len);
    const char *lf = text.len > 0 ? memrchr(text.at, '\n', text.len) : NULL;
    if (lf != NULL)
        w->line = w->len - (size_t)(text.at + text.len - (lf + 1));
}

void smtp_write_number(struct smtp_writer *w, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    smtp_append(w, digits + at, sizeof(digits) - at);
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
    smtp_append(w, text, digits);
}

void smtp_write_crlf(struct smtp_writer *w)
{
    smtp_append(w, "\r\n", 2);
    w->line = w->len;
}

void smtp_write_fold(struct smtp_writer *w)
{
    smtp_write_crlf(w);
    smtp_append(w, "\t", 1);
}
