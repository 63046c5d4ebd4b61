// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <vector>

#include "smtp_test.h"

extern "C" {
#include "app/smtp/proxy.h"
}

namespace
{

// "client -> server, N bytes", "own, N bytes", "more" or "bad"; each shorter piece must be "more"
// unless it is bad already.
std::string Parsed(const std::string &bytes)
{
    struct proxy_header h;
    auto data = reinterpret_cast<const uint8_t *>(bytes.data());
    enum proxy_state state = proxy_parse(data, bytes.size(), &h);
    size_t need = state == PROXY_COMPLETE ? h.len : bytes.size();
    for (size_t len = 0; len < need; len++) {
        std::vector<uint8_t> exact(data, data + len);
        struct proxy_header part;
        enum proxy_state s = proxy_parse(exact.data(), len, &part);
        if (state != PROXY_BAD) {
            EXPECT_EQ(s, PROXY_MORE) << len;
        } else {
            EXPECT_NE(s, PROXY_COMPLETE) << len;
        }
    }
    if (state != PROXY_COMPLETE)
        return state == PROXY_MORE ? "more" : "bad";
    std::string text = "own";
    if (h.relayed) {
        char client[ADDR_TEXT_SIZE], server[ADDR_TEXT_SIZE];
        text = std::string(endpoint_format(&h.client, client)) + " -> " +
               endpoint_format(&h.server, server);
    }
    return text + ", " + std::to_string(h.len) + " bytes";
}

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

std::string V2(int command, int family, const std::string &block)
{
    std::string head = kSignature;
    head += static_cast<char>(command);
    head += static_cast<char>(family);
    head += static_cast<char>(block.size() >> 8);
    head += static_cast<char>(block.size());
    return head + block;
}

std::string Tlv(int type, const std::string &value)
{
    std::string tlv(1, static_cast<char>(type));
    tlv += static_cast<char>(value.size() >> 8);
    tlv += static_cast<char>(value.size());
    return tlv + value;
}

// 192.0.2.1:4660 to 192.0.2.25:25
const std::string kTcp4("\xc0\x00\x02\x01\xc0\x00\x02\x19\x12\x34\x00\x19", 12);
const std::string kTcp6 = std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16) +
                          std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02", 16) +
                          std::string("\x12\x34\x00\x19", 4);

TEST(Proxy, Version1SaysWhoTheClientIs)
{
    EXPECT_EQ(Parsed("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\nEHLO x\r\n"),
              "192.168.0.1:56324 -> 192.168.0.11:443, 47 bytes");
    EXPECT_EQ(Parsed("PROXY TCP6 2001:db8::1 2001:DB8::2 0 65535\r\n"),
              "[2001:db8::1]:0 -> [2001:db8::2]:65535, 44 bytes");
}

TEST(Proxy, Version1UnknownMeansTheConnectionItself)
{
    EXPECT_EQ(Parsed("PROXY UNKNOWN\r\n"), "own, 15 bytes");
    EXPECT_EQ(Parsed("PROXY UNKNOWN whatever it says 1 2\r\n"), "own, 36 bytes");
}

TEST(Proxy, Version1IsTakenToTheLetter)
{
    for (const char *bad : {
             "EHLO x\r\n",
             "proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
             "PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n",
             "PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n",
             "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
             "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n",
             "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
             "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
             "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
             "PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n",
             "PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n",
             "PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n",
             "PROXY TCP4 ::1 1.2.3.4 1 2\r\n",
             "PROXY TCP6 1.2.3.4 ::1 1 2\r\n",
             "PROXY TCP6 ::1%eth0 ::1 1 2\r\n",
             "PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
             "PROXY UNKNOWNS\r\n",
             "PROXY \r\n",
             "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
             "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\r\n",
             "PROXY TCP4 1.2.3.4\r1.2.3.4 1 2\r\n",
             "PROXY TCP4\t1.2.3.4 1.2.3.4 1 2\r\n",
         })
        EXPECT_EQ(Parsed(bad), "bad") << bad;
}

TEST(Proxy, Version1EndsWithin107Bytes)
{
    std::string start = "PROXY UNKNOWN ";
    std::string longest = start + std::string(107 - 2 - start.size(), 'f') + "\r\n";
    EXPECT_EQ(Parsed(longest), "own, 107 bytes");
    EXPECT_EQ(Parsed(start + std::string(108 - 2 - start.size(), 'f') + "\r\n"), "bad");
    EXPECT_EQ(Parsed(start + std::string(106 - start.size(), 'f')), "more");
    EXPECT_EQ(Parsed(start + std::string(107 - start.size(), 'f')), "bad");
}

TEST(Proxy, Version2SaysWhoTheClientIs)
{
    EXPECT_EQ(Parsed(V2(0x21, 0x11, kTcp4) + "EHLO x\r\n"),
              "192.0.2.1:4660 -> 192.0.2.25:25, 28 bytes");
    EXPECT_EQ(Parsed(V2(0x21, 0x21, kTcp6)), "[2001:db8::1]:4660 -> [2001:db8::2]:25, 52 bytes");
}

TEST(Proxy, Version2LocalMeansTheConnectionItselfWhateverElseItSays)
{
    EXPECT_EQ(Parsed(V2(0x20, 0x00, "")), "own, 16 bytes");
    EXPECT_EQ(Parsed(V2(0x20, 0x11, kTcp4)), "own, 28 bytes");
    EXPECT_EQ(Parsed(V2(0x20, 0xff, "abc")), "own, 19 bytes");
}

TEST(Proxy, Version2FallsBackToTheConnectionForWhatIsNotTcp)
{
    for (int family : {0x00, 0x01, 0x10, 0x12, 0x20, 0x22, 0x31, 0x32})
        EXPECT_EQ(Parsed(V2(0x21, family, "")), "own, 16 bytes") << family;
    EXPECT_EQ(Parsed(V2(0x21, 0x31, std::string(216, '/'))), "own, 232 bytes");
}

TEST(Proxy, Version2RefusesWhatTheSpecificationDoesNotKnow)
{
    for (int command : {0x00, 0x01, 0x10, 0x11, 0x22, 0x2f, 0x31})
        EXPECT_EQ(Parsed(V2(command, 0x11, kTcp4)), "bad") << command;
    for (int family : {0x13, 0x1f, 0x23, 0x41, 0xf0, 0xff})
        EXPECT_EQ(Parsed(V2(0x21, family, kTcp4)), "bad") << family;
}

TEST(Proxy, Version2AddressesThatAreCutShortAreRefused)
{
    EXPECT_EQ(Parsed(V2(0x21, 0x11, kTcp4.substr(1))), "bad");
    EXPECT_EQ(Parsed(V2(0x21, 0x21, kTcp4)), "bad");
}

TEST(Proxy, Version2SkipsTlvsThatAddUp)
{
    EXPECT_EQ(Parsed(V2(0x21, 0x11,
                        kTcp4 + Tlv(0x04, "") + Tlv(0x02, "mx.test") + Tlv(0xee, "\r\nQUIT\r\n"))),
              "192.0.2.1:4660 -> 192.0.2.25:25, 52 bytes");
    EXPECT_EQ(Parsed(V2(0x21, 0x11, kTcp4 + "\x04")), "bad");
    EXPECT_EQ(Parsed(V2(0x21, 0x11, kTcp4 + std::string("\x04\x00", 2))), "bad");
    EXPECT_EQ(Parsed(V2(0x21, 0x11, kTcp4 + std::string("\x04\x00\x02x", 4))), "bad");
}

TEST(Proxy, Version2ChecksACrc32cThatIsThere)
{
    // RFC 4960 Appendix B's CRC32c, most significant byte first, as HAProxy's send-proxy-v2 with
    // crc32c writes it: computed with another implementation.
    std::string good =
        V2(0x21, 0x11, kTcp4 + Tlv(0x04, "x") + Tlv(0x03, std::string("\x00\x00\x00\x00", 4)));
    uint32_t table[256];
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = table[i] & 1 ? table[i] >> 1 ^ 0x82f63b78u : table[i] >> 1;
    }
    uint32_t crc = 0xffffffffu;
    for (unsigned char c : good)
        crc = crc >> 8 ^ table[(crc ^ c) & 0xff];
    crc = ~crc;
    for (int i = 0; i < 4; i++)
        good[good.size() - 4 + i] = static_cast<char>(crc >> (24 - 8 * i));
    EXPECT_EQ(Parsed(good), "192.0.2.1:4660 -> 192.0.2.25:25, 39 bytes");
    for (size_t i = 16; i < good.size(); i++) {
        if (i == good.size() - 7)
            continue; // the TLV's type: it would be another one
        std::string wrong = good;
        wrong[i] = static_cast<char>(wrong[i] ^ 4);
        EXPECT_EQ(Parsed(wrong), "bad") << i;
    }
    EXPECT_EQ(Parsed(V2(0x21, 0x11, kTcp4 + Tlv(0x03, "abc"))), "bad");
}

TEST(Proxy, Version2IsNoLongerThanASegment)
{
    std::string fits = kTcp4 + Tlv(0x04, std::string(1024 - 16 - 12 - 3, '\0'));
    EXPECT_EQ(Parsed(V2(0x21, 0x11, fits)), "192.0.2.1:4660 -> 192.0.2.25:25, 1024 bytes");
    EXPECT_EQ(Parsed(V2(0x21, 0x11, fits + "x")), "bad");
    EXPECT_EQ(Parsed(V2(0x20, 0x00, std::string(2000, 'x'))), "bad");
}

TEST(Proxy, IsRecognisedByThoseWhoDoNotExpectIt)
{
    auto begins = [](const std::string &s) {
        return proxy_begins(reinterpret_cast<const uint8_t *>(s.data()), s.size());
    };
    EXPECT_TRUE(begins("PROXY TCP4 "));
    EXPECT_TRUE(begins(kSignature));
    EXPECT_FALSE(begins("PROXY\r\n"));
    EXPECT_FALSE(begins("PROX"));
    EXPECT_FALSE(begins(kSignature.substr(0, 11)));
    EXPECT_FALSE(begins(""));
}

} // namespace
