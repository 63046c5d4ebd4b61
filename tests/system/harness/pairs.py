# SPDX-License-Identifier: BSD-3-Clause
"""Real mail servers of four makes as mailbox and as external server, each with each: a domain a pair."""
import importlib.util
import re
import unittest

from . import network
from .aiosmtpd import Aiosmtpd
from .case import Case
from .client import Client
from .exim import Exim
from .opensmtpd import OpenSMTPD
from .postfix import Postfix
from .process import run
from .splitmx import SplitMX

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


def domain_of(pair):
    return "{}-{}.test".format(*pair)


def refused_by(name):
    """The sender whose messages the servers of that name refuse."""
    return f"not-for-{name}@client.test"


def start(make, name, address, users, domains, peers):
    """A running server of that make."""
    if make in ("exim", "opensmtpd"):
        server = {"exim": Exim, "opensmtpd": OpenSMTPD}[make](name, address, users, domains, peers, refuses=refused_by(name))
    else:
        server = {"postfix": Postfix, "aiosmtpd": Aiosmtpd}[make](name, address, users, domains, refuses=refused_by(name))
    return server.start()


class PairsCase(Case):
    """Ours have alice and bob, the external ones carol and dave, in each domain.

    Each refuses, at the end of data, a message whose sender and From: are refused_by(its name).
    """

    router_options = {}
    sections = ""  # of the INI, beside the domains'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        peers = Exim.need(cls.build)
        OpenSMTPD.need(cls.build)
        if not importlib.util.find_spec("aiosmtpd"):
            raise unittest.SkipTest("aiosmtpd is not there for this Python (tests/setup.sh installs it for /usr/bin/python3)")
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
            more=cls.sections + "".join(sections[1:]).replace("example.com.mailboxes", f"{domains[0]}.mailboxes"),
            **cls.router_options).start())

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
