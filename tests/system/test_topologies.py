# SPDX-License-Identifier: BSD-3-Clause
"""Aliases and rings of them, through real mail servers, in each place that the router may have between them."""
import re

from harness import network
from harness.case import Case
from harness.client import Client, deliver
from harness.exim import Exim
from harness.postfix import Postfix
from harness.splitmx import SplitMX

SENDER = "alice@example.com"
CONTENT = b"From: <alice@example.com>\r\nMessage-ID: <round@client.test>\r\nSubject: round\r\n\r\ntext\r\n"
ALIASES_HERE = [("back@example.com", "round@example.com")]
ALIASES_THERE = [("sales@example.com", "alice@example.com"), ("round@example.com", "back@example.com")]
MAILBOXES = ["alice", "back"]


class Topology:
    """`sales` is an alias there for a mailbox here; `round` one there for `back`, which is one here for `round`."""

    entry = network.ROUTER  # where clients send the domain's mail

    @classmethod
    def start(cls, make, **options):
        """Both sides, of that make; each hands what it has not to the router."""
        hand_on = {"relay_unknown": f"{network.ROUTER}:25", **options}
        cls.ours = cls.keep(make("ours", network.OURS, ["alice"], aliases=ALIASES_HERE, **hand_on).start())
        cls.external = cls.keep(make("external", network.EXTERNAL, ["carol"], aliases=ALIASES_THERE, **hand_on).start())
        cls.router = cls.keep(SplitMX(cls.build, mailboxes=MAILBOXES).start())

    def setUp(self):
        self.ours.clear()
        self.external.clear()

    def test_an_alias_there_for_a_mailbox_here_arrives(self):
        before = self.router.relay_counters()
        self.assertReply(deliver(self.entry, SENDER, ["sales@example.com"], CONTENT), "250")
        message, = self.ours.wait_for("alice@example.com")
        self.assertTrue(message.endswith(b"\ntext\n"))
        self.assertEqual(len(re.findall(rb"\(splitmx [0-9A-F]{16}\)", message)), 2 if self.entry == network.ROUTER else 1)
        self.external.settle()
        self.assertEqual(self.external.mailboxes(), {})
        self.assertEqual(self.router.relay_counters()["messages_looped"], before["messages_looped"])


class QueuedRing(Topology):
    """Real Postfix halves: each takes a message before it looks where it leads, so the ring shows in its headers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.start(Postfix)

    def test_a_ring_of_aliases_is_refused_naming_both_systems(self):
        self.assertReply(deliver(self.entry, SENDER, ["round@example.com"], CONTENT), "250")
        bounce, = self.ours.wait_for("alice@example.com")
        self.assertRegex(bounce, rb"5\.4\.6 Mail loop: <(round|back)@example\.com>\s+has\s+been\s+at\s+10\.99\.0\.[12]0:25"
                                 rb"\s+and\s+came\s+back\s+from\s+\[10\.99\.0\.[12]0\]")
        for server in (self.ours, self.external):
            server.settle()
        self.assertEqual(len(self.ours.messages("alice@example.com")), 1)
        self.assertTrue(any("alarm: mail loop: " in line for line in self.router.notices()))


class MxHere(QueuedRing, Case):
    """Clients send to the router."""


class MxThere(QueuedRing, Case):
    """Clients send to the external system, and the router stands behind it."""

    entry = network.EXTERNAL


class WithExim(Topology):
    """Real Exim halves that look where a recipient leads while their client waits, so the ring closes at RCPT."""

    options = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.start(Exim, peers=Exim.need(cls.build), **cls.options)

    def test_a_ring_of_aliases_is_refused_naming_both_systems(self):
        before = self.router.relay_counters()
        with Client(self.entry, seconds=100) as client:
            client.hello()
            reply = client.envelope(SENDER, "round@example.com")[1]
        self.assertReply(reply, "45")
        self.assertTrue(any(re.search(r"450 4\.4\.6 <(round|back)@example\.com> is asked for too often at once: "
                                      r"do \[10\.99\.0\.[12]0\] and 10\.99\.0\.[12]0:25 ask each other", line)
                            for line in self.router.mail_log()), self.router.mail_log()[-3:])
        after = self.router.relay_counters()
        self.assertEqual(after["rcpt_pending"], before["rcpt_pending"] + 1)
        self.assertLess(after["recipients"] - before["recipients"], 50)


class InLine(WithExim, Case):
    """Each passes a message on while its client sends it."""

    options = {"cutthrough": True}


class Callouts(WithExim, Case):
    """Each asks where a recipient leads, and queues the message."""

    options = {"callout": True}
