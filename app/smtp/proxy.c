/* SPDX-License-Identifier: BSD-3-Clause */
/* The PROXY protocol's two headers. */
#include "app/smtp/proxy.h"

#include <string.h>

#include "app/smtp/chars.h"

/* ------------------------------------------------------------------------------- version 1 -- */

#define V1_MAX 107 /* with CRLF */

static const char v1_start[] = "PROXY ";
#define V1_START_LEN (sizeof(v1_start) - 1)

/* The next word, which exactly one space or the end follows. */
static struct span next_word(struct span *rest)
{
    struct span word = span_take_while(rest, char_is_graph);
    if (rest->len > 1 && rest->at[0] == ' ' && rest->at[1] != ' ')
        span_take(rest, 1);
    return word;
}

static bool take_address(struct span *rest, bool v6, struct ip_addr *out)
{
    struct span word = next_word(rest);
    bool colon = word.len > 0 && memchr(word.at, ':', word.len) != NULL;
    return colon == v6 && ip_addr_parse(word.at, word.len, out);
}

/* 0..65535 without leading zeroes. */
static bool take_port(struct span *rest, uint16_t *out)
{
    struct span word = next_word(rest);
    unsigned value = 0;
    if (word.len == 0 || word.len > 5 || (word.len > 1 && word.at[0] == '0') ||
        !span_is_all(word, char_is_digit))
        return false;
    for (size_t i = 0; i < word.len; i++)
        value = value * 10 + (unsigned)(word.at[i] - '0');
    *out = (uint16_t)value;
    return value <= UINT16_MAX;
}

/* In capitals, as the specification has it. */
static bool is_word(struct span s, const char *word)
{
    return s.len == strlen(word) && memcmp(s.at, word, s.len) == 0;
}

/* What stands between "PROXY " and CRLF. */
static bool parse_v1_line(struct span rest, struct proxy_header *out)
{
    struct span protocol = next_word(&rest);
    if (is_word(protocol, "UNKNOWN"))
        return true;
    bool v6 = is_word(protocol, "TCP6");
    out->relayed = true;
    return (v6 || is_word(protocol, "TCP4")) && take_address(&rest, v6, &out->client.addr) &&
           take_address(&rest, v6, &out->server.addr) && take_port(&rest, &out->client.port) &&
           take_port(&rest, &out->server.port) && rest.len == 0;
}

static enum proxy_state parse_v1(const char *text, size_t len, struct proxy_header *out)
{
    size_t seen = len < V1_MAX ? len : V1_MAX;
    const char *lf = memchr(text, '\n', seen);
    const char *cr = memchr(text, '\r', seen);
    if (lf == NULL && cr == NULL)
        return seen < V1_MAX ? PROXY_MORE : PROXY_BAD;
    if (lf == NULL) /* nothing may follow CR but LF, and that within the limit */
        return cr + 1 == text + len && len < V1_MAX ? PROXY_MORE : PROXY_BAD;
    if (cr == NULL || cr + 1 != lf)
        return PROXY_BAD;
    out->len = (size_t)(lf + 1 - text);
    return parse_v1_line((struct span){text + V1_START_LEN, (size_t)(cr - text) - V1_START_LEN},
                         out)
               ? PROXY_COMPLETE
               : PROXY_BAD;
}

/* ------------------------------------------------------------------------------- version 2 -- */

static const uint8_t v2_signature[12] = {'\r', '\n', '\r', '\n', 0,   '\r',
                                         '\n', 'Q',  'U',  'I',  'T', '\n'};
#define V2_FIXED 16 /* signature, version and command, family, length */

enum { V2_LOCAL = 0x20, V2_PROXY = 0x21 };
enum { V2_FAMILY_MAX = 3, V2_TRANSPORT_MAX = 2 };
enum { V2_TCP4 = 0x11, V2_TCP6 = 0x21 };
enum { V2_TLV_CRC32C = 3 };

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)get16(at) << 16 | get16(at + 2);
}

/* CRC32c (RFC 4960 Appendix B) bit by bit: a header has few bytes, and comes once. */
static uint32_t crc32c_add(uint32_t crc, uint8_t byte)
{
    crc ^= byte;
    for (unsigned bit = 0; bit < 8; bit++)
        crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
    return crc;
}

/* Of the whole header, its four bytes from `field` on taken as zeroes. */
static uint32_t crc32c(const uint8_t *data, size_t len, size_t field)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < len; i++)
        crc = crc32c_add(crc, i >= field && i < field + 4 ? 0 : data[i]);
    return ~crc;
}

/* The TLVs from `at` to the header's end add up, and what they promise of the header holds. */
static bool check_tlvs(const uint8_t *data, size_t at, size_t len)
{
    while (at < len) {
        if (len - at < 3)
            return false;
        uint8_t type = data[at];
        size_t size = get16(data + at + 1);
        at += 3;
        if (size > len - at)
            return false;
        if (type == V2_TLV_CRC32C && (size != 4 || get32(data + at) != crc32c(data, len, at)))
            return false;
        at += size;
    }
    return true;
}

static void get_addresses(const uint8_t *at, size_t size, struct proxy_header *out)
{
    struct ip_addr *addresses[] = {&out->client.addr, &out->server.addr};
    for (unsigned i = 0; i < COUNT_OF(addresses); i++, at += size) {
        *addresses[i] = ip_addr_from_v4(0);
        memcpy(addresses[i]->b + sizeof(addresses[i]->b) - size, at, size);
    }
    out->client.port = get16(at);
    out->server.port = get16(at + 2);
}

static bool parse_v2_block(const uint8_t *data, struct proxy_header *out)
{
    uint8_t family = data[13];
    size_t size = family == V2_TCP4 ? 4 : 16, end = V2_FIXED + 2 * size + 2 * sizeof(uint16_t);
    if (data[12] == V2_LOCAL)
        return true; /* whatever it has is to be ignored */
    if (family >> 4 > V2_FAMILY_MAX || (family & 15) > V2_TRANSPORT_MAX)
        return false;
    if (family != V2_TCP4 && family != V2_TCP6)
        return true;
    if (out->len < end)
        return false;
    out->relayed = true;
    get_addresses(data + V2_FIXED, size, out);
    return check_tlvs(data, end, out->len);
}

static enum proxy_state parse_v2(const uint8_t *data, size_t len, struct proxy_header *out)
{
    if (len > 12 && data[12] != V2_LOCAL && data[12] != V2_PROXY)
        return PROXY_BAD;
    if (len < V2_FIXED)
        return PROXY_MORE;
    out->len = V2_FIXED + (size_t)get16(data + 14);
    if (out->len > PROXY_HEADER_MAX)
        return PROXY_BAD;
    if (len < out->len)
        return PROXY_MORE;
    return parse_v2_block(data, out) ? PROXY_COMPLETE : PROXY_BAD;
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

static uint8_t *put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
    return at + 2;
}

size_t proxy_format(uint8_t *buf, size_t size, const struct endpoint *client,
                    const struct endpoint *server)
{
    if (size < PROXY_WRITTEN_MAX)
        return 0;
    uint8_t *at = put(buf, v2_signature, sizeof(v2_signature));
    *at++ = client != NULL ? V2_PROXY : V2_LOCAL;
    if (client == NULL) {
        *at++ = 0;
        return (size_t)(put16(at, 0) - buf);
    }
    /* Both of one family: an IPv4 address beside one of IPv6 goes as IPv4-mapped. */
    bool v4 = ip_addr_is_v4(&client->addr) && ip_addr_is_v4(&server->addr);
    size_t len = v4 ? 4 : 16;
    *at++ = v4 ? V2_TCP4 : V2_TCP6;
    at = put16(at, (uint16_t)(2 * len + 2 * sizeof(uint16_t)));
    at = put(at, client->addr.b + 16 - len, len);
    at = put(at, server->addr.b + 16 - len, len);
    at = put16(at, client->port);
    return (size_t)(put16(at, server->port) - buf);
}

/* ------------------------------------------------------------------------------------ both -- */

static bool agrees(const uint8_t *data, size_t len, const void *start, size_t start_len)
{
    return memcmp(data, start, len < start_len ? len : start_len) == 0;
}

enum proxy_state proxy_parse(const uint8_t *data, size_t len, struct proxy_header *out)
{
    memset(out, 0, sizeof(*out));
    if (len == 0)
        return PROXY_MORE;
    if (agrees(data, len, v2_signature, sizeof(v2_signature)))
        return parse_v2(data, len, out);
    if (!agrees(data, len, v1_start, V1_START_LEN))
        return PROXY_BAD;
    return len < V1_START_LEN ? PROXY_MORE : parse_v1((const char *)data, len, out);
}

bool proxy_begins(const uint8_t *data, size_t len)
{
    return (len >= V1_START_LEN && agrees(data, len, v1_start, V1_START_LEN)) ||
           (len >= sizeof(v2_signature) && agrees(data, len, v2_signature, sizeof(v2_signature)));
}
