/* SPDX-License-Identifier: BSD-3-Clause */
/* Parsing and formatting of IP addresses, endpoints and networks. */
#include "drivers/base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

const char *ip_addr_no_host(const struct ip_addr *a)
{
    static const struct ip_addr loopback = {.b = {[15] = 1}};
    bool v4 = ip_addr_is_v4(a);
    if (ip_addr_is_any(a))
        return "is no host's address";
    if (v4 ? a->b[12] == 127 : ip_addr_equal(a, &loopback))
        return "is a loopback address";
    if (v4 ? a->b[12] >= 224 : a->b[0] == 0xff)
        return "is a multicast or reserved address";
    return NULL;
}

bool ip_addr_parse(const char *text, size_t len, struct ip_addr *out)
{
    char buf[INET6_ADDRSTRLEN];
    if (len == 0 || len >= sizeof(buf) || memchr(text, '\0', len) != NULL)
        return false;
    memcpy(buf, text, len);
    buf[len] = '\0';
    uint32_t be;
    if (inet_pton(AF_INET, buf, &be) == 1) {
        *out = ip_addr_from_v4(be);
        return true;
    }
    return inet_pton(AF_INET6, buf, out->b) == 1;
}

/* A decimal number without sign, blanks or leading zeroes, at most `max`. */
static bool number_parse(const char *text, size_t len, unsigned max, unsigned *out)
{
    unsigned value = 0;
    if (len == 0 || len > 5 || (len > 1 && text[0] == '0'))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    if (value > max)
        return false;
    *out = value;
    return true;
}

bool endpoint_parse(const char *text, size_t len, uint16_t default_port, struct endpoint *out)
{
    const char *addr = text, *port = NULL;
    size_t addr_len = len;
    if (len > 0 && text[0] == '[') {
        const char *close = memchr(text, ']', len);
        if (close == NULL)
            return false;
        addr = text + 1;
        addr_len = (size_t)(close - addr);
        if (close + 1 < text + len) {
            if (close[1] != ':')
                return false;
            port = close + 2;
        }
    } else {
        const char *colon = memchr(text, ':', len);
        /* A second colon makes it a bare IPv6 address. */
        if (colon != NULL && memchr(colon + 1, ':', (size_t)(text + len - colon - 1)) == NULL) {
            addr_len = (size_t)(colon - text);
            port = colon + 1;
        }
    }
    unsigned number = default_port;
    if (port != NULL && !number_parse(port, (size_t)(text + len - port), UINT16_MAX, &number))
        return false;
    if (number == 0)
        return false;
    out->port = (uint16_t)number;
    return ip_addr_parse(addr, addr_len, &out->addr);
}

bool ip_prefix_parse(const char *text, size_t len, bool strict, struct ip_prefix *out)
{
    const char *slash = memchr(text, '/', len);
    size_t addr_len = slash != NULL ? (size_t)(slash - text) : len;
    if (!ip_addr_parse(text, addr_len, &out->addr))
        return false;
    unsigned base = ip_addr_is_v4(&out->addr) ? 96 : 0;
    unsigned bits = 128 - base;
    if (slash != NULL && !number_parse(slash + 1, (size_t)(text + len - slash - 1), bits, &bits))
        return false;
    out->len = (uint8_t)(base + bits);
    struct ip_addr masked = out->addr;
    for (unsigned i = out->len; i < 128; i++)
        masked.b[i / 8] &= (uint8_t) ~(0x80u >> (i % 8));
    if (strict && !ip_addr_equal(&masked, &out->addr))
        return false;
    out->addr = masked;
    return true;
}

bool ip_prefix_contains(const struct ip_prefix *net, const struct ip_addr *a)
{
    unsigned whole = net->len / 8, rest = net->len % 8;
    if (memcmp(net->addr.b, a->b, whole) != 0)
        return false;
    return rest == 0 || ((net->addr.b[whole] ^ a->b[whole]) >> (8 - rest)) == 0;
}

/* A decimal number without a NUL; returns its end. */
static char *put_decimal(char *at, unsigned value)
{
    char digits[10];
    unsigned n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
    } while ((value /= 10) > 0);
    while (n > 0)
        *at++ = digits[--n];
    return at;
}

/* An address without a NUL; returns its end. IPv4 addresses stand in every line of the mail log:
 * inet_ntop() would print them as printf() does. */
static char *put_address(char *at, const struct ip_addr *a)
{
    if (!ip_addr_is_v4(a)) {
        inet_ntop(AF_INET6, a->b, at, INET6_ADDRSTRLEN);
        return at + strlen(at);
    }
    for (unsigned i = 12; i < 16; i++) {
        at = put_decimal(at, a->b[i]);
        *at++ = '.';
    }
    return at - 1;
}

const char *ip_addr_format(const struct ip_addr *a, char *buf)
{
    *put_address(buf, a) = '\0';
    return buf;
}

const char *endpoint_format(const struct endpoint *e, char *buf)
{
    bool v4 = ip_addr_is_v4(&e->addr);
    char *at = buf;
    if (!v4)
        *at++ = '[';
    at = put_address(at, &e->addr);
    if (!v4)
        *at++ = ']';
    *at++ = ':';
    *put_decimal(at, e->port) = '\0';
    return buf;
}

const char *ip_prefix_format(const struct ip_prefix *p, char *buf)
{
    char addr[ADDR_TEXT_SIZE];
    unsigned bits = ip_addr_is_v4(&p->addr) ? p->len - 96u : p->len;
    ip_addr_format(&p->addr, addr);
    snprintf(buf, ADDR_TEXT_SIZE, "%.45s/%u", addr, bits);
    return buf;
}
