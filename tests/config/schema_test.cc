// SPDX-License-Identifier: BSD-3-Clause
// The table of keys, and values of each type.
#include <gtest/gtest.h>

#include <string>

extern "C" {
#include "config/schema.h"
}

namespace
{

// The number that a text stands for, or -1.
int64_t Read(enum schema_type type, const char *text)
{
    struct schema_key key = {};
    key.type = type;
    key.max = INT64_MAX;
    key.words[0] = "no";
    key.words[1] = "yes";
    uint64_t number;
    return schema_read(&key, text, &number) ? (int64_t)number : -1;
}

TEST(Value, DurationsHaveAUnit)
{
    EXPECT_EQ(Read(SCHEMA_DURATION, "100ms"), 100000000);
    EXPECT_EQ(Read(SCHEMA_DURATION, "30s"), 30000000000);
    EXPECT_EQ(Read(SCHEMA_DURATION, "5m"), 300000000000);
    EXPECT_EQ(Read(SCHEMA_DURATION, "2h"), 7200000000000);
    EXPECT_EQ(Read(SCHEMA_DURATION, "1d"), 86400000000000);
    EXPECT_EQ(Read(SCHEMA_DURATION, "0"), 0);
    for (const char *bad : {"", "30", "s", "-1s", "+1s", " 1s", "1 s", "1.5s", "1S", "1sec",
                            "99999999999999999999s", "300000d", "18446744073709551615s"})
        EXPECT_EQ(Read(SCHEMA_DURATION, bad), -1) << bad;
}

TEST(Value, SizesMayHaveAUnit)
{
    EXPECT_EQ(Read(SCHEMA_SIZE, "0"), 0);
    EXPECT_EQ(Read(SCHEMA_SIZE, "1000"), 1000);
    EXPECT_EQ(Read(SCHEMA_SIZE, "64K"), 65536);
    EXPECT_EQ(Read(SCHEMA_SIZE, "50M"), 52428800);
    EXPECT_EQ(Read(SCHEMA_SIZE, "2G"), 2147483648);
    for (const char *bad : {"", "K", "1k", "1KB", "1 M", "0x10", "17179869184G"})
        EXPECT_EQ(Read(SCHEMA_SIZE, bad), -1) << bad;
}

TEST(Value, NumbersAndWordsAreTakenAsTheyAreWritten)
{
    EXPECT_EQ(Read(SCHEMA_NUMBER, "007"), 7);
    EXPECT_EQ(Read(SCHEMA_NUMBER, "7K"), -1);
    EXPECT_EQ(Read(SCHEMA_NUMBER, "18446744073709551617"), -1) << "is not 1";
    EXPECT_EQ(Read(SCHEMA_NUMBER, "20000000000000000000"), -1) << "wraps while it is multiplied";
    EXPECT_EQ(Read(SCHEMA_WORD, "no"), 0);
    EXPECT_EQ(Read(SCHEMA_WORD, "yes"), 1);
    EXPECT_EQ(Read(SCHEMA_WORD, "Yes"), -1);
    EXPECT_EQ(Read(SCHEMA_TEXT, "anything"), 0);
    EXPECT_EQ(Read(SCHEMA_TEXT, ""), -1);
}

TEST(Schema, EveryDefaultIsAValueOfItsKey)
{
    unsigned count;
    const struct schema_section *s = schema_sections(&count);
    for (unsigned i = 0; i < count; i++)
        for (unsigned k = 0; k < s[i].key_count; k++) {
            const struct schema_key *key = &s[i].keys[k];
            uint64_t number;
            if (key->fallback != nullptr) {
                EXPECT_TRUE(schema_read(key, key->fallback, &number)) << key->name;
                EXPECT_FALSE(key->required) << key->name;
            }
            EXPECT_EQ(schema_find_key(&s[i], key->name), key) << "twice: " << key->name;
        }
}

TEST(Schema, SuggestsOnlyWhatLooksLikeATypo)
{
    EXPECT_STREQ(schema_nearest_section("domian"), "domain");
    EXPECT_STREQ(schema_nearest_section("Domain"), "domain");
    EXPECT_STREQ(schema_nearest_section("timeout"), "timeouts");
    EXPECT_EQ(schema_nearest_section("tls"), nullptr);
    EXPECT_EQ(schema_nearest_section(std::string(500, 'a').c_str()), nullptr);
    const struct schema_section *domain = schema_find_section("domain");
    EXPECT_STREQ(schema_nearest_key(domain, "mailboxs"), "mailboxes");
    EXPECT_STREQ(schema_nearest_key(domain, "split-domain-routing"), "split_domain_routing");
    EXPECT_EQ(schema_nearest_key(domain, "x"), nullptr);
    EXPECT_EQ(schema_nearest_key(domain, ""), nullptr);
}

} // namespace
