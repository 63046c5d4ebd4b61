/* SPDX-License-Identifier: BSD-3-Clause */
/* The trace line that we put in front of each message. */
#include "app/smtp/received.h"

#include "app/smtp/chars.h"
#include "app/smtp/path.h"
#include "app/smtp/writer.h"
#include "drivers/base/civil.h"

#define LINE_PREFERRED 78 /* RFC 5322 §2.1.1, without CRLF */

static const char days[7][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

const char *smtp_date_format(int64_t time, char buf[SMTP_DATE_SIZE])
{
    struct civil c = civil_from_time(time);
    struct smtp_writer w = smtp_writer(buf, SMTP_DATE_SIZE);
    smtp_write_word(&w, days[c.weekday]);
    smtp_write_word(&w, ", ");
    smtp_write_digits(&w, c.day + 1, 2);
    smtp_write_word(&w, " ");
    smtp_write_word(&w, months[c.month]);
    smtp_write_word(&w, " ");
    smtp_write_digits(&w, c.year, 4);
    smtp_write_word(&w, " ");
    smtp_write_digits(&w, c.hour, 2);
    smtp_write_word(&w, ":");
    smtp_write_digits(&w, c.minute, 2);
    smtp_write_word(&w, ":");
    smtp_write_digits(&w, c.second, 2);
    smtp_write_word(&w, " +0000");
    buf[w.len] = '\0';
    return buf;
}

/* Words are separated by a space, or by a fold where the line would become too long. */
static void next_word(struct smtp_writer *w, size_t len)
{
    if (w->len - w->line + 1 + len > LINE_PREFERRED)
        smtp_write_fold(w);
    else
        smtp_write_word(w, " ");
}

static void write_next(struct smtp_writer *w, const char *word)
{
    next_word(w, strlen(word));
    smtp_write_word(w, word);
}

static bool is_name_char(char c)
{
    return char_is_alnum(c) || c == '.' || c == '-' || c == '_';
}

/* A name from outside: see received.h. */
static struct span sanitise(struct span name, char buf[SMTP_DOMAIN_MAX])
{
    if (name.len > SMTP_DOMAIN_MAX)
        name.len = SMTP_DOMAIN_MAX;
    if (smtp_is_address_literal(name))
        return name;
    for (size_t i = 0; i < name.len; i++)
        buf[i] = is_name_char(name.at[i]) ? name.at[i] : '?';
    return name.len > 0 ? (struct span){buf, name.len} : (struct span){"unknown", 7};
}

/* `(PTR [ADDRESS])`: TCP-info of RFC 5321 §4.4. */
static void write_tcp_info(struct smtp_writer *w, struct span ptr, const struct ip_addr *client)
{
    char clean[SMTP_DOMAIN_MAX], addr[ADDR_TEXT_SIZE];
    const char *tag = ip_addr_is_v4(client) ? "" : "IPv6:";
    ip_addr_format(client, addr);
    ptr = sanitise(ptr, clean);
    next_word(w, ptr.len + strlen(tag) + strlen(addr) + strlen("( [])"));
    smtp_write_word(w, "(");
    smtp_write(w, ptr);
    smtp_write_word(w, " [");
    smtp_write_word(w, tag);
    smtp_write_word(w, addr);
    smtp_write_word(w, "])");
}

size_t smtp_received_begin(char *buf, size_t size, const struct smtp_received_from *from)
{
    char clean[SMTP_DOMAIN_MAX];
    struct smtp_writer w = smtp_writer(buf, size);
    w.failed = !smtp_is_domain(from->hostname) || from->hostname.len > SMTP_DOMAIN_MAX;
    smtp_write_word(&w, "Received: from ");
    smtp_write(&w, sanitise(from->helo, clean));
    write_tcp_info(&w, from->ptr, &from->client);
    smtp_write_fold(&w);
    smtp_write_word(&w, "by ");
    smtp_write(&w, from->hostname);
    return smtp_written(&w);
}

/* `(splitmx MARK MARK...)` */
static void write_marks(struct smtp_writer *w, const uint64_t *marks, unsigned count)
{
    smtp_write_fold(w);
    smtp_write_word(w, SMTP_MARKS_BEGIN);
    for (unsigned i = 0; i < count; i++) {
        char word[SMTP_MARK_DIGITS + sizeof(")")];
        for (unsigned digit = 0; digit < SMTP_MARK_DIGITS; digit++)
            word[digit] = "0123456789ABCDEF"[marks[i] >> 4 * (SMTP_MARK_DIGITS - 1 - digit) & 15];
        word[SMTP_MARK_DIGITS] = i + 1 == count ? ')' : '\0';
        word[SMTP_MARK_DIGITS + 1] = '\0';
        write_next(w, word);
    }
}

size_t smtp_received_format(char *buf, size_t size, const struct smtp_received *r)
{
    struct smtp_writer w = smtp_writer(buf, size);
    smtp_write_lines(&w, r->begin);
    w.failed |= r->id.len == 0 || r->id.len > SMTP_TRANSACTION_ID_MAX ||
                !span_is_all(r->id, is_name_char) ||
                !(r->utf8 ? smtp_is_utf8_address(r->recipient) : smtp_is_address(r->recipient)) ||
                r->recipient.len > SMTP_PATH_MAX || r->mark_count > SMTP_RECEIVED_MARKS;
    write_next(&w, r->utf8 ? "with UTF8SMTP" : r->extended ? "with ESMTP" : "with SMTP");
    next_word(&w, r->id.len + strlen("id "));
    smtp_write_word(&w, "id ");
    smtp_write(&w, r->id);
    if (r->mark_count > 0)
        write_marks(&w, r->marks, r->mark_count);

    if (r->recipient.len > 0) {
        smtp_write_fold(&w);
        smtp_write_word(&w, "for <");
        smtp_append(&w, r->recipient.at, r->recipient.len); /* an address, as we saw */
        smtp_write_word(&w, ">");
    }
    smtp_write_word(&w, ";");
    next_word(&w, r->date.len);
    smtp_write(&w, r->date);
    smtp_write_crlf(&w);
    return smtp_written(&w);
}
