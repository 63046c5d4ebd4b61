/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing content into packet memory, once. */
#include "bench/smtpgen/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_mbuf.h>

#define LINE 80 /* bytes of a line of the body, with its CRLF */

static const char end_of_data[] = "\r\n.\r\n";

/* The shared part as one text: header, empty line, lines of `LINE` bytes, the end of data. */
static char *compose(size_t len, const char *from, const char *subject)
{
    char *text = malloc(len + sizeof(end_of_data) + 1024);
    if (text == NULL)
        return NULL;
    int n = snprintf(text, 1024, "From: <%.320s>\r\nSubject: %.500s\r\n\r\n", from, subject);
    size_t at = (size_t)n < len ? (size_t)n : len - 1;
    for (size_t column = 0; at < len; at++) {
        static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
        text[at] = column == LINE - 2   ? '\r'
                   : column == LINE - 1 ? '\n'
                                        : letters[(at * 7 + at / LINE) % (sizeof(letters) - 1)];
        column = column == LINE - 1 ? 0 : column + 1;
    }
    /* The end of data brings the last CRLF: what is before it ends neither in one nor in half. */
    if (text[len - 2] == '\r')
        text[len - 2] = 'x';
    if (text[len - 1] == '\r' || text[len - 1] == '\n')
        text[len - 1] = 'x';
    memcpy(text + len, end_of_data, sizeof(end_of_data));
    return text;
}

bool message_prepare(struct message *m, struct pools *pools, size_t size, const char *from,
                     const char *subject)
{
    /* The end of data brings the last CRLF. */
    char *text = compose(size - MESSAGE_ID_LINE - strlen("\r\n"), from, subject);
    size_t len = text != NULL ? strlen(text) : 0, done = 0;
    *m = (struct message){0};
    m->slices = calloc(len / 1024 + 2, sizeof(*m->slices));
    while (m->slices != NULL && done < len) {
        struct rte_mbuf *buf = rte_pktmbuf_alloc(pools->data);
        if (buf == NULL)
            break;
        size_t room = rte_pktmbuf_tailroom(buf);
        size_t part = len - done < room ? len - done : room;
        uint8_t *data = (uint8_t *)rte_pktmbuf_append(buf, (uint16_t)part);
        memcpy(data, text + done, part);
        m->slices[m->count++] = (struct slice){
            .buf = buf,
            .data = data,
            .len = (uint32_t)part,
            .sum = rte_raw_cksum(data, part),
            .sum_known = true,
        };
        done += part;
    }
    if (len > 0 && done == len) {
        size_t content = len - strlen(".\r\n");
        m->size = MESSAGE_ID_LINE + content;
        digest_tail_make(&m->tail, digest_bytes(0, text, content), content);
        free(text);
        return true;
    }
    free(text);
    message_release(m);
    return false;
}

void message_release(struct message *m)
{
    for (unsigned i = 0; i < m->count; i++)
        slice_release(&m->slices[i]);
    free(m->slices);
    *m = (struct message){0};
}

void message_id_line(uint32_t run, uint64_t id, char out[MESSAGE_ID_LINE])
{
    static const char digits[] = "0123456789abcdef";
    memcpy(out, "X-Smtpgen: ", 11);
    for (unsigned i = 0; i < 8; i++)
        out[11 + i] = digits[run >> (28 - 4 * i) & 15];
    out[19] = '-';
    for (unsigned i = 0; i < 14; i++)
        out[20 + i] = digits[id >> (52 - 4 * i) & 15];
    out[34] = '\r';
    out[35] = '\n';
}
