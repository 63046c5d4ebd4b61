# SPDX-License-Identifier: BSD-3-Clause
"""Who a client is, said by others: load balancers and proxies in front of us."""
from harness import network
from harness.case import CaptureCase
from harness.client import Client, deliver
from harness.haproxy import HAProxy
from harness.process import run, wait_until

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
