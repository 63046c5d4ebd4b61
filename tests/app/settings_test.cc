// SPDX-License-Identifier: BSD-3-Clause
// What the INI says beside its domains, and what does not fit together in it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/config/loaded.h"

extern "C" {
#include "app/settings.h"
}

namespace
{
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Judged : Loaded {
    std::unique_ptr<struct settings> s = std::make_unique<struct settings>();
    explicit Judged(const std::string &ini) : Loaded(ini)
    {
        settings_build(s.get(), config, errors);
    }
};

std::string Ini(const std::string &appliance, const std::string &port, const std::string &rest = "")
{
    return "[appliance]\n" + appliance + "[port wan]\n" + port +
           "[listener smtp]\nport = wan\n[domain example.com]\n" + rest;
}
const std::string kHost = "hostname = mx.example.net\n";
const std::string kPort = "device = d0\naddress = 192.0.2.25/24\n";

std::vector<std::string> Port(const std::string &port)
{
    return Judged(Ini(kHost, "device = d0\n" + port)).Errors();
}

std::string Address(const struct ip_addr &a)
{
    char buf[ADDR_TEXT_SIZE];
    return ip_addr_format(&a, buf);
}

TEST(Settings, AreDefaultsInMachineUnits)
{
    Judged j(Ini(kHost, kPort));
    ASSERT_THAT(j.Errors(), IsEmpty());
    EXPECT_STREQ(j.s->hostname, "mx.example.net");
    EXPECT_EQ(j.s->workers, 1u);
    EXPECT_FALSE(j.s->idle_sleep);
    EXPECT_EQ(j.s->budget, 256u << 20);
    EXPECT_EQ(j.s->max_sessions, 10000u);
    EXPECT_EQ(j.s->max_transactions, 10000u);
    EXPECT_EQ(j.s->max_connections, 20000u);
    EXPECT_EQ(j.s->max_recipients, 20000u);
    EXPECT_EQ(j.s->max_size, 50u << 20);
    EXPECT_EQ(j.s->recipients_per_message, 1000u);
    EXPECT_EQ(j.s->client_command, 300000000000u);
    EXPECT_EQ(j.s->connect, 30000000000u);
    EXPECT_EQ(j.s->rcpt, 240000000000u);
    EXPECT_EQ(j.s->data, 100000000000u);
    EXPECT_EQ(j.s->body_stall, 150000000000u);
    EXPECT_EQ(j.s->commit, 540000000000u);
    EXPECT_EQ(j.s->pool_idle, 10000000000u);
    EXPECT_EQ(j.s->destination_connections, 100u);
    EXPECT_EQ(j.s->fair_share, 50u);
    EXPECT_EQ(j.s->congestion, CONGESTION_CUBIC);
    EXPECT_EQ(j.s->log_file, nullptr);
    EXPECT_EQ(j.s->infrastructure_reject, nullptr);
}

TEST(Settings, NewRenoCanBeChosen)
{
    Judged j(Ini(kHost, kPort) + "[tcp]\ncongestion = newreno\n");
    ASSERT_THAT(j.Errors(), IsEmpty());
    EXPECT_EQ(j.s->congestion, CONGESTION_NEWRENO);
}

TEST(Settings, APortHasAddressesNetworksAndAGatewayPerFamily)
{
    Judged j(Ini(kHost, "device = d0\naddress = 192.0.2.25/24, 2001:db8::25/64\n"
                        "gateway = 192.0.2.1, fe80::1\nmtu = 1400\n"));
    ASSERT_THAT(j.Errors(), IsEmpty());
    ASSERT_EQ(j.s->port_count, 1u);
    const struct port_settings &p = j.s->ports[0];
    char buf[ADDR_TEXT_SIZE];
    EXPECT_STREQ(p.name, "wan");
    EXPECT_STREQ(p.device, "d0");
    EXPECT_EQ(p.mtu, 1400);
    ASSERT_EQ(p.address_count, 2u);
    EXPECT_EQ(Address(p.addresses[0]), "192.0.2.25");
    EXPECT_STREQ(ip_prefix_format(&p.networks[0], buf), "192.0.2.0/24");
    EXPECT_EQ(Address(p.addresses[1]), "2001:db8::25");
    EXPECT_EQ(Address(p.gateway4), "192.0.2.1");
    EXPECT_EQ(Address(p.gateway6), "fe80::1");
    ASSERT_EQ(j.s->listener_count, 1u);
    EXPECT_EQ(j.s->listeners[0].port, 0u);
    EXPECT_EQ(j.s->listeners[0].tcp_port, 25);
}

TEST(Settings, ProxiesAreTrustedByNetworkAndNeverEverybody)
{
    Judged j("[appliance]\n" + kHost + "[port wan]\n" + kPort +
             "[listener smtp]\nport = wan\nproxy_from = 192.0.2.5, 2001:db8::/64\n"
             "[domain example.com]\n");
    ASSERT_THAT(j.Errors(), IsEmpty());
    const struct network_list &l = j.s->listeners[0].proxy_from;
    auto has = [&](const char *text) {
        struct ip_addr a;
        EXPECT_TRUE(ip_addr_parse(text, strlen(text), &a));
        return network_list_has(&l, &a);
    };
    EXPECT_TRUE(has("192.0.2.5"));
    EXPECT_TRUE(has("2001:db8::99"));
    EXPECT_FALSE(has("192.0.2.6"));
    EXPECT_FALSE(has("2001:db8:0:1::99"));
    for (const char *bad : {"0.0.0.0/0", "::/0", "192.0.2.5/24", "lb.example.net"})
        EXPECT_THAT(Judged("[appliance]\n" + kHost + "[port wan]\n" + kPort +
                           "[listener smtp]\nport = wan\nproxy_from = " + bad +
                           "\n[domain example.com]\n")
                        .Errors(),
                    ElementsAre(HasSubstr("proxy_from: ")))
            << bad;
}

TEST(Settings, AHostnameIsAFullDomainName)
{
    for (const char *good :
         {"mx.example.net", "MX1.example.net", "3com.example", "xn--bcher-kva.de"})
        EXPECT_THAT(Judged(Ini("hostname = " + std::string(good) + "\n", kPort)).Errors(),
                    IsEmpty())
            << good;
    for (const char *bad : {"localhost", "mx..example", ".example.net", "mx.example.net.",
                            "-a.example", "a-.example", "mx_1.example", "192.0.2.1", "[192.0.2.1]",
                            "b\xc3\xbc"
                            "cher.de",
                            "a b.example"})
        EXPECT_THAT(Judged(Ini("hostname = " + std::string(bad) + "\n", kPort)).Errors(),
                    ElementsAre(HasSubstr("hostname: ")))
            << bad;
    std::string label(64, 'a');
    EXPECT_THAT(Judged(Ini("hostname = " + label + ".example\n", kPort)).Errors(),
                ElementsAre(HasSubstr("is not a host name")));
}

TEST(Settings, ThereIsOneWorkerForNow)
{
    auto workers = [](const std::string &text) {
        return Judged(Ini(kHost + "workers = " + text + "\n", kPort)).Errors();
    };
    EXPECT_THAT(workers("1"), IsEmpty());
    EXPECT_THAT(workers("3-3"), IsEmpty());
    EXPECT_THAT(workers("2"), ElementsAre(HasSubstr("means 2 workers; allowed: one, until")));
    EXPECT_THAT(workers("2-5"), ElementsAre(HasSubstr("means 4 workers")));
    EXPECT_THAT(workers("2,4-5"), ElementsAre(HasSubstr("means 3 workers")));
    for (const char *bad :
         {"0", "all", "5-2", "-1", "1-", "1x", "2000-3000", "99999999999999999999"})
        EXPECT_THAT(workers(bad), ElementsAre(HasSubstr("neither a count nor a list"))) << bad;
}

TEST(Settings, AnAddressIsAHostsOwnOnItsNetwork)
{
    for (const char *bad : {"192.0.2.25", "192.0.2.25/33", "192.0.2.300/24", "mx.example.net/24"})
        EXPECT_THAT(Port("address = " + std::string(bad) + "\n"),
                    ElementsAre(HasSubstr("is not an address with the length of its network")))
            << bad;
    for (const char *bad : {"192.0.2.0/24", "192.0.2.255/24", "0.0.0.0/0", "127.0.0.1/8",
                            "224.0.0.1/4", "255.255.255.255/32", "::1/128", "ff02::1/64", "::/64"})
        EXPECT_THAT(Port("address = " + std::string(bad) + "\n"), ElementsAre(HasSubstr(bad)))
            << bad;
    EXPECT_THAT(Port("address = 192.0.2.0/31, 192.0.2.7/32\n"), IsEmpty());
    EXPECT_THAT(Port("address = 192.0.2.25/24 192.0.2.25/32\n"),
                ElementsAre(HasSubstr("192.0.2.25/32 is already on [port wan]")));
    std::string many = "address = ";
    for (int i = 1; i <= 9; i++)
        many += "192.0.2." + std::to_string(i) + "/24 ";
    EXPECT_THAT(Port(many + "\n"),
                ElementsAre(HasSubstr("192.0.2.9/24 is one too many; allowed: 8")));
}

TEST(Settings, AGatewayIsANeighbour)
{
    EXPECT_THAT(Port("address = 192.0.2.25/24\ngateway = 198.51.100.1\n"),
                ElementsAre("x.ini:6: [port wan] gateway: 198.51.100.1 is in no network of this "
                            "port"));
    EXPECT_THAT(Port("address = 192.0.2.25/24\ngateway = 192.0.2.25\n"),
                ElementsAre(HasSubstr("our own address")));
    EXPECT_THAT(Port("address = 192.0.2.25/24\ngateway = 192.0.2.255\n"),
                ElementsAre(HasSubstr("broadcast")));
    EXPECT_THAT(Port("address = 192.0.2.25/24\ngateway = router\n"),
                ElementsAre(HasSubstr("is not an address")));
    EXPECT_THAT(Port("address = 192.0.2.25/24\ngateway = fe80::1\n"),
                ElementsAre(HasSubstr("in no network")));
    EXPECT_THAT(Port("address = 2001:db8::25/64\ngateway = fe80::1\n"), IsEmpty());
    EXPECT_THAT(Port("address = 192.0.2.25/24\ngateway = 192.0.2.1 192.0.2.2\n"),
                ElementsAre(HasSubstr("192.0.2.2 is a second one of its family")));
}

TEST(Settings, APortMakesItsLinkLocalAddressItself)
{
    EXPECT_THAT(Port("address = fe80::25/64\n"), ElementsAre(HasSubstr("is link-local")));
}

TEST(Settings, Ipv6NeedsItsLeastMtu)
{
    EXPECT_THAT(Port("address = 2001:db8::25/64\nmtu = 1279\n"),
                ElementsAre(HasSubstr("at least 1280")));
    EXPECT_THAT(Port("address = 192.0.2.25/24\nmtu = 576\n"), IsEmpty());
}

TEST(Settings, TwoPortsShareNothing)
{
    EXPECT_THAT(
        Judged(Ini(kHost, kPort, "[port lan]\ndevice = d0\naddress = 192.0.2.25/24\n")).Errors(),
        ElementsAre(HasSubstr("[port lan] device: d0 is already the device of [port wan]"),
                    HasSubstr("[port lan] address: 192.0.2.25/24 is already on")));
}

TEST(Settings, AListenerNamesAPortThatExistsAndATcpPortOfItsOwn)
{
    EXPECT_THAT(Judged(Ini(kHost, kPort, "[listener a]\nport = lan\n")).Errors(),
                ElementsAre("x.ini:10: [listener a] port: there is no [port lan]"));
    EXPECT_THAT(
        Judged(Ini(kHost, kPort, "[listener a]\nport = wan\n")).Errors(),
        ElementsAre("x.ini:9: [listener a] tcp_port: 25 on port wan is already taken by [listener "
                    "smtp]"));
    EXPECT_THAT(Judged(Ini(kHost, kPort, "[listener a]\nport = wan\ntcp_port = 587\n")).Errors(),
                IsEmpty());
}

TEST(Settings, LimitsFitTogether)
{
    EXPECT_THAT(Judged(Ini(kHost, kPort, "[memory]\nmax_sessions = 20000\n")).Errors(),
                ElementsAre(HasSubstr("leave none of max_connections (20000) for destinations")));
    EXPECT_THAT(Judged(Ini(kHost, kPort, "[memory]\nmax_recipients = 999\n")).Errors(),
                ElementsAre(HasSubstr("less than one message may have")));
    EXPECT_THAT(Judged(Ini(kHost, kPort, "[timeouts]\nrcpt = 20s\n")).Errors(),
                ElementsAre(HasSubstr("connect: is longer than rcpt")));
    Judged few(Ini(kHost, kPort, "[memory]\nmax_sessions = 500\n"));
    EXPECT_EQ(few.s->max_transactions, 500u) << "each is a session's";
}

TEST(Settings, AListenerSaysWhatItOffers)
{
    Judged usual(Ini(kHost, kPort));
    EXPECT_EQ(usual.s->listeners[0].offers & smtp_set(SMTP_DSN), 0u) << "by option only";
    EXPECT_NE(usual.s->listeners[0].offers & smtp_set(SMTP_SMTPUTF8), 0u);
    std::string more = "[listener more]\nport = wan\ntcp_port = 26\ndsn = yes\nlimits = no\n";
    Judged other(Ini(kHost, kPort, more));
    EXPECT_EQ(other.s->listeners[1].offers,
              (usual.s->listeners[0].offers | smtp_set(SMTP_DSN)) & ~smtp_set(SMTP_LIMITS));
    EXPECT_THAT(Judged(Ini(kHost, kPort, more + "8bitmime = no\n")).Errors(),
                ElementsAre(HasSubstr("smtputf8: needs 8bitmime = yes")));
    EXPECT_THAT(Judged(Ini(kHost, kPort, more + "binarymime = yes\nchunking = no\n")).Errors(),
                ElementsAre(HasSubstr("binarymime: needs chunking = yes")));
}

TEST(Settings, AnExpressionThatDoesNotCompileSaysWhy)
{
    EXPECT_THAT(
        Judged(Ini(kHost, kPort, "[destinations]\ninfrastructure_reject = block(ed\n")).Errors(),
        ElementsAre(HasSubstr("infrastructure_reject: is not an expression: ")));
    EXPECT_THAT(
        Judged(Ini(kHost, kPort, "[destinations]\ninfrastructure_reject = blocked by\n")).Errors(),
        IsEmpty());
}

TEST(Settings, TooManyPortsAndListenersAreRefused)
{
    std::string ports, listeners;
    for (int i = 0; i < SETTINGS_MAX_PORTS; i++)
        ports += "[port p" + std::to_string(i) + "]\ndevice = e" + std::to_string(i) +
                 "\naddress = 10.0.0." + std::to_string(i + 1) + "/24\n";
    EXPECT_THAT(Judged(Ini(kHost, kPort, ports)).Errors(),
                ElementsAre(HasSubstr("is one port too many; allowed: 16")));
    for (int i = 0; i < SETTINGS_MAX_LISTENERS; i++)
        listeners += "[listener l" + std::to_string(i) +
                     "]\nport = wan\ntcp_port = " + std::to_string(1000 + i) + "\n";
    EXPECT_THAT(Judged(Ini(kHost, kPort, listeners)).Errors(),
                ElementsAre(HasSubstr("is one listener too many; allowed: 64")));
}

} // namespace
