# SPDX-License-Identifier: BSD-3-Clause
"""What all system tests have in common."""
import os
import unittest

from . import network
from .client import deliver
from .server import Server
from .splitmx import SplitMX


class Case(unittest.TestCase):
    """A subject. Fixtures that a class starts in setUpClass go through `keep`, which ends them."""

    build = "build"  # set by the runner
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        network.create()
        cls.need_program()

    @classmethod
    def need_program(cls):
        """Skip the class where the program is not built."""
        if not os.path.exists(os.path.join(cls.build, "app/splitmx")):
            raise unittest.SkipTest("the program app/splitmx is not built")

    @classmethod
    def keep(cls, fixture):
        """Start-once fixtures: stopped when the class is done."""
        cls.addClassCleanup(getattr(fixture, "close", None) or fixture.stop)
        return fixture

    def assertReply(self, reply, expected):
        """The reply begins with the expected code and text, e.g. '550 5.1.1'."""
        if not reply.startswith(expected):
            self.fail(f"expected a reply {expected!r}, got {reply!r}")


class CaptureCase(Case):
    """The router between two capture servers: alice and bob are ours, all others external."""

    device = "net_tap"
    router_options = {}
    server_options = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ours = cls.keep(Server(network.OURS, **cls.server_options))
        cls.external = cls.keep(Server(network.EXTERNAL, **cls.server_options))
        cls.router = cls.keep(SplitMX(cls.build, cls.device, **cls.router_options).start())

    def setUp(self):
        for server in (self.ours, self.external):
            server.clear()

    def send(self, recipients, content=b"Subject: test\r\n\r\ntext\r\n", **options):
        """One message from the client to the router; the reply that ended the conversation."""
        return deliver(network.ROUTER, "sender@client.test", recipients, content, **options)

    def assertFlows(self):
        """A message to both sides goes through now."""
        for server in (self.ours, self.external):
            server.clear()
        self.assertReply(self.send(["alice@example.com", "carol@example.com"]), "250")
        self.assertEqual(self.ours.recipients(), ["alice@example.com"])
        self.assertEqual(self.external.recipients(), ["carol@example.com"])
