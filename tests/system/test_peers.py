# SPDX-License-Identifier: BSD-3-Clause
"""Real mail servers of four makes as mailbox and as external server, each with each: a domain a pair."""
import importlib.util
import os
import re
import unittest

from harness import network
from harness.aiosmtpd import Aiosmtpd
from harness.case import Case
from harness.client import Client
from harness.exim import Exim
from harness.opensmtpd import OpenSMTPD
from harness.postfix import Postfix
from harness.process import run
from harness.splitmx import SplitMX

MAKES = ("postfix", "exim", "opensmtpd", "aiosmtpd")
PAIRS = [(ours, external) for ours in MAKES for external in MAKES]
OURS = {make: f"10.99.0.{31 + i}" for i, make in enumerate(MAKES)}
EXTERNAL = {make: f"10.99.0.{41 + i}" for i, make in enumerate(MAKES)}
HEADER = "Message-ID: <{0}@client.test>\r\nDate: Mon, 1 Jun 2026 12:00:00 +0000\r\nFrom: <s@client.test>\r\nSubject: {0}\r\n\r\n"

DOMAIN = """\
[domain {domain}]
mailboxes            = example.com.mailboxes
mailbox_server       = {ours}:25
split_domain_routing = yes
external_mail_server = {external}:25
verification_address = carol@{domain}
"""

REPAIRING = 2525
LISTENER = f"""\
[listener repairing]
port         = wan
tcp_port     = {REPAIRING}
bare_newline = repair
"""


def domain_of(pair):
    return "{}-{}.test".format(*pair)


def start(make, name, address, users, domains, peers):
    """A running server of that make."""
    if make in ("exim", "opensmtpd"):
        server = {"exim": Exim, "opensmtpd": OpenSMTPD}[make](name, address, users, domains, peers)
    else:
        server = {"postfix": Postfix, "aiosmtpd": Aiosmtpd}[make](name, address, users, domains)
    return server.start()


class Peers(Case):
    """Ours have alice and bob, the external ones carol and dave, in each domain."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        peers = os.path.join(cls.build, "peers")
        for what, there in (("Exim", os.path.exists(f"{peers}/usr/sbin/exim4")),
                            ("OpenSMTPD", os.path.exists(f"{peers}/usr/sbin/smtpd")),
                            ("aiosmtpd", importlib.util.find_spec("aiosmtpd"))):
            if not there:
                raise unittest.SkipTest(f"{what} is not there (bench/peers.sh --mail-servers build/peers)")
        for address in [*OURS.values(), *EXTERNAL.values()]:
            run("ip", "address", "add", f"{address}/{network.PREFIX}", "dev", network.BRIDGE)
            cls.addClassCleanup(run, "ip", "address", "del", f"{address}/{network.PREFIX}", "dev", network.BRIDGE)
        domains = [domain_of(pair) for pair in PAIRS]
        cls.ours = {make: cls.keep(start(make, "ours", OURS[make], ["alice", "bob"],
                                         [domain_of((make, other)) for other in MAKES], peers)) for make in MAKES}
        cls.external = {make: cls.keep(start(make, "external", EXTERNAL[make], ["carol", "dave"],
                                             [domain_of((other, make)) for other in MAKES], peers)) for make in MAKES}
        sections = [DOMAIN.format(domain=domain, ours=OURS[pair[0]], external=EXTERNAL[pair[1]])
                    for pair, domain in zip(PAIRS, domains)]
        cls.router = cls.keep(SplitMX(
            cls.build, domain=domains[0], ours=OURS["postfix"], external=EXTERNAL["postfix"],
            more=LISTENER + "".join(sections[1:]).replace("example.com.mailboxes", f"{domains[0]}.mailboxes")).start())

    def setUp(self):
        for server in self.servers():
            server.clear()

    def servers(self):
        return [*self.ours.values(), *self.external.values()]

    def attempt(self, content, *recipients):
        """One transaction of a client that goes on with those that are accepted: their replies, and the last."""
        with Client(network.ROUTER, seconds=50) as client:
            client.hello()
            replies = client.envelope("s@client.test", *recipients)[1:]
            return [reply[:9] for reply in replies], client.content(content)

    def assertDelivered(self, wanted, seconds=30):
        """Each server has exactly these, {address: [content]}, each behind one Received line of ours."""
        for server in self.servers():
            for address, contents in wanted.items():
                if address in self.known(server):
                    server.wait_for(address, len(contents), seconds)
            server.settle()
            expected = {a: sorted(c.replace(b"\r\n", b"\n") for c in contents)
                        for a, contents in wanted.items() if a in self.known(server)}
            found = {a: sorted(self.content(m) for m in messages) for a, messages in server.mailboxes().items()}
            self.assertEqual({a: len(m) for a, m in found.items()}, {a: len(m) for a, m in expected.items()},
                             f"{server.make} {server.name}")
            self.assertTrue(found == expected, f"{server.make} {server.name}: the content differs")

    def known(self, server):
        """The addresses with a mailbox there."""
        users, place = (("alice", "bob"), 0) if server.name == "ours" else (("carol", "dave"), 1)
        return {f"{user}@{domain_of(pair)}" for user in users for pair in PAIRS if pair[place] == server.make}

    def content(self, message):
        """What stands behind our trace line, which must be there once."""
        ours = list(re.finditer(rb"^Received: from [^\n]*\n(?:[ \t][^\n]*\n)*", message, re.M))
        ours = [match for match in ours if b"by mx.test" in match[0]]
        self.assertEqual(len(ours), 1, message[:2000])
        return message[ours[0].end():]

    def test_one_side_and_both_get_what_was_sent(self):
        wanted = {}
        for pair in PAIRS:
            domain = domain_of(pair)
            for who in (["alice"], ["dave"], ["bob", "carol"], ["carol", "alice"]):
                content = (HEADER.format("-".join(who + [domain])) + ".\r\n..dots\r\n\r\nend\r\n").encode()
                recipients = [f"{user}@{domain}" for user in who]
                with self.subTest(pair=pair, who=who):
                    replies, answer = self.attempt(content.replace(b"end", b"\xc3\xa9nd"), *recipients)
                    self.assertEqual({reply[:3] for reply in replies}, {"250"})
                    self.assertReply(answer, "250")
                for recipient in recipients:
                    wanted.setdefault(recipient, []).append(content.replace(b"end", b"\xc3\xa9nd"))
        self.assertDelivered(wanted)

    def test_a_refused_recipient_bounces_alone(self):
        wanted = {}
        for pair in PAIRS:
            domain = domain_of(pair)
            content = HEADER.format(domain).encode() + b"text\r\n"
            with self.subTest(pair=pair):
                replies, answer = self.attempt(content, f"alice@{domain}", f"nobody@{domain}", f"carol@{domain}")
                self.assertEqual([reply[:2] for reply in replies], ["25", "55", "25"])
                self.assertReply(answer, "250")
            wanted |= {f"alice@{domain}": [content], f"carol@{domain}": [content]}
        self.assertDelivered(wanted)

    def test_a_big_message_to_both_sides(self):
        wanted = {}
        lines = b"".join(b"%08d .abcdefghijklmnopqrstuvwxyz\r\n.\r\n" % i for i in range(25_000))
        for pair in PAIRS:
            domain = domain_of(pair)
            content = HEADER.format(f"big-{domain}").encode() + lines
            with self.subTest(pair=pair):
                replies, answer = self.attempt(content, f"alice@{domain}", f"carol@{domain}")
                self.assertEqual([reply[:3] for reply in replies], ["250", "250"])
                self.assertReply(answer, "250")
            wanted |= {f"alice@{domain}": [content], f"carol@{domain}": [content]}
        self.assertDelivered(wanted)

    # The ends of data that servers were found to see where there is none (2023 and since), and what is like them.
    SMUGGLED = (b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\n.\r", b"\r.\n", b"\r\n.\r\r\n",
                b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\r\0\n.\r\n", b"\n\0.\n", b"\0\n.\n", b"\r\n.\n\r\n",
                b"\x85.\x85", b"\xc2\x85.\xc2\x85", b"\x0b.\x0b", b"\xe2\x80\xa8.\xe2\x80\xa8")

    def test_nothing_is_smuggled_in_or_out(self):
        """What is sent is one message: all of it arrives on each side as one, or nothing does."""
        wanted, outcomes = {}, {}
        for make in MAKES:
            domain = domain_of((make, make))
            both = (f"alice@{domain}", f"carol@{domain}")
            evil = f"EHLO evil.test\r\nMAIL FROM:<evil@client.test>\r\nRCPT TO:<bob@{domain}>\r\nDATA\r\nevil\r\n"
            for number, end in enumerate(self.SMUGGLED):
                head = HEADER.format(f"{number}-{make}").encode() + b"text"
                content = head + end + evil.encode()
                cuts = range(len(head), len(head) + len(end) + 1) if make == "postfix" else (len(head), len(content))
                for cut in cuts:
                    with self.subTest(make=make, end=end, cut=cut), Client(network.ROUTER) as client:
                        client.hello()
                        client.envelope("s@client.test", *both)
                        self.assertReply(client.command("DATA"), "354")
                        client.send(content[:cut])
                        client.send(content[cut:] + b".\r\n")
                        answer = client.reply()
                        outcomes.setdefault(end, set()).add(answer[:3])
                        self.assertIn(answer[:3], ("250", "550", "554"), answer)
                        if answer[0] == "2":
                            for address in both:
                                wanted.setdefault(address, []).append(content)
        self.assertDelivered(wanted)
        self.assertTrue(all(len(answers) == 1 for answers in outcomes.values()), outcomes)

    def smuggle(self, port, ends, transfer):
        """The contents that were accepted, by address, and the answers that each end got; transfer(client, content)
        sends one and returns the answer."""
        accepted, outcomes = {}, {}
        for make in MAKES:
            domain = domain_of((make, make))
            both = (f"alice@{domain}", f"carol@{domain}")
            evil = f"EHLO evil.test\r\nMAIL FROM:<evil@client.test>\r\nRCPT TO:<bob@{domain}>\r\nDATA\r\nevil\r\n"
            for number, end in enumerate(ends):
                content = HEADER.format(f"{port}-{number}-{make}").encode() + b"text" + end + evil.encode()
                with self.subTest(make=make, end=end), Client(network.ROUTER, port) as client:
                    client.hello()
                    client.envelope("s@client.test", *both)
                    answer = transfer(client, content)
                    outcomes.setdefault(end, set()).add(answer[:3])
                    if answer[0] == "2":
                        for address in both:
                            accepted.setdefault(address, []).append(content)
        return accepted, outcomes

    def test_nothing_is_smuggled_past_the_repair_of_newlines(self):
        """All of it arrives on each side as one message, with every newline a CRLF; only a NUL is refused."""
        def transfer(client, content):
            self.assertReply(client.command("DATA"), "354")
            client.send(content + b".\r\n")
            return client.reply()

        def mended(content):
            return re.sub(rb"\r\n|\r|\n", b"\r\n", content.replace(b"\r\n.", b"\r\n"))

        accepted, outcomes = self.smuggle(REPAIRING, self.SMUGGLED, transfer)
        self.assertDelivered({address: [mended(c) for c in contents] for address, contents in accepted.items()})
        self.assertEqual(outcomes, {end: {"550" if b"\0" in end else "250"} for end in self.SMUGGLED})

    def test_nothing_is_smuggled_in_chunks(self):
        """An end of data is content there, and bare newlines are refused on any listener."""
        def transfer(client, content):
            client.send(f"BDAT {len(content)} LAST\r\n".encode() + content)
            return client.reply()

        ends = (*self.SMUGGLED, b"\r\n.\r\n", b"\r\n..\r\n.")
        for port in (25, REPAIRING):
            accepted, outcomes = self.smuggle(port, ends, transfer)
            self.assertDelivered(accepted)
            self.assertEqual(outcomes, {end: {"550" if re.search(rb"\0|\r(?!\n)|(?<!\r)\n", end) else "250"}
                                        for end in ends})
            self.setUp()
