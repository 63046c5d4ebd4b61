# SPDX-License-Identifier: BSD-3-Clause
"""A mailbox server that is found by its name, by a real DNS server with answers of all kinds."""
import contextlib
import threading

from harness import network
from harness.case import CaptureCase
from harness.client import Client
from harness.dns import Dns
from harness.process import wait_until
from harness.server import Server

NAME = "mail.ours.test"


class NamedByDns(CaptureCase):
    router_options = {"ours": NAME, "ipv6": True, "appliance": "resolve_interval = 1s",
                      "timeouts": "connect = 2s"}

    @classmethod
    def setUpClass(cls):
        network.create()
        network.add_ipv6()
        cls.addClassCleanup(network.remove_ipv6)
        cls.dns = cls.keep(Dns([(NAME, network.OURS)]))
        super().setUpClass()

    said = (network.OURS,)

    def setUp(self):
        super().setUp()
        self.seen = len(self.router.notices())
        if self.said != (network.OURS,):
            self.say(network.OURS)
            self.learns(f'server {NAME} is at {network.OURS}"')

    def say(self, *addresses):
        """The name is at these addresses from now on."""
        self.seen = len(self.router.notices())
        type(self).said = addresses
        self.dns.say(*((NAME, address) for address in addresses))

    def learns(self, *words):
        """A notice with these words comes, that was not there yet."""
        wait_until(lambda: any(all(word in line for word in words) for line in self.router.notices()[self.seen:]),
                   15, f"a notice with {words}")

    def test_mail_follows_the_name_while_it_flows(self):
        """Each message is with the old server or with the new one, and no client hears of the move."""
        stop, replies = threading.Event(), []

        def send():
            while not stop.is_set():
                replies.append(self.send(["alice@example.com"]))

        with contextlib.closing(Server(network.OTHER_CLIENT)) as other:
            threads = [threading.Thread(target=send) for _ in range(3)]
            for thread in threads:
                thread.start()
            wait_until(lambda: len(self.ours.messages) > 5, 10, "mail flows")
            self.say(network.OTHER_CLIENT)
            self.learns(f"server {NAME} is at {network.OTHER_CLIENT}")
            wait_until(lambda: len(other.messages) > 5, 10, "mail flows there")
            stop.set()
            for thread in threads:
                thread.join()
            self.assertEqual({reply[:3] for reply in replies}, {"250"})
            self.assertEqual(len(self.ours.messages) + len(other.messages), len(replies))

    def test_an_address_of_ipv6_is_one_too(self):
        with contextlib.closing(Server(network.OURS6)) as other:
            self.say(network.OURS6)
            self.learns(f"server {NAME} is at {network.OURS6}")
            self.assertReply(self.send(["alice@example.com"]), "250")
            self.assertEqual(other.messages[0].client, network.ROUTER6)

    def test_of_several_addresses_one_that_answers_is_enough(self):
        with contextlib.closing(Server(network.OURS6)) as other:
            self.say(network.CLIENT, network.OURS6)  # nobody listens at the first
            self.learns(f"server {NAME} is at ", network.CLIENT, network.OURS6)
            for _ in range(5):
                self.assertReply(self.send(["alice@example.com"]), "250")
            self.assertEqual(len(other.messages), 5)

    def test_a_name_that_is_not_found_any_more_stays_where_it_was(self):
        self.say()
        self.learns(f"server {NAME} cannot be looked up", f"the addresses that it had stay: {network.OURS}")
        self.assertReply(self.send(["alice@example.com"]), "250")
        self.say(network.OURS)
        self.learns(f"server {NAME} is at {network.OURS}")

    def test_a_server_of_names_that_is_silent_delays_no_mail(self):
        self.dns.fall_silent()
        self.learns(f"server {NAME} cannot be looked up", f"the addresses that it had stay: {network.OURS}")
        self.assertReply(self.send(["alice@example.com"]), "250")
        self.dns.stop()
        self.assertReply(self.send(["alice@example.com"]), "250")
        self.seen = len(self.router.notices())
        self.dns.start()
        self.learns(f"server {NAME} is at {network.OURS}")

    def test_addresses_at_which_no_server_can_be_are_left_out(self):
        others = [network.ROUTER, network.ROUTER6, "0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1",
                  "ff02::1", "fe80::1"]
        self.say(*others)
        self.learns(f"server {NAME} cannot be looked up: none of its addresses can be used")
        self.say(*others, network.OTHER_CLIENT)
        self.learns(f'server {NAME} is at {network.OTHER_CLIENT}"')

    def test_hundreds_of_addresses_are_no_harm(self):
        with contextlib.closing(Server(network.OTHER_CLIENT)):
            self.say(*(f"10.98.{i // 250}.{i % 250 + 1}" for i in range(600)))
            self.learns(f"server {NAME} is at 10.98.")
            with Client(network.ROUTER, seconds=30) as client:
                client.hello()
                self.assertReply(client.envelope("s@client.test", "alice@example.com")[1], "451")
