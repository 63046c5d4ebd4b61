# SPDX-License-Identifier: BSD-3-Clause
"""A real OpenSMTPD with mailboxes. Its places are built into it: each server has mounts of its own."""
import os
import shutil

from . import etc, network, sandbox
from .client import answers
from .mailserver import Unpacked
from .process import Program, wait_until

CONFIG = """\
smtp max-message-size 100M
table users file:{directory}/users
filter "content" phase commit match mail-from {{ "{refuses}" }} reject "550 5.7.1 no such content"
listen on {address} hostname {name}.test filter "content"
action "deliver" maildir "{mail}/%{{rcpt}}" virtual <users>
table mailboxes file:{directory}/mailboxes
match from any for domain {{ {domains} }} rcpt-to <mailboxes> action "deliver"
"""

# Its own /usr/libexec, /var/spool, /var/lib and /run; what the tests keep in /run stays where it is.
PRIVATE = """\
set -e
mkdir -p {directory}/run/{name}
mount --rbind {work} {directory}/run/{name}
mount --rbind {directory}/run /run
mount -t tmpfs -o mode=755 opensmtpd /usr/libexec
cp -r {programs} /usr/libexec/
mount -t tmpfs -o mode=755 opensmtpd /var/spool
mount -t tmpfs -o mode=755 opensmtpd /var/lib
mkdir -m 711 /var/spool/smtpd /var/lib/opensmtpd
mkdir -m 755 /var/lib/opensmtpd/empty
exec "$@"
"""


class OpenSMTPD(Unpacked):
    """`users` are local parts, with a mailbox in each of `domains`; all others are refused.

    refuses: a sender whose messages are refused at their end.
    """

    PROGRAM = "usr/sbin/smtpd"

    def __init__(self, name, address, users, domains=("example.com",), peers="",
                 refuses="nobody@nowhere.test"):
        super().__init__("opensmtpd", name, address, peers)
        etc.need_user("opensmtpd", "opensmtpd")
        etc.need_user("opensmtpq", "opensmtpq")
        etc.need_user("vmail", "vmail")
        with open(etc.private("/etc/resolv.conf"), "w", encoding="ascii") as file:
            file.write("lookup file\n")  # it looks up every client, and there is no name server
        with open(etc.private("/etc/hosts"), "a", encoding="ascii") as file:
            file.write(f"{network.ROUTER} mx.test\n{address} {name}.test\n")
        shutil.chown(self.mail, "vmail", "vmail")
        addresses = [f"{user}@{domain}" for domain in domains for user in users]
        self.write("mailboxes", "".join(f"{mailbox}\n" for mailbox in addresses))
        self.write("users", "".join(f"{mailbox}: vmail\n" for mailbox in addresses))
        self.config = self.write("smtpd.conf", CONFIG.format(
            directory=self.directory, address=address, name=name, mail=self.mail, refuses=refuses,
            domains=", ".join(f'"{domain}"' for domain in domains)))

    def start(self):
        script = PRIVATE.format(directory=self.directory, work=sandbox.WORK,
                                programs=self.unpacked("usr/libexec/opensmtpd"), name=os.path.basename(sandbox.WORK))
        self.program = Program(os.path.join(self.directory, "mail.log"), "unshare", "--mount", "bash", "-c", script,
                               "bash", self.unpacked(self.PROGRAM), "-d", "-f", self.config,
                               env=self.environment())
        wait_until(lambda: answers(self.address), 20, f"OpenSMTPD {self.name} answers")
        return self

    def queued(self):
        """Its spool, seen through its own mounts: a directory of 8 digits a message."""
        spool = f"/proc/{self.program.process.pid}/root/var/spool/smtpd"
        return sum(len(name) == 8 for part in ("queue", "incoming")
                   for _, names, _ in os.walk(os.path.join(spool, part)) for name in names)
