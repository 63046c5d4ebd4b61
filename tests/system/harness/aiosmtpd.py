# SPDX-License-Identifier: BSD-3-Clause
"""A real aiosmtpd with mailboxes, in a process of its own."""
import json
import os

from .client import answers
from .mailserver import MailServer
from .process import Program, wait_until

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "aiosmtpd_process.py")


class Aiosmtpd(MailServer):
    """`users` are local parts, with a mailbox in each of `domains`; all others are refused.

    refuses: a sender whose messages are refused at their end.
    """

    def __init__(self, name, address, users, domains=("example.com",), refuses=None):
        super().__init__("aiosmtpd", name, address)
        self.addresses = [f"{user}@{domain}" for domain in domains for user in users]
        self.refuses, self.program = refuses, None

    def start(self):
        told = {"name": self.name, "address": self.address, "mail": self.mail, "addresses": self.addresses,
                "refuses": self.refuses}
        self.program = Program(os.path.join(self.directory, "output.log"), "/usr/bin/python3", PROGRAM,
                               json.dumps(told))
        wait_until(lambda: answers(self.address), 20, f"aiosmtpd {self.name} answers")
        return self

    def stop(self):
        if self.program:
            self.program.stop()
            self.program = None

    def queued(self):
        """It has no queue."""
        return 0
