# SPDX-License-Identifier: BSD-3-Clause
"""Which extensions arrive where: messages that need one, to real mail servers of all makes, a pair at a time."""
import os

from harness import network
from harness.client import Client
from harness.pairs import EXTERNAL, HEADER, MAKES, OURS, PAIRS, PairsCase, domain_of

KEYWORDS = ("PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN", "CHUNKING", "BINARYMIME", "LIMITS")
TEXT = "grüße\r\n".encode()

# What a message needs: parameters of MAIL and of RCPT, the extension that its server has to have, and what its
# recipient hears where the server has it not. None: the message goes there all the same.
NEEDS = {
    "8-bit text": (" BODY=8BITMIME", "", "8BITMIME", "550 5.6.3"),
    "an international sender": (" SMTPUTF8", "", "SMTPUTF8", "550 5.6.7"),
    "a size": (" SIZE=10000", "", "SIZE", None),
    "notice of success": (" RET=HDRS ENVID=x", " NOTIFY=SUCCESS", "DSN", "550 5.3.3"),
    "notice of failure": (" RET=FULL", " NOTIFY=FAILURE,DELAY ORCPT=rfc822;other@client.test", "DSN", None),
    "chunks": (" BODY=8BITMIME", "", "CHUNKING", None),
    "binary chunks": (" BODY=BINARYMIME", "", "BINARYMIME", "550 5.6.3"),
}


def offered(address):
    """The keywords and parameters that a server offers."""
    with Client(address) as client:
        lines = client.hello().split("\n")[1:]
        client.quit()
    return {line.split(" ")[0].upper(): line.partition(" ")[2] for line in lines}


class Extensions(PairsCase):
    router_options = {"listener": "dsn = yes\nbinarymime = yes\n"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.offers = {make: offered(OURS[make]) for make in MAKES}

    def transfer(self, need, pair, content):
        """The replies to RCPT, ours first, and the last one (None where nobody was accepted)."""
        mail, rcpt, _extension, _refusal = NEEDS[need]
        # Who asks for a notice names nobody that it could be sent to.
        sender = "absënder@client.test" if "UTF8" in mail else "" if "NOTIFY" in rcpt else "s@client.test"
        with Client(network.ROUTER, seconds=50) as client:
            client.hello()
            self.assertReply(client.command(f"MAIL FROM:<{sender}>{mail}"), "250")
            replies = [client.command(f"RCPT TO:<{user}@{domain_of(pair)}>{rcpt}") for user in ("alice", "carol")]
            if all(reply[0] != "2" for reply in replies):
                return replies, None
            if "chunks" not in need:
                return replies, client.content(content)
            half = len(content) // 2
            client.send(f"BDAT {half}\r\n".encode() + content[:half])
            self.assertReply(client.reply(), "250")
            client.send(f"BDAT {len(content) - half} LAST\r\n".encode() + content[half:])
            return replies, client.reply()

    def test_a_server_gets_what_it_has_the_extension_for(self):
        """... its own recipients alone hear of what it lacks, and what arrives is what was sent."""
        for external, ours in zip(EXTERNAL.values(), OURS.values()):
            self.assertEqual(offered(external), offered(ours))
        wanted, table = {}, {}
        for need, (_mail, _rcpt, extension, refusal) in NEEDS.items():
            for pair in PAIRS:
                content = HEADER.format(f"{need}-{domain_of(pair)}".replace(" ", "-")).encode() + TEXT
                with self.subTest(need=need, pair=pair):
                    replies, answer = self.transfer(need, pair, content)
                    for make, user, reply in zip(pair, ("alice", "carol"), replies):
                        arrives = refusal is None or extension in self.offers[make]
                        self.assertReply(reply, "250" if arrives else refusal)
                        if arrives:
                            wanted.setdefault(f"{user}@{domain_of(pair)}", []).append(content)
                            self.assertReply(answer, "250")
                        table.setdefault(need, {})[make] = (
                            reply[:9] if not arrives else "passes" if extension in self.offers[make] else "without")
        self.assertDelivered(wanted)
        self.write(table)

    def write(self, table):
        """What each make offers, and what becomes of what needs it."""
        rows = [["", *MAKES]]
        rows += [[word, *(("yes" if word in self.offers[make] else "-") for make in MAKES)] for word in KEYWORDS]
        rows += [[need, *(table[need][make] for make in MAKES)] for need in table]
        logs = os.path.join(self.build, "test-logs")
        os.makedirs(logs, exist_ok=True)
        with open(os.path.join(logs, "extensions.txt"), "w", encoding="utf-8") as file:
            for row in rows:
                file.write("".join(f"{cell:<26}" if not i else f"{cell:<11}" for i, cell in enumerate(row)).rstrip() + "\n")
