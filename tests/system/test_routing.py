# SPDX-License-Identifier: BSD-3-Clause
"""The main job, over each virtual device: every recipient to its own system's real Postfix."""
import re
import smtplib

from harness import network
from harness.case import Case
from harness.client import Client, deliver
from harness.postfix import Postfix
from harness.process import run
from harness.splitmx import SplitMX


class Routing:
    """The cases; the classes below run them over one device each."""

    device = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ours = cls.keep(Postfix("ours", network.OURS, ["alice", "bob"]).start())
        cls.external = cls.keep(Postfix("external", network.EXTERNAL, ["carol", "dave"]).start())
        cls.router = cls.keep(SplitMX(cls.build, cls.device).start())

    def setUp(self):
        self.ours.clear()
        self.external.clear()

    def assertOnlyIn(self, postfix, address, count=1):
        """So many messages in this mailbox, and none anywhere else; returns them."""
        messages = postfix.wait_for(address, count)
        for server in (self.ours, self.external):
            server.settle()
            expected = {address: messages} if server is postfix else {}
            self.assertEqual(server.mailboxes(), expected)
        self.assertEqual(len(messages), count)
        return messages

    def test_swaks_reaches_a_local_mailbox(self):
        run("swaks", "--server", network.ROUTER, "--to", "alice@example.com", "--from", "s@client.test")
        self.assertOnlyIn(self.ours, "alice@example.com")

    def test_swaks_reaches_an_external_mailbox(self):
        run("swaks", "--server", network.ROUTER, "--to", "dave@example.com", "--from", "s@client.test")
        self.assertOnlyIn(self.external, "dave@example.com")

    def test_a_message_for_both_sides_reaches_both(self):
        self.assertReply(deliver(network.ROUTER, "s@client.test", ["bob@example.com", "Dave@Example.COM"],
                                 b"Subject: both\r\n\r\ntext\r\n"), "250")
        self.assertIn(b"Subject: both", self.ours.wait_for("bob@example.com")[0])
        self.assertIn(b"Subject: both", self.external.wait_for("dave@example.com")[0])

    def test_smtplib_reaches_two_mailboxes_of_a_side(self):
        with smtplib.SMTP(network.ROUTER, timeout=20) as client:
            self.assertEqual(client.sendmail("s@client.test", ["alice@example.com", "bob@example.com"],
                                             "Subject: two\r\n\r\ntext\r\n"), {})
        for mailbox in ("alice@example.com", "bob@example.com"):
            self.assertEqual(len(self.ours.wait_for(mailbox)), 1)

    def test_the_message_is_unchanged_behind_our_received_line(self):
        content = "DKIM-Signature: v=1; b=abc\r\n\tdef\r\nSubject: one\r\n\r\n.text\r\n..\r\n\r\nend\r\n"
        self.assertIn("250", deliver(network.ROUTER, "s@client.test", ["alice@example.com"], content.encode()))
        message, = self.assertOnlyIn(self.ours, "alice@example.com")
        message = message.decode().replace("\n", "\r\n")
        self.assertTrue(message.endswith(content), message)
        trace = re.findall(r"^Received: [^\r\n]*(?:\r\n[ \t][^\r\n]*)*", message[:-len(content)], re.M)
        self.assertEqual(len(trace), 2, f"Postfix's line and ours: {message}")
        self.assertRegex(trace[1], r"from client\.test \(.*\[10\.99\.0\.1\]\)")
        self.assertRegex(trace[1], r"by mx\.test\b")
        self.assertIn("for <alice@example.com>", trace[1])

    def test_many_sessions_of_smtp_source(self):
        run("smtp-source", "-s", 5, "-m", 100, "-f", "s@client.test", "-t", "alice@example.com",
            f"{network.ROUTER}:25")
        self.assertOnlyIn(self.ours, "alice@example.com", 100)

    def test_the_reply_of_the_external_server_passes_unchanged(self):
        with Client(network.ROUTER) as client, Client(network.EXTERNAL) as direct:
            for connection in (client, direct):
                connection.hello()
            through = client.envelope("s@client.test", "nobody@example.com")[1]
            self.assertReply(through, "550 5.1.1")
            self.assertEqual(through, direct.envelope("s@client.test", "nobody@example.com")[1])

    def test_other_domains_are_refused(self):
        with Client(network.ROUTER) as client:
            client.hello()
            self.assertReply(client.envelope("s@client.test", "alice@elsewhere.test")[1], "550 5.7.1")
            self.assertReply(client.command("RCPT TO:<alice@example.com>"), "250")


class RoutingOverNetTap(Routing, Case):
    device = "net_tap"


class RoutingOverNetAfPacket(Routing, Case):
    device = "net_af_packet"


class RoutingOverNetAfXdp(Routing, Case):
    device = "net_af_xdp"
