# SPDX-License-Identifier: BSD-3-Clause
"""Mail clients of all kinds before mail servers of all makes."""
import os

from harness import network
from harness.client import Client
from harness.pairs import EXTERNAL, MAKES, OURS, PairsCase, domain_of
from harness.postfix import Postfix
from harness.process import run

SENDER = "s@client.test"
MESSAGE = f"From: <{SENDER}>\nSubject: client\n\n.text\n"

NODEMAILER = f"""
const transport = require('nodemailer').createTransport({{host: '{network.ROUTER}', port: 25, ignoreTLS: true}});
transport.sendMail({{from: '{SENDER}', to: process.argv.slice(1), subject: 'client', text: '.text'}},
                   (error) => {{ if (error) throw error; }});
"""
SMTPLIB = f"""
import smtplib, sys
with smtplib.SMTP('{network.ROUTER}', timeout=20) as client:
    assert client.sendmail('{SENDER}', sys.argv[1:], 'Subject: client\\r\\n\\r\\n.text\\r\\n') == {{}}
"""


class Clients(PairsCase):
    def send(self, *command, **options):
        run(*command, env={**os.environ, "NODE_PATH": "/usr/share/nodejs"}, **options)

    def assertReachesBoth(self, send):
        """send(recipient, recipient) sends a message to both sides of a pair, and each has it once; all makes."""
        for pair in zip(MAKES, reversed(MAKES)):
            both = [f"alice@{domain_of(pair)}", f"carol@{domain_of(pair)}"]
            self.setUp()
            with self.subTest(pair=pair):
                send(*both)
                for server, address in zip((self.ours[pair[0]], self.external[pair[1]]), both):
                    message, = server.wait_for(address)
                    self.assertIn(b"text\n", self.content(message))
                for server in self.servers():
                    server.settle()
                    found = {address: len(messages) for address, messages in server.mailboxes().items()}
                    self.assertEqual(found, {address: 1 for address in both if address in self.known(server)}
                                     if server.address in (OURS[pair[0]], EXTERNAL[pair[1]]) else {})

    def test_swaks(self):
        self.assertReachesBoth(lambda *to: self.send(
            "swaks", "--server", network.ROUTER, "--from", SENDER, "--to", ",".join(to), "--body", ".text"))

    def test_msmtp(self):
        message = self.ours["postfix"].write("message", MESSAGE)
        self.assertReachesBoth(lambda *to: self.send(
            "sh", "-c", 'exec msmtp --host="$1" --port=25 --auth=off --tls=off --domain=client.test --from="$2" -- '
            '"$4" "$5" <"$3"', "msmtp", network.ROUTER, SENDER, message, *to))

    def test_nodemailer(self):
        self.assertReachesBoth(lambda *to: self.send("node", "-e", NODEMAILER, *to))

    def test_smtplib(self):
        self.assertReachesBoth(lambda *to: self.send("/usr/bin/python3", "-c", SMTPLIB, *to))

    def test_smtp_source(self):
        """It has one recipient a message, and a body of its own."""
        message = self.ours["postfix"].write("message", MESSAGE)
        self.assertReachesBoth(lambda *to: [self.send(
            "smtp-source", "-m", "1", "-f", SENDER, "-t", address, "-F", message, f"{network.ROUTER}:25")
            for address in to])

    def test_postfix(self):
        relay = self.keep(Postfix("client", network.OTHER_CLIENT, [], domains=["client.test"], trusted=network.CLIENT,
                                  settings=f"relayhost = [{network.ROUTER}]:25\n").start())

        def send(*to):
            with Client(network.OTHER_CLIENT) as client:
                client.hello()
                self.assertReply(client.message(SENDER, list(to), MESSAGE.replace("\n", "\r\n")), "250")
            relay.settle()

        self.assertReachesBoth(send)
