# SPDX-License-Identifier: BSD-3-Clause
"""Real mail servers of all makes that refuse a message at its end, which the other side takes."""
from harness import network
from harness.client import Client
from harness.pairs import HEADER, PAIRS, PairsCase, domain_of, refused_by

ROUNDS = 6


class RefusedContent(PairsCase):
    def transaction(self, sender, recipients, content):
        """One transaction: {recipient: the reply that was its own}, at RCPT or to the end of data."""
        with Client(network.ROUTER, seconds=50) as client:
            client.hello()
            replies = dict(zip(recipients, client.envelope(sender, *recipients)[1:]))
            accepted = [who for who, reply in replies.items() if reply[0] == "2"]
            answer = client.content(content) if accepted else None
            return {who: answer if who in accepted else reply for who, reply in replies.items()}

    def deliver(self, sender, recipients, content):
        """As a mail system does: whoever hears 4xx is tried again. The answers of the first try, and the last of each."""
        first = last = self.transaction(sender, recipients, content)
        for _ in range(ROUNDS):
            waiting = [who for who in recipients if last[who][0] == "4"]
            if not waiting:
                break
            last = last | self.transaction(sender, waiting, content)
        return first, last

    def test_each_side_has_its_own_answer(self):
        wanted = {}
        for pair in PAIRS:
            domain = domain_of(pair)
            both = {"ours": f"alice@{domain}", "external": f"carol@{domain}"}
            for refusing, taking in (("ours", "external"), ("external", "ours")):
                sender = refused_by(refusing)
                content = (HEADER.format(f"{refusing}-{domain}").replace("s@client.test", sender, 1) + "text\r\n").encode()
                with self.subTest(pair=pair, refusing=refusing):
                    first, last = self.deliver(sender, list(both.values()), content)
                    for answer in first.values():
                        self.assertReply(answer, "451")
                    self.assertReply(last[both[refusing]], "5")
                    self.assertIn("no such content", last[both[refusing]])
                    self.assertReply(last[both[taking]], "250")
                wanted.setdefault(both[taking], []).append(content)
        self.assertDelivered(wanted)
