/* SPDX-License-Identifier: BSD-3-Clause */
/* Records: written on the path of the messages, parsed afterwards. */
#include "bench/smtpgen/record.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BUFFER_SIZE (1u << 20)
#define FIXED_MAX   256 /* bytes of a line that are neither listener nor recipients, at most */

#define RUN_DIGITS    8
#define NUMBER_DIGITS 14
#define CRC_DIGITS    8
static_assert(RUN_DIGITS + 1 + NUMBER_DIGITS == RECORD_ID_SIZE, "RUN-NUMBER");

static const char hex[] = "0123456789abcdef";

struct record_file {
    int fd;
    int error; /* errno of the first failure */
    enum record_kind kind;
    size_t len, line; /* bytes in the buffer; bytes of the line so far */
    char buf[BUFFER_SIZE];
};

const char *record_error_text(enum record_error error)
{
#define RECORD_ERROR_TEXT(name, text) text,
    static const char *const texts[] = {RECORD_ERRORS(RECORD_ERROR_TEXT)};
    return texts[error];
}

const char *record_heading(enum record_kind kind)
{
    return kind == RECORD_SENT ? "id\tcrc\tsize\tcode\ttime_us\trecipients"
                               : "id\tcrc\tsize\tlistener\trecipients";
}

static char *put_hex(char *out, uint64_t value, unsigned digits)
{
    while (digits-- > 0)
        *out++ = hex[value >> 4 * digits & 15];
    return out;
}

static char *put_number(char *out, uint64_t value)
{
    char digits[20];
    unsigned n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (n > 0)
        *out++ = digits[--n];
    return out;
}

void record_id_format(uint32_t run, uint32_t number, char *buf)
{
    char *out = put_hex(buf, run, RUN_DIGITS);
    *out++ = '-';
    put_hex(out, number, NUMBER_DIGITS);
}

/* What is left after a failure is dropped: record_close() says so. */
static void flush(struct record_file *f)
{
    size_t done = 0;
    while (done < f->len && f->error == 0) {
        ssize_t n = write(f->fd, f->buf + done, f->len - done);
        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            f->error = errno;
    }
    f->len = 0;
}

/* Room for `bytes` more (fewer than BUFFER_SIZE). */
static char *room(struct record_file *f, size_t bytes)
{
    if (BUFFER_SIZE - f->len < bytes)
        flush(f);
    return f->buf + f->len;
}

static void take(struct record_file *f, const char *end)
{
    size_t len = (size_t)(end - f->buf) - f->len;
    f->len += len;
    f->line += len;
}

static void put_text(struct record_file *f, struct span text)
{
    if (text.len > BUFFER_SIZE / 4) {
        f->error = EMSGSIZE;
        return;
    }
    char *out = room(f, text.len);
    memcpy(out, text.at, text.len);
    take(f, out + text.len);
}

static bool is_plain(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '\\' && c != ':';
}

static void put_address(struct record_file *f, struct span address)
{
    if (address.len > BUFFER_SIZE / 4) {
        f->error = EMSGSIZE;
        return;
    }
    char *out = room(f, 3 * address.len);
    for (size_t i = 0; i < address.len; i++) {
        unsigned char c = (unsigned char)address.at[i];
        if (is_plain(c)) {
            *out++ = (char)c;
        } else {
            *out++ = '\\';
            *out++ = hex[c >> 4];
            *out++ = hex[c & 15];
        }
    }
    take(f, out);
}

static void put_char(struct record_file *f, char c)
{
    char *out = room(f, 1);
    *out++ = c;
    take(f, out);
}

struct record_file *record_open(const char *path, enum record_kind kind)
{
    struct record_file *f = malloc(sizeof(*f));
    if (f == NULL)
        return NULL;
    f->error = 0;
    f->kind = kind;
    f->len = f->line = 0;
    f->fd = path == NULL ? memfd_create("records", MFD_CLOEXEC)
                         : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (f->fd < 0) {
        free(f);
        return NULL;
    }
    put_text(f, (struct span){record_heading(kind), strlen(record_heading(kind))});
    put_char(f, '\n');
    flush(f);
    return f;
}

void record_write(struct record_file *f, const struct record *r,
                  const struct record_recipient *recipients, unsigned count)
{
    f->line = 0;
    char *out = room(f, FIXED_MAX);
    if (r->foreign) {
        *out++ = '-';
    } else {
        record_id_format(r->run, r->number, out);
        out += RECORD_ID_SIZE;
    }
    *out++ = '\t';
    out = put_hex(out, r->crc, CRC_DIGITS);
    *out++ = '\t';
    out = put_number(out, r->size);
    *out++ = '\t';
    if (f->kind == RECORD_SENT) {
        out = put_number(out, r->code);
        *out++ = '\t';
        out = put_number(out, r->time_us);
    }
    take(f, out);
    if (f->kind == RECORD_RECEIVED)
        put_text(f, r->listener);
    for (unsigned i = 0; i < count; i++) {
        put_char(f, i == 0 ? '\t' : ' ');
        if (f->kind == RECORD_SENT && recipients[i].label.len > 0) {
            put_text(f, recipients[i].label);
            put_char(f, ':');
        }
        put_address(f, recipients[i].address);
    }
    if (count == 0)
        put_char(f, '\t');
    put_char(f, '\n');
    if (f->line > RECORD_LINE_MAX && f->error == 0)
        f->error = EMSGSIZE;
}

FILE *record_reread(struct record_file *f)
{
    char path[64];
    flush(f);
    if (f->error != 0) {
        errno = f->error;
        return NULL;
    }
    snprintf(path, sizeof(path), "/proc/self/fd/%d", f->fd);
    return fopen(path, "re");
}

bool record_close(struct record_file *f)
{
    if (f == NULL)
        return true;
    flush(f);
    int error = f->error;
    if (close(f->fd) != 0 && error == 0)
        error = errno;
    free(f);
    errno = error;
    return error == 0;
}

/* Takes the field before the next tab (or all) off *rest. False if there is none left. */
static bool next_field(struct span *rest, struct span *field)
{
    if (rest->at == NULL)
        return false;
    const char *tab = rest->len > 0 ? memchr(rest->at, '\t', rest->len) : NULL;
    *field = *rest;
    if (tab == NULL) {
        *rest = (struct span){NULL, 0};
        return true;
    }
    field->len = (size_t)(tab - rest->at);
    *rest = (struct span){tab + 1, rest->len - field->len - 1};
    return true;
}

/* Decimal, as put_number() writes it, up to max. */
static bool parse_number(struct span text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (text.len == 0 || text.len > 20 || (text.at[0] == '0' && text.len > 1))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.at[i] - '0'), &value))
            return false;
    }
    *out = value;
    return value <= max;
}

/* The value of a digit as put_hex() writes it, 16 or more if it is none. */
static unsigned hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* Exactly so many digits, of a value that fits. */
static bool parse_hex(struct span text, unsigned digits, uint32_t *out)
{
    uint64_t value = 0;
    if (text.len != digits)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = hex_digit(text.at[i]);
        if (digit > 15)
            return false;
        value = value << 4 | digit;
    }
    *out = (uint32_t)value;
    return value <= UINT32_MAX;
}

bool record_id_parse(struct span text, uint32_t *run, uint32_t *number)
{
    if (text.len != RECORD_ID_SIZE || text.at[RUN_DIGITS] != '-')
        return false;
    return parse_hex((struct span){text.at, RUN_DIGITS}, RUN_DIGITS, run) &&
           parse_hex((struct span){text.at + RUN_DIGITS + 1, NUMBER_DIGITS}, NUMBER_DIGITS, number);
}

bool record_is_label(struct span text)
{
    if (text.len == 0 || text.len > RECORD_LABEL_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
    }
    return true;
}

static bool is_address(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (is_plain(c))
            continue;
        if (c != '\\' || text.len - i < 3)
            return false;
        unsigned high = hex_digit(text.at[i + 1]), low = hex_digit(text.at[i + 2]);
        if (high > 15 || low > 15 || is_plain((unsigned char)(high << 4 | low)))
            return false;
        i += 2;
    }
    return text.len > 0;
}

bool record_next_recipient(struct span *rest, struct record_recipient *out)
{
    if (rest->len == 0)
        return false;
    const char *space = memchr(rest->at, ' ', rest->len);
    size_t len = space == NULL ? rest->len : (size_t)(space - rest->at);
    const char *colon = memchr(rest->at, ':', len);
    size_t label_len = colon == NULL ? 0 : (size_t)(colon - rest->at);
    size_t skip = colon == NULL ? 0 : label_len + 1;
    *out = (struct record_recipient){{rest->at, label_len}, {rest->at + skip, len - skip}};
    size_t taken = space == NULL ? len : len + 1;
    *rest = (struct span){rest->at + taken, rest->len - taken};
    return true;
}

static bool are_recipients(enum record_kind kind, struct span text)
{
    struct record_recipient to;
    if (text.len > 0 && text.at[text.len - 1] == ' ')
        return false;
    while (record_next_recipient(&text, &to)) {
        bool labelled = to.label.at + to.label.len != to.address.at;
        if (labelled && (kind != RECORD_SENT || !record_is_label(to.label)))
            return false;
        if (!is_address(to.address))
            return false;
    }
    return true;
}

static enum record_error parse_sent(struct span *rest, struct record *out)
{
    struct span code, time;
    uint64_t value;
    if (!next_field(rest, &code) || !next_field(rest, &time))
        return RECORD_BAD_FIELDS;
    if (!parse_number(code, 999, &value) || !parse_number(time, UINT64_MAX, &out->time_us))
        return RECORD_BAD_NUMBER;
    out->code = (uint16_t)value;
    return RECORD_OK;
}

static enum record_error parse_received(struct span *rest, struct record *out)
{
    if (!next_field(rest, &out->listener))
        return RECORD_BAD_FIELDS;
    return out->listener.len == 0 ? RECORD_BAD_LISTENER : RECORD_OK;
}

enum record_error record_parse(enum record_kind kind, struct span line, struct record *out)
{
    struct span rest = line, id, crc, size;
    uint64_t value;
    *out = (struct record){0};
    if (!next_field(&rest, &id) || !next_field(&rest, &crc) || !next_field(&rest, &size))
        return RECORD_BAD_FIELDS;
    out->foreign = kind == RECORD_RECEIVED && id.len == 1 && id.at[0] == '-';
    if (!out->foreign && !record_id_parse(id, &out->run, &out->number))
        return RECORD_BAD_ID;
    if (!parse_hex(crc, CRC_DIGITS, &out->crc))
        return RECORD_BAD_CRC;
    if (!parse_number(size, UINT32_MAX, &value))
        return RECORD_BAD_NUMBER;
    out->size = (uint32_t)value;
    enum record_error error =
        kind == RECORD_SENT ? parse_sent(&rest, out) : parse_received(&rest, out);
    if (error != RECORD_OK)
        return error;
    if (!next_field(&rest, &out->recipients) || rest.at != NULL)
        return RECORD_BAD_FIELDS;
    return are_recipients(kind, out->recipients) ? RECORD_OK : RECORD_BAD_RECIPIENT;
}
