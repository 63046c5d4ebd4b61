# SPDX-License-Identifier: BSD-3-Clause
"""Messages to both sides of a domain, with a real Postfix on each: everybody has it, and once."""
from harness import network
from harness.case import Case
from harness.client import Client, deliver
from harness.postfix import Postfix
from harness.process import wait_until
from harness.splitmx import SplitMX

SMALL = b"Message-ID: <small@client.test>\r\nSubject: small\r\n\r\ntext\r\n"
BIG = b"Message-ID: <big@client.test>\r\nSubject: big\r\n\r\n" + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 400


class Split(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ours = cls.keep(Postfix("ours", network.OURS, ["alice", "bob"]).start())
        # It says so only when it has seen the whole of it.
        cls.external = cls.keep(Postfix("external", network.EXTERNAL, ["carol", "dave"],
                                        settings="message_size_limit = 20000\nsmtpd_discard_ehlo_keywords = size\n").start())
        cls.router = cls.keep(SplitMX(cls.build).start())

    def setUp(self):
        self.ours.clear()
        self.external.clear()

    def attempt(self, content, *recipients):
        """One transaction of a client that goes on with those that are accepted: their replies, and the last."""
        with Client(network.ROUTER) as client:
            client.hello()
            replies = client.envelope("s@client.test", *recipients)[1:]
            return [reply[:3] for reply in replies], client.content(content)

    def assertHas(self, server, *addresses):
        """Each of these has one message, and nobody else any."""
        for address in addresses:
            server.wait_for(address)
        server.settle()
        self.assertEqual({a: len(m) for a, m in server.mailboxes().items()}, dict.fromkeys(addresses, 1))

    def test_one_transaction_reaches_both_sides_once(self):
        before = self.router.relay_counters()["messages_fanned_out"]
        replies, answer = self.attempt(SMALL, "alice@example.com", "dave@example.com", "bob@example.com")
        self.assertEqual(replies, ["250", "250", "250"])
        self.assertReply(answer, "250 2.0.0 OK")
        self.assertHas(self.ours, "alice@example.com", "bob@example.com")
        self.assertHas(self.external, "dave@example.com")
        self.assertEqual(self.router.relay_counters()["messages_fanned_out"], before + 1)

    def test_what_one_side_refuses_bounces_for_its_own_recipients_only(self):
        both = ("alice@example.com", "carol@example.com")
        replies, answer = self.attempt(BIG, *both)
        self.assertEqual(replies, ["250", "250"])
        self.assertReply(answer, "451")
        # The client comes again, with both and then with the one that is left.
        replies, answer = self.attempt(BIG, *both)
        self.assertEqual(replies, ["250", "452"])
        self.assertReply(answer, "250")
        replies, answer = self.attempt(BIG, "carol@example.com")
        self.assertEqual(replies, ["250"])
        self.assertReply(answer, "552 5.3.4")
        self.assertHas(self.ours, "alice@example.com")
        self.assertHas(self.external)

    def test_postfix_as_the_client_delivers_to_each_once_and_bounces_only_what_was_refused(self):
        client = self.keep(Postfix("client", network.OTHER_CLIENT, ["sender"],
                                   relay_unknown=f"{network.ROUTER}:25").start())
        before = self.router.relay_counters()["hints"]
        self.assertReply(deliver(network.OTHER_CLIENT, "sender@example.com",
                                 ["alice@example.com", "carol@example.com", "bob@example.com"], BIG), "250")

        def ends():
            client.flush()
            return client.queued() == 0
        wait_until(ends, 60, "its queue is empty", step=0.5)
        self.assertHas(self.ours, "alice@example.com", "bob@example.com")
        self.assertHas(self.external)
        bounce, = client.wait_for("sender@example.com", 1)
        self.assertIn(b"Final-Recipient: rfc822; carol@example.com", bounce)
        self.assertNotIn(b"Final-Recipient: rfc822; alice@example.com", bounce)
        self.assertNotIn(b"Final-Recipient: rfc822; bob@example.com", bounce)
        self.assertGreater(self.router.relay_counters()["hints"], before)
