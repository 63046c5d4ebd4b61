# SPDX-License-Identifier: BSD-3-Clause
"""What real mail servers of any make have in common: a directory, an address, and maildirs named by address."""
import os
import shutil
import unittest

from . import sandbox
from .process import wait_until


class MailServer:
    """One server, not started yet. `mail` holds a maildir for each address that ever got a message."""

    def __init__(self, make, name, address):
        self.make, self.name, self.address = make, name, address
        self.directory = os.path.join(sandbox.WORK, f"{make}-{name}")
        self.mail = os.path.join(self.directory, "mail")
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.mail)

    def write(self, name, text):
        """A file of its own; the path."""
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def queued(self):
        """How many messages are in the queue, whatever their state."""
        raise NotImplementedError

    def messages(self, address):
        """The messages in a mailbox, as delivered (lines end in LF), in no particular order."""
        new = os.path.join(self.mail, address, "new")
        found = []
        for name in sorted(os.listdir(new)) if os.path.isdir(new) else ():
            with open(os.path.join(new, name), "rb") as file:
                found.append(file.read())
        return found

    def mailboxes(self):
        """{address: messages} of all mailboxes that ever got one."""
        return {address: self.messages(address) for address in os.listdir(self.mail)}

    def clear(self):
        """Forget all delivered mail."""
        for address in os.listdir(self.mail):
            shutil.rmtree(os.path.join(self.mail, address))

    def wait_for(self, address, count=1, seconds=15):
        """The messages of a mailbox as soon as there are so many."""
        wait_until(lambda: len(self.messages(address)) >= count, seconds,
                   f"{count} messages for {address} on {self.name}")
        return self.messages(address)

    def settle(self, seconds=30):
        """Wait until the queue is empty: then everything accepted is in a mailbox."""
        wait_until(lambda: self.queued() == 0, seconds, f"empty queue on {self.name}", step=0.1)


class Unpacked(MailServer):
    """A server that bench/peers.sh unpacked: Debian's packages of mail servers exclude each other."""

    PROGRAM = ""  # in its package

    @classmethod
    def need(cls, build):
        """Where its make is unpacked; the class of cases is skipped if it is not."""
        peers = os.path.join(build, "peers")
        if not os.path.exists(os.path.join(peers, cls.PROGRAM)):
            raise unittest.SkipTest(f"{cls.__name__} is not there (bench/peers.sh --mail-servers {peers})")
        return peers

    def __init__(self, make, name, address, peers):
        super().__init__(make, name, address)
        self.peers, self.program = peers, None

    def unpacked(self, *parts):
        """A file of its package."""
        return os.path.join(self.peers, *parts)

    def environment(self):
        return {**os.environ, "LD_LIBRARY_PATH": self.unpacked("usr/lib/x86_64-linux-gnu")}

    def stop(self):
        if self.program:
            self.program.stop()
            self.program = None
