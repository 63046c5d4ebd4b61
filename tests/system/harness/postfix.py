# SPDX-License-Identifier: BSD-3-Clause
"""Real Postfix servers: as many as wanted, each with its own directories, address and mailboxes."""
import os
import shutil

from .client import answers
from .mailserver import MailServer
from .process import run, wait_until

# One line a service; postlog lets every process of the server write to one log file.
MASTER = """\
{address}:25 inet n - n - - smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
proxymap  unix  - - n - - proxymap
anvil     unix  - - n - 1 anvil
smtp      unix  - - n - - smtp
error     unix  - - n - - error
retry     unix  - - n - - error
virtual   unix  - n n - - virtual
postlog   unix-dgram n - n - 1 postlogd
"""

MAIN = """\
compatibility_level = 3.6
myhostname = {name}.test
mydestination =
mynetworks = 127.0.0.0/8 {trusted}
inet_interfaces = {address}
inet_protocols = ipv4
smtp_bind_address = {address}
queue_directory = {directory}/queue
data_directory = {directory}/data
maillog_file = {directory}/mail.log
maillog_file_prefixes = /run
alias_maps =
alias_database =
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
message_size_limit = 104857600
mailbox_size_limit = 0
virtual_mailbox_limit = 0
virtual_mailbox_base = {directory}/mail
virtual_mailbox_maps = texthash:{directory}/mailboxes
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtp_dns_support_level = disabled
smtp_host_lookup = native
default_process_limit = 150
# A router is one client with many connections; anvil's limit of 50 is for strangers.
smtpd_client_connection_count_limit = 0
minimal_backoff_time = 300s
"""

# The usual case: unknown mailboxes are refused at RCPT.
REFUSE_UNKNOWN = """\
virtual_mailbox_domains = {domains}
virtual_transport = virtual
"""

# Half of a split domain, as operators build it: whom we do not know, the other side knows.
RELAY_UNKNOWN = """\
virtual_mailbox_domains =
relay_domains = {domains}
relay_recipient_maps =
transport_maps = texthash:{directory}/transport
"""


class Postfix(MailServer):
    """One server. `users` are local parts, with a mailbox in each of `domains`.

    relay_unknown: where unknown recipients of the domains go, host:port, instead of a 550.
    trusted: networks that may relay anything through this server.
    proxied: it expects a PROXY header of each client.
    aliases: pairs of an address and where its mail goes instead.
    refuses: an address; messages that have it as From: are refused at their end.
    """

    def __init__(self, name, address, users, domains=("example.com",), relay_unknown=None,
                 trusted="", settings="", proxied=False, refuses=None, aliases=()):
        super().__init__("postfix", name, address)
        for part in ("config", "queue", "data"):
            os.makedirs(os.path.join(self.directory, part))
        shutil.chown(os.path.join(self.directory, "data"), "postfix")
        os.chown(self.mail, 65534, 65534)
        addresses = [f"{user}@{domain}" for domain in domains for user in users]
        self.write("mailboxes", "".join(f"{a} {a}/\n" for a in addresses))
        values = dict(name=name, address=address, directory=self.directory, trusted=trusted,
                      domains=" ".join(domains))
        main = MAIN + (RELAY_UNKNOWN if relay_unknown else REFUSE_UNKNOWN) + settings
        main += "\nsmtpd_upstream_proxy_protocol = haproxy\n" if proxied else ""
        if aliases:
            self.write("aliases", "".join(f"{alias} {target}\n" for alias, target in aliases))
            main += "virtual_alias_maps = texthash:{directory}/aliases\n"
        if refuses:
            self.write("header_checks", f"/^From: .*{refuses}/ REJECT no such content\n")
            main += "header_checks = regexp:{directory}/header_checks\n"
        if relay_unknown:
            host, port = relay_unknown.rsplit(":", 1)
            self.write("transport", "".join(f"{a} virtual:\n" for a in addresses) +
                        "".join(f"{domain} smtp:[{host}]:{port}\n" for domain in domains))
        self.write("config/main.cf", main.format(**values))
        self.write("config/master.cf", MASTER.format(address=address))
        self.running, self.proxied = False, proxied

    def start(self):
        self._postfix("start")
        self.running = True
        wait_until(lambda: answers(self.address, proxied=self.proxied), 20, f"Postfix {self.name} answers")
        return self

    def _postfix(self, action):
        run("postfix", "-c", os.path.join(self.directory, "config"), action)

    def stop(self):
        if self.running:
            self.running = False
            self._postfix("stop")

    def log(self):
        try:
            with open(os.path.join(self.directory, "mail.log"), encoding="utf-8") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    def queued(self):
        """How many messages are in the queue, whatever their state."""
        names = ("maildrop", "incoming", "active", "deferred")
        return sum(len(files) for name in names
                   for _, _, files in os.walk(os.path.join(self.directory, "queue", name)))

    def flush(self):
        run("postqueue", "-c", os.path.join(self.directory, "config"), "-f")
