# SPDX-License-Identifier: BSD-3-Clause
"""The process of harness/aiosmtpd.py: aiosmtpd with a handler that puts messages into maildirs, until killed."""
import asyncio
import json
import mailbox
import os
import sys

sys.path.pop(0)  # beside this file is one with the name of the library
from aiosmtpd.controller import Controller  # noqa: E402


class Handler:
    """Takes messages for `addresses`, and has each in a maildir before it says so."""

    def __init__(self, mail, addresses, refuses):
        self.mail, self.addresses, self.refuses = mail, set(addresses), refuses

    async def handle_RCPT(self, _server, _session, envelope, address, options):  # noqa: N802 (its name there)
        if address not in self.addresses:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        if envelope.mail_from == self.refuses:
            return "550 5.7.1 no such content"
        for address in envelope.rcpt_tos:
            box = mailbox.Maildir(os.path.join(self.mail, address), factory=None)
            box.add(envelope.content.replace(b"\r\n", b"\n"))
        return "250 2.0.0 OK"


def serve(name, address, mail, addresses, refuses):
    """Listen, and never return."""
    Controller(Handler(mail, addresses, refuses), hostname=address, port=25, server_hostname=f"{name}.test", ready_timeout=20,
               data_size_limit=100 << 20, enable_SMTPUTF8=True).start()
    asyncio.new_event_loop().run_forever()


if __name__ == "__main__":
    serve(**json.loads(sys.argv[1]))
