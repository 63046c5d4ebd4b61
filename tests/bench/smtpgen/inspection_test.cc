// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <string>

extern "C" {
#include "bench/smtpgen/inspection.h"
}

namespace
{

uint32_t Crc(const std::string &text)
{
    return digest_end(digest_bytes(DIGEST_START, text.data(), text.size()));
}

TEST(Digest, IsCrc32c)
{
    EXPECT_EQ(Crc("123456789"), 0xe3069283u); // RFC 3720, and every table of CRCs
}

TEST(Digest, OfATailIsWorkedOutOnce)
{
    std::string head = "one head", other = "another", tail(100003, 'x');
    tail[77] = 'y';
    auto t = std::make_unique<struct digest_tail>();
    digest_tail_make(t.get(), digest_bytes(0, tail.data(), tail.size()), tail.size());
    for (const std::string &h : {head, other, std::string()}) {
        uint32_t state = digest_bytes(DIGEST_START, h.data(), h.size());
        EXPECT_EQ(digest_end(digest_tail_add(t.get(), state)), Crc(h + tail));
    }
}

TEST(Digest, DoesNotCountDotsOfTransparencyHoweverContentIsCut)
{
    const std::string wire = "..a\r\n.\r\n..\r\nb.\r\n", content = ".a\r\n\r\n.\r\nb.\r\n";
    for (size_t cut = 0; cut <= wire.size(); cut++) {
        struct digest d = {DIGEST_START, 0, true};
        auto data = reinterpret_cast<const uint8_t *>(wire.data());
        digest_wire(&d, data, cut);
        digest_wire(&d, data + cut, wire.size() - cut);
        EXPECT_EQ(digest_end(d.state), Crc(content)) << cut;
        EXPECT_EQ(d.size, content.size());
    }
}

struct Inspected {
    struct inspection i = {};
    Inspected()
    {
        inspection_reset(&i);
    }
    ~Inspected()
    {
        inspection_free(&i);
    }
    void Content(const std::string &text, size_t piece)
    {
        for (size_t at = 0; at < text.size(); at += piece)
            inspection_content(&i, reinterpret_cast<const uint8_t *>(text.data()) + at,
                               std::min(piece, text.size() - at));
    }
};

TEST(Inspection, BeginsWithTheFieldWhateverRelaysPutInFront)
{
    const std::string trace = "Received: from x\r\n\tX-Smtpgen: not here\r\n";
    const std::string own = "X-Smtpgen: 0000beef-0000000000002a\r\nSubject: s\r\n\r\nbody\r\n";
    for (size_t piece : {1, 2, 7, 50, 1000}) {
        Inspected one;
        one.Content(trace + own, piece);
        ASSERT_TRUE(one.i.found) << piece;
        EXPECT_EQ(one.i.run, 0xbeefu);
        EXPECT_EQ(one.i.number, 42u);
        EXPECT_EQ(digest_end(one.i.digest.state), Crc(own));
        EXPECT_EQ(one.i.digest.size, own.size());
    }
}

TEST(Inspection, ForeignMailHasNoField)
{
    Inspected one;
    one.Content("Subject: x\r\n\r\n" + std::string(20000, 'x'), 1400);
    EXPECT_FALSE(one.i.found);
    Inspected bad;
    bad.Content("X-Smtpgen: 0000beef-zzzzzzzzzzzzzz\r\n\r\nx", 1400);
    EXPECT_FALSE(bad.i.found);
}

TEST(Inspection, KeepsRecipients)
{
    Inspected one;
    const std::string a = "RCPT TO:<a@b.example>\r\n",
                      b = "RCPT TO:<\"x>y\"@b.example> NOTIFY=NEVER\r\n";
    ASSERT_TRUE(inspection_recipient(&one.i, a.data(), a.size()));
    ASSERT_TRUE(inspection_recipient(&one.i, b.data(), b.size()));
    EXPECT_EQ(one.i.recipients, 2u);
    EXPECT_EQ(std::string(one.i.addresses, one.i.len),
              std::string("a@b.example\0\"x>y\"@b.example\0", 28));
}

} // namespace
