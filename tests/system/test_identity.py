# SPDX-License-Identifier: BSD-3-Clause
"""Who a client is, said by others: load balancers and proxies in front of us, and by us to destinations."""
from harness import network
from harness.case import Case, CaptureCase
from harness.client import Client, deliver
from harness.haproxy import HAProxy
from harness.postfix import Postfix
from harness.process import run, wait_until
from harness.splitmx import SplitMX

# The load balancer has the address of the external server: by itself it is on that side.
VERSION1, VERSION2, CHECKSUM = 2501, 2502, 2503


class LoadBalancer(CaptureCase):
    router_options = {"listener": f"proxy_from = {network.EXTERNAL}"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.balancer = cls.keep(HAProxy(network.EXTERNAL, {
            VERSION1: "send-proxy", VERSION2: "send-proxy-v2",
            CHECKSUM: "send-proxy-v2 proxy-v2-options crc32c,unique-id check inter 1s"}).start())

    def test_haproxys_clients_are_known_by_their_own_address(self):
        for port in (VERSION1, VERSION2, CHECKSUM):
            with self.subTest(port=port):
                self.ours.clear()
                with Client(network.EXTERNAL, port, source=network.OTHER_CLIENT) as client:
                    mine = client.socket.getsockname()
                    client.hello()
                    self.assertReply(client.message("s@client.test", ["alice@example.com"], b"x\r\n"), "250")
                self.assertIn(f"client.test (unknown [{network.OTHER_CLIENT}])".encode(),
                              self.ours.messages[0].content)
                told = f"client={mine[0]}:{mine[1]} "
                wait_until(lambda: told in "".join(self.router.mail_log()),
                           what="the client's own address in the mail log")

    def test_the_side_is_that_of_the_client_and_not_of_the_load_balancer(self):
        with Client(network.EXTERNAL, VERSION2, source=network.OTHER_CLIENT) as client:
            client.hello()
            self.assertReply(client.envelope("s@client.test", "carol@example.com")[1], "250")
        with Client(network.EXTERNAL, VERSION2, source=network.EXTERNAL) as client:
            client.hello()
            self.assertReply(client.envelope("s@client.test", "carol@example.com")[1], "550 5.1.1")

    def test_nobody_else_can_say_who_a_client_is(self):
        for header in (b"PROXY TCP4 10.99.0.20 10.99.0.2 4711 25\r\n",
                       b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x0a\x63\0\x14\x0a\x63\0\x02\x12\x34\0\x19"):
            with self.subTest(header=header), Client(network.ROUTER) as client:
                client.send(header + b"EHLO client.test\r\n")
                with self.assertRaises(ConnectionError):
                    client.reply()
        self.assertReply(deliver(network.ROUTER, "s@client.test", ["alice@example.com"], b"x\r\n"), "250")

    def test_a_load_balancer_that_says_nothing_of_its_client_is_not_served(self):
        with Client(network.ROUTER, source=network.EXTERNAL, greet=False) as client:
            client.send(b"EHLO client.test\r\n")
            with self.assertRaises(ConnectionError):
                client.reply()


class Xclient(CaptureCase):
    router_options = {"listener": f"xclient_from = {network.OTHER_CLIENT}"}

    def test_swaks_speaks_for_somebody_else(self):
        run("swaks", "--server", network.ROUTER, "--local-interface", network.OTHER_CLIENT,
            "--xclient-name", "mail.elsewhere.test", "--xclient-addr", "203.0.113.9",
            "--xclient-helo", "helo.elsewhere.test", "--ehlo", "proxy.test",
            "--from", "s@client.test", "--to", "alice@example.com")
        self.assertIn(b"from helo.elsewhere.test (mail.elsewhere.test [203.0.113.9])",
                      self.ours.messages[0].content)

    def test_the_side_is_that_of_whom_it_names(self):
        with Client(network.ROUTER, source=network.OTHER_CLIENT) as client:
            self.assertIn("XCLIENT", client.hello())
            self.assertReply(client.command(f"XCLIENT ADDR={network.EXTERNAL}"), "220")
            client.hello()
            self.assertReply(client.envelope("s@client.test", "carol@example.com")[1], "550 5.1.1")

    def test_nobody_else_may(self):
        with Client(network.ROUTER) as client:
            self.assertNotIn("XCLIENT", client.hello())
            self.assertReply(client.command(f"XCLIENT ADDR={network.EXTERNAL}"), "421 4.7.0")
            with self.assertRaises(ConnectionError):
                client.reply()


class ToPostfix(Case):
    """Ours takes XCLIENT, the external one PROXY headers: both real."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ours = cls.keep(Postfix("ours", network.OURS, ["alice", "bob"], settings=(
            f"smtpd_authorized_xclient_hosts = {network.ROUTER}\n"
            "smtpd_client_restrictions = check_client_access inline:{{{{203.0.113.66=REJECT}}}}\n")).start())
        cls.external = cls.keep(Postfix("external", network.EXTERNAL, ["carol", "dave"], proxied=True).start())
        cls.router = cls.keep(SplitMX(
            cls.build, "net_tap", listener=f"xclient_from = {network.OTHER_CLIENT}",
            domain_keys="local_identity = xclient\nexternal_identity = proxy-v2").start())

    def send(self, recipient, helo, source=network.OTHER_CLIENT):
        with Client(network.ROUTER, source=source) as client:
            client.hello(helo)
            return client.message("s@client.test", [recipient], b"Subject: x\r\n\r\ntext\r\n")

    def test_postfix_knows_each_client_by_xclient(self):
        self.ours.clear()
        for source, helo in ((network.CLIENT, "one.test"), (network.OTHER_CLIENT, "two.test")):
            self.assertReply(self.send("alice@example.com", helo, source), "250")
        messages = b"".join(self.ours.wait_for("alice@example.com", 2))
        self.assertIn(f"from one.test (unknown [{network.CLIENT}])\n\tby ours.test".encode(), messages)
        self.assertIn(f"from two.test (unknown [{network.OTHER_CLIENT}])\n\tby ours.test".encode(), messages)

    def test_postfix_knows_each_client_by_its_proxy_header(self):
        self.external.clear()
        for source in (network.CLIENT, network.OTHER_CLIENT):
            self.assertReply(self.send("carol@example.com", "one.test", source), "250")
        messages = b"".join(self.external.wait_for("carol@example.com", 2))
        for source in (network.CLIENT, network.OTHER_CLIENT):
            self.assertIn(f"(unknown [{source}])\n\tby external.test".encode(), messages)

    def test_what_a_client_calls_itself_injects_nothing(self):
        self.ours.clear()
        helo = "x=y ADDR=203.0.113.66 +0D+0ARSET [UNAVAILABLE]"
        self.assertReply(self.send("bob@example.com", helo), "250")
        self.assertEqual(len(self.ours.wait_for("bob@example.com")), 1)

    def test_the_destinations_own_rules_meet_the_client(self):
        with Client(network.ROUTER, source=network.OTHER_CLIENT) as client:
            client.hello("proxy.test")
            self.assertReply(client.command("XCLIENT ADDR=203.0.113.66"), "220")
            client.hello("bad.test")
            self.assertReply(client.envelope("s@client.test", "alice@example.com")[1], "554 5.7.1")
        self.assertReply(self.send("alice@example.com", "good.test"), "250")


class ToPostfixByXforward(CaptureCase):
    @classmethod
    def setUpClass(cls):
        Case.setUpClass.__func__(cls)
        cls.postfix = cls.keep(Postfix("ours", network.OURS, ["alice", "bob"], settings=(
            f"smtpd_authorized_xforward_hosts = {network.ROUTER}\n")).start())
        cls.router = cls.keep(SplitMX(cls.build, "net_tap", domain_keys="local_identity = xforward")
                              .start(external_up=False))

    def setUp(self):
        self.postfix.clear()

    def test_postfix_logs_the_client_of_each_message(self):
        with Client(network.ROUTER, source=network.OTHER_CLIENT) as client:
            client.hello()
            for _ in range(2):
                self.assertReply(client.message("s@client.test", ["alice@example.com"], b"x\r\n"), "250")
        self.postfix.wait_for("alice@example.com", 2)
        self.assertEqual(self.postfix.log().count(f"orig_client=unknown[{network.OTHER_CLIENT}]"), 2)
