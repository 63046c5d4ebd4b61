# SPDX-License-Identifier: BSD-3-Clause
"""Both sides send what they do not know to us: nothing goes round."""
import re
import time

from harness import network
from harness.case import Case, CaptureCase
from harness.client import Client, deliver
from harness.exim import Exim
from harness.postfix import Postfix
from harness.splitmx import SplitMX


class LoopsInData(Case):
    """Real Postfix halves that queue a message before they look further for its recipient."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        router = f"{network.ROUTER}:25"
        cls.ours = cls.keep(Postfix("ours", network.OURS, ["alice"], relay_unknown=router).start())
        cls.external = cls.keep(Postfix("external", network.EXTERNAL, ["carol"], relay_unknown=router).start())
        # zoe is in our set, but her mailbox is gone: the list and the server disagree.
        cls.router = cls.keep(SplitMX(cls.build, mailboxes=["alice", "zoe"]).start())

    def received(self, message):
        return len(re.findall(rb"^Received:", message, re.M))

    def assertBounced(self, recipient):
        """The message came back to its sender alice, once, and went nowhere else."""
        self.assertReply(deliver(network.ROUTER, "alice@example.com", [recipient],
                                 b"From: alice@example.com\r\nSubject: loop\r\n\r\ntext\r\n"), "250")
        bounce, = self.ours.wait_for("alice@example.com", 1)
        for _ in range(2):
            self.ours.settle()
            self.external.settle()
        self.assertEqual(len(self.ours.messages("alice@example.com")), 1)
        self.assertEqual(self.external.mailboxes(), {})
        self.assertIn(b"5.1.1", bounce)
        self.assertLess(self.received(bounce), 8)
        self.ours.clear()

    def test_a_recipient_that_neither_side_has_comes_back_to_the_sender(self):
        self.assertBounced("nobody@example.com")

    def test_a_recipient_that_only_the_list_has_comes_back_to_the_sender(self):
        self.assertBounced("zoe@example.com")

    def test_each_side_reaches_the_other_through_us(self):
        self.assertReply(deliver(network.OURS, "alice@example.com", ["carol@example.com"], b"x\r\n"), "250")
        self.external.wait_for("carol@example.com")
        self.assertReply(deliver(network.EXTERNAL, "carol@example.com", ["alice@example.com"], b"x\r\n"), "250")
        self.ours.wait_for("alice@example.com")
        self.ours.clear()
        self.external.clear()


class LoopsOverBoth(Case):
    """Real Postfix halves of which one hands on to the other what it has no mailbox for, and that to us."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ours = cls.keep(Postfix("ours", network.OURS, ["alice"], relay_unknown=f"{network.EXTERNAL}:25").start())
        cls.external = cls.keep(Postfix(
            "external", network.EXTERNAL, ["carol"], relay_unknown=f"{network.ROUTER}:25",
            aliases=[("sales@example.com", "alice@example.com")]).start())
        # zoe is in our set, but her mailbox is gone.
        cls.router = cls.keep(SplitMX(cls.build, mailboxes=["alice", "zoe"]).start())

    def send(self, recipient):
        self.assertReply(deliver(network.ROUTER, "alice@example.com", [recipient],
                                 b"From: alice@example.com\r\nSubject: round\r\n\r\ntext\r\n"), "250")

    def test_a_ping_pong_is_refused_naming_both_systems_and_comes_back_to_the_sender(self):
        self.send("zoe@example.com")
        bounce, = self.ours.wait_for("alice@example.com", 1)
        self.assertRegex(bounce, rb"5\.4\.6 Mail loop: <zoe@example\.com>\s+has been at\s+10\.99\.0\.10:25\s+and\s+"
                                 rb"came\s+back\s+from\s+\[10\.99\.0\.20\]")
        self.assertEqual(self.router.relay_counters()["messages_looped"], 1)
        self.assertTrue(any("alarm: mail loop: zoe@example.com" in line for line in self.router.notices()))
        self.ours.clear()

    def test_an_alias_there_that_leads_to_a_mailbox_here_is_no_loop(self):
        before = self.router.relay_counters()["messages_looped"]
        self.send("sales@example.com")
        message, = self.ours.wait_for("alice@example.com", 1)
        self.assertEqual(len(re.findall(rb"\(splitmx [0-9A-F]{16}\)", message)), 2)
        self.assertEqual(self.router.relay_counters()["messages_looped"], before)
        self.ours.clear()


class LoopsOfCallouts(Case):
    """Real Exim halves that verify each recipient by a callout: one asks the other, and that asks us."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        peers = Exim.need(cls.build)
        cls.ours = cls.keep(Exim("ours", network.OURS, ["alice"], peers=peers, callout=True,
                                 relay_unknown=f"{network.EXTERNAL}:25").start())
        cls.external = cls.keep(Exim("external", network.EXTERNAL, ["carol"], peers=peers, callout=True,
                                     relay_unknown=f"{network.ROUTER}:25").start())
        # zoe is in our set, but her mailbox is gone.
        cls.router = cls.keep(SplitMX(cls.build, mailboxes=["alice", "zoe"]).start())

    def test_a_recursion_without_an_end_has_one(self):
        with Client(network.ROUTER, seconds=100) as client:
            client.hello()
            self.assertReply(client.envelope("s@client.test", "zoe@example.com")[1], "45")
        counters = self.router.relay_counters()
        self.assertEqual(counters["rcpt_pending"], 1)
        self.assertLess(counters["rcpt_accepted"] + counters["rcpt_refused"], 40)

    def test_each_half_verifies_through_us_what_the_other_has(self):
        with Client(network.OURS, seconds=100) as client:
            client.hello()
            self.assertReply(client.envelope("s@client.test", "carol@example.com")[1], "250")
        with Client(network.EXTERNAL, seconds=100) as client:
            client.hello()
            self.assertReply(client.envelope("s@client.test", "alice@example.com")[1], "250")
        with Client(network.EXTERNAL, seconds=100) as client:
            client.hello()
            self.assertReply(client.envelope("s@client.test", "nobody@example.com")[1], "550")


class LoopsInRcpt(CaptureCase):
    """Halves that ask us about an unknown recipient while their own client waits at RCPT."""

    def ask_router(self, source, known):
        def judge(recipient):
            if recipient in known:
                return None
            with Client(network.ROUTER, source=source, seconds=10) as client:
                client.hello("half.test")
                answer = client.envelope("s@client.test", recipient)[1]
            return None if answer[0] == "2" else answer
        return judge

    def test_a_chain_of_rcpt_ends_at_once(self):
        self.ours.judge = self.ask_router(network.OURS, {"alice@example.com"})
        self.external.judge = self.ask_router(network.EXTERNAL, {"carol@example.com"})
        for recipient in ("nobody@example.com", "bob@example.com"):  # bob is in our list only
            with self.subTest(recipient=recipient), Client(network.ROUTER) as client:
                client.hello()
                before = self.ours.connections + self.external.connections
                started = time.monotonic()
                self.assertReply(client.envelope("s@client.test", recipient)[1], "550 5.1.1")
                self.assertLess(time.monotonic() - started, 3)
                self.assertLess(self.ours.connections + self.external.connections - before, 4)

    def test_nothing_goes_back_to_the_side_that_it_came_from(self):
        with Client(network.ROUTER, source=network.EXTERNAL) as client:
            client.hello()
            before = self.external.connections
            self.assertReply(client.envelope("s@client.test", "nobody@example.com")[1], "550 5.1.1")
            self.assertEqual(self.external.connections, before)
        with Client(network.ROUTER, source=network.OURS) as client:
            client.hello()
            self.assertReply(client.envelope("s@client.test", "alice@example.com")[1], "550 5.1.1")
