# SPDX-License-Identifier: BSD-3-Clause
"""Addresses that open relays fall for, with destinations that trust us and take everything; clients that want too much."""
import contextlib
import re

from harness import network
from harness.case import CaptureCase
from harness.client import Client

REFUSED = r'''
user@evil.test
user%evil.test@example.com
"user%evil.test"@example.com
"user@evil.test"@example.com
"user\@evil.test"@example.com
user\@evil.test@example.com
user@evil.test@example.com
evil.test!user@example.com
"evil.test!user"@example.com
evil.test!user
user%evil.test
user%evil.test@
"user@evil.test"
@evil.test
user@example.com@evil.test
user@example.com%evil.test
user@example.com.evil.test
user@sub.example.com
user@notexample.com
user@localhost
user@[10.99.0.2]
user%evil.test@[10.99.0.2]
user@[127.0.0.1]
user@[IPv6:fd99::2]
user@mx.test
@example.com:user@evil.test
@mx.test,@example.com:user@evil.test
@example.com:user%evil.test@example.com
|/bin/sh@example.com
"|/bin/sh"@example.com
/etc/passwd@example.com
"/etc/passwd"@example.com
"../../etc/passwd"@example.com
"a b"@evil.test
alice%evil.test@example.com
alice!evil.test@example.com
alice@evil.test,alice@example.com
alice@example.com,alice@evil.test
alice@example.com> NOTIFY=NEVER <user@evil.test
'''.strip().split("\n") + ["user\x01@example.com", "user\x00@example.com", "us\ter@example.com",
                           "user@example.com\x00.evil.test"]


class OpenRelay(CaptureCase):
    def assertNothingEvilArrived(self):
        """Every recipient that a destination ever saw is a plain mailbox of our domain."""
        for server in (self.ours, self.external):
            for command in server.commands:
                if command.upper().startswith("RCPT"):
                    self.assertRegex(command, r"(?i)^RCPT TO:<[a-z0-9+.]+@example\.com>")

    def test_no_address_of_the_corpus_gets_a_yes(self):
        for address in REFUSED:
            with self.subTest(address=address), Client(network.ROUTER) as client:
                client.hello()
                client.command("MAIL FROM:<s@client.test>")
                client.send(f"RCPT TO:<{address}>\r\n".encode("utf-8", "surrogateescape"))
                self.assertReply(client.reply(), "5")
                # The session still works, and what follows is judged by itself.
                self.assertReply(client.command("RCPT TO:<alice@example.com>"), "250")
        self.assertNothingEvilArrived()

    def test_no_sender_of_our_own_domain_opens_the_relay(self):
        for sender in ("alice@example.com", "carol@example.com", "postmaster@example.com", ""):
            with Client(network.ROUTER) as client:
                client.hello("example.com")
                self.assertReply(client.envelope(sender, "user@evil.test")[1], "5")

    def test_neither_side_may_use_us_as_a_relay(self):
        for source in (network.OURS, network.EXTERNAL):
            with Client(network.ROUTER, source=source) as client:
                client.hello()
                self.assertReply(client.envelope("alice@example.com", "user@evil.test")[1], "550 5.7.1")

    def test_a_source_route_is_stripped(self):
        self.assertReply(self.send(["@evil.test,@other.test:alice@example.com"]), "250")
        self.assertEqual(self.ours.recipients(), ["alice@example.com"])

    def test_commands_hidden_in_arguments_do_not_reach_the_destination(self):
        with Client(network.ROUTER) as client, contextlib.suppress(ConnectionError):
            client.hello("client.test\nRCPT TO:<user@evil.test>")
            client.envelope("s@client.test", "alice@example.com")
        with Client(network.ROUTER) as client, contextlib.suppress(ConnectionError):
            client.hello()
            client.envelope("s@client.test", "alice@example.com")
            client.command("RCPT TO:<alice@example.com>\rRCPT TO:<user@evil.test>")
        self.assertNothingEvilArrived()

    def test_all_mail_seen_by_destinations_is_for_the_domain(self):
        self.assertReply(self.send(["alice@example.com", "carol@example.com"]), "250")
        self.assertNothingEvilArrived()
        seen = [c for s in (self.ours, self.external) for c in s.commands if re.match("(?i)rcpt", c)]
        self.assertGreaterEqual(len(seen), 2)


class ClientLimits(CaptureCase):
    """Everybody here is in one /24."""

    router_options = {"more": "[limits]\nconnections = 3\ninvalid_rate = 5\n"}

    def test_a_connection_too_many_is_shed_and_the_others_go_on(self):
        with Client(network.ROUTER) as first, Client(network.ROUTER), Client(network.ROUTER):
            with Client(network.ROUTER, source=network.OTHER_CLIENT, greet=False) as shed:
                self.assertReply(shed.reply(), "421 4.7.0")
            first.hello()
            self.assertReply(first.message("s@client.test", ["alice@example.com"], b"x\r\n"), "250")

    def test_who_guesses_addresses_does_not_trouble_the_destinations_for_long(self):
        with Client(network.ROUTER) as client:
            client.hello()
            client.command("MAIL FROM:<s@client.test>")
            for guess in range(5):
                self.assertReply(client.command(f"RCPT TO:<guess{guess}@elsewhere.test>"), "550")
            self.assertReply(client.command("RCPT TO:<carol@example.com>"), "450 4.7.1")
        self.assertEqual(self.external.commands, [])
