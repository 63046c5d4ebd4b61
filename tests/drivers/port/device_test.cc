// SPDX-License-Identifier: BSD-3-Clause
// What an operator may write as `device` and `workers`, and what is said where it is wrong.
#include <gtest/gtest.h>

#include <string>
#include <vector>

extern "C" {
#include "drivers/port/device.h"
#include "drivers/port/eal.h"
#include "drivers/port/port.h"
}

namespace
{

std::string Parse(const std::string &text)
{
    static std::string kept;
    kept = text;
    struct device d;
    struct port_error why = {};
    if (!device_parse(kept.c_str(), &d, &why))
        return why.text;
    return std::string(d.pci ? "pci " : "virtual ") + d.name +
           (d.interface[0] != '\0' ? std::string(" ") + d.interface : "");
}

TEST(Device, IsAPciAddressOrAVirtualDevice)
{
    EXPECT_EQ(Parse("0000:3b:00.0"), "pci 0000:3b:00.0");
    EXPECT_EQ(Parse("3B:00.1"), "pci 0000:3b:00.1");
    EXPECT_EQ(Parse("0000:3b:00.0,txq_inline_mpw=0"), "pci 0000:3b:00.0");
    EXPECT_EQ(Parse("net_tap0,iface=smx0"), "virtual net_tap0 smx0");
    EXPECT_EQ(Parse("net_af_xdp12,iface=eth1,busy_budget=0"), "virtual net_af_xdp12 eth1");
    EXPECT_EQ(Parse("net_memif0,role=client,socket=/run/x.sock"), "virtual net_memif0");
    EXPECT_EQ(Parse("net_vhost0,iface=/run/splitmx/vhost.sock"), "virtual net_vhost0");
}

TEST(Device, SaysWhatIsWrongInOneSentence)
{
    for (const char *bad : {"eth0", "", "0000:3b:00", "3b:00.9", "0000:3g:00.0"})
        EXPECT_NE(Parse(bad).find("is neither a PCI address"), std::string::npos) << bad;
    EXPECT_EQ(Parse("net_af_packet0"),
              "net_af_packet0: iface= is missing, the network interface to use");
    EXPECT_EQ(Parse("net_tap0,ifce=smx0"),
              "net_tap0,ifce=smx0: net_tap has no argument \"ifce\", it takes iface mac remote ");
    EXPECT_EQ(Parse("net_tap0,iface=a-name-of-sixteen"),
              "net_tap0,iface=a-name-of-sixteen: an interface's name has 1 to 15 characters");
}

TEST(Device, AsksTheDriverForAsManyQueuesAsThereAreWorkers)
{
    struct device d;
    struct port_error why;
    char buf[128];
    ASSERT_TRUE(device_parse("net_af_xdp0,iface=eth1", &d, &why));
    EXPECT_STREQ(device_arguments(&d, 1, buf, sizeof(buf)), "net_af_xdp0,iface=eth1");
    EXPECT_STREQ(device_arguments(&d, 4, buf, sizeof(buf)), "net_af_xdp0,iface=eth1,queue_count=4");
    ASSERT_TRUE(device_parse("net_af_packet0,iface=eth1,qpairs=8", &d, &why));
    EXPECT_STREQ(device_arguments(&d, 4, buf, sizeof(buf)), "net_af_packet0,iface=eth1,qpairs=8");
}

std::string Workers(const char *text)
{
    struct eal_workers w;
    if (!eal_workers_parse(text, &w))
        return "error";
    std::string all = std::to_string(w.count);
    for (unsigned k = 0; w.chosen && k < w.count; k++)
        all += (k == 0 ? ": " : " ") + std::to_string(w.cpus[k]);
    return all;
}

TEST(Workers, AreACountOrAListOfCpus)
{
    EXPECT_EQ(Workers("1"), "1");
    EXPECT_EQ(Workers("64"), "64");
    EXPECT_EQ(Workers("2-5"), "4: 2 3 4 5");
    EXPECT_EQ(Workers("3,5"), "2: 3 5");
    EXPECT_EQ(Workers("8,2-3"), "3: 8 2 3");
    EXPECT_EQ(Workers("4,"), "1: 4");
    for (const char *bad : {"", "0", "65", "-1", "2-", "5-2", "2,2", "1-3,2", ",2", "a", "2 ",
                            "99999", "0-64", "2,,3", "99999999999999999999"})
        EXPECT_EQ(Workers(bad), "error") << bad;
}

TEST(PortCheck, JudgesMtuAndMac)
{
    struct port_config c = {};
    struct port_error why;
    c.device = "net_tap0,iface=smx0";
    EXPECT_TRUE(port_check(&c, &why));
    c.mtu = 9001;
    EXPECT_FALSE(port_check(&c, &why));
    EXPECT_STREQ(why.text, "an MTU of 9001: 576 to 9000 are possible");
    c.mtu = 9000;
    c.has_mac = true;
    EXPECT_FALSE(port_check(&c, &why)) << "a MAC address of zeroes";
    c.mac.addr_bytes[0] = 1;
    EXPECT_FALSE(port_check(&c, &why)) << "a group's";
    c.mac.addr_bytes[0] = 2;
    EXPECT_TRUE(port_check(&c, &why));
}

TEST(PortSum, IsKnownBeforeThePortIs)
{
    struct port_config c = {};
    c.device = "net_tap0,iface=smx0";
    struct port_sum tap = port_sum(&c);
    EXPECT_EQ(tap.rings, 2049u);
    EXPECT_EQ(tap.packets_out, 2048u);
    EXPECT_EQ(tap.data_room, 2048u);
    c.rx_descriptors = 512;
    c.tx_descriptors = 256;
    c.mtu = 4000;
    struct port_sum small = port_sum(&c);
    EXPECT_EQ(small.rings, 769u);
    EXPECT_EQ(small.packets_out, 1280u);
    EXPECT_EQ(small.data_room, 4096u);
    c = {};
    c.device = "net_af_xdp0,iface=x";
    EXPECT_GT(port_sum(&c).rings, tap.rings + 4000) << "the kernel's rings hold our buffers too";
}

} // namespace
