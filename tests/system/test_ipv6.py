# SPDX-License-Identifier: BSD-3-Clause
"""Both families at once: clients, mailbox servers and external servers of either."""
import os
import re
import socket
import struct
import time

from harness import network
from harness.case import Case
from harness.client import Client, deliver
from harness.process import run, wait_until
from harness.server import Server
from harness.splitmx import SplitMX

# A second domain, whose servers are of the other family than the first one's.
OTHER = f"""\
[domain example.net]
mailboxes            = example.com.mailboxes
mailbox_server       = {network.OURS}:25
split_domain_routing = yes
external_mail_server = [{network.EXTERNAL6}]:25
verification_address = carol@example.net
"""


def ping(address, size, count=3):
    """How many of `count` echo requests with `size` bytes were answered with the same bytes."""
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as icmp:
        icmp.settimeout(1)
        answered = 0
        for number in range(count):
            body = struct.pack("!HH", os.getpid() & 0xFFFF, number) + os.urandom(size)
            icmp.sendto(struct.pack("!BBH", 128, 0, 0) + body, (address, 0))  # the kernel sums it
            end = time.monotonic() + 1
            while time.monotonic() < end:
                try:
                    packet = icmp.recv(65536)
                except socket.timeout:
                    break
                if packet[0] == 129 and packet[4:] == body:
                    answered += 1
                    break
        return answered


class DualStack:
    """The cases; the classes below run them over one device each."""

    device = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        network.add_ipv6()
        cls.addClassCleanup(network.remove_ipv6)
        cls.ours6, cls.external4, cls.ours4, cls.external6 = (
            cls.keep(Server(address))
            for address in (network.OURS6, network.EXTERNAL, network.OURS, network.EXTERNAL6))
        cls.router = cls.keep(SplitMX(cls.build, cls.device, ours=f"[{network.OURS6}]", ipv6=True,
                                      more=OTHER).start())
        wait_until(cls.other_external_up, 15, "the other external server is verified", step=0.1)

    @classmethod
    def other_external_up(cls):
        with Client(network.ROUTER6) as client:
            client.hello()
            return client.envelope("probe@client.test", "carol@example.net")[1][:3] == "250"

    def setUp(self):
        for server in (self.ours6, self.external4, self.ours4, self.external6):
            server.clear()

    def assertRouted(self, router, client, recipient, server, peer):
        """One message through `router`'s address reaches `server` only, from our address `peer`."""
        content = b"Subject: both\r\n\r\n" + b"0123456789abcdef" * 20000 + b"\r\n"
        self.assertReply(deliver(router, "s@client.test", [recipient], content), "250")
        for each in (self.ours6, self.external4, self.ours4, self.external6):
            self.assertEqual(each.recipients(), [recipient] if each is server else [])
        message, = server.messages
        self.assertTrue(message.content.endswith(content))
        self.assertEqual(message.client, peer)
        received = re.match(rb"Received: [^\r\n]*(?:\r\n[ \t][^\r\n]*)*", message.content)[0].decode()
        literal = f"[IPv6:{client}]" if ":" in client else f"[{client}]"
        self.assertRegex(received, rf"^Received: from client\.test \(.*{re.escape(literal)}\)")
        logged = f"client=[{client}]:" if ":" in client else f"client={client}:"
        wait_until(lambda: any(f"to={recipient}" in line and logged in line
                               for line in self.router.mail_log()), 5, f"{logged} in the mail log")

    def test_an_ipv6_client_reaches_an_ipv6_mailbox_server(self):
        self.assertRouted(network.ROUTER6, network.CLIENT6, "alice@example.com",
                          self.ours6, network.ROUTER6)

    def test_an_ipv6_client_reaches_an_ipv4_external_server(self):
        self.assertRouted(network.ROUTER6, network.CLIENT6, "carol@example.com",
                          self.external4, network.ROUTER)

    def test_an_ipv4_client_reaches_an_ipv4_mailbox_server(self):
        self.assertRouted(network.ROUTER, network.CLIENT, "alice@example.net",
                          self.ours4, network.ROUTER)

    def test_an_ipv4_client_reaches_an_ipv6_external_server(self):
        self.assertRouted(network.ROUTER, network.CLIENT, "carol@example.net",
                          self.external6, network.ROUTER6)

    def test_route_prints_ipv6_next_hops_in_brackets(self):
        done = self.router.check("--route", "alice@example.com", "carol@example.net")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual([line.split("\t")[2] for line in done.stdout.splitlines()[:2]],
                         [f"[{network.OURS6}]:25", f"[{network.EXTERNAL6}]:25"])

    def test_the_kernel_pings_us(self):
        for size in (4, 56, 1400, 1452):
            self.assertEqual(ping(network.ROUTER6, size), 3, f"{size} bytes")

    def test_the_kernel_pings_our_link_local_address(self):
        mac = [int(byte, 16) for byte in re.search(
            r"lladdr ([0-9a-f:]+)", run("ip", "-6", "neighbour", "show", network.ROUTER6).stdout)[1].split(":")]
        address = "fe80::%x:%xff:fe%02x:%x" % ((mac[0] ^ 2) << 8 | mac[1], mac[2], mac[3], mac[4] << 8 | mac[5])
        self.assertEqual(ping(f"{address}%{network.BRIDGE}", 56), 3)

    def conflicts(self):
        return self.router.counters()["workers"]["0"]["ip"]["rx_conflict"]

    # A host of its own: the kernel that the others share asks for our address all the time, and the
    # answer would make it give the address up before it has asked whether somebody has it.
    def test_whoever_wants_our_address_is_told_that_it_is_taken(self):
        before = self.conflicts()
        run("ip", "netns", "add", "stranger")
        self.addCleanup(run, "ip", "netns", "delete", "stranger")
        network.veth("stranger0", "stranger1")
        self.addCleanup(network.remove, "stranger0")
        run("ip", "link", "set", "stranger1", "netns", "stranger")
        run("ip", "netns", "exec", "stranger", "sysctl", "-qw", "net.ipv6.conf.stranger1.disable_ipv6=0")
        run("ip", "-n", "stranger", "link", "set", "stranger1", "up")
        run("ip", "-n", "stranger", "address", "add", f"{network.ROUTER6}/128", "dev", "stranger1")
        wait_until(lambda: "dadfailed" in run("ip", "-n", "stranger", "-6", "address", "show").stdout,
                   10, "the stranger gives it up")
        wait_until(lambda: self.conflicts() > before, 5, "the conflict is counted")

    def test_a_port_that_nobody_listens_on_refuses(self):
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection((network.ROUTER6, 26), 5)


class DualStackOverNetTap(DualStack, Case):
    device = "net_tap"


class DualStackOverNetAfPacket(DualStack, Case):
    device = "net_af_packet"
